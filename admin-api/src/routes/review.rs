//! `/v1/review`: all that waits for a decision.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use dnsbl_removals::{Item, ItemId, ItemKind, Position, ReviewDecision, ReviewError, ReviewFilter};
use dnsbl_reports::Comment;
use dnsbl_store::Precondition;
use dnsbl_types::{Name, UnixTime};
use serde::Deserialize;

use super::{SEQ_HEADER, changed};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Json, Nothing, Params, Path, limit, parse},
    precondition::{self, etag},
    scopes::ReviewAny,
    v1::{duration, review, time},
};

/// Seconds that a claim holds where nobody says how long.
const TERM: u32 = 1800;
/// The shortest and the longest term, in seconds.
const TERMS: std::ops::RangeInclusive<u32> = 60..=86_400;

/// Which items.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// removal, report or listing.
    kind: Option<String>,
    /// claimed, or unclaimed.
    state: Option<String>,
    /// Of one zone.
    zone: Option<String>,
    /// Where to go on, as `next` said.
    cursor: Option<String>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
}

/// Lists what waits for a decision: requests for removal, the oldest first, then reports, then listings that somebody has
/// made and that never expire. A token that is limited to zones sees what is of these.
///
/// A page that is cut since very many others were looked through may be short, or empty: `next` goes on.
#[utoipa::path(get, path = "/v1/review", tag = "review", security(("token" = ["review"])),
    params(ListQuery),
    responses((status = 200, body = api::ReviewPage), (status = "default", body = api::Problem)))]
pub(crate) async fn list_review_items(
    caller: Caller<ReviewAny>,
    State(app): State<Arc<App>>,
    Params(query): Params<ListQuery>,
) -> Result<AxumJson<api::ReviewPage>, Problem> {
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref();
    let cursor: Option<Position> = cursor.map(|text| parse("cursor", text)).transpose()?;
    let filter = query.filter()?;
    let zones = caller.rights().zones().clone();
    if let Some(zone) = &filter.zone {
        zones.permit(zone)?;
    }
    let _slot = app.scans.take(caller.token_id())?;
    let sees = move |zone: &Name| zones.has(zone);
    let (items, next) = app.review.list(filter, sees, cursor, limit).await?;
    let now = UnixTime::now();
    Ok(AxumJson(api::ReviewPage {
        items: items.iter().map(|item| review::write(item, now)).collect(),
        next: next.map(|position| position.to_string()),
    }))
}

/// Shows something that waits.
#[utoipa::path(get, path = "/v1/review/{id}", tag = "review", security(("token" = ["review"])),
    params(("id" = String, Path, description = "Its name")),
    responses((status = 200, body = api::ReviewItem,
            headers(("ETag" = String, description = "For `If-Match`"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn find_review_item(
    caller: Caller<ReviewAny>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let item = permitted(&app, &caller, &id).await?;
    Ok(show(&item, None))
}

/// Has others know that somebody works on something, for a while. Who has claimed it may do so again.
#[utoipa::path(post, path = "/v1/review/{id}/claim", tag = "review", security(("token" = ["review"])),
    params(("id" = String, Path, description = "Its name"),
        ("If-Match" = Option<String>, Header, description = "Only if it is as it was")),
    request_body = api::ClaimBody,
    responses((status = 200, body = api::ReviewItem), (status = "default", body = api::Problem)))]
pub(crate) async fn claim_review_item(
    caller: Caller<ReviewAny>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::ClaimBody>,
) -> Result<Response, Problem> {
    app.require_sound_clock()?;
    let term = body.term.as_deref().map(|text| duration::read("term", text)).transpose()?;
    let term = term.unwrap_or(TERM);
    if !TERMS.contains(&term) {
        return Err(Problem::refused("term: it is 1m to 24h"));
    }
    let expected = expected(&headers)?;
    let id = permitted(&app, &caller, &id).await?.id;
    let (item, seq) = app.review.claim(&id, &expected, caller.actor(), term.into()).await?;
    Ok(show(&item, Some(seq)))
}

/// Ends a claim.
#[utoipa::path(post, path = "/v1/review/{id}/release", tag = "review",
    security(("token" = ["review"])),
    params(("id" = String, Path, description = "Its name"),
        ("If-Match" = Option<String>, Header, description = "Only if it is as it was")),
    responses((status = 200, body = api::ReviewItem), (status = "default", body = api::Problem)))]
