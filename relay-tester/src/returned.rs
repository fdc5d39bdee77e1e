//! The proof in a message that came to the receiver.

mod headers;
mod hop;

use std::net::IpAddr;

use dnsbl_types::UnixTime;
use headers::Headers;
pub(crate) use hop::came_from;

use crate::{Binding, Candidate, Kind, Probe, Received, TestId, Token, TokenKeys};

/// The judgement on one token of a message.
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
    /// It proves nothing: it is forged, late or mangled.
    Rejected(Rejection),
}

/// The reason why a message proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The token does not verify: made up, expired, or of another test.
    #[error("the token does not verify")]
    Token,
    /// The token is for a header, or for a probe that there is not.
    #[error("the token is for no address")]
    NoAddress,
    /// The message is not ours: it has no signed header outside.
    #[error("no X-Probe-Sig header")]
    NoSignature,
    /// The signed header is of another probe or test, or made up.
    #[error("X-Probe-Sig does not verify")]
    BadSignature,
}

/// Judges a message by the token of one of its recipients, whose test has this binding.
///
/// A message is a genuine return only if the token of the *recipient* verifies, the envelope sender is
/// not null (unless the probe's was), nothing in the outermost headers says that it is a bounce or an
/// automatic reply, and they carry the header that was signed for that very probe. What stands in the
/// body, as in a message that was attached, does not count. Who delivered it does not matter here.
pub fn judge(
    received: &Received,
    candidate: &Candidate,
    binding: &Binding,
    keys: &TokenKeys,
    now: UnixTime,
) -> Return {
    if !keys.verify(candidate, binding, now) {
        return Return::Rejected(Rejection::Token);
    }
    let (test, kind) = (candidate.test, candidate.kind);
    let Some(probe) = Probe::by_index(candidate.probe).filter(|_| kind != Kind::Header) else {
        return Return::Rejected(Rejection::NoAddress);
    };
    let headers = Headers::read(&received.data);
    let from_nobody = received.mail_from.is_empty() && !probe.has_null_sender();
    if kind == Kind::Bounce || from_nobody || headers.are_of_a_bounce() {
        return Return::Bounce { test, probe };
    }
    let signed = |signature: &Candidate| {
        signature.kind == Kind::Header
            && (signature.test, signature.probe) == (test, candidate.probe)
            && keys.verify(signature, binding, now)
    };
    let signatures: Vec<_> = headers.all("x-probe-sig").flat_map(Token::scan).collect();
    match signatures.iter().any(signed) {
        true => Return::Genuine {
            test,
            probe,
            peer: received.peer.ip().to_canonical(),
            headers: headers.shown(),
        },
        false if signatures.is_empty() => Return::Rejected(Rejection::NoSignature),
        false => Return::Rejected(Rejection::BadSignature),
    }
}

#[cfg(test)]
mod tests;
