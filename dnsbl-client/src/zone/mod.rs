//! A zone: its name, what it is asked about, and what its answers mean.

mod ask;
mod codes;
mod name;
mod preset;
mod probes;

use std::time::Duration;

pub use self::{
    codes::Codes,
    name::{ZoneName, ZoneNameError},
    preset::{PRESETS, Preset, PresetError},
};
use crate::{Encoding, Hash, ReplyFilter, Score, Target};

/// A zone. Build it with [`Zone::addresses`], [`Zone::domains`], [`Zone::emails`] or a [`Preset`],
/// and change what differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Zone {
    /// Its name.
    pub name: ZoneName,
    /// What a listing there says.
    pub kind: ZoneKind,
    /// What can be asked there.
    pub asks: Asks,
    /// What a listing counts: each rule whose filter matches counts once. Without rules a listing
    /// is reported and counts nothing.
    pub rules: Vec<Rule>,
    /// What the answers of this zone's operator mean beyond "listed".
    pub codes: Codes,
    /// Whether reasons are asked for.
    pub txt: TxtMode,
    /// How its health is found out.
    pub probes: Probes,
    /// The most questions in 24 hours, probes and reasons included; `None` is no limit.
    pub per_day: Option<u64>,
}

/// The kind of a zone: what a listing there says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ZoneKind {
    /// Bad: weights count as they are written.
    #[default]
    Block,
    /// Good: weights count against the score, whatever their sign.
    Allow,
    /// Something worth knowing: weights do not count. A check waits for it unless mail is deferred or
    /// rejected anyway.
    Informational,
}

/// The kind of targets that a zone is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Asks {
    /// IP addresses (RFC 5782 section 2).
    Addresses {
        /// IPv4 is listed there.
        v4: bool,
        /// IPv6 is listed there.
        v6: bool,
    },
    /// Domains (RFC 5782 section 3).
    Domains,
    /// Mail addresses, hashed.
    Emails(Hashing),
}

/// The hashing of mail addresses into labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Hashing {
    /// The hash function.
    pub hash: Hash,
    /// How the hash is written.
    pub encoding: Encoding,
    /// How many characters of it are asked for, 1 to 63; longer hashes are cut.
    pub length: usize,
}

impl Hashing {
    /// A hash, written in full as far as a label goes (63 characters).
    pub const fn new(hash: Hash, encoding: Encoding) -> Self {
        Self { hash, encoding, length: 63 }
    }
}

/// A rule: what one kind of answer counts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// The answers it is about.
    pub filter: ReplyFilter,
    /// What it counts; see [`ZoneKind`].
    pub weight: Score,
    /// What to tell the sender instead of the zone's own reason.
    pub message: Option<String>,
}

impl Rule {
    /// These answers count so much.
    pub fn new(filter: ReplyFilter, weight: Score) -> Self {
        Self { filter, weight, message: None }
    }
}

/// Whether the reason (TXT) of a listing is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TxtMode {
    /// Never: half as many questions about listings.
    Never,
    /// Once the zone has said "listed" and a rule matched.
    #[default]
    OnListed,
    /// Along with the address question: twice the questions, no further wait.
    Parallel,
}

/// The probes by which the health of a zone is found out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probes {
    /// Must be listed; 127.0.0.2, or `TEST` for zones of domains (RFC 5782 section 5).
    pub listed: Vec<Target>,
    /// Must not be listed; 127.0.0.1, or `INVALID`.
    pub absent: Vec<Target>,
    /// Whether an address or a name made up for the purpose must not be listed.
    pub random_absent: bool,
    /// How long between probes while all is well; jitter is added.
    pub every: Duration,
}

impl Zone {
    /// A block list of IPv4 and IPv6 addresses: every return code counts one point.
    pub fn addresses(name: ZoneName) -> Self {
        Self::new(name, Asks::Addresses { v4: true, v6: true })
    }

    /// A block list of domains: every return code counts one point.
    pub fn domains(name: ZoneName) -> Self {
        Self::new(name, Asks::Domains)
    }

    /// A block list of hashed mail addresses: every return code counts one point.
    pub fn emails(name: ZoneName, hashing: Hashing) -> Self {
        Self::new(name, Asks::Emails(hashing))
    }

    /// With another meaning.
    #[must_use]
    pub fn kind(mut self, kind: ZoneKind) -> Self {
        self.kind = kind;
        self
    }

    /// With these rules instead of those it has.
    #[must_use]
    pub fn rules(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        self.rules = rules.into_iter().collect();
        self
    }

    /// With reasons asked for in this way.
    #[must_use]
    pub fn txt(mut self, txt: TxtMode) -> Self {
        self.txt = txt;
        self
    }

    fn new(name: ZoneName, asks: Asks) -> Self {
        Self {
            codes: Codes::of(&name),
            kind: ZoneKind::Block,
            asks,
            rules: vec![Rule::new(ReplyFilter::any(), Score::ONE)],
            txt: TxtMode::OnListed,
            probes: Probes::of(asks),
            per_day: None,
            name,
        }
    }

    /// What a matching rule adds to the score.
    pub(crate) fn weight(&self, rule: &Rule) -> Score {
        match self.kind {
            ZoneKind::Block => rule.weight,
            ZoneKind::Allow => rule.weight.negative(),
            ZoneKind::Informational => Score::ZERO,
        }
    }
}
