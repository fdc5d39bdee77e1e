//! `/v1/feeds`: lists that are fetched again and again.

use std::sync::Arc;

use admin_api_types as api;
use axum::{
    Json as AxumJson, extract::State, http::HeaderMap, http::StatusCode, response::Response,
};
use dnsbl_feeds::{FeedName, FeedsError, Share};
use serde::Deserialize;

use super::{changed, created, gone};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Json, Nothing, Params, Path, lifted, parse},
    precondition,
    scopes::{FeedsRead, FeedsWrite, GUARDS_OVERRIDE},
    v1::feed,
};

/// How a feed is run.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunQuery {
    /// The share of the source's listings that may go this once, 0 to 1. Default the feed's own.
    max_removed: Option<f64>,
}

/// Lists the feeds, and what came of each; a token for some zones sees those of these.
#[utoipa::path(get, path = "/v1/feeds", tag = "feeds", security(("token" = ["feeds:read"])),
    responses((status = 200, body = api::Feeds), (status = "default", body = api::Problem)))]
pub(crate) async fn list_feeds(
    caller: Caller<FeedsRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> AxumJson<api::Feeds> {
    let feeds = app.feeds.list();
    let seen = feeds.iter().filter(|view| caller.rights().zones().has(&view.feed.zone));
    AxumJson(api::Feeds { feeds: seen.map(feed::write).collect() })
}

/// Shows a feed, and what came of it.
#[utoipa::path(get, path = "/v1/feeds/{name}", tag = "feeds", security(("token" = ["feeds:read"])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 200, body = api::Feed), (status = "default", body = api::Problem)))]
pub(crate) async fn find_feed(
    caller: Caller<FeedsRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(name): Path<String>,
) -> Result<AxumJson<api::Feed>, Problem> {
    let name: FeedName = parse("name", &name)?;
    let view = app.feeds.find(&name)?;
    caller.rights().zones().permit(&view.feed.zone)?;
    Ok(AxumJson(feed::write(&view)))
}

/// Makes a feed, or changes it; it runs at once.
///
/// What is left out gets its default. A feed of the server's configuration can't be changed (409).
#[utoipa::path(put, path = "/v1/feeds/{name}", tag = "feeds", security(("token" = ["feeds:write"])),
    params(("name" = String, Path, description = "Its name")), request_body = api::FeedBody,
    responses((status = 200, description = "Replaced", body = api::Feed),
        (status = 201, description = "Created", body = api::Feed),
        (status = "default", body = api::Problem)))]
pub(crate) async fn put_feed(
    caller: Caller<FeedsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(body): Json<api::FeedBody>,
) -> Result<Response, Problem> {
    precondition::refuse(&headers, "a feed has no entity tag")?;
    let name: FeedName = parse("name", &name)?;
    caller.rights().require_every_prefix("a feed")?;
    if app.feeds.find(&name).is_ok() {
        require_feed(&caller, &app, &name)?;
    }
    let source = caller.source(Some(body.source.as_deref().unwrap_or(name.as_str())))?;
    let lifted =
        lifted(&caller, body.r#override.as_ref().map(|guards| guards.join(",")).as_deref())?;
    if body.allow_private == Some(true) {
        caller.require(GUARDS_OVERRIDE)?;
    }
    let feed = feed::read(name, source, lifted, &body)?;
    caller.rights().zones().permit(&feed.zone)?;
    let (view, seq, is_new) = app.feeds.put(feed, caller.actor()).await?;
    Ok(changed(created(is_new), seq, feed::write(&view)))
}

/// Deletes a feed. What it has listed stays.
#[utoipa::path(delete, path = "/v1/feeds/{name}", tag = "feeds", security(("token" = ["feeds:write"])),
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204, description = "Deleted"), (status = "default", body = api::Problem)))]
pub(crate) async fn delete_feed(
    caller: Caller<FeedsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let name: FeedName = parse("name", &name)?;
    require_feed(&caller, &app, &name)?;
    Ok(gone(app.feeds.delete(name, caller.actor()).await?))
}

/// Runs a feed now, and says what came of it.
///
/// The answer is 200 also where the attempt failed: `status` says so.
#[utoipa::path(post, path = "/v1/feeds/{name}/run", tag = "feeds", security(("token" = ["feeds:write"])),
    params(RunQuery, ("name" = String, Path, description = "Its name")),
    responses((status = 200, body = api::Feed), (status = "default", body = api::Problem)))]
pub(crate) async fn run_feed(
    caller: Caller<FeedsWrite>,
    State(app): State<Arc<App>>,
    Params(query): Params<RunQuery>,
    Path(name): Path<String>,
) -> Result<AxumJson<api::Feed>, Problem> {
    let name: FeedName = parse("name", &name)?;
    require_feed(&caller, &app, &name)?;
    let max_removed = query.max_removed.map(Share::new).transpose();
    let max_removed =
        max_removed.map_err(|err| Problem::malformed(format!("max_removed: {err}")))?;
    Ok(AxumJson(feed::write(&app.feeds.run_now(&name, max_removed).await?)))
}

/// Refuses a feed into a zone that the token is not for, or whose source it does not speak for. What a feed lists is of any
/// size.
fn require_feed(caller: &Caller<FeedsWrite>, app: &App, name: &FeedName) -> Result<(), Problem> {
    caller.rights().require_every_prefix("a feed")?;
    let view = app.feeds.find(name)?;
    caller.rights().zones().permit(&view.feed.zone)?;
    caller.source(Some(view.feed.source.as_str())).map(drop)
}

impl From<FeedsError> for Problem {
    fn from(err: FeedsError) -> Self {
        match err {
            FeedsError::NotFound(_) => Self::not_found("no-feed", err),
            FeedsError::Configured(_) | FeedsError::Made(_) => {
                Self::new(StatusCode::CONFLICT, "configured", err)
            }
            FeedsError::Taken { .. } => Self::new(StatusCode::CONFLICT, "source-taken", err),
            FeedsError::Busy(_) => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", err).retry_after(10)
            }
            FeedsError::TooMany | FeedsError::Outside(_) => Self::refused(err),
            FeedsError::Change(err) => err.into(),
            FeedsError::Store(err) => err.into(),
            FeedsError::Stopping => Self::stopping(),
            FeedsError::Document(_) => {
                tracing::error!(%err, "a record of a feed");
                Self::internal()
            }
        }
    }
}
