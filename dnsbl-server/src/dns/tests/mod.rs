//! The fast path against the slow one, what the fast path may not do, what protects others, and what TCP may
//! not lose.

mod access;
mod allocation;
mod differential;
mod large;
mod protection;
mod tcp;
mod zones;
