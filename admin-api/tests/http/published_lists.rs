//! Lists as others publish them: taken for what they say, or refused with a word.

use async_compression::Level;
use async_compression::tokio::bufread::{GzipEncoder, ZstdEncoder};
use async_compression::zstd::CParameter;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::fixture::{Answer, Fixture, ZONE, counts};

const DOMAINS: &str = "/v1/zones/dbl.example.org";

/// An IP zone and a domain zone.
async fn zones() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.put_zone(DOMAINS, "domain").await;
    fixture
}

async fn import(fixture: &Fixture, zone: &str, query: &str, body: impl Into<Vec<u8>>) -> Answer {
    let path = format!("{zone}/import?{query}");
    fixture.ask("POST", &path).body(body.into()).send().await
}

async fn subjects(fixture: &Fixture, zone: &str) -> Vec<String> {
    let page = fixture.get(&format!("{zone}/listings?limit=1000")).await;
    let listings = page.ok()["listings"].as_array().unwrap().clone();
    listings.iter().map(|l| l["subject"].as_str().unwrap().to_owned()).collect()
}

fn warnings(answer: &Answer) -> String {
    answer.json["warnings"].to_string()
}

/// Refused as a whole, with the counts, and said what it seems to be.
#[track_caller]
fn refused(answer: &Answer, seems: &str) {
    let problem = answer.problem(422);
    let [added, updated, unchanged, removed, rejected] = counts(problem);
    assert_eq!([added, updated, unchanged, removed], [0; 4], "{problem}");
    assert!(rejected > 0, "{problem}");
    assert_eq!(problem["seems"], seems, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("it seems to be "), "{problem}");
    assert!(!problem["errors"].as_array().unwrap().is_empty());
}

/// Field case 1.
#[tokio::test]
async fn a_dshield_block_list_lists_no_single_address_in_silence() {
    let fixture = zones().await;
    let list = "#   start\tend\tnetblock\tattacks\tname\tcountry\temail\n\
        Start\tEnd\tNetblock\tAttacks\tName\tCountry\temail\n\
        198.51.100.0\t198.51.100.255\t24\t3012\tEXAMPLE-NET\tZZ\tabuse@example.net\n\
        203.0.113.0\t203.0.113.255\t24\t2800\tEXAMPLE-ISP\tZZ\tabuse@example.org\n";
    let answer = import(&fixture, ZONE, "format=plain", list).await;
    refused(&answer, "dshield");
    assert!(answer.text.contains("write 198.51.100.0/24"), "{}", answer.text);
    assert!(subjects(&fixture, ZONE).await.is_empty());
}

/// Field case 2.
#[tokio::test]
async fn ranges_list_no_single_address_in_silence() {
    let fixture = zones().await;
    let list = "192.0.2.8 - 192.0.2.15\n192.0.2.32-192.0.2.39\n192.0.2.64 192.0.2.71\n";
    let answer = import(&fixture, ZONE, "format=plain", list).await;
    refused(&answer, "ranges");
    for prefix in ["192.0.2.8/29", "192.0.2.32/29", "192.0.2.64/29"] {
        assert!(answer.text.contains(prefix), "{prefix}: {}", answer.text);
    }
    assert!(subjects(&fixture, ZONE).await.is_empty());
}

