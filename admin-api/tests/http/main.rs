//! The API in one process: the router over a real store and index. A file for each resource, as in the URLs;
//! what belongs to none of them has a file by its subject.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod access;
mod allowlist;
mod audit;
mod changes;
mod check;
mod export;
mod feeds;
mod fixture;
mod formats;
mod health;
mod idempotency;
mod import;
mod listings;
mod logins;
mod matrix;
mod openapi;
mod problems;
mod published_lists;
mod rbldnsd;
mod removal_requests;
mod reports;
mod review;
mod schema;
mod search;
mod serve;
mod standing;
mod subjects;
mod subscribers;
mod token_terms;
mod tokens;
mod undo;
mod usage;
mod webhooks;
mod zones;
