//! Showing the store to the index: all of it at the start, and imports.

use std::{
    borrow::Cow,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::Instant,
};

use dnsbl_types::{Entry, EntryWriter, Follower, Name, Subject, Zone};

use crate::{
    StoreError,
    format::key::{self, SegmentKey},
    read::{
        allowlist,
        cursor::Reading,
        scan::{Scan, Step, SubjectRows},
        state::ZoneState,
        subscribers,
        view::View,
    },
};

/// Addresses that are shown at once.
const HOSTS: usize = 1 << 16;
/// Other subjects that are shown at once; they take more room.
const OTHERS: usize = 1 << 12;
/// Batches that wait for the follower.
const WAITING: usize = 4;
/// An import with fewer rows is shown without the help of other threads.
const MANY: u64 = 1 << 16;

/// What is said about some subjects of a zone.
#[derive(Debug, Default)]
struct Batch {
    /// Addresses of which nothing is said any more, ascending.
    gone: Vec<u32>,
    /// Addresses with one entry that says nothing of its own, ascending.
    hosts: Vec<u32>,
    /// Other subjects, and how many entries each has.
    others: Vec<(Subject, usize)>,
    /// Their entries.
    entries: Vec<Entry>,
    /// Listings that are kept and shown to nobody who asks over DNS.
    unanswered: usize,
}

impl Batch {
    /// Takes what is said about a subject.
    fn add(&mut self, at: &SubjectRows<'_>) -> Result<(), StoreError> {
        if let ([], Some(addr)) = (at.rows.as_slice(), key::read_host(&at.subject)) {
            self.gone.push(addr);
            return Ok(());
        }
        if let ([(_, row)], Some(addr)) = (at.rows.as_slice(), key::read_host(&at.subject))
            && row.is_plain_of_segment()
        {
            self.hosts.push(addr);
            return Ok(());
        }
        let before = self.entries.len();
        for (_, row) in &at.rows {
            let plain = row.is_plain_of_segment();
            self.entries.extend(if plain { Some(Entry::default()) } else { row.entry()? });
        }
        let (subject, count) = (key::read_subject(&at.subject)?, self.entries.len() - before);
        self.unanswered += at.rows.len() - count;
        self.others.push((subject, count));
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.hosts.len() + self.gone.len() >= HOSTS || self.others.len() >= OTHERS
    }

    fn show(&self, origin: &Name, writer: &mut dyn EntryWriter) {
        if !self.hosts.is_empty() {
            writer.set_plain_hosts(origin, &self.hosts);
        }
        if !self.gone.is_empty() {
            writer.remove_hosts(origin, &self.gone);
        }
        if self.unanswered > 0 {
            tracing::warn!(
                zone = %origin,
                listings = self.unanswered,
                "listings with no return code but such as 127.255.255.254 are not answered: put them again with another"
            );
        }
        let mut entries = self.entries.as_slice();
        for (subject, count) in &self.others {
            let (of_subject, rest) = entries.split_at(*count);
            writer.set_entries(origin, subject, of_subject);
            entries = rest;
        }
    }
}

/// Shows every subject that a new segment names, with what other segments say of it, with the help of other cores
/// where there is much.
pub(crate) fn show_segment_at_once(
    view: &View<'_>,
    state: &ZoneState,
    segment: SegmentKey,
    writer: &mut dyn EntryWriter,
) -> Result<(), StoreError> {
    match state.place_of(segment) {
        Some(lead) if state.segments[lead].rows >= MANY => {
            show_parts(view, &parts(state, Some(lead)).collect::<Vec<_>>(), writer)
        }
        _ => show_segment(view, state, segment, writer),
    }
}

/// The same by this thread alone.
pub(crate) fn show_segment(
    view: &View<'_>,
    state: &ZoneState,
    segment: SegmentKey,
    writer: &mut dyn EntryWriter,
) -> Result<(), StoreError> {
    let Some(lead) = state.place_of(segment) else { return Ok(()) };
    let whole = Part { state, lead: Some(lead), from: Vec::new(), to: vec![u8::MAX] };
    whole.read(view, |batch| {
        batch.show(&state.zone.origin, writer);
        true
    })?;
    Ok(())
}

/// Shows what is said about a subject.
pub(crate) fn show_subject(
    view: &View<'_>,
    state: &ZoneState,
    subject: &Subject,
    writer: &mut dyn EntryWriter,
) -> Result<(), StoreError> {
    let mut at = SubjectRows { subject: key::subject(subject), rows: Vec::new() };
    let mut decided = Vec::new();
    for segment in &state.segments {
        if let Some(found) = view.row(segment.key, &at.subject)? {
            at.add(&mut decided, segment, found.row.into_listing());
        }
    }
    let mut batch = Batch::default();
    batch.add(&at)?;
    batch.show(&state.zone.origin, writer);
    Ok(())
}

