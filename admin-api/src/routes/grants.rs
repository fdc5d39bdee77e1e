//! `/v1/grants`: who may send by virtue of a login, and until when.

use std::{net::IpAddr, sync::Arc};

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State, response::Response};
use dnsbl_index::Verdict;
use dnsbl_logins::{Grant, LoginsError};
use dnsbl_types::{Name, UnixTime};
use serde::Deserialize;

use super::gone;
use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Nothing, Params, Path, flag, limit, parse},
    rights::ZoneRights,
    scopes::{GrantsRead, GrantsWrite},
    v1::grant,
};

/// Which grants, and which page of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GrantsQuery {
    /// The allow zone; left out: all of them.
    zone: Option<String>,
    /// One address.
    address: Option<String>,
    /// Those that an address had, as far as they are kept; needs `address`. Default 0.
    #[serde(default, deserialize_with = "flag")]
    ended: bool,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Lists grants: who, since when, until when, and how.
#[utoipa::path(get, path = "/v1/grants", tag = "logins", security(("token" = ["grants:read"])),
    params(GrantsQuery),
    responses((status = 200, body = api::GrantPage), (status = "default", body = api::Problem)))]
pub(crate) async fn list_grants(
    caller: Caller<GrantsRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<GrantsQuery>,
) -> Result<AxumJson<api::GrantPage>, Problem> {
    let limit = limit(query.limit)?;
    let zones = app.allow_zones(caller.rights().zones(), query.zone.as_deref())?;
    let address: Option<IpAddr> =
        query.address.as_deref().map(|text| parse("address", text)).transpose()?;
    let address = address.map(|address| address.to_canonical());
    let (grants, next) = match (address, query.ended) {
        (None, true) => return Err(Problem::malformed("ended: needs address")),
        (Some(address), true) => (app.ended(&zones, address, limit).await?, None),
        (Some(address), false) => {
            let mut grants = Vec::new();
            for zone in &zones {
                let found = app.logins.grant(zone.clone(), address).await?;
                grants.extend(found.map(|found| app.shown(zone, &found)));
            }
            (grants, None)
        }
        (None, false) => app.page(&zones, query.cursor.as_deref(), limit).await?,
    };
    Ok(AxumJson(api::GrantPage { grants, next }))
}

/// Revokes the grant of an address, whoever logged in from there. The next login grants anew.
#[utoipa::path(delete, path = "/v1/grants/{zone}/{address}", tag = "logins",
    security(("token" = ["grants:write"])),
    params(("zone" = String, Path, description = "The allow zone"),
        ("address" = String, Path, description = "The address")),
    responses((status = 204, description = "It has no grant any more"),
        (status = "default", body = api::Problem)))]
pub(crate) async fn revoke_grant(
    caller: Caller<GrantsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path((zone, address)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let zones = app.allow_zones(caller.rights().zones(), Some(&zone))?;
    let address: IpAddr = parse("address", &address)?;
    for zone in zones {
        let zone = allow::permit_grant(&app, caller.rights(), &zone, address)?.into_name();
        if let Some(seq) = app.logins.revoke(zone, address.to_canonical()).await? {
            return Ok(gone(seq));
        }
    }
    Err(Problem::not_found("no-grant", format!("{address} has no grant in {zone}")))
}

impl App {
    /// The allow zones of a request, by name: the one that it names, or all that may be seen.
    fn allow_zones(&self, rights: &ZoneRights, named: Option<&str>) -> Result<Vec<Name>, Problem> {
        let named: Option<Name> = named.map(|zone| parse("zone", zone)).transpose()?;
        named.iter().try_for_each(|zone| rights.permit(zone).map(drop))?;
        let snapshot = self.index.load();
        let Some(named) = named else {
            let zones = snapshot.zones().map(|zone| zone.settings());
            let allow = zones.filter(|zone| zone.kind.grant_terms().is_some());
            let allow = allow.filter(|zone| rights.has(&zone.origin));
            let mut names: Vec<Name> = allow.map(|zone| zone.origin.clone()).collect();
            names.sort_unstable();
            return Ok(names);
        };
        let zone = snapshot.zone(&named).ok_or_else(|| Problem::no_zone(&named))?;
        match zone.settings().kind.grant_terms() {
            Some(_) => Ok(vec![named]),
            None => Err(Problem::refused(format!("{named} is no allow zone"))),
        }
    }

    /// A grant as it is shown: DNS may deny it all the same.
    fn shown(&self, zone: &Name, found: &Grant) -> api::Grant {
        let snapshot = self.index.load();
        let judged = snapshot.zone(zone);
        let verdict = judged.map(|zone| zone.judge_address(found.network.addr(), UnixTime::now()));
        grant::write(zone, found, matches!(verdict, Some(Verdict::Excluded { .. })))
    }

    async fn ended(
        &self,
        zones: &[Name],
        address: IpAddr,
        limit: usize,
    ) -> Result<Vec<api::Grant>, Problem> {
        let (logins, now) = (self.logins.clone(), UnixTime::now());
        let history = self.block(move || Ok(logins.history(address, limit)?)).await?;
        let ended =
            history.iter().filter(|(zone, grant)| zones.contains(zone) && grant.until() <= now);
        Ok(ended.map(|(zone, grant)| grant::write(zone, grant, false)).collect())
    }

    /// A page of all grants; a cursor is the zone and the address of the last one.
    async fn page(
        &self,
        zones: &[Name],
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<api::Grant>, Option<String>), Problem> {
        let cursor = cursor.map(read_cursor).transpose()?;
        let (mut grants, mut left) = (Vec::new(), limit);
        for zone in zones {
            let after = match &cursor {
                Some((last, _)) if zone < last => continue,
                Some((last, address)) if zone == last => Some(*address),
                _ => None,
            };
            let page = self.logins.grants(zone.clone(), after, left).await?;
            grants.extend(page.grants.iter().map(|found| self.shown(zone, found)));
            left = limit.saturating_sub(grants.len());
            if let Some(last) = page.grants.last().filter(|_| page.is_cut || left == 0) {
                return Ok((grants, Some(format!("{zone} {}", last.network.addr()))));
            }
        }
        Ok((grants, None))
    }
}

fn read_cursor(text: &str) -> Result<(Name, IpAddr), Problem> {
    let wrong = || Problem::malformed("cursor: it is none that was given");
    let (zone, address) = text.split_once(' ').ok_or_else(wrong)?;
    Ok((zone.parse().map_err(|_| wrong())?, address.parse().map_err(|_| wrong())?))
}

impl From<LoginsError> for Problem {
    fn from(err: LoginsError) -> Self {
        match err {
            LoginsError::Change(err) => {
                tracing::warn!(%err, "a login grants nothing");
                Self::unavailable("unwritable", err)
            }
            LoginsError::Store(err) => err.into(),
            LoginsError::Stopping => Self::stopping(),
            LoginsError::Document(_) => {
                tracing::error!(%err, "a record of a grant");
                Self::internal()
            }
        }
    }
}
