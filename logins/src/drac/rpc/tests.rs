use proptest::prelude::*;

use super::*;

/// What `rpcinfo` of Debian 12 sends to learn whether version 1 of program 900101 answers.
const NULL_CALL: [u8; 40] = [
    0x6b, 0x0c, 0x8b, 0xb2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x0d, 0xbc, 0x05, 0, 0, 0, 1, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
];
const PROCEDURE: Procedure = Procedure { program: 900_101, version: 1, number: 0 };

/// A call with this credential and verifier, each with its flavor.
fn with_auth(credential: (u32, &[u8]), verifier: (u32, &[u8])) -> Vec<u8> {
    let mut message = octets(&[7, 0, 2, 900_101, 1, 0]);
    for (flavor, body) in [credential, verifier] {
        message.extend(octets(&[flavor, u32::try_from(body.len()).unwrap()]));
        message.extend(body);
        message.resize(message.len().next_multiple_of(4), 0);
    }
    message
}

fn body_of(message: &[u8]) -> Option<Result<CallBody<'_>, Refusal>> {
    Call::read(message).map(|call| call.body)
}

#[test]
fn rfc5531_section_9_a_call_of_rpcinfo_is_read_and_written() {
    let body = CallBody { procedure: PROCEDURE, arguments: &[] };
    assert_eq!(Call::read(&NULL_CALL), Some(Call { xid: 0x6b0c_8bb2, body: Ok(body) }));
    assert_eq!(body.write(0x6b0c_8bb2), NULL_CALL);
}

#[test]
fn rfc5531_section_9_what_is_no_call_or_has_no_whole_head_is_nothing() {
    for len in 0..NULL_CALL.len() {
        assert_eq!(Call::read(&NULL_CALL[..len]), None, "{len} octets");
    }
    let mut reply = NULL_CALL;
    reply[7] = 1;
    assert_eq!(Call::read(&reply), None);
}

#[test]
fn rfc5531_section_9_another_version_of_rpc_is_refused_whatever_follows() {
    let refused = Some(Call { xid: 9, body: Err(Refusal::RpcVersion) });
    assert_eq!(Call::read(&octets(&[9, 0, 3])), refused);
    assert_eq!(Call::read(&octets(&[9, 0, 1, u32::MAX, u32::MAX])), refused);
    let denied = Reply { xid: 9, outcome: Err(Refusal::RpcVersion) }.write();
    assert_eq!(denied, octets(&[9, 1, 1, 0, 2, 2]));
}

#[test]
fn rfc5531_section_8_2_a_credential_has_at_most_400_octets_and_so_has_a_verifier() {
    let none = (0, &[][..]);
    let longest = (1, &[7; 400][..]);
    let too_long = (1, &[7; 401][..]);
    for (credential, verifier) in [(longest, none), (none, longest), (longest, longest)] {
        let body = CallBody { procedure: PROCEDURE, arguments: &[] };
        assert_eq!(body_of(&with_auth(credential, verifier)), Some(Ok(body)));
    }
    for (credential, verifier) in [(too_long, none), (none, too_long)] {
        assert_eq!(body_of(&with_auth(credential, verifier)), None);
    }
    // A length that is only claimed.
    for claimed in [1, 400, 404, u32::MAX - 3, u32::MAX] {
        assert_eq!(Call::read(&octets(&[7, 0, 2, 900_101, 1, 0, 1, claimed])), None, "{claimed}");
    }
}

#[test]
fn rfc4506_section_4_10_what_pads_a_credential_is_no_part_of_what_follows() {
    for len in 0..9 {
        let mut message = with_auth((1, &[0xff; 8][..len]), (0, &[]));
        message.extend([1, 2, 3, 4]);
        let body = CallBody { procedure: PROCEDURE, arguments: &[1, 2, 3, 4] };
        assert_eq!(body_of(&message), Some(Ok(body)), "{len} octets");
    }
}

#[test]
fn rfc5531_section_9_a_credential_that_asks_for_more_than_a_name_is_rejected() {
    // AUTH_SHORT, AUTH_DH, RPCSEC_GSS.
    for flavor in [2, 3, 6] {
        assert_eq!(
            body_of(&with_auth((flavor, &[1; 4]), (0, &[]))),
            Some(Err(Refusal::Credential))
        );
    }
    let denied = Reply { xid: 7, outcome: Err(Refusal::Credential) }.write();
    assert_eq!(denied, octets(&[7, 1, 1, 1, 2]));
}

#[test]
fn rfc5531_section_9_replies_are_as_the_standard_has_them() {
    for (outcome, rest) in [
        (Ok(None), &[0, 0, 0, 0][..]),
        (Ok(Some(3)), &[0, 0, 0, 0, 3]),
        (Err(Refusal::Program), &[0, 0, 0, 1]),
        (Err(Refusal::ProgramVersion { low: 1, high: 2 }), &[0, 0, 0, 2, 1, 2]),
        (Err(Refusal::Procedure), &[0, 0, 0, 3]),
        (Err(Refusal::Arguments), &[0, 0, 0, 4]),
        (Err(Refusal::System), &[0, 0, 0, 5]),
    ] {
        let expected = [&[0xdead_beef, 1][..], rest].concat();
        assert_eq!(Reply { xid: 0xdead_beef, outcome }.write(), octets(&expected));
    }
}

fn any_refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::RpcVersion),
        Just(Refusal::Credential),
        Just(Refusal::Program),
        any::<(u32, u32)>().prop_map(|(low, high)| Refusal::ProgramVersion { low, high }),
        Just(Refusal::Procedure),
        Just(Refusal::Arguments),
        Just(Refusal::System),
    ]
}

fn any_outcome() -> impl Strategy<Value = Result<Option<u32>, Refusal>> {
    prop_oneof![any::<Option<u32>>().prop_map(Ok), any_refusal().prop_map(Err)]
}

proptest! {
    #[test]
    fn what_was_written_as_a_call_is_read(
        xid in any::<u32>(),
        (program, version, number) in any::<(u32, u32, u32)>(),
        arguments in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        let procedure = Procedure { program, version, number };
        let body = CallBody { procedure, arguments: &arguments };
        let message = body.write(xid);
        prop_assert_eq!(Call::read(&message), Some(Call { xid, body: Ok(body) }));
    }

    #[test]
    fn what_was_written_as_a_reply_is_read(xid in any::<u32>(), outcome in any_outcome()) {
        let reply = Reply { xid, outcome };
        let message = reply.write();
        prop_assert_eq!(Reply::read(&message), Some(reply));
        prop_assert!(message.len() <= 32, "{} octets", message.len());
        // So that two servers never answer each other.
        prop_assert_eq!(Call::read(&message), None);
    }

    #[test]
    fn any_octets_are_read_without_harm(
        mut message in prop::collection::vec(any::<u8>(), 0..200),
        head in 0..4_u32,
    ) {
        let _ = (Call::read(&message), Reply::read(&message));
        for (octet, right) in message.iter_mut().zip(octets(&[7, head / 2, 2 * (head % 2)])) {
            *octet = right;
        }
        let _ = (Call::read(&message), Reply::read(&message));
    }
}
