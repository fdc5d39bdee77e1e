//! `/v1/zones/{zone}/export`.

use admin_api::Limits;
use serde_json::{Value, json};

use crate::fixture::{Fixture, ZONE, addresses, counts};

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.0%2F24", json!({"return_codes": ["127.0.0.3"], "reason": "=1+1 $", "tags": ["a;b", "c\\d", "-x"], "note": "two\nlines, \"quoted\""})).await;
    fixture.list("192.0.2.1", json!({"exclusion": true})).await;
    fixture
        .put(&format!("{ZONE}/listings/192.0.2.1?source=other"), json!({"expires_in": 600}))
        .await
        .ok();
    fixture.list("2001:db8::1", json!({})).await;
    let plain = fixture.get(&format!("{ZONE}/export")).await;
    assert_eq!(plain.text, "192.0.2.0/24\n!192.0.2.1\n2001:db8::1\n");
    assert!(!plain.header("dnsbl-seq").is_empty());
    fixture.put_zone("/v1/zones/copy.example.org", "ip").await;
    for format in ["csv", "ndjson"] {
        let export = fixture.get(&format!("{ZONE}/export?format={format}&source=admin")).await;
        export.headers.get("content-type").unwrap();
        if format == "csv" {
            assert!(export.text.contains("'=1+1"), "{}", export.text);
        }
        let path = format!("/v1/zones/copy.example.org/import?format={format}&source={format}");
        let answer = fixture.ask("POST", &path).body(export.text).send().await;
        assert_eq!(counts(answer.ok()), [3, 0, 0, 0, 0], "{}", answer.text);
        for subject in ["192.0.2.0%2F24", "192.0.2.1", "2001:db8::1"] {
            let of = async |zone: &str, source: &str| {
                let answer =
                    fixture.get(&format!("{zone}/listings/{subject}?source={source}")).await;
                let listing = answer.ok()["listings"][0].clone();
                ["return_codes", "reason", "exclusion", "tags", "note"]
                    .map(|name| listing[name].clone())
            };
            assert_eq!(of(ZONE, "admin").await, of("/v1/zones/copy.example.org", format).await);
        }
    }
    let other = fixture.get(&format!("{ZONE}/export?format=ndjson&source=other")).await;
    let listing: Value = serde_json::from_str(&other.text).unwrap();
    assert!(listing["expires_at"].is_string());
    fixture.get("/v1/zones/nowhere.example/export").await.problem(404);
}

#[tokio::test]
async fn large_exports_are_whole() {
    let fixture = Fixture::new().await;
    let body: String = (0..30_000u32)
        .map(|i| format!("{}\n", std::net::Ipv4Addr::from(0x0808_0000 + i)))
        .collect();
    assert_eq!(counts(fixture.import("format=plain", body.clone()).await.ok())[0], 30_000);
    assert_eq!(fixture.get(&format!("{ZONE}/export")).await.text, body);
}

/// Durability F10: eight searches of one token used up all places.
#[tokio::test]
async fn exports_of_one_token_leave_places_to_others_and_end_with_their_readers() {
    let limits = Limits { max_scans_per_token: 2, ..Limits::default() };
    let fixture = Fixture::limited(&limits).await;
    fixture.import("format=plain&source=feed", addresses(100_000)).await.ok();
    let one = fixture.mint("one", &["listings:read"]);
    let other = fixture.mint("other", &["listings:read"]);
    let export = format!("{ZONE}/export?format=csv");
    let search = format!("{ZONE}/listings?limit=1");
    let mut held = vec![fixture.open(&one, &export).await, fixture.open(&one, &export).await];
    assert!(held.iter().all(|export| export.status() == 200));
    for path in [&export, &search] {
        let refused = fixture.ask_as(&one, "GET", path).send().await;
        let problem = refused.problem(429);
        assert!(problem["detail"].as_str().unwrap().contains("of this token"), "{problem}");
        assert!(!refused.header("retry-after").is_empty());
    }
    fixture.ask_as(&other, "GET", &search).send().await.ok();
    assert_eq!(fixture.server.refused(), [("one".to_owned(), 429), ("one".to_owned(), 429)]);
    drop(held.pop());
    // The thread that reads learns of it with the next piece that it sends.
    while fixture.ask_as(&one, "GET", &search).send().await.status == 429 {
        tokio::task::yield_now().await;
    }
}

