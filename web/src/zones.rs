//! Which zones are shown.

use dnsbl_index::{IndexedZone, Snapshot};
use dnsbl_types::{AccessAction, Subject, SubscriberMode, Zone};

use crate::{Settings, ShownZones};

/// The zones that are shown, by name.
pub(crate) fn shown<'s>(snapshot: &'s Snapshot, settings: &Settings) -> Vec<&'s IndexedZone> {
    let mut zones: Vec<&IndexedZone> =
        snapshot.zones().filter(|zone| is_shown(zone.settings(), settings)).collect();
    zones.sort_by_key(|zone| zone.origin().to_string());
    zones
}

/// Those of them that list subjects of the kind of this one.
pub(crate) fn shown_for<'s>(
    snapshot: &'s Snapshot,
    settings: &Settings,
    subject: &Subject,
) -> Vec<&'s IndexedZone> {
    let is_address = !matches!(subject, Subject::Domain(_));
    let mut zones = shown(snapshot, settings);
    zones.retain(|zone| zone.settings().kind.has_addresses() == is_address);
    zones
}

/// Whether a zone is shown: one that the operator names, or where he names none, one that anybody may ask. Who
/// is where is nobody's business, so zones of grants never are. A zone that has ended lists nothing.
pub(crate) fn is_shown(zone: &Zone, settings: &Settings) -> bool {
    if zone.kind.grant_terms().is_some() || zone.phase.retirement().is_some() {
        return false;
    }
    match &settings.zones {
        ShownZones::Public => is_public(zone),
        ShownZones::These(named) => named.contains(&zone.origin),
    }
}

/// Whether anybody may ask it over DNS.
fn is_public(zone: &Zone) -> bool {
    *zone.access.rules.default_action() == AccessAction::Pass
        && zone.access.subscribers != SubscriberMode::Required
}