/// Field cases 10, 11, 12, 25.
#[tokio::test]
async fn what_is_no_list_is_a_failure_and_says_what_it_seems_to_be() {
    let fixture = zones().await;
    let wide = |text: &str| -> Vec<u8> {
        let units = [0xfeff].into_iter().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    };
    let page = "<!doctype html>\n<html>\n<body>\nbl.example.net\n</body>\n</html>\n";
    let drop = "{\"cidr\":\"198.51.100.0/24\",\"sblid\":\"SBL000001\",\"rir\":\"arin\"}\n\
        {\"type\":\"metadata\",\"timestamp\":1700000000,\"records\":1}\n";
    for zone in [ZONE, DOMAINS] {
        for mode in ["upsert", "replace-source&allow_rejected=1&max_removed=1"] {
            let query = |format: &str| format!("format={format}&mode={mode}");
            let plain = query("plain");
            refused(
                &import(&fixture, zone, &plain, wide("192.0.2.1\n192.0.2.2\n")).await,
                "utf-16",
            );
            refused(&import(&fixture, zone, &plain, page).await, "page");
            refused(&import(&fixture, zone, &query("csv"), page).await, "page");
            refused(&import(&fixture, zone, &query("ndjson"), drop).await, "json");
            refused(&import(&fixture, zone, &plain, "BZh91AY&SY\n192.0.2.1\n").await, "compressed");
            refused(&import(&fixture, zone, &plain, "PK\x03\x04\n192.0.2.1\n").await, "compressed");
        }
        assert!(subjects(&fixture, zone).await.is_empty());
    }
    let (mut once, mut twice) = (Vec::new(), Vec::new());
    GzipEncoder::new("192.0.2.1\n".as_bytes()).read_to_end(&mut once).await.unwrap();
    GzipEncoder::new(once.as_slice()).read_to_end(&mut twice).await.unwrap();
    refused(&import(&fixture, ZONE, "format=plain", once).await, "compressed");
    let path = format!("{ZONE}/import?format=plain");
    let request = fixture.ask("POST", &path).header("content-encoding", "gzip").body(twice);
    let answer = request.send().await;
    refused(&answer, "compressed");
    assert!(answer.text.contains("gzip data (once too often"), "{}", answer.text);
}

#[tokio::test]
async fn an_html_page_never_empties_a_source() {
    let fixture = zones().await;
    import(&fixture, ZONE, "format=plain&source=feed", "192.0.2.1\n192.0.2.2\n").await.ok();
    let query = "format=plain&source=feed&mode=replace-source";
    for force in ["&max_removed=1", "&allow_rejected=1", "&allow_rejected=1&max_removed=1"] {
        let answer = import(&fixture, ZONE, &format!("{query}{force}"), "<html>\n</html>\n").await;
        refused(&answer, "page");
    }
    let answer =
        import(&fixture, ZONE, &format!("{query}&allow_rejected=1&max_removed=1"), "x y\n").await;
    answer.problem(422);
    assert_eq!(subjects(&fixture, ZONE).await.len(), 2);
    let emptied = import(&fixture, ZONE, &format!("{query}&max_removed=1"), "").await;
    assert_eq!(counts(emptied.ok()), [0, 0, 0, 2, 0]);
}

/// Field case 13.
#[tokio::test]
async fn a_hosts_file_is_called_so_and_no_guard_is_blamed() {
    let fixture = zones().await;
    let list = "127.0.0.1 localhost\n::1 localhost\n0.0.0.0 0.0.0.0\n0.0.0.0 bad.example.com\n\
        127.0.0.1\tbad.example.net # why\n0.0.0.0 www #.198.51.100.1\nworse.example.org\n";
    for zone in [DOMAINS, ZONE] {
        let answer = import(&fixture, zone, "format=plain", list).await;
        assert!(!answer.text.contains("override"), "{}", answer.text);
        assert_eq!(answer.json["seems"], "hosts", "{}", answer.text);
        assert!(answer.text.contains("is a line of a hosts file"), "{}", answer.text);
    }
    assert_eq!(subjects(&fixture, DOMAINS).await, ["worse.example.org"]);
    assert!(subjects(&fixture, ZONE).await.is_empty());
    let answer =
        import(&fixture, DOMAINS, "format=plain", "10.0.0.1\n127.0.0.2\nlocalhost\n").await;
    let errors = answer.problem(422)["errors"].as_array().unwrap().clone();
    for error in &errors[..2] {
        let text = error["error"].as_str().unwrap();
        assert!(text.contains("does not list subjects of this kind") && !text.contains("override"));
    }
    let both = errors[2]["error"].as_str().unwrap();
    assert!(both.contains("override=short-prefix,special-use "), "{both}");
}

