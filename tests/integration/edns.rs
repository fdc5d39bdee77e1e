//! EDNS (RFC 6891) and the probes that find servers which handle the unknown badly (RFC 8906).

mod probes;
mod size;

use dnsbl_tests::{Edns, Query, Reply, Transport};
use hickory_proto::{
    op::ResponseCode,
    rr::{
        RecordType::{A, MX, TXT},
        rdata::opt::EdnsCode,
    },
};
use serde_json::json;

use crate::server;

/// NSID (RFC 5001), empty: a client asks with it.
const NSID: &[u8] = &[0, 3, 0, 0];
/// An option of the range for local use.
const UNKNOWN_OPTION: &[u8] = &[0xfd, 0xe9, 0, 3, 1, 2, 3];

/// Asks over UDP and over TCP, which agree on all but the id.
#[track_caller]
fn ask(server: &dnsbl_tests::TestServer, query: &Query) -> Reply {
    let [udp, tcp] = Transport::BOTH.map(|transport| query.ask(server.dns(), transport));
    assert_eq!(udp.bytes, tcp.bytes, "UDP and TCP differ");
    udp
}

#[test]
fn rfc6891_s6_1_1_every_reply_to_a_query_with_opt_has_one() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let opt = Edns::default();
    let missing = zone.below("1.2.0.192");
    for (query, rcode) in [
        (Query::new(&zone.below("2.0.0.127"), A), ResponseCode::NoError),
        (Query::new(&zone.below("2.0.0.127"), MX), ResponseCode::NoError),
        (Query::new(&missing, A), ResponseCode::NXDomain),
        (Query::new("elsewhere.example", A), ResponseCode::Refused),
        (Query::new("version.bind", TXT), ResponseCode::Refused),
        (Query::empty(), ResponseCode::FormErr),
        (Query::new(&missing, A).question(&missing, A, Query::IN), ResponseCode::FormErr),
        (Query::new(&missing, A).opcode(15), ResponseCode::NotImp),
        (Query::empty().question(&missing, A, Query::CH), ResponseCode::Refused),
    ] {
        let reply = ask(&server, &query.clone().edns(opt));
        assert_eq!(reply.message.metadata.response_code, rcode, "{query:?}");
        let edns = reply.message.edns.as_ref().unwrap_or_else(|| panic!("no OPT: {reply:?}"));
        assert_eq!((edns.version(), edns.max_payload()), (0, 1232));
        let without = ask(&server, &query);
        assert_eq!(without.message.metadata.response_code, rcode, "{query:?}");
        assert_eq!(without.message.edns, None, "{without:?}");
    }
}

#[test]
fn rfc6891_s6_1_3_an_unknown_version_is_badvers() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for (version, options) in [(1, &[][..]), (1, UNKNOWN_OPTION), (255, &[])] {
        let edns = Edns { version, options, ..Edns::default() };
        let reply = ask(&server, &Query::new(&zone.below("2.0.0.127"), A).edns(edns));
        // hickory has two names for 16.
        assert_eq!(u16::from(reply.message.metadata.response_code), 16);
        assert_eq!(reply.message.edns.as_ref().map(|edns| edns.version()), Some(0));
        assert!(reply.message.answers.is_empty());
    }
}

#[test]
fn rfc6891_s6_1_2_and_s6_1_4_unknown_options_and_flags_are_ignored_and_z_is_zero() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let edns = Edns { options: UNKNOWN_OPTION, flags: 0x7fff, ..Edns::default() };
    let reply = ask(&server, &Query::new(&zone.below("2.0.0.127"), A).edns(edns));
    assert_eq!(reply.message.answers.len(), 1);
    let opt = reply.message.edns.as_ref().unwrap();
    assert_eq!(opt.flags().z, 0);
    assert!(!opt.flags().dnssec_ok);
    assert!(opt.options().options.is_empty(), "{opt:?}");
}

#[test]
fn rfc3225_s3_do_is_echoed() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    for (flags, echoed) in [(Edns::DO, true), (0, false)] {
        let edns = Edns { flags, ..Edns::default() };
        let reply = ask(&server, &Query::new(&zone.below("1.2.0.192"), A).edns(edns));
        assert_eq!(reply.message.edns.as_ref().unwrap().flags().dnssec_ok, echoed);
    }
}

#[test]
fn rfc5001_s2_nsid_is_given_where_asked_for() {
    let server = dnsbl_tests::TestServer::with_dns_config("identity = \"ns1\"\n");
    let zone = server.ip_zone(json!({}));
    let name = zone.below("2.0.0.127");
    let with = Edns { options: NSID, ..Edns::default() };
    let nsid = |edns| {
        let reply = ask(&server, &Query::new(&name, A).edns(edns));
        reply.message.edns.unwrap().option(EdnsCode::NSID).cloned()
    };
    assert!(nsid(with).is_some());
    assert_eq!(nsid(Edns::default()), None);
}

#[test]
fn rfc6891_s6_1_1_two_opt_records_are_a_format_error() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let query = Query::new(&zone.below("2.0.0.127"), A);
    let reply = ask(&server, &query.edns(Edns::default()).edns(Edns::default()));
    assert_eq!(reply.message.metadata.response_code, ResponseCode::FormErr);
}
