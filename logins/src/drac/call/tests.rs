use proptest::prelude::*;

use super::*;
use crate::drac::xdr::octets;

/// What a client of version 1 sends for 192.0.2.1, made by `rpcgen` and libtirpc of Debian 12 from DRAC's definition.
const ADD_IPV4: [u32; 11] = [0x6b0a_cf0a, 0, 2, 900_101, 1, 1, 0, 0, 0, 0, 0xc000_0201];
/// The same for version 2 and 2001:db8::80ff, on a machine whose `char` has a sign.
const ADD_IPV6: [u32; 26] = [
    0x6b0a_6694,
    0,
    2,
    900_101,
    2,
    1,
    0,
    0,
    0,
    0,
    0x20,
    0x01,
    0x0d,
    0xffff_ffb8,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0xffff_ff80,
    0xffff_ffff,
];

fn request(procedure: (u32, u32, u32), arguments: &[u8]) -> Result<Request, Refusal> {
    let (program, version, number) = procedure;
    let procedure = Procedure { program, version, number };
    let call = DracCall::read(&CallBody { procedure, arguments }.write(5)).expect("a call");
    assert_eq!(call.xid, 5);
    call.request
}

fn add(address: &str) -> Result<Request, Refusal> {
    Ok(Request::Add(address.parse().unwrap()))
}

#[test]
fn a_client_of_version_1_adds_an_ipv4_address() {
    let call = DracCall::read(&octets(&ADD_IPV4)).unwrap();
    assert_eq!(call, DracCall { xid: 0x6b0a_cf0a, request: add("192.0.2.1") });
}

#[test]
fn a_client_of_version_2_adds_an_ipv6_address_of_which_each_octet_takes_four() {
    let call = DracCall::read(&octets(&ADD_IPV6)).unwrap();
    assert_eq!(call, DracCall { xid: 0x6b0a_6694, request: add("2001:db8::80ff") });
}

#[test]
fn a_char_without_sign_and_16_octets_alone_are_the_same_address() {
    let address: Ipv6Addr = "2001:db8::80ff".parse().unwrap();
    let unsigned = address.octets().map(u32::from);
    assert_eq!(request((PROGRAM, 2, 1), &octets(&unsigned)), add("2001:db8::80ff"));
    assert_eq!(request((PROGRAM, 2, 1), &address.octets()), add("2001:db8::80ff"));
}

#[test]
fn an_ipv4_address_inside_ipv6_is_the_ipv4_address() {
    let address: Ipv6Addr = "::ffff:192.0.2.1".parse().unwrap();
    assert_eq!(request((PROGRAM, 2, 1), &address.octets()), add("192.0.2.1"));
}

#[test]
fn rfc4506_section_4_1_a_number_that_no_char_can_be_is_garbage() {
    for (number, octet) in
        [(0, Some(0)), (127, Some(127)), (128, Some(128)), (255, Some(255)), (256, None)]
    {
        assert_eq!(read_char(number), octet, "{number}");
    }
    for (number, octet) in [(-1, Some(255)), (-128, Some(128)), (-129, None), (i32::MIN, None)] {
        assert_eq!(read_char(number), octet, "{number}");
    }
    let mut units = [0; 16];
    units[15] = 256;
    assert_eq!(request((PROGRAM, 2, 1), &octets(&units)), Err(Refusal::Arguments));
}

#[test]
fn rfc5531_section_9_arguments_of_another_length_are_garbage() {
    for len in 0..80 {
        let arguments = vec![0; len];
        for version in [1, 2] {
            let null = request((PROGRAM, version, 0), &arguments);
            assert_eq!(null == Ok(Request::Null), len == 0, "{len} octets: {null:?}");
            let added = request((PROGRAM, version, 1), &arguments);
            let right: &[usize] = if version == 1 { &[4] } else { &[16, 64] };
            assert_eq!(added.is_ok(), right.contains(&len), "{len} octets: {added:?}");
            assert!(added.is_ok() || added == Err(Refusal::Arguments));
        }
    }
}

#[test]
fn rfc5531_section_9_other_programs_versions_and_procedures_are_refused_in_this_order() {
    let versions = Refusal::ProgramVersion { low: 1, high: 2 };
    for (procedure, refusal) in [
        ((100_000, 9, 9), Refusal::Program),
        ((PROGRAM, 0, 0), versions),
        ((PROGRAM, 3, 9), versions),
        ((PROGRAM, 1, 2), Refusal::Procedure),
        ((PROGRAM, 2, 2), Refusal::Procedure),
    ] {
        assert_eq!(request(procedure, &[1]), Err(refusal), "{procedure:?}");
    }
}

#[test]
fn a_datagram_longer_than_any_call_is_left_alone() {
    let mut datagram = octets(&ADD_IPV4);
    datagram.resize(MAX_CALL, 0);
    let garbage = DracCall::read(&datagram).map(|call| call.request);
    assert_eq!(garbage, Some(Err(Refusal::Arguments)));
    datagram.push(0);
    assert_eq!(DracCall::read(&datagram), None);
}

#[test]
fn results_have_the_numbers_of_drac() {
    use AddResult::{Permission, Success, System, Unknown};
    assert_eq!([Success, Permission, System, Unknown].map(AddResult::number), [0, 1, 2, 3]);
}

/// A call that is right but for what proptest changes in it.
fn nearly_a_call() -> impl Strategy<Value = Vec<u8>> {
    let units = prop_oneof![Just(ADD_IPV4.to_vec()), Just(ADD_IPV6.to_vec())];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u32>()), 0..3);
    let unit = prop_oneof![0..4_u32, any::<u32>()];
    (units, changes, unit, 0..4_usize).prop_map(|(mut units, changes, unit, cut)| {
        for (index, other) in changes {
            let index = index.index(units.len());
            units[index] = if index < 10 { unit } else { other };
        }
        let mut datagram = octets(&units);
        datagram.truncate(datagram.len() - cut);
        datagram
    })
}

proptest! {
    #[test]
    fn each_ipv4_address_is_read_as_it_was_written(address: Ipv4Addr) {
        let read = request((PROGRAM, 1, 1), &octets(&[address.to_bits()]));
        prop_assert_eq!(read, Ok(Request::Add(address.into())));
    }

    #[test]
    fn each_ipv6_address_is_read_as_it_was_written(address: Ipv6Addr, is_signed: bool) {
        let unit = |octet: u8| if is_signed {
            i32::from(octet.cast_signed()).cast_unsigned()
        } else {
            octet.into()
        };
        let read = request((PROGRAM, 2, 1), &octets(&address.octets().map(unit)));
        prop_assert_eq!(read, Ok(Request::Add(address.to_canonical())));
        prop_assert_eq!(read, request((PROGRAM, 2, 1), &address.octets()));
    }

    #[test]
    fn an_answer_is_short_and_has_the_xid_of_its_call(
        datagram in prop_oneof![nearly_a_call(), prop::collection::vec(any::<u8>(), 0..1100)],
    ) {
        if let Some(reply) = answer(&datagram) {
            prop_assert_eq!(&reply[..4], &datagram[..4]);
            prop_assert_eq!(&reply[4..8], &[0, 0, 0, 1]);
            prop_assert!(reply.len() <= 32);
            prop_assert_eq!(answer(&reply), None);
        }
    }
}
