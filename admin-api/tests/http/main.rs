//! The API in one process: the router over a real store and index.

mod access;
mod exchange;
mod feed;
mod fixture;
mod listings;
mod problems;
