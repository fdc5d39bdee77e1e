//! Where a subject is listed that somebody asks about.

use dnsbl_index::{IndexedZone, Snapshot, Verdict};
use dnsbl_store::{Reader, StoreError};
use dnsbl_types::{Name, Subject, TestEntry, UnixTime, Zone, ZoneKind};

use crate::{Refused, record::CaseKey};

/// The zone and the subject of a request.
pub(super) fn place(
    zone: Option<&Name>,
    subject: &Subject,
    snapshot: &Snapshot,
    now: UnixTime,
) -> Result<CaseKey, Refused> {
    let origin = match zone {
        Some(named) => named.clone(),
        None => only_zone(snapshot, subject, now)?,
    };
    let zone = snapshot.zone(&origin).ok_or_else(|| Refused::NoZone(origin.clone()))?;
    if zone.settings().kind.grant_terms().is_some() {
        return Err(Refused::Grants(origin));
    }
    if TestEntry::named_by(zone.settings(), subject).is_some() {
        return Err(Refused::TestEntry(subject.clone()));
    }
    if lists(zone, subject, now) {
        return Ok(CaseKey { zone: origin, subject: subject.clone() });
    }
    let included = zone.includes().filter_map(|(_, included)| included);
    let included = included.filter(|included| lists(included, subject, now));
    let included: Vec<Name> = included.map(|zone| zone.settings().origin.clone()).collect();
    let subject = subject.clone();
    Err(match included.is_empty() {
        true => Refused::NotListed { zone: origin, subject },
        false => Refused::Elsewhere { zone: origin, subject, included },
    })
}

fn only_zone(snapshot: &Snapshot, subject: &Subject, now: UnixTime) -> Result<Name, Refused> {
    let is_of_list = |zone: &&IndexedZone| zone.settings().kind.grant_terms().is_none();
    let listing = snapshot.zones().filter(is_of_list).filter(|zone| lists(zone, subject, now));
    let mut zones: Vec<Name> = listing.map(|zone| zone.settings().origin.clone()).collect();
    match zones.len() {
        0 => Err(Refused::NowhereListed(subject.clone())),
        1 => Ok(zones.remove(0)),
        _ => Err(Refused::SeveralList { subject: subject.clone(), zones }),
    }
}

/// Whether a zone's own entries list a subject; of a prefix or a wildcard, whether they have it, or what covers it.
pub(super) fn lists(zone: &IndexedZone, subject: &Subject, now: UnixTime) -> bool {
    if !is_of_kind(zone.settings(), subject) || zone.allowed_by(subject, now).is_some() {
        return false;
    }
    match zone.judge_own_subject(subject, now) {
        Some(verdict) => matches!(verdict, Verdict::Listed(_)),
        None => !zone.deciding(subject, now).is_empty(),
    }
}

fn is_of_kind(zone: &Zone, subject: &Subject) -> bool {
    matches!(
        (zone.kind, subject),
        (ZoneKind::Ip, Subject::V4(_) | Subject::V6(_)) | (ZoneKind::Domain, Subject::Domain(_))
    )
}

/// Whether it names more than one host, or one IPv6 network.
pub(super) fn is_wide(subject: &Subject) -> bool {
    match subject {
        Subject::V4(net) => net.prefix_len() < 32,
        Subject::V6(net) => net.prefix_len() < 64,
        Subject::Domain(domain) => domain.is_wildcard(),
    }
}

/// What covers a subject and lists it once its own listings are gone, the longest first.
pub(super) fn wider(
    zone: &IndexedZone,
    reader: &Reader<'_>,
    subject: &Subject,
    now: UnixTime,
) -> Result<Vec<Subject>, StoreError> {
    let mut wider = Vec::new();
    for face in dnsbl_index::faces(subject) {
        for covering in zone.covering(&face, now).into_iter().filter(|one| one != subject) {
            let listings = reader.listings_of(&zone.settings().origin, &covering)?;
            if listings.iter().any(|listing| listing.body.exclusion) {
                break;
            }
            if !listings.is_empty() {
                wider.push(covering);
            }
        }
    }
    Ok(wider)
}

/// Seconds for which resolvers may answer from what they have kept of a zone, or of one that includes it.
pub(super) fn kept_for(snapshot: &Snapshot, origin: &Name) -> u64 {
    let has = |zone: &&IndexedZone| {
        zone.settings().origin == *origin || zone.settings().includes.has(origin)
    };
    let ttls = snapshot.zones().filter(has).map(|zone| zone.settings().ttl);
    ttls.max().unwrap_or_default().into()
}
