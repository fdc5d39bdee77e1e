//! What one list says about one address.

use std::net::Ipv4Addr;

use dnsbl_types::{NameError, ReturnCode};

/// What one list says. Only the first two are verdicts; with the others it could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The list has it.
    Listed(Listing),
    /// The list does not have it: NXDOMAIN or NODATA.
    NotListed,
    /// The list, or a resolver on the way, refuses to tell.
    Blocked(Blocked),
    /// The answer is none that a list gives.
    Bogus(Bogus),
    /// No usable answer came.
    Failed(Failure),
    /// The list was not asked.
    Skipped(Skipped),
}

impl Status {
    /// The word for it in JSON and on the terminal.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Listed(_) => "listed",
            Self::NotListed => "not-listed",
            Self::Blocked(_) => "blocked",
            Self::Bogus(_) => "bogus",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
        }
    }

    /// The listing, if there is one.
    pub fn listing(&self) -> Option<&Listing> {
        match self {
            Self::Listed(listing) => Some(listing),
            _ => None,
        }
    }

    /// Why it could not be told; `None` for a verdict.
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Listed(_) | Self::NotListed => None,
            Self::Blocked(why) => Some(why.to_string()),
            Self::Bogus(why) => Some(why.to_string()),
            Self::Failed(why) => Some(why.to_string()),
            Self::Skipped(why) => Some(why.to_string()),
        }
    }

    /// Whether the list said yes or no.
    pub fn is_verdict(&self) -> bool {
        matches!(self, Self::Listed(_) | Self::NotListed)
    }
}

/// What a list says about an address that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Every return code, in ascending order.
    pub codes: Vec<ReturnCode>,
    /// The list's text, safe for a log or a terminal: one short line without control characters.
    pub reason: Option<String>,
}

impl Listing {
    /// A listing whose reason is not known.
    pub(crate) fn new(mut codes: Vec<ReturnCode>) -> Self {
        codes.sort_unstable();
        codes.dedup();
        Self { codes, reason: None }
    }
}

/// Why it was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Blocked {
    /// 127.255.255.252.
    #[error("127.255.255.252: typing error in the zone name")]
    ZoneTypo,
    /// 127.255.255.254.
    #[error("127.255.255.254: the list does not answer public resolvers")]
    PublicResolver,
    /// 127.255.255.255.
    #[error("127.255.255.255: too many queries")]
    TooManyQueries,
    /// Another error code inside 127.255.255.0/24.
    #[error("{0}: an error code of the list")]
    ErrorCode(Ipv4Addr),
    /// Rcode REFUSED, from the list or from the resolver.
    #[error("REFUSED: the server does not answer this client")]
    Refused,
    /// A resolver says that it put its own answer in place of the list's.
    #[error("the resolver blocks or rewrites this name (extended DNS error {0})")]
    Filtered(u16),
}

/// Why an answer can't be a list's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Bogus {
    /// At least one address is outside 127.0.0.0/8.
    #[error(
        "answered {0}, outside 127.0.0.0/8: a lapsed domain, or a resolver that rewrites answers"
    )]
    OutsideLoopback(Ipv4Addr),
    /// 127.0.0.1 is among the addresses.
    #[error("answered 127.0.0.1, which is no return code; some lists answer it to block a client")]
    Localhost,
}

/// Why no usable answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The deadline passed.
    #[error("no answer before the deadline")]
    Deadline,
    /// The server answered with an error.
    #[error("the server answered {}", rcode_word(*.0))]
    Rcode(u16),
    /// The server pointed elsewhere: it serves neither the list nor this client's recursion.
    #[error("the server answered with a referral: it neither has the zone nor looks it up")]
    Referral,
    /// Sending or receiving failed, or what came was no DNS message.
    #[error("{0}")]
    Network(String),
    /// There is no name to ask for.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Why a list was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Skipped {
    /// No mail comes from this address over the Internet.
    #[error("not an address of the public Internet")]
    SpecialUse,
}

/// The mnemonic of an rcode where it has a well-known one.
fn rcode_word(rcode: u16) -> String {
    match rcode {
        1 => "FORMERR".into(),
        2 => "SERVFAIL".into(),
        4 => "NOTIMP".into(),
        9 => "NOTAUTH".into(),
        other => format!("rcode {other}"),
    }
}
