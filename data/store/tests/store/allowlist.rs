//! Allow entries: they are kept, shown, conditional, swept when they expire, and go with their zone.

use dnsbl_store::{Change, ChangeError, Op, Operation, OperationResult, Precondition};
use dnsbl_types::{AllowEntry, UnixTime, ZoneKind};

use crate::fixture::{Fixture, NOW, origin, zone};

fn entry(zone: bool, subject: &str) -> AllowEntry {
    AllowEntry {
        zone: zone.then(origin),
        subject: subject.parse().unwrap(),
        reason: "ours".into(),
        owner: "postmaster".into(),
        expires_at: None,
        created_at: NOW,
    }
}

fn put(entry: AllowEntry) -> Operation {
    Operation::PutAllow { entry: Box::new(entry), precondition: Precondition::None }
}

fn put_zone() -> Operation {
    Operation::PutZone { zone: Box::new(zone(ZoneKind::Ip)), serial_floor: None }
}

impl Fixture {
    fn try_at(&self, operation: Operation, now: UnixTime) -> Result<OperationResult, ChangeError> {
        let change = Change::new(dnsbl_store::Actor::part("test"), operation);
        self.store.commit(change, now).map(|done| done.into_result().unwrap())
    }

    fn allowed(&self) -> Vec<AllowEntry> {
        self.mirror.0.lock().unwrap().allowed.values().cloned().collect()
    }
}

#[test]
fn an_entry_is_shown_to_the_index_replaced_and_deleted_and_keeps_when_it_was_made() {
    let fixture = Fixture::new();
    fixture.try_at(put_zone(), NOW).unwrap();
    for made in [entry(false, "192.0.2.0/24"), entry(true, "192.0.2.7")] {
        fixture.try_at(put(made), NOW).unwrap();
    }
    assert_eq!(fixture.allowed().len(), 2);
    let later = AllowEntry { created_at: UnixTime(NOW.0 + 9), ..entry(true, "192.0.2.7") };
    let changed = AllowEntry { reason: "another".into(), ..later.clone() };
    let OperationResult::AllowEntry { created: false, record } =
        fixture.try_at(put(changed.clone()), UnixTime(NOW.0 + 9)).unwrap()
    else {
        panic!("it was there");
    };
    assert_eq!(record.entry, AllowEntry { created_at: NOW, ..changed });
    let stale = Operation::DeleteAllow {
        zone: Some(origin()),
        subject: later.subject,
        precondition: Precondition::matches(record.revision - 1),
    };
    assert!(matches!(fixture.try_at(stale, NOW), Err(ChangeError::Precondition)));
    let delete = |zone| Operation::DeleteAllow {
        zone,
        subject: "192.0.2.7".parse().unwrap(),
        precondition: Precondition::None,
    };
    assert!(matches!(fixture.try_at(delete(None), NOW), Err(ChangeError::NoAllowEntry)));
    fixture.try_at(delete(Some(origin())), NOW).unwrap();
    assert_eq!(fixture.allowed(), [entry(false, "192.0.2.0/24")]);
    let after = fixture.store.read(NOW).allow_entries(None, 10).unwrap();
    assert_eq!(after.len(), 1);
}

#[test]
fn what_has_expired_is_swept_as_a_change_and_what_belongs_to_a_zone_goes_with_it() {
    let fixture = Fixture::new();
    fixture.try_at(put_zone(), NOW).unwrap();
    let end = UnixTime(NOW.0 + 5);
    fixture
        .try_at(put(AllowEntry { expires_at: Some(end), ..entry(false, "192.0.2.1") }), NOW)
        .unwrap();
    fixture.try_at(put(entry(false, "192.0.2.2")), NOW).unwrap();
    fixture.try_at(put(entry(true, "192.0.2.3")), NOW).unwrap();
    fixture.try_at(Operation::Sweep, UnixTime(end.0 - 1)).unwrap();
    assert_eq!(fixture.allowed().len(), 3);
    while fixture.try_at(Operation::Sweep, end).unwrap() != OperationResult::Count(0) {}
    assert_eq!(fixture.allowed().len(), 2);
    let head = fixture.store.read(NOW).head().unwrap();
    let last = fixture.store.read(NOW).log_entry(head).unwrap().unwrap();
    assert!(matches!(&last.ops[..], [Op::DeleteAllow { expired: true, .. }]), "{last:?}");
    fixture.try_at(Operation::DeleteZone(origin()), NOW).unwrap();
    assert_eq!(fixture.allowed(), [entry(false, "192.0.2.2")]);
    let wrong = entry(true, "192.0.2.3");
    assert!(matches!(fixture.try_at(put(wrong), NOW), Err(ChangeError::NoZone(_))));
}
