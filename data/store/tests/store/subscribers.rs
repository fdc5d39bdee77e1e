//! Subscribers: what is decided about them, and that they are there again after a start and a recovery.

use dnsbl_store::{
    ChangeError, Examined, Op, Operation, OperationResult, Precondition, Recovery,
    SubscriberFilter, SubscriberRecord,
};
use dnsbl_types::{
    AccessKey, KeyDigest, Name, Quota, Recognition, Subscriber, SubscriberId, SubscriberKey,
    UnixTime, ZoneKind, ZoneSpec,
};

use crate::fixture::{Fixture, NOW, origin};

fn digest(number: u8) -> KeyDigest {
    AccessKey::from_random([number; AccessKey::RANDOM]).digest()
}

pub(crate) fn subscriber(number: u8) -> Subscriber {
    Subscriber {
        id: SubscriberId(number.into()),
        name: format!("subscriber {number}"),
        zones: vec![origin()],
        networks: vec![],
        recognition: Recognition::Key,
        quota: Quota::default(),
        expires_at: None,
        keys: vec![SubscriberKey { digest: digest(number), created_at: NOW, until: None }],
        note: None,
        created_at: NOW,
    }
}

fn at(number: u8, network: &str) -> Subscriber {
    let networks = vec![network.parse().unwrap()];
    Subscriber { networks, recognition: Recognition::Either, ..subscriber(number) }
}

fn put_if(subscriber: &Subscriber, precondition: Precondition) -> Operation {
    Operation::PutSubscriber { subscriber: Box::new(subscriber.clone()), precondition }
}

pub(crate) fn put_subscriber(subscriber: &Subscriber) -> Operation {
    put_if(subscriber, Precondition::None)
}

fn rotate(number: u8, key: u8, overlap: u64) -> Operation {
    let (id, precondition) = (SubscriberId(number.into()), Precondition::None);
    Operation::RotateSubscriber { id, digest: digest(key), overlap, precondition }
}

fn delete(number: u8) -> Operation {
    let (id, precondition) = (SubscriberId(number.into()), Precondition::None);
    Operation::DeleteSubscriber { id, precondition }
}

fn put_zone(origin: &str) -> Operation {
    let ns: Name = "ns.example.net".parse().unwrap();
    let spec = ZoneSpec::new(origin.parse().unwrap(), ZoneKind::Ip, vec![ns], "$".parse().unwrap());
    Operation::PutZone { zone: Box::new(spec.check().unwrap()), serial_floor: None }
}

impl Fixture {
    fn subscriber(&self, number: u8) -> Option<SubscriberRecord> {
        self.store.read(NOW).subscriber(SubscriberId(number.into())).unwrap()
    }

    fn found(&self, filter: &SubscriberFilter) -> Vec<u64> {
        let found = self.store.read(NOW).subscribers(filter, None, 99).unwrap();
        found.iter().map(|record| record.subscriber.id.0).collect()
    }

    fn put_at(&self, subscriber: &Subscriber, now: UnixTime) -> SubscriberRecord {
        let result = self.change_at(put_subscriber(subscriber), now).unwrap().into_result();
        let Some(OperationResult::Subscriber(record)) = result else { panic!("{result:?}") };
        *record
    }

    /// What the follower sees.
    pub(crate) fn shown(&self) -> Vec<Subscriber> {
        self.mirror.0.lock().unwrap().subscribers.values().cloned().collect()
    }
}

#[test]
fn terms_change_and_keys_stay() {
    let fixture = Fixture::new();
    let made = fixture.put_at(&subscriber(1), NOW);
    let other_key = SubscriberKey { digest: digest(9), created_at: NOW, until: None };
    let note = Some("pays".to_owned());
    let changed =
        Subscriber { note, keys: vec![other_key], created_at: UnixTime(1), ..subscriber(1) };
    let put = fixture.put_at(&changed, UnixTime(NOW.0 + 5));
    assert_eq!(put.subscriber.keys, made.subscriber.keys);
    assert_eq!((put.subscriber.created_at, put.subscriber.note.as_deref()), (NOW, Some("pays")));
    assert!(put.revision > made.revision);
    assert_eq!(fixture.put_at(&changed, NOW), put, "saying the same is no change");
    assert_eq!(fixture.shown(), [put.subscriber]);
}

