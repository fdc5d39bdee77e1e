//! How questions reach a name server.

mod message;
mod udp;

use std::{
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    time::Instant,
};

use dnsbl_types::Name;

#[doc(hidden)]
pub use self::message::read_reply;
pub use self::udp::{Counts, Resolvers, Udp};
use crate::Failure;

/// One question to a zone. The name is absolute: no search suffix is ever added.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name asked for, in wire form.
    pub name: Name,
    /// The record type asked for.
    pub rtype: QueryType,
}

/// The record types that a client of zones needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueryType {
    /// Return codes.
    A,
    /// Reasons.
    Txt,
}

/// The part of a reply that matters to a client of zones; aliases (CNAME) are followed already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The response code, with the upper bits of EDNS (RFC 6891 section 6.1.3).
    pub rcode: u16,
    /// The addresses of the name, if A was asked.
    pub addresses: Vec<Ipv4Addr>,
    /// The texts of the name, if TXT was asked; the strings of one record are joined.
    pub texts: Vec<Vec<u8>>,
    /// Seconds: the least TTL of the records used.
    pub ttl: Option<u32>,
    /// Seconds: how long "no such name" or "no data" holds, min(SOA TTL, SOA MINIMUM) (RFC 2308 section 5).
    pub negative_ttl: Option<u32>,
    /// It points to other servers instead of answering (RFC 2308 section 2.2).
    pub referral: bool,
    /// The extended error (RFC 8914) Blocked, Censored, Filtered or Prohibited (15 to 18), if it has one.
    pub filtered: Option<u16>,
    /// Who answered, if known.
    pub server: Option<SocketAddr>,
}

/// A way to ask name servers. Tests and special networks can bring their own.
pub trait Transport: Send + Sync + 'static {
    /// Asks, again where needed, until there is an answer or the deadline has passed: nobody else ends
    /// a single [lookup](crate::Client::lookup). Dropping the future gives up the question and frees what
    /// it holds.
    fn ask(
        &self,
        question: &Question,
        deadline: Instant,
    ) -> impl Future<Output = Result<Answer, Failure>> + Send;
}
