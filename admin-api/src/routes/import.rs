//! `POST /v1/zones/{zone}/import`: many listings at once.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use dnsbl_formats::{Format, FormatError};
use dnsbl_store::{ExpectedDelta, ImportLimits, ImportMode, OperationResult};
use dnsbl_types::{Source, UnixTime};
use serde::Deserialize;
use utoipa::ToSchema;

use super::changed;
use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Params, Path, flag, lifted, zone as permitted},
    import::{Content, Decided, ImportOrder, Refused, Report, Stop, Whose, body, stage},
    precondition,
    scopes::ImportsWrite,
    v1::import::write_counts,
};

/// What is imported, and how.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// How the rows are written: `plain`, `csv`, `ndjson`, `json`, `rbldnsd`, `ranges`, `netmask`, `netset`, `hosts`,
    /// `rpz`, `adblock`, or `auto`, by the first lines.
    format: String,
    /// Where the subjects stand in csv, ndjson and json of others: the name or number of a column, or the names of
    /// members with dots in between.
    field: Option<String>,
    /// The type of the data set, which belongs to `rbldnsd` and must be given there: `ip4set`, `ip4tset`, `ip4trie`,
    /// `ip6tset`, `ip6trie`, `dnset`, `dnhash` of rspamd's fork, `generic`, `combined` for the parts of a combined file
    /// that are for its zone itself, `combined:SUB` for those that are for a name below it, `combined:SUB:2` for the
    /// second of several.
    dataset: Option<String>,
    /// Whose listings, whatever the rows say. Left out: the source that a row names, which needs
    /// sources:all unless it is the token's name; the token's name where it names none.
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
    /// The share of the source's listings that may go, 0 to 1. Default 0.2. Four may always go, unless this
    /// is 0 or none would be left.
    max_removed: Option<f64>,
    /// What the import may do, or it changes nothing (409 with the counts): `added`, `updated` and `removed`, each with a
    /// number or a range, as in `added:0..5000,removed:..20`. Left out: anything.
    expect_delta: Option<String>,
    /// `1`: any rejected row refuses the whole; lines that rbldnsd reads otherwise than they look are rejected, too.
    #[serde(default, deserialize_with = "flag")]
    strict: bool,
    /// `special-use`, `short-prefix`, `public-suffix` or several with commas; needs guards:override.
    r#override: Option<String>,
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

/// Imports listings.
///
/// The body is streamed; `Content-Encoding` may be gzip or zstd (with a window of up to 8 MiB). A row that
/// is rejected does not stop the rest; where rows were rejected and none was taken, and with `strict` where
/// any was, it is 422 with the counts. `replace-source` is refused (409, with the counts) where a row is
/// rejected, none is left or more than a fifth would go. A body that breaks off changes nothing. Rows of
/// `ndjson` and `csv` keep their `source` and `listed_at`.
#[utoipa::path(post, path = "/v1/zones/{zone}/import", tag = "imports",
    security(("token" = ["imports:write"])),
    params(ImportQuery, ("zone" = String, Path, description = "Where")),
    request_body(content = String, content_type = "application/octet-stream", description = "The rows"),
    responses((status = 200, body = api::ImportResult), (status = "default", body = api::Problem)))]
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
    let expected = query.expect_delta.as_deref().map(expected_delta).transpose()?;
    let order = query.order(&caller, &zone)?;
    allow::refuse_listing(&app, &order.zone)?;
    let permit = app.imports.take(caller.token_id())?;
    let body = body::decoded(body, &headers, &app.limits.load())?;
    let store = app.store();
    let decided = app.block(move || {
        let _permit = permit;
        let staged = stage(&store, &order, body, UnixTime::now())?;
        let expected = expected.unwrap_or_default();
        Ok(staged.decide(mode, expected, query.dry_run, UnixTime::now())?)
    });
    let Decided { id, commit, report } = decided.await?;
    let committed = app.change_or(caller.permit(commit)?).await?;
    let done = committed.map_err(|err| {
        let refused = matches!(err, dnsbl_store::ChangeError::ImportRefused { .. });
        let problem = Problem::from(err);
        if refused { with_report(problem, &report) } else { problem }
    })?;
    let OperationResult::Import(counts) = done.result else {
        return Err(Problem::internal());
    };
    let (counts, report) = (write_counts(counts), report.write());
    let result = api::ImportResult { id, counts, report, seq: done.seq };
    Ok(changed(StatusCode::OK, done.seq, result))
}

