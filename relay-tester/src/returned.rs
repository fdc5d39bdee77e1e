//! What a message that came to the receiver proves.

use std::net::IpAddr;

use dnsbl_types::UnixTime;

use crate::{Binding, Candidate, Probe, Received, TestId, TokenKeys};

/// What a message says about one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Return {
    /// The probe came back: somebody relayed it.
    Genuine {
        /// The test.
        test: TestId,
        /// The probe.
        probe: &'static Probe,
        /// Who delivered it.
        peer: IpAddr,
        /// The outermost headers, with tokens cut.
        headers: String,
    },
    /// The probe was taken and then bounced, which proves nothing.
    Bounce {
        /// The test.
        test: TestId,
        /// The probe.
        probe: &'static Probe,
    },
    /// It proves nothing, and somebody tries to make it look otherwise or mail was mangled.
    Rejected(Forgery),
}

/// Why a message proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forgery {
    /// The token does not verify: made up, expired, or of another test.
    #[error("the token does not verify")]
    Token,
    /// A header's token is no address.
    #[error("the token is for a header")]
    Kind,
    /// No probe has that index.
    #[error("there is no such probe")]
    Probe,
    /// The message is not ours: it has no signed header.
    #[error("no X-Probe-Sig header")]
    NoSignature,
    /// The message is of another probe, or altered.
    #[error("X-Probe-Sig does not verify")]
    BadSignature,
}

/// Judges a message by the token of one of its recipients, whose test has this binding.
pub fn judge(
    received: &Received,
    candidate: &Candidate,
    binding: &Binding,
    keys: &TokenKeys,
    now: UnixTime,
) -> Return {
    let _ = (received, candidate, binding, keys, now);
    todo!()
}
