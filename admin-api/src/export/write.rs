//! Reads a zone on a thread that may block, and hands what is written to the connection.

use std::{io, net::Ipv6Addr, time::Duration};

use axum::body::Bytes;
use dnsbl_formats::export::{ExportError, Exporter, Options, Part, Refusals, Target};
use dnsbl_store::{Filter, Reader, Store, StoreError, SubjectMatch, Visited, ZoneRecord};
use dnsbl_types::{Listing, Name, Subject, UnixTime, Zone};
use ipnet::{Ipv4Net, Ipv6Net};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use super::{allowed::Allowed, csv, ndjson, plain::Plain};
use crate::{error::Problem, import::Format};

/// Bytes that go to the connection at once.
const PIECE: usize = 64 << 10;

/// How listings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportFormat {
    /// As an import reads them.
    Rows(Format),
    /// For another server.
    File(Target),
}

/// An export to be made.
pub(crate) struct ExportOrder {
    /// From where.
    pub(crate) zone: Name,
    /// Which listings.
    pub(crate) filter: Filter,
    /// How they are written.
    pub(crate) format: ExportFormat,
    /// The most names of a zone file.
    pub(crate) max_names: u64,
    /// Whether it has the IPv6 forms of IPv4 addresses.
    pub(crate) ipv6_forms: bool,
    /// How long the client may take none of it.
    pub(crate) stall: Duration,
}

/// The state that an export is of.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The last change.
    pub(crate) seq: u64,
    /// The entity tag of what is written.
    pub(crate) etag: String,
}

/// Pieces of an export; `None` is the end. Without it the connection breaks, so that nobody takes a
/// part for the whole.
type Pieces = mpsc::Sender<Option<Bytes>>;

/// The entity tag of what an order writes of a zone in this state. The serial moves with every change, but not where
/// something expires; then there are fewer.
pub(crate) fn entity_tag(
    order: &ExportOrder,
    record: &ZoneRecord,
    allowed: &Allowed,
    epoch: u64,
) -> String {
    let ExportOrder { zone: _, filter, format, max_names, ipv6_forms, stall: _ } = order;
    let ZoneRecord { serial, listings, exclusions, .. } = record;
    let release = env!("CARGO_PKG_VERSION");
    let allowed = allowed.state;
    let how =
        format!("{release} {epoch} {format:?} {filter:?} {max_names} {ipv6_forms} {allowed:?}");
    let how = &blake3::hash(how.as_bytes()).to_hex()[..16];
    format!("\"{}-{listings}-{exclusions}-{how}\"", serial.0)
}

/// What an order leaves out because it is allowed: only files for other servers have the answers, others have what is said.
pub(crate) fn allowed(
    reader: &Reader<'_>,
    order: &ExportOrder,
    zone: &Zone,
    now: UnixTime,
) -> Result<Allowed, StoreError> {
    match order.format {
        ExportFormat::Rows(_) => Ok(Allowed::default()),
        ExportFormat::File(_) => Allowed::read(reader, zone, now),
    }
}

/// Tells whether there is such a zone and the state it is in, then writes all of it.
pub(crate) fn write(
    store: &Store,
    order: &ExportOrder,
    started: oneshot::Sender<Result<Begun, Problem>>,
    pieces: Pieces,
) {
    let now = UnixTime::now();
    let reader = store.read(now);
    // What matches may be far apart, and nobody is told meanwhile that the client has gone.
    let client = pieces.clone();
    let stop = || client.is_closed();
    let (state, begun) = match begin(&reader, order, now, stop) {
        Ok(begun) => begun,
        Err(problem) => return drop(started.send(Err(problem))),
    };
    if started.send(Ok(begun)).is_err() {
        return;
    }
    let mut writer = match Writer::new(order, &state, pieces) {
        Ok(writer) => writer,
        Err(err) => return tracing::error!(%err, "an export that had begun is none"),
    };
    let mut goes_on = Ok(());
    let mut read_all = |filter: &Filter, writer: &mut Writer<'_>| {
        state.allowed.each(&reader, &order.zone, filter, stop, |listing| {
            goes_on = writer.add(listing);
            goes_on.is_ok()
        })
    };
    let mut read = read_all(&order.filter, &mut writer);
    while let Ok(Visited::All) = read
        && let Some(part) = writer.again()
    {
        read = read_all(&Filter { subject: subjects(part), ..order.filter.clone() }, &mut writer);
    }
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

/// The subjects of a part of a zone.
pub(crate) fn subjects(part: Part) -> SubjectMatch {
    match part {
        Part::All => SubjectMatch::Any,
        Part::V4 => SubjectMatch::Covered(Subject::V4(Ipv4Net::default())),
        Part::V6 => SubjectMatch::Covered(Subject::V6(Ipv6Net::default())),
    }
}

/// What is known of a zone before its listings are read.
struct ZoneState {
    record: ZoneRecord,
    /// What is said of 6to4 addresses, if that has to be known.
    six_to_four: Option<Vec<Listing>>,
    /// What is left out of files for other servers.
    allowed: Allowed,
}