/// Field cases 1, 2, 10 to 13: each is read whole by its format, and told by `auto` where its lines tell it.
#[tokio::test]
async fn lists_of_others_are_read_whole_by_their_format() {
    let dshield = "#   start\tend\tnetblock\tattacks\tname\tcountry\temail\n\
        Start\tEnd\tNetblock\tAttacks\tName\tCountry\temail\n\
        198.51.100.0\t198.51.100.255\t24\t3012\tEXAMPLE-NET\tZZ\tabuse@example.net\n\
        203.0.113.0\t203.0.113.255\t24\t2800\tEXAMPLE-ISP\tZZ\tabuse@example.org\n";
    let ranges = "192.0.2.8 - 192.0.2.15\n192.0.2.32-192.0.2.39\n192.0.2.64 192.0.2.71\n";
    let drop = "; Example DROP list\n; Expires: never\n198.51.100.0/24 ; SBL000001\n203.0.113.64/26 ; SBL000002\n; EOF\n";
    let drop_json = "{\"cidr\":\"198.51.100.0/24\",\"sblid\":\"SBL000001\",\"rir\":\"arin\"}\n\
        {\"type\":\"metadata\",\"timestamp\":1700000000,\"records\":1}\n";
    let feodo = "################\n# Example list  #\n################\n\
        \"first_seen_utc\",\"dst_ip\",\"dst_port\",\"c2_status\"\n\
        \"2026-01-01 00:00:00\",\"192.0.2.1\",\"443\",\"online\"\n";
    let masks = "192.0.2.0 255.255.255.0\n198.51.100.0/255.255.255.128\n";
    let nets = "create bad hash:net\nadd bad 192.0.2.0/24\nadd bad 192.0.2.9 nomatch\n";
    let document = "{\"data\":[{\"net\":\"192.0.2.0/24\"},{\"net\":\"198.51.100.7\"}]}";
    let cases: [(&str, &str, &[&str]); 12] = [
        ("ranges", dshield, &["198.51.100.0/24", "203.0.113.0/24"]),
        ("auto", dshield, &["198.51.100.0/24", "203.0.113.0/24"]),
        ("ranges", ranges, &["192.0.2.8/29", "192.0.2.32/29", "192.0.2.64/29"]),
        ("auto", ranges, &["192.0.2.8/29", "192.0.2.32/29", "192.0.2.64/29"]),
        ("auto", drop, &["198.51.100.0/24", "203.0.113.64/26"]),
        ("ndjson&field=cidr", drop_json, &["198.51.100.0/24"]),
        ("auto", drop_json, &["198.51.100.0/24"]),
        ("csv&field=dst_ip", feodo, &["192.0.2.1"]),
        ("netmask", masks, &["192.0.2.0/24", "198.51.100.0/25"]),
        ("auto", masks, &["192.0.2.0/24", "198.51.100.0/25"]),
        ("auto", nets, &["192.0.2.0/24", "192.0.2.9"]),
        ("json&field=data.net", document, &["192.0.2.0/24", "198.51.100.7"]),
    ];
    for (format, list, expected) in cases {
        let fixture = zones().await;
        let answer = import(&fixture, ZONE, &format!("format={format}"), list).await;
        assert_eq!(counts(answer.ok())[4], 0, "{format}: {}", answer.text);
        assert_eq!(subjects(&fixture, ZONE).await, expected, "{format}");
    }
    let hosts = "127.0.0.1 localhost\n::1 localhost\n0.0.0.0 0.0.0.0\n0.0.0.0 bad.example.com\n\
        127.0.0.1\tbad.example.net # why\n0.0.0.0 www #.198.51.100.1\nworse.example.org\n";
    let adblock = "[Adblock Plus]\n! x\n||bad.example.com^\n@@||good.bad.example.com^\n";
    let rpz = "$TTL 60\n@ SOA a. b. 1 2 3 4 5\n NS a.\nbad.example.com CNAME .\n*.bad.example.com CNAME .\n";
    let names: [(&str, &str, &[&str], u64); 4] = [
        ("hosts", hosts, &["bad.example.com", "bad.example.net", "worse.example.org"], 1),
        (
            "adblock",
            adblock,
            &[
                "*.bad.example.com",
                "*.good.bad.example.com",
                "bad.example.com",
                "good.bad.example.com",
            ],
            0,
        ),
        ("rpz", rpz, &["*.bad.example.com", "bad.example.com"], 0),
        ("auto", rpz, &["*.bad.example.com", "bad.example.com"], 0),
    ];
    for (format, list, expected, rejected) in names {
        let fixture = zones().await;
        let answer = import(&fixture, DOMAINS, &format!("format={format}"), list).await;
        assert_eq!(counts(answer.ok())[4], rejected, "{format}: {}", answer.text);
        let mut listed = subjects(&fixture, DOMAINS).await;
        listed.sort();
        assert_eq!(listed, expected, "{format}");
        assert!(subjects(&fixture, ZONE).await.is_empty());
    }
}

