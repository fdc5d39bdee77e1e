//! Imports: rows are staged in a segment of their own and become visible with one batch.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard},
};

use dnsbl_types::{ListingBody, Name, Source, Subject};
use rocksdb::{DB, WriteBatch};

use crate::{
    Actor, ChangeError, Done, ImportCounts, ImportLimits, ImportMode, ImportSummary, Op, Outcome,
    StoreError, codec,
    group::{Effect, Group},
    key::{self, SegmentKey},
    listings::{check_sources, check_subject},
    scan::{View, cf},
    schema,
    state::{Segment, ZoneState},
    value::{Row, Said, Written},
};

/// Rows in one write while an import is staged or decided.
const CHUNK: usize = 4096;

/// Segments that are being staged. What is neither here nor named by a zone is garbage.
#[derive(Clone, Default)]
pub(crate) struct StagedSegments(Arc<Mutex<HashSet<SegmentKey>>>);

impl StagedSegments {
    fn lock(&self) -> MutexGuard<'_, HashSet<SegmentKey>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn contains(&self, segment: SegmentKey) -> bool {
        self.lock().contains(&segment)
    }
}

/// An import on its way in. Nobody sees its rows; dropping it removes them.
pub struct Staging {
    pub(crate) staged: Staged,
    batch: WriteBatch,
    zone: dnsbl_types::Zone,
    digest: blake3::Hasher,
}

/// A finished staging, ready to be committed; dropping it removes its rows.
pub struct Staged {
    db: Arc<DB>,
    segments: StagedSegments,
    pub(crate) key: SegmentKey,
    pub(crate) zone: Name,
    pub(crate) source: Source,
    /// Rows that were accepted, repetitions included.
    accepted: u64,
    /// Rows that change nothing by their nature, such as test entries.
    ignored: u64,
    rejected: u64,
    digest: String,
    committed: std::cell::Cell<bool>,
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged")
            .field("zone", &self.zone)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Staging {
    pub(crate) fn new(
        db: Arc<DB>,
        segments: StagedSegments,
        key: SegmentKey,
        zone: dnsbl_types::Zone,
        source: Source,
    ) -> Self {
        segments.lock().insert(key);
        let staged = Staged {
            db,
            segments,
            key,
            zone: zone.origin.clone(),
            source,
            accepted: 0,
            ignored: 0,
            rejected: 0,
            digest: String::new(),
            committed: false.into(),
        };
        Self { staged, batch: WriteBatch::default(), zone, digest: blake3::Hasher::new() }
    }

    /// The zone it goes to.
    pub fn zone(&self) -> &dnsbl_types::Zone {
        &self.zone
    }

    /// Stages a row; a later row for the same subject replaces it.
    pub fn put(&mut self, subject: &Subject, body: &ListingBody) -> Result<(), ChangeError> {
        check_subject(&self.zone, subject)?;
        let row = codec::encode(&Row::Says(Box::new(Said::new(body, None))));
        let key = self.staged.key.row(&key::subject(subject));
        self.digest
            .update(&(key.len() as u32).to_be_bytes())
            .update(&key[SegmentKey::LEN..])
            .update(&row);
        let db = &self.staged.db;
        if let Some(at) = body.expires_at {
            self.batch.put_cf(cf(db, schema::EXPIRY), key::expiry(at.0, &key), []);
        }
        self.batch.put_cf(cf(db, schema::LISTINGS), key, row);
        self.staged.accepted += 1;
        if self.batch.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Counts a row that changes nothing by its nature.
    pub fn ignore(&mut self) {
        self.staged.ignored += 1;
    }

    /// Counts a row that was refused.
    pub fn reject(&mut self) {
        self.staged.rejected += 1;
    }

    /// All rows are in.
    pub fn finish(mut self) -> Result<Staged, ChangeError> {
        self.flush()?;
        self.staged.digest = self.digest.finalize().to_hex().to_string();
        Ok(self.staged)
    }

    /// Writes without a sync; the commit's sync covers it.
    fn flush(&mut self) -> Result<(), ChangeError> {
        Ok(self.staged.db.write(std::mem::take(&mut self.batch))?)
    }
}

impl Staged {
    /// How many rows were refused.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// The import's id.
    pub fn id(&self) -> String {
        format!("{:08x}", self.key.segment.0)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.segments.lock().remove(&self.key);
        if self.committed.get() {
            return;
        }
        let listings = cf(&self.db, schema::LISTINGS);
        let mut batch = WriteBatch::default();
        batch.delete_range_cf(listings, self.key.bytes(), self.key.end());
        if let Err(err) = self.db.write(batch) {
            // The rows stay invisible, and the next start removes them.
            tracing::warn!(%err, "could not remove the rows of an import that was not committed");
        }
    }
}

/// An import as it is decided, row by row.
struct Decision<'a> {
    db: &'a DB,
    batch: WriteBatch,
    counts: ImportCounts,
    segment: Segment,
    /// How the zone's counts of listings and exclusions move.
    listings: i64,
    exclusions: i64,
    /// Live listings of the source before.
    before: u64,
    distinct: u64,
}

impl Decision<'_> {
    fn count(&mut self, exclusion: bool, by: i64) {
        *if exclusion { &mut self.exclusions } else { &mut self.listings } += by;
    }

