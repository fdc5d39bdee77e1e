//! Secrets of webhooks, and what is signed with them (Standard Webhooks 1.0, *Signature scheme*).

use std::{fmt, str::FromStr};

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use dnsbl_types::UnixTime;

/// The mark in front of a secret's text.
const PREFIX: &str = "whsec_";

/// A secret that a receiver shares: 24 to 64 bytes, as text `whsec_` and base64. It is shown by [`Secret::reveal`] alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// The bytes that [`of_random`](Self::of_random) takes.
    pub const RANDOM: usize = 32;
    /// The bytes of a secret.
    pub const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

    /// A new one.
    pub fn of_random(random: [u8; Self::RANDOM]) -> Self {
        Self(random.into())
    }

    /// Its text.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Result<Self, SecretError> {
        Self::BYTES.contains(&bytes.len()).then_some(Self(bytes)).ok_or(SecretError)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The signature of a message, with the version in front.
    fn sign(&self, id: &str, at: UnixTime, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &self.0));
        context.update(format!("{id}.{}.", at.0).as_bytes());
        context.update(body);
        format!("v1,{}", BASE64.encode(context.sign().as_ref()))
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError)?;
        Self::of_bytes(BASE64.decode(encoded.as_bytes()).map_err(|_| SecretError)?)
    }
}

/// Shows nothing of it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A text is no secret. What it is is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is whsec_ and the base64 of 24 to 64 bytes")]
pub struct SecretError;

/// The secrets of a webhook: the newest, and those before it that count yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    newest: Secret,
    /// Each with the time from which on it counts no more; the newest first.
    older: Vec<(Secret, UnixTime)>,
}

impl Secrets {
    /// The most that count at once.
    pub const MOST: usize = 3;

    /// One alone.
    pub fn one(newest: Secret) -> Self {
        Self { newest, older: Vec::new() }
    }

    pub(crate) fn new(newest: Secret, older: Vec<(Secret, UnixTime)>) -> Self {
        Self { newest, older }
    }

    pub(crate) fn parts(&self) -> (&Secret, &[(Secret, UnixTime)]) {
        (&self.newest, &self.older)
    }

    /// These with another one in front; those before it count for `overlap` seconds at most. `None` where too many count.
    pub(crate) fn rotated(&self, newest: Secret, overlap: u64, now: UnixTime) -> Option<Self> {
        let until = now.plus(overlap);
        let before = std::iter::once((self.newest.clone(), until));
        let older =
            before.chain(self.older.iter().map(|(old, end)| (old.clone(), *end.min(&until))));
        let older: Vec<(Secret, UnixTime)> = older.filter(|(_, end)| now < *end).collect();
        (older.len() < Self::MOST).then_some(Self { newest, older })
    }

    /// Until when secrets before the newest count, the longest first.
    pub fn ends(&self, now: UnixTime) -> Vec<UnixTime> {
        self.older.iter().map(|(_, until)| *until).filter(|until| now < *until).collect()
    }

    /// The field `webhook-signature` of a message: a signature by each secret that counts, the newest first.
    pub(crate) fn sign(&self, id: &str, at: UnixTime, body: &[u8]) -> String {
        let older = self.older.iter().filter(|(_, until)| at < *until).map(|(secret, _)| secret);
        let all = std::iter::once(&self.newest).chain(older);
        all.map(|secret| secret.sign(id, at, body)).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_674_087_231);

    fn secret(byte: u8) -> Secret {
        Secret::of_random([byte; Secret::RANDOM])
    }

    /// Computed with Python's `hmac`.
    #[test]
    fn a_signature_is_that_of_another_implementation() {
        let text = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";
        let secret: Secret = text.parse().unwrap();
        let body = br#"{"x": 1}"#;
        let signed = secret.sign("msg_1", UnixTime(1_614_265_330), body);
        assert_eq!(signed, "v1,MYryD8byfDy8oXU7NE90M4jZsdCkf1rwV1UUFS6qlCQ=");
        assert_eq!(secret.reveal(), text);
    }

    #[test]
    fn a_secret_has_enough_bytes_and_is_never_shown() {
        let text = secret(7).reveal();
        assert_eq!(text.parse(), Ok(secret(7)));
        assert!(!format!("{:?}", Secrets::one(secret(7))).contains(&text[6..12]));
        for text in ["", "whsec_", "whsec_AAAA", &text[6..], &format!("{text}="), "whsec_!"] {
            assert_eq!(text.parse::<Secret>(), Err(SecretError), "{text}");
        }
        let long = format!("whsec_{}", BASE64.encode(&[0; 65]));
        assert_eq!(long.parse::<Secret>(), Err(SecretError));
    }

    #[test]
    fn while_a_secret_is_rotated_both_sign() {
        let before = Secrets::one(secret(1));
        let both = before.rotated(secret(2), 60, NOW).unwrap();
        let (one, two) = (secret(1).sign("a", NOW, b"x"), secret(2).sign("a", NOW, b"x"));
        assert_eq!(both.sign("a", NOW, b"x"), format!("{two} {one}"));
        assert_eq!(both.ends(NOW), [NOW.plus(60)]);
        let later = NOW.plus(60);
        assert_eq!(both.sign("a", later, b"x"), secret(2).sign("a", later, b"x"));
        let at_once = both.rotated(secret(3), 0, NOW).unwrap();
        assert_eq!(at_once, Secrets::one(secret(3)));
    }

    #[test]
    fn no_more_than_three_secrets_count() {
        let two = Secrets::one(secret(1)).rotated(secret(2), 60, NOW).unwrap();
        let three = two.rotated(secret(3), 60, NOW).unwrap();
        assert_eq!(three.ends(NOW).len(), 2);
        assert_eq!(three.rotated(secret(4), 60, NOW), None);
        assert!(three.rotated(secret(4), 60, NOW.plus(60)).is_some(), "the others have ended");
        assert!(three.rotated(secret(4), 0, NOW).is_some());
    }
}
