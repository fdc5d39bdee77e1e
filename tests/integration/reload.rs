//! The configuration is read again: what changes does, what needs a restart is named, and a bad file changes nothing.

use std::{fs, process::Command};

use dnsbl_tests::{
    Answer, Finished, HttpReply, PATIENCE, Process, Query, TestServer, Transport, eventually,
    program,
};
use hickory_proto::{
    op::ResponseCode,
    rr::RecordType::{A, TXT},
};
use reqwest::Method;
use serde_json::{Value, json};

/// The parts of a configuration that a test changes, behind what a server needs.
struct Reloading {
    server: TestServer,
    head: String,
}

impl Reloading {
    #[track_caller]
    fn start() -> Self {
        let server = TestServer::start();
        let text = fs::read_to_string(server.config_file()).unwrap();
        let head = text.split("[http]").next().unwrap().to_owned();
        Self { server, head }
    }

    /// Writes the file with these lines of `[http]`, of `[dns]`, and these tables.
    fn write(&self, http: &str, dns: &str, tables: &str) {
        let text = format!(
            "{}[http]\nlisten = \"127.0.0.1:0\"\n{http}\n[dns]\nlisten = [\"127.0.0.1:0\"]\n{dns}\n{tables}",
            self.head
        );
        fs::write(self.server.config_file(), text).unwrap();
    }

    #[track_caller]
    fn ctl(&self, words: &[&str]) -> Finished {
        let mut command = Command::new(program("dnsblctl"));
        command.args(["--server", self.server.admin().url(), "--token-file"]);
        command.arg(self.server.data_dir().join("admin.token")).args(words);
        Process::run(&mut command).unwrap()
    }

    /// Has the file read; it must be good.
    #[track_caller]
    fn reload(&self) -> Value {
        let done = self.ctl(&["reload", "--json"]);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
        serde_json::from_str(&done.stdout).unwrap()
    }

    #[track_caller]
    fn ask(&self, query: &Query) -> ResponseCode {
        query.ask(self.server.dns(), Transport::Tcp).message.metadata.response_code
    }
}

#[test]
fn a_reload_names_what_is_in_force_and_what_waits_for_a_restart() {
    let reloading = Reloading::start();
    reloading.write(
        "connections = 77\nhosts = [\"a.example\"]",
        "usage-days = 9\nversion = \"x\"",
        "[log]\nfilter = \"info,admin_api=debug\"\nformat = \"text\"\n[change-log]\nkeep-hours = 5\n\
         [feeds]\nfolders = [\"/nowhere\"]\n[relay-tester.limits]\nat-once = 3\n",
    );
    let told = reloading.reload();
    let keys =
        |member: &str| -> Vec<String> { serde_json::from_value(told[member].clone()).unwrap() };
    assert_eq!(
        keys("changed"),
        ["change-log.keep-hours", "dns.version", "http.hosts", "log.filter"]
    );
    assert_eq!(keys("restart"), ["dns.usage-days", "feeds.folders", "http.connections"]);
    // What is off is the same with other limits.
    let told = reloading.reload();
    assert_eq!(
        told,
        json!({
            "changed": [], "reread": [], "restart": ["dns.usage-days", "feeds.folders", "http.connections"]
        })
    );
    let said = reloading.server.stderr();
    assert!(said.contains("reload by admin: ") && said.contains("dns.version"), "{said}");
}

#[test]
fn access_and_texts_of_dns_change_while_it_serves() {
    let reloading = Reloading::start();
    let zone = reloading.server.ip_zone(json!({}));
    zone.list("192.0.2.1");
    let query = Query::new(&zone.below("1.2.0.192"), A);
    assert_eq!(reloading.ask(&query), ResponseCode::NoError);
    let version = Query::empty().question("version.bind", TXT, Query::CH);
    assert_eq!(reloading.ask(&version), ResponseCode::Refused);
    reloading.write("", "version = \"mine\"\n[dns.access]\ndefault = \"refuse\"", "");
    reloading.reload();
    assert_eq!(reloading.ask(&query), ResponseCode::Refused);
    assert_eq!(reloading.ask(&version), ResponseCode::NoError);
    reloading.write("", "", "");
    reloading.reload();
    zone.check([("1.2.0.192", A, Answer::listed())]);
}

