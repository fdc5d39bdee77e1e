//! The quick path against the general one, and what the quick path may not do.

mod allocation;
mod differential;
mod large;
mod zones;
