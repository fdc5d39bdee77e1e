//! The fast path against the slow one, what the fast path may not do, and what TCP may not lose.

mod allocation;
mod differential;
mod large;
mod tcp;
mod zones;
