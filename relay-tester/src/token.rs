//! Tokens: by them a message that comes back is known.

use std::{fmt, net::IpAddr};

use dnsbl_types::UnixTime;

/// The number of a test. It is shown as 13 characters of base32.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TestId(pub u64);

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The recipient of a probe: that it comes back means the host relayed it.
    Return,
    /// The sender of a probe: what comes to it is a bounce.
    Bounce,
    /// The signed header of a probe message.
    Header,
}

/// What a token holds for, beside test and probe. It does not stand in the token: who checks one
/// looks the test up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The tested address.
    pub addr: IpAddr,
    /// The tested port.
    pub port: u16,
    /// From when on it counts no more.
    pub expires_at: UnixTime,
}

/// A token that we made: a local part of 36 characters `[a-z2-7]`. It shows itself only when asked to.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Something with the form of a token, unchecked. It can be found in what a relay made of an address.
#[derive(Clone, PartialEq, Eq)]
pub struct Candidate {
    /// What it claims to be for.
    pub kind: Kind,
    /// The probe that it claims.
    pub probe: u8,
    /// The test that it claims.
    pub test: TestId,
    mac: [u8; Token::MAC_LEN],
}

/// A key that tokens are made with.
#[derive(Clone)]
pub struct Key {
    /// Its number.
    pub id: u8,
    /// 32 random bytes.
    pub secret: [u8; 32],
}

/// The key in use, and earlier ones whose tokens still count.
#[derive(Clone, Debug)]
pub struct TokenKeys {
    current: Key,
    old: Vec<Key>,
}

impl TokenKeys {
    /// Keys; tokens are made with the current one.
    pub fn new(current: Key, old: Vec<Key>) -> Self {
        Self { current, old }
    }

    /// Makes a token.
    pub fn mint(&self, kind: Kind, test: TestId, probe: u8, binding: &Binding) -> Token {
        let _ = (kind, test, probe, binding);
        todo!()
    }

    /// Whether the candidate was made with one of the keys for this binding, and has not expired.
    pub fn verify(&self, candidate: &Candidate, binding: &Binding, now: UnixTime) -> bool {
        let _ = (candidate, binding, now, &self.old);
        todo!()
    }
}

impl Token {
    /// Characters of a token.
    pub const LEN: usize = 36;
    /// Octets of the MAC: 100 bits, the last four bits are zero.
    const MAC_LEN: usize = 13;

    /// The text, for the wire only: who has it can make a host look like an open relay.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What has the form of a token in this text, at most 8.
    pub fn scan(text: &[u8]) -> Vec<Candidate> {
        let _ = text;
        todo!()
    }
}

/// The text with all that looks like a token cut down to its kind and probe.
pub fn cut(text: &str) -> String {
    let _ = text;
    todo!()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, …)", self.id)
    }
}

impl fmt::Display for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!()
    }
}
impl fmt::Debug for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TestId({self})")
    }
}

impl std::str::FromStr for TestId {
    type Err = TestIdError;
    fn from_str(text: &str) -> Result<Self, TestIdError> {
        let _ = text;
        todo!()
    }
}

/// Not the 13 characters of a test's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the number of a test has 13 characters a-z2-7")]
pub struct TestIdError;
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}
impl fmt::Debug for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Candidate({:?}, {:?}, probe {})", self.kind, self.test, self.probe)
    }
}
