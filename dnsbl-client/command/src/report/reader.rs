//! What is seen in a log, with the times that it has and without recipients.

use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hash, RandomState},
    net::IpAddr,
};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    exempt::Exempt,
    parse::{Deed, Entry, Format, Refusal, UnknownReasons},
    sighting::{Event, RecipientHash, Sighting},
};
use crate::mail_log::LineReader;

/// How many messages and sessions are remembered of which more may be seen.
const REMEMBERED: usize = 10_000;

/// A reader of lines.
pub(super) struct Reader {
    format: Format,
    unknown: UnknownReasons,
    exempt: Exempt,
    /// That of times without an offset.
    zone: TimeZone,
    /// With which recipients are hashed. It is made anew at each start and leaves this process in no form.
    key: RandomState,
    /// Whether a line had a time.
    has_times: bool,
    counted: Counted,
}

/// Of recipients that were accepted, those that are counted already.
#[derive(Default)]
struct Counted {
    /// Exim: whose a message is, and whether a recipient of it was counted that has not been delivered to.
    by_message: Recent<String, (IpAddr, bool)>,
    /// Postfix: how many were counted since a session of the client ended.
    by_client: Recent<IpAddr, u32>,
}

/// A map that forgets: it has the newest [`REMEMBERED`] keys at least, and twice as many at most.
struct Recent<K, V> {
    new: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl Reader {
    pub(super) fn new(
        format: Format,
        unknown: UnknownReasons,
        exempt: Exempt,
        zone: TimeZone,
        key: RandomState,
    ) -> Self {
        let counted = Counted::default();
        Self { format, unknown, exempt, zone, key, has_times: false, counted }
    }

    fn time(&mut self, entry: &Entry<'_>, is_new: bool, now: Timestamp) -> Option<Timestamp> {
        self.has_times |= entry.written.is_some();
        match &entry.written {
            // There is none to come: the clock of whoever wrote it is another.
            Some(stamp) => Some(stamp.resolve(now, &self.zone)?.min(now)),
            // Where all others tell the time, it is the rest of some other line.
            None => (is_new && !self.has_times).then_some(now),
        }
    }

    fn hash(&self, recipient: &str) -> RecipientHash {
        RecipientHash(self.key.hash_one(recipient.to_lowercase()))
    }

    fn event(&mut self, deed: &Deed<'_>) -> Option<(IpAddr, Event)> {
        if let Deed::Refused(refusal) = deed {
            let Refusal { client, is_bounce, is_temporary, recipient } = *refusal;
            // The same bounce would come again and again.
            let counts = !(is_bounce && is_temporary);
            let recipient = self.hash(recipient);
            return counts.then_some((client, Event::Unknown { recipient, is_bounce }));
        }
        let (client, recipients) = self.counted.accepted(deed)?;
        Some((client, Event::Accepted { recipients }))
    }
}

impl LineReader for Reader {
    type Found = Sighting;

    /// A new line without a time of its own is of now.
    fn read(&mut self, line: &[u8], is_new: bool, now: Timestamp) -> Option<Sighting> {
        let entry = self.format.read(str::from_utf8(line).ok()?, &self.unknown)?;
        let at = self.time(&entry, is_new, now)?;
        let (client, event) = self.event(&entry.deed)?;
        (!self.exempt.contains(client)).then_some(Sighting { at, client, event })
    }
}

impl Counted {
    /// How many recipients of a client were accepted that have not been counted.
    fn accepted(&mut self, deed: &Deed<'_>) -> Option<(IpAddr, u32)> {
        match *deed {
            Deed::Refused(_) => None,
            Deed::Accepted { client, message } => {
                self.by_message.insert(message.to_owned(), (client, true));
                let counted = self.by_client.entry(client);
                *counted = counted.saturating_add(1);
                Some((client, 1))
            }
            Deed::Delivered { message } => {
                let (client, is_counted) = self.by_message.get_mut(message)?;
                (!std::mem::take(is_counted)).then_some((*client, 1))
            }
            Deed::Disconnected { client, recipients } => {
                let counted = self.by_client.entry(client);
                let more = recipients.saturating_sub(*counted);
                *counted = counted.saturating_sub(recipients);
                (more > 0).then_some((client, more))
            }
        }
    }
}

impl<K: Eq + Hash, V> Recent<K, V> {
    fn insert(&mut self, key: K, value: V) {
        if self.new.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(key, value);
    }

    fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.new.get_mut(key).or_else(|| self.old.get_mut(key))
    }
}

