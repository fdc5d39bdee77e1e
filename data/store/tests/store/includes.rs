//! Combined zones: what must hold between a zone and those that include it.

use dnsbl_store::{Actor, Change, ChangeError, Committed, Operation};
use dnsbl_types::{GrantTerms, Include, Includes, Name, Zone, ZoneKind, ZoneSpec};

use crate::fixture::{Fixture, NOW, plain, zone};

fn named(origin: &str, kind: ZoneKind, includes: &[&str]) -> Zone {
    let include =
        |zone: &&str| Include { zone: zone.parse().unwrap(), return_codes: vec![], reason: None };
    let mut spec = ZoneSpec::clone(&zone(kind));
    spec.origin = origin.parse().unwrap();
    spec.includes = Includes::new(includes.iter().map(include).collect()).unwrap();
    spec.check().unwrap()
}

fn put(fixture: &Fixture, zone: Zone) -> Result<Committed, ChangeError> {
    fixture.change(Operation::PutZone { zone: Box::new(zone), serial_floor: None })
}

fn delete(fixture: &Fixture, origin: &str) -> Result<Committed, ChangeError> {
    fixture.change(Operation::DeleteZone(origin.parse().unwrap()))
}

/// `all` includes `bl.example.org` and `b`.
fn combined() -> Fixture {
    let fixture = Fixture::new();
    put(&fixture, named("b", ZoneKind::Ip, &[])).unwrap();
    put(&fixture, named("all", ZoneKind::Ip, &["bl.example.org", "b"])).unwrap();
    fixture
}

fn by(result: Result<Committed, ChangeError>) -> Vec<Name> {
    match result {
        Err(ChangeError::Included { by, .. }) => by,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_included_is_there_of_the_kind_and_includes_no_other() {
    let fixture = combined();
    let missing = put(&fixture, named("c", ZoneKind::Ip, &["nowhere"]));
    assert!(matches!(missing, Err(ChangeError::NoInclude(_))), "{missing:?}");
    let other = put(&fixture, named("c", ZoneKind::Domain, &["b"]));
    assert!(matches!(other, Err(ChangeError::IncludeKind(_))), "{other:?}");
    put(&fixture, named("popauth", ZoneKind::Allow(GrantTerms::default()), &[])).unwrap();
    let grants = put(&fixture, named("c", ZoneKind::Ip, &["popauth"]));
    assert!(matches!(grants, Err(ChangeError::IncludeKind(_))), "{grants:?}");
    let nested = put(&fixture, named("c", ZoneKind::Ip, &["all"]));
    assert!(matches!(nested, Err(ChangeError::IncludeCombined(_))), "{nested:?}");
    // The other way round.
    put(&fixture, named("c", ZoneKind::Ip, &[])).unwrap();
    let all: Name = "all".parse().unwrap();
    assert_eq!(by(put(&fixture, named("b", ZoneKind::Ip, &["c"]))), [all]);
}

#[test]
fn a_zone_that_another_includes_stays_and_keeps_its_kind() {
    let fixture = combined();
    put(&fixture, named("more", ZoneKind::Ip, &["b"])).unwrap();
    let err = delete(&fixture, "b").unwrap_err();
    assert!(err.to_string().starts_with("zone b is included by all, more: "), "{err}");
    assert_eq!(by(put(&fixture, named("b", ZoneKind::Domain, &[]))).len(), 2);
    put(&fixture, named("more", ZoneKind::Ip, &[])).unwrap();
    delete(&fixture, "all").unwrap();
    delete(&fixture, "b").unwrap();
}

#[test]
fn one_change_may_delete_both_in_the_order_that_holds() {
    let fixture = combined();
    let delete = |origin: &str| Operation::DeleteZone(origin.parse().unwrap());
    let both = |first, second| {
        let operations = vec![delete(first), delete(second)];
        fixture.store.commit(Change { actor: Actor::part("test"), operations }, NOW)
    };
    assert!(matches!(both("b", "all"), Err(ChangeError::Included { .. })));
    assert!(both("all", "b").is_ok());
}

#[test]
fn a_combined_zone_and_its_listings_survive_a_start() {
    let fixture = combined();
    fixture.put("192.0.2.1", "a", plain()).unwrap();
    let fixture = fixture.reopen();
    let all = fixture.store.read(NOW).zone(&"all".parse().unwrap()).unwrap().unwrap();
    assert_eq!(all.zone, named("all", ZoneKind::Ip, &["bl.example.org", "b"]));
    assert!(delete(&fixture, "b").is_err());
}
