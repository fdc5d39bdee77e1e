//! `/v1/zones/{zone}/import?format=rbldnsd`: files of rbldnsd.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE, counts};

/// A file like those of an operator of ten years.
const RELAYS: &str = "\
$SOA 3600 ns1.example.net. hostmaster.bl.example.org. 0 3600 600 604800 60
$NS 3600 ns1.example.net.
$TTL 300
$0 see https://bl.example.org/?ip=$
# open relays
:127.0.0.2:Open relay $, $0
127.0.0.2
192.0.2.9
192.0.2.10 :127.0.0.3:Spam source $
192.0.2.12 :4:Dynamic $
192.0.2.64-192.0.2.80
192.0.2.100-110 # a pool
198.51.100 :127.0.0.10:Dial-up
!198.51.100.25
!198.51.100.32/27 theirs
45.155.205/24
45.155.205.7 :5:Costs $$5
203.0.113.9
203.0.113.9 :6:Twice
";

/// What DNS answers: codes and reasons, or nothing.
async fn answers(fixture: &Fixture, subject: &str) -> (Value, Value) {
    let answer = fixture.post("/v1/check", json!({"subjects": [subject]})).await;
    let result = answer.ok()["results"][0].clone();
    if result["listed"] == false {
        return (Value::Null, Value::Null);
    }
    (result["return_codes"].clone(), result["reasons"].clone())
}

fn warnings(answer: &Answer) -> Vec<(Option<u64>, String)> {
    let warnings = answer.json["warnings"].as_array().unwrap().iter();
    warnings
        .map(|warning| (warning["line"].as_u64(), warning["text"].as_str().unwrap().to_owned()))
        .collect()
}

#[track_caller]
fn warns(answer: &Answer, line: Option<u64>, part: &str) {
    let warnings = warnings(answer);
    let found = warnings.iter().any(|(at, text)| *at == line && text.contains(part));
    assert!(found, "{line:?} {part}: {warnings:#?}");
}

/// Newcomer A1: dial-up hosts became open relays.
#[tokio::test]
async fn a_file_of_ten_years_answers_as_it_did() {
    let fixture = Fixture::new().await;
    let answer = fixture.import("format=rbldnsd&dataset=ip4set", RELAYS).await;
    assert_eq!(counts(answer.ok())[4], 0, "{}", answer.text);
    let link = |ip: &str| format!("Open relay {ip}, see https://bl.example.org/?ip=$");
    for (subject, codes, reason) in [
        ("192.0.2.9", "127.0.0.2", link("192.0.2.9")),
        ("192.0.2.10", "127.0.0.3", "Spam source 192.0.2.10".into()),
        ("192.0.2.12", "127.0.0.4", "Dynamic 192.0.2.12".into()),
        ("192.0.2.70", "127.0.0.2", link("192.0.2.70")),
        ("192.0.2.105", "127.0.0.2", link("192.0.2.105")),
        ("198.51.100.30", "127.0.0.10", "Dial-up".into()),
        ("45.155.205.9", "127.0.0.2", link("45.155.205.9")),
        ("45.155.205.7", "127.0.0.5", "Costs $5".into()),
    ] {
        assert_eq!(
            answers(&fixture, subject).await,
            (json!([codes]), json!([reason])),
            "{subject}"
        );
    }
    let (codes, reasons) = answers(&fixture, "203.0.113.9").await;
    assert_eq!(codes, json!(["127.0.0.2", "127.0.0.6"]));
    assert_eq!(reasons, json!([format!("{}; Twice", link("203.0.113.9"))]));
    warns(&answer, None, "1 subjects have several texts");
    for subject in ["198.51.100.25", "198.51.100.40", "192.0.2.81", "192.0.2.111", "192.0.2.63"] {
        assert_eq!(answers(&fixture, subject).await, (Value::Null, Value::Null), "{subject}");
    }
    let again = fixture.import("format=rbldnsd&dataset=ip4set", RELAYS).await;
    let [added, updated, unchanged, ..] = counts(again.ok());
    assert_eq!((added, updated), (0, 0), "{}", again.text);
    assert!(unchanged > 10);
}

