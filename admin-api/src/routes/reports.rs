//! `/v1/reports`: what those report who may not list, and what reviewers make of it.

use std::{net::IpAddr, sync::Arc};

use admin_api_types as api;
use axum::{
    Extension, Json as AxumJson,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use dnsbl_reports::{
    Claimed, Comment, Filter, Outcome, Refused, ReportId, ReportsError, StateKind, Submission,
    Verdict,
    body::{Beside, BodyError, is_xarf, read_arf, read_xarf},
};
use dnsbl_types::Source;
use serde::Deserialize;

use super::{SEQ_HEADER, changed};
use crate::{
    app::App,
    auth::{Caller, Client},
    error::Problem,
    extract::{
        Json, Nothing, Params, Path, essence, is_json, limit, parse, parse_json, read_at_most,
    },
    report_rows,
    scopes::{ReportsRead, ReportsReview, ReportsWrite},
    unpack::unpack,
    v1::report,
};

/// The largest body of many reports, in bytes, before and after it is unpacked.
const BULK_BYTES: usize = 8 << 20;
/// Rows that are handed over at once, so that others have their turn.
const CHUNK: usize = 500;

/// What is said beside a report in a form of others.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BesideQuery {
    /// The zone that should list the subject; for ARF and XARF.
    zone: Option<String>,
    /// The category, whatever the report says; for ARF and XARF.
    category: Option<String>,
}

/// Which reports.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Of one zone.
    zone: Option<String>,
    /// Of one subject.
    subject: Option<String>,
    /// Of one category.
    category: Option<String>,
    /// waiting, listed, testing, confirmed or refuted.
    state: Option<String>,
    /// Of one reporter, by the name of its token.
    reporter: Option<String>,
    /// Where to go on, as `next` said.
    cursor: Option<String>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
}

/// Reports a subject.
///
/// As JSON, as a form, as XARF 4 (JSON with `xarf_version`), or as ARF (RFC 5965). The zone's rules say whether it lists. A
/// reporter who says the same again within the window is answered with the first report (200).
#[utoipa::path(post, path = "/v1/reports", tag = "reports", security(("token" = ["reports:write"])),
    params(BesideQuery),
    request_body(content((api::ReportBody = "application/json"),
        (api::ReportBody = "application/x-www-form-urlencoded"), (Object = "application/xarf+json"),
        (String = "multipart/report"), (String = "message/rfc822"))),
    responses((status = 201, description = "It is new", body = api::Report,
            headers(("Location" = String, description = "Where it can be seen"))),
        (status = 200, description = "The reporter has said so already, by this report", body = api::Report),
        (status = "default", body = api::Problem)))]
pub(crate) async fn create_report(
    caller: Caller<ReportsWrite>,
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    Params(query): Params<BesideQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    app.require_sound_clock()?;
    let most = app.limits.load().body_bytes;
    let body = unpack(read_at_most(body, most, &app).await?, &headers, most).await?;
    let claimed = read_claimed(&headers, &body, &query)?;
    let submission = submission(&caller, client, claimed)?;
    let Outcome { report, is_new, seq } = app.reports.report(submission).await?;
    let location = HeaderValue::try_from(format!("/v1/reports/{}", report.id));
    let location = location.map_err(|_| Problem::internal())?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let body = report::write_own(&report);
    Ok(([(header::LOCATION, location)], changed(status, seq, body)).into_response())
}

/// Reports many subjects.
///
/// As NDJSON, a report a line, or as CSV whose header names the fields; gzip and zstd too, at most 10,000 rows and 8 MiB.
/// Each row is taken or not by itself.
#[utoipa::path(post, path = "/v1/reports:bulk", tag = "reports", security(("token" = ["reports:write"])),
    request_body(content((String = "application/x-ndjson"), (String = "text/csv"))),
    responses((status = 200, description = "What came of each row", body = api::ReportsResult),
        (status = "default", body = api::Problem)))]
pub(crate) async fn create_reports(
    caller: Caller<ReportsWrite>,
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    _: Params<Nothing>,
    headers: HeaderMap,
    body: Body,
) -> Result<AxumJson<api::ReportsResult>, Problem> {
    app.require_sound_clock()?;
    let _slot = app.bulks.take(caller.token_id())?;
    let body = unpack(read_at_most(body, BULK_BYTES, &app).await?, &headers, BULK_BYTES).await?;
    let rows = report_rows::read(&headers, &body)?;
    let mut results = Vec::with_capacity(rows.len());
    for rows in rows.chunks(CHUNK) {
        let mut taken = Vec::new();
        for row in rows {
            let at = results.len();
            let claimed = row.as_ref().map_err(Clone::clone);
            let claimed =
                claimed.map_err(Problem::malformed).and_then(|body| Ok(report::read(body)?));
            match claimed.and_then(|claimed| submission(&caller, client, claimed)) {
                Ok(submission) => {
                    taken.push((at, submission));
                    results.push(refused_row(at, Problem::stopping()));
                }
                Err(problem) => results.push(refused_row(at, problem)),
            }
        }
        let (places, submissions): (Vec<usize>, Vec<Submission>) = taken.into_iter().unzip();
        let answers = app.reports.report_all(submissions).await?;
        for (at, answer) in places.into_iter().zip(answers) {
            results[at] = match answer {
                Ok(outcome) => taken_row(at, &outcome),
                Err(err) => refused_row(at, err.into()),
            };
        }
    }
    let count =
        |is: fn(&api::ReportRow) -> bool| results.iter().filter(|row| is(row)).count() as u64;
    let accepted = count(|row| row.status == 201);
    let duplicates = count(|row| row.status == 200);
    let rejected = count(|row| row.error.is_some());
    Ok(AxumJson(api::ReportsResult { results, accepted, duplicates, rejected }))
}

