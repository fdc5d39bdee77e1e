//! The handlers, a file for each resource.

pub(crate) mod allowlist;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod changes;
pub(crate) mod check;
mod events;
pub(crate) mod export;
pub(crate) mod feeds;
pub(crate) mod grants;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod listings;
pub(crate) mod logins;
pub(crate) mod openapi;
pub(crate) mod problems;
pub(crate) mod purge;
pub(crate) mod relay_opt_outs;
pub(crate) mod relay_tests;
pub(crate) mod reload;
pub(crate) mod removal_requests;
pub(crate) mod reporters;
pub(crate) mod reports;
pub(crate) mod review;
pub(crate) mod search;
pub(crate) mod sources;
pub(crate) mod subjects;
pub(crate) mod subscribers;
pub(crate) mod tokens;
pub(crate) mod undo;
pub(crate) mod usage;
pub(crate) mod webhooks;
pub(crate) mod zones;

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The change that an answer tells of.
pub(crate) const SEQ_HEADER: HeaderName = HeaderName::from_static("dnsbl-seq");

/// The answer to a change: its sequence number and the resource as it now is.
fn changed(status: StatusCode, seq: u64, resource: impl Serialize) -> Response {
    (status, [(SEQ_HEADER, HeaderValue::from(seq))], Json(resource)).into_response()
}

/// The answer to a change after which nothing is left.
fn gone(seq: u64) -> Response {
    (StatusCode::NO_CONTENT, [(SEQ_HEADER, HeaderValue::from(seq))]).into_response()
}

fn created(created: bool) -> StatusCode {
    if created { StatusCode::CREATED } else { StatusCode::OK }
}
