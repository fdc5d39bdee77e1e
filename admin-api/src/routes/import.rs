//! `POST /v1/zones/{zone}/import`: many listings at once.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use dnsbl_store::{ImportLimits, ImportMode, Outcome};
use dnsbl_types::UnixTime;
use serde::Deserialize;
use utoipa::ToSchema;

use super::changed;
use crate::{
    app::App,
    auth::{Caller, ImportsWrite},
    error::Problem,
    extract::{Params, Path, flag, lifted, parse},
    import::{Format, Order, Stop, body, stage},
    precondition,
    v1::{import::ImportOut, problem::ProblemOut},
};

/// What is imported, and how.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// How the rows are written.
    format: FormatName,
    /// The rbldnsd data set; not built yet.
    dataset: Option<String>,
    /// Whose listings; left out: the token's name.
    source: Option<String>,
    /// Default `upsert`.
    #[serde(default)]
    mode: Mode,
    /// `1`: decide and count, but change nothing.
    #[serde(default, deserialize_with = "flag")]
    dry_run: bool,
    /// `1`: replace the source although rows were rejected.
    #[serde(default, deserialize_with = "flag")]
    allow_rejected: bool,
    /// The share of the source's listings that may go, 0 to 1. Default 0.2.
    max_removed: Option<f64>,
    /// `special-use`, `short-prefix` or both with a comma; needs guards:override.
    r#override: Option<String>,
}

/// How the rows are written.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FormatName {
    /// One subject a line, `!` before it excludes.
    Plain,
    /// Not built yet.
    Rbldnsd,
    /// One listing body with `subject` a line.
    Ndjson,
    /// A header names the fields; codes and tags are separated by `;`, `\;` is a semicolon.
    Csv,
    /// Not built yet.
    Bind,
}

/// What becomes of the source's other listings.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// They stay.
    #[default]
    Upsert,
    /// They go.
    ReplaceSource,
}

impl FormatName {
    /// The format, if it is built.
    pub(crate) fn built(self) -> Result<Format, Problem> {
        match self {
            Self::Plain => Ok(Format::Plain),
            Self::Csv => Ok(Format::Csv),
            Self::Ndjson => Ok(Format::Ndjson),
            Self::Rbldnsd => Err(Problem::not_built("format rbldnsd is not built yet")),
            Self::Bind => Err(Problem::not_built("format bind is not built yet")),
        }
    }
}

/// Imports listings of one source.
///
/// The body is streamed; `Content-Encoding` may be gzip or zstd. A row that is rejected does not stop
/// the rest. `replace-source` is refused (409, with the counts) where a row is rejected, none is left
/// or more than a fifth would go. A body that breaks off changes nothing.
#[utoipa::path(post, path = "/v1/zones/{zone}/import", tag = "imports",
    security(("token" = ["imports:write"])),
    params(ImportQuery, ("zone" = String, Path, description = "Where")),
    request_body(content = String, content_type = "application/octet-stream", description = "The rows"),
    responses((status = 200, body = ImportOut), (status = "default", body = ProblemOut)))]
pub(crate) async fn import_listings(
    caller: Caller<ImportsWrite>,
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    Params(query): Params<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    precondition::refuse(&headers, "an import has many")?;
    if !query.dry_run {
        app.require_sound_clock()?;
    }
    let mode = query.mode()?;
    let order = query.order(&caller, &zone)?;
    let permit = app.import_permit()?;
    let body = body::decoded(body, &headers, &app.limits)?;
    let store = app.store();
    let staged = app.block(move || {
        let _permit = permit;
        let staged = stage(&store, &order, body, UnixTime::now())?;
        let errors = staged.errors.clone();
        let (id, change) = staged.commit(mode, query.dry_run, UnixTime::now())?;
        Ok((id, change, errors))
    });
    let (id, change, errors) = staged.await?;
    let done = app.change_or(caller.actor(), change).await?;
    let done = done.map_err(|err| {
        let refused = matches!(err, dnsbl_store::ChangeError::ImportRefused { .. });
        let problem = Problem::from(err);
        match serde_json::to_value(&errors) {
            Ok(errors) if refused => problem.with("errors", errors),
            _ => problem,
        }
    })?;
    let Outcome::Import(counts) = done.outcome else {
        return Err(Problem::internal());
    };
    let result = ImportOut { id, counts: counts.into(), errors, seq: done.seq };
    Ok(changed(StatusCode::OK, done.seq, result))
}

impl ImportQuery {
    fn order(&self, caller: &Caller<ImportsWrite>, zone: &str) -> Result<Order, Problem> {
        let format = self.format.built()?;
        if self.dataset.is_some() {
            return Err(Problem::malformed("dataset: belongs to format=rbldnsd"));
        }
        Ok(Order {
            zone: parse("zone", zone)?,
            source: caller.source(self.source.as_deref())?,
            format,
            lifted: lifted(caller, self.r#override.as_deref())?,
        })
    }

    fn mode(&self) -> Result<ImportMode, Problem> {
        let limits = ImportLimits {
            allow_rejected: self.allow_rejected,
            max_removed: self.max_removed.unwrap_or(ImportLimits::default().max_removed),
        };
        if !(0.0..=1.0).contains(&limits.max_removed) {
            return Err(Problem::malformed("max_removed: is not within 0 to 1"));
        }
        Ok(match self.mode {
            Mode::Upsert => ImportMode::Upsert,
            Mode::ReplaceSource => ImportMode::ReplaceSource(limits),
        })
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Body(err) => body::problem(&err),
            Stop::Malformed(why) => Self::malformed(why),
            Stop::Store(err) => err.into(),
        }
    }
}