/// Lists reports, the newest first.
///
/// A page that is cut since very many others were looked through may be short, or empty: `next` goes on.
#[utoipa::path(get, path = "/v1/reports", tag = "reports", security(("token" = ["reports:read"])),
    params(ListQuery),
    responses((status = 200, body = api::ReportPage), (status = "default", body = api::Problem)))]
pub(crate) async fn list_reports(
    caller: Caller<ReportsRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<ListQuery>,
) -> Result<AxumJson<api::ReportPage>, Problem> {
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(|text| parse("cursor", text)).transpose()?;
    let filter = query.filter()?;
    match &filter.zone {
        Some(zone) => drop(caller.rights().zones().permit(zone)?),
        None => caller.rights().require_every_zone("a list of reports that names no zone")?,
    }
    let _slot = app.scans.take(caller.token_id())?;
    let (reports, next) = app.reports.list(filter, cursor, limit).await?;
    let reports = reports.iter().map(report::write).collect();
    Ok(AxumJson(api::ReportPage { reports, next: next.map(|id| id.to_string()) }))
}

/// Shows a report, with its evidence as long as that is kept.
#[utoipa::path(get, path = "/v1/reports/{id}", tag = "reports", security(("token" = ["reports:read"])),
    params(("id" = String, Path, description = "Its number")),
    responses((status = 200, body = api::Report), (status = "default", body = api::Problem)))]
pub(crate) async fn find_report(
    caller: Caller<ReportsRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<AxumJson<api::Report>, Problem> {
    let id = read_id(&id)?;
    let found = app.reports.find(id).await?.ok_or(ReportsError::NotFound(id))?;
    caller.rights().zones().permit(&found.report.zone)?;
    Ok(AxumJson(report::write_whole(&found)))
}

/// Finds a report true, and all that say the same of its subject within the window.
///
/// The subject is listed by the zone's rule, or for a day where the zone has none. What the relay tester finds out is left
/// to it.
#[utoipa::path(post, path = "/v1/reports/{id}/confirm", tag = "reports",
    security(("token" = ["reports:review"])),
    params(("id" = String, Path, description = "Its number")), request_body = api::ReportNote,
    responses((status = 200, body = api::Report), (status = "default", body = api::Problem)))]
pub(crate) async fn confirm_report(
    caller: Caller<ReportsReview>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    Json(body): Json<api::ReportNote>,
) -> Result<Response, Problem> {
    app.require_sound_clock()?;
    decide(&app, &caller, &id, Verdict::Confirmed, &body).await
}

/// Finds a report false, and all that say the same of its subject within the window.
///
/// A listing that rests on them goes.
#[utoipa::path(post, path = "/v1/reports/{id}/refute", tag = "reports",
    security(("token" = ["reports:review"])),
    params(("id" = String, Path, description = "Its number")), request_body = api::ReportNote,
    responses((status = 200, body = api::Report), (status = "default", body = api::Problem)))]
pub(crate) async fn refute_report(
    caller: Caller<ReportsReview>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    Json(body): Json<api::ReportNote>,
) -> Result<Response, Problem> {
    decide(&app, &caller, &id, Verdict::Refuted, &body).await
}

async fn decide(
    app: &App,
    caller: &Caller<ReportsReview>,
    id: &str,
    verdict: Verdict,
    body: &api::ReportNote,
) -> Result<Response, Problem> {
    let (id, note) = (read_id(id)?, body.note.as_deref().and_then(Comment::new));
    let found = app.reports.find(id).await?.ok_or(ReportsError::NotFound(id))?;
    caller.rights().zones().permit(&found.report.zone)?;
    caller.rights().prefixes().permit(&found.report.subject)?;
    let decided = app.reports.decide(id, verdict, note, caller.actor()).await?;
    let shown = AxumJson(report::write(&decided.report));
    let seq = decided.seq.map(|seq| [(SEQ_HEADER, HeaderValue::from(seq))]);
    Ok((seq, shown).into_response())
}

fn submission(
    caller: &Caller<ReportsWrite>,
    Client(client): Client,
    claimed: Claimed,
) -> Result<Submission, Problem> {
    let rights = caller.rights();
    match &claimed.zone {
        Some(zone) => drop(rights.zones().permit(zone)?),
        None => rights.require_every_zone("a report that names no zone")?,
    }
    rights.prefixes().permit(&claimed.subject)?;
    let reporter: Source = parse("the name of this token", &caller.token().name)?;
    let network = client.map(|address: IpAddr| Submission::network(address.to_canonical()));
    Ok(Submission { reporter, network, claimed })
}

