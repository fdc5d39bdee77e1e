//! A server that listens on all addresses of a machine.

use std::net::{IpAddr, SocketAddr};

use dnsbl_tests::{Answer, Edns, Query, TestServer, Transport};
use hickory_proto::rr::RecordType::{A, TXT};
use serde_json::json;

/// A resolver takes a reply from another address for a forgery: the test's socket does, too.
#[test]
fn replies_come_from_the_address_that_was_asked() {
    for (listen, asked) in
        [("0.0.0.0:0", ["127.0.0.1", "127.1.2.3"].as_slice()), ("[::]:0", ["::1"].as_slice())]
    {
        let server = TestServer::listening_on(listen);
        let zone = server.ip_zone(json!({}));
        zone.list("192.0.2.1");
        for ip in asked {
            let addr = SocketAddr::new(ip.parse::<IpAddr>().unwrap(), server.dns().port());
            let name = zone.below("1.2.0.192");
            // The NSID makes a query unusual, so that the slow path answers it.
            let unusual =
                Query::new(&name, A).edns(Edns { options: &[0, 3, 0, 0], ..Edns::default() });
            for transport in [Transport::Udp, Transport::Tcp] {
                for query in [Query::new(&name, A), Query::new(&name, TXT), unusual.clone()] {
                    let reply = query.ask(addr, transport);
                    assert_eq!(reply.rcode(), 0, "{ip} {transport:?}");
                    assert_ne!(Answer::of(&reply), Answer::NoData, "{ip} {transport:?}");
                }
            }
        }
    }
}
