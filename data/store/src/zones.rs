//! Changes of zones.

use dnsbl_types::{Name, Serial, Zone};

use crate::{
    Actor, ChangeError, Done, Op, Outcome, StoreError, ZoneRecord, codec,
    group::{Effect, Group},
    key::ZoneId,
    scan::{View, cf},
    schema,
    state::{self, ZoneState},
};

impl Group<'_> {
    pub(crate) fn put_zone(
        &mut self,
        actor: &Actor,
        zone: Zone,
        floor: Option<Serial>,
    ) -> Result<Done, ChangeError> {
        let origin = zone.origin.clone();
        let existing = self.ledger.zones.get(&origin);
        let previous = existing.map(|state| Box::new(state.zone.as_ref().clone()));
        if let Some(state) = existing {
            let holds_rows = state.segments.iter().any(|segment| segment.rows > 0);
            if state.zone.kind != zone.kind && holds_rows {
                return Err(ChangeError::KindInUse(origin));
            }
            let lifts = floor.is_some_and(|floor| floor.is_after(state.serial));
            if *state.zone == zone && !lifts {
                let record = Box::new(record(state));
                return Ok(self.unchanged(Outcome::Zone { created: false, record }));
            }
        }
        let mut state = match existing {
            Some(state) => state.clone(),
            None => self.new_zone(&zone)?,
        };
        state.zone = zone.clone().into();
        state.serial = state.serial.next_at_least(floor);
        self.writes.batch.put_cf(
            cf(self.writes.db, schema::ZONES),
            origin.wire(),
            codec::encode(&state.zone_value()),
        );
        let record = Box::new(record(&state));
        let created = previous.is_none();
        self.ledger.zones.insert(origin.clone(), state);
        self.touched.insert(origin.clone());
        self.effects.push(Effect::PutZone(origin));
        let seq = self.append(actor, vec![Op::PutZone { zone: Box::new(zone), previous }]);
        Ok(Done { seq, outcome: Outcome::Zone { created, record } })
    }

    /// A zone that goes on with the serial of the last zone of that name.
    fn new_zone(&mut self, zone: &Zone) -> Result<ZoneState, StoreError> {
        let id = ZoneId(self.ledger.next_zone);
        self.ledger.next_zone += 1;
        let before = state::read_state_value(&View::new(self.writes.db), &zone.origin)?;
        Ok(ZoneState {
            id,
            zone: zone.clone().into(),
            serial: Serial(before.map_or(0, |state| state.serial)),
            listings: 0,
            exclusions: 0,
            segments: Vec::new(),
        })
    }

    pub(crate) fn delete_zone(
        &mut self,
        actor: &Actor,
        origin: &Name,
    ) -> Result<Done, ChangeError> {
        let state =
            self.ledger.zones.remove(origin).ok_or_else(|| ChangeError::NoZone(origin.clone()))?;
        self.forget_imports(origin);
        let (db, batch) = (self.writes.db, &mut self.writes.batch);
        let (start, end) = (state.id.0.to_be_bytes(), state.id.0.saturating_add(1).to_be_bytes());
        batch.delete_cf(cf(db, schema::ZONES), origin.wire());
        batch.delete_range_cf(cf(db, schema::SEGMENTS), start, end);
        batch.delete_range_cf(cf(db, schema::LISTINGS), start, end);
        let last = ZoneState {
            serial: state.serial.next(),
            listings: 0,
            exclusions: 0,
            segments: vec![],
            ..state
        };
        batch.put_cf(
            cf(db, schema::META),
            state::state_key(origin),
            codec::encode(&last.state_value()),
        );
        self.effects.push(Effect::RemoveZone(origin.clone()));
        let previous = Box::new(last.zone.as_ref().clone());
        let seq = self.append(actor, vec![Op::DeleteZone { previous }]);
        Ok(Done { seq, outcome: Outcome::Count(1) })
    }
}

/// A zone as changes answer with it; expired rows still count until they are swept.
fn record(state: &ZoneState) -> ZoneRecord {
    ZoneRecord {
        zone: state.zone.as_ref().clone(),
        serial: state.serial,
        listings: state.listings,
        exclusions: state.exclusions,
    }
}
