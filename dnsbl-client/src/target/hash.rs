//! How a mail address is written in zones that must not see it.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD, HEXLOWER};
use sha1::Digest;

/// A hash function that lists use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-1 (RFC 3174).
    Sha1,
    /// SHA-256 (RFC 6234).
    Sha256,
    /// MD5 (RFC 1321).
    Md5,
}

/// The notation of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Two characters an octet, lower case.
    Hex,
    /// RFC 4648 section 6, lower case, without padding.
    Base32,
    /// RFC 4648 section 5, without padding, and lower-cased: names do not tell cases apart (RFC 4343),
    /// and resolvers on the way may change them.
    Base64Url,
}

impl Hash {
    /// The hash of some text, written so, in lower case.
    pub(crate) fn of(self, text: &str, encoding: Encoding) -> String {
        match self {
            Self::Sha1 => encoding.write(&sha1::Sha1::digest(text)),
            Self::Sha256 => encoding.write(&sha2::Sha256::digest(text)),
            Self::Md5 => encoding.write(&md5::Md5::digest(text)),
        }
    }
}

impl Encoding {
    fn write(self, octets: &[u8]) -> String {
        match self {
            Self::Hex => HEXLOWER.encode(octets),
            Self::Base32 => BASE32_NOPAD.encode(octets).to_ascii_lowercase(),
            Self::Base64Url => BASE64URL_NOPAD.encode(octets).to_ascii_lowercase(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Encoding, Hash};

    /// The vectors of RFC 1321 appendix A.5, RFC 3174 section 7.3 and RFC 6234 section 8.5 for "abc".
    #[test]
    fn rfc1321_rfc3174_rfc6234_hashes_are_right() {
        for (hash, expected) in [
            (Hash::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            assert_eq!(hash.of("abc", Encoding::Hex), expected);
        }
    }

    #[test]
    fn rfc4648_encodings_are_lower_case_and_unpadded() {
        assert_eq!(Hash::Md5.of("abc", Encoding::Base32), "saavbgb42jh3bvuwh56sryl7oi");
        assert_eq!(Hash::Md5.of("abc", Encoding::Base64Url), "kafqmdzst7dwlj99kof_cg");
    }
}
