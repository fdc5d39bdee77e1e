//! Records of a data set as records of a zone.

use std::collections::BTreeMap;

use dnsbl_formats::rbldnsd::Record;
use dnsbl_types::{Name, Records, ZoneSpec};

use super::planned::PlannedZone;

/// By owner and type, as the body of a zone has them.
pub(super) type Owners = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The records that the zone may have, and the owners of those that it may not, with the reason.
pub(super) fn of(zone: &PlannedZone) -> (Owners, Vec<(String, String)>) {
    let mut owners = Owners::new();
    for Record { name, data, .. } in &zone.records {
        let set =
            owners.entry(owner(zone, name)).or_default().entry(data.rtype().into()).or_default();
        let text = data.text();
        if !set.contains(&text) {
            set.push(text);
        }
    }
    let mut refused = Vec::new();
    owners.retain(|owner, types| match check(zone, [(owner.as_str(), &*types)]) {
        Ok(()) => true,
        Err(why) => {
            refused.push((owner.clone(), why));
            false
        }
    });
    // Each alone is right, and all of them may be too many.
    let all = owners.iter().map(|(owner, types)| (owner.as_str(), types));
    if let Err(why) = check(zone, all) {
        refused.push((zone.origin.to_string(), why));
        owners.clear();
    }
    (owners, refused)
}

/// A name as owners are written: relative, unless that could be taken for an absolute one.
fn owner(zone: &PlannedZone, name: &Name) -> String {
    match zone.origin.prepend(name.labels()) {
        _ if name.is_root() => "@".into(),
        Ok(whole) if name.strip_suffix(&zone.origin).is_some() => whole.to_absolute(),
        _ => name.to_string(),
    }
}

fn check<'a>(
    zone: &PlannedZone,
    owners: impl IntoIterator<Item = (&'a str, &'a BTreeMap<String, Vec<String>>)>,
) -> Result<(), String> {
    let records = Records::parse(&zone.origin, owners).map_err(|err| err.to_string())?;
    let elsewhere = Name::from_labels([b"ns".as_slice(), b"invalid"]);
    let elsewhere = elsewhere.map_err(|err| err.to_string())?;
    let reason = "$".parse().map_err(|err| format!("{err}"))?;
    let spec = ZoneSpec::new(zone.origin.clone(), zone.kind, vec![elsewhere], reason);
    ZoneSpec { records, ..spec }.check().map(drop).map_err(|err| err.to_string())
}
