//! Subscribers: who may ask for more than others, or at all.

use std::{fmt, str::FromStr};

use ipnet::IpNet;

use crate::{KeyDigest, Name, Quota, UnixTime};

/// A subscriber to one or more zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// What it is known by where its key must not be shown.
    pub id: SubscriberId,
    /// What the operator calls it: 1 to 100 characters, none of them a control character.
    pub name: String,
    /// The origins of the zones that it may ask, ascending; 1 to 64.
    pub zones: Vec<Name>,
    /// Where it asks from; at most 64, without host bits.
    pub networks: Vec<IpNet>,
    /// What it is recognized by.
    pub recognition: Recognition,
    /// How much it may ask, of all its zones together.
    pub quota: Quota,
    /// From when on it may not ask any more.
    pub expires_at: Option<UnixTime>,
    /// Its keys, the newest first; at most 4.
    pub keys: Vec<SubscriberKey>,
    /// What the operator notes; at most 1000 characters.
    pub note: Option<String>,
    /// When it was made.
    pub created_at: UnixTime,
}

/// The number of a subscriber, which says nothing about it; 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(pub u64);

/// A key of a subscriber, as far as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriberKey {
    /// Its digest.
    pub digest: KeyDigest,
    /// When it was made.
    pub created_at: UnixTime,
    /// From when on it does not count any more, since another has taken its place.
    pub until: Option<UnixTime>,
}

/// What a subscriber is recognized by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Recognition {
    /// A key in the name, wherever it asks from.
    #[default]
    Key,
    /// The network it asks from.
    Networks,
    /// Either.
    Either,
    /// A key in the name, from its networks only.
    Both,
}

/// What makes no subscriber.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscriberError {
    /// A name that is empty, too long or not readable.
    #[error("a subscriber's name is 1 to 100 characters without control characters")]
    Name,
    /// A note that is too long or not readable.
    #[error(
        "a subscriber's note is at most 1000 characters without control characters but line ends"
    )]
    Note,
    /// No zones, or too many.
    #[error("a subscriber has 1 to {max} zones, not {0}", max = Subscriber::MAX_ZONES)]
    Zones(usize),
    /// Too many networks.
    #[error("a subscriber has {0} networks, more than {max}", max = Subscriber::MAX_NETWORKS)]
    Networks(usize),
    /// Host bits are set, so that it is unclear what is meant.
    #[error("networks: {network} has host bits; it is {meant}")]
    HostBits {
        /// As it was given.
        network: IpNet,
        /// Without them.
        meant: IpNet,
    },
    /// Networks are needed where it is recognized by them.
    #[error("it is to be recognized by its networks, and has none")]
    NoNetworks,
    /// Networks that mean nothing.
    #[error("it has networks, and is to be recognized by its key alone")]
    UnusedNetworks,
    /// A text that is no number of a subscriber.
    #[error("{0:?} is not 16 hexadecimal digits in lower case")]
    Id(String),
}

impl Subscriber {
    /// The most zones.
    pub const MAX_ZONES: usize = 64;
    /// The most networks.
    pub const MAX_NETWORKS: usize = 64;
    /// The most keys that count at one time.
    pub const MAX_KEYS: usize = 4;

    /// The same with zones and networks in order, each once, if it makes sense.
    ///
    /// # Errors
    /// A text, a number of things or a network is not as it should be.
    pub fn check(mut self) -> Result<Self, SubscriberError> {
        let is_shown = |text: &str, max: usize| {
            text.chars().count() <= max && !text.chars().any(|c| c.is_control() && c != '\n')
        };
        if self.name.trim().is_empty() || self.name.contains('\n') || !is_shown(&self.name, 100) {
            return Err(SubscriberError::Name);
        }
        if !self.note.as_ref().is_none_or(|note| is_shown(note, 1000)) {
            return Err(SubscriberError::Note);
        }
        self.zones.sort_unstable();
        self.zones.dedup();
        if !(1..=Self::MAX_ZONES).contains(&self.zones.len()) {
            return Err(SubscriberError::Zones(self.zones.len()));
        }
        self.check_networks()?;
        Ok(self)
    }

