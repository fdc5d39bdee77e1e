//! Once a write is acknowledged, the very next query sees it.

use dnsbl_tests::{
    Answer::{self, NxDomain},
    Query, Random, TestServer, Transport,
};
use hickory_proto::rr::RecordType::A;
use serde_json::json;

#[test]
fn after_each_of_a_thousand_writes_the_next_query_answers_with_it() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let mut random = Random::from_env("DNSBL_WRITES_SEED");
    let mut listed: [Option<u8>; 32] = [None; 32];
    for round in 0..1000 {
        let slot = random.below(listed.len());
        let subject = format!("203.0.113.{slot}");
        if listed[slot].is_some() && random.below(2) == 0 {
            zone.remove(&subject);
            listed[slot] = None;
        } else {
            let code = 2 + random.below(250) as u8;
            zone.put(&subject, "", &json!({"return_codes": [format!("127.0.0.{code}")]}));
            listed[slot] = Some(code);
        }
        let expected = match listed[slot] {
            Some(code) => Answer::record(format!("127.0.0.{code}")),
            None => NxDomain,
        };
        let query = Query::new(&zone.below(&format!("{slot}.113.0.203")), A);
        let reply = query.ask(server.dns(), Transport::Udp);
        assert_eq!(Answer::of(&reply), expected, "{subject} in round {round}");
    }
}