/// The zone and its state, once it is sure that all of it can be said.
fn begin(
    reader: &Reader<'_>,
    order: &ExportOrder,
    now: UnixTime,
    stop: impl FnMut() -> bool,
) -> Result<(ZoneState, Begun), Problem> {
    let record = reader.zone(&order.zone)?.ok_or_else(|| Problem::no_zone(&order.zone))?;
    let allowed = allowed(reader, order, &record.zone, now)?;
    let etag = entity_tag(order, &record, &allowed, reader.epoch()?);
    let six_to_four = order.ipv6_forms.then(|| six_to_four(reader, order)).transpose()?;
    let state = ZoneState { record, six_to_four, allowed };
    if let ExportFormat::File(target) = order.format {
        let mut exporter = exporter(target, order, &state).map_err(Problem::refused)?;
        if target.may_refuse() {
            // All of it is written once for nobody: what can't be said is found at the end.
            let visit = |listing: &Listing| {
                exporter.add(listing);
                exporter.text().clear();
                true
            };
            state.allowed.each(reader, &order.zone, &order.filter, stop, visit)?;
            exporter.finish();
            refuse(exporter.refusals())?;
        }
    }
    Ok((state, Begun { seq: reader.head()?, etag }))
}

/// The most listings of 6to4 addresses, which are kept in memory.
const MAX_SIX_TO_FOUR: usize = 1_000_000;

fn six_to_four(reader: &Reader<'_>, order: &ExportOrder) -> Result<Vec<Listing>, Problem> {
    let net = Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);
    let filter =
        Filter { subject: SubjectMatch::Overlap(Subject::V6(net)), ..order.filter.clone() };
    let mut listings = Vec::new();
    let visited = reader.each(
        &order.zone,
        &filter,
        || false,
        |listing| {
            listings.push(listing);
            listings.len() < MAX_SIX_TO_FOUR
        },
    )?;
    match visited {
        Visited::All => Ok(listings),
        _ => Err(Problem::refused(format!(
            "ipv6_forms: more than {MAX_SIX_TO_FOUR} listings are about 6to4 addresses"
        ))),
    }
}

/// Refuses a file that would answer otherwise than we do.
fn refuse(refusals: &Refusals) -> Result<(), Problem> {
    let Some((subject, why)) = &refusals.first else { return Ok(()) };
    let more = match refusals.count {
        1 => String::new(),
        count => format!(", and so it is with {} more", count - 1),
    };
    let detail = format!("the format can't say all of it: {subject} {why}{more}");
    Err(Problem::refused(detail).with("subject", subject.clone()).with("count", refusals.count))
}

fn exporter<'z>(
    target: Target,
    order: &ExportOrder,
    state: &'z ZoneState,
) -> Result<Exporter<'z>, ExportError> {
    let ZoneState { record, six_to_four, allowed: _ } = state;
    let options = Options { max_names: order.max_names, ipv6_forms: six_to_four.as_deref() };
    Exporter::new(target, &record.zone, record.serial, options)
}

struct Writer<'z> {
    rows: RowsWriter<'z>,
    stall: Duration,
    pieces: Pieces,
    out: Vec<u8>,
}

/// What makes text of listings.
enum RowsWriter<'z> {
    Plain(Plain),
    Csv,
    Ndjson,
    File(Box<Exporter<'z>>),
}

impl<'z> Writer<'z> {
    fn new(order: &ExportOrder, state: &'z ZoneState, pieces: Pieces) -> Result<Self, ExportError> {
        let rows = match order.format {
            ExportFormat::Rows(Format::Plain) => RowsWriter::Plain(Plain::default()),
            ExportFormat::Rows(Format::Csv) => RowsWriter::Csv,
            ExportFormat::Rows(Format::Ndjson) => RowsWriter::Ndjson,
            ExportFormat::File(target) => {
                RowsWriter::File(Box::new(exporter(target, order, state)?))
            }
        };
        let head = if let RowsWriter::Csv = rows { csv::HEADER } else { "" };
        Ok(Self { rows, stall: order.stall, pieces, out: head.into() })
    }

    fn add(&mut self, listing: &Listing) -> io::Result<()> {
        match &mut self.rows {
            RowsWriter::Plain(plain) => plain.add(&mut self.out, listing),
            RowsWriter::Csv => csv::add(&mut self.out, listing)?,
            RowsWriter::Ndjson => ndjson::add(&mut self.out, listing)?,
            RowsWriter::File(exporter) => {
                exporter.add(listing);
                move_text(exporter, &mut self.out);
            }
        }
        if self.out.len() < PIECE {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.out, Vec::with_capacity(PIECE + 4096));
        self.send(Some(piece.into()))
    }

    /// Which listings have to come once more.
    fn again(&mut self) -> Option<Part> {
        match &mut self.rows {
            RowsWriter::File(exporter) => exporter.again(),
            RowsWriter::Plain(_) | RowsWriter::Csv | RowsWriter::Ndjson => None,
        }
    }

    fn end(mut self) -> io::Result<()> {
        match &mut self.rows {
            RowsWriter::Plain(plain) => plain.end(&mut self.out),
            RowsWriter::Csv | RowsWriter::Ndjson => {}
            RowsWriter::File(exporter) => {
                exporter.finish();
                move_text(exporter, &mut self.out);
            }
        }
        let last = std::mem::take(&mut self.out);
        self.send(Some(last.into()))?;
        self.send(None)
    }

    /// Waits for the client, but not for ever: an open state keeps the store from cleaning up.
    fn send(&self, piece: Option<Bytes>) -> io::Result<()> {
        let sent = async { tokio::time::timeout(self.stall, self.pieces.send(piece)).await };
        match Handle::current().block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

fn move_text(exporter: &mut Exporter<'_>, out: &mut Vec<u8>) {
    let text = exporter.text();
    out.extend_from_slice(text.as_bytes());
    text.clear();
}
