//! Return codes that a former release took and that turn a list off at its clients: the store opens, shows
//! them, and answers none.

use dnsbl_store::{Operation, Sources};
use dnsbl_types::{ListingBody, ReturnCode, Zone, ZoneKind, ZoneSpec};

use crate::fixture::{Fixture, NOW, plain, source, zone};

fn code(last: u8) -> ReturnCode {
    ReturnCode::stored([127, 255, 255, last].into()).unwrap()
}

fn codes(codes: &[ReturnCode]) -> ListingBody {
    ListingBody { return_codes: codes.to_vec(), ..plain() }
}

/// Security M4.
#[test]
fn listings_with_old_codes_are_loaded_and_shown_and_never_answered() {
    let fixture = Fixture::new();
    fixture.put("192.0.2.1", "a", codes(&[code(254)])).unwrap();
    fixture.put("192.0.2.1", "b", plain()).unwrap();
    fixture.put("192.0.2.2", "a", codes(&[ReturnCode::LISTED, code(255)])).unwrap();
    fixture.put("192.0.2.3", "a", codes(&[code(252), code(254)])).unwrap();
    let rows = [("192.0.2.4", codes(&[code(254)]))];
    fixture.import("feed", &rows, dnsbl_store::ImportMode::Upsert).unwrap();
    let check = |fixture: &Fixture| {
        let seen = fixture.mirror.0.lock().unwrap().entries.clone();
        let subjects: Vec<_> = seen.keys().map(String::as_str).collect();
        assert_eq!(subjects, ["192.0.2.1", "192.0.2.2"]);
        assert_eq!(seen["192.0.2.1"].len(), 1);
        assert!(seen["192.0.2.1"][0].return_codes.is_empty());
        assert_eq!(seen["192.0.2.2"][0].return_codes, [ReturnCode::LISTED]);
        assert_eq!(fixture.listings(NOW).len(), 5);
    };
    check(&fixture);
    let fixture = fixture.reopen();
    check(&fixture);
    fixture.fold_all();
    let fixture = fixture.reopen();
    check(&fixture);
    let shown = &fixture.listings(NOW)[2];
    assert_eq!(shown.body.return_codes, [ReturnCode::LISTED, code(255)]);
    fixture.delete("192.0.2.3", Sources::One(source("a"))).unwrap();
    fixture.put("192.0.2.4", "feed", plain()).unwrap();
    let seen = fixture.mirror.0.lock().unwrap().entries.clone();
    assert!(seen.contains_key("192.0.2.4") && !seen.contains_key("192.0.2.3"));
}

/// Security M4.
#[test]
fn a_zone_with_old_codes_answers_the_rest_or_the_usual_one() {
    for (old, answered) in [
        (vec![code(254)], vec![ReturnCode::LISTED]),
        (vec!["127.0.0.4".parse().unwrap(), code(254)], vec!["127.0.0.4".parse().unwrap()]),
    ] {
        let mut spec = ZoneSpec::clone(&zone(ZoneKind::Ip));
        spec.return_codes = old.clone();
        let zone: Zone = spec.check().unwrap();
        assert_eq!(zone.answered().return_codes, answered);
        let fixture = Fixture::new();
        let change = Operation::PutZone { zone: Box::new(zone), serial_floor: None };
        fixture.change(change).unwrap();
        let fixture = fixture.reopen();
        let shown = fixture.store.read(NOW).zone(&crate::fixture::origin()).unwrap().unwrap();
        assert_eq!(shown.zone.return_codes, old);
    }
}
