//! Grants and the logins that they rest on.

use admin_api_types as api;
use dnsbl_logins::{Grant, Hold, Login, MailService, Report, Way};
use dnsbl_types::Name;

use super::{BodyError, parse, time};

/// The report in a body, and its zone.
pub(crate) fn read(body: &api::LoginBody) -> Result<(Option<Name>, Report), BodyError> {
    let zone = body.zone.as_ref().map(|zone| parse("zone", zone)).transpose()?;
    let address: std::net::IpAddr = parse("address", &body.address)?;
    let address = address.to_canonical();
    let user = body.user.as_ref().filter(|user| !user.is_empty());
    let user = user.map(|user| parse("user", user)).transpose()?;
    match body.event.as_deref().unwrap_or("login") {
        event if event.eq_ignore_ascii_case("login") => {}
        event if event.eq_ignore_ascii_case("logout") => {
            return Ok((zone, Report::Logout { address, user }));
        }
        event => {
            let detail = format!("{event:?} is neither login nor logout");
            return Err(BodyError::malformed("event", detail));
        }
    }
    let service = match body.service.as_ref().filter(|service| !service.is_empty()) {
        Some(service) => parse("service", service)?,
        None => MailService::unnamed(Way::Api),
    };
    let login = Login {
        address,
        peer: None,
        user,
        service,
        way: Way::Api,
        tls: body.tls,
        session: body.session.clone().filter(|session| (1..=128).contains(&session.len())),
        at: body.at.as_ref().map(|at| time::read("at", at)).transpose()?,
    };
    Ok((zone, Report::Login(Box::new(login))))
}

/// A grant as it is shown; `excluded` says whether DNS denies it all the same.
pub(crate) fn write(zone: &Name, grant: &Grant, excluded: bool) -> api::Grant {
    api::Grant {
        zone: zone.to_string(),
        address: write_network(grant),
        since: time::write(grant.since),
        until: time::write(grant.until()),
        holds: grant.holds.iter().map(hold).collect(),
        excluded,
    }
}

/// An address, or the prefix of a network.
pub(crate) fn write_network(grant: &Grant) -> String {
    let network = grant.network;
    match network.prefix_len() == network.max_prefix_len() {
        true => network.addr().to_string(),
        false => network.to_string(),
    }
}

fn hold(hold: &Hold) -> api::Hold {
    api::Hold {
        user: hold.user.as_ref().map(|user| user.as_str().to_owned()),
        service: hold.service.as_str().to_owned(),
        via: hold.way.as_str().to_owned(),
        first: time::write(hold.first),
        last: time::write(hold.last),
        until: time::write(hold.until),
        logins: hold.logins,
    }
}
