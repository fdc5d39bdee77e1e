//! Real lists, as published; the README beside them says by whom.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use dnsbl_types::Subject;

/// A list of one subject a line.
pub struct Fixture {
    /// The file, as it is imported.
    pub text: String,
    /// What it lists.
    pub subjects: BTreeSet<Subject>,
}

/// IPv4 addresses seen on abuse lists.
pub const IPSUM: &str = "ipsum.txt";
/// IPv4 prefixes of VPN providers.
pub const VPN_IPV4: &str = "vpn-ipv4.txt";
/// IPv6 prefixes of VPN providers.
pub const VPN_IPV6: &str = "vpn-ipv6.txt";
/// Domains of disposable mail addresses.
pub const DOMAINS: &str = "disposable-email-domains.txt";

/// Reads one of the lists.
#[track_caller]
pub fn load(name: &str) -> Fixture {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    let text = fs::read_to_string(&file).unwrap_or_else(|err| panic!("{}: {err}", file.display()));
    let subjects = subjects(&text);
    Fixture { text, subjects }
}

/// What a list in the plain format lists.
#[track_caller]
pub fn subjects(text: &str) -> BTreeSet<Subject> {
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first_words = rows.filter_map(|row| row.split_whitespace().next());
    first_words.map(|word| word.parse().unwrap_or_else(|err| panic!("{word:?}: {err}"))).collect()
}

/// A certificate or key of those that openssl(1) made once, each for a hundred years.
#[track_caller]
pub fn tls(name: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name);
    assert!(file.is_file(), "{}", file.display());
    file
}
