//! `GET /v1/changes`: the change log, from where the client stands.

use std::{io, sync::Arc, time::Duration};

use admin_api_types as api;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use dnsbl_store::LogEntry;
use futures_util::stream;
use serde::Deserialize;

use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::Params,
    scopes::{ChangesRead, GRANTS_READ, RELAY_TESTS_READ, SUBSCRIBERS_READ, TOKENS_ADMIN},
    v1::change::{self, Sight},
};

/// Entries that are read at once.
const BATCH: usize = 500;

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
#[utoipa::path(get, path = "/v1/changes", tag = "changes", security(("token" = ["changes:read"])),
    params(ChangesQuery),
    responses((status = 200, body = api::ChangeLine, content_type = "application/x-ndjson"),
        (status = "default", body = api::Problem)))]
pub(crate) async fn list_changes(
    caller: Caller<ChangesRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<ChangesQuery>,
) -> Result<Response, Problem> {
    if query.wait > MAX_WAIT {
        let detail = format!("wait: {} is not within 0 to {MAX_WAIT}", query.wait);
        return Err(Problem::malformed(detail));
    }
    let head = app.read(|reader| Ok(reader.head()?)).await?;
    if query.after > head {
        let detail = format!(
            "after: {} lies beyond the last change, {head}; this is another log than the one it is from",
            query.after
        );
        return Err(Problem::malformed(detail).with("head", head));
    }
    if query.wait > 0 {
        let _slot = app.waits.take(caller.token_id())?;
        wait(&app, query.after, Duration::from_secs(query.wait)).await;
    }
    let until = *app.head.borrow();
    let mut feed = Feed {
        app,
        next: query.after,
        until,
        first: None,
        sight: Sight {
            zones: caller.rights().zones().clone(),
            tokens: caller.has(TOKENS_ADMIN),
            subscribers: caller.has(SUBSCRIBERS_READ),
            documents: caller.has(RELAY_TESTS_READ),
            grants: caller.has(GRANTS_READ),
        },
        ended: false,
    };
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
        let (next, until) = (self.next, self.until);
        let entries = self.app.read(move |reader| Ok(reader.log_after(next, BATCH)?));
        let Some(mut entries) = entries.await? else {
            let detail = "what comes after this change was dropped from the log; begin anew with an export and its DNSBL-Seq";
            return Err(Problem::new(StatusCode::GONE, "compacted", detail));
        };
        entries.retain(|entry| entry.seq <= until);
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