impl<K: Copy + Eq + Hash, V: Default> Recent<K, V> {
    fn entry(&mut self, key: K) -> &mut V {
        if !self.new.contains_key(&key) {
            let value = self.old.remove(&key).unwrap_or_default();
            self.insert(key, value);
        }
        self.new.entry(key).or_default()
    }
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self { new: HashMap::new(), old: HashMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use jiff::tz::TimeZone;

    use super::{
        Event, Exempt, Format, LineReader as _, REMEMBERED, Reader, Recent, Sighting,
        UnknownReasons,
    };

    const NOW: &str = "2026-11-29T06:10:36Z";

    fn reader() -> Reader {
        let zone = TimeZone::posix("JST-9").unwrap();
        let unknown = UnknownReasons::default();
        Reader::new(Format::Auto, unknown, Exempt::private(), zone, RandomState::new())
    }

    fn read(reader: &mut Reader, line: &str, is_new: bool) -> Option<Sighting> {
        reader.read(line.as_bytes(), is_new, NOW.parse().unwrap())
    }

    fn refusal(client: &str, sender: &str, recipient: &str, status: &str) -> String {
        format!(
            "mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[{client}]: {status} <{recipient}>: Recipient \
             address rejected: User unknown in local recipient table; from=<{sender}> to=<{recipient}> proto=SMTP \
             helo=<x>"
        )
    }

    fn accepted(reader: &mut Reader, message: &str) -> u32 {
        let seen = read(reader, &format!("Nov 29 15:10:36 {message}"), true);
        match seen.map(|sighting| sighting.event) {
            None => 0,
            Some(Event::Accepted { recipients }) => recipients,
            Some(event) => panic!("{event:?}"),
        }
    }

    #[test]
    fn equal_recipients_are_one_and_a_line_has_its_time() {
        let mut reader = reader();
        let mut see = |recipient: &str| {
            let line = refusal("192.0.2.55", "a@b.example", recipient, "550 5.1.1");
            read(&mut reader, &format!("Nov 29 15:10:30 {line}"), true).unwrap()
        };
        let (one, same, other) =
            (see("taro@example.org"), see("Taro@Example.ORG"), see("t@example.org"));
        assert_eq!(one.at.to_string(), "2026-11-29T06:10:30Z");
        assert_eq!(one, same);
        assert_ne!(one.event, other.event);
    }

    #[test]
    fn a_bounce_that_will_come_again_does_not_count() {
        let mut reader = reader();
        let mut counts = |sender: &str, status: &str| {
            let line = refusal("192.0.2.55", sender, "taro@example.org", status);
            read(&mut reader, &format!("Nov 29 15:10:30 {line}"), true).is_some()
        };
        assert!(counts("", "550 5.1.1") && counts("a@b.example", "450 4.1.1"));
        assert!(!counts("", "450 4.1.1"));
    }

    #[test]
    fn exempt_clients_are_not_seen() {
        let line = refusal("10.1.2.3", "", "taro@example.org", "550 5.1.1");
        assert_eq!(read(&mut reader(), &format!("Nov 29 15:10:30 {line}"), true), None);
    }

    #[test]
    fn a_line_without_a_time_counts_where_none_has_one() {
        let line = refusal("192.0.2.55", "", "taro@example.org", "550 5.1.1");
        let line = line.strip_prefix("mail ").unwrap();
        let mut reader = reader();
        assert_eq!(read(&mut reader, line, false), None);
        assert_eq!(read(&mut reader, line, true).unwrap().at.to_string(), NOW);
        assert!(read(&mut reader, &format!("Nov 29 15:10:30 mail {line}"), true).is_some());
        assert_eq!(read(&mut reader, line, true), None);
    }

    #[test]
    fn each_accepted_recipient_counts_once() {
        let mut reader = reader();
        // Postfix: two messages, of which the second has four recipients.
        assert_eq!(accepted(&mut reader, "mail postfix/smtpd[1]: 4A1B: client=x[192.0.2.55]"), 1);
        assert_eq!(accepted(&mut reader, "mail postfix/smtpd[1]: 4A1C: client=x[192.0.2.55]"), 1);
        let end = "mail postfix/smtpd[1]: disconnect from x[192.0.2.55] mail=2 rcpt=5/9 quit=1 commands=8";
        assert_eq!(accepted(&mut reader, end), 3);
        assert_eq!(accepted(&mut reader, end), 5);
        // Exim: a message with three recipients.
        let exim = |rest: &str| format!("mail exim[1]: 1wAbCd-000123-4E {rest}");
        assert_eq!(
            accepted(&mut reader, &exim("<= a@b.example H=(x) [192.0.2.55] P=esmtp S=8")),
            1
        );
        assert_eq!(accepted(&mut reader, &exim("=> taro <taro@example.org> R=local T=mailbox")), 0);
        assert_eq!(accepted(&mut reader, &exim("-> jiro <jiro@example.org> R=local T=mailbox")), 1);
        assert_eq!(
            accepted(&mut reader, &exim("=> ichiro <ichiro@example.org> R=local T=mailbox")),
            1
        );
        assert_eq!(accepted(&mut reader, "mail exim[1]: 1wAbCd-000124-4E => x <x@y.z> R=a T=b"), 0);
    }

    #[test]
    fn old_keys_are_forgotten() {
        let mut recent = Recent::default();
        (0..5 * REMEMBERED).for_each(|key| recent.insert(key, ()));
        let last = 5 * REMEMBERED - 1;
        assert!(
            recent.get_mut(&last).is_some() && recent.get_mut(&(last + 1 - REMEMBERED)).is_some()
        );
        assert!(recent.get_mut(&0).is_none());
        assert!(recent.new.len() + recent.old.len() <= 2 * REMEMBERED);
    }
}
