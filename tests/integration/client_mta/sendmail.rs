//! Sendmail with the lines of `deploy/`.

use dnsbl_tests::mta::{SendmailRules, unique_host};
use serde_json::json;

use super::{World, snippet};
use crate::server;

#[test]
fn rules_of_deploy_reject_what_is_listed_and_no_answer_that_is_none() {
    let server = server();
    let world = World::new(&server);
    let other = unique_host();
    let put = json!({"return_codes": ["127.0.1.2"]});
    world.zone.put(&other.to_string(), "?override=special-use", &put);
    let lines = snippet("sendmail/dnsbl.mc", world.zone.origin().trim_end_matches('.'));
    let rules = SendmailRules::new(&lines, world.resolver_host());
    let rejected = rules.judge(world.listed);
    assert!(rejected.contains("$# error $@ 5 . 7 . 1 $:"), "{rejected}");
    assert!(rejected.contains("is listed: see https://"), "{rejected}");
    for client in [world.clean, other] {
        let passed = rules.judge(client);
        assert!(!passed.contains("$#"), "{client}: {passed}");
    }
}
