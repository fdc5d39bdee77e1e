//! The review: all that waits for a decision, whoever decides about it.
//!
//! An item is found where it is: requests for removal and reports with their keepers, listings in the store. Only claims
//! and what was decided about listings are kept here.

mod error;
mod listings;
mod position;
mod queue;

use std::sync::Arc;

use dnsbl_reports::{Comment, Report, Reports, Verdict as ReportVerdict};
use dnsbl_store::{Actor, Operation, Precondition, Reader, Sources, Store};
use dnsbl_types::{Listing, Name, UnixTime};
use tokio::sync::Mutex;

use self::queue::Part;
pub use self::{
    error::ReviewError,
    position::{Position, PositionError},
};
use crate::{
    Claim, Item, ItemId, ItemKind, Matter, Removals, Request, ReviewDecision, Verdict,
    change::{self, WriteError, put},
    item::Mark,
    record,
};

/// Seconds for which a listing that a reviewer keeps is not shown again.
const KEEP_FOR: u64 = 366 * 86_400;

/// All that waits for reviewers.
pub struct Review {
    store: Store,
    removals: Arc<Removals>,
    reports: Arc<Reports>,
    /// Claims and decisions are made one after the other.
    turn: Mutex<()>,
}

/// A choice of what waits.
#[derive(Clone, Debug, Default)]
pub struct ReviewFilter {
    /// Of this kind only.
    pub kind: Option<ItemKind>,
    /// About this zone only.
    pub zone: Option<Name>,
    /// Those that somebody works on, or those that nobody does.
    pub is_claimed: Option<bool>,
}

/// What came of a decision.
#[derive(Clone, Debug)]
pub struct Decided {
    /// The change; `None` where nothing had to change.
    pub seq: Option<u64>,
    /// The request for removal as it is then.
    pub request: Option<Request>,
    /// The report as it is then.
    pub report: Option<Report>,
}

impl Review {
    /// The review of what these keep.
    pub fn new(store: Store, removals: Arc<Removals>, reports: Arc<Reports>) -> Self {
        Self { store, removals, reports, turn: Mutex::default() }
    }

    /// At most `limit` items behind a position, of the zones that may be seen, and where to go on. A page may be short, or
    /// empty, where many others were looked through.
    ///
    /// # Errors
    /// The store can't be read, or the server stops.
    pub async fn list(
        &self,
        filter: ReviewFilter,
        sees: impl Fn(&Name) -> bool + Send + Sync + 'static,
        after: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<Position>), ReviewError> {
        let (kind, is_claimed) = (filter.kind, filter.is_claimed);
        let of_zone = filter.zone.clone();
        let admits = Arc::new(move |zone: &Name| {
            filter.zone.as_ref().is_none_or(|named| named == zone) && sees(zone)
        });
        let (mut items, mut position) = (Vec::new(), after.unwrap_or(Position::START));
        loop {
            let (left, admits) = (limit - items.len(), admits.clone());
            let part = match position {
                at if kind.is_some_and(|kind| kind != at.kind()) => Part::end_of(at.kind()),
                Position::Removal(after) => {
                    let ids = self.removals.waiting(after);
                    self.read(move |reader, now| {
                        queue::removals(reader, &ids, &*admits, is_claimed, left, now)
                    })
                    .await?
                }
                Position::Report(before) => {
                    let waiting = dnsbl_reports::Filter {
                        zone: of_zone.clone(),
                        state: Some(dnsbl_reports::StateKind::Waiting),
                        ..dnsbl_reports::Filter::default()
                    };
                    let (reports, next) = self.reports.list(waiting, before, left).await?;
                    self.read(move |reader, now| {
                        queue::reports(reader, reports, next, &*admits, is_claimed, now)
                    })
                    .await?
                }
                Position::Listing(after) => {
                    self.read(move |reader, now| {
                        listings::page(reader, &*admits, is_claimed, after.as_ref(), left, now)
                    })
                    .await?
                }
            };
            items.extend(part.items);
            match part.next {
                Some(next) if part.is_cut || items.len() >= limit => {
                    return Ok((items, Some(next)));
                }
                Some(next) => position = next,
                None => return Ok((items, None)),
            }
        }
    }

    /// An item, if it waits.
    ///
    /// # Errors
    /// The store can't be read, or the server stops.
    pub async fn find(&self, id: &ItemId) -> Result<Option<Item>, ReviewError> {
        match id {
            ItemId::Removal(id) => {
                let id = *id;
                self.read(move |reader, now| queue::removal(reader, id, now)).await
            }
            ItemId::Report(id) => {
                let Some(found) = self.reports.find(*id).await? else { return Ok(None) };
                self.read(move |reader, now| queue::report(reader, found.report, now)).await
            }
            ItemId::Listing(key) => {
                let key = key.clone();
                self.read(move |reader, now| listings::find(reader, &key, now)).await
            }
        }
    }

