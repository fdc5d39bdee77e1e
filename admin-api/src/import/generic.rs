//! Records of rbldnsd that mean what a listing means.

use std::collections::BTreeMap;

use dnsbl_formats::rbldnsd::{Record, RecordData};
use dnsbl_types::{DomainSubject, ListingBody, Name, Reason, ReturnCode, Subject, UnixTime, Zone};

/// A listing that says what some records say, and the line of the first; or the line of a record that no listing is, and
/// why.
pub(super) type Listed = Result<(u64, Subject, ListingBody), (u64, &'static str)>;

/// The listings that answer exactly as these records in a zone of domains.
pub(super) fn listings(
    records: &[Record],
    zone: &Zone,
    expires_at: Option<UnixTime>,
) -> Vec<Listed> {
    let mut names: BTreeMap<&Name, Vec<&Record>> = BTreeMap::new();
    for record in records {
        names.entry(&record.name).or_default().push(record);
    }
    let mut listed = Vec::new();
    for (name, records) in names {
        match listing(name, &records, zone, expires_at) {
            Ok((subject, body)) => listed.push(Ok((records[0].line, subject, body))),
            Err(why) => listed.extend(records.iter().map(|record| Err((record.line, why)))),
        }
    }
    listed
}

fn listing(
    name: &Name,
    records: &[&Record],
    zone: &Zone,
    expires_at: Option<UnixTime>,
) -> Result<(Subject, ListingBody), &'static str> {
    if name.is_root() {
        return Err("it is a record of the zone's own name");
    }
    let is_plain = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_');
    if !name.labels().flatten().all(is_plain) {
        return Err("its name can't be listed");
    }
    let (mut codes, mut texts): (Vec<ReturnCode>, Vec<&[u8]>) = (Vec::new(), Vec::new());
    for record in records {
        match &record.data {
            RecordData::A(addr) => {
                codes.push(
                    ReturnCode::try_from(*addr).map_err(|_| "its address is no return code")?,
                );
            }
            RecordData::Txt(text) => texts.push(text),
            RecordData::Mx { .. } => return Err("its name has an MX record"),
        }
    }
    let [text] = texts[..] else {
        return Err("a listing has exactly one TXT record, and its name has none or several");
    };
    let text = std::str::from_utf8(text).map_err(|_| "its text is not UTF-8")?;
    let reason: Reason =
        text.replace('$', "$$").parse().map_err(|_| "its text can't be a reason")?;
    if codes.is_empty() {
        return Err("its name has no A record");
    }
    codes.sort_unstable();
    codes.dedup();
    let domain = DomainSubject::exact(name.clone()).map_err(|_| "its name can't be listed")?;
    let body = ListingBody {
        return_codes: if codes == zone.return_codes { Vec::new() } else { codes },
        reason: Some(reason).filter(|reason| *reason != zone.reason),
        expires_at,
        ..ListingBody::default()
    };
    let body = body.checked().map_err(|_| "it can't be listed so")?;
    Ok((Subject::Domain(domain), body))
}
