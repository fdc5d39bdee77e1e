//! What else may be done with allow zones: little, since logins alone grant.

use std::net::IpAddr;

use dnsbl_types::{GrantTerms, Name, Subject, ZoneKind};
use ipnet::IpNet;

use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    rights::{PermittedZone, Rights},
    scopes::GRANTS_READ,
};

/// Refuses to show what is in an allow zone to who may not see grants: it tells where users are.
pub(crate) fn require_sight<S>(
    app: &App,
    caller: &Caller<S>,
    origin: &Name,
) -> Result<(), Problem> {
    if is_allow_zone(app, origin) { caller.require(GRANTS_READ) } else { Ok(()) }
}

/// Refuses to list anything in an allow zone but by a login.
pub(crate) fn refuse_listing(app: &App, origin: &Name) -> Result<(), Problem> {
    if !is_allow_zone(app, origin) {
        return Ok(());
    }
    let detail = format!(
        "{origin} is an allow zone: what it lists is granted by logins alone (POST /v1/logins); an exclusion keeps an address from being granted anything"
    );
    Err(Problem::refused(detail))
}

pub(crate) fn is_allow_zone(app: &App, origin: &Name) -> bool {
    terms(app, origin).is_some()
}

/// Refuses to change the grant of an address in a zone that the token is not for, or where it is one of a larger prefix.
pub(crate) fn permit_grant(
    app: &App,
    rights: &Rights,
    origin: &Name,
    address: IpAddr,
) -> Result<PermittedZone, Problem> {
    let zone = rights.zones().permit(origin)?;
    let len = match (address.to_canonical(), terms(app, origin)) {
        (IpAddr::V4(_), _) => 32,
        (IpAddr::V6(_), Some(terms)) => terms.ipv6_prefix,
        (IpAddr::V6(_), None) => 128,
    };
    let network = IpNet::new(address.to_canonical(), len).map_err(|_| Problem::internal())?;
    rights.prefixes().permit(&Subject::from_net(network))?;
    Ok(zone)
}

fn terms(app: &App, origin: &Name) -> Option<GrantTerms> {
    let snapshot = app.index.load();
    match snapshot.zone(origin)?.settings().kind {
        ZoneKind::Allow(terms) => Some(terms),
        _ => None,
    }
}