    /// Has others know that somebody works on an item, for so many seconds. Who has claimed it claims it anew.
    ///
    /// # Errors
    /// It does not wait, is not as was expected, or somebody else works on it.
    pub async fn claim(
        &self,
        id: &ItemId,
        expected: &Precondition,
        actor: Actor,
        term: u64,
    ) -> Result<(Item, u64), ReviewError> {
        let (_turn, now) = (self.turn.lock().await, UnixTime::now());
        let item = self.expect(id, expected, &actor).await?;
        let until = now.plus(term);
        let claim = Claim { by: actor.name.clone(), token: actor.token.clone(), until };
        let document = record::claim_document(id, &claim)?;
        let seq = change::commit(&self.store, actor, vec![put(document)], now).await?;
        // The same claim again within the second changes nothing.
        let revision = item.revision.max(seq);
        Ok((Item { claim: Some(claim), revision, ..item }, seq))
    }

    /// Ends a claim; the item as it is then, and the change.
    ///
    /// # Errors
    /// It does not wait, is not as was expected, or somebody else has claimed it.
    pub async fn release(
        &self,
        id: &ItemId,
        expected: &Precondition,
        actor: Actor,
    ) -> Result<(Item, u64), ReviewError> {
        let (_turn, now) = (self.turn.lock().await, UnixTime::now());
        self.expect(id, expected, &actor).await?;
        let operations = vec![record::end_claim(id)?];
        let seq = change::commit(&self.store, actor, operations, now).await?;
        let item = self.find(id).await?.ok_or_else(|| ReviewError::NotWaiting(id.clone()))?;
        Ok((item, seq))
    }

    /// Decides about an item, which ends its claim.
    ///
    /// # Errors
    /// It does not wait, is not as was expected, somebody else has claimed it, the decision is for another kind, or the store
    /// refuses the change.
    pub async fn decide(
        &self,
        id: &ItemId,
        expected: &Precondition,
        decision: ReviewDecision,
        note: Option<Comment>,
        actor: Actor,
    ) -> Result<Decided, ReviewError> {
        let (_turn, now) = (self.turn.lock().await, UnixTime::now());
        let item = self.expect(id, expected, &actor).await?;
        let wrong = || ReviewError::WrongDecision(item.matter.kind(), decision);
        match &item.matter {
            Matter::Removal(request) => {
                let verdict = match decision {
                    ReviewDecision::Grant => Verdict::Grant,
                    ReviewDecision::GrantWider => Verdict::GrantWider,
                    ReviewDecision::Refuse => Verdict::Refuse,
                    _ => return Err(wrong()),
                };
                let changed = self.removals.decide(request.id, verdict, note, actor).await?;
                Ok(Decided { seq: changed.seq, request: Some(changed.request), report: None })
            }
            Matter::Report(report) => {
                let verdict = match decision {
                    ReviewDecision::Confirm => ReportVerdict::Confirmed,
                    ReviewDecision::Refute => ReportVerdict::Refuted,
                    _ => return Err(wrong()),
                };
                let decided = self.reports.decide(report.id, verdict, note, actor.clone()).await?;
                if item.claim.is_some() {
                    // If this fails it ends by itself.
                    let operations = vec![record::end_claim(id)?];
                    let _ = change::commit(&self.store, actor, operations, now).await;
                }
                Ok(Decided { seq: decided.seq, request: None, report: Some(decided.report) })
            }
            Matter::Listing { zone, listing } => {
                let is_kept = match decision {
                    ReviewDecision::Keep => true,
                    ReviewDecision::Remove => false,
                    _ => return Err(wrong()),
                };
                let seq = self.decide_listing(id, zone, listing, is_kept, note, actor, now).await?;
                Ok(Decided { seq: Some(seq), request: None, report: None })
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the decision")]
    async fn decide_listing(
        &self,
        id: &ItemId,
        zone: &Name,
        listing: &Listing,
        is_kept: bool,
        note: Option<Comment>,
        actor: Actor,
        now: UnixTime,
    ) -> Result<u64, ReviewError> {
        let mark = Mark { is_kept, by: actor.name.clone(), at: now, note, seq: listing.seq };
        let mut operations = vec![
            put(record::mark_document(id, &mark, now.plus(KEEP_FOR))?),
            record::end_claim(id)?,
        ];
        if !is_kept {
            operations.push(Operation::DeleteListing {
                zone: zone.clone(),
                subject: listing.subject.clone(),
                sources: Sources::One(listing.source.clone()),
                precondition: Precondition::matches(listing.seq),
            });
        }
        let written = change::commit(&self.store, actor, operations, now).await;
        match written {
            Err(err) if err.is_stale() => Err(ReviewError::Precondition(id.clone())),
            written => Ok(written?),
        }
    }

    /// An item that waits, is as was expected, and that nobody else works on.
    async fn expect(
        &self,
        id: &ItemId,
        expected: &Precondition,
        actor: &Actor,
    ) -> Result<Item, ReviewError> {
        let item = self.find(id).await?.ok_or_else(|| ReviewError::NotWaiting(id.clone()))?;
        if !expected.holds(Some(item.revision)) {
            return Err(ReviewError::Precondition(id.clone()));
        }
        match &item.claim {
            Some(claim) if !claim.is_of(actor) => Err(ReviewError::Claimed(claim.clone())),
            _ => Ok(item),
        }
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>, UnixTime) -> Result<T, ReviewError> + Send + 'static,
    ) -> Result<T, ReviewError> {
        let (store, now) = (self.store.clone(), UnixTime::now());
        let read = move || read(&store.read(now), now);
        tokio::task::spawn_blocking(read).await.map_err(|_| WriteError::Stopping)?
    }
}