/// A row that is more than one prefix is taken whole or not at all.
#[tokio::test]
async fn no_part_of_a_range_is_listed_where_a_guard_holds_back_another() {
    let fixture = zones().await;
    let answer = import(&fixture, ZONE, "format=ranges", "9.255.255.0-10.0.0.255\n").await;
    assert_eq!(counts(answer.problem(422))[4], 1);
    assert!(subjects(&fixture, ZONE).await.is_empty());
    for format in ["auto", "ranges", "netmask", "netset", "hosts", "rpz", "adblock", "json&field=a"]
    {
        for list in ["<!doctype html>\n<html></html>\n", "PK\u{3}\u{4}192.0.2.1\n"] {
            let answer = import(&fixture, ZONE, &format!("format={format}"), list).await;
            answer.problem(422);
        }
        assert!(subjects(&fixture, ZONE).await.is_empty(), "{format}");
    }
}

/// Field case 15.
#[tokio::test]
async fn a_leading_dot_says_what_to_write() {
    let fixture = zones().await;
    let answer = import(&fixture, DOMAINS, "format=plain", ".dotted.example.com\n").await;
    let error = answer.problem(422)["errors"][0]["error"].as_str().unwrap().to_owned();
    for part in ["\".dotted.example.com\"", "*.dotted.example.com"] {
        assert!(error.contains(part), "{error}");
    }
    let put = fixture.put(&format!("{DOMAINS}/listings/.dotted.example.com"), json!({})).await;
    assert!(put.problem(400)["detail"].as_str().unwrap().contains("*.dotted.example.com"));
}

/// Field case 16.
#[tokio::test]
async fn a_domain_list_without_wildcards_is_told_what_it_does_not_cover() {
    let fixture = zones().await;
    let told = |answer: &Answer| warnings(answer).contains("not www.example.com");
    assert!(told(&import(&fixture, DOMAINS, "format=plain", "a.example\nb.example\n").await));
    assert!(!told(&import(&fixture, DOMAINS, "format=plain", "c.example\n*.c.example\n").await));
    assert!(!told(&import(&fixture, ZONE, "format=plain", "192.0.2.1\n").await));
}

/// Field case 24.
#[tokio::test]
async fn a_small_source_may_shrink_but_not_vanish() {
    let fixture = zones().await;
    let rows = |count: u32| (1..=count).map(|i| format!("192.0.2.{i}\n")).collect::<String>();
    let replace = |source: &'static str, more: &'static str, body: String| {
        let query = format!("format=plain&source={source}&mode=replace-source{more}");
        let fixture = &fixture;
        async move { import(fixture, ZONE, &query, body).await }
    };
    for (source, before, after) in [("a", 3, 2), ("b", 3, 1), ("c", 2, 1), ("d", 5, 1), ("e", 8, 4)]
    {
        replace(source, "", rows(before)).await.ok();
        let answer = replace(source, "", rows(after)).await;
        assert_eq!(counts(answer.ok())[3], u64::from(before - after), "{source}");
        replace(source, "", String::new()).await.problem(409);
    }
    replace("f", "", rows(10)).await.ok();
    replace("f", "", rows(5)).await.problem(409);
    replace("f", "&max_removed=0", rows(9)).await.problem(409);
    replace("f", "", rows(6)).await.ok();
}

