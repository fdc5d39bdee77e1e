//! `/v1/removal-requests`: who wants a subject to be listed no more, and what becomes of that.

use std::{net::IpAddr, sync::Arc};

use admin_api_types as api;
use axum::{
    Extension, Json as AxumJson,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use dnsbl_removals::{
    Asker, Filter, Language, Refused, RemovalId, RemovalsError, StateKind, Submission, Ticket,
    WriteError,
};
use dnsbl_reports::Comment;
use dnsbl_types::Name;
use serde::Deserialize;

use super::{SEQ_HEADER, changed};
use crate::{
    app::App,
    auth::{Caller, Client},
    error::Problem,
    extract::{Json, Nothing, Params, Path, limit, parse},
    scopes::{RemovalsRead, RemovalsWrite},
    v1::removal,
};

/// Which requests.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Of one zone.
    zone: Option<String>,
    /// Of one subject.
    subject: Option<String>,
    /// unconfirmed, waiting, retest, granted, refused or done.
    state: Option<String>,
    /// Where to go on, as `next` said.
    cursor: Option<String>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
}

/// Asks that a subject be listed no more.
///
/// Where the zone allows it, and nothing wider lists the subject, it is removed at once, or after a wait where that was so
/// not long ago; else a reviewer decides. What the relay tester lists is tested again. The ticket is told this once.
#[utoipa::path(post, path = "/v1/removal-requests", tag = "removal requests",
    security(("token" = ["removals:write"])), request_body = api::RemovalBody,
    responses((status = 201, description = "It is taken; `state` tells what has come of it",
            body = api::RemovalRequest,
            headers(("Location" = String, description = "Where it can be seen"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn create_removal_request(
    caller: Caller<RemovalsWrite>,
    State(app): State<Arc<App>>,
    Extension(Client(client)): Extension<Client>,
    _: Params<Nothing>,
    Json(body): Json<api::RemovalBody>,
) -> Result<Response, Problem> {
    app.require_sound_clock()?;
    let zone: Option<Name> = body.zone.as_deref().map(|text| parse("zone", text)).transpose()?;
    match &zone {
        Some(zone) => drop(caller.rights().zones().permit(zone)?),
        None => caller.rights().require_every_zone("a request that names no zone")?,
    }
    let contact = body.contact.as_deref().filter(|text| !text.trim().is_empty());
    let language = body.language.as_deref().map(|text| parse("language", text)).transpose()?;
    let subject = parse("subject", &body.subject)?;
    caller.rights().prefixes().permit(&subject)?;
    let network = client.map(|address: IpAddr| Asker::network(address));
    let submission = Submission {
        subject,
        zone,
        asker: Asker::Token(caller.actor(), network),
        contact: contact.map(|text| parse("contact", text)).transpose()?,
        comment: body.comment.as_deref().and_then(Comment::new),
        language: language.unwrap_or(Language::English),
    };
    let submitted = app.removals.submit(submission).await?;
    let location = format!("/v1/removal-requests/{}", submitted.request.id);
    let location = HeaderValue::try_from(location).map_err(|_| Problem::internal())?;
    let body = removal::write_new(&submitted);
    let created = changed(StatusCode::CREATED, submitted.seq, body);
    Ok(([(header::LOCATION, location)], created).into_response())
}

/// Lists requests for removal, the newest first.
///
/// A page that is cut since very many others were looked through may be short, or empty: `next` goes on.
#[utoipa::path(get, path = "/v1/removal-requests", tag = "removal requests",
    security(("token" = ["removals:read"])), params(ListQuery),
    responses((status = 200, body = api::RemovalPage), (status = "default", body = api::Problem)))]
pub(crate) async fn list_removal_requests(
    caller: Caller<RemovalsRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<ListQuery>,
) -> Result<AxumJson<api::RemovalPage>, Problem> {
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(|text| parse("cursor", text)).transpose()?;
    let filter = query.filter()?;
    match &filter.zone {
        Some(zone) => drop(caller.rights().zones().permit(zone)?),
        None => {
            caller.rights().require_every_zone("a list of requests that names no zone")?;
        }
    }
    let _slot = app.scans.take(caller.token_id())?;
    let (requests, next) = app.removals.list(filter, cursor, limit).await?;
    Ok(AxumJson(api::RemovalPage {
        removal_requests: requests.iter().map(removal::write).collect(),
        next: next.map(|id| id.to_string()),
    }))
}

/// Shows a request for removal.
#[utoipa::path(get, path = "/v1/removal-requests/{id}", tag = "removal requests",
    security(("token" = ["removals:read"])), params(("id" = String, Path, description = "Its number")),
    responses((status = 200, body = api::RemovalRequest), (status = "default", body = api::Problem)))]
