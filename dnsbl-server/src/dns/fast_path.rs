//! The fast path for one query that was read and looked up: who asks, what is answered, whether that is sent.

use std::net::IpAddr;

use dnsbl_index::{IndexedZone, ZoneNumber};
use dnsbl_types::{ClockReading, SubscriberId};

use super::{
    access::{AccessControl, Permission},
    answer::answer,
    cookies::ClientCookie,
    counters::Outcome,
    denied::Denied,
    extended_error::ExtendedError,
    lookup::{Key, Lookup},
    protection::Protection,
    query::Query,
    rate_limit::{Admission, ResultClass},
    reply::{self, ReplyOptions},
};

/// A query with what it matches.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) packet: &'a [u8],
    /// As it was read from the packet.
    pub(super) query: &'a Query,
    pub(super) lookup: &'a Lookup<'a>,
    pub(super) client: IpAddr,
}

/// What became of a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Responded {
    /// The length of the reply, in octets; 0: there is none.
    pub(super) len: usize,
    pub(super) zone: Option<ZoneNumber>,
    pub(super) outcome: Outcome,
    pub(super) denied: Option<Denied>,
    pub(super) subscriber: Option<SubscriberId>,
}

/// Writes the reply to a query over UDP; `None` if that is left to the slow path. Allocates nothing.
pub(super) fn respond(
    access: &AccessControl,
    protection: &Protection,
    asked: Asked<'_>,
    reply: &mut [u8],
    now: ClockReading,
) -> Option<Responded> {
    let Asked { packet, query, lookup, client } = asked;
    if access.ignores(client) {
        let denied = Some(Denied::Rule);
        let outcome = Outcome::Dropped;
        return Some(Responded { len: 0, zone: None, outcome, denied, subscriber: None });
    }
    let client = protection.client(client, query.cookie(packet), now.wall);
    if client.cookie == ClientCookie::Malformed {
        return None;
    }
    let access = access.decide(lookup, client.addr, now);
    let answer = answer(lookup, access.permission, now.wall);
    let longest = protection.longest_reply(&client, query.payload());
    let reply_len = reply.len();
    let reply = &mut reply[..usize::from(longest).min(reply_len)];
    let options = ReplyOptions {
        cookie: client.cookie.reply(),
        extended_error: ExtendedError::of(lookup, access.permission, &answer.reply),
    };
    // First, since the slow path asks for itself whether what is written there is sent.
    let key_len = lookup.key.map_or(0, Key::wire_len);
    let mut len = reply::write(packet, query, &answer, key_len, options, reply)?;
    let mut outcome = Outcome::of(&answer.reply);
    access.count(outcome == Outcome::Listed);
    let (denied, subscriber) = (access.denied(), access.subscriber());
    let zone = answer.zone.map(IndexedZone::number);
    if matches!(access.permission, Permission::Ignored) {
        return Some(Responded { len: 0, zone, outcome: Outcome::Dropped, denied, subscriber });
    }
    match protection.admit(&client, ResultClass::of(&answer.reply), now.steady) {
        Admission::Answered => {}
        Admission::Slipped => len = reply::write_truncated(packet, query, options, reply)?,
        Admission::Dropped => (len, outcome) = (0, Outcome::Dropped),
    }
    Some(Responded { len, zone, outcome, denied, subscriber })
}
