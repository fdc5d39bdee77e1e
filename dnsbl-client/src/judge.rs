//! From a DNS reply to a status: the one place that decides what counts as a listing.
//!
//! RFC 5782 section 2.1 lets any A record mean "listed". That was before zones answered blocked
//! clients with addresses of 127.255.255.0/24, and before lapsed zones were parked on web servers:
//! clients that still follow it reject all mail. So a listing here is an answer of return codes
//! only, and one address that is none spoils the answer.

use std::net::Ipv4Addr;

use crate::{Answer, Blocked, Bogus, Codes, Failure, Listing, Status};

const NOERROR: u16 = 0;
const NXDOMAIN: u16 = 3;
const REFUSED: u16 = 5;

/// What a reply says about the address that was asked for.
pub(crate) fn judge(reply: &Answer, codes: &Codes) -> Status {
    if let Some(code) = reply.filtered {
        return Status::Blocked(Blocked::Filtered(code));
    }
    match reply.rcode {
        NXDOMAIN => Status::NotListed,
        NOERROR if reply.referral => Status::Failed(Failure::Referral),
        NOERROR => judge_addresses(&reply.addresses, codes),
        REFUSED => Status::Blocked(Blocked::Refused),
        rcode => Status::Failed(Failure::Rcode(rcode)),
    }
}

fn judge_addresses(addresses: &[Ipv4Addr], codes: &Codes) -> Status {
    let outside = addresses.iter().find(|addr| addr.octets()[0] != 127);
    let blocked = || addresses.iter().find_map(|&addr| codes.refusal(addr).or(error_code(addr)));
    let localhost = || !codes.localhost_is_listed && addresses.contains(&Ipv4Addr::LOCALHOST);
    if addresses.is_empty() {
        Status::NotListed
    } else if let Some(&stray) = outside {
        Status::Bogus(Bogus::OutsideLoopback(stray))
    } else if let Some(blocked) = blocked() {
        Status::Blocked(blocked)
    } else if localhost() {
        Status::Bogus(Bogus::Localhost)
    } else {
        Status::Listed(Listing::new(addresses.to_vec()))
    }
}

