//! Where a report belongs, and whether its subject may be listed there at all.

use std::net::IpAddr;

use dnsbl_index::{IndexedZone, Snapshot, Verdict};
use dnsbl_types::{
    Guard, Name, ReportCategory, ReportRules, Subject, TestEntry, UnixTime, Zone, ZoneKind,
};

use crate::{Claimed, Refused, record::CaseKey};

/// The case that a report belongs to, and what holds there.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) key: CaseKey,
    pub(super) rules: ReportRules,
    /// The relay tester finds out.
    pub(super) is_tested: bool,
}

impl Place {
    /// The place of a report; `relays` is the zone in which the relay tester lists, if there is one.
    pub(super) fn of(
        claimed: &Claimed,
        snapshot: &Snapshot,
        relays: Option<&Name>,
        now: UnixTime,
    ) -> Result<Self, Refused> {
        let subject = &claimed.subject;
        if is_wide(subject) {
            return Err(Refused::Wide(subject.clone()));
        }
        let relays = relays.filter(|_| claimed.category == ReportCategory::Relay);
        let origin = match (relays, &claimed.zone) {
            (Some(relays), Some(named)) if named != relays => {
                return Err(Refused::RelayZone(relays.clone()));
            }
            (Some(relays), _) => relays.clone(),
            (None, Some(named)) => named.clone(),
            (None, None) => only_zone(snapshot, subject)?,
        };
        let zone = snapshot.zone(&origin).ok_or_else(|| Refused::NoZone(origin.clone()))?;
        let settings = zone.settings();
        if relays.is_none() && settings.reports.is_none() {
            return Err(Refused::NotTaken(origin));
        }
        // The tester knows itself which hosts it may test.
        if relays.is_none() {
            check(zone, subject, now)?;
        }
        Ok(Self {
            key: CaseKey { zone: origin, subject: subject.clone() },
            rules: settings.reports.clone().unwrap_or_default(),
            is_tested: relays.is_some(),
        })
    }
}

/// Refuses what may not be listed in a zone, or is kept out of it.
pub(super) fn check(zone: &IndexedZone, subject: &Subject, now: UnixTime) -> Result<(), Refused> {
    let settings = zone.settings();
    if !lists(settings, subject) {
        let (zone, subject) = (settings.origin.clone(), subject.clone());
        return Err(Refused::Kind { zone, subject });
    }
    if let Subject::Domain(domain) = subject
        && settings.origin.prepend(domain.name().labels()).is_err()
    {
        let (zone, subject) = (settings.origin.clone(), subject.clone());
        return Err(Refused::TooLong { zone, subject });
    }
    if TestEntry::named_by(settings, subject).is_some() {
        return Err(Refused::TestEntry(subject.clone()));
    }
    Guard::check(subject, &[])?;
    if is_excluded(zone, subject, now) {
        let (zone, subject) = (settings.origin.clone(), subject.clone());
        return Err(Refused::Excluded { zone, subject });
    }
    Ok(())
}

fn only_zone(snapshot: &Snapshot, subject: &Subject) -> Result<Name, Refused> {
    let mut zones = snapshot.zones().map(|zone| zone.settings());
    let mut takes = zones.by_ref().filter(|zone| zone.reports.is_some() && lists(zone, subject));
    let only = takes.next().ok_or_else(|| Refused::NoneTakes(subject.clone()))?;
    match takes.next() {
        None => Ok(only.origin.clone()),
        Some(_) => Err(Refused::SeveralTake(subject.clone())),
    }
}

fn lists(zone: &Zone, subject: &Subject) -> bool {
    matches!(
        (zone.kind, subject),
        (ZoneKind::Ip, Subject::V4(_) | Subject::V6(_)) | (ZoneKind::Domain, Subject::Domain(_))
    )
}

fn is_wide(subject: &Subject) -> bool {
    match subject {
        Subject::V4(net) => net.prefix_len() < 32,
        Subject::V6(net) => net.prefix_len() < 64,
        Subject::Domain(domain) => domain.is_wildcard(),
    }
}

fn is_excluded(zone: &IndexedZone, subject: &Subject, now: UnixTime) -> bool {
    let of = |address: IpAddr| zone.judge_own_address(address, now);
    let verdict = match subject {
        Subject::V4(net) => of(net.addr().into()),
        Subject::V6(net) => of(net.addr().into()),
        Subject::Domain(domain) => zone.judge_own_domain(domain.name().labels(), now),
    };
    matches!(verdict, Verdict::Excluded { .. }) || zone.allowed_by(subject, now).is_some()
}
