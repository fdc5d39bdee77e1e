//! A grant as it is kept: while it lasts, so that it outlives a restart, and for some days after, so that it can
//! be told who sent from where.

use std::net::IpAddr;

use dnsbl_store::{BodyError, BodyFormat, Document, DocumentError, DocumentId, DocumentKind};
use dnsbl_types::{Name, UnixTime};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{Grant, Hold, Way};

/// The kind of documents that grants are.
pub(crate) const KIND: DocumentKind = DocumentKind::from_static("grant");

const FORMAT: BodyFormat = BodyFormat(1);

#[derive(Serialize, Deserialize)]
struct GrantValue {
    zone: String,
    address: IpAddr,
    prefix_len: u8,
    since: u64,
    holds: Vec<HoldValue>,
}

#[derive(Serialize, Deserialize)]
struct HoldValue {
    user: Option<String>,
    service: String,
    way: u8,
    first: u64,
    last: u64,
    until: u64,
    logins: u32,
}

/// The document of a grant; it may go `keep` seconds after its end.
pub(crate) fn document(zone: &Name, grant: &Grant, keep: u64) -> Result<Document, DocumentError> {
    let holds = grant.holds.iter().map(|hold| HoldValue {
        user: hold.user.as_ref().map(|user| user.as_str().to_owned()),
        service: hold.service.as_str().to_owned(),
        way: Way::ALL.iter().position(|way| *way == hold.way).unwrap_or_default() as u8,
        first: hold.first.0,
        last: hold.last.0,
        until: hold.until.0,
        logins: hold.logins,
    });
    let value = GrantValue {
        zone: zone.to_string(),
        address: grant.network.addr(),
        prefix_len: grant.network.prefix_len(),
        since: grant.since.0,
        holds: holds.collect(),
    };
    let body = FORMAT.encode(&value);
    let due = Some(grant.until().plus(keep));
    let group = group(grant.network.addr());
    Ok(Document::new(KIND, id(zone, grant)?, group, due, body)?.as_private())
}

/// Grants that began at another time are other documents.
pub(crate) fn id(zone: &Name, grant: &Grant) -> Result<DocumentId, DocumentError> {
    let digest = blake3::hash(zone.wire());
    let [a, b, c, d, ..] = digest.as_bytes();
    let zone = u32::from_be_bytes([*a, *b, *c, *d]);
    format!("{}/{zone:08x}/{:x}", grant.network, grant.since.0).parse()
}

/// The group of the grants that an address had; those of a /64 are in that of its first address.
pub(crate) fn group(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The grant in a document, and its zone.
pub(crate) fn read(document: &Document) -> Result<(Name, Grant), BodyError> {
    let value: GrantValue = FORMAT.decode(document)?;
    let network = IpNet::new(value.address, value.prefix_len).map_err(BodyError::damaged)?;
    let holds = value.holds.into_iter().map(hold).collect::<Result<_, _>>()?;
    let zone = value.zone.parse().map_err(BodyError::damaged)?;
    Ok((zone, Grant { network, since: UnixTime(value.since), holds }))
}

fn hold(value: HoldValue) -> Result<Hold, BodyError> {
    let way = Way::ALL.get(usize::from(value.way)).copied();
    Ok(Hold {
        user: value.user.map(|user| user.parse()).transpose().map_err(BodyError::damaged)?,
        service: value.service.parse().map_err(BodyError::damaged)?,
        way: way.ok_or_else(|| BodyError::damaged(format!("way {}", value.way)))?,
        first: UnixTime(value.first),
        last: UnixTime(value.last),
        until: UnixTime(value.until),
        logins: value.logins,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_read_as_it_was_written_and_has_an_id_whatever_its_address() {
        let zone: Name = format!("{}.example.org", "x".repeat(60)).parse().unwrap();
        for network in
            ["192.0.2.1/32", "2001:db8:1111:2222:3333:4444:5555:6666/128", "2001:db8::/64"]
        {
            let hold = Hold {
                user: Some("taro@example.org".parse().unwrap()),
                service: "imap".parse().unwrap(),
                way: Way::Drac,
                first: UnixTime(1_000),
                last: UnixTime(1_100),
                until: UnixTime(1_700),
                logins: 3,
            };
            let grant = Grant {
                network: network.parse().unwrap(),
                since: UnixTime(u64::from(u32::MAX)),
                holds: vec![hold.clone(), Hold { user: None, ..hold }],
            };
            let document = document(&zone, &grant, 60).unwrap();
            assert_eq!(document.due(), Some(UnixTime(1_760)));
            assert_eq!(read(&document).unwrap(), (zone.clone(), grant));
        }
    }
}