    fn put(&mut self, key: &[u8], row: &Row) -> Result<(), StoreError> {
        self.batch.put_cf(cf(self.db, schema::LISTINGS), key, codec::encode(row));
        self.flush_if(CHUNK)
    }

    fn delete(&mut self, key: &[u8], said: &Said) -> Result<(), StoreError> {
        self.batch.delete_cf(cf(self.db, schema::LISTINGS), key);
        if let Some(at) = said.expires_at {
            self.batch.delete_cf(cf(self.db, schema::EXPIRY), key::expiry(at, key));
        }
        self.segment.rows -= 1;
        self.flush_if(CHUNK)
    }

    fn flush_if(&mut self, full: usize) -> Result<(), StoreError> {
        if self.batch.len() >= full {
            self.db.write(std::mem::take(&mut self.batch))?;
        }
        Ok(())
    }
}

impl Group<'_> {
    /// Decides a staged import against what the source says now, and commits it.
    ///
    /// The staged segment is brought down to the rows that change something, with tombstones for
    /// what goes. All of that is invisible until the segment is named.
    pub(crate) fn commit_import(
        &mut self,
        actor: &Actor,
        staged: &Staged,
        mode: ImportMode,
        dry_run: bool,
    ) -> Result<Done, ChangeError> {
        let state = self.zone(&staged.zone)?.clone();
        if state.id != staged.key.zone {
            return Err(ChangeError::NoZone(staged.zone.clone()));
        }
        check_sources(&state, &staged.source)?;
        let mut decision = self.decide_import(actor, &state, staged, mode)?;
        let counts = decision.counts;
        if let ImportMode::ReplaceSource(limits) = mode {
            check_limits(&decision, limits)?;
        }
        if dry_run || decision.segment.rows == 0 {
            return Ok(self.unchanged(Outcome::Import(counts)));
        }
        decision.flush_if(1)?;
        let (segment, listings, exclusions) =
            (decision.segment, decision.listings, decision.exclusions);
        let key = segment.key;
        self.add_segment(&staged.zone, segment)?;
        if let Some(state) = self.ledger.zones.get_mut(&staged.zone) {
            state.count(false, listings);
            state.count(true, exclusions);
        }
        let import = ImportSummary {
            id: staged.id(),
            source: staged.source.clone(),
            replaced: mode != ImportMode::Upsert,
            counts,
            digest: staged.digest.clone(),
        };
        let seq = self.append(
            actor,
            vec![Op::Import { zone: staged.zone.clone(), import: Box::new(import) }],
        );
        self.effects.push(Effect::Segment { zone: staged.zone.clone(), segment: key });
        staged.committed.set(true);
        Ok(Done { seq, outcome: Outcome::Import(counts) })
    }

    fn decide_import<'s>(
        &self,
        actor: &Actor,
        state: &'s ZoneState,
        staged: &Staged,
        mode: ImportMode,
    ) -> Result<Decision<'s>, ChangeError>
    where
        Self: 's,
    {
        let view = View::new(self.writes.db);
        let older: Vec<Segment> = state.segments_of(&staged.source).cloned().collect();
        let written = Written {
            listed_at: self.now.0,
            updated_at: self.now.0,
            listed_by: actor.name.clone(),
            seq: self.ledger.head + 1,
        };
        let segment = Segment { key: staged.key, source: staged.source.clone(), written, rows: 0 };
        let counts = ImportCounts { rejected: staged.rejected, ..ImportCounts::default() };
        let mut decision = Decision {
            db: self.writes.db,
            batch: WriteBatch::default(),
            counts,
            segment,
            listings: 0,
            exclusions: 0,
            before: 0,
            distinct: 0,
        };
        self.decide_staged(&view, &mut decision, &older)?;
        if mode != ImportMode::Upsert {
            self.decide_missing(&view, &mut decision, &older)?;
        }
        let repeated = staged.accepted - decision.distinct;
        decision.counts.unchanged += repeated + staged.ignored;
        Ok(decision)
    }

    /// Rows that the import names.
    fn decide_staged(
        &self,
        view: &View<'_>,
        decision: &mut Decision<'_>,
        older: &[Segment],
    ) -> Result<(), StoreError> {
        let staged = [decision.segment.clone()];
        let mut scan = view.scan(&staged, &[], None)?;
        while let Some(at) = scan.next()? {
            let Some((_, new)) = at.rows.into_iter().next() else {
                continue;
            };
            decision.distinct += 1;
            decision.segment.rows += 1;
            let old = newest(view, older, &at.subject)?;
            if let Some((_, old)) = &old {
                decision.count(old.exclusion(), -1);
            }
            decision.count(new.exclusion(), 1);
            let key = decision.segment.key.row(&at.subject);
            match old.filter(|(_, old)| old.is_live(self.now)) {
                None => decision.counts.added += 1,
                Some((_, old)) if old.says_the_same(&new) => {
                    decision.counts.unchanged += 1;
                    decision.delete(&key, &new)?;
                }
                Some((segment, old)) => {
                    decision.counts.updated += 1;
                    let listed_at = old.origin.as_ref().unwrap_or(&segment.written).listed_at;
                    let origin = Written { listed_at, ..decision.segment.written.clone() };
                    decision.put(&key, &Row::Says(Box::new(new.with_origin(origin))))?;
                }
            }
        }
        Ok(())
    }

    /// Rows of the source that the import does not name.
    fn decide_missing(
        &self,
        view: &View<'_>,
        decision: &mut Decision<'_>,
        older: &[Segment],
    ) -> Result<(), StoreError> {
        let mut scan = view.scan(older, &[], None)?;
        while let Some(at) = scan.next()? {
            let Some((_, old)) = at.rows.first() else {
                continue;
            };
            let live = old.is_live(self.now);
            decision.before += u64::from(live);
            if view.row(decision.segment.key, &at.subject)?.is_some() {
                continue;
            }
            decision.counts.removed += u64::from(live);
            decision.count(old.exclusion(), -1);
            decision.segment.rows += 1;
            decision.put(&decision.segment.key.row(&at.subject), &Row::Tombstone)?;
        }
        Ok(())
    }
}

