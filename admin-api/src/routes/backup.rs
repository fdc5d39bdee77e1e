//! `/v1/backup`: everything that the store holds, as one stream.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use dnsbl_backup::{BackupError, Manifest};
use dnsbl_store::{Checkpoint, Store, StoreError};
use dnsbl_types::UnixTime;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    task::spawn_blocking,
};

use super::{SEQ_HEADER, export::whole};
use crate::{
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Nothing, Params},
    scopes::Backup,
};

/// Bytes that go to the connection at once.
const PIECE: usize = 64 << 10;
/// Pieces that wait for the connection.
const QUEUE: usize = 4;

/// Takes a backup of one moment, while the server goes on.
///
/// The answer is one zstd stream of a tar archive, with a digest of each file and one of all at its end; `DNSBL-Seq` is the last
/// change in it. There is one at a time (429), and none where the disk is nearly full (507). One that is cut off ends
/// with a broken connection.
#[utoipa::path(post, path = "/v1/backup", tag = "server", security(("token" = ["backup"])),
    responses((status = 200, content((String = "application/zstd"))),
        (status = "default", body = admin_api_types::Problem)))]
pub(crate) async fn take_backup(
    caller: Caller<Backup>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
) -> Result<Response, Problem> {
    caller.rights().require_every_zone("a backup")?;
    let (started, start) = oneshot::channel();
    let (pieces, queue) = mpsc::channel(QUEUE);
    let (store, by) = (app.store(), caller.actor().name);
    let stall = app.limits.load().import_stall;
    spawn_blocking(move || {
        let copy = match begin(&store) {
            Ok(copy) => copy,
            Err(problem) => return drop(started.send(Err(problem))),
        };
        let seq = copy.manifest.seq;
        if started.send(Ok(seq)).is_err() {
            return;
        }
        let pieces = Pieces { pieces, stall, gathered: Vec::with_capacity(PIECE) };
        match write(&store, copy, pieces) {
            Ok(()) => tracing::info!(seq, by, "a backup was taken"),
            Err(err) => tracing::warn!(%err, seq, by, "a backup was not handed over whole"),
        }
    });
    let seq = start.await.map_err(|_| Problem::internal())??;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/zstd")),
        (SEQ_HEADER, HeaderValue::from(seq)),
    ];
    Ok((headers, Body::from_stream(whole(queue))).into_response())
}

/// A copy of the store, and what is in it.
struct Copy {
    checkpoint: Checkpoint,
    manifest: Manifest,
}

fn begin(store: &Store) -> Result<Copy, Problem> {
    let checkpoint = match store.checkpoint() {
        Err(err @ StoreError::Copied) => {
            let busy = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", err);
            return Err(busy.retry_after(30));
        }
        taken => taken?,
    };
    let at = UnixTime::now().0;
    let state = (checkpoint.epoch, checkpoint.seq);
    let manifest = Manifest::of_folder(checkpoint.path(), env!("CARGO_PKG_VERSION"), at, state);
    let manifest = manifest.map_err(|err| {
        tracing::error!(%err, "a copy of the store can't be read");
        Problem::internal()
    })?;
    Ok(Copy { checkpoint, manifest })
}

fn write(store: &Store, copy: Copy, pieces: Pieces) -> Result<(), BackupError> {
    let Copy { checkpoint, manifest } = copy;
    let mut pieces = dnsbl_backup::write(pieces, &manifest, |name| checkpoint.open(name))?;
    // Its room is free again before anybody hears that it is done.
    drop(checkpoint);
    pieces.end()?;
    if let Err(err) = store.keep_backup_time(UnixTime::now()) {
        tracing::warn!(%err, "the time of the last backup can't be kept");
    }
    Ok(())
}

/// The way to the connection.
struct Pieces {
    pieces: mpsc::Sender<Option<Bytes>>,
    /// How long the client may take none of it.
    stall: Duration,
    gathered: Vec<u8>,
}

impl Pieces {
    /// Sends what is left, and the end.
    fn end(&mut self) -> io::Result<()> {
        io::Write::flush(self)?;
        self.send(None)
    }

    fn send(&self, piece: Option<Bytes>) -> io::Result<()> {
        let sent = async { tokio::time::timeout(self.stall, self.pieces.send(piece)).await };
        match Handle::current().block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let gathered = std::mem::replace(&mut self.gathered, Vec::with_capacity(PIECE));
        if gathered.is_empty() { Ok(()) } else { self.send(Some(gathered.into())) }
    }
}
