//! `/v1/relay-opt-outs`: whose owners do not want it is not tested.

use dnsbl_tests::{
    mta::{Heard, ScriptedServer, SmtpAnswer},
    segment,
};
use serde_json::json;

use super::Tester;

impl Tester {
    #[track_caller]
    fn opt_out(&self, prefix: &str) {
        let path = format!("/v1/relay-opt-outs/{}", segment(prefix));
        let put = self.server.admin().put(&path, &json!({})).expect(200);
        assert!(put.seq() > 0);
        assert_eq!(put.json()["prefix"].as_str().map(|text| text.starts_with(prefix)), Some(true));
    }

    /// Panics unless the host's owner gets no test either.
    #[track_caller]
    fn expect_opted_out(&self, host: &ScriptedServer) {
        let body =
            json!({"address": host.addr().ip(), "port": host.addr().port(), "ground": "owner"});
        let problem = self.post(&body).expect_problem(422);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("does not want")));
        assert!(host.record().connections.is_empty());
    }
}

#[test]
fn a_network_that_is_opted_out_is_not_tested_until_it_is_opted_in() {
    let tester = Tester::start();
    let (host, other) = (ScriptedServer::refusing(), ScriptedServer::refusing());
    let ipnet = format!("{}/32", host.addr().ip());
    tester.opt_out(&host.addr().ip().to_string());
    tester.opt_out("2001:db8::/32");
    tester.expect_opted_out(&host);
    assert_eq!(tester.test(other.addr())["verdict"], "clean");
    let admin = tester.server.admin();
    let list = admin.get("/v1/relay-opt-outs").expect(200).json();
    assert_eq!(list["opt_outs"], json!([ipnet, "2001:db8::/32"]));
    let path = format!("/v1/relay-opt-outs/{}", host.addr().ip());
    admin.delete(&path).expect(204);
    admin.delete(&path).expect_problem(404);
    assert_eq!(tester.test(host.addr())["verdict"], "clean");
}

/// Security review, L5: such a prefix was taken, shown, and protected nobody.
#[test]
fn ipv4_inside_ipv6_is_ipv4() {
    let tester = Tester::start();
    let host = ScriptedServer::refusing();
    let admin = tester.server.admin();
    let std::net::IpAddr::V4(v4) = host.addr().ip() else { panic!("{:?}", host.addr()) };
    let [a, b, c, _] = v4.octets();
    let mapped = segment(&format!("::ffff:{a}.{b}.{c}.0/120"));
    let path = format!("/v1/relay-opt-outs/{mapped}");
    let put = admin.put(&path, &json!({})).expect(200).json();
    assert_eq!(put["prefix"], format!("{a}.{b}.{c}.0/24"));
    tester.expect_opted_out(&host);
    admin.delete(&path).expect(204);
    assert_eq!(tester.test(host.addr())["verdict"], "clean");
}

/// Security review, L4: 0.0.0.0/0 was taken, and nobody was tested.
#[test]
fn a_prefix_that_no_owner_has_is_refused() {
    let tester = Tester::start();
    let admin = tester.server.admin();
    let put =
        |prefix: &str| admin.put(&format!("/v1/relay-opt-outs/{}", segment(prefix)), &json!({}));
    for prefix in ["0.0.0.0/0", "126.0.0.0/7", "::/0", "2000::/18", "::ffff:0.0.0.0/96"] {
        let problem = put(prefix).expect_problem(422);
        let detail = problem["detail"].as_str().expect("why");
        assert!(
            detail.contains("shorter than /8") || detail.contains("shorter than /19"),
            "{detail}"
        );
    }
    put("127.0.0.0/8").expect(200);
    put("2a00::/19").expect(200);
}

#[test]
fn an_opt_out_survives_sigkill() {
    let mut tester = Tester::start();
    let host = ScriptedServer::refusing();
    tester.opt_out(&host.addr().ip().to_string());
    tester.server.kill();
    tester.server.start_again();
    tester.expect_opted_out(&host);
}

#[test]
fn an_opt_out_calls_off_what_waits_and_what_goes_on() {
    // Its greeting does not come, so that nobody else has a turn.
    let busy = ScriptedServer::start(|heard| match heard {
        Heard::Connection => SmtpAnswer::Silence,
        other => SmtpAnswer::polite(other),
    });
    let tester = Tester::with("", "at-once = 1");
    let going_on = tester.submit_owned(busy.addr());
    tester.wait(&going_on, |test| test["state"] == "testing");
    let queued = ScriptedServer::refusing();
    let waiting = tester.submit_owned(queued.addr());
    assert_eq!(tester.read(&waiting)["state"], "queued");
    for (id, host) in [(waiting, &queued), (going_on, &busy)] {
        tester.opt_out(&host.addr().ip().to_string());
        let test = tester.read(&id);
        assert_eq!((&test["state"], &test["verdict"]), (&json!("cancelled"), &json!(null)));
    }
    assert!(queued.record().connections.is_empty());
}

#[test]
fn what_is_no_network_is_refused_with_what_was_meant() {
    let tester = Tester::start();
    let admin = tester.server.admin();
    let put =
        |prefix: &str| admin.put(&format!("/v1/relay-opt-outs/{}", segment(prefix)), &json!({}));
    let problem = put("192.0.2.1/24").expect_problem(400);
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("192.0.2.0/24")));
    for prefix in ["example.org", "192.0.2.0/33", "192.0.2"] {
        put(prefix).expect_problem(400);
    }
}