/// Field case 26.
#[tokio::test]
async fn public_suffixes_are_guarded_in_listings_and_imports() {
    let fixture = zones().await;
    for name in ["*.co.uk", "*.com.br", "co.uk", "*.github.io"] {
        let path = format!("{DOMAINS}/listings/{name}");
        let answer = fixture.put(&path, json!({})).await;
        assert_eq!(answer.problem(422)["type"], "/problems/public-suffix");
        fixture
            .put(&format!("{path}?override=special-use,short-prefix"), json!({}))
            .await
            .problem(422);
        fixture.put(&path, json!({"exclusion": true})).await.ok();
        fixture.put(&format!("{path}?override=public-suffix"), json!({})).await.ok();
        fixture.delete(&path).await.ok();
    }
    let list = "*.star.example.com\n*.com.br\n*.co.uk\n*.例え.公司.cn\n*.公司.cn\n";
    let answer = import(&fixture, DOMAINS, "format=plain", list).await;
    assert_eq!(counts(answer.ok()), [2, 0, 0, 0, 3], "{}", answer.text);
    let lifted = import(&fixture, DOMAINS, "format=plain&override=public-suffix", list).await;
    assert_eq!(counts(lifted.ok()), [3, 0, 2, 0, 0]);
    let feed = fixture.mint("feed", &["listings:write", "imports:write"]);
    let path = format!("{DOMAINS}/listings/*.co.uk?override=public-suffix");
    fixture.ask_as(&feed, "PUT", &path).json(&json!({})).send().await.problem(403);
}

/// Security M4.
#[tokio::test]
async fn a_code_that_says_the_list_refuses_is_no_return_code_anywhere() {
    let fixture = zones().await;
    for code in ["127.255.255.254", "127.255.255.0", "127.255.255.252", "127.255.255.255"] {
        let body = json!({"return_codes": ["127.0.0.2", code]});
        fixture.put(&format!("{ZONE}/listings/192.0.2.1"), body).await.problem(400);
        let zone = json!({"kind": "ip", "ns": ["ns1.example.net."], "return_codes": [code]});
        fixture.put("/v1/zones/other.example.org", zone).await.problem(400);
        let row = format!("{{\"subject\":\"192.0.2.1\",\"return_codes\":[\"{code}\"]}}\n");
        import(&fixture, ZONE, "format=ndjson", row).await.problem(422);
        let row = format!("subject,return_codes\n192.0.2.1,127.0.0.2;{code}\n");
        import(&fixture, ZONE, "format=csv", row).await.problem(422);
    }
    assert!(subjects(&fixture, ZONE).await.is_empty());
}

#[tokio::test]
async fn rejected_rows_fail_an_import_that_takes_none_or_is_strict() {
    let fixture = zones().await;
    let none = import(&fixture, ZONE, "format=plain", "nonsense/\n10.0.0.1\n").await;
    assert_eq!(counts(none.problem(422)), [0, 0, 0, 0, 2]);
    let dry = import(&fixture, ZONE, "format=plain&dry_run=1", "nonsense/\n").await;
    assert_eq!(counts(dry.problem(422)), [0, 0, 0, 0, 1]);
    let some = "192.0.2.1\nnonsense/\n192.0.2.2\n";
    for query in ["format=plain&strict=1", "format=plain&strict=1&mode=replace-source"] {
        let strict = import(&fixture, ZONE, query, some).await;
        assert_eq!(counts(strict.problem(422)), [2, 0, 0, 0, 1]);
        assert_eq!(strict.json["errors"][0]["line"], 2);
        assert!(subjects(&fixture, ZONE).await.is_empty());
    }
    assert_eq!(counts(import(&fixture, ZONE, "format=plain", some).await.ok()), [2, 0, 0, 0, 1]);
    let clean = import(&fixture, ZONE, "format=plain&strict=1", "192.0.2.1\n192.0.2.3\n").await;
    assert_eq!(counts(clean.ok()), [1, 0, 1, 0, 0]);
    let empty = import(&fixture, ZONE, "format=plain", "# nothing today\n").await;
    assert_eq!(counts(empty.ok()), [0; 5]);
    assert!(warnings(&empty).contains("no row"), "{}", empty.text);
}

/// Newcomer A1: one file with both, and the last one won without a word.
#[tokio::test]
async fn a_file_that_contradicts_itself_says_so() {
    let fixture = zones().await;
    for body in ["45.1.1.1\n!45.1.1.1\n", "!45.1.1.1\n45.1.1.1\n", "45.1.1.0/24\n!45.1.1.0/24\n"] {
        let answer = import(&fixture, ZONE, "format=plain", body).await;
        let text = warnings(&answer);
        assert!(text.contains("1 row says something else") && text.contains("45.1.1."), "{text}");
    }
    let same =
        import(&fixture, ZONE, "format=plain", "45.1.1.1\n45.1.1.1\n!45.1.1.2\n!45.1.1.2\n").await;
    assert_eq!(warnings(&same), "[]");
}

