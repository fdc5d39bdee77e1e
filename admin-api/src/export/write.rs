//! Reads a zone on a thread that may block, and hands what is written to the connection.

use std::{io, time::Duration};

use axum::body::Bytes;
use dnsbl_store::{Filter, Store, Visited};
use dnsbl_types::{Listing, Name, UnixTime};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use super::{csv, ndjson, plain::Plain};
use crate::{error::Problem, import::Format};

/// Bytes that go to the connection at once.
const PIECE: usize = 64 << 10;

/// An export to be made.
pub(crate) struct ExportOrder {
    /// From where.
    pub(crate) zone: Name,
    /// Which listings.
    pub(crate) filter: Filter,
    /// How they are written.
    pub(crate) format: Format,
    /// How long the client may take none of it.
    pub(crate) stall: Duration,
}

/// Pieces of an export; `None` is the end. Without it the connection breaks, so that nobody takes a
/// part for the whole.
type Pieces = mpsc::Sender<Option<Bytes>>;

/// Tells whether there is such a zone and the state it is in, then writes all of it.
pub(crate) fn write(
    store: &Store,
    order: &ExportOrder,
    started: oneshot::Sender<Result<u64, Problem>>,
    pieces: Pieces,
) {
    let reader = store.read(UnixTime::now());
    let state = || match reader.settings(&order.zone)? {
        Some(_) => Ok(reader.head()?),
        None => Err(Problem::no_zone(&order.zone)),
    };
    let start = state();
    let goes_on = start.is_ok();
    if started.send(start).is_err() || !goes_on {
        return;
    }
    // What matches may be far apart, and nobody is told meanwhile that the client has gone.
    let client = pieces.clone();
    let stop = || client.is_closed();
    let mut writer = Writer::new(order, pieces);
    let mut goes_on = Ok(());
    let read = reader.each(&order.zone, &order.filter, stop, |listing| {
        goes_on = writer.add(&listing);
        goes_on.is_ok()
    });
    match read {
        Err(err) => tracing::error!(%err, "the store failed during an export"),
        Ok(Visited::Stopped(_)) => tracing::debug!("the reader of an export has gone"),
        Ok(Visited::All | Visited::Enough) => {
            if let Err(err) = goes_on.and_then(|()| writer.end()) {
                tracing::debug!(%err, "an export ended early");
            }
        }
    }
}

struct Writer<'a> {
    order: &'a ExportOrder,
    pieces: Pieces,
    plain: Plain,
    out: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(order: &'a ExportOrder, pieces: Pieces) -> Self {
        let head = match order.format {
            Format::Csv => csv::HEADER,
            Format::Plain | Format::Ndjson => "",
        };
        Self { order, pieces, plain: Plain::default(), out: head.into() }
    }

    fn add(&mut self, listing: &Listing) -> io::Result<()> {
        match self.order.format {
            Format::Plain => self.plain.add(&mut self.out, listing),
            Format::Csv => csv::add(&mut self.out, listing)?,
            Format::Ndjson => ndjson::add(&mut self.out, listing)?,
        }
        if self.out.len() < PIECE {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.out, Vec::with_capacity(PIECE + 4096));
        self.send(Some(piece.into()))
    }

    fn end(mut self) -> io::Result<()> {
        self.plain.end(&mut self.out);
        let last = std::mem::take(&mut self.out);
        self.send(Some(last.into()))?;
        self.send(None)
    }

    /// Waits for the client, but not for ever: an open state keeps the store from cleaning up.
    fn send(&self, piece: Option<Bytes>) -> io::Result<()> {
        let sent = async { tokio::time::timeout(self.order.stall, self.pieces.send(piece)).await };
        match Handle::current().block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
