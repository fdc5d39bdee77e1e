//! Plans: the probes that a test has.

use crate::{Probe, Tier};

/// The facts on which some probes depend.
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

impl Plan {
    /// How many messages a test sends at most, unless told otherwise.
    pub const MAX_MESSAGES: usize = 12;

    /// The probes of all tiers up to this one for which enough is known. Lower tiers come first, and
    /// within a tier well-formed probes.
    pub fn select(limit: Tier, known: Known) -> Self {
        let is_possible = |probe: &&Probe| {
            (known.domain || !probe.needs("{D}")) && (known.receiver || !probe.needs("{R}"))
        };
        let chosen = Probe::all().iter().filter(|probe| probe.tier <= limit && is_possible(probe));
        let mut probes: Vec<_> = chosen.collect();
        probes.sort_by_key(|probe| (probe.tier, probe.malformed));
        Self { probes, repeats: Vec::new(), connections: 1, max_messages: Self::MAX_MESSAGES }
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
    fn two_probes_have_a_null_sender() {
        let null = Probe::all().iter().filter(|probe| probe.has_null_sender());
        let null: Vec<_> = null.map(|probe| probe.name).collect();
        assert_eq!(null, ["null-sender", "pct-null-sender"]);
    }
}
