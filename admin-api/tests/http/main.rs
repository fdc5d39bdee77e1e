//! The API in one process: the router over a real store and index.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod access;
mod audit;
mod exchange;
mod feed;
mod feeds;
mod fixture;
mod formats;
mod listings;
mod problems;
mod search;
mod serve;
mod sources;
mod standing;
