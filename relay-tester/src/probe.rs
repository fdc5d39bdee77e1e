//! Probes, and which of them a test has.

mod words;

pub(crate) use words::{Words, literal};

use crate::probes::PROBES;

/// How far a test goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// What every test has.
    Default = 1,
    /// The full test, where the owner asks or on repeated evidence.
    Full = 2,
    /// Odd forms: where the owner asks.
    Odd = 3,
    /// Forms that can upset old software, or reach a mailbox: where the owner asks, after a warning.
    Upsetting = 4,
}

/// One way in which a server may be talked into relaying.
///
/// In the arguments `{t}` stands for the token, `{T}` for the probe domain, `{X}` for that with its
/// dots written `+2E`, `{b}` for the token of the bounce address, `{s}` for the neutral local part of
/// a sender, `{H}` for the tested host's name (else its address literal), `{I}` for its address
/// literal, `{D}` for the nominated domain and `{R}` for the address literal of the receiver.
#[derive(Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its number in tokens; a number is never used again for another probe.
    pub index: u8,
    /// Its name in reports.
    pub name: &'static str,
    /// The least tier that has it.
    pub tier: Tier,
    /// Whether a server may count it as a syntax error; some hang up after three.
    pub malformed: bool,
    /// What follows `EHLO `; our own name where it is `None`.
    pub(crate) ehlo: Option<&'static str>,
    /// What follows `MAIL FROM:`.
    pub(crate) mail: &'static str,
    /// What follows `RCPT TO:`. Of several the last is at the probe domain; all must be accepted.
    pub(crate) rcpt: &'static [&'static str],
}

/// What is known of a host beside its address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// A domain whose MX it is.
    pub domain: bool,
    /// The public address of our receiver.
    pub receiver: bool,
}

/// The probes of one test, in the order in which they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The probes.
    pub probes: Vec<&'static Probe>,
    /// Those of them that are tried over each of several connections, until one is not refused. A
    /// balancer may have a closed host behind it and an open one.
    pub repeats: Vec<&'static Probe>,
    /// How many connections those are tried over.
    pub connections: usize,
    /// After how many messages the test ends, whatever is left. Refused probes are no messages.
    pub max_messages: usize,
}

impl Probe {
    /// All there are.
    pub fn all() -> &'static [Self] {
        PROBES
    }

    /// That with this index.
    pub fn by_index(index: u8) -> Option<&'static Self> {
        PROBES.get(usize::from(index))
    }

    /// That with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        PROBES.iter().find(|probe| probe.name == name)
    }

    /// Whether its envelope sender is null, so that a null sender of what comes back says nothing.
    pub fn has_null_sender(&self) -> bool {
        self.mail == "<>"
    }

    fn needs(&self, placeholder: &str) -> bool {
        self.mail.contains(placeholder) || self.rcpt.iter().any(|rcpt| rcpt.contains(placeholder))
    }

    fn is_possible(&self, known: Known) -> bool {
        (known.domain || !self.needs("{D}")) && (known.receiver || !self.needs("{R}"))
    }
}

impl Plan {
    /// How many messages a test sends at most, unless told otherwise.
    pub const MAX_MESSAGES: usize = 12;

    /// The probes of all tiers up to this one for which enough is known. Lower tiers come first, and
    /// within a tier well-formed probes.
    pub fn select(limit: Tier, known: Known) -> Self {
        let chosen = PROBES.iter().filter(|probe| probe.tier <= limit && probe.is_possible(known));
        let mut probes: Vec<_> = chosen.collect();
        probes.sort_by_key(|probe| (probe.tier, probe.malformed));
        Self { probes, repeats: Vec::new(), connections: 1, max_messages: Self::MAX_MESSAGES }
    }

    /// The same without the probes that were sent before, as when a test goes on after a crash. Messages
    /// that were sent before are the caller's to take off `max_messages`.
    #[must_use]
    pub fn without(mut self, sent: &[u8]) -> Self {
        self.probes.retain(|probe| !sent.contains(&probe.index));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, Plan, Probe, Tier};

    const ALL: Known = Known { domain: true, receiver: true };

    fn names(plan: &Plan) -> Vec<&str> {
        plan.probes.iter().map(|probe| probe.name).collect()
    }

    #[test]
    fn an_ordinary_test_has_the_first_tier() {
        let expected = [
            "plain",
            "null-sender",
            "sender-ownhost",
            "pct-at-host",
            "bang-at-host",
            "qlocal-at-host",
            "quoted-all",
        ];
        let plan = Plan::select(Tier::Default, Known::default());
        assert_eq!(names(&plan), expected);
        assert!(plan.probes.len() <= plan.max_messages);
    }

    #[test]
    fn a_nominated_domain_adds_its_probes() {
        let plan = Plan::select(Tier::Default, Known { domain: true, receiver: false });
        let names = names(&plan);
        assert_eq!(names.len(), 9);
        assert!(names.contains(&"pct-backupmx") && names.contains(&"sender-owndomain"));
    }

    #[test]
    fn the_owner_may_have_everything_and_odd_forms_come_last() {
        let plan = Plan::select(Tier::Upsetting, ALL);
        assert_eq!(plan.probes.len(), Probe::all().len());
        assert!(plan.probes.is_sorted_by_key(|probe| (probe.tier, probe.malformed)));
        let most = Plan::select(Tier::Odd, Known::default());
        assert!(!names(&most).contains(&"piggyback") && !names(&most).contains(&"rcpt-ipliteral"));
    }

    #[test]
    fn a_plan_goes_on_without_what_was_sent() {
        let plan = Plan::select(Tier::Default, Known::default()).without(&[0, 1, 4]);
        assert_eq!(
            names(&plan),
            ["sender-ownhost", "bang-at-host", "qlocal-at-host", "quoted-all"]
        );
    }

    #[test]
    fn a_probe_is_found_by_index_and_by_name() {
        for probe in Probe::all() {
            assert_eq!(Probe::by_index(probe.index), Some(probe));
            assert_eq!(Probe::by_name(probe.name), Some(probe));
        }
        assert_eq!(Probe::by_index(255), None);
        assert_eq!(Probe::by_name("auth-null"), None);
    }

    #[test]
    fn two_probes_have_a_null_sender() {
        let null = Probe::all().iter().filter(|probe| probe.has_null_sender());
        let null: Vec<_> = null.map(|probe| probe.name).collect();
        assert_eq!(null, ["null-sender", "pct-null-sender"]);
    }
}