    fn check_networks(&mut self) -> Result<(), SubscriberError> {
        if self.networks.len() > Self::MAX_NETWORKS {
            return Err(SubscriberError::Networks(self.networks.len()));
        }
        if let Some(&network) = self.networks.iter().find(|net| net.trunc() != **net) {
            return Err(SubscriberError::HostBits { network, meant: network.trunc() });
        }
        self.networks.sort_unstable();
        self.networks.dedup();
        match (self.recognition, self.networks.is_empty()) {
            (Recognition::Key, false) => Err(SubscriberError::UnusedNetworks),
            (Recognition::Key, true) | (_, false) => Ok(()),
            (_, true) => Err(SubscriberError::NoNetworks),
        }
    }

    /// Whether it has not expired.
    pub fn is_live(&self, now: UnixTime) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether it may ask a zone.
    pub fn has_zone(&self, origin: &Name) -> bool {
        self.zones.binary_search(origin).is_ok()
    }
}

impl Recognition {
    /// Whether a key in the name is needed or enough.
    pub fn takes_key(self) -> bool {
        self != Self::Networks
    }

    /// Whether a key counts from its networks only.
    pub fn needs_both(self) -> bool {
        self == Self::Both
    }

    /// Whether to ask from its networks is enough.
    pub fn takes_network(self) -> bool {
        matches!(self, Self::Networks | Self::Either)
    }
}

impl fmt::Display for SubscriberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for SubscriberId {
    type Err = SubscriberError;

    fn from_str(text: &str) -> Result<Self, SubscriberError> {
        let is_hex = |c: u8| c.is_ascii_digit() || matches!(c, b'a'..=b'f');
        let id = u64::from_str_radix(text, 16).ok();
        let id = id.filter(|_| text.len() == 16 && text.bytes().all(is_hex));
        id.map(Self).ok_or_else(|| SubscriberError::Id(text.chars().take(40).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber() -> Subscriber {
        Subscriber {
            id: SubscriberId(7),
            name: "Example Mail".into(),
            zones: vec!["b.example.org".parse().unwrap(), "a.example.org".parse().unwrap()],
            networks: vec![],
            recognition: Recognition::Key,
            quota: Quota::default(),
            expires_at: None,
            keys: vec![],
            note: Some("pays\nin June".into()),
            created_at: UnixTime(1),
        }
    }

    #[track_caller]
    fn refuses(change: impl FnOnce(&mut Subscriber)) -> SubscriberError {
        let mut subscriber = subscriber();
        change(&mut subscriber);
        subscriber.check().unwrap_err()
    }

    #[test]
    fn zones_are_in_order_and_each_once() {
        let mut twice = subscriber();
        twice.zones.push("a.example.org".parse().unwrap());
        let checked = twice.check().unwrap();
        let zones: Vec<String> = checked.zones.iter().map(Name::to_string).collect();
        assert_eq!(zones, ["a.example.org", "b.example.org"]);
        assert!(checked.has_zone(&"b.example.org".parse().unwrap()));
        assert!(!checked.has_zone(&"example.org".parse().unwrap()));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_cause() {
        let network: IpNet = "192.0.2.0/24".parse().unwrap();
        assert_eq!(refuses(|s| s.zones.clear()), SubscriberError::Zones(0));
        assert_eq!(refuses(|s| s.name = "a\nb".into()), SubscriberError::Name);
        assert_eq!(refuses(|s| s.name = " ".into()), SubscriberError::Name);
        assert_eq!(refuses(|s| s.note = Some("x".repeat(1001))), SubscriberError::Note);
        assert_eq!(refuses(|s| s.networks = vec![network]), SubscriberError::UnusedNetworks);
        assert_eq!(refuses(|s| s.recognition = Recognition::Both), SubscriberError::NoNetworks);
        let with_host = refuses(|s| s.networks = vec!["192.0.2.1/24".parse().unwrap()]);
        assert!(matches!(with_host, SubscriberError::HostBits { meant, .. } if meant == network));
    }

    #[test]
    fn an_id_reads_back() {
        let id = SubscriberId(0x0123_4567_89ab_cdef);
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "1", "0123456789ABCDEF", "+123456789abcdef", "0123456789abcdef0"] {
            assert!(wrong.parse::<SubscriberId>().is_err(), "{wrong}");
        }
    }
}
