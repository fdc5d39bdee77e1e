//! Logins that grant.

pub mod drac;
