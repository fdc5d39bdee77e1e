//! `/v1/reports`: who may not list reports, and the rules of a zone decide.

use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, ZONE};

const REPORTS: &str = "/v1/reports";

/// A zone in which two reporters list.
async fn fixture() -> Fixture {
    let fixture = Fixture::taking_reports().await;
    let rule = json!({"reporters": 2, "networks": 1, "window": 3600, "return_code": "127.0.0.5",
        "reason": "harvests: $", "trusted": ["trap"]});
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."],
        "reports": {"categories": {"directory-harvest": rule}}});
    assert_eq!(fixture.put(ZONE, zone).await.status, 201);
    fixture
}

fn harvest(subject: &str) -> Value {
    json!({"subject": subject, "category": "directory-harvest", "count": 50})
}

async fn report(fixture: &Fixture, token: &str, body: &Value) -> Answer {
    fixture.ask_as(token, "POST", REPORTS).json(body).send().await
}

/// A token that may report, and nothing else.
fn reporter(fixture: &Fixture, name: &str) -> String {
    fixture.mint(name, &["reports:write"])
}

#[tokio::test]
async fn a_report_waits_and_the_second_reporter_lists() {
    let fixture = fixture().await;
    let (one, two) = (reporter(&fixture, "mx1"), reporter(&fixture, "mx2"));
    let first = report(&fixture, &one, &harvest("192.0.2.1")).await;
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(
        (&first.json["state"], &first.json["zone"], &first.json["count"]),
        (&json!("waiting"), &json!("bl.example.org"), &json!(50))
    );
    assert!(first.json.get("reporter").is_none() && !first.header("dnsbl-seq").is_empty());
    let id = first.json["id"].as_str().unwrap();
    assert_eq!(first.header("location"), format!("/v1/reports/{id}"));
    let again = report(&fixture, &one, &harvest("192.0.2.1")).await;
    assert_eq!((again.status.as_u16(), &again.json["id"]), (200, &json!(id)));
    assert_eq!((&again.json["count"], &again.json["duplicates"]), (&json!(100), &json!(1)));
    fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await.problem(404);
    let second = report(&fixture, &two, &harvest("192.0.2.1")).await;
    assert_eq!(second.json["state"], "listed", "{}", second.text);
    let listed = fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await;
    let listing = &listed.ok()["listings"][0];
    assert_eq!((&listing["source"], &listing["listed_by"]), (&json!("reports"), &json!("reports")));
    assert_eq!(
        (&listing["return_codes"], &listing["reason"]),
        (&json!(["127.0.0.5"]), &json!("harvests: $"))
    );
    assert_eq!(listing["expires_at"], second.json["listed_until"]);
    assert_eq!(fixture.get(&format!("{REPORTS}/{id}")).await.ok()["state"], "listed");
    let trap = reporter(&fixture, "trap");
    let trusted = report(&fixture, &trap, &harvest("192.0.2.2")).await;
    assert_eq!(trusted.json["state"], "listed", "{}", trusted.text);
}

#[tokio::test]
async fn a_form_is_a_report_and_ip_is_a_subject() {
    let fixture = fixture().await;
    let form = |body: &str| {
        fixture
            .ask("POST", REPORTS)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_owned())
            .send()
    };
    let answer = form("ip=192.0.2.1&category=brute-force&count=5&comment=a%0Ab&zone=").await;
    assert_eq!((answer.status.as_u16(), &answer.json["state"]), (201, &json!("waiting")));
    let shown = fixture.get(&format!("{REPORTS}/{}", answer.json["id"].as_str().unwrap())).await;
    assert_eq!((&shown.ok()["comment"], &shown.json["reporter"]), (&json!("a b"), &json!("admin")));
    form("ip=192.0.2.1").await.problem(400);
    form("ip=192.0.2.1&category=spam&count=0").await.problem(400);
    form("ip=192.0.2.1&category=spam&recipients=a%40b").await.problem(400);
}

