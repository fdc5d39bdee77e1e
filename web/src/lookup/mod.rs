//! Looking up: what somebody typed, what is known of it, and what to do about it.

mod advice;
mod findings;
mod json;
mod names;
mod question;

pub(crate) use advice::{Audience, Step, advise};
pub(crate) use findings::{
    DnsAnswer, Evidence, Findings, Inside, ListedFacts, Removal, Standing, ZoneFinding, find,
};
#[cfg(test)]
pub(crate) use findings::{evidence, facts};
pub(crate) use json::{findings as findings_json, mistake as mistake_json};
pub(crate) use names::{HostNames, NameChecker};
pub(crate) use question::{Mistake, MistakeKind, Question, read};

use dnsbl_types::Subject;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands in a path as it is (RFC 3986 section 3.3); the length of a prefix is a part of its own.
const IN_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':').remove(b'/');

/// The permanent place of what is known of a subject, without a language.
pub(crate) fn permalink(subject: &Subject) -> String {
    format!("/lookup/{}", utf8_percent_encode(&subject.to_string(), IN_PATH))
}
