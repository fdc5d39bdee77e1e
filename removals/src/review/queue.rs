//! Requests for removal and reports as items of the review.

use dnsbl_reports::{Report, ReportId, StateKind as ReportState};
use dnsbl_store::{DocumentId, DocumentKind, Reader};
use dnsbl_types::{Name, UnixTime};

use super::{error::ReviewError, position::Position};
use crate::{
    Claim, Item, ItemId, ItemKind, Matter, RemovalId, StateKind,
    record::{self, kept},
};

/// The kind of documents that reports are, by which it is known whether one has changed.
const REPORT: DocumentKind = DocumentKind::from_static("report");

/// A part of a page.
pub(super) struct Part {
    pub(super) items: Vec<Item>,
    /// Where to go on.
    pub(super) next: Option<Position>,
    /// Enough was looked at.
    pub(super) is_cut: bool,
}

impl Part {
    /// Nothing more of a kind.
    pub(super) fn end_of(kind: ItemKind) -> Self {
        Self { items: Vec::new(), next: Position::after(kind), is_cut: false }
    }
}

/// Requests with these numbers that wait.
pub(super) fn removals(
    reader: &Reader<'_>,
    ids: &[RemovalId],
    admits: &impl Fn(&Name) -> bool,
    is_claimed: Option<bool>,
    limit: usize,
    now: UnixTime,
) -> Result<Part, ReviewError> {
    let mut part = Part::end_of(ItemKind::Removal);
    for id in ids {
        if part.items.len() == limit {
            let last = part.items.last().map(|item| item.id.clone());
            if let Some(ItemId::Removal(last)) = last {
                part.next = Some(Position::Removal(Some(last)));
            }
            return Ok(part);
        }
        let item = removal(reader, *id, now)?;
        part.items.extend(item.filter(|item| is_wanted(item, admits, is_claimed)));
    }
    Ok(part)
}

/// A request that waits.
pub(super) fn removal(
    reader: &Reader<'_>,
    id: RemovalId,
    now: UnixTime,
) -> Result<Option<Item>, ReviewError> {
    let document = reader.document(&record::REQUEST, &record::request_id(id)?)?;
    let Some(document) = document else { return Ok(None) };
    let request = kept(&document, record::read_request);
    let waiting = request.filter(|request| request.state.kind() == StateKind::Waiting);
    let Some(request) = waiting else { return Ok(None) };
    let matter = Matter::Removal(Box::new(request));
    item(reader, ItemId::Removal(id), document.revision(), matter, now).map(Some)
}

/// These reports, of which the ones before `next` follow.
pub(super) fn reports(
    reader: &Reader<'_>,
    reports: Vec<Report>,
    next: Option<ReportId>,
    admits: &impl Fn(&Name) -> bool,
    is_claimed: Option<bool>,
    now: UnixTime,
) -> Result<Part, ReviewError> {
    let mut part = Part::end_of(ItemKind::Report);
    for one in reports {
        let item = report(reader, one, now)?;
        part.items.extend(item.filter(|item| is_wanted(item, admits, is_claimed)));
    }
    if next.is_some() {
        part.next = Some(Position::Report(next));
        part.is_cut = true;
    }
    Ok(part)
}

/// A report, if it waits.
pub(super) fn report(
    reader: &Reader<'_>,
    report: Report,
    now: UnixTime,
) -> Result<Option<Item>, ReviewError> {
    if report.state.kind() != ReportState::Waiting {
        return Ok(None);
    }
    let id: DocumentId = report.id.to_string().parse()?;
    let revision = reader.document(&REPORT, &id)?.map_or(0, |document| document.revision());
    let id = ItemId::Report(report.id);
    item(reader, id, revision, Matter::Report(Box::new(report)), now).map(Some)
}

/// An item with its claim.
pub(super) fn item(
    reader: &Reader<'_>,
    id: ItemId,
    revision: u64,
    matter: Matter,
    now: UnixTime,
) -> Result<Item, ReviewError> {
    let document = reader.document(&record::CLAIM, &record::item_id(&id)?)?;
    let claimed = document.as_ref().map_or(0, |document| document.revision());
    let claim = document.and_then(|document| kept(&document, record::read_claim));
    let claim = claim.filter(|claim: &Claim| now < claim.until);
    Ok(Item { id, revision: revision.max(claimed), claim, matter })
}

pub(super) fn is_wanted(
    item: &Item,
    admits: &impl Fn(&Name) -> bool,
    is_claimed: Option<bool>,
) -> bool {
    admits(item.zone()) && is_claimed.is_none_or(|is_claimed| is_claimed == item.claim.is_some())
}
