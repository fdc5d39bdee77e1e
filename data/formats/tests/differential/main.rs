//! What a file means to us is what it means to the real rbldnsd, which `make tools` unpacks.
//!
//! Files are made up line by line (valid, odd, broken) and served by rbldnsd; the same file is read by
//! `dnsbl-formats` into rows that the index judges by. Every address and name in the file is asked of both, and so
//! are those beside it. `DNSBL_RBLDNSD_FILES` says how many files of each type there are, `DNSBL_RBLDNSD_RANDOM` has them be others
//! each time.
//!
//! Combined files, records and access lists are compared in the same way (`combined.rs`, `records.rs`, `access.rs`):
//! whether rbldnsd loads them at all, and what it answers.
//!
//! What differs on purpose is taken out before: lines that are refused because they can't be told here
//! ([`LineError::differs`]), CR and the byte order mark; `$` in a data set of domains is the name that was asked
//! for.
//!
//! [`LineError::differs`]: dnsbl_formats::rbldnsd::LineError::differs

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod access;
mod combined;
mod exports;
mod files;
mod ours;
mod question;
mod rbldnsd;
mod records;

use std::{cell::Cell, env};

use dnsbl_formats::rbldnsd::ListType;
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use ours::Ours;
use rbldnsd::Rbldnsd;

/// Files of a type.
fn count() -> u32 {
    let given = env::var("DNSBL_RBLDNSD_FILES").ok();
    given.map_or(400, |count| count.parse().expect("DNSBL_RBLDNSD_FILES is a number"))
}

/// Holds both to the same answers, and counts what is listed.
fn compare(list: ListType, lines: &[Vec<u8>]) -> Result<usize, TestCaseError> {
    let Some(ours) = Ours::read(list, lines) else {
        // A value that can't be told; what other entries of its addresses answer is not compared.
        return Ok(0);
    };
    let mut listed = 0;
    let theirs = Rbldnsd::start(list.as_str(), &ours.file);
    for question in files::questions(list, &ours.file) {
        let (expected, found) = (theirs.ask(&question), ours.ask(&question));
        let file = String::from_utf8_lossy(&ours.file);
        listed += usize::from(found.is_some());
        prop_assert_eq!(expected, found, "{} in this {}:\n{}", question, list.as_str(), file);
    }
    Ok(listed)
}

fn all_files_mean_the_same(list: ListType) {
    let listed = Cell::new(0);
    let run = |lines: Vec<Vec<u8>>| {
        listed.set(listed.get() + compare(list, &lines)?);
        Ok(())
    };
    run_all(count(), &files::files(list), run);
    assert!(listed.get() > count() as usize, "files list something");
}

/// Runs a test for so many made-up values.
fn run_all<S: Strategy>(
    cases: u32,
    values: &S,
    run: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    // The same files each time, so that a failure is one of a change; others for who looks for more.
    let mut runner = match env::var_os("DNSBL_RBLDNSD_RANDOM") {
        Some(_) => TestRunner::new(config),
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, rng)
        }
    };
    if let Err(err) = runner.run(values, run) {
        panic!("{err}");
    }
}

#[test]
fn ip4set() {
    all_files_mean_the_same(ListType::Ip4Set);
}

#[test]
fn ip4tset() {
    all_files_mean_the_same(ListType::Ip4TSet);
}

#[test]
fn ip4trie() {
    all_files_mean_the_same(ListType::Ip4Trie);
}

#[test]
fn ip6tset() {
    all_files_mean_the_same(ListType::Ip6TSet);
}

#[test]
fn ip6trie() {
    all_files_mean_the_same(ListType::Ip6Trie);
}

#[test]
fn dnset() {
    all_files_mean_the_same(ListType::DnSet);
}

#[test]
fn dnhash_is_read_as_dnset_is() {
    let lines: Vec<Vec<u8>> = ["x.example", ".y.example :5:b $", "!z.y.example", "*.w.example"]
        .map(|line| line.as_bytes().to_vec())
        .into();
    let (hash, set) = (Ours::read(ListType::DnHash, &lines), Ours::read(ListType::DnSet, &lines));
    let (hash, set) = (hash.unwrap(), set.unwrap());
    for question in files::questions(ListType::DnSet, &set.file) {
        assert_eq!(hash.ask(&question), set.ask(&question), "{question}");
    }
}