impl ImportQuery {
    fn order(&self, caller: &Caller<ImportsWrite>, zone: &str) -> Result<ImportOrder, Problem> {
        Ok(ImportOrder {
            zone: permitted(caller, zone)?.into_name(),
            prefixes: caller.rights().prefixes(),
            whose: self.whose(caller)?,
            content: self.content()?,
            strict: self.strict,
            lifted: lifted(caller, self.r#override.as_deref())?,
            expires_at: None,
        })
    }

    fn content(&self) -> Result<Content, Problem> {
        let format = Format::new(&self.format, self.dataset.as_deref(), self.field.as_deref());
        let format = format.map_err(|err| match err {
            FormatError::Dataset(_) | FormatError::Mismatch(_) => Problem::malformed(err),
            FormatError::Field(_) | FormatError::Unknown { .. } => {
                Problem::malformed(format!("format: {err}"))
            }
        })?;
        Content::of(&format).ok_or_else(|| Problem::refused(ACL))
    }

    fn whose(&self, caller: &Caller<ImportsWrite>) -> Result<Whose, Problem> {
        let own = caller.source(self.source.as_deref())?;
        if self.source.is_some() {
            return Ok(Whose::One(own));
        }
        let replaces = matches!(self.mode, Mode::ReplaceSource);
        let rights = caller.sources().clone();
        let token = own.clone();
        let refuse = move |source: &Source| {
            let why = match replaces {
                true => Some(format!("mode=replace-source is about {token}, not {source}")),
                false => rights.why_not(source),
            };
            why.map(|why| format!("{why}; with ?source={token} all rows are taken for its"))
        };
        Ok(Whose::Named { own, refuse: Box::new(refuse) })
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

/// Reads `added:0..5000,removed:..20`.
fn expected_delta(text: &str) -> Result<ExpectedDelta, Problem> {
    let mut expected = ExpectedDelta::default();
    for part in text.split(',') {
        let wrong = || {
            Problem::malformed(format!(
                "expect_delta: {part:?} is none of added:RANGE, updated:RANGE and removed:RANGE, where a range is 7, 5..9, ..9 or 5.."
            ))
        };
        let (what, range) = part.trim().split_once(':').ok_or_else(wrong)?;
        let bound = |text: &str, open: u64| match text {
            "" => Ok(open),
            text => text.parse().map_err(|_| wrong()),
        };
        let range = match range.split_once("..") {
            Some((from, to)) => bound(from, 0)?..=bound(to, u64::MAX)?,
            None => range.parse().map(|count| count..=count).map_err(|_| wrong())?,
        };
        match what {
            "added" => expected.added = range,
            "updated" => expected.updated = range,
            "removed" => expected.removed = range,
            _ => return Err(wrong()),
        }
    }
    Ok(expected)
}

/// An access list is no import.
const ACL: &str = "dataset=acl says who may ask, which is the access of the zone and no listing: dnsbl-server check-rbldnsd --write-config writes the body of a zone that has it; nothing was changed";

fn with_report(problem: Problem, report: &Report) -> Problem {
    let problem = problem.with_facts(&report.write());
    match report.seems {
        Some(seems) => problem.hint(&format!("; it seems to be {seems}")),
        None => problem,
    }
}

impl From<Stop> for Problem {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Body(err) => body::problem(&err),
            Stop::Malformed(why) => Self::malformed(why),
            Stop::Unusable(why) => Self::refused(format!("{why}; nothing was changed")),
            Stop::TooLarge(why) => Self::too_large(why),
            Stop::Refused(refused) => refused.problem(),
            Stop::Store(err) => err.into(),
        }
    }
}

impl Refused {
    fn problem(self) -> Problem {
        let rejected = self.counts.rejected;
        let why = match self.strict {
            true => format!("{rejected} rows were rejected, and strict=1 allows none"),
            false => format!("{rejected} rows were rejected, and none was taken"),
        };
        let first = match self.report.errors.first() {
            Some(first) => format!("; line {}: {}", first.line, first.error),
            None => String::new(),
        };
        let detail = format!("{why}{first}; nothing was changed");
        let problem = Problem::import(StatusCode::UNPROCESSABLE_ENTITY, &detail, self.counts);
        with_report(problem, &self.report)
    }
}
