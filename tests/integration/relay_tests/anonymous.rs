//! Submissions without a token.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    thread,
};

use dnsbl_tests::{
    HttpReply, eventually,
    mta::{Heard, ScriptedServer, SmtpAnswer, unique_host},
};
use reqwest::{Method, blocking::Client};
use serde_json::{Value, json};

use super::{TEST, Tester};

/// Somebody without a token, at an address.
pub(super) struct Stranger {
    client: Client,
    url: String,
}

impl Stranger {
    #[track_caller]
    pub(super) fn at(tester: &Tester, addr: IpAddr) -> Self {
        let client = Client::builder().no_proxy().local_address(addr).build();
        let url = tester.server.admin().url().to_owned();
        Self { client: client.expect("an address of this machine"), url }
    }

    #[track_caller]
    fn ask(&self, method: Method, path: &str) -> HttpReply {
        HttpReply::of(self.client.request(method, format!("{}{path}", self.url)))
    }

    #[track_caller]
    pub(super) fn submit(&self, body: &Value) -> HttpReply {
        self.submit_for("", body)
    }

    /// Submits, and says for whom as a proxy does.
    #[track_caller]
    fn submit_for(&self, forwarded: &str, body: &Value) -> HttpReply {
        let mut request = self.client.post(format!("{}/v1/relay-tests", self.url)).json(body);
        if !forwarded.is_empty() {
            request = request.header("x-forwarded-for", forwarded);
        }
        HttpReply::of(request)
    }
}

fn some_host() -> IpAddr {
    unique_host().into()
}

fn own(addr: IpAddr) -> Value {
    json!({"address": addr, "ground": "self"})
}

fn seen(addr: IpAddr) -> Value {
    json!({"address": addr, "ground": "evidence", "evidence": "Received: from there\r\n\r\nx"})
}

#[test]
fn nothing_goes_without_a_token_unless_the_operator_allows_it() {
    let tester = Tester::start();
    let host = some_host();
    let stranger = Stranger::at(&tester, host);
    stranger.submit(&own(host)).expect_problem(401);
    stranger.submit(&seen(host)).expect_problem(401);
    let id = tester.submit(&seen(host));
    stranger.ask(Method::GET, &format!("/v1/relay-tests/{id}")).expect_problem(401);
}

#[test]
fn a_host_has_itself_tested_and_reads_the_result() {
    let tester = Tester::with("anonymous.enabled = true", "");
    let host = SocketAddr::from((unique_host(), 25));
    let server = ScriptedServer::start_at(host, SmtpAnswer::refusing);
    let itself = Stranger::at(&tester, host.ip());
    let accepted = itself.submit(&own(host.ip())).expect(202);
    assert_eq!(accepted.json()["ground"], "self");
    let location = accepted.header("location").to_owned();
    let anybody = Stranger::at(&tester, some_host());
    let test = eventually(TEST, || {
        let test = anybody.ask(Method::GET, &location).expect(200).json();
        if test["verdict"].is_null() { Err(test) } else { Ok(test) }
    });
    assert_eq!(test["verdict"], "clean", "{test}");
    assert!(!test["transcript"].as_array().expect("a transcript").is_empty());
    assert!(!server.record().connections.is_empty());
}

#[test]
fn self_is_believed_from_the_address_itself_only() {
    let tester = Tester::with("anonymous.enabled = true", "");
    let host = some_host();
    let other = Stranger::at(&tester, some_host());
    other.submit(&own(host)).expect_problem(422);
    // Nobody is configured as a proxy, so nobody is believed to be one.
    other.submit_for(&host.to_string(), &own(host)).expect_problem(422);
    assert_eq!(tester.server.admin().get("/v1/relay-tests").json()["relay_tests"], json!([]));
}

#[test]
fn a_configured_proxy_proves_the_address_and_what_the_client_adds_does_not() {
    let (proxy, host, other) = (some_host(), some_host(), some_host());
    let keys = format!("anonymous.enabled = true\nanonymous.proxies = [\"{proxy}\"]");
    let tester = Tester::with(&keys, "");
    let proxy = Stranger::at(&tester, proxy);
    proxy.submit(&own(host)).expect_problem(422);
    proxy.submit_for(&other.to_string(), &own(host)).expect_problem(422);
    proxy.submit_for(&format!("{host}, {other}"), &own(host)).expect_problem(422);
    proxy.submit_for("nobody", &own(host)).expect_problem(422);
    proxy.submit_for(&format!("{other}, {host}"), &own(host)).expect(202);
}