/// What a source's segments say of a subject.
fn newest<'s>(
    view: &View<'_>,
    segments: &'s [Segment],
    subject: &[u8],
) -> Result<Option<(&'s Segment, Box<Said>)>, StoreError> {
    for segment in segments {
        match view.row(segment.key, subject)? {
            None => {}
            Some(Row::Tombstone) => return Ok(None),
            Some(Row::Says(said)) => return Ok(Some((segment, said))),
        }
    }
    Ok(None)
}

fn check_limits(decision: &Decision<'_>, limits: ImportLimits) -> Result<(), ChangeError> {
    let counts = decision.counts;
    let share = counts.removed as f64 / decision.before.max(1) as f64;
    let why = if counts.rejected > 0 && !limits.allow_rejected {
        format!(
            "{} rows were rejected; allow_rejected=1 replaces the source all the same",
            counts.rejected
        )
    } else if decision.distinct == 0 && limits.max_removed < 1.0 {
        "no row is left; max_removed=1 empties the source all the same".into()
    } else if share > limits.max_removed {
        format!(
            "{} of {} listings would go, more than the share of {}; max_removed={:.2} replaces the source all the same",
            counts.removed,
            decision.before,
            limits.max_removed,
            (share * 100.0).ceil() / 100.0
        )
    } else {
        return Ok(());
    };
    Err(ChangeError::ImportRefused { why, counts })
}