/// What a body claims, by its media type.
fn read_claimed(
    headers: &HeaderMap,
    body: &Bytes,
    query: &BesideQuery,
) -> Result<Claimed, Problem> {
    let kind = essence(headers).to_ascii_lowercase();
    match kind.as_str() {
        "multipart/report" | "message/rfc822" => {
            let whole = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            Ok(read_arf(whole.unwrap_or_default(), body, &query.read()?)?)
        }
        "application/x-www-form-urlencoded" => {
            query.refuse()?;
            let body = serde_urlencoded::from_bytes(body).map_err(Problem::malformed)?;
            Ok(report::read(&body)?)
        }
        _ if is_json(headers) && is_xarf(body) => Ok(read_xarf(body, &query.read()?)?),
        _ if is_json(headers) => {
            query.refuse()?;
            Ok(report::read(&parse_json(body)?.0)?)
        }
        other => Err(Problem::unsupported(format!(
            "Content-Type {other:?} is none of application/json, application/x-www-form-urlencoded, application/xarf+json, multipart/report and message/rfc822"
        ))),
    }
}

fn taken_row(at: usize, outcome: &Outcome) -> api::ReportRow {
    api::ReportRow {
        row: at as u64 + 1,
        status: if outcome.is_new { 201 } else { 200 },
        id: Some(outcome.report.id.to_string()),
        state: Some(report::write_state(outcome.report.state.kind())),
        error: None,
    }
}

fn refused_row(at: usize, problem: Problem) -> api::ReportRow {
    let (status, error) = problem.of_row();
    api::ReportRow { row: at as u64 + 1, status, id: None, state: None, error: Some(error) }
}

fn read_id(text: &str) -> Result<ReportId, Problem> {
    text.parse()
        .map_err(|_| Problem::not_found("no-such-report", format!("there is no report {text}")))
}

impl BesideQuery {
    fn read(&self) -> Result<Beside, Problem> {
        let zone = self.zone.as_deref().map(|text| parse("zone", text)).transpose()?;
        let category = self.category.as_deref().map(|text| parse("category", text)).transpose()?;
        Ok(Beside { zone, category })
    }

    /// Refuses what has a place in the body.
    fn refuse(&self) -> Result<(), Problem> {
        if self.zone.is_none() && self.category.is_none() {
            return Ok(());
        }
        Err(Problem::malformed("zone and category stand in the body, except for ARF and XARF"))
    }
}

impl ListQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let state = self.state.as_deref().map(|text| {
            let state = StateKind::ALL.into_iter().find(|state| state.as_str() == text);
            state.ok_or_else(|| Problem::malformed(format!("state: {text:?} is none")))
        });
        let reporter = self.reporter.as_deref();
        Ok(Filter {
            zone: self.zone.as_deref().map(|text| parse("zone", text)).transpose()?,
            subject: self.subject.as_deref().map(|text| parse("subject", text)).transpose()?,
            category: self.category.as_deref().map(|text| parse("category", text)).transpose()?,
            state: state.transpose()?,
            reporter: reporter.map(|text| parse("reporter", text)).transpose()?,
        })
    }
}

impl From<BodyError> for Problem {
    fn from(err: BodyError) -> Self {
        match err {
            BodyError::Malformed(_) => Self::malformed(err),
            BodyError::Other(_) => Self::refused(err),
        }
    }
}

impl From<Refused> for Problem {
    fn from(why: Refused) -> Self {
        let (status, word) = match &why {
            Refused::NoZone(origin) => return Self::no_zone(origin),
            Refused::Guard(err) => return err.clone().into(),
            Refused::TestEntry(_) => (StatusCode::CONFLICT, "test-entry"),
            Refused::NotTaken(_) | Refused::NoneTakes(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "no-reports-taken")
            }
            Refused::SeveralTake(_) => (StatusCode::UNPROCESSABLE_ENTITY, "several-zones"),
            Refused::Excluded { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "excluded"),
            Refused::RelayZone(_)
            | Refused::Kind { .. }
            | Refused::TooLong { .. }
            | Refused::Wide(_) => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            Refused::Full(_) | Refused::FullForReporter(_) | Refused::Crowded { .. } => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                return Self::new(status, "too-many-reports", why).retry_after(3600);
            }
        };
        Self::new(status, word, why)
    }
}

impl From<ReportsError> for Problem {
    fn from(err: ReportsError) -> Self {
        match err {
            ReportsError::Refused(why) => why.into(),
            ReportsError::Relay(refusal) => (*refusal).into(),
            ReportsError::NotFound(_) => Self::not_found("no-such-report", err),
            ReportsError::Change(err) => Self::of_shared_change(err),
            ReportsError::Store(err) => err.into(),
            ReportsError::Stopping => Self::stopping(),
            ReportsError::Document(_) => {
                tracing::error!(%err, "a record of a report");
                Self::internal()
            }
        }
    }
}