#[tokio::test]
async fn names_are_listed_with_all_below_them_where_a_dot_says_so() {
    let fixture = Fixture::new().await;
    let zone = "/v1/zones/dbl.example.org";
    fixture.put_zone(zone, "domain").await;
    let body = "example.com\n.example.net\n*.example.edu\n!good.example.net\nbad.example.org :127.0.1.5:Phish $\nname.example.org#c\n";
    let path = format!("{zone}/import?format=rbldnsd&dataset=dnset");
    let answer = fixture.ask("POST", &path).body(body).send().await;
    assert_eq!(counts(answer.ok()), [6, 0, 0, 0, 1]);
    assert!(
        answer.json["errors"][0]["error"].as_str().unwrap().contains("a comment needs a blank")
    );
    for (subject, listed) in [
        ("example.com", true),
        ("www.example.com", false),
        ("example.net", true),
        ("www.example.net", true),
        ("good.example.net", false),
        ("www.good.example.net", true),
        ("example.edu", false),
        ("www.example.edu", true),
    ] {
        let (codes, _) = answers(&fixture, subject).await;
        assert_eq!(!codes.is_null(), listed, "{subject}");
    }
    let phish = answers(&fixture, "bad.example.org").await;
    assert_eq!(phish, (json!(["127.0.1.5"]), json!(["Phish bad.example.org"])));
    let wrong = fixture.import("format=rbldnsd&dataset=dnset", body).await;
    let detail = wrong.problem(422)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("has domains, and the zone lists addresses"), "{detail}");
}

#[tokio::test]
async fn ipv6_and_shared_values_are_taken() {
    let fixture = Fixture::new().await;
    let trie = "2001:db8 :4:Net\n!2001:db8:1::/48\n2001:db8::5:x\n2001:db8::5 second\n";
    let answer = fixture.import("format=rbldnsd&dataset=ip6trie", trie).await;
    assert_eq!(counts(answer.ok()), [3, 0, 0, 0, 1], "{}", answer.text);
    assert_eq!(answers(&fixture, "2001:db8::9").await.0, json!(["127.0.0.4"]));
    assert_eq!(answers(&fixture, "2001:db8:1::9").await.0, Value::Null);
    assert_eq!(answers(&fixture, "2001:db8::5").await.1, json!(["second"]));
    let tset = "192.0.2.1\n192.0.2.2 :9:ignored\n:7:All of them\n:8:later\n";
    let answer = fixture.import("format=rbldnsd&dataset=ip4tset", tset).await;
    assert_eq!(counts(answer.ok()), [2, 0, 0, 0, 0]);
    assert_eq!(
        answers(&fixture, "192.0.2.2").await,
        (json!(["127.0.0.7"]), json!(["All of them"]))
    );
    warns(&answer, Some(2), "is ignored");
    warns(&answer, Some(4), "only the first default value");
}

