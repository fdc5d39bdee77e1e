//! Sources that take no writes: they are frozen and thawed here, and asked about wherever something is written as one.
//!
//! What a frozen source lists stays, and expires when it is due; a purge and an undo may change it, since it is mostly
//! for these that a source is frozen.

use dnsbl_types::{Name, Source};

use crate::{
    ChangeError, Freeze, Op,
    format::{freeze, key, schema},
    read::state::ZoneState,
    write::{operation::OperationResult, transaction::Transaction},
};

/// Refuses what would write as a frozen source.
pub(crate) fn check(zone: &ZoneState, source: &Source) -> Result<(), ChangeError> {
    match zone.frozen.get(source) {
        None => Ok(()),
        Some(freeze) => Err(ChangeError::Frozen {
            zone: zone.zone.origin.clone(),
            whose: source.clone(),
            freeze: freeze.clone(),
        }),
    }
}

/// Freezes a source for a reason, or thaws it.
///
/// One that is frozen keeps its time; another reason is a change.
pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    origin: &Name,
    source: Source,
    why: Option<String>,
) -> Result<OperationResult, ChangeError> {
    let before = transaction.zone(origin)?.frozen.get(&source).cloned();
    let frozen = why.map(|why| match &before {
        Some(before) if before.why == why => before.clone(),
        before => Freeze {
            since: before.as_ref().map_or(transaction.now, |before| before.since),
            by: transaction.actor.name.clone(),
            why,
        },
    });
    leave(transaction, origin, source, frozen)
}

/// Leaves a source frozen so, or thawed.
pub(crate) fn leave(
    transaction: &mut Transaction<'_>,
    origin: &Name,
    source: Source,
    frozen: Option<Freeze>,
) -> Result<OperationResult, ChangeError> {
    let mut zone = transaction.zone(origin)?.clone();
    let mut all = zone.frozen.as_ref().clone();
    let previous = match &frozen {
        Some(freeze) => all.insert(source.clone(), freeze.clone()),
        None => all.remove(&source),
    };
    if previous != frozen {
        zone.frozen = all.into();
        let key = [key::frozen(origin).as_slice(), source.as_str().as_bytes()].concat();
        match &frozen {
            Some(freeze) => {
                let value = freeze::encode(origin, &source, freeze);
                transaction.put(schema::META, key, value);
            }
            None => transaction.delete(schema::META, key),
        }
        transaction.set_zone(zone);
        let (zone, frozen) = (origin.clone(), frozen.clone());
        transaction.log(Op::PutSource { zone, source, frozen, previous });
    }
    Ok(OperationResult::Source(frozen))
}