pub(crate) async fn find_removal_request(
    caller: Caller<RemovalsRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<AxumJson<api::RemovalRequest>, Problem> {
    let id: RemovalId = id.parse().map_err(|_| no_request(&id))?;
    let found = app.removals.find(id).await?.ok_or(RemovalsError::NotFound(id))?;
    caller.rights().zones().permit(&found.request.zone)?;
    Ok(AxumJson(removal::write_found(&found)))
}

/// Shows a request for removal to who has its ticket.
#[utoipa::path(post, path = "/v1/removal-requests:find", tag = "removal requests",
    security(("token" = ["removals:write"])), request_body = api::RemovalTicket,
    responses((status = 200, body = api::RemovalRequest), (status = "default", body = api::Problem)))]
pub(crate) async fn find_removal_request_by_ticket(
    caller: Caller<RemovalsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Json(body): Json<api::RemovalTicket>,
) -> Result<AxumJson<api::RemovalRequest>, Problem> {
    let ticket = read_ticket(&body)?;
    let found = app.removals.by_ticket(&ticket).await?;
    caller.rights().zones().permit(&found.request.zone)?;
    Ok(AxumJson(removal::write_by_ticket(&found)))
}

/// Confirms a request for removal by the token in the mail; again, it changes nothing.
#[utoipa::path(post, path = "/v1/removal-requests:confirm", tag = "removal requests",
    security(("token" = ["removals:write"])), request_body = api::RemovalTicket,
    responses((status = 200, body = api::RemovalRequest), (status = "default", body = api::Problem)))]
pub(crate) async fn confirm_removal_request(
    caller: Caller<RemovalsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Json(body): Json<api::RemovalTicket>,
) -> Result<Response, Problem> {
    app.require_sound_clock()?;
    let token = read_ticket(&body)?;
    let found = app.removals.find(token.request()).await?.ok_or(RemovalsError::NoTicket)?;
    caller.rights().zones().permit(&found.request.zone)?;
    let confirmed = app.removals.confirm(&token).await?;
    let found = app.removals.find(token.request()).await?.ok_or(RemovalsError::NoTicket)?;
    let seq = confirmed.seq.map(|seq| [(SEQ_HEADER, HeaderValue::from(seq))]);
    Ok((seq, AxumJson(removal::write_by_ticket(&found))).into_response())
}

fn read_ticket(body: &api::RemovalTicket) -> Result<Ticket, Problem> {
    body.ticket.parse().map_err(|_| RemovalsError::NoTicket.into())
}

fn no_request(id: &str) -> Problem {
    let detail = format!("there is no request for removal {id}");
    Problem::not_found("no-such-removal-request", detail)
}

impl ListQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let state = self.state.as_deref().map(|text| {
            let state = StateKind::ALL.into_iter().find(|state| state.as_str() == text);
            state.ok_or_else(|| Problem::malformed(format!("state: {text:?} is none")))
        });
        Ok(Filter {
            zone: self.zone.as_deref().map(|text| parse("zone", text)).transpose()?,
            subject: self.subject.as_deref().map(|text| parse("subject", text)).transpose()?,
            state: state.transpose()?,
        })
    }
}

impl From<Refused> for Problem {
    fn from(why: Refused) -> Self {
        let (status, word) = match &why {
            Refused::NoZone(origin) => return Self::no_zone(origin),
            Refused::TestEntry(_) => (StatusCode::CONFLICT, "test-entry"),
            Refused::NotListed { .. } | Refused::NowhereListed(_) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "nothing-to-remove")
            }
            Refused::SeveralList { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "several-zones"),
            Refused::Elsewhere { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "listed-elsewhere"),
            Refused::NoContact(_) => (StatusCode::UNPROCESSABLE_ENTITY, "no-contact"),
            Refused::Grants(_) => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
            Refused::Full(_)
            | Refused::Crowded { .. }
            | Refused::Often(..)
            | Refused::MailFull(_) => (StatusCode::TOO_MANY_REQUESTS, "too-many-removal-requests"),
        };
        Self::new(status, word, why)
    }
}

impl From<WriteError> for Problem {
    fn from(err: WriteError) -> Self {
        match err {
            WriteError::Change(err) => Self::of_shared_change(err),
            WriteError::Stopping => Self::stopping(),
        }
    }
}

impl From<RemovalsError> for Problem {
    fn from(err: RemovalsError) -> Self {
        let retry_after = err.retry_after();
        let problem = match err {
            RemovalsError::Refused(why) => why.into(),
            RemovalsError::Relay(refusal) => (*refusal).into(),
            RemovalsError::Tester(err) => err.into(),
            RemovalsError::NotFound(id) => no_request(&id.to_string()),
            RemovalsError::NoTicket => Self::not_found("no-such-removal-request", err),
            RemovalsError::NotWaiting { .. } => Self::new(StatusCode::CONFLICT, "not-waiting", err),
            RemovalsError::Stale => Self::new(StatusCode::CONFLICT, "changed-meanwhile", err),
            RemovalsError::Write(err) => err.into(),
            RemovalsError::Store(err) => err.into(),
            RemovalsError::Stopping => Self::stopping(),
            RemovalsError::NoRandomness | RemovalsError::Document(_) => {
                tracing::error!(%err, "a request for removal");
                Self::internal()
            }
        };
        match retry_after {
            Some(seconds) => problem.retry_after(seconds),
            None => problem,
        }
    }
}