#[tokio::test]
async fn what_is_read_otherwise_than_it_looks_is_a_warning_and_with_strict_a_rejection() {
    let fixture = Fixture::new().await;
    let body = "\u{feff}192.0.2.1\n192.0.2.2\r\n192.0.2.4 - 192.0.2.6\n# fine\r\n192.0.2.9\n";
    let answer = fixture.import("format=rbldnsd&dataset=ip4set", body).await;
    assert_eq!(counts(answer.ok()), [4, 0, 0, 0, 0]);
    assert_eq!(answers(&fixture, "192.0.2.4").await.1, json!(["- 192.0.2.6"]));
    assert_eq!(answers(&fixture, "192.0.2.5").await.0, Value::Null);
    warns(&answer, Some(1), "byte order mark");
    warns(&answer, Some(2), "ends with CR");
    warns(&answer, Some(3), "lists its first address alone");
    let strict = fixture.import("format=rbldnsd&dataset=ip4set&strict=1", body).await;
    strict.problem(422);
    let errors = strict.json["errors"].as_array().unwrap().iter();
    let lines: Vec<u64> = errors.map(|error| error["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 2, 3]);
}

#[tokio::test]
async fn a_line_that_cannot_be_told_is_rejected_and_nothing_of_it_is_taken() {
    let fixture = Fixture::new().await;
    let body = "\
192.0.2.1 :10.0.0.1:not a return code
0-255
10.0.0.0-10.0.0.9
192.0.2.2/24
:127.0.0.1:Testing
192.0.2.3
192.0.2.4 :5:fine
192.0.2.5 text
$ORIGIN example.org
";
    let answer = fixture.import("format=rbldnsd&dataset=ip4set", body).await;
    let errors = answer.ok()["errors"].as_array().unwrap().clone();
    let lines: Vec<u64> = errors.iter().map(|error| error["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [1, 2, 3, 4, 5, 6, 8, 9], "{}", answer.text);
    assert_eq!(counts(&answer.json), [1, 0, 0, 0, 8]);
    let said = |at: usize| errors[at]["error"].as_str().unwrap().to_owned();
    assert!(said(5).contains("the default value of line 5"), "{}", said(5));
    assert!(said(2).contains("special-use"), "{}", said(2));
    let page = fixture.get(&format!("{ZONE}/listings")).await;
    assert_eq!(page.ok()["listings"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn directives_about_the_zone_change_nothing_and_are_told_where_they_differ() {
    let fixture = Fixture::new().await;
    let same = "$SOA 60 ns1.example.net. hostmaster.bl.example.org. 0 3600 600 604800 60\n$NS 60 ns1.example.net.\n$TTL 300\n192.0.2.1 :2:x\n";
    let answer = fixture.import("format=rbldnsd&dataset=ip4set", same).await;
    answer.ok();
    assert!(warnings(&answer).is_empty(), "{}", answer.text);
    let other = "$NS 60 ns2.example.net.\n$TTL 5m\n$TTL 35m\n192.0.2.1 :2:x\n192.0.2.2\n";
    let answer = fixture.import("format=rbldnsd&dataset=ip4set", other).await;
    answer.ok();
    warns(&answer, Some(1), "ns would be ns2.example.net, and is ns1.example.net");
    warns(&answer, Some(3), "ttl would be 2100, and is 300");
    warns(&answer, Some(5), "entries without a text have the zone's reason");
}

#[tokio::test]
async fn a_timestamp_lets_rows_expire_and_an_expired_file_changes_nothing() {
    let fixture = Fixture::new().await;
    let import = |stamp: &str| {
        let body = format!("$TIMESTAMP {stamp}\n192.0.2.1\n!192.0.2.2\n");
        let fixture = &fixture;
        async move { fixture.import("format=rbldnsd&dataset=ip4set", body).await }
    };
    let answer = import("2024-01-01 2099-01-01:12:00").await;
    assert_eq!(counts(answer.ok()), [2, 0, 0, 0, 0], "{}", answer.text);
    warns(&answer, Some(1), "expire");
    let listings = fixture.get(&format!("{ZONE}/listings")).await;
    for listing in listings.ok()["listings"].as_array().unwrap() {
        assert_eq!(listing["expires_at"], "2099-01-01T12:00:00Z");
    }
    for (stamp, part) in [("2098-01-01", "in the future"), ("2024-01-01 +1d", "expired")] {
        let refused = import(stamp).await;
        let detail = refused.problem(422)["detail"].as_str().unwrap();
        assert!(detail.contains(part) && detail.contains("line 1"), "{detail}");
    }
}

const COMBINED: &str = "\
$1 see
$TTL 5m
$DATASET ip4set:relays relays @
192.0.2.1 :4:$1 $
$DATASET dnset rhs
example.com :5:Phish
$DATASET ip6trie relays
2001:db8::/32 :6:v6
$DATASET ip4trie twice
192.0.2.0/24 :7:a
$DATASET ip4set twice
192.0.2.9 :8:b
$DATASET generic @
www A 192.0.2.80
";

#[tokio::test]
async fn the_parts_of_a_combined_file_go_where_they_belong() {
    let fixture = Fixture::new().await;
    let answer = fixture.import("format=rbldnsd&dataset=combined", COMBINED).await;
    assert_eq!(counts(answer.ok()), [1, 0, 0, 0, 0], "{}", answer.text);
    let listed = (json!(["127.0.0.4"]), json!(["see 192.0.2.1"]));
    assert_eq!(answers(&fixture, "192.0.2.1").await, listed);
    warns(&answer, None, "line 5, dnset for rhs; line 7, ip6trie for relays");
    warns(&answer, Some(13), "its records are settings of the zone");
    let both = fixture.import("format=rbldnsd&dataset=combined:relays", COMBINED).await;
    assert_eq!(counts(both.ok()), [1, 0, 1, 0, 0], "{}", both.text);
    assert_eq!(answers(&fixture, "2001:db8::7").await.0, json!(["127.0.0.6"]));
    let twice = fixture.import("format=rbldnsd&dataset=combined:twice", COMBINED).await;
    let detail = twice.problem(422)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("lines 9 and 11") && detail.contains("combined:twice:1"), "{detail}");
    let second = fixture.import("format=rbldnsd&dataset=combined:twice:2", COMBINED).await;
    assert_eq!(counts(second.ok()), [1, 0, 0, 0, 0], "{}", second.text);
    assert_eq!(answers(&fixture, "192.0.2.9").await.0, json!(["127.0.0.8"]));
    let none = fixture.import("format=rbldnsd&dataset=combined:other", COMBINED).await;
    let detail = none.problem(422)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("has nothing for other"), "{detail}");
    for dataset in ["combined:", "combined:a:0", "combined:a:x"] {
        let query = format!("format=rbldnsd&dataset={dataset}");
        fixture.import(&query, COMBINED).await.problem(400);
    }
    let broken = "192.0.2.1\n$DATASET ip4set @\n192.0.2.2\n";
    let answer = fixture.import("format=rbldnsd&dataset=combined", broken).await;
    let detail = answer.problem(422)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("line 1: a line with data stands before $DATASET"), "{detail}");
}

#[tokio::test]
async fn records_are_listings_where_that_is_exact() {
    let fixture = Fixture::new().await;
    let body = "\
a.example A 127.0.0.2
a.example 300 IN A 127.0.0.4
a.example TXT \"Costs $5\"
b.example A 127.0.0.2
c.example A 192.0.2.1
c.example TXT x
d.example A 127.0.0.2
d.example TXT x
d.example MX 10 mail.example.net.
@ A 127.0.0.2
bad NS x
";
    let refused = fixture.import("format=rbldnsd&dataset=generic", body).await;
    let detail = refused.problem(422)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("put them into the zone's records"), "{detail}");
    let zone = "/v1/zones/dbl.example.org";
    fixture.put_zone(zone, "domain").await;
    let path = format!("{zone}/import?format=rbldnsd&dataset=generic");
    let answer = fixture.ask("POST", &path).body(body).send().await;
    assert_eq!(counts(answer.ok()), [1, 0, 0, 0, 8], "{}", answer.text);
    let listed = (json!(["127.0.0.2", "127.0.0.4"]), json!(["Costs $5"]));
    assert_eq!(answers(&fixture, "a.example").await, listed);
    assert_eq!(answers(&fixture, "www.a.example").await.0, Value::Null);
    let errors = answer.json["errors"].as_array().unwrap().iter();
    let mut lines: Vec<u64> = errors.map(|error| error["line"].as_u64().unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, [4, 5, 6, 7, 8, 9, 10, 11]);
    let broken = fixture.ask("POST", &path).body("a 5x A 127.0.0.2\n").send().await;
    let detail = broken.problem(422)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("does not load such a file"), "{detail}");
}

#[tokio::test]
async fn the_forks_hash_is_a_set_of_names_without_parameters() {
    let fixture = Fixture::new().await;
    let zone = "/v1/zones/dbl.example.org";
    fixture.put_zone(zone, "domain").await;
    let body = ".a.example :5:x $\n!no.a.example\nb.example y @ ts=1730000000;delay=60s\n";
    let path = format!("{zone}/import?format=rbldnsd&dataset=dnhash");
    let answer = fixture.ask("POST", &path).body(body).send().await;
    assert_eq!(counts(answer.ok()), [3, 0, 0, 0, 1], "{}", answer.text);
    assert_eq!(answers(&fixture, "www.a.example").await.0, json!(["127.0.0.5"]));
    assert_eq!(answers(&fixture, "b.example").await.0, Value::Null);
    let error = answer.json["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("parameters of rspamd's fork"), "{error}");
}

#[tokio::test]
async fn what_is_no_list_says_where_it_belongs() {
    let fixture = Fixture::new().await;
    let refused = fixture.import("format=rbldnsd&dataset=acl", "192.0.2.0/24 :refuse\n").await;
    let detail = refused.problem(422)["detail"].as_str().unwrap();
    assert!(detail.contains("check-rbldnsd --write-config"), "{detail}");
    let one_of_it = fixture.import("format=rbldnsd&dataset=ip4set", COMBINED).await;
    let detail = one_of_it.problem(422)["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("line 3: $DATASET"), "{detail}");
    for query in ["format=rbldnsd", "format=rbldnsd&dataset=aclkey", "format=plain&dataset=ip4set"]
    {
        fixture.import(query, "192.0.2.1").await.problem(400);
    }
}

/// Newcomer A1: a plain import of such a file names the format.
#[tokio::test]
async fn a_plain_import_of_such_a_file_says_how_to_read_it() {
    let fixture = Fixture::new().await;
    let refused = fixture.import("format=plain", RELAYS).await;
    let problem = refused.problem(422);
    assert_eq!(problem["seems"], "rbldnsd");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("format=rbldnsd") && detail.contains("dataset=ip4set"), "{detail}");
    let value = fixture.import("format=plain", "192.0.2.10 :127.0.0.3:Spam").await;
    let error = value.problem(422)["errors"][0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("format=rbldnsd&dataset=ip4set"), "{error}");
}

#[tokio::test]
async fn values_that_are_the_zones_own_are_kept_as_such() {
    let fixture = Fixture::new().await;
    let mut body = String::from(":127.0.0.2:Listed $\n");
    for last in 1..=200 {
        writeln!(body, "192.0.2.{last}").unwrap();
    }
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."], "reason": "Listed $"});
    fixture.put(ZONE, zone).await.ok();
    fixture.import("format=rbldnsd&dataset=ip4set", body).await.ok();
    let listing = fixture.get(&format!("{ZONE}/listings/192.0.2.7")).await;
    let listing = &listing.ok()["listings"][0];
    assert!(listing["reason"].is_null(), "{listing}");
    assert_eq!(answers(&fixture, "192.0.2.7").await.1, json!(["Listed 192.0.2.7"]));
}
