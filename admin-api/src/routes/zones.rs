//! `/v1/zones`: the block lists and their settings.

use std::sync::Arc;

use axum::{Json as AxumJson, extract::State, http::HeaderMap, response::Response};
use dnsbl_index::IndexedZone;
use dnsbl_store::{Change, Outcome};
use dnsbl_types::Name;

use super::{changed, created, gone};
use crate::{
    app::App,
    auth::{Caller, ZonesRead, ZonesWrite},
    error::Problem,
    extract::{Json, Nothing, Params, Path, parse},
    precondition,
    v1::{
        problem::ProblemOut,
        zone::{ZoneIn, ZoneOut, ZonesOut, serial_warning},
    },
};

/// Lists all zones.
#[utoipa::path(get, path = "/v1/zones", tag = "zones", security(("token" = ["zones:read"])),
    responses((status = 200, body = ZonesOut), (status = "default", body = ProblemOut)))]
pub(crate) async fn list_zones(
    _: Caller<ZonesRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<AxumJson<ZonesOut>, Problem> {
    let records = app.read(|reader| Ok(reader.zones()?)).await?;
    let zones = records.iter().map(ZoneOut::from).collect();
    Ok(AxumJson(ZonesOut { zones }))
}

/// Shows a zone.
#[utoipa::path(get, path = "/v1/zones/{zone}", tag = "zones", security(("token" = ["zones:read"])),
    params(("zone" = String, Path, description = "Its name")),
    responses((status = 200, body = ZoneOut), (status = "default", body = ProblemOut)))]
pub(crate) async fn find_zone(
    _: Caller<ZonesRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(zone): Path<String>,
) -> Result<AxumJson<ZoneOut>, Problem> {
    let origin: Name = parse("zone", &zone)?;
    let find = move |reader: &dnsbl_store::Reader<'_>| {
        let record = reader.zone(&origin)?;
        record.ok_or_else(|| Problem::no_zone(&origin))
    };
    let record = app.read(find).await?;
    Ok(AxumJson(ZoneOut::from(&record)))
}

/// Creates a zone, or replaces its settings.
///
/// What is left out gets its default. A zone that has listings keeps its kind (409).
#[utoipa::path(put, path = "/v1/zones/{zone}", tag = "zones", security(("token" = ["zones:write"])),
    params(("zone" = String, Path, description = "Its name")), request_body = ZoneIn,
    responses((status = 200, description = "Replaced", body = ZoneOut),
        (status = 201, description = "Created", body = ZoneOut),
        (status = "default", body = ProblemOut)))]
pub(crate) async fn put_zone(
    caller: Caller<ZonesWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(zone): Path<String>,
    headers: HeaderMap,
    Json(body): Json<ZoneIn>,
) -> Result<Response, Problem> {
    precondition::refuse(&headers, "a zone has no entity tag")?;
    let (zone, serial_floor) = body.into_zone(parse("zone", &zone)?)?;
    let serial = app.index.load().zone(&zone.origin).map(IndexedZone::serial);
    let stale = serial_floor.zip(serial).filter(|(floor, is)| is.is_after(*floor));
    let change = Change::PutZone { zone: Box::new(zone), serial_floor };
    let done = app.change(caller.actor(), change).await?;
    match done.outcome {
        Outcome::Zone { created: new, record } => {
            let mut zone = ZoneOut::from(&*record);
            if let Some((asked, is)) = stale {
                zone = zone.warn(serial_warning(asked, is));
            }
            for warning in zone.warnings() {
                tracing::warn!(zone = %record.zone.origin, warning, "settings of a zone");
            }
            Ok(changed(created(new), done.seq, zone))
        }
        _ => Err(Problem::internal()),
    }
}

/// Deletes a zone with all its listings.
#[utoipa::path(delete, path = "/v1/zones/{zone}", tag = "zones", security(("token" = ["zones:write"])),
    params(("zone" = String, Path, description = "Its name")),
    responses((status = 204, description = "Deleted"), (status = "default", body = ProblemOut)))]
pub(crate) async fn delete_zone(
    caller: Caller<ZonesWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(zone): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    precondition::refuse(&headers, "a zone has no entity tag")?;
    let change = Change::DeleteZone(parse("zone", &zone)?);
    let done = app.change(caller.actor(), change).await?;
    Ok(gone(done.seq))
}
