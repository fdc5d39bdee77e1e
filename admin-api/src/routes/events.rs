//! The change log as server-sent events (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): an answer
//! that goes on with each change.

use std::{io, sync::Arc, time::Duration};

use admin_api_types as api;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, header},
    response::{IntoResponse, Response},
};
use dnsbl_store::LogEntry;
use dnsbl_types::UnixTime;
use futures_util::stream;
use tokio::time::timeout;

use crate::{
    app::App,
    error::Problem,
    rights::Rights,
    scopes::CHANGES_READ,
    slots::Slot,
    v1::{
        change::{self, Sight},
        time,
    },
};

/// How long nothing comes before a heartbeat does.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// What a client waits before it asks again, in milliseconds.
const RETRY: u32 = 3_000;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Whether a request asks for events.
pub(super) fn are_asked_for(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut kinds = accepted.flat_map(|value| value.split(','));
    kinds.any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

/// The change that a client has seen last, if it says so; it knows better than the address that it began with.
pub(super) fn last_seen(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let seq = value.to_str().ok().and_then(|text| text.parse().ok());
    seq.map(Some).ok_or_else(|| Problem::malformed("Last-Event-ID: is no sequence number"))
}

/// Who follows, and what is shown.
pub(super) struct Follower {
    pub(super) app: Arc<App>,
    /// The public id of the token: when it ends, so do the events.
    pub(super) token: String,
    pub(super) sight: Sight,
    /// The last change that was sent.
    pub(super) after: u64,
    /// Its place among those who wait.
    pub(super) _slot: Slot,
}

/// The events behind a change, for as long as the client stays and its token counts.
pub(super) async fn answer(follower: Follower) -> Result<Response, Problem> {
    // Before the answer begins, to tell whether it can.
    let first = follower.app.changes_after(follower.after).await?;
    let begun = Events { follower, read: Some(first), is_first: true };
    let pieces = stream::try_unfold(begun, |mut events| async {
        let piece = events.next().await?;
        Ok::<_, io::Error>(piece.map(|piece| (piece, events)))
    });
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

struct Events {
    follower: Follower,
    read: Option<Vec<LogEntry>>,
    is_first: bool,
}

impl Events {
    /// What is sent next; `None` where the events end.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut out = Vec::new();
        if std::mem::take(&mut self.is_first) {
            out.extend(format!("retry: {RETRY}\n\n").bytes());
        }
        let entries = match self.read.take() {
            Some(entries) => entries,
            None => match self.wait().await? {
                Some(entries) => entries,
                None => return Ok(None),
            },
        };
        let Follower { sight, after, .. } = &mut self.follower;
        for entry in &entries {
            add_entry(&mut out, entry, sight)?;
            *after = entry.seq;
        }
        if out.is_empty() {
            let (head, at) = (*after, time::write(UnixTime::now()));
            let heartbeat = api::Heartbeat { head, at };
            add(&mut out, None, "heartbeat", &heartbeat)?;
        }
        Ok(Some(out.into()))
    }

    /// The entries that come next; none after a while without any. `None` where the events end.
    async fn wait(&mut self) -> io::Result<Option<Vec<LogEntry>>> {
        let Follower { app, after, token, _slot: _, sight } = &mut self.follower;
        let after = *after;
        let mut head = app.head.clone();
        let is_stopping = tokio::select! {
            // That nothing came in time is no error.
            _ = timeout(HEARTBEAT, head.wait_for(|head| *head > after)) => false,
            () = app.shutdown.cancelled() => true,
        };
        let id = token.clone();
        let read = app.read(move |reader| Ok(reader.live_token(&id)?));
        let token = read.await.map_err(|_| io::Error::other("tokens can't be read"))?;
        let rights = token.as_ref().map(Rights::of);
        let Some(rights) = rights.filter(|rights| !is_stopping && rights.has(CHANGES_READ)) else {
            return Ok(None);
        };
        *sight = Sight::of(&rights);
        let entries = app.changes_after(after).await;
        entries.map(Some).map_err(|_| io::Error::other("the log can't be read on"))
    }
}

/// Adds an entry: an event for each operation, of which the last carries the number, so that who is cut off in between
/// gets all of it again.
fn add_entry(out: &mut Vec<u8>, entry: &LogEntry, sight: &Sight) -> io::Result<()> {
    let lines = change::write(entry, sight);
    let last = lines.len().saturating_sub(1);
    for (at, line) in lines.iter().enumerate() {
        add(out, (at == last).then_some(entry.seq), "change", line)?;
    }
    Ok(())
}

fn add(
    out: &mut Vec<u8>,
    id: Option<u64>,
    event: &str,
    data: &impl serde::Serialize,
) -> io::Result<()> {
    if let Some(id) = id {
        out.extend(format!("id: {id}\n").bytes());
    }
    out.extend(format!("event: {event}\ndata: ").bytes());
    // JSON has no line ends of its own.
    serde_json::to_writer(&mut *out, data)?;
    out.extend(b"\n\n");
    Ok(())
}