/// Shows everything that the store holds.
pub(crate) fn show_all(
    view: &View<'_>,
    zones: &[ZoneState],
    head: u64,
    follower: &mut dyn Follower,
) -> Result<(), StoreError> {
    for state in zones {
        follower.put_zone(&answered(&state.zone), state.serial);
    }
    let parts: Vec<Part<'_>> = zones.iter().flat_map(|state| parts(state, None)).collect();
    show_parts(view, &parts, follower)?;
    subscribers::each(view, |record| follower.set_subscriber(None, Some(&record.subscriber)))?;
    let allowed = allowlist::below(view, &[])?;
    allowed.iter().for_each(|record| follower.put_allow_entry(&record.entry));
    follower.publish(head, Instant::now());
    Ok(())
}

/// A zone as it is answered.
fn answered(zone: &Zone) -> Cow<'_, Zone> {
    let answered = zone.answered();
    if let Cow::Owned(answered) = &answered {
        let codes: Vec<String> = answered.return_codes.iter().map(ToString::to_string).collect();
        tracing::warn!(
            zone = %zone.origin,
            answered = %codes.join(" "),
            "the zone has return codes such as 127.255.255.254, which are not answered: put it again without"
        );
    }
    answered
}

/// A part of the subjects of a zone.
struct Part<'a> {
    state: &'a ZoneState,
    /// Only subjects of which this of the zone's segments says something.
    lead: Option<usize>,
    from: Vec<u8>,
    to: Vec<u8>,
}

/// Equal parts of the IPv4 space, then all that comes behind it.
fn parts(state: &ZoneState, lead: Option<usize>) -> impl Iterator<Item = Part<'_>> {
    let part = move |from, to| Part { state, lead, from, to };
    let octets = (0..=u8::MAX).step_by(16);
    let v4 = octets.map(move |first| part(key::v4(first, u8::MIN), key::v4(first | 15, u8::MAX)));
    v4.chain([part(key::behind_v4(), vec![u8::MAX])])
}

type Sender<'a> = SyncSender<Result<(&'a Name, Batch), StoreError>>;

/// Reads on all cores; this thread writes.
fn show_parts(
    view: &View<'_>,
    parts: &[Part<'_>],
    writer: &mut dyn EntryWriter,
) -> Result<(), StoreError> {
    let (next, (sender, batches)) = (AtomicUsize::new(0), sync_channel(WAITING));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (sender, next) = (sender.clone(), &next);
            let read = move || read_parts(view, parts, next, &sender);
            let thread = thread::Builder::new().name("store-reader".into());
            thread.spawn_scoped(scope, read).map_err(StoreError::Thread)?;
        }
        drop(sender);
        // Where one fails, the others find that nobody listens any more.
        for batch in batches {
            let (origin, batch) = batch?;
            batch.show(origin, writer);
        }
        Ok(())
    })
}

/// Reads parts until none is left, or nobody listens.
fn read_parts<'a>(view: &View<'_>, parts: &'a [Part<'a>], next: &AtomicUsize, sender: &Sender<'a>) {
    while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
        let origin = &part.state.zone.origin;
        match part.read(view, |batch| sender.send(Ok((origin, batch))).is_ok()) {
            Ok(true) => {}
            Ok(false) => return,
            Err(err) => return drop(sender.send(Err(err))),
        }
    }
}

impl Part<'_> {
    /// Reads it in batches; false when `send` no longer takes any.
    fn read(
        &self,
        view: &View<'_>,
        mut send: impl FnMut(Batch) -> bool,
    ) -> Result<bool, StoreError> {
        let segments = &self.state.segments;
        let scan = Scan::new(view, segments, &self.from, Some(&self.to), Reading::All)?;
        let mut scan = scan.of_answers();
        let mut batch = Batch::default();
        while self.read_next(&mut scan, &mut batch)? {
            if batch.is_full() && !send(std::mem::take(&mut batch)) {
                return Ok(false);
            }
        }
        Ok(send(batch))
    }

    /// Reads the next subject, or the next addresses of one block; false behind the last.
    fn read_next(&self, scan: &mut Scan<'_>, batch: &mut Batch) -> Result<bool, StoreError> {
        match scan.step(self.lead, &mut batch.hosts)? {
            Step::End => return Ok(false),
            Step::Hosts => {}
            // What nothing is said of any more goes after an import; at a start it was never shown.
            Step::Subject(at) if self.lead.is_some() || !at.rows.is_empty() => batch.add(at)?,
            Step::Subject(_) => {}
        }
        Ok(true)
    }
}