#[tokio::test]
async fn reports_are_listed_filtered_paged_and_shown_to_those_who_may_see_them() {
    let fixture = fixture().await;
    let one = reporter(&fixture, "mx1");
    for last in 1..=5 {
        let mut body = harvest(&format!("192.0.2.{last}"));
        body["evidence"] = json!("Subject: \u{1b}[31mx\nTo: taro@example.jp");
        assert_eq!(report(&fixture, &one, &body).await.status, 201);
    }
    let spam = json!({"subject": "192.0.2.1", "category": "spam"});
    assert_eq!(report(&fixture, &fixture.admin(), &spam).await.status, 201);
    let count = |query: &str| {
        let path = format!("{REPORTS}?{query}");
        let fixture = &fixture;
        async move { fixture.get(&path).await.ok()["reports"].as_array().unwrap().len() }
    };
    for (query, expected) in [
        ("", 6),
        ("reporter=mx1", 5),
        ("reporter=admin", 1),
        ("category=spam", 1),
        ("subject=192.0.2.1", 2),
        ("state=waiting", 6),
        ("state=listed", 0),
        ("zone=bl.example.org&subject=192.0.2.1&category=spam", 1),
        ("zone=other.example.org", 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("{REPORTS}?limit=4{cursor}")).await;
        let ids = page.ok()["reports"].as_array().unwrap();
        seen.extend(ids.iter().map(|report| report["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert!(seen.len() == 6 && seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    let shown = fixture.get(&format!("{REPORTS}/{}", seen[5])).await;
    assert_eq!(shown.ok()["evidence"], "Subject: \\u{1b}[31mx\nTo: (removed)");
    let listed = fixture.get(&format!("{REPORTS}?limit=1")).await;
    assert!(listed.ok()["reports"][0].get("evidence").is_none());
    for path in [REPORTS.to_owned(), format!("{REPORTS}/{}", seen[0]), "/v1/reporters".into()] {
        fixture.ask_as(&one, "GET", &path).send().await.problem(403);
    }
    for query in ["state=x", "category=x", "cursor=x", "limit=0", "subject=a%20b", "colour=1"] {
        fixture.get(&format!("{REPORTS}?{query}")).await.problem(400);
    }
    fixture.get(&format!("{REPORTS}/0000000000000001")).await.problem(404);
    fixture.get(&format!("{REPORTS}/x")).await.problem(404);
}

#[tokio::test]
async fn reviewers_confirm_and_refute_with_a_note_and_reporters_have_a_record() {
    let fixture = fixture().await;
    let (one, reviewer) =
        (reporter(&fixture, "mx1"), fixture.mint("reviewer", &["reports:review"]));
    let first = report(&fixture, &one, &harvest("192.0.2.1")).await;
    let path = format!("{REPORTS}/{}", first.json["id"].as_str().unwrap());
    let decide = |token: &str, verb: &str, body: Value| {
        fixture.ask_as(token, "POST", &format!("{path}/{verb}")).json(&body).send()
    };
    decide(&one, "confirm", json!({})).await.problem(403);
    decide(&reviewer, "confirm", json!({"why": "x"})).await.problem(400);
    let confirmed = decide(&reviewer, "confirm", json!({"note": "seen here"})).await;
    assert_eq!(confirmed.ok()["state"], "confirmed");
    assert_eq!(
        (&confirmed.json["decision"]["by"], &confirmed.json["decision"]["note"]),
        (&json!("reviewer"), &json!("seen here"))
    );
    let listing = fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await;
    assert_eq!(listing.ok()["listings"][0]["listed_by"], "reviewer");
    let refuted = decide(&reviewer, "refute", json!({})).await;
    assert_eq!(refuted.ok()["state"], "refuted");
    fixture.get(&format!("{ZONE}/listings/192.0.2.1")).await.problem(404);
    let reporters = fixture.get("/v1/reporters?limit=1").await;
    assert_eq!(reporters.ok()["next"], "mx1");
    let record = &reporters.json["reporters"][0];
    let counts = ["reports", "confirmed", "refuted"].map(|name| record[name].as_u64().unwrap());
    assert_eq!((counts, &record["counts"]), ([1, 0, 1], &json!(true)));
    let rest = fixture.get("/v1/reporters?cursor=mx1").await;
    assert_eq!(rest.ok()["reporters"], json!([]));
}

#[tokio::test]
async fn the_listing_of_reports_is_nobody_elses_and_the_change_feed_hides_reporters() {
    let fixture = fixture().await;
    for name in ["hushed1", "hushed2"] {
        let token = reporter(&fixture, name);
        report(&fixture, &token, &harvest("192.0.2.1")).await.ok();
    }
    let path = format!("{ZONE}/listings/192.0.2.1?source=reports");
    fixture.put(&path, json!({})).await.problem(403);
    let reader = fixture.mint("reader", &["changes:read", "audit:read"]);
    for path in ["/v1/changes?after=0", "/v1/audit"] {
        let seen = fixture.ask_as(&reader, "GET", path).send().await;
        assert!(seen.status == 200 && seen.text.contains("192.0.2.1"), "{path}: {}", seen.text);
        // That there are such tokens is no secret.
        let told =
            seen.text.replace("\"action\":\"token-put\",\"zone\":null,\"subject\":\"hushed", "");
        assert!(!told.contains("hushed"), "{path}: {told}");
    }
    assert_eq!(fixture.delete(&path).await.status, 204, "an operator may remove it");
}

#[tokio::test]
async fn what_may_not_be_listed_may_not_be_reported() {
    let fixture = fixture().await;
    fixture.list("192.0.2.7", json!({"exclusion": true})).await;
    for (subject, status) in [
        ("10.0.0.1", 422),
        ("127.0.0.1", 409),
        ("127.0.0.2", 409),
        ("192.0.2.0/24", 422),
        ("192.0.2.7", 422),
        ("example.com", 422),
        ("2001:db8::/48", 422),
        ("x y", 400),
    ] {
        let answer = report(&fixture, &fixture.admin(), &harvest(subject)).await;
        assert_eq!(answer.status, status, "{subject}: {}", answer.text);
    }
    assert_eq!(report(&fixture, &fixture.admin(), &harvest("2001:db8::/64")).await.status, 201);
    let mut elsewhere = harvest("192.0.2.1");
    elsewhere["zone"] = json!("none.example.org");
    report(&fixture, &fixture.admin(), &elsewhere).await.problem(404);
    for bad in [json!({"category": "relay", "subject": 1}), json!({"subject": "192.0.2.1"})] {
        report(&fixture, &fixture.admin(), &bad).await.problem(400);
    }
    let relay = json!({"subject": "192.0.2.1", "category": "relay"});
    let waits = report(&fixture, &fixture.admin(), &relay).await;
    assert_eq!(waits.ok()["state"], "waiting", "there is no tester here");
}

#[tokio::test]
async fn xarf_and_arf_are_reports() {
    let fixture = fixture().await;
    let xarf = json!({"xarf_version": "4.2.0", "report_id": "550e8400-e29b-41d4-a716-446655440000",
        "timestamp": "2026-01-15T14:30:25Z", "reporter": {"org": "x", "contact": "a@example.net"},
        "source_identifier": "192.0.2.1", "category": "messaging", "type": "spam"});
    let answer = report(&fixture, &fixture.admin(), &xarf).await;
    assert_eq!((answer.status.as_u16(), &answer.json["category"]), (201, &json!("spam")));
    let arf = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n\
        Feedback-Type: abuse\r\nUser-Agent: FBL/1\r\nVersion: 1\r\nSource-IP: 192.0.2.2\r\n\r\n--b\r\n\
        Content-Type: text/rfc822-headers\r\n\r\nSubject: y\r\n\r\n--b--\r\n";
    let send = |query: &str, content_type: &str, body: &str| {
        fixture
            .ask("POST", &format!("{REPORTS}{query}"))
            .header("content-type", content_type)
            .body(body.to_owned())
            .send()
    };
    let kind = "multipart/report; report-type=feedback-report; boundary=b";
    let answer = send("?category=spam-trap&zone=bl.example.org", kind, arf).await;
    assert_eq!((answer.status.as_u16(), &answer.json["category"]), (201, &json!("spam-trap")));
    let shown = fixture.get(&format!("{REPORTS}/{}", answer.json["id"].as_str().unwrap())).await;
    assert_eq!(shown.ok()["evidence"], "Subject: y");
    send("", kind, &arf.replace("--b--", "")).await.problem(400);
    send("", kind, &arf.replace("abuse", "other")).await.problem(422);
    send("?category=spam", "application/json", "{}").await.problem(400);
    send("", "text/plain", "x").await.problem(415);
    send("", "application/json", "[]").await.problem(400);
}

#[tokio::test]
async fn rows_in_bulk_are_taken_one_by_one() {
    let fixture = fixture().await;
    let bulk = |content_type: &str, body: Vec<u8>| {
        fixture
            .ask("POST", "/v1/reports:bulk")
            .header("content-type", content_type)
            .body(body)
            .send()
    };
    let rows = "{\"subject\":\"192.0.2.1\",\"category\":\"spam\"}\n{\"subject\":\"192.0.2.1\",\"category\":\"spam\"}\n\
        nonsense\n{\"subject\":\"10.0.0.1\",\"category\":\"spam\"}\n{\"ip\":\"192.0.2.3\",\"category\":\"spam\"}\n";
    let answer = bulk("application/x-ndjson", rows.into()).await;
    let result = answer.ok();
    assert_eq!(
        (&result["accepted"], &result["duplicates"], &result["rejected"]),
        (&json!(2), &json!(1), &json!(2))
    );
    let statuses: Vec<u64> = result["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 200, 400, 422, 201]);
    assert_eq!(result["results"][0]["id"], result["results"][1]["id"]);
    assert_eq!(result["results"][3]["row"], 4);
    assert!(result["results"][3]["error"].as_str().unwrap().contains("special-use"));
    let csv = "ip,category,count,comment\n192.0.2.8,directory-harvest,50,\"a, b\"\n192.0.2.9,nothing,1,\n";
    let answer = bulk("text/csv", csv.into()).await;
    assert_eq!((&answer.ok()["accepted"], &answer.json["rejected"]), (&json!(1), &json!(1)));
    let many: String = (0..2000)
        .map(|n| {
            format!("{{\"subject\":\"198.51.{}.{}\",\"category\":\"spam\"}}\n", n / 250, n % 250)
        })
        .collect();
    let answer = bulk("application/x-ndjson", many.into()).await;
    assert_eq!(answer.ok()["accepted"], 2000);
}

#[tokio::test]
async fn what_is_too_large_or_of_a_wrong_type_is_a_problem_that_says_so() {
    let fixture = fixture().await;
    let gzip = gzipped;
    let send = |path: &str, content_type: &str, coding: &str, body: Vec<u8>| {
        fixture
            .ask("POST", path)
            .header("content-type", content_type)
            .header("content-encoding", coding)
            .body(body)
            .send()
    };
    let body = harvest("192.0.2.1").to_string();
    let packed = gzip(body.as_bytes());
    assert_eq!(send(REPORTS, "application/json", "gzip", packed.clone()).await.status, 201);
    let bomb = gzip(&vec![b' '; 9 << 20]);
    assert!(bomb.len() < 100_000);
    for path in [REPORTS, "/v1/reports:bulk"] {
        let kind = if path == REPORTS { "application/json" } else { "application/x-ndjson" };
        let answer = send(path, kind, "gzip", bomb.clone()).await;
        assert!(answer.problem(413)["detail"].as_str().unwrap().contains("decoded"), "{path}");
        send(path, kind, "br", packed.clone()).await.problem(415);
        send(path, kind, "gzip", packed[..packed.len() - 9].to_vec()).await.problem(400);
        send(path, kind, "identity", vec![b' '; (8 << 20) + 1]).await.problem(413);
    }
    send("/v1/reports:bulk", "application/json", "identity", b"{}".to_vec()).await.problem(415);
    send("/v1/reports:bulk", "text/csv", "identity", b"subject,colour\n".to_vec())
        .await
        .problem(400);
    send("/v1/reports:bulk", "text/csv", "identity", b"subject,category\n".to_vec())
        .await
        .problem(422);
}

fn gzipped(octets: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut child = std::process::Command::new("gzip")
        .arg("-c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let octets = octets.to_vec();
    let fed = std::thread::spawn(move || stdin.write_all(&octets).unwrap());
    let packed = child.wait_with_output().unwrap().stdout;
    fed.join().unwrap();
    packed
}

#[tokio::test]
async fn rules_read_back_and_those_that_make_no_sense_are_refused() {
    let fixture = fixture().await;
    let zone = fixture.get(ZONE).await.ok().clone();
    let rule = &zone["reports"]["categories"]["directory-harvest"];
    assert_eq!((&rule["reporters"], &rule["expires_in"]), (&json!(2), &json!(86_400)));
    assert_eq!(fixture.put(ZONE, zone.clone()).await.status, 200);
    let with = |reports: Value| {
        let mut zone = zone.clone();
        zone["reports"] = reports;
        fixture.put(ZONE, zone)
    };
    with(json!({"categories": {"relay": {}}})).await.problem(422);
    with(json!({"categories": {"spam": {"window": 2, "expires_in": 1}}})).await.problem(422);
    with(json!({"categories": {"spams": {}}})).await.problem(400);
    with(json!({"rules": {}})).await.problem(400);
    assert!(with(json!(null)).await.ok().get("reports").is_none());
    let answer = report(&fixture, &fixture.admin(), &harvest("192.0.2.1")).await;
    assert!(answer.problem(422)["type"].as_str().unwrap().ends_with("no-reports-taken"));
    let allow = json!({"kind": "allow", "ns": ["ns1.example.net."], "reports": {}});
    fixture.put("/v1/zones/popauth.example.org", allow).await.problem(422);
}
