//! The API in one process: the router over a real store and index.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod access;
mod audit;
mod exchange;
mod feed;
mod fixture;
mod listings;
mod problems;
mod serve;
mod sources;
mod standing;