#[tokio::test]
async fn reasons_that_mail_servers_do_not_show_whole_are_warned_of() {
    let fixture = zones().await;
    let long = format!("{} https://bl.example.org/$", "x".repeat(240));
    let put = fixture.list("192.0.2.1", json!({"reason": long})).await;
    assert!(warnings(&put).contains("its URL is lost"), "{}", put.text);
    // What a PUT answers may be put again.
    fixture.list("192.0.2.1", put.json.clone()).await;
    assert!(fixture.list("192.0.2.1", json!({"reason": "x"})).await.json.get("warnings").is_none());
    let foreign = fixture.list("192.0.2.2", json!({"reason": "オープンリレー $"})).await;
    assert!(warnings(&foreign).contains("SMTP replies are ASCII"), "{}", foreign.text);
    let zone = json!({"kind": "ip", "ns": ["ns1.example.net."], "reason": "x".repeat(256)});
    let put = fixture.put("/v1/zones/long.example.org", zone).await;
    assert!(warnings(&put).contains("takes 256 octets"), "{}", put.text);
    let rows: String = (1..4)
        .map(|i| format!("{{\"subject\":\"192.0.2.{i}\",\"reason\":\"{}\"}}\n", "y".repeat(300)))
        .collect();
    let answer = import(&fixture, ZONE, "format=ndjson", rows).await;
    assert_eq!(answer.json["warnings"][0]["line"], 1);
    assert!(warnings(&answer).contains("and 2 more rows"), "{}", answer.text);
}

/// Newcomer A6, durability: an export came back under one name, and the second of two sources overwrote
/// what the first said.
#[tokio::test]
async fn an_export_comes_back_with_its_sources_texts_and_times() {
    let fixture = zones().await;
    let honeypot = json!({"reason": "spamtrap hit", "tags": ["trap"], "note": "seen twice"});
    fixture.put(&format!("{ZONE}/listings/192.0.2.50?source=honeypot"), honeypot).await.ok();
    import(&fixture, ZONE, "format=plain&source=ipsum", "192.0.2.50\n192.0.2.51\n").await.ok();
    fixture
        .list("198.51.100.0%2F24", json!({"return_codes": ["127.0.0.3"], "expires_in": 600}))
        .await;
    fixture.list("198.51.100.7", json!({"exclusion": true})).await;
    let old =
        "{\"subject\":\"192.0.2.60\",\"source\":\"old\",\"listed_at\":\"2020-01-02T03:04:05Z\"}\n";
    assert_eq!(counts(import(&fixture, ZONE, "format=ndjson", old).await.ok()), [1, 0, 0, 0, 0]);
    for format in ["ndjson", "csv"] {
        let copy = format!("/v1/zones/{format}.example.org");
        fixture.put_zone(&copy, "ip").await;
        let export =
            async |zone: &str| fixture.get(&format!("{zone}/export?format={format}")).await;
        let out = export(ZONE).await;
        let answer = import(&fixture, &copy, &format!("format={format}"), out.text.clone()).await;
        assert_eq!(counts(answer.ok()), [6, 0, 0, 0, 0], "{}", answer.text);
        assert_eq!(kept(&fixture, &copy).await, kept(&fixture, ZONE).await);
        // Again changes nothing.
        let again = import(&fixture, &copy, &format!("format={format}"), out.text).await;
        assert_eq!(counts(again.ok()), [0, 0, 6, 0, 0]);
    }
}

/// What an export is to keep of each listing.
async fn kept(fixture: &Fixture, zone: &str) -> Vec<Value> {
    let page = fixture.get(&format!("{zone}/listings?limit=1000")).await;
    let mut listings = page.ok()["listings"].as_array().unwrap().clone();
    for listing in &mut listings {
        let listing = listing.as_object_mut().unwrap();
        for own in ["etag", "updated_at", "listed_by"] {
            listing.remove(own);
        }
    }
    listings.sort_by_key(ToString::to_string);
    listings
}