#[test]
fn rate_limits_come_and_go_while_it_serves() {
    let reloading = Reloading::start();
    let zone = reloading.server.ip_zone(json!({}));
    zone.list("192.0.2.1");
    let query = Query::new(&zone.below("1.2.0.192"), A);
    let is_limited = || {
        (0..20).any(|_| {
            let reply = query.ask(reloading.server.dns(), Transport::Udp);
            reply.message.metadata.truncation
        })
    };
    assert!(!is_limited());
    reloading.write("", "[dns.rate-limit]\nlisted = 1\nexempt = []", "");
    assert_eq!(
        reloading.reload()["changed"],
        json!(["dns.rate-limit.exempt", "dns.rate-limit.listed"])
    );
    assert!(is_limited());
    reloading.write("", "[dns.rate-limit]\nenabled = false", "");
    reloading.reload();
    assert!(!is_limited());
}

#[test]
fn limits_of_the_api_change_while_it_serves() {
    let reloading = Reloading::start();
    let admin = reloading.server.admin();
    let open = || HttpReply::of(admin.bare(Method::GET, "/metrics")).status;
    let body = json!({"subjects": vec!["192.0.2.1"; 500]});
    assert_eq!(open(), 401);
    admin.post("/v1/check", &body).expect(200);
    reloading.write("open-metrics = true\nbody-limit = 1024", "", "");
    reloading.reload();
    assert_eq!(open(), 200);
    admin.post("/v1/check", &body).expect_problem(413);
}

#[test]
fn feeds_of_the_configuration_come_change_and_go() {
    let reloading = Reloading::start();
    let zone = reloading.server.ip_zone(json!({}));
    let list = reloading.server.data_dir().join("list");
    fs::write(&list, "192.0.2.7\n").unwrap();
    let feed = |every: &str| {
        format!(
            "[[feed]]\nname = \"drop\"\nzone = {:?}\npath = {list:?}\nevery = \"{every}\"\n",
            zone.origin()
        )
    };
    reloading.write("", "", &feed("1h"));
    assert_eq!(reloading.reload()["changed"], json!(["feed"]));
    let feeds = || reloading.server.admin().get("/v1/feeds").expect(200).json()["feeds"].clone();
    zone.await_answer("192.0.2.7".parse().unwrap(), A, &Answer::listed(), PATIENCE);
    reloading.write("", "", &feed("2h"));
    reloading.reload();
    eventually(PATIENCE, || match feeds() {
        feeds if feeds[0]["every"] == 7200 => Ok(()),
        feeds => Err(feeds),
    });
    reloading.write("", "", "");
    reloading.reload();
    eventually(PATIENCE, || match feeds() {
        feeds if feeds == json!([]) => Ok(()),
        feeds => Err(feeds),
    });
    assert_eq!(zone.ask_address("192.0.2.7", A), Answer::listed(), "what it listed stays");
}

#[test]
fn a_bad_file_changes_nothing_and_says_why() {
    let reloading = Reloading::start();
    let secret = reloading.server.data_dir().join("secret");
    fs::write(&secret, "too short\n").unwrap();
    let good = "version = \"x\"";
    let missing = format!("{good}\n[dns.cookies]\nsecrets = [{secret:?}]");
    for (dns, tables, why) in [
        (good, "[log]\nfilter = \"loud\"\n", "log.filter"),
        (good, "[nonsense]\n", "nonsense"),
        (missing.as_str(), "", "dns.cookies.secrets"),
        (good, "[[feed]]\nname = \"a\"\nzone = \"z.example\"\n", "feed.path"),
    ] {
        reloading.write("open-metrics = true", dns, tables);
        let refused = reloading.ctl(&["reload"]);
        assert_eq!(refused.code, Some(1), "{why}: {}", refused.stdout);
        let said = refused.stderr;
        assert!(said.contains(why) && said.contains("everything stays as it is"), "{said}");
        let open = HttpReply::of(reloading.server.admin().bare(Method::GET, "/metrics"));
        assert_eq!(open.status, 401, "{why}");
    }
    // A file that is there again is read again.
    reloading.write("open-metrics = true", "", "");
    reloading.reload();
}

#[test]
fn a_reload_needs_its_scope() {
    let reloading = Reloading::start();
    let admin = reloading.server.admin();
    let made = admin.post("/v1/tokens", &json!({"name": "x", "scopes": ["zones:read"]}));
    let token = made.expect(201).json()["token"].as_str().unwrap().to_owned();
    let refused = admin.with_token(&token).post("/v1/reload", &json!({})).expect_problem(403);
    assert_eq!(refused["scope"], "reload");
}
