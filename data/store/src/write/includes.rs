//! What must hold between a combined zone and the zones that it includes: they exist, are of its kind, and
//! include no others.

use dnsbl_types::{Name, Zone};

use crate::{ChangeError, write::transaction::Transaction};

/// Checks that a zone may become what it is to be.
pub(crate) fn check_put(transaction: &Transaction<'_>, zone: &Zone) -> Result<(), ChangeError> {
    for include in zone.includes.as_slice() {
        let Some(included) = transaction.find_zone(&include.zone) else {
            return Err(ChangeError::NoInclude(include.zone.clone()));
        };
        if !included.zone.kind.is_same_kind(zone.kind) {
            return Err(ChangeError::IncludeKind(include.zone.clone()));
        }
        if !included.zone.includes.is_empty() {
            return Err(ChangeError::IncludeCombined(include.zone.clone()));
        }
    }
    let changes_kind = transaction
        .find_zone(&zone.origin)
        .is_some_and(|before| !before.zone.kind.is_same_kind(zone.kind));
    if changes_kind || !zone.includes.is_empty() {
        check_free(transaction, &zone.origin)?;
    }
    Ok(())
}

/// Checks that no other zone answers for what a zone lists.
pub(crate) fn check_delete(
    transaction: &Transaction<'_>,
    origin: &Name,
) -> Result<(), ChangeError> {
    check_free(transaction, origin)
}

fn check_free(transaction: &Transaction<'_>, origin: &Name) -> Result<(), ChangeError> {
    let including = transaction.zones().filter(|state| state.zone.includes.has(origin));
    let by: Vec<Name> = including.map(|state| state.zone.origin.clone()).collect();
    if by.is_empty() {
        return Ok(());
    }
    Err(ChangeError::Included { zone: origin.clone(), by })
}
