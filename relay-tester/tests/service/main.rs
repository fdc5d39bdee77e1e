//! The tester over a store whose records tell of times long ago: what is due is done.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod deferrals;
mod fixture;
mod notices;
mod outputs;
mod retests;
