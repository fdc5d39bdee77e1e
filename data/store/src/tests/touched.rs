//! What has changed since a state that a follower has.

use std::collections::{BTreeMap, BTreeSet};

use dnsbl_types::{Name, Subject};

use super::{Writer, delete, note, put, put_zone, subject};
use crate::{
    Sources,
    read::{log::touched_since, view::View},
};

type Touched = Option<BTreeMap<Name, BTreeSet<Subject>>>;

fn touched(writer: &Writer, zones: &[&str], seq: u64, most: usize) -> Touched {
    let zones: Vec<Name> = zones.iter().map(|zone| zone.parse().unwrap()).collect();
    touched_since(&View::latest(&writer.store.db.rocks), &zones, seq, most).unwrap()
}

#[test]
fn single_listings_and_settings_are_told_and_a_zone_that_is_new_is_not() {
    const ZONES: [&str; 2] = ["bl.example.org", "other.example.org"];
    let mut writer = Writer::new();
    let first = writer.state.head;
    writer.commit(put_zone("other.example.org", 60)).unwrap();
    let made = writer.state.head;
    writer.commit(put("192.0.2.9", "a", note("one"))).unwrap();
    writer.commit(put("192.0.2.8", "a", note("one"))).unwrap();
    writer.commit(delete("192.0.2.9", Sources::All)).unwrap();
    writer.commit(put_zone("other.example.org", 61)).unwrap();
    let [zone, other] = ZONES.map(|zone| zone.parse().unwrap());
    let subjects = ["192.0.2.8", "192.0.2.9"].map(subject).into();
    let all = Some(BTreeMap::from([(zone, subjects), (other, BTreeSet::new())]));
    assert_eq!(touched(&writer, &ZONES, made, 4), all);
    assert_eq!(touched(&writer, &ZONES, made, 3), None, "these are four changes");
    assert_eq!(
        touched(&writer, &ZONES, first, 9),
        None,
        "nobody has anything of a zone that is new"
    );
    assert!(touched(&writer, &ZONES[..1], first, 9).is_some(), "of the other zone all is told");
}
