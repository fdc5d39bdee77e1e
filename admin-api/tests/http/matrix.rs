//! Who may do what: every operation of the description × every role, and tokens that are limited to a zone or to small
//! prefixes on every one of them. An operation that has no row here fails the tests.

use std::collections::{BTreeMap, BTreeSet};

use admin_api::SCOPES;
use dnsbl_logins::Settings;
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture};

/// The roles by their letters, as rows have them: operator, reviewer, submitter, reader.
const ROLES: [(char, &str); 4] =
    [('o', "operator"), ('v', "reviewer"), ('s', "submitter"), ('r', "reader")];

/// What the limited token is for, and what not.
const MINE: &str = "/v1/zones/mine.example.org";
const OTHER: &str = "/v1/zones/other.example.org";
const POP: &str = "/v1/zones/pop.other.example.org";
/// A word that an answer has only if it tells of the other zone.
const OF_OTHER: &str = "other.example.org";

/// An operation, the roles that may do it (`*`: it takes no token), and how a token is kept within its zone and its
/// prefixes.
struct Row(&'static str, &'static str, &'static [Limit], &'static [Limit]);

/// How a limited token is kept within its limits. Bodies are JSON, or rows of an import.
enum Limit {
    /// This request reaches beyond, and is refused with this type of problem.
    Refused(&'static str, &'static str, &'static str),
    /// The answer to this request has a word for who is not limited, and not for who is.
    Filtered(&'static str, &'static str, &'static str),
    /// The operation can't reach beyond, or another test shows that it does not.
    Free(&'static str),
}

use Limit::{Filtered, Free, Refused};

const ZONE: &str = "zone-not-permitted";
const PREFIX: &str = "prefix-too-large";
const READS: &[Limit] = &[Free("it reads, and a prefix limits what is changed")];
const TESTER: &[Limit] = &[Free("tests/integration/relay_tests/scopes.rs has a tester")];
const SECRET: &[Limit] = &[Free("mail servers are known by a secret, and have no token")];
const ABOUT: &[Limit] = &[Free("it tells of no zone")];
const NO_PREFIX: &[Limit] = &[Free("it changes no listings")];
const FEED_BODY: &str = r#"{"zone":"other.example.org","path":"/x"}"#;
const MY_FEED: &str = r#"{"zone":"mine.example.org","path":"/x"}"#;
const ZONE_BODY: &str = r#"{"kind":"ip","ns":["ns1.example.net."]}"#;
const SUBSCRIBER: &str = r#"{"name":"x","zones":["other.example.org"]}"#;
const WIDE: &str = "/v1/zones/mine.example.org/listings/192.0.2.0_24";
const WIDE6: &str = "/v1/zones/mine.example.org/listings/2001:db8::_64";
const IN_OTHER: &str = "/v1/zones/other.example.org/listings/192.0.2.1";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    Row("cancel_relay_test", "ovs", TESTER, NO_PREFIX),
    Row("check_subjects", "ovsr", &[
        Filtered("/v1/check", r#"{"subjects":["192.0.2.1"]}"#, OF_OTHER),
        Refused("/v1/check", r#"{"subjects":["192.0.2.1"],"zones":["other.example.org"]}"#, ZONE),
    ], READS),
    Row("claim_review_item", "ov", &[Refused("/v1/review/removal-{removal}/claim", "{}", ZONE)], NO_PREFIX),
    Row("confirm_removal_request", "ovs", &[
        Refused("/v1/removal-requests:confirm", r#"{"ticket":"{ticket}"}"#, ZONE),
    ], &[Free("what it confirms was asked for within the prefix")]),
    Row("confirm_report", "ov", &[Refused("/v1/reports/{report}/confirm", "{}", ZONE)], &[
        Refused("/v1/reports/{wide_report}/confirm", "{}", PREFIX),
    ]),
    Row("create_removal_request", "ovs", &[
        Refused("/v1/removal-requests", r#"{"subject":"192.0.2.1","zone":"other.example.org"}"#, ZONE),
        Refused("/v1/removal-requests", r#"{"subject":"192.0.2.1"}"#, "server-wide"),
    ], &[
        Refused("/v1/removal-requests", r#"{"subject":"198.51.100.0/24","zone":"mine.example.org"}"#, PREFIX),
    ]),
    Row("create_report", "ovs", &[
        Refused("/v1/reports", r#"{"subject":"192.0.2.1","category":"spam","zone":"other.example.org"}"#, ZONE),
        Refused("/v1/reports", r#"{"subject":"192.0.2.1","category":"spam"}"#, "server-wide"),
    ], &[
        Refused("/v1/reports", r#"{"subject":"2001:db8::/64","category":"spam","zone":"mine.example.org"}"#, PREFIX),
    ]),
    Row("create_reports", "ovs", &[
        Free("each row is a report"),
    ], &[Free("each row is a report")]),
    Row("create_subscriber", "o", &[Refused("/v1/subscribers", SUBSCRIBER, ZONE)], NO_PREFIX),
    Row("create_token", "o", &[
        Refused("/v1/tokens", r#"{"name":"x","role":"reader","zones":["other.example.org"]}"#, "forbidden"),
    ], &[
        Refused("/v1/tokens", r#"{"name":"x","role":"reader","max_prefix":{"ipv4":24}}"#, "forbidden"),
    ]),
    Row("create_webhook", "o", &[
        Refused("/v1/webhooks", r#"{"url":"https://hooks.example/","zones":["other.example.org"]}"#, ZONE),
    ], NO_PREFIX),
    Row("decide_review_item", "ov", &[
        Refused("/v1/review/removal-{removal}/decide", r#"{"decision":"refuse"}"#, ZONE),
    ], &[
        Refused("/v1/review/removal-{wide_removal}/decide", r#"{"decision":"refuse"}"#, PREFIX),
        Refused("/v1/review/removal-{removal}/decide", r#"{"decision":"grant-wider"}"#, PREFIX),
    ]),
    Row("delete_allow_entry", "o", &[
        Refused("/v1/allowlist/192.0.2.1", "", "server-wide"),
        Refused("/v1/allowlist/192.0.2.1?zone=other.example.org", "", ZONE),
    ], &[
        Refused("/v1/allowlist/192.0.2.0_24", "", PREFIX),
        Refused("/v1/allowlist/192.0.2.0_24?zone=mine.example.org", "", PREFIX),
    ]),
    Row("delete_feed", "o", &[Refused("/v1/feeds/list", "", ZONE)], &[Refused("/v1/feeds/list", "", PREFIX)]),
    Row("delete_listing", "ov", &[Refused(IN_OTHER, "", ZONE)], &[Refused(WIDE, "", PREFIX), Refused(WIDE6, "", PREFIX)]),
    Row("delete_opt_out", "ov", TESTER, TESTER),
    Row("delete_subscriber", "o", &[Refused("/v1/subscribers/{subscriber}", "", ZONE)], NO_PREFIX),
    Row("delete_token", "o", &[Refused("/v1/tokens/{admin}", "", "forbidden")], &[Refused("/v1/tokens/{admin}", "", "forbidden")]),
    Row("delete_webhook", "o", &[Refused("/v1/webhooks/{webhook}", "", "server-wide")], NO_PREFIX),
    Row("delete_zone", "o", &[Refused(OTHER, "", ZONE)], &[Refused(MINE, "", PREFIX)]),
    Row("export_listings", "ovsr", &[Refused("/v1/zones/other.example.org/export", "", ZONE)], READS),
    Row("find_allow_entry", "ovr", &[Refused("/v1/allowlist/192.0.2.1?zone=other.example.org", "", ZONE)], READS),
    Row("find_feed", "ovr", &[Refused("/v1/feeds/list", "", ZONE)], READS),
    Row("find_listing", "ovsr", &[Refused(IN_OTHER, "", ZONE)], READS),
    Row("find_relay_test", "ovsr", TESTER, READS),
    Row("find_removal_request", "ov", &[Refused("/v1/removal-requests/{removal}", "", ZONE)], READS),
    Row("find_removal_request_by_ticket", "ovs", &[
        Refused("/v1/removal-requests:find", r#"{"ticket":"{ticket}"}"#, ZONE),
    ], READS),
    Row("find_report", "ov", &[Refused("/v1/reports/{report}", "", ZONE)], READS),
    Row("find_review_item", "ov", &[Refused("/v1/review/removal-{removal}", "", ZONE)], READS),
    Row("find_subscriber", "o", &[Refused("/v1/subscribers/{subscriber}", "", ZONE)], READS),
    Row("find_token", "o", &[Refused("/v1/tokens/{admin}", "", "forbidden")], READS),
    Row("find_webhook", "o", &[Refused("/v1/webhooks/{webhook}", "", "server-wide")], READS),
    Row("find_zone", "ovsr", &[Refused(OTHER, "", ZONE)], READS),
    Row("import_listings", "o", &[Refused("/v1/zones/other.example.org/import?format=plain", "192.0.2.9\n", ZONE)], &[
        Refused("/v1/zones/mine.example.org/import?format=plain", "192.0.2.0/24\n2001:db8::/64\n", "import-refused"),
        Refused("/v1/zones/mine.example.org/import?format=plain", "!192.0.2.0/24\n", "import-refused"),
        Refused("/v1/zones/mine.example.org/import?format=netset", "192.0.2.0/24\n", "import-refused"),
        Refused("/v1/zones/mine.example.org/import?format=ranges", "192.0.2.0-192.0.2.255\n", "import-refused"),
        Refused("/v1/zones/mine.example.org/import?format=rbldnsd&dataset=ip4set", "192.0.2\n", "import-refused"),
        Refused("/v1/zones/mine.example.org/import?format=plain&source=wide&mode=replace-source&max_removed=1", "192.0.2.9\n", PREFIX),
    ]),
    Row("list_allow_entries", "ovr", &[
        Filtered("/v1/allowlist", "", OF_OTHER),
        Refused("/v1/allowlist?zone=other.example.org", "", ZONE),
    ], READS),
    Row("list_audit_records", "ov", &[
        Filtered("/v1/audit?limit=1000", "", OF_OTHER),
        Filtered("/v1/audit?limit=1000", "", "token-put"),
        Refused("/v1/audit?zone=other.example.org", "", ZONE),
    ], READS),
    Row("list_changes", "ovr", &[
        Filtered("/v1/changes?after=0", "", OF_OTHER),
        Filtered("/v1/changes?after=0", "", "token-put"),
        Filtered("/v1/changes?after=0", "", "subscriber-put"),
        Filtered("/v1/changes?after=0", "", "grant-put"),
        Filtered("/v1/changes?after=0", "", "webhook-put"),
    ], READS),
    Row("list_feeds", "ovr", &[Filtered("/v1/feeds", "", OF_OTHER)], READS),
    Row("list_grants", "o", &[
        Filtered("/v1/grants", "", OF_OTHER),
        Filtered("/v1/grants?address=192.0.2.77", "", OF_OTHER),
        Refused("/v1/grants?zone=pop.other.example.org", "", ZONE),
    ], READS),
    Row("list_opt_outs", "ovsr", TESTER, READS),
    Row("list_problem_types", "*", ABOUT, READS),
    Row("list_relay_tests", "ovsr", TESTER, READS),
    Row("list_removal_requests", "ov", &[
        Refused("/v1/removal-requests", "", "server-wide"),
        Refused("/v1/removal-requests?zone=other.example.org", "", ZONE),
    ], READS),
    Row("list_reporters", "ov", &[Refused("/v1/reporters", "", "server-wide")], READS),
    Row("list_reports", "ov", &[
        Refused("/v1/reports", "", "server-wide"),
        Refused("/v1/reports?zone=other.example.org", "", ZONE),
    ], READS),
    Row("list_review_items", "ov", &[
        Filtered("/v1/review", "", OF_OTHER),
        Filtered("/v1/review?kind=removal", "", OF_OTHER),
        Filtered("/v1/review?kind=report", "", OF_OTHER),
        Filtered("/v1/review?kind=listing", "", OF_OTHER),
        Refused("/v1/review?zone=other.example.org", "", ZONE),
    ], READS),
    Row("list_sources", "ovsr", &[Refused("/v1/zones/other.example.org/sources", "", ZONE)], READS),
    Row("list_subscribers", "o", &[
        Filtered("/v1/subscribers", "", OF_OTHER),
        Refused("/v1/subscribers?zone=other.example.org", "", ZONE),
    ], READS),
    Row("list_tokens", "o", &[Filtered("/v1/tokens", "", "\"admin\"")], READS),
    Row("list_webhooks", "o", &[Filtered("/v1/webhooks", "", OF_OTHER)], READS),
    Row("list_zones", "ovsr", &[Filtered("/v1/zones", "", OF_OTHER)], READS),
    Row("purge_listings", "o", &[
        Refused("/v1/purge?dry_run=1", r#"{"zones":["mine.example.org","other.example.org"],"source":"admin"}"#, ZONE),
    ], &[Refused("/v1/purge?dry_run=1", r#"{"zones":["mine.example.org"],"source":"wide"}"#, PREFIX)]),
    Row("put_allow_entry", "o", &[
        Refused("/v1/allowlist/192.0.2.1", r#"{"reason":"ours"}"#, "server-wide"),
        Refused("/v1/allowlist/192.0.2.1?zone=other.example.org", r#"{"reason":"ours"}"#, ZONE),
    ], &[Refused("/v1/allowlist/192.0.2.0_24?zone=mine.example.org", r#"{"reason":"ours"}"#, PREFIX)]),
    Row("put_feed", "o", &[
        Refused("/v1/feeds/new", FEED_BODY, ZONE),
        Refused("/v1/feeds/list", MY_FEED, ZONE),
    ], &[Refused("/v1/feeds/new", MY_FEED, PREFIX)]),
    Row("put_listing", "ov", &[Refused(IN_OTHER, "{}", ZONE)], &[
        Refused(WIDE, "{}", PREFIX),
        Refused(WIDE6, "{}", PREFIX),
        Refused(WIDE, r#"{"exclusion":true}"#, PREFIX),
    ]),
    Row("put_opt_out", "ov", TESTER, TESTER),
    Row("put_source", "o", &[
        Refused("/v1/zones/other.example.org/sources/wide", r#"{"frozen":true,"why":"x"}"#, ZONE),
    ], &[Refused("/v1/zones/mine.example.org/sources/wide", r#"{"frozen":true,"why":"x"}"#, PREFIX)]),
    Row("put_subscriber", "o", &[
        Refused("/v1/subscribers/{subscriber}", SUBSCRIBER, ZONE),
        Refused("/v1/subscribers/{subscriber}", r#"{"name":"x","zones":["mine.example.org"]}"#, ZONE),
    ], NO_PREFIX),
    Row("put_token", "o", &[
        Refused("/v1/tokens/{admin}", r#"{"role":"reader"}"#, "forbidden"),
        Refused("/v1/tokens/{own}", r#"{"role":"reader","zones":["other.example.org"]}"#, "forbidden"),
    ], &[
        Refused("/v1/tokens/{admin}", r#"{"role":"reader"}"#, "forbidden"),
        Refused("/v1/tokens/{own}", r#"{"role":"reader","max_prefix":{"ipv4":0,"ipv6":0}}"#, "forbidden"),
    ]),
    Row("put_webhook", "o", &[
        Refused("/v1/webhooks/{webhook}", r#"{"url":"https://hooks.example/"}"#, "server-wide"),
    ], NO_PREFIX),
    Row("put_zone", "o", &[
        Refused(OTHER, ZONE_BODY, ZONE),
        Refused(MINE, r#"{"kind":"ip","ns":["ns1.example.net."],"includes":[{"zone":"other.example.org"}]}"#, ZONE),
    ], &[Refused(MINE, ZONE_BODY, PREFIX)]),
    Row("refute_report", "ov", &[Refused("/v1/reports/{report}/refute", "{}", ZONE)], &[
        Refused("/v1/reports/{wide_report}/refute", "{}", PREFIX),
    ]),
    Row("release_review_item", "ov", &[Refused("/v1/review/removal-{removal}/release", "", ZONE)], NO_PREFIX),
    Row("reload_configuration", "o", &[Refused("/v1/reload", "", "server-wide")], NO_PREFIX),
    Row("report_cyrus_event", "*", SECRET, SECRET),
    Row("report_dovecot_event", "*", SECRET, SECRET),
    Row("report_login", "o", &[
        Refused("/v1/logins", r#"{"address":"192.0.2.1","zone":"pop.other.example.org"}"#, ZONE),
        Refused("/v1/logins", r#"{"address":"192.0.2.1"}"#, ZONE),
        Refused("/v1/logins", r#"{"address":"192.0.2.1","event":"logout"}"#, ZONE),
    ], &[Refused("/v1/logins", r#"{"address":"2001:db8::1"}"#, PREFIX)]),
    Row("report_policy", "*", SECRET, SECRET),
    Row("revoke_grant", "o", &[Refused("/v1/grants/pop.other.example.org/192.0.2.77", "", ZONE)], &[
        Refused("/v1/grants/pop.other.example.org/2001:db8::1", "", PREFIX),
    ]),
    Row("rotate_subscriber", "o", &[Refused("/v1/subscribers/{subscriber}/rotate", "{}", ZONE)], NO_PREFIX),
    Row("rotate_token", "o", &[Refused("/v1/tokens/{admin}/rotate", "{}", "forbidden")], &[
        Refused("/v1/tokens/{admin}/rotate", "{}", "forbidden"),
    ]),
    Row("rotate_webhook", "o", &[Refused("/v1/webhooks/{webhook}/rotate", "{}", "server-wide")], NO_PREFIX),
    Row("run_feed", "o", &[Refused("/v1/feeds/list/run", "", ZONE)], &[Refused("/v1/feeds/list/run", "", PREFIX)]),
    Row("search_listings", "ovsr", &[Refused("/v1/zones/other.example.org/listings", "", ZONE)], READS),
    Row("search_zones", "ovsr", &[
        Filtered("/v1/search?subject=192.0.2.1", "", OF_OTHER),
        Refused("/v1/search?zone=mine.example.org,other.example.org", "", ZONE),
    ], READS),
    Row("show_health", "*", ABOUT, READS),
    Row("show_metrics", "or", &[Refused("/metrics", "", "server-wide")], READS),
    Row("show_openapi", "ovsr", ABOUT, READS),
    Row("show_problem_type", "*", ABOUT, READS),
    Row("show_readiness", "*", ABOUT, READS),
    Row("show_subject", "ovsr", &[
        Filtered("/v1/subjects/192.0.2.1", "", OF_OTHER),
        Filtered("/v1/subjects/192.0.2.66", "", OF_OTHER),
        Filtered("/v1/subjects/192.0.2.99", "", OF_OTHER),
    ], READS),
    Row("show_subscriber_usage", "o", &[Refused("/v1/subscribers/{subscriber}/usage", "", ZONE)], READS),
    Row("show_top", "o", &[
        Refused("/v1/top", "", "server-wide"),
        Refused("/v1/top?zone=other.example.org", "", ZONE),
    ], READS),
    Row("show_usage", "o", &[Refused("/v1/usage?zone=other.example.org", "", ZONE)], READS),
    Row("submit_relay_test", "ovs", TESTER, NO_PREFIX),
    Row("take_backup", "o", &[Refused("/v1/backup", "", "server-wide")], READS),
    Row("undo_change", "ov", &[Refused("/v1/undo", r#"{"seq":1}"#, "server-wide")], &[
        Refused("/v1/undo", r#"{"seq":1}"#, PREFIX),
    ]),
];

/// An operation of the description.
struct Operation {
    method: String,
    path: String,
    /// Whether a token is one way to be let in, and the only one.
    takes_token: bool,
    needs_token: bool,
    /// Scopes of which one is needed.
    scopes: BTreeSet<String>,
}

/// All operations, by their names.
async fn operations(fixture: &Fixture) -> BTreeMap<String, Operation> {
    let described = fixture.get("/openapi.json").await;
    let mut operations = BTreeMap::new();
    for (path, methods) in described.ok()["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let none = Vec::new();
            let security = operation["security"].as_array().unwrap_or(&none);
            let of_token: Vec<&Value> =
                security.iter().filter_map(|way| way.get("token")).collect();
            let scopes = of_token.iter().flat_map(|scopes| scopes.as_array().unwrap());
            let operation = Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                takes_token: !of_token.is_empty(),
                needs_token: !of_token.is_empty() && of_token.len() == security.len(),
                scopes: scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect(),
            };
            let name = methods[method]["operationId"].as_str().unwrap();
            operations.insert(name.to_owned(), operation);
        }
    }
    operations
}

impl Operation {
    /// A path that leads to nothing, so that who may do it does no harm.
    fn to_nothing(&self) -> String {
        let filled = [
            ("{zone}", "absent.example.org"),
            ("{subject}", "192.0.2.200"),
            ("{id}", "0123456789abcdef"),
            ("{name}", "absent"),
            ("{prefix}", "192.0.2.200"),
            ("{address}", "192.0.2.200"),
            ("{secret}", "none"),
            ("{type}", "no-such-zone"),
        ];
        filled.iter().fold(self.path.clone(), |path, (name, value)| path.replace(name, value))
    }

    async fn ask(&self, fixture: &Fixture, token: Option<&str>, path: &str, body: &str) -> Answer {
        let ask = fixture.ask_as(token.unwrap_or_default(), &self.method, path);
        let ask = if token.is_none() { ask.without_token() } else { ask };
        match body {
            "" => ask.send().await,
            body if body.starts_with('{') => {
                ask.json(&serde_json::from_str(body).unwrap()).send().await
            }
            body => ask.body(body.to_owned()).send().await,
        }
    }
}

#[tokio::test]
async fn every_operation_has_a_row_and_every_row_an_operation() {
    let described: Vec<String> = operations(&Fixture::new().await).await.into_keys().collect();
    let rows: Vec<&str> = ROWS.iter().map(|Row(name, ..)| *name).collect();
    assert_eq!(described, rows, "who may do it is decided in this table");
}

#[tokio::test]
async fn every_role_may_do_what_its_rows_say_and_nothing_else() {
    let fixture = Fixture::new().await;
    let operations = operations(&fixture).await;
    let mut tokens = Vec::new();
    for (letter, role) in ROLES {
        let made = fixture.post("/v1/tokens", json!({"name": role, "role": role})).await;
        assert_eq!(made.ok()["role"], role);
        let scopes: BTreeSet<String> = serde_json::from_value(made.json["scopes"].clone()).unwrap();
        tokens.push((letter, role, made.json["token"].as_str().unwrap().to_owned(), scopes));
    }
    for Row(name, may, ..) in ROWS {
        let Some(operation) = operations.get(*name) else { continue };
        let path = operation.to_nothing();
        let bare = operation.ask(&fixture, None, &path, "").await.status.as_u16();
        if *may == "*" {
            assert!(!operation.needs_token, "{name}");
            continue;
        }
        assert_eq!(bare, 401, "{name} without a token");
        assert!(operation.takes_token, "{name} is described without a token");
        for (letter, role, token, scopes) in &tokens {
            let is_described = operation.scopes.is_empty() || !operation.scopes.is_disjoint(scopes);
            assert_eq!(may.contains(*letter), is_described, "{name} as {role}: the description");
            let status = operation.ask(&fixture, Some(token), &path, "").await.status.as_u16();
            match may.contains(*letter) {
                true => {
                    assert!(![401, 403, 429, 500].contains(&status), "{name} as {role}: {status}")
                }
                false => assert_eq!(status, 403, "{name} as {role}"),
            }
        }
    }
}

/// Two zones and what belongs to the other one: listings, reports, an allow entry, a subscriber, a feed, a webhook, and a
/// grant.
struct World {
    fixture: Fixture,
    subscriber: String,
    admin: String,
    /// Reports of the other zone: of an address, and of a prefix.
    report: String,
    wide_report: String,
    webhook: String,
    /// Requests for removal there: of an address, with its ticket, and of a prefix.
    removal: String,
    ticket: String,
    wide_removal: String,
}

impl World {
    async fn new() -> Self {
        let fixture = Fixture::taking_logins(Settings::default()).await;
        let fixture = fixture.and_reports().await.and_removals().await;
        for zone in [MINE, OTHER] {
            let body = json!({"kind": "ip", "ns": ["ns1.example.net."],
                "reports": {"categories": {"spam": {"reporters": 9}}}});
            assert_eq!(fixture.put(zone, body).await.status, 201);
        }
        let allowed = "/v1/allowlist/192.0.2.99?zone=other.example.org";
        assert_eq!(fixture.put(allowed, json!({"reason": "a customer"})).await.status, 201);
        let report = async |subject: &str| {
            let body = json!({"subject": subject, "category": "spam", "zone": "other.example.org"});
            let made = fixture.post("/v1/reports", body).await;
            assert_eq!(made.status, 201, "{}", made.text);
            made.json["id"].as_str().unwrap().to_owned()
        };
        let (report, wide_report) = (report("192.0.2.66").await, report("2001:db8:0:1::/64").await);
        let pop = json!({"kind": "allow", "ns": ["ns1.example.net."], "ipv6_prefix": 64});
        assert_eq!(fixture.put(POP, pop).await.status, 201);
        for subject in ["192.0.2.1", "192.0.2.0_24"] {
            fixture.put(&format!("{OTHER}/listings/{subject}"), json!({})).await.ok();
        }
        let ask_for_removal = async |subject: &str| {
            let body = json!({"subject": subject, "zone": "other.example.org"});
            let made = fixture.post("/v1/removal-requests", body).await;
            assert_eq!(made.status, 201, "{}", made.text);
            ["id", "ticket"].map(|member| made.json[member].as_str().unwrap().to_owned())
        };
        let [removal, ticket] = ask_for_removal("192.0.2.1").await;
        let [wide_removal, _] = ask_for_removal("192.0.2.0/24").await;
        fixture.put(&format!("{MINE}/listings/198.51.100.0_24?source=wide"), json!({})).await.ok();
        let login = json!({"address": "192.0.2.77", "zone": "pop.other.example.org"});
        assert_eq!(fixture.post("/v1/logins", login).await.status, 202);
        let body = serde_json::from_str(SUBSCRIBER).unwrap();
        let subscriber = fixture.post("/v1/subscribers", body).await;
        let subscriber = subscriber.ok()["id"].as_str().unwrap().to_owned();
        std::fs::create_dir(fixture.lists()).unwrap();
        let feed = json!({"zone": "other.example.org", "path": fixture.lists().join("list")});
        fixture.put("/v1/feeds/list", feed).await.ok();
        let hook = json!({"url": "https://hooks.example/", "zones": ["other.example.org"], "enabled": false});
        let hook = fixture.post("/v1/webhooks", hook).await;
        let webhook = hook.ok()["id"].as_str().unwrap().to_owned();
        let tokens = fixture.get("/v1/tokens").await;
        let admin = tokens.ok()["tokens"][0]["id"].as_str().unwrap().to_owned();
        Self {
            fixture,
            subscriber,
            admin,
            report,
            wide_report,
            removal,
            ticket,
            wide_removal,
            webhook,
        }
    }

    /// A token with every scope, under these terms; its id and its text.
    async fn token(&self, terms: Value) -> (String, String) {
        let mut body = json!({"name": "limited", "role": "operator"});
        body.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        let made = self.fixture.post("/v1/tokens", body).await;
        let member = |name: &str| made.ok()[name].as_str().unwrap().to_owned();
        (member("id"), member("token"))
    }

    /// Tries all of a column of the table as a token.
    async fn try_all(&self, (own, token): (String, String), column: fn(&Row) -> &'static [Limit]) {
        let operations = operations(&self.fixture).await;
        for row in ROWS {
            let Some(operation) = operations.get(row.0) else { continue };
            for limit in column(row) {
                let fill = |path: &str| {
                    path.replace("{subscriber}", &self.subscriber)
                        .replace("{admin}", &self.admin)
                        .replace("{own}", &own)
                        .replace("{report}", &self.report)
                        .replace("{wide_report}", &self.wide_report)
                        .replace("{webhook}", &self.webhook)
                        .replace("{removal}", &self.removal)
                        .replace("{ticket}", &self.ticket)
                        .replace("{wide_removal}", &self.wide_removal)
                };
                match limit {
                    Free(why) => assert!(!why.is_empty()),
                    Refused(path, body, word) => {
                        let (path, body) = (fill(path), fill(body));
                        let answer = operation.ask(&self.fixture, Some(&token), &path, &body).await;
                        let kind = answer.json["type"].as_str().unwrap_or_default();
                        let expected = format!("/problems/{word}");
                        assert_eq!(kind, expected, "{} {path} {body}: {}", row.0, answer.text);
                    }
                    Filtered(path, body, word) => {
                        let admin = self.fixture.admin();
                        let all = operation.ask(&self.fixture, Some(&admin), path, body).await;
                        all.ok();
                        assert!(all.text.contains(word), "{} {path}: {}", row.0, all.text);
                        let some = operation.ask(&self.fixture, Some(&token), path, body).await;
                        some.ok();
                        assert!(!some.text.contains(word), "{} {path}: {}", row.0, some.text);
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn a_token_for_a_zone_does_nothing_beyond_it_on_any_route() {
    let world = World::new().await;
    let token = world.token(json!({"zones": ["mine.example.org"]})).await;
    world.try_all(token.clone(), |Row(_, _, zone, _)| zone).await;
    // And within it everything.
    let as_it = |method: &str, path: &str| world.fixture.ask_as(&token.1, method, path);
    as_it("PUT", &format!("{MINE}/listings/192.0.2.0_24")).json(&json!({})).send().await.ok();
    as_it("GET", &format!("{MINE}/listings")).send().await.ok();
    as_it("GET", &format!("{MINE}/export")).send().await.ok();
    let audit = as_it("GET", "/v1/audit?zone=mine.example.org").send().await;
    assert!(!audit.ok()["records"].as_array().unwrap().is_empty());
    let changes = as_it("GET", "/v1/changes?after=0").send().await;
    assert!(changes.text.contains("mine.example.org") && changes.text.contains("\"hidden\""));
    let seqs = changes.text.lines().filter(|line| line.contains("\"seq\""));
    let seqs: BTreeSet<u64> = seqs
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs.len() as u64, *seqs.last().unwrap(), "the sequence stays dense");
    let child = json!({"name": "child", "role": "reader"});
    let child = as_it("POST", "/v1/tokens").json(&child).send().await;
    assert_eq!(child.ok()["zones"], json!(["mine.example.org"]), "it has the terms of its maker");
    as_it("PUT", MINE).json(&serde_json::from_str(ZONE_BODY).unwrap()).send().await.ok();
    assert_eq!(as_it("DELETE", MINE).send().await.status, 204);
}

#[tokio::test]
async fn a_token_for_small_prefixes_changes_no_larger_ones_on_any_route() {
    let world = World::new().await;
    let token = world.token(json!({"max_prefix": {"ipv4": 32, "ipv6": 128}})).await;
    world.try_all(token.clone(), |Row(_, _, _, prefix)| prefix).await;
    let as_it = |method: &str, path: &str| world.fixture.ask_as(&token.1, method, path);
    as_it("PUT", &format!("{MINE}/listings/192.0.2.1")).json(&json!({})).send().await.ok();
    let import = format!("{MINE}/import?format=plain");
    let import = as_it("POST", &import).body("192.0.2.7\n192.0.2.0/24\n").send().await;
    assert_eq!((&import.ok()["added"], &import.json["rejected"]), (&json!(1), &json!(1)));
    let error = import.json["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("192.0.2.0/24"), "{error}");
}

#[tokio::test]
async fn a_token_for_a_network_does_nothing_from_elsewhere_on_any_route() {
    let world = World::new().await;
    let (_, token) = world.token(json!({"networks": ["192.0.2.0/24"]})).await;
    let fixture = &world.fixture;
    for (name, operation) in operations(fixture).await {
        if operation.needs_token {
            let path = operation.to_nothing();
            let answer = operation.ask(fixture, Some(&token), &path, "").await;
            let kind = &answer.problem(403)["type"];
            assert_eq!(kind, "/problems/wrong-network", "{name}");
        }
    }
    for path in ["/metrics", "/openapi.json"] {
        fixture.ask_as(&token, "GET", path).send().await.problem(403);
    }
}

/// What a combined zone says of a zone that the token is not for is what DNS says, without whose listings they are.
#[tokio::test]
async fn a_check_in_a_combined_zone_tells_no_sources_of_zones_that_are_out_of_sight() {
    let world = World::new().await;
    let combined = json!({"kind": "ip", "ns": ["ns1.example.net."],
        "includes": [{"zone": "other.example.org"}]});
    world.fixture.put("/v1/zones/all.example.org", combined).await.ok();
    let (_, token) = world.token(json!({"zones": ["all.example.org"]})).await;
    let check = json!({"subjects": ["192.0.2.1"]});
    let check = world.fixture.ask_as(&token, "POST", "/v1/check").json(&check).send().await;
    let results = check.ok()["results"].as_array().unwrap().clone();
    assert_eq!(results.len(), 1);
    assert_eq!((&results[0]["listed"], &results[0]["sources"]), (&json!(true), &json!([])));
    assert_eq!(results[0]["by"], Value::Null);
}

#[test]
fn every_scope_is_one_of_the_operators() {
    let operator = admin_api_types::Role::named("operator").unwrap();
    assert!(operator.scopes().eq(SCOPES.iter().copied()));
}
