//! Changes of zones.

use std::sync::Arc;

use dnsbl_types::{Name, Serial, Zone};

use crate::{
    ChangeError, Op, StoreError, ZoneRecord,
    format::{codec, key, schema},
    read::state::{self, ZoneState},
    write::{
        allowlist, includes,
        operation::OperationResult,
        transaction::{Effect, Transaction},
    },
};

pub(crate) fn put(
    transaction: &mut Transaction<'_>,
    zone: Zone,
    floor: Option<Serial>,
) -> Result<OperationResult, ChangeError> {
    let origin = zone.origin.clone();
    includes::check_put(transaction, &zone)?;
    let existing = transaction.find_zone(&origin).cloned();
    let previous = existing.as_ref().map(|state| Box::new(state.zone.as_ref().clone()));
    if let Some(state) = &existing {
        let holds_rows = state.segments.iter().any(|segment| segment.rows > 0);
        if !state.zone.kind.is_same_kind(zone.kind) && holds_rows {
            return Err(ChangeError::KindInUse(origin));
        }
        let lifts = floor.is_some_and(|floor| floor.is_after(state.serial));
        if *state.zone == zone && !lifts {
            return Ok(OperationResult::Zone { created: false, record: Box::new(record(state)) });
        }
    }
    let created = existing.is_none();
    let mut state = match existing {
        Some(state) => state,
        None => new_zone(transaction, &zone)?,
    };
    state.zone = zone.clone().into();
    state.serial = state.serial.next_at_least(floor);
    let record = Box::new(record(&state));
    transaction.put(schema::ZONES, origin.wire(), state.zone_value().encode());
    transaction.set_zone(state);
    transaction.show(Effect::PutZone(origin));
    transaction.log(Op::PutZone { zone: Box::new(zone), previous });
    Ok(OperationResult::Zone { created, record })
}

/// A zone that goes on with the serial of the last zone of that name.
fn new_zone(transaction: &mut Transaction<'_>, zone: &Zone) -> Result<ZoneState, StoreError> {
    let last = match transaction.state.zones.get(&zone.origin) {
        // This very change deletes it.
        Some(gone) => Some(gone.serial.next()),
        None => {
            let before = state::read_state_value(transaction.view, &zone.origin)?;
            before.map(|state| Serial(state.serial))
        }
    };
    Ok(ZoneState {
        id: transaction.new_zone_id(),
        zone: zone.clone().into(),
        serial: last.unwrap_or(Serial(0)),
        listings: 0,
        exclusions: 0,
        segments: Vec::new(),
        frozen: Arc::default(),
    })
}

pub(crate) fn delete(
    transaction: &mut Transaction<'_>,
    origin: &Name,
) -> Result<OperationResult, ChangeError> {
    let state = transaction.zone(origin)?.clone();
    includes::check_delete(transaction, origin)?;
    allowlist::delete_zone(transaction, origin)?;
    let imports = key::imports(origin);
    transaction.delete_range(schema::META, imports.clone(), [&imports[..], &[u8::MAX]].concat());
    let frozen = key::frozen(origin);
    transaction.delete_range(schema::META, frozen.clone(), [&frozen[..], &[u8::MAX]].concat());
    let (start, end) = (state.id.0.to_be_bytes(), state.id.0.saturating_add(1).to_be_bytes());
    transaction.delete(schema::ZONES, origin.wire());
    transaction.delete_range(schema::SEGMENTS, start, end);
    transaction.delete_range(schema::LISTINGS, start, end);
    transaction.remove_zone(origin, state.id);
    let serial = state.serial.next();
    let last = ZoneState { serial, listings: 0, exclusions: 0, segments: vec![], ..state };
    transaction.put(schema::META, key::state(origin), codec::encode(&last.state_value()));
    transaction.show(Effect::RemoveZone(origin.clone()));
    transaction.log(Op::DeleteZone { previous: Box::new(last.zone.as_ref().clone()) });
    Ok(OperationResult::Count(1))
}

/// A zone as changes answer with it; expired rows still count until they are swept.
fn record(state: &ZoneState) -> ZoneRecord {
    ZoneRecord {
        zone: state.zone.as_ref().clone(),
        serial: state.serial,
        listings: state.listings,
        exclusions: state.exclusions,
        frozen: state.frozen.keys().cloned().collect(),
    }
}
