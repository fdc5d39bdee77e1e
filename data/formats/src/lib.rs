//! What files of others mean: lines in, rows out, and the other way round. No IO, no HTTP.
//!
//! [`rbldnsd`] reads the data sets of rbldnsd. [`export`] writes what a zone lists for other servers: rbldnsd, name
//! servers, and resolvers with a policy.

pub mod export;
pub mod rbldnsd;
