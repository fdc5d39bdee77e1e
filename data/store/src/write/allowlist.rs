//! Changes of allow entries.

use dnsbl_types::{AllowEntry, Name, Subject};

use crate::{
    ChangeError, Op,
    format::{
        allow_entry::{self, AllowRecord},
        schema,
    },
    read::allowlist,
    write::{
        listings::check_subject,
        operation::{OperationResult, Precondition},
        state::AllowlistState,
        transaction::{Effect, Transaction},
    },
};

/// The most allow entries of a server.
pub(crate) const MOST: usize = 100_000;

/// Makes an entry, or replaces one, which keeps the time when it was made.
pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    entry: AllowEntry,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    if let Some(zone) = &entry.zone {
        check_subject(&transaction.zone(zone)?.zone, &entry.subject)?;
    }
    let old = expected(transaction, entry.zone.as_ref(), &entry.subject, precondition)?;
    let created = old.is_none();
    let allowlist = transaction.allowlist();
    if created && allowlist.count >= MOST {
        return Err(ChangeError::TooManyAllowEntries(MOST));
    }
    let created_at = old.as_ref().map_or(entry.created_at, |old| old.entry.created_at);
    let entry = AllowEntry { created_at, ..entry };
    if let Some(old) = old.as_ref().filter(|old| old.entry == entry) {
        return Ok(OperationResult::AllowEntry { created, record: Box::new(old.clone()) });
    }
    let record = AllowRecord { entry: entry.clone(), revision: transaction.seq() };
    let key = allow_entry::key(entry.zone.as_ref(), &entry.subject);
    transaction.put(schema::ALLOWLIST, key, record.encode());
    transaction.set_allowlist(AllowlistState {
        count: allowlist.count + usize::from(created),
        first_expiry: allowlist.first_expiry.into_iter().chain(entry.expires_at).min(),
    });
    let previous = old.map(|old| Box::new(old.entry));
    transaction.log(Op::PutAllow { entry: Box::new(entry.clone()), previous });
    transaction.show(Effect::Allow { entry: Box::new(entry), is_gone: false });
    Ok(OperationResult::AllowEntry { created, record: Box::new(record) })
}

/// Deletes an entry.
pub(crate) fn delete(
    transaction: &mut Transaction<'_>,
    zone: Option<&Name>,
    subject: &Subject,
    precondition: &Precondition,
) -> Result<OperationResult, ChangeError> {
    let found = expected(transaction, zone, subject, precondition)?;
    let record = found.ok_or(ChangeError::NoAllowEntry)?;
    remove(transaction, record.entry);
    Ok(OperationResult::Count(1))
}

/// Deletes all entries of a zone that goes.
pub(crate) fn delete_zone(
    transaction: &mut Transaction<'_>,
    zone: &Name,
) -> Result<(), ChangeError> {
    for record in allowlist::below(transaction.view, &allow_entry::scope(Some(zone)))? {
        remove(transaction, record.entry);
    }
    Ok(())
}

/// Removes those that have expired; how many there were.
pub(crate) fn sweep(transaction: &mut Transaction<'_>) -> Result<u64, ChangeError> {
    let now = transaction.now;
    if transaction.allowlist().first_expiry.is_none_or(|first| now < first) {
        return Ok(0);
    }
    let entries = allowlist::below(transaction.view, &[])?;
    let is_live = |record: &AllowRecord| record.entry.is_live(now);
    let (live, expired): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_live);
    let count = expired.len() as u64;
    expired.into_iter().for_each(|record| remove(transaction, record.entry));
    transaction.set_allowlist(AllowlistState::of(&live));
    Ok(count)
}

fn remove(transaction: &mut Transaction<'_>, entry: AllowEntry) {
    let key = allow_entry::key(entry.zone.as_ref(), &entry.subject);
    transaction.delete(schema::ALLOWLIST, key);
    let allowlist = transaction.allowlist();
    let count = allowlist.count.saturating_sub(1);
    transaction.set_allowlist(AllowlistState { count, ..allowlist });
    let expired = !entry.is_live(transaction.now);
    transaction.log(Op::DeleteAllow { previous: Box::new(entry.clone()), expired });
    transaction.show(Effect::Allow { entry: Box::new(entry), is_gone: true });
}

/// An entry, if the condition holds for it.
fn expected(
    transaction: &Transaction<'_>,
    zone: Option<&Name>,
    subject: &Subject,
    precondition: &Precondition,
) -> Result<Option<AllowRecord>, ChangeError> {
    let found = allowlist::find(transaction.view, zone, subject)?;
    let revision = found.as_ref().map(|record| record.revision);
    match (precondition.holds(revision), &found) {
        (true, _) => Ok(found),
        (false, None) => Err(ChangeError::NoAllowEntry),
        (false, Some(_)) => Err(ChangeError::Precondition),
    }
}