#[test]
fn a_stranger_has_no_say_over_more_than_a_default_test() {
    let tester = Tester::with("anonymous.enabled = true", "");
    let host = some_host();
    let stranger = Stranger::at(&tester, host);
    for ground in ["owner", "retest"] {
        stranger.submit(&json!({"address": host, "ground": ground})).expect_problem(422);
    }
    for more in [json!({"port": 2525}), json!({"tier": 3})] {
        let mut body = own(host);
        body.as_object_mut().expect("an object").extend(more.as_object().expect("too").clone());
        stranger.submit(&body).expect_problem(422);
    }
    let bare = json!({"address": host, "ground": "evidence"});
    stranger.submit(&bare).expect_problem(422);
    let id = tester.submit(&seen(host));
    for (method, path) in [
        (Method::GET, "/v1/relay-tests"),
        (Method::DELETE, &format!("/v1/relay-tests/{id}")),
        (Method::GET, "/v1/relay-opt-outs"),
        (Method::PUT, &format!("/v1/relay-opt-outs/{host}")),
        (Method::DELETE, &format!("/v1/relay-opt-outs/{host}")),
    ] {
        stranger.ask(method, path).expect_problem(401);
    }
}

#[test]
fn a_stranger_is_not_told_what_another_submitter_wrote() {
    let tester = Tester::with("anonymous.enabled = true", "");
    // Its greeting does not come, so that the test goes on.
    let busy = ScriptedServer::start_at((unique_host(), 25).into(), |heard| match heard {
        Heard::Connection => SmtpAnswer::Silence,
        other => SmtpAnswer::polite(other),
    });
    let host = busy.addr().ip();
    let mut body = seen(host);
    body["note"] = json!("from the trap at mx7");
    let id = tester.submit(&body);
    let stranger = Stranger::at(&tester, host);
    let read = stranger.ask(Method::GET, &format!("/v1/relay-tests/{id}")).expect(200);
    let joined = stranger.submit(&own(host)).expect(202);
    for shown in [read.json(), joined.json()] {
        assert_eq!(shown["id"], id.as_str(), "one test is under way");
        assert!(shown["evidence"].is_null() && shown["note"].is_null(), "{shown}");
    }
    assert_eq!(tester.read(&id)["note"], "from the trap at mx7");
}

#[test]
fn strangers_have_few_domains_looked_up_at_once() {
    // A name server that never answers.
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let resolver = silent.local_addr().expect("a bound socket has an address");
    let tester = Tester::asking(resolver, "anonymous.enabled = true", "anonymous-day = 0");
    let nominate = |tester: &Tester| {
        let mut body = seen(some_host());
        body["domain"] = json!("inside.example");
        Stranger::at(tester, some_host()).submit(&body).status
    };
    let mut statuses = thread::scope(|scope| {
        let asking = [(); 5].map(|()| scope.spawn(|| nominate(&tester)));
        asking.map(|asked| asked.join().expect("it is answered"))
    });
    statuses.sort_unstable();
    // Four waited for the name server, and the fifth was not let in.
    assert_eq!(statuses, [429, 503, 503, 503, 503]);
}

#[test]
fn the_network_of_a_stranger_has_a_limit_of_its_own_that_outlives_the_server() {
    let mut tester = Tester::with("anonymous.enabled = true", "anonymous-day = 2");
    let from = unique_host();
    let [a, b, c, d] = from.octets();
    let neighbour = IpAddr::from([a, b, c, d ^ 1]);
    let stranger = Stranger::at(&tester, from.into());
    stranger.submit(&seen(some_host())).expect(202);
    stranger.submit(&seen(some_host())).expect(202);
    tester.server.kill();
    tester.server.start_again();
    for addr in [from.into(), neighbour] {
        let refused = Stranger::at(&tester, addr).submit(&seen(some_host()));
        let wait: u64 = refused.header("retry-after").parse().expect("when to come again");
        assert!((1..=86_400).contains(&wait), "{wait}");
        refused.expect_problem(429);
    }
    Stranger::at(&tester, some_host()).submit(&seen(some_host())).expect(202);
    tester.submit(&seen(some_host()));
}