#[test]
fn a_condition_holds_for_the_revision_that_was_read() {
    let fixture = Fixture::new();
    let made = fixture.put_at(&subscriber(1), NOW);
    let change = |precondition| {
        fixture
            .change(put_if(&Subscriber { note: Some("x".into()), ..subscriber(1) }, precondition))
    };
    assert!(matches!(change(Precondition::Absent), Err(ChangeError::Precondition)));
    assert!(matches!(
        change(Precondition::matches(made.revision + 9)),
        Err(ChangeError::Precondition)
    ));
    change(Precondition::matches(made.revision)).unwrap();
    let any = Precondition::Matches(vec![]);
    let absent = fixture.change(put_if(&subscriber(2), any));
    assert!(matches!(absent, Err(ChangeError::NoSubscriber)));
}

#[test]
fn an_old_key_counts_until_its_overlap_ends_and_four_are_the_most() {
    let fixture = Fixture::new();
    fixture.put_at(&subscriber(1), NOW);
    let until = |fixture: &Fixture| -> Vec<Option<u64>> {
        let keys = fixture.subscriber(1).unwrap().subscriber.keys;
        keys.iter().map(|key| key.until.map(|at| at.0 - NOW.0)).collect()
    };
    fixture.change(rotate(1, 2, 100)).unwrap();
    assert_eq!(until(&fixture), [None, Some(100)]);
    fixture.change(rotate(1, 3, 50)).unwrap();
    assert_eq!(until(&fixture), [None, Some(50), Some(50)]);
    fixture.change(rotate(1, 4, 200)).unwrap();
    assert!(matches!(fixture.change(rotate(1, 5, 200)), Err(ChangeError::TooManyKeys(4))));
    // Those that have ended make room.
    fixture.change_at(rotate(1, 5, 200), UnixTime(NOW.0 + 50)).unwrap();
    assert_eq!(until(&fixture), [None, Some(250), Some(200)]);
    fixture.change_at(rotate(1, 6, 0), UnixTime(NOW.0 + 60)).unwrap();
    assert_eq!(until(&fixture), [None]);
    assert_eq!(fixture.shown()[0].keys[0].digest, digest(6));
}

#[test]
fn whoever_is_recognized_by_networks_gets_no_key() {
    let fixture = Fixture::new();
    let networks = Subscriber { recognition: Recognition::Networks, ..at(1, "192.0.2.0/24") };
    fixture.put_at(&networks, NOW);
    assert!(matches!(fixture.change(rotate(1, 2, 0)), Err(ChangeError::NoKeys)));
    assert!(matches!(fixture.change(rotate(7, 2, 0)), Err(ChangeError::NoSubscriber)));
}

#[test]
fn names_are_unique_among_those_who_have_not_expired() {
    let fixture = Fixture::new();
    let ends = Subscriber { expires_at: Some(UnixTime(NOW.0 + 10)), ..subscriber(1) };
    fixture.put_at(&ends, NOW);
    let same = Subscriber { name: "SUBSCRIBER 1".into(), ..subscriber(2) };
    let refused = fixture.change(put_subscriber(&same));
    assert!(
        matches!(&refused, Err(ChangeError::SubscriberName { id: SubscriberId(1), .. })),
        "{refused:?}"
    );
    fixture.put_at(&same, UnixTime(NOW.0 + 10));
    let by_name = SubscriberFilter { name: Some("Subscriber 1".into()), zone: None };
    assert_eq!(fixture.found(&by_name), [1, 2]);
    // It can't come back under that name.
    let again = fixture.change_at(put_subscriber(&subscriber(1)), UnixTime(NOW.0 + 11));
    assert!(matches!(again, Err(ChangeError::SubscriberName { id: SubscriberId(2), .. })));
}

#[test]
fn a_network_is_of_one_subscriber_to_a_zone() {
    let fixture = Fixture::new();
    fixture.change(put_zone("other.example.org")).unwrap();
    let zones: Vec<Name> = vec!["other.example.org".parse().unwrap()];
    fixture.put_at(&at(1, "192.0.2.0/24"), NOW);
    let refused = fixture.change(put_subscriber(&at(2, "192.0.2.0/24")));
    assert!(
        matches!(&refused, Err(ChangeError::SubscriberNetwork { id: SubscriberId(1), .. })),
        "{refused:?}"
    );
    fixture.put_at(&Subscriber { zones: zones.clone(), ..at(2, "192.0.2.0/24") }, NOW);
    fixture.put_at(&at(3, "192.0.2.0/25"), NOW);
    // Where the key is needed too, it decides.
    fixture.put_at(&Subscriber { recognition: Recognition::Both, ..at(4, "192.0.2.0/24") }, NOW);
    let both = Subscriber { zones: [vec![origin()], zones].concat(), ..at(2, "192.0.2.0/24") };
    assert!(matches!(
        fixture.change(put_subscriber(&both)),
        Err(ChangeError::SubscriberNetwork { .. })
    ));
    fixture.change(delete(1)).unwrap();
    fixture.put_at(&both, NOW);
}