/// The error that a code stands for, if it is in 127.255.255.0/24.
fn error_code(code: Ipv4Addr) -> Option<Blocked> {
    match code.octets() {
        [127, 255, 255, 252] => Some(Blocked::ZoneTypo),
        [127, 255, 255, 254] => Some(Blocked::PublicResolver),
        [127, 255, 255, 255] => Some(Blocked::TooManyQueries),
        [127, 255, 255, _] => Some(Blocked::ErrorCode(code)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use crate::{Answer, Blocked, Bogus, Codes, Failure, Status};

    fn judge(reply: &Answer) -> Status {
        super::judge(reply, &Codes::default())
    }

    fn answer(addresses: &[&str]) -> Status {
        judge(&Answer {
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            ..Answer::default()
        })
    }

    fn rcode(rcode: u16) -> Status {
        judge(&Answer { rcode, ..Answer::default() })
    }

    #[track_caller]
    fn listed_with(addresses: &[&str], codes: &[&str]) {
        let status = answer(addresses);
        let listing = status.listing().unwrap();
        let found: Vec<String> = listing.codes.iter().map(ToString::to_string).collect();
        assert_eq!(found, codes);
    }

    #[test]
    fn return_codes_are_a_listing_and_every_one_counts_once() {
        listed_with(&["127.0.0.2"], &["127.0.0.2"]);
        listed_with(&["127.0.0.10", "127.0.0.2", "127.0.0.10"], &["127.0.0.2", "127.0.0.10"]);
        listed_with(&["127.0.0.0"], &["127.0.0.0"]);
        listed_with(&["127.255.254.255"], &["127.255.254.255"]);
        listed_with(&["127.1.255.254"], &["127.1.255.254"]);
    }

    #[test]
    fn nxdomain_and_nodata_are_not_listed() {
        assert_eq!(rcode(3), Status::NotListed);
        assert_eq!(answer(&[]), Status::NotListed);
    }

    #[test]
    fn error_codes_are_the_list_refusing_never_a_listing() {
        let blocked = |address| answer(&[address]);
        assert_eq!(blocked("127.255.255.252"), Status::Blocked(Blocked::ZoneTypo));
        assert_eq!(blocked("127.255.255.254"), Status::Blocked(Blocked::PublicResolver));
        assert_eq!(blocked("127.255.255.255"), Status::Blocked(Blocked::TooManyQueries));
        for text in ["127.255.255.0", "127.255.255.128", "127.255.255.253"] {
            let code = Blocked::ErrorCode(text.parse().unwrap());
            assert_eq!(blocked(text), Status::Blocked(code));
        }
        assert_eq!(
            answer(&["127.0.0.2", "127.255.255.255"]),
            Status::Blocked(Blocked::TooManyQueries)
        );
    }

    #[test]
    fn localhost_is_bogus_alone_and_in_company() {
        for addresses in [&["127.0.0.1"][..], &["127.0.0.2", "127.0.0.1"]] {
            assert_eq!(answer(addresses), Status::Bogus(Bogus::Localhost));
        }
    }

    #[test]
    fn one_address_outside_127_spoils_the_answer() {
        let stray = Ipv4Addr::new(203, 0, 113, 7);
        for addresses in [
            &["203.0.113.7"][..],
            &["127.0.0.2", "203.0.113.7"],
            &["203.0.113.7", "127.0.0.2"],
            &["127.255.255.254", "203.0.113.7"],
        ] {
            assert_eq!(answer(addresses), Status::Bogus(Bogus::OutsideLoopback(stray)));
        }
        for text in ["0.0.0.0", "126.255.255.255", "128.0.0.0", "255.255.255.255"] {
            assert_eq!(answer(&[text]).as_str(), "bogus", "{text}");
        }
    }

    #[test]
    fn refused_is_blocked_and_other_errors_are_failures() {
        assert_eq!(rcode(5), Status::Blocked(Blocked::Refused));
        for (code, word) in [(1, "FORMERR"), (2, "SERVFAIL"), (4, "NOTIMP"), (23, "rcode 23")] {
            assert_eq!(rcode(code), Status::Failed(Failure::Rcode(code)));
            assert!(rcode(code).detail().unwrap().ends_with(word));
        }
    }

    #[test]
    fn a_referral_is_no_denial() {
        let reply = Answer { referral: true, ..Answer::default() };
        assert_eq!(judge(&reply), Status::Failed(Failure::Referral));
    }

    #[test]
    fn what_a_resolver_rewrote_is_no_verdict() {
        for rcode in [0, 3, 5] {
            let reply = Answer {
                rcode,
                filtered: Some(17),
                addresses: vec![Ipv4Addr::new(127, 0, 0, 2)],
                ..Answer::default()
            };
            assert_eq!(judge(&reply), Status::Blocked(Blocked::Filtered(17)));
        }
    }

    proptest! {
        #[test]
        fn an_error_is_never_a_listing(rcode in 1u16.., addresses: Vec<u32>) {
            let addresses = addresses.into_iter().map(Ipv4Addr::from).collect();
            let reply = Answer { rcode, addresses, ..Answer::default() };
            prop_assert_ne!(judge(&reply).as_str(), "listed");
        }

        #[test]
        fn a_stray_address_anywhere_prevents_a_listing(
            codes in prop::collection::vec(0x7f00_0000u32..0x8000_0000, 0..5),
            stray in prop_oneof![..0x7f00_0000u32, 0x8000_0000u32..],
            at: prop::sample::Index,
        ) {
            let mut addresses: Vec<Ipv4Addr> = codes.into_iter().map(Ipv4Addr::from).collect();
            addresses.insert(at.index(addresses.len() + 1), stray.into());
            let reply = Answer { addresses, ..Answer::default() };
            prop_assert_eq!(judge(&reply).as_str(), "bogus");
        }
    }
}