/// What one client has of an export, and what it asks for next.
async fn again(fixture: &Fixture, path: &str, etag: &str) -> u16 {
    let answer = fixture.ask("GET", path).header("if-none-match", etag).send().await;
    assert!(answer.status != 304 || (answer.text.is_empty() && answer.header("etag") == etag));
    answer.status.as_u16()
}

#[tokio::test]
async fn an_export_is_not_sent_again_until_something_changes_or_is_asked_for_otherwise() {
    let fixture = Fixture::new().await;
    fixture.put_zone("/v1/zones/other.example.org", "ip").await;
    fixture.list("192.0.2.1", json!({"tags": ["t"]})).await;
    for format in ["plain", "csv", "ndjson", "rbldnsd", "bind", "rpz"] {
        let path = format!("{ZONE}/export?format={format}");
        let first = fixture.get(&path).await;
        first.ok();
        let etag = first.header("etag").to_owned();
        assert_eq!(again(&fixture, &path, &etag).await, 304);
        for other in ["source=x", "tag=t", "source=admin&tag=t"] {
            assert_eq!(again(&fixture, &format!("{path}&{other}"), &etag).await, 200, "{other}");
        }
        // Another zone's change is none here; one of this zone is, also of its settings.
        fixture.put("/v1/zones/other.example.org/listings/192.0.2.9", json!({})).await.ok();
        assert_eq!(again(&fixture, &path, &etag).await, 304);
        fixture.list("192.0.2.2", json!({"note": format})).await;
        assert_eq!(again(&fixture, &path, &etag).await, 200);
        let body =
            json!({"kind": "ip", "ns": ["ns1.example.net."], "reason": format!("by {format}")});
        let etag = fixture.get(&path).await.header("etag").to_owned();
        fixture.put(ZONE, body).await.ok();
        assert_eq!(again(&fixture, &path, &etag).await, 200);
    }
    let path = format!("{ZONE}/export?format=rbldnsd");
    let etag = fixture.get(&path).await.header("etag").to_owned();
    assert_eq!(again(&fixture, &format!("{path}&dataset=ip4set"), &etag).await, 304);
    assert_eq!(again(&fixture, &format!("{path}&dataset=ip6trie"), &etag).await, 200);
}

#[tokio::test]
async fn an_export_changes_when_something_expires_though_nobody_wrote() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({})).await;
    fixture.list("192.0.2.2", json!({"expires_in": 2})).await;
    let path = format!("{ZONE}/export?format=rbldnsd");
    let etag = fixture.get(&path).await.header("etag").to_owned();
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
    while again(&fixture, &path, &etag).await == 304 {
        assert!(tokio::time::Instant::now() < until, "it has expired by now");
        tokio::task::yield_now().await;
    }
    let text = fixture.get(&path).await.text;
    assert!(text.contains("\n192.0.2.1 ") && !text.contains("192.0.2.2"), "{text}");
}

#[tokio::test]
async fn files_for_other_servers_end_with_a_line_that_says_so() {
    let fixture = Fixture::new().await;
    fixture.list("192.0.2.1", json!({"reason": "x", "expires_in": 600})).await;
    fixture.list("2001:db8::%2F32", json!({})).await;
    let get = async |query: &str| fixture.get(&format!("{ZONE}/export?{query}")).await.text;
    let set = get("format=rbldnsd").await;
    assert!(set.contains("\n192.0.2.1 :127.0.0.2:x\n") && !set.contains("db8"), "{set}");
    assert!(set.contains("\n# 1 listings expire"), "{set}");
    let last = |text: &str| text.lines().last().unwrap_or_default().to_owned();
    assert!(last(&set).starts_with("# end of bl.example.org, serial "), "{set}");
    let trie = get("format=rbldnsd&dataset=ip6trie").await;
    assert!(trie.contains("\n2001:db8::/32 :127.0.0.2:") && !trie.contains("192.0"), "{trie}");
    let zone = get("format=bind").await;
    assert!(zone.contains("\n1.2.0.192\tA 127.0.0.2\n\tTXT \"x\"\n"), "{zone}");
    assert!(zone.contains("\n*.8.b.d.0.1.0.0.2\tA 127.0.0.2\n"), "{zone}");
    assert!(last(&zone).starts_with("; end of bl.example.org, serial "), "{zone}");
    let rpz = get("format=rpz&trigger=rpz-client-ip").await;
    assert!(rpz.contains("\n32.1.2.0.192.rpz-client-ip CNAME .\n"), "{rpz}");
    assert!(rpz.contains("\n32.zz.db8.2001.rpz-client-ip CNAME .\n"), "{rpz}");
    assert!(last(&rpz).starts_with("; end of "), "{rpz}");
}

