//! How a mail address is written in lists that must not see it.

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

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// Two characters an octet, lower case.
    Hex,
    /// RFC 4648 section 6, lower case, without padding.
    Base32,
    /// RFC 4648 section 5, without padding. Names do not tell cases apart (RFC 4343): lists that use it
    /// see what the resolvers on the way leave of it.
    Base64Url,
}
