use super::*;

fn key(xid: u32) -> CallKey {
    CallKey { peer: "127.0.0.1:1023".parse().unwrap(), xid, address: "192.0.2.1".parse().unwrap() }
}

#[test]
fn a_call_is_new_then_under_way_then_answered() {
    let (mut cache, now) = (DuplicateRequestCache::new(8), Instant::now());
    assert_eq!(cache.state(&key(1), now), None);
    cache.begin(key(1), now);
    assert_eq!(cache.state(&key(1), now), Some(CallState::UnderWay));
    cache.end(&key(1), AddResult::Permission);
    let answered = Some(CallState::Answered(AddResult::Permission));
    assert_eq!(cache.state(&key(1), now), answered);
}

#[test]
fn a_call_with_another_peer_xid_or_address_is_another_one() {
    let (mut cache, now) = (DuplicateRequestCache::new(8), Instant::now());
    cache.begin(key(1), now);
    let other_port = CallKey { peer: "127.0.0.1:1022".parse().unwrap(), ..key(1) };
    let other_address = CallKey { address: "192.0.2.2".parse().unwrap(), ..key(1) };
    for other in [key(2), other_port, other_address] {
        assert_eq!(cache.state(&other, now), None, "{other:?}");
    }
}

#[test]
fn a_call_is_remembered_for_as_long_as_a_client_of_drac_repeats_it_and_no_longer() {
    let (mut cache, came) = (DuplicateRequestCache::new(8), Instant::now());
    cache.begin(key(1), came);
    cache.end(&key(1), AddResult::Success);
    let (last, over) =
        (Duration::from_secs(25), DuplicateRequestCache::AGE + Duration::from_nanos(1));
    assert!(cache.state(&key(1), came + last).is_some());
    assert_eq!(cache.state(&key(1), came + over), None);
    assert!(cache.states.is_empty() && cache.order.is_empty());
}

#[test]
fn the_oldest_call_makes_room() {
    let (mut cache, now) = (DuplicateRequestCache::new(2), Instant::now());
    for xid in 1..=3 {
        cache.begin(key(xid), now);
    }
    let remembered = [1, 2, 3].map(|xid| cache.state(&key(xid), now).is_some());
    assert_eq!(remembered, [false, true, true]);
    assert_eq!((cache.states.len(), cache.order.len()), (2, 2));
}

#[test]
fn the_end_of_a_forgotten_call_does_not_bring_it_back() {
    let (mut cache, now) = (DuplicateRequestCache::new(1), Instant::now());
    cache.begin(key(1), now);
    cache.begin(key(2), now);
    cache.end(&key(1), AddResult::Success);
    assert_eq!(cache.state(&key(1), now), None);
    assert_eq!(cache.states.len(), 1);
}

#[test]
fn a_clock_that_stands_still_or_goes_back_forgets_nothing() {
    let mut cache = DuplicateRequestCache::new(8);
    let earlier = Instant::now();
    cache.begin(key(1), earlier + DuplicateRequestCache::AGE);
    assert_eq!(cache.state(&key(1), earlier), Some(CallState::UnderWay));
}
