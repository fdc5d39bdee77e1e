//! Showing the store to the index: all of it at the start, and imports.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Instant,
};

use dnsbl_types::{Entry, Name, Subject};

use crate::{
    Follower, StoreError,
    cursor::Reading,
    key::{self, SegmentKey},
    scan::{AtSubject, View},
    state::{Segment, ZoneState},
};

/// Subjects that are shown at once.
const BATCH: usize = 1 << 16;
/// Entries that are shown at once; they take more room.
const ENTRIES: usize = 1 << 12;
/// Batches that wait for the follower.
const WAITING: usize = 4;

/// What is said about some subjects of a zone.
#[derive(Debug, Default)]
struct Batch {
    /// Addresses with one entry that says nothing of its own, ascending.
    hosts: Vec<u32>,
    /// All entries of other subjects.
    others: Vec<(Subject, Vec<Entry>)>,
}

impl Batch {
    /// Takes what is said about a subject.
    fn add(&mut self, at: &AtSubject<'_>) -> Result<(), StoreError> {
        if let ([(_, said)], Some(addr)) = (at.rows.as_slice(), key::read_host(&at.subject))
            && said.is_plain_of_segment()
        {
            self.hosts.push(addr);
            return Ok(());
        }
        let entries = at.rows.iter().map(|(_, said)| said.entry()).collect::<Result<_, _>>()?;
        self.others.push((key::read_subject(&at.subject)?, entries));
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.hosts.len() >= BATCH || self.others.len() >= ENTRIES
    }

    /// Shows and forgets it.
    fn show(&mut self, origin: &Name, follower: &mut dyn Follower) {
        if !self.hosts.is_empty() {
            follower.set_plain_hosts(origin, &self.hosts);
        }
        for (subject, entries) in &self.others {
            follower.set_entries(origin, subject, entries);
        }
        self.hosts.clear();
        self.others.clear();
    }
}

/// Shows every subject that a new segment names, with what other segments say of it.
pub(crate) fn show_segment(
    view: &View<'_>,
    state: &ZoneState,
    segment: SegmentKey,
    follower: &mut dyn Follower,
) -> Result<(), StoreError> {
    let scan = view.scan(&state.segments, &[], None, Reading::All)?;
    let mut scan = scan.without_origins();
    let mut batch = Batch::default();
    while let Some(at) = scan.next_of(segment)? {
        batch.add(at)?;
        if batch.is_full() {
            batch.show(&state.zone.origin, follower);
        }
    }
    batch.show(&state.zone.origin, follower);
    Ok(())
}

/// A part of the work of a start: a zone's number and the keys of some of its subjects.
struct Part {
    zone: usize,
    from: Vec<u8>,
    to: Vec<u8>,
}

/// Shows everything that the store holds.
///
/// All cores read; the follower is called by this thread.
pub(crate) fn show_all(
    view: &View<'_>,
    zones: &[ZoneState],
    head: u64,
    follower: &mut dyn Follower,
) -> Result<(), StoreError> {
    for state in zones {
        follower.put_zone(&state.zone, state.serial);
    }
    let parts: Vec<Part> = (0..zones.len()).flat_map(parts).collect();
    let (next, (sender, batches)) = (AtomicUsize::new(0), sync_channel(WAITING));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let (sender, next, parts) = (sender.clone(), &next, &parts);
            scope.spawn(move || read_parts(view, zones, parts, next, &sender));
        }
        drop(sender);
        follow(&batches, zones, follower)
    })?;
    follower.publish(head, Instant::now());
    Ok(())
}

type Read = Result<(usize, Batch), StoreError>;

/// Shows what the readers found, until the last has ended or one fails.
fn follow(
    batches: &Receiver<Read>,
    zones: &[ZoneState],
    follower: &mut dyn Follower,
) -> Result<(), StoreError> {
    for batch in batches {
        let (zone, mut batch) = batch?;
        batch.show(&zones[zone].zone.origin, follower);
    }
    Ok(())
}

/// Equal parts of the IPv4 space, then all that comes behind it.
fn parts(zone: usize) -> impl Iterator<Item = Part> {
    let octets = (0..=u8::MAX).step_by(16);
    let v4 = octets.map(move |first| Part {
        zone,
        from: key::v4(first, u8::MIN),
        to: key::v4(first | 15, u8::MAX),
    });
    let rest = Part { zone, from: key::behind_v4(), to: vec![u8::MAX] };
    v4.chain([rest])
}

/// Reads parts until none is left, or nobody listens.
fn read_parts(
    view: &View<'_>,
    zones: &[ZoneState],
    parts: &[Part],
    next: &AtomicUsize,
    sender: &SyncSender<Read>,
) {
    while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
        let segments = &zones[part.zone].segments;
        let read =
            read_part(view, segments, part, |batch| sender.send(Ok((part.zone, batch))).is_ok());
        match read {
            Ok(true) => {}
            Ok(false) => return,
            Err(err) => return drop(sender.send(Err(err))),
        }
    }
}

/// Reads a part; false when `send` no longer takes anything.
fn read_part(
    view: &View<'_>,
    segments: &[Segment],
    part: &Part,
    mut send: impl FnMut(Batch) -> bool,
) -> Result<bool, StoreError> {
    let scan = view.scan(segments, &part.from, Some(&part.to), Reading::All)?;
    let mut scan = scan.without_origins();
    let mut batch = Batch::default();
    while let Some(at) = scan.next()? {
        if !at.rows.is_empty() {
            batch.add(at)?;
        }
        if batch.is_full() && !send(std::mem::take(&mut batch)) {
            return Ok(false);
        }
    }
    Ok(send(batch))
}
