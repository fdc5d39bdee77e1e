//! `GET /v1/changes`: the change log, from where the client stands.

use std::{io, sync::Arc, time::Duration};

use admin_api_types as api;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use dnsbl_store::LogEntry;
use futures_util::stream;
use serde::Deserialize;

use super::events::{self, Follower};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::Params,
    scopes::ChangesRead,
    v1::change::{self, Sight},
};

/// The longest wait, in seconds.
const MAX_WAIT: u64 = 60;

/// The place where the client stands.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangesQuery {
    /// The last change that is known; `next` of the last answer. Default 0.
    #[serde(default)]
    after: u64,
    /// How many seconds to wait for a change where there is none, 0 to 60. Default 0.
    #[serde(default)]
    wait: u64,
}

/// Follows the change log.
///
/// One JSON line for each operation; the last line is `{"end":true,"next":SEQ}`, and an answer without
/// it is not whole. 410: what comes after `after` was dropped; begin anew with an export.
///
/// With `Accept: text/event-stream` the answer goes on: an event `change` for each operation, the last of a change with its
/// number as `id`, and an event `heartbeat` where nothing comes for 15 seconds. `Last-Event-ID` takes the place of `after`.
/// It ends with the token, and shows what that may see at the time.
#[utoipa::path(get, path = "/v1/changes", tag = "changes", security(("token" = ["changes:read"])),
    params(ChangesQuery, ("Last-Event-ID" = Option<u64>, Header, description = "The last change that was seen, for events")),
    responses((status = 200, content((api::ChangeLine = "application/x-ndjson"), (String = "text/event-stream"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn list_changes(
    caller: Caller<ChangesRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<ChangesQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let are_events = events::are_asked_for(&headers);
    let after = match events::last_seen(&headers)?.filter(|_| are_events) {
        Some(seen) => seen,
        None => query.after,
    };
    if query.wait > MAX_WAIT {
        let detail = format!("wait: {} is not within 0 to {MAX_WAIT}", query.wait);
        return Err(Problem::malformed(detail));
    }
    let head = app.read(|reader| Ok(reader.head()?)).await?;
    if after > head {
        let detail = format!(
            "after: {} lies beyond the last change, {head}; this is another log than the one it is from",
            after
        );
        return Err(Problem::malformed(detail).with("head", head));
    }
    let sight = Sight::of(caller.rights());
    if are_events {
        let (token, slot) = (caller.token_id().to_owned(), app.waits.take(caller.token_id())?);
        return events::answer(Follower { app, token, sight, after, _slot: slot }).await;
    }
    if query.wait > 0 {
        let _slot = app.waits.take(caller.token_id())?;
        wait(&app, after, Duration::from_secs(query.wait)).await;
    }
    let until = *app.head.borrow();
    let mut feed = Feed { app, next: after, until, first: None, sight, ended: false };
    feed.first = Some(feed.read().await?);
    let pieces = stream::try_unfold(feed, |mut feed| async {
        let piece = feed.piece().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, feed)))
    });
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, Body::from_stream(pieces)).into_response())
}

/// Waits until there is a change after `after`, the time is over or the server stops.
async fn wait(app: &App, after: u64, limit: Duration) {
    let mut head = app.head.clone();
    let change = async {
        tokio::select! {
            _ = head.wait_for(|head| *head > after) => {}
            () = app.shutdown.cancelled() => {}
        }
    };
    // That there was none in time is no error.
    let _ = tokio::time::timeout(limit, change).await;
}

struct Feed {
    app: Arc<App>,
    /// The last change that was sent.
    next: u64,
    /// The last change that will be.
    until: u64,
    /// Read before the answer began, to tell whether it can.
    first: Option<Vec<LogEntry>>,
    sight: Sight,
    ended: bool,
}

impl Feed {
    async fn read(&self) -> Result<Vec<LogEntry>, Problem> {
        let mut entries = self.app.changes_after(self.next).await?;
        entries.retain(|entry| entry.seq <= self.until);
        Ok(entries)
    }

    /// The next lines; `None` after the last.
    async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        let entries = match self.first.take() {
            Some(entries) => entries,
            None => self.read().await.map_err(|_| io::Error::other("the log can't be read on"))?,
        };
        let mut out = Vec::new();
        for line in entries.iter().flat_map(|entry| change::write(entry, &self.sight)) {
            add(&mut out, &line)?;
        }
        self.next = entries.last().map_or(self.next, |entry| entry.seq);
        if entries.is_empty() || self.next >= self.until {
            let (end, next) = (true, self.next);
            add(&mut out, &api::ChangeLine::End(api::ChangesEnd { end, next }))?;
            self.ended = true;
        }
        Ok(Some(out.into()))
    }
}

fn add(out: &mut Vec<u8>, line: &api::ChangeLine) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.push(b'\n');
    Ok(())
}
