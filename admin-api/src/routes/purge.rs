//! `POST /v1/purge`: removing many listings at once (RFC 6471 section 3.9).

use std::sync::Arc;

use admin_api_types as api;
use axum::{extract::State, http::StatusCode, response::Response};
use dnsbl_store::{OperationResult, Selection};
use dnsbl_types::{Name, UnixTime};

use super::{changed, undo};
use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    extract::{DryRun, Json, Params, parse},
    scopes::PurgeAny,
    v1::{purge, time},
};

/// The most zones of one purge.
const MOST_ZONES: usize = 1000;

/// Removes the listings that are selected, all of them as one change, which can be undone.
///
/// A dry run says how many they are; `expect` repeats that number. Where it would be another one, nothing goes (409 with
/// the number as it is). Frozen sources are purged like others.
#[utoipa::path(post, path = "/v1/purge", tag = "listings", security(("token" = ["purge"])),
    params(DryRun,
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once")),
    request_body = api::PurgeBody,
    responses((status = 200, body = api::PurgeResult), (status = "default", body = api::Problem)))]
pub(crate) async fn purge_listings(
    caller: Caller<PurgeAny>,
    State(app): State<Arc<App>>,
    Params(DryRun { dry_run }): Params<DryRun>,
    Json(body): Json<api::PurgeBody>,
) -> Result<Response, Problem> {
    let (zones, expect) = (zones(&app, &body)?, body.expect);
    caller.rights().require_every_prefix("a purge")?;
    zones.iter().try_for_each(|zone| caller.rights().zones().permit(zone).map(drop))?;
    let selection = selection(&app, body).await?;
    if selection.is_empty() {
        return Err(Problem::refused(
            "name a source, a tag, an import, or when it was listed: a purge of all that zones list is no purge; delete the zones, if that is meant",
        ));
    }
    let permit = app.imports.take(caller.token_id())?;
    let store = app.store();
    let staged = app.block(move || {
        let _permit = permit;
        Ok(store.stage_purge(&zones, selection, expect, dry_run, UnixTime::now())?)
    });
    let done = app.change_or_dry_run(caller.permit(staged.await?)?, dry_run).await?;
    let OperationResult::Purge(sources) = done.result else {
        return Err(Problem::internal());
    };
    let (count, sources) = purge::write(&sources);
    let result = api::PurgeResult { count, sources, seq: done.seq };
    Ok(changed(StatusCode::OK, done.seq, result))
}

/// The zones, each once.
fn zones(app: &App, body: &api::PurgeBody) -> Result<Vec<Name>, Problem> {
    let zones = body.zones.iter().map(|zone| parse::<Name>("zones", zone));
    let mut zones = zones.collect::<Result<Vec<_>, _>>()?;
    zones.sort_unstable();
    zones.dedup();
    if zones.is_empty() || zones.len() > MOST_ZONES {
        return Err(Problem::malformed(format!("zones: name 1 to {MOST_ZONES} zones")));
    }
    for zone in &zones {
        if allow::is_allow_zone(app, zone) {
            let detail = format!(
                "{zone} is an allow zone: what logins grant is revoked by DELETE /v1/grants/{{zone}}/{{address}}"
            );
            return Err(Problem::refused(detail));
        }
    }
    Ok(zones)
}

async fn selection(app: &App, body: api::PurgeBody) -> Result<Selection, Problem> {
    let at = |field, text: Option<String>| -> Result<Option<UnixTime>, Problem> {
        Ok(text.map(|text| time::read(field, &text)).transpose()?)
    };
    let written_by = match body.import {
        Some(id) => Some(undo::change_of(app, id).await?),
        None => None,
    };
    Ok(Selection {
        source: body.source.map(|source| parse("source", &source)).transpose()?,
        tag: body.tag,
        written_by,
        listed_from: at("listed_from", body.listed_from)?,
        listed_until: at("listed_until", body.listed_until)?,
    })
}
