//! The status of a target in a zone.

use std::net::Ipv4Addr;

/// The status of a target in one zone. Only the first two are verdicts; with the others it could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The zone has it.
    Listed(Listing),
    /// The zone does not have it: NXDOMAIN or NODATA.
    NotListed,
    /// The zone, or a resolver on the way, refuses to tell.
    Blocked(Blocked),
    /// The answer is none that a zone gives.
    Bogus(Bogus),
    /// No usable answer came.
    Failed(Failure),
    /// The zone was not asked.
    Skipped(Skipped),
}

impl Status {
    /// The word for it in JSON and on the terminal.
    pub fn as_str(&self) -> &'static str {
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

    /// Whether the zone said yes or no.
    pub fn is_verdict(&self) -> bool {
        matches!(self, Self::Listed(_) | Self::NotListed)
    }

    /// Whether the zone would have had something to say and could not be heard.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Listed(_) | Self::NotListed | Self::Blocked(Blocked::Rewritten(_)) => false,
            Self::Blocked(_) | Self::Bogus(_) | Self::Failed(_) => true,
            Self::Skipped(why) => why.is_unknown(),
        }
    }
}

/// A listing: what a zone says about what it has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Every return code, in ascending order.
    pub codes: Vec<Ipv4Addr>,
    /// Which of the zone's rules match, as indices into [`Zone::rules`](crate::Zone::rules).
    pub hits: Vec<u16>,
    /// The zone's text, safe for a log or a terminal: one short line without control characters.
    pub reason: Option<String>,
}

impl Listing {
    /// A listing whose rules and reason are not known.
    pub(crate) fn new(mut codes: Vec<Ipv4Addr>) -> Self {
        codes.sort_unstable();
        codes.dedup();
        Self { codes, hits: Vec::new(), reason: None }
    }
}

/// The reason why it was not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
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
    /// 127.0.1.255 of zones of domains that were asked about an address.
    #[error("{0}: the list has domains and was asked about an address")]
    NotForAddresses(Ipv4Addr),
    /// Another error code inside 127.255.255.0/24, or one of the zone's own.
    #[error("{0}: an error code of the list")]
    ErrorCode(Ipv4Addr),
    /// Rcode REFUSED, from the zone or from the resolver.
    #[error("REFUSED: the server does not answer this client")]
    Refused,
    /// A resolver says that it put its own answer in place of the zone's.
    #[error("the resolver blocks or rewrites this name (extended DNS error {0})")]
    Filtered(u16),
    /// The resolver gives this address for names that do not exist, and gave it here: most likely the
    /// zone does not have it.
    #[error("the resolver answers {0} for names that do not exist: ask another one")]
    Rewritten(Ipv4Addr),
    /// The zone has the entry, and the resolver takes its address out of the answer.
    #[error(
        "the resolver strips addresses inside 127.0.0.0/8 (private-address, rebinding protection): exempt the list there"
    )]
    Stripped,
}

/// The reason why an answer can't be a zone's.
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
    /// An error code for this name alone: the zone answers others.
    #[error("{0}; but the list answers for its test entry, so it is about this one alone")]
    ErrorForOne(Blocked),
    /// It lists what was made up a moment ago too.
    #[error("listed, but so is what was made up for the purpose: the list lists everything")]
    ListsEverything,
    /// It is not listed, and neither is what every zone has (RFC 5782 section 5).
    #[error("not listed, but neither is its test entry: the list was emptied, or there is none")]
    NoTestEntry,
    /// A zone of grants answers another code than that of a grant, or one more.
    #[error("answered another code than that of a grant, or one more")]
    NotTheGrantCode,
    /// What should be a zone of grants has what no such zone has.
    #[error(
        "it has 127.0.0.1, 127.0.0.2 or 224.0.0.1, which no zone of grants has: it is a block list, or lists everything"
    )]
    NoGrantZone,
}

/// The reason why no usable answer came.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The deadline passed.
    #[error("no answer before the deadline")]
    Deadline,
    /// The server answered with an error.
    #[error("the server answered {}", rcode_word(*.0))]
    Rcode(u16),
    /// The server pointed elsewhere: it serves neither the zone nor this client's recursion.
    #[error("the server answered with a referral: it neither has the zone nor looks it up")]
    Referral,
    /// Sending or receiving failed, or what came was no DNS message.
    #[error("{0}")]
    Network(String),
    /// As many questions wait for answers as may ([`Udp::MAX_IN_FLIGHT`](crate::Udp::MAX_IN_FLIGHT)).
    #[error("too many questions wait for answers")]
    Overloaded,
    /// Target and zone together are longer than a name can be (255 octets).
    #[error("the name to ask for is longer than 255 octets")]
    NameTooLong,
}

/// The reason why a zone was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Skipped {
    /// No mail comes from this address over the Internet.
    #[error("not an address of the public Internet")]
    SpecialUse,
    /// The configuration exempts it.
    #[error("exempt by configuration")]
    Exempt,
    /// The zone has nothing of this kind: a domain asked of a zone of addresses, or the reverse.
    #[error("the list has nothing of this kind")]
    WrongKind,
    /// The zone has no addresses of this family.
    #[error("the list has no addresses of this family")]
    Family,
    /// The zone is down.
    #[error("the list is down")]
    ZoneDown,
    /// The zone has been down for so long that nobody waits for it any more
    /// ([`ClientBuilder::gone_after`](crate::ClientBuilder::gone_after)).
    #[error("the list has been down for so long that it counts as gone")]
    ZoneGone,
    /// The zone says "listed", and something about it is odd that a probe is finding out.
    #[error("the list is under suspicion")]
    Suspect,
    /// No probe of the zone has succeeded yet, and proof is wanted.
    #[error("no probe of the list has succeeded yet")]
    Unproven,
    /// The zone's questions of the day are used up, or too many are on their way.
    #[error("no more questions may be asked now")]
    OverBudget,
    /// The verdict was certain without it.
    #[error("the verdict was certain without it")]
    DecidedEarly,
}

impl Skipped {
    /// Whether the zone would have had something to say.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::ZoneDown | Self::Suspect | Self::Unproven | Self::OverBudget)
    }
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
