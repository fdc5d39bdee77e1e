//! How often somebody may ask, in memory of a fixed size.

use dnsbl_types::UnixTime;

use crate::{Asker, Contact, submission::Often};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Requests an hour from one network without a token.
pub(super) const OF_NETWORK: u32 = 10;
/// Requests an hour with one token.
pub(super) const OF_TOKEN: u32 = 600;
/// Mails a day to one mailbox.
const OF_CONTACT: u32 = 5;
/// How many are counted at once, of each kind.
const SLOTS: usize = 8192;

/// What was asked for in the current hour, and sent in the current day.
pub(super) struct Limits {
    askers: Table,
    contacts: Table,
}

/// A limit that is reached, and for how many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached(pub(super) Often, pub(super) u64);

impl Limits {
    /// Nothing was asked for; `secret` keeps others from knowing who shares a place.
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self { askers: Table::new(secret, HOUR), contacts: Table::new(secret, DAY) }
    }

    /// Charges a request to whoever makes it.
    pub(super) fn charge(&mut self, asker: &Asker, now: UnixTime) -> Result<(), Reached> {
        let (key, most) = match asker {
            Asker::Token(actor, _) => (format!("token {}", actor.name), OF_TOKEN),
            Asker::Anybody(network) => (format!("network {network}"), OF_NETWORK),
        };
        let wait = self.askers.charge(&key, most, now);
        wait.map_err(|seconds| Reached(Often::Asker, seconds))
    }

    /// Charges a mail to whoever gets it.
    pub(super) fn charge_mail(&mut self, to: &Contact, now: UnixTime) -> Result<(), Reached> {
        let key = to.as_str().to_ascii_lowercase();
        let wait = self.contacts.charge(&key, OF_CONTACT, now);
        wait.map_err(|seconds| Reached(Often::Contact, seconds))
    }
}

/// Counts by keys. A key has two places; where others have both, it takes that with the lower count.
struct Table {
    secret: [u8; 32],
    /// Seconds.
    window: u64,
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    tag: u64,
    /// Which window the count is of.
    window: u64,
    count: u32,
}

impl Table {
    fn new(secret: [u8; 32], window: u64) -> Self {
        Self { secret, window, slots: vec![Slot::default(); SLOTS].into() }
    }

    /// Counts one more of a key, unless there were so many; then, seconds until it may be tried again.
    fn charge(&mut self, key: &str, most: u32, now: UnixTime) -> Result<(), u64> {
        let hash = blake3::keyed_hash(&self.secret, key.as_bytes());
        let word = |at: usize| {
            let bytes = hash.as_bytes()[at * 8..].first_chunk();
            u64::from_le_bytes(*bytes.unwrap_or(&[0; 8]))
        };
        let (tag, window) = (word(0), now.0 / self.window);
        let places = [word(1), word(2)].map(|word| (word % SLOTS as u64) as usize);
        let is_own = |slot: &Slot| slot.tag == tag && slot.window == window;
        let own = places.into_iter().find(|at| is_own(&self.slots[*at]));
        let weight = |at: &usize| {
            let slot = &self.slots[*at];
            if slot.window == window { slot.count } else { 0 }
        };
        let place = own.or(places.into_iter().min_by_key(weight)).unwrap_or_default();
        let slot = &mut self.slots[place];
        if own.is_none() {
            *slot = Slot { tag, window, count: 0 };
        }
        if slot.count >= most {
            return Err(self.window - now.0 % self.window);
        }
        slot.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000 / HOUR * HOUR);

    #[test]
    fn a_network_asks_so_often_in_an_hour_and_others_are_not_charged() {
        let mut limits = Limits::new([7; 32]);
        let network = |text: &str| Asker::Anybody(text.parse().unwrap());
        let one = network("192.0.2.0/24");
        for _ in 0..OF_NETWORK {
            assert_eq!(limits.charge(&one, NOW), Ok(()));
        }
        let later = NOW.plus(100);
        assert_eq!(limits.charge(&one, later), Err(Reached(Often::Asker, HOUR - 100)));
        assert_eq!(limits.charge(&network("198.51.100.0/24"), later), Ok(()));
        assert_eq!(limits.charge(&one, NOW.plus(HOUR)), Ok(()));
        let contact: Contact = "Taro@example.jp".parse().unwrap();
        let same: Contact = "taro@example.jp".parse().unwrap();
        for _ in 0..OF_CONTACT {
            assert_eq!(limits.charge_mail(&contact, NOW), Ok(()));
        }
        assert!(limits.charge_mail(&same, NOW).is_err());
    }

    /// Who asks often has a high count, which those who ask once do not take.
    #[test]
    fn many_networks_do_not_push_out_one_that_asks_often() {
        let mut limits = Limits::new([7; 32]);
        let often = Asker::Anybody("192.0.2.0/24".parse().unwrap());
        for _ in 0..OF_NETWORK {
            assert_eq!(limits.charge(&often, NOW), Ok(()));
        }
        for n in 0..100_000_u32 {
            let address = std::net::IpAddr::from(std::net::Ipv4Addr::from(n << 8));
            let _ = limits.charge(&Asker::Anybody(Asker::network(address)), NOW);
        }
        assert!(limits.charge(&often, NOW).is_err());
        assert_eq!(limits.askers.slots.len(), SLOTS);
    }
}
