//! `GET /v1/audit`: who did what.

use std::sync::Arc;

use axum::{Json as AxumJson, extract::State};
use serde::Deserialize;

use crate::{
    app::App,
    auth::{AuditRead, Caller},
    error::Problem,
    extract::{Params, limit},
    v1::{
        audit::{AuditOut, AuditPageOut},
        problem::ProblemOut,
    },
};

/// Which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Records of changes before this one; `next` of the page before. Left out: the newest.
    before: Option<u64>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// Lists audit records, newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", security(("token" = ["audit:read"])),
        params(AuditQuery),
    responses((status = 200, body = AuditPageOut), (status = "default", body = ProblemOut)))]
pub(crate) async fn list_audit_records(
    _: Caller<AuditRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<AuditQuery>,
) -> Result<AxumJson<AuditPageOut>, Problem> {
    let limit = limit(query.limit)?;
    let before = query.before.unwrap_or(u64::MAX);
    let records = app.read(move |reader| Ok(reader.audit_before(before, limit)?));
    let records = records.await?;
    let full = records.len() >= limit;
    let next = records.last().map(|last| last.seq).filter(|_| full);
    Ok(AxumJson(AuditPageOut { records: records.into_iter().map(AuditOut::from).collect(), next }))
}
