//! `/v1/zones/{zone}/sources`: who lists in a zone, and who may not at the moment.

use std::{collections::HashMap, sync::Arc};

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use dnsbl_store::{Operation, OperationResult};
use dnsbl_types::{Source, UnixTime};
use relay_tester::service::SOURCE as TESTER;

use super::changed;
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{DryRun, Json, Nothing, Params, Path, parse, zone as permitted},
    precondition,
    scopes::{ZonesRead, ZonesWrite},
    v1::{source, time},
};

/// The longest reason, in bytes.
const LONGEST_WHY: usize = 1000;

/// Lists the sources of a zone that list something, or are frozen.
#[utoipa::path(get, path = "/v1/zones/{zone}/sources", tag = "zones", security(("token" = ["zones:read"])),
    params(("zone" = String, Path, description = "Where")),
    responses((status = 200, body = api::Sources), (status = "default", body = api::Problem)))]
pub(crate) async fn list_sources(
    caller: Caller<ZonesRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(zone): Path<String>,
) -> Result<AxumJson<api::Sources>, Problem> {
    let origin = permitted(&caller, &zone)?.into_name();
    let sources = app.read(move |reader| {
        let found = reader.sources(&origin)?.ok_or_else(|| Problem::no_zone(&origin))?;
        let name = origin.to_string();
        let imports = reader.last_imports()?.into_iter().filter(|(zone, ..)| *zone == name);
        let imports: HashMap<String, UnixTime> =
            imports.map(|(_, source, at)| (source, at)).collect();
        let states = found.into_iter().map(|record| {
            let imported_at = imports.get(record.source.as_str()).copied().map(time::write);
            let state = source::write(&origin, &record.source, record.frozen.as_ref());
            api::SourceState { imported_at, ..state }
        });
        Ok(states.collect())
    });
    Ok(AxumJson(api::Sources { sources: sources.await? }))
}

/// Freezes a source, or lets it write again.
///
/// A frozen source is refused (409 `frozen`, saying why and since when) whatever it writes: listings, imports, feeds.
/// What it lists stays, is answered, and expires when it is due; it can be purged, and its changes undone.
#[utoipa::path(put, path = "/v1/zones/{zone}/sources/{source}", tag = "zones", security(("token" = ["zones:write"])),
    params(DryRun, ("zone" = String, Path, description = "Where"),
        ("source" = String, Path, description = "Which; it need not list anything yet")),
    request_body = api::SourceBody,
    responses((status = 200, body = api::SourceState), (status = "default", body = api::Problem)))]
pub(crate) async fn put_source(
    caller: Caller<ZonesWrite>,
    State(app): State<Arc<App>>,
    Path((zone, source)): Path<(String, String)>,
    Params(DryRun { dry_run }): Params<DryRun>,
    headers: HeaderMap,
    Json(body): Json<api::SourceBody>,
) -> Result<Response, Problem> {
    precondition::refuse(&headers, "a source has no entity tag")?;
    let zone = permitted(&caller, &zone)?.into_name();
    let of: Source = parse("source", &source)?;
    let of_server = [TESTER, Source::LOGINS];
    if of_server.iter().any(|own| of.as_str().eq_ignore_ascii_case(own)) {
        let detail = format!("{of} is a part of the server, which is not frozen");
        return Err(Problem::reserved(detail).with("source", of.as_str()));
    }
    let why = body.why.map(|why| why.trim().to_owned()).filter(|why| !why.is_empty());
    let frozen = match (body.frozen, why) {
        (false, _) => None,
        (true, Some(why)) if why.len() <= LONGEST_WHY => Some(why),
        (true, Some(_)) => {
            return Err(Problem::refused(format!("why: at most {LONGEST_WHY} bytes")));
        }
        (true, None) => {
            return Err(Problem::refused("why: whoever is refused shall hear why it is frozen"));
        }
    };
    let change = Operation::PutSource { zone: zone.clone(), source: of.clone(), frozen };
    let done = app.change_or_dry_run(caller.permit(change)?, dry_run).await?;
    let OperationResult::Source(frozen) = done.result else {
        return Err(Problem::internal());
    };
    Ok(changed(StatusCode::OK, done.seq, source::write(&zone, &of, frozen.as_ref())))
}
