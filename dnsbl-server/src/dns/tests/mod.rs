//! The fast path against the slow one, and what the fast path may not do.

mod allocation;
mod differential;
mod large;
mod zones;