#[test]
fn zones_exist_when_they_are_added() {
    let fixture = Fixture::new();
    let other: Name = "other.example.org".parse().unwrap();
    let both = Subscriber { zones: vec![origin(), other.clone()], ..subscriber(1) };
    let refused = fixture.change(put_subscriber(&both));
    assert!(matches!(refused, Err(ChangeError::SubscriberZone(zone)) if zone == other));
    fixture.change(put_zone("other.example.org")).unwrap();
    fixture.put_at(&both, NOW);
    let of_other = SubscriberFilter { zone: Some(other.clone()), name: None };
    assert_eq!(fixture.found(&of_other), [1]);
    // The zone goes, and what else is said of the subscriber can still be changed.
    fixture.change(Operation::DeleteZone(other)).unwrap();
    fixture.put_at(&Subscriber { note: Some("x".into()), ..both }, NOW);
    assert_eq!(fixture.found(&of_other), [1]);
}

#[test]
fn pages_follow_each_other_and_filters_narrow_them() {
    let fixture = Fixture::new();
    fixture.change(put_zone("other.example.org")).unwrap();
    let other: Name = "other.example.org".parse().unwrap();
    for number in 1..=9 {
        let zones = vec![if number % 3 == 0 { other.clone() } else { origin() }];
        fixture.put_at(&Subscriber { zones, ..subscriber(number) }, NOW);
    }
    let reader = fixture.store.read(NOW);
    let page = |after: Option<u64>, filter: &SubscriberFilter| -> Vec<u64> {
        let found = reader.subscribers(filter, after.map(SubscriberId), 2).unwrap();
        found.iter().map(|record| record.subscriber.id.0).collect()
    };
    let all = SubscriberFilter::default();
    assert_eq!((page(None, &all), page(Some(2), &all)), (vec![1, 2], vec![3, 4]));
    assert_eq!(page(Some(8), &all), [9]);
    let of_other = SubscriberFilter { zone: Some(other), name: None };
    assert_eq!((page(None, &of_other), page(Some(6), &of_other)), (vec![3, 6], vec![9]));
    let named = SubscriberFilter { name: Some("SUBSCRIBER 3".into()), ..of_other };
    assert_eq!(page(None, &named), [3]);
    let elsewhere = SubscriberFilter { name: Some("subscriber 4".into()), ..named };
    assert!(page(None, &elsewhere).is_empty());
}

#[test]
fn the_log_names_subscribers_and_none_of_their_keys() {
    let fixture = Fixture::new();
    fixture.put_at(&subscriber(1), NOW);
    fixture.change(rotate(1, 2, 60)).unwrap();
    fixture.change(delete(1)).unwrap();
    let entries = fixture.store.read(NOW).log_after(1, 9).unwrap().unwrap();
    let ops: Vec<&Op> = entries.iter().flat_map(|entry| &entry.ops).collect();
    let words: Vec<_> = ops.iter().map(|op| (op.word().into_owned(), op.subject())).collect();
    let name = Some("subscriber 1".to_owned());
    let expected = ["subscriber-put", "subscriber-rotate", "subscriber-delete"];
    assert_eq!(words, expected.map(|word| (word.to_owned(), name.clone())));
    assert!(fixture.shown().is_empty());
}

#[test]
fn they_are_there_again_after_a_start_and_after_a_recovery() {
    let fixture = Fixture::new();
    for number in 1..=3 {
        fixture.put_at(&at(number, &format!("192.0.2.{number}/32")), NOW);
    }
    fixture.change(delete(2)).unwrap();
    let (first, third) = (fixture.subscriber(1), fixture.subscriber(3));
    let shown = fixture.shown();
    let fixture = fixture.reopen();
    assert_eq!((fixture.subscriber(1), fixture.subscriber(3)), (first.clone(), third));
    assert_eq!(fixture.shown(), shown);

    let Fixture { store, dir, .. } = fixture;
    store.close();
    drop(store);
    std::fs::remove_file(dir.path().join("CURRENT")).unwrap();
    let Examined::Damaged { plan, .. } = Recovery::examine(dir.path()).unwrap() else { panic!() };
    plan.apply(NOW).unwrap();
    let fixture = Fixture::open(dir);
    assert_eq!((fixture.subscriber(1), fixture.shown()), (first, shown));
    let refused = fixture
        .change(put_subscriber(&Subscriber { id: SubscriberId(4), ..at(1, "192.0.2.3/32") }));
    assert!(matches!(refused, Err(ChangeError::SubscriberName { .. })), "the index is there too");
}