#[tokio::test]
async fn what_a_format_cannot_say_is_refused_with_the_first_subject() {
    let fixture = Fixture::new().await;
    let two = json!({"return_codes": ["127.0.0.2", "127.0.0.3"]});
    fixture.list("192.0.2.1", two.clone()).await;
    fixture.list("192.0.2.2", two).await;
    let ask = async |query: &str| fixture.get(&format!("{ZONE}/export?{query}")).await;
    let problem = ask("format=rbldnsd&dataset=ip4trie").await.problem(422).clone();
    assert_eq!((&problem["subject"], &problem["count"]), (&json!("192.0.2.1"), &json!(2)));
    ask("format=rbldnsd&dataset=ip4set").await.ok();
    fixture.list("192.0.2.128%2F25", json!({})).await;
    ask("format=bind&max_names=100").await.problem(422);
    ask("format=bind&max_names=10000").await.ok();
    for (query, status) in [
        ("format=rbldnsd&dataset=dnset", 422),
        ("format=rbldnsd&dataset=ip4tset", 422),
        ("format=rbldnsd&dataset=acl", 422),
        ("format=rbldnsd&dataset=x", 400),
        ("format=plain&dataset=ip4set", 400),
        ("format=bind&trigger=rpz-ip", 400),
        ("format=rpz&max_names=5", 400),
        ("format=x", 400),
    ] {
        ask(query).await.problem(status);
    }
}

#[tokio::test]
async fn an_export_as_ndjson_is_a_copy_with_sources_times_and_notes_for_who_may_make_it() {
    let fixture = Fixture::new().await;
    let body = json!({"return_codes": ["127.0.0.3"], "reason": "r $", "tags": ["a"], "note": "n", "expires_in": 6000});
    fixture.put(&format!("{ZONE}/listings/192.0.2.1?source=feed"), body).await.ok();
    fixture.put(&format!("{ZONE}/listings/192.0.2.1?source=other"), json!({})).await.ok();
    let row =
        "{\"subject\":\"192.0.2.2\",\"source\":\"old\",\"listed_at\":\"2020-01-02T03:04:05Z\"}\n";
    fixture.import("format=ndjson", row).await.ok();
    let copy = "/v1/zones/copy.example.org";
    fixture.put_zone(copy, "ip").await;
    let export = fixture.get(&format!("{ZONE}/export?format=ndjson")).await.text;
    let import = format!("{copy}/import?format=ndjson");
    let one = fixture.mint("one", &["imports:write"]);
    let refused = fixture.ask_as(&one, "POST", &import).body(export.clone()).send().await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let answer = fixture.ask("POST", &import).body(export.clone()).send().await;
    assert_eq!(counts(answer.ok()), [3, 0, 0, 0, 0], "{}", answer.text);
    let rows = |text: &str| -> Vec<Value> {
        let kept = |line: &str| {
            let mut row: Value = serde_json::from_str(line).unwrap();
            for name in ["etag", "updated_at", "listed_by"] {
                row.as_object_mut().unwrap().remove(name);
            }
            row
        };
        text.lines().map(kept).collect()
    };
    let copied = fixture.get(&format!("{copy}/export?format=ndjson")).await.text;
    assert_eq!(rows(&export), rows(&copied));
    assert_eq!(rows(&copied)[2]["listed_at"], "2020-01-02T03:04:05Z");
}
