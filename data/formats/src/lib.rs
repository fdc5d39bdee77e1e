//! What files of others mean: lines in, rows out. No IO, no HTTP.
//!
//! [`rbldnsd`] reads the data sets of rbldnsd.

pub mod rbldnsd;
