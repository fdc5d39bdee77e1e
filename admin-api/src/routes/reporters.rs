//! `/v1/reporters`: what has come of whose reports.

use std::sync::Arc;

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State};
use serde::Deserialize;

use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Params, limit, parse},
    scopes::ReportsRead,
    v1::report,
};

/// Which page of reporters.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReportersQuery {
    /// Where to go on, as `next` said.
    cursor: Option<String>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
}

/// Lists reporters with their records, by name.
#[utoipa::path(get, path = "/v1/reporters", tag = "reports", security(("token" = ["reports:read"])),
    params(ReportersQuery),
    responses((status = 200, body = api::ReporterPage), (status = "default", body = api::Problem)))]
pub(crate) async fn list_reporters(
    caller: Caller<ReportsRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<ReportersQuery>,
) -> Result<AxumJson<api::ReporterPage>, Problem> {
    caller.rights().require_every_zone("the record of reporters")?;
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(|text| parse("cursor", text)).transpose()?;
    let (reporters, next) = app.reports.reporters(cursor, limit).await?;
    let reporters = reporters.iter().map(report::write_reporter).collect();
    Ok(AxumJson(api::ReporterPage { reporters, next: next.map(|name| name.to_string()) }))
}