pub(crate) async fn release_review_item(
    caller: Caller<ReviewAny>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let expected = expected(&headers)?;
    let id = permitted(&app, &caller, &id).await?.id;
    let (item, seq) = app.review.release(&id, &expected, caller.actor()).await?;
    Ok(show(&item, Some(seq)))
}

/// Decides about something that waits, with a note.
///
/// What the decision removes is put back by `POST /v1/undo` with `seq`, and a request for removal waits again then. The
/// verdict on a report is taken back by the other one.
#[utoipa::path(post, path = "/v1/review/{id}/decide", tag = "review",
    security(("token" = ["review"])),
    params(("id" = String, Path, description = "Its name"),
        ("If-Match" = Option<String>, Header, description = "Only if it is as it was")),
    request_body = api::DecideBody,
    responses((status = 200, body = api::Decided), (status = "default", body = api::Problem)))]
pub(crate) async fn decide_review_item(
    caller: Caller<ReviewAny>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::DecideBody>,
) -> Result<Response, Problem> {
    app.require_sound_clock()?;
    let decision: ReviewDecision = parse("decision", &body.decision)?;
    let expected = expected(&headers)?;
    let item = permitted(&app, &caller, &id).await?;
    caller.rights().prefixes().permit(item.subject())?;
    if decision == ReviewDecision::GrantWider {
        caller.rights().require_every_prefix("grant-wider")?;
    }
    let note = body.note.as_deref().and_then(Comment::new);
    let decided = app.review.decide(&item.id, &expected, decision, note, caller.actor()).await?;
    let shown = review::write_decided(&item.id, decision, &decided);
    Ok(match decided.seq {
        Some(seq) => changed(StatusCode::OK, seq, shown),
        None => AxumJson(shown).into_response(),
    })
}

/// An item that a token may see.
async fn permitted(app: &App, caller: &Caller<ReviewAny>, id: &str) -> Result<Item, Problem> {
    let none = || {
        let detail = format!("{id} does not wait for a decision");
        Problem::not_found("no-such-review-item", detail)
    };
    let id: ItemId = id.parse().map_err(|_| none())?;
    let item = app.review.find(&id).await?.ok_or_else(none)?;
    caller.rights().zones().permit(item.zone())?;
    Ok(item)
}

fn expected(headers: &HeaderMap) -> Result<Precondition, Problem> {
    match precondition::read(headers)? {
        Precondition::Absent => Err(Problem::malformed("If-None-Match: what is decided is there")),
        expected => Ok(expected),
    }
}

fn show(item: &Item, seq: Option<u64>) -> Response {
    let tag = HeaderValue::try_from(etag(item.revision)).ok();
    let tag = tag.map(|tag| [(header::ETAG, tag)]);
    let seq = seq.map(|seq| [(SEQ_HEADER, HeaderValue::from(seq))]);
    (tag, seq, AxumJson(review::write(item, UnixTime::now()))).into_response()
}

impl ListQuery {
    fn filter(&self) -> Result<ReviewFilter, Problem> {
        let none =
            |field: &str, text: &str| Problem::malformed(format!("{field}: {text:?} is none"));
        let kind = self.kind.as_deref().map(|text| {
            let kind = ItemKind::ALL.into_iter().find(|kind| kind.as_str() == text);
            kind.ok_or_else(|| none("kind", text))
        });
        let is_claimed = self.state.as_deref().map(|text| match text {
            "claimed" => Ok(true),
            "unclaimed" => Ok(false),
            text => Err(none("state", text)),
        });
        Ok(ReviewFilter {
            kind: kind.transpose()?,
            zone: self.zone.as_deref().map(|text| parse("zone", text)).transpose()?,
            is_claimed: is_claimed.transpose()?,
        })
    }
}

impl From<ReviewError> for Problem {
    fn from(err: ReviewError) -> Self {
        match err {
            ReviewError::NotWaiting(_) => Self::not_found("no-such-review-item", err),
            ReviewError::Precondition(_) => {
                Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", err)
            }
            ReviewError::Claimed(claim) => {
                let until = time::write(claim.until);
                let detail = format!("{} works on it until {until}", claim.by);
                Self::new(StatusCode::CONFLICT, "claimed", detail)
                    .with("by", claim.by)
                    .with("until", until)
            }
            ReviewError::WrongDecision(..) => Self::refused(err),
            ReviewError::Removals(err) => err.into(),
            ReviewError::Reports(err) => err.into(),
            ReviewError::Write(err) => err.into(),
            ReviewError::Store(err) => err.into(),
            ReviewError::Document(_) => {
                tracing::error!(%err, "a record of the review");
                Self::internal()
            }
        }
    }
}
