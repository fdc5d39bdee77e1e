//! What well-known lists answer: from the presets, and for parts of these lists.

use dnsbl_client::{Asks, Codes, PRESETS, ReplyFilter, Rule, Score, Zone, ZoneKind, ZoneName};

/// Lists that are part of a preset's, or beside it: their codes, and what they are.
const PARTS: &[(&str, &str, Part)] = &[
    ("sbl.spamhaus.org", "127.0.0.[2..3;9]", Part::Addresses),
    ("sbl.dq.spamhaus.net", "127.0.0.[2..3;9]", Part::Addresses),
    ("xbl.spamhaus.org", "127.0.0.[4..7]", Part::Addresses),
    ("xbl.dq.spamhaus.net", "127.0.0.[4..7]", Part::Addresses),
    ("pbl.spamhaus.org", "127.0.0.[10..11]", Part::Addresses),
    ("pbl.dq.spamhaus.net", "127.0.0.[10..11]", Part::Addresses),
    ("sbl-xbl.spamhaus.org", "127.0.0.[2..9]", Part::Addresses),
    ("zrd.dq.spamhaus.net", "127.0.2.[2..24]", Part::Domains),
    ("z.mailspike.net", "127.0.0.2", Part::Addresses),
    ("wl.mailspike.net", "127.0.0.[16..20]", Part::Allow),
    ("black.uribl.com", "127.0.0.2", Part::Domains),
    ("psbl.surriel.com", "127.0.0.2", Part::Addresses),
    ("dnsbl-1.uceprotect.net", "127.0.0.2", Part::Addresses),
    ("dnsbl-2.uceprotect.net", "127.0.0.2", Part::Addresses),
    ("dnsbl-3.uceprotect.net", "127.0.0.2", Part::Addresses),
];

#[derive(Clone, Copy)]
enum Part {
    Addresses,
    Domains,
    Allow,
}

/// A list whose codes are known.
pub(super) struct Known {
    pub(super) asks: Asks,
    /// The codes that speak against a client; nothing if none does.
    pub(super) bad: Option<ReplyFilter>,
    /// Those that speak for one.
    pub(super) good: Option<ReplyFilter>,
}

impl Known {
    /// The list of that name, if it is known.
    pub(super) fn find(name: &ZoneName) -> Option<Self> {
        let preset = PRESETS.iter().find(|preset| preset.zone == name.public());
        let zone = match preset {
            Some(preset) => preset.build(preset.needs_key.then_some("key")).ok()?,
            None => part(name)?,
        };
        let codes = |good: bool| {
            let counts = |rule: &&Rule| {
                let speaks_for = zone.kind == ZoneKind::Allow || rule.weight < Score::ZERO;
                speaks_for == good
            };
            let union = ReplyFilter::union(zone.rules.iter().filter(counts).map(|r| &r.filter));
            union.filter(|union| union.to_postfix().is_some())
        };
        Some(Self { asks: zone.asks, bad: codes(false), good: codes(true) })
    }
}

fn part(name: &ZoneName) -> Option<Zone> {
    let (_, codes, part) = PARTS.iter().find(|(zone, ..)| *zone == name.public())?;
    let rule = Rule::new(ReplyFilter::postfix(codes).ok()?, Score::ONE);
    let zone = match part {
        Part::Addresses => Zone::addresses(name.clone()),
        Part::Domains => Zone::domains(name.clone()),
        Part::Allow => Zone::addresses(name.clone()).kind(ZoneKind::Allow),
    };
    Some(zone.rules([rule]))
}

/// Whether a filter takes an answer for a listing by which this list refuses, or any list does
/// (127.255.255.0/24).
pub(super) fn takes_refusals(name: &ZoneName, filter: &ReplyFilter) -> bool {
    let every_list = ReplyFilter::postfix("127.255.255.[0..255]");
    let own = Codes::of(name).blocked.into_iter().map(|(filter, _)| filter);
    every_list.into_iter().chain(own).any(|refusal| filter.meets(&refusal))
}

#[cfg(test)]
mod tests {
    use dnsbl_client::{PRESETS, ReplyFilter};

    use super::{Known, PARTS, takes_refusals};

    #[test]
    fn every_list_with_codes_of_its_own_is_known_by_them() {
        let parts = PARTS.iter().map(|(zone, ..)| *zone);
        for zone in PRESETS.iter().map(|preset| preset.zone).chain(parts) {
            let name = zone.parse().unwrap();
            let known = Known::find(&name).unwrap();
            assert!(known.bad.is_some() || known.good.is_some(), "{zone}");
            for filter in [known.bad, known.good].into_iter().flatten() {
                assert!(!takes_refusals(&name, &filter), "{zone}");
                assert!(filter.to_postfix().is_some(), "{zone}");
            }
        }
        let codes = |zone: &str| {
            let known = Known::find(&zone.parse().unwrap()).unwrap();
            [known.bad, known.good].map(|filter| filter.and_then(|f| f.to_postfix()))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(codes("dbl.spamhaus.org"), [some("127.0.1.[2..106]"), None]);
        assert_eq!(codes("list.dnswl.org"), [None, some("127.0.[0..254].[0..3]")]);
        assert_eq!(
            codes("hostkarma.junkemailfilter.com"),
            [some("127.0.0.[2;4]"), some("127.0.0.1")]
        );
        assert!(Known::find(&"bl.example".parse().unwrap()).is_none());
        assert!(takes_refusals(
            &"list.dnswl.org".parse().unwrap(),
            &ReplyFilter::postfix("127.0.[0..255].[0..255]").unwrap()
        ));
    }
}
