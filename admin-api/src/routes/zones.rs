//! `/v1/zones`: the block lists and their settings.

use std::sync::Arc;

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State, http::HeaderMap, response::Response};
use dnsbl_index::IndexedZone;
use dnsbl_store::{Operation, OperationResult};

use super::{changed, created, gone};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{DryRun, Json, Nothing, Params, Path, zone as permitted},
    precondition,
    scopes::{ZonesRead, ZonesWrite},
    v1::zone::{self, serial_warning},
};

/// Lists all zones; a token for some zones sees those.
#[utoipa::path(get, path = "/v1/zones", tag = "zones", security(("token" = ["zones:read"])),
    responses((status = 200, body = api::Zones), (status = "default", body = api::Problem)))]
pub(crate) async fn list_zones(
    caller: Caller<ZonesRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<AxumJson<api::Zones>, Problem> {
    let records = app.read(|reader| Ok(reader.zones()?)).await?;
    let seen = records.iter().filter(|record| caller.rights().zones().has(&record.zone.origin));
    let zones = seen.map(zone::write).collect();
    Ok(AxumJson(api::Zones { zones }))
}

/// Shows a zone.
#[utoipa::path(get, path = "/v1/zones/{zone}", tag = "zones", security(("token" = ["zones:read"])),
    params(("zone" = String, Path, description = "Its name")),
    responses((status = 200, body = api::Zone), (status = "default", body = api::Problem)))]
pub(crate) async fn find_zone(
    caller: Caller<ZonesRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(origin): Path<String>,
) -> Result<AxumJson<api::Zone>, Problem> {
    let origin = permitted(&caller, &origin)?;
    let find = move |reader: &dnsbl_store::Reader<'_>| {
        let record = reader.zone(&origin)?;
        record.ok_or_else(|| Problem::no_zone(&origin))
    };
    let record = app.read(find).await?;
    Ok(AxumJson(zone::write(&record)))
}

/// Creates a zone, or replaces its settings.
///
/// What is left out gets its default. A zone that has listings, or is included by others, keeps its kind (409).
/// What it includes is there, of its kind, and includes no other zones (409).
#[utoipa::path(put, path = "/v1/zones/{zone}", tag = "zones", security(("token" = ["zones:write"])),
    params(DryRun, ("zone" = String, Path, description = "Its name")), request_body = api::ZoneBody,
    responses((status = 200, description = "Replaced", body = api::Zone),
        (status = 201, description = "Created", body = api::Zone),
        (status = "default", body = api::Problem)))]
pub(crate) async fn put_zone(
    caller: Caller<ZonesWrite>,
    State(app): State<Arc<App>>,
    Params(DryRun { dry_run }): Params<DryRun>,
    Path(origin): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::ZoneBody>,
) -> Result<Response, Problem> {
    precondition::refuse(&headers, "a zone has no entity tag")?;
    let origin = permitted(&caller, &origin)?.into_name();
    let (settings, serial_floor) = zone::read(body, origin)?;
    let serial = app.index.load().zone(&settings.origin).map(IndexedZone::serial);
    let stale = serial_floor.zip(serial).filter(|(floor, is)| is.is_after(*floor));
    let change = Operation::PutZone { zone: Box::new(settings), serial_floor };
    let done = app.change_or_dry_run(caller.permit(change)?, dry_run).await?;
    match done.result {
        OperationResult::Zone { created: new, record } => {
            let mut put = zone::write(&record);
            let warnings = put.warnings.get_or_insert_default();
            warnings.extend(stale.map(|(asked, is)| serial_warning(asked, is)));
            for warning in warnings.iter().filter(|_| !dry_run) {
                tracing::warn!(zone = %record.zone.origin, warning, "settings of a zone");
            }
            Ok(changed(created(new), done.seq, put))
        }
        _ => Err(Problem::internal()),
    }
}

/// Deletes a zone with all its listings, unless other zones include it (409).
#[utoipa::path(delete, path = "/v1/zones/{zone}", tag = "zones", security(("token" = ["zones:write"])),
    params(DryRun, ("zone" = String, Path, description = "Its name")),
    responses((status = 204, description = "Deleted"), (status = "default", body = api::Problem)))]
pub(crate) async fn delete_zone(
    caller: Caller<ZonesWrite>,
    State(app): State<Arc<App>>,
    Params(DryRun { dry_run }): Params<DryRun>,
    Path(zone): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    precondition::refuse(&headers, "a zone has no entity tag")?;
    let change = Operation::DeleteZone(permitted(&caller, &zone)?.into_name());
    let done = app.change_or_dry_run(caller.permit(change)?, dry_run).await?;
    Ok(gone(done.seq))
}
