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

/// A reply that stands in its buffer, and what must be known of it. Answers are larger, and would be moved about.
struct Written<'a> {
    len: usize,
    options: ReplyOptions<'a>,
    zone: Option<ZoneNumber>,
    outcome: Outcome,
    class: ResultClass,
}

/// Writes the reply to a query over UDP; `None` if that is left to the slow path. Allocates nothing.
pub(super) fn respond(
    control: &AccessControl,
    protection: &Protection,
    asked: Asked<'_>,
    reply: &mut [u8],
    now: ClockReading,
) -> Option<Responded> {
    let Asked { packet, query, lookup, client } = asked;
    if control.ignores(client) {
        let (outcome, denied) = (Outcome::Dropped, Some(Denied::Rule));
        return Some(Responded { len: 0, zone: None, outcome, denied, subscriber: None });
    }
    let client = protection.client(client, query.cookie(packet), now.wall);
    if client.cookie == ClientCookie::Malformed {
        return None;
    }
    let mut write = |permission| {
        let answer = answer(lookup, permission, now.wall);
        let options = ReplyOptions {
            cookie: client.cookie.reply(),
            extended_error: ExtendedError::of(lookup, permission, &answer.reply),
        };
        let longest = protection.longest_reply(&client, answer.zone, query.payload());
        let room = usize::from(longest).min(reply.len());
        let key_len = lookup.key.map_or(0, Key::wire_len);
        Some(Written {
            len: reply::write(packet, query, &answer, key_len, options, &mut reply[..room])?,
            options,
            zone: answer.zone.map(IndexedZone::number),
            outcome: Outcome::of(&answer.reply),
            class: ResultClass::of(&answer.reply),
        })
    };
    let unpaid = control.decide(lookup, client.addr, now);
    // Before it is paid: what has no room here is paid on the slow path.
    let mut written = write(unpaid.permission)?;
    let access = control.pay(unpaid, now);
    if unpaid.permission.is_granted() && !access.permission.is_granted() {
        written = write(access.permission)?;
    }
    let Written { mut len, options, zone, mut outcome, class } = written;
    access.count(outcome == Outcome::Listed);
    match access.permission {
        Permission::Ignored => (len, outcome) = (0, Outcome::Dropped),
        _ => match protection.admit(&client, class, now.steady) {
            Admission::Answered => {}
            Admission::Slipped => len = reply::write_truncated(packet, query, options, reply)?,
            Admission::Dropped => (len, outcome) = (0, Outcome::Dropped),
        },
    }
    let (denied, subscriber) = (access.denied(), access.subscriber());
    Some(Responded { len, zone, outcome, denied, subscriber })
}