#[tokio::test]
async fn rows_of_other_sources_are_rejected_by_name_and_never_renamed() {
    let fixture = zones().await;
    let rows = "{\"subject\":\"192.0.2.1\",\"source\":\"ipsum\"}\n\
        {\"subject\":\"192.0.2.2\",\"source\":\"feed\"}\n{\"subject\":\"192.0.2.3\"}\n";
    let feed = fixture.mint("feed", &["imports:write", "listings:read"]);
    let path = format!("{ZONE}/import?format=ndjson");
    let answer = fixture.ask_as(&feed, "POST", &path).body(rows).send().await;
    assert_eq!(counts(answer.ok()), [2, 0, 0, 0, 1], "{}", answer.text);
    let error = answer.json["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("may not write as ipsum") && error.contains("sources:all"), "{error}");
    assert_eq!(subjects(&fixture, ZONE).await, ["192.0.2.2", "192.0.2.3"]);
    let meant =
        fixture.ask_as(&feed, "POST", &format!("{path}&source=feed")).body(rows).send().await;
    assert_eq!(counts(meant.ok()), [1, 0, 2, 0, 0]);
    // Replacing is about one source.
    let answer = import(&fixture, ZONE, "format=ndjson&mode=replace-source", rows).await;
    assert_eq!(counts(answer.problem(409))[4], 2, "{}", answer.text);
    // The relay tester's listings are its own.
    let tester = "{\"subject\":\"192.0.2.9\",\"source\":\"relay-test\"}\n";
    import(&fixture, ZONE, "format=ndjson", tester).await.problem(422);
}

#[tokio::test]
async fn an_import_has_rows_of_many_sources_all_or_none() {
    let fixture = zones().await;
    let row = |i: u32| {
        format!("{{\"subject\":\"198.18.{}.{}\",\"source\":\"s{i}\"}}\n", i / 250, i % 250)
    };
    let rows: String = (0..300).map(row).collect();
    let query = "format=ndjson&override=special-use";
    let answer = import(&fixture, ZONE, query, rows.clone()).await;
    let taken = counts(answer.ok());
    assert_eq!(taken, [255, 0, 0, 0, 45], "{}", answer.text);
    let head = fixture.get("/v1/changes?after=0").await.text.lines().count();
    let strict = import(&fixture, ZONE, &format!("{query}&strict=1"), rows).await;
    strict.problem(422);
    let after = fixture.get("/v1/changes?after=0").await.text.lines().count();
    assert_eq!(head, after);
    let other = import(&fixture, ZONE, query, row(1000) + &row(1001)).await;
    other.problem(422);
    assert_eq!(subjects(&fixture, ZONE).await.len(), 255);
}

/// Security: a window of 128 MiB, and a megabyte that becomes a gigabyte.
#[tokio::test]
async fn packed_bodies_that_need_much_memory_or_grow_much_are_refused() {
    let fixture = zones().await;
    let send = async |encoding: &str, body: Vec<u8>| {
        let path = format!("{ZONE}/import?format=plain");
        fixture.ask("POST", &path).header("content-encoding", encoding).body(body).send().await
    };
    let rows: String = (0..2_000_000u32)
        .map(|i| format!("{}\n", std::net::Ipv4Addr::from(i * 7 + 0x0808_0000)))
        .collect();
    for (window, status) in [(23, 200), (27, 413)] {
        let mut packed = Vec::new();
        let params = [CParameter::window_log(window)];
        let encoder =
            ZstdEncoder::with_quality_and_params(rows.as_bytes(), Level::Fastest, &params);
        let mut encoder = encoder;
        encoder.read_to_end(&mut packed).await.unwrap();
        let answer = send("zstd", packed).await;
        assert_eq!(answer.status, status, "{window}: {}", answer.text);
    }
    let mut packed = Vec::new();
    GzipEncoder::new(vec![b'\n'; 64 << 20].as_slice()).read_to_end(&mut packed).await.unwrap();
    let answer = send("gzip", packed).await;
    assert!(answer.problem(413)["detail"].as_str().unwrap().contains("times as large"));
}
