//! Field cases: `check`, `health` and `explain` say what the policy service would.

use std::{fs, process::Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    cli::{dnsbl, stdout},
    fake::{Fake, Says, World, good},
};

fn everything(_: &str) -> Says {
    Says::Codes(vec!["127.0.0.2"])
}

/// Good lists and others.
async fn world() -> (World, Fake) {
    let world = World::default();
    let v4_only = |name: &str| match good(name, |name| name == "9.2.0.192") {
        Says::Codes(_) if name.len() > 20 => Says::NotListed,
        other => other,
    };
    world
        .set("bl.example", v4_only)
        .good("two.example", &["200.2.0.192", "9.2.0.192"])
        .good("dbl.example", &["spam.example.net"])
        .set("world.example", everything)
        .set("absent.example", |_| Says::NotListed)
        .set("addresses.example", |name| match name {
            "test" => Says::NotListed,
            name => good(name, |_| false),
        })
        .set("names.example", |name| match name {
            "test" => everything(name),
            _ => Says::NotListed,
        })
        .set("six.example", |name| good(name, |name| name.len() > 40 && !name.contains("f.7.f.f")))
        .set("stripped.example", |name| match good(name, |name| name == "9.2.0.192") {
            Says::Codes(_) => Says::Stripped,
            other => other,
        })
        .set("rewritten.example", |name| match good(name, |name| name == "9.2.0.192") {
            Says::NotListed => Says::Codes(vec!["203.0.113.7"]),
            other => other,
        });
    let fake = world.serve().await;
    (world, fake)
}

async fn run(fake: &Fake, words: &str) -> Output {
    let resolver = format!("--resolver={}", fake.addr);
    let words = words.split(' ').map(str::to_owned);
    dnsbl(words.chain([resolver])).await
}

/// What the only row says, and the exit code.
async fn row(fake: &Fake, words: &str) -> (String, String, Option<i32>) {
    let output = run(fake, &format!("check {words} --json")).await;
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let row = &json["results"][0];
    let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("detail"), output.status.code())
}

#[tokio::test]
async fn check_never_says_listed_of_a_list_that_lists_the_world_or_all_ipv6() {
    let (_, fake) = world().await;
    for words in [
        "192.0.2.9 --zone world.example",
        "spam.example.net --zone world.example",
        "2001:db8::9 --zone world.example",
        "2001:db8::9 --zone six.example",
    ] {
        let (status, detail, code) = row(&fake, words).await;
        assert_eq!((status.as_str(), code), ("bogus", Some(2)), "{words}: {detail}");
        assert!(detail.contains("lists everything"), "{words}: {detail}");
    }
    let (status, _, code) = row(&fake, "192.0.2.9 --zone bl.example").await;
    assert_eq!((status.as_str(), code), ("listed", Some(1)));
}

/// newcomer.md B1: a typing error in the zone was "not-listed", exit 0.
#[tokio::test]
async fn check_never_says_not_listed_of_a_list_that_is_not_there() {
    let (_, fake) = world().await;
    for words in ["192.0.2.9", "2001:db8::9", "spam.example.net"] {
        let (status, detail, code) = row(&fake, &format!("{words} --zone absent.example")).await;
        assert_eq!((status.as_str(), code), ("bogus", Some(2)), "{words}");
        assert!(detail.contains("test entry"), "{detail}");
    }
    let (status, _, code) = row(&fake, "192.0.2.1 --zone bl.example").await;
    assert_eq!((status.as_str(), code), ("not-listed", Some(0)));
}

#[tokio::test]
async fn check_skips_what_a_list_has_nothing_of() {
    let (_, fake) = world().await;
    for words in ["ham.example.net --zone addresses.example", "192.0.2.9 --zone names.example"] {
        let (status, _, code) = row(&fake, words).await;
        assert_eq!((status.as_str(), code), ("skipped", Some(2)), "{words}");
    }
    // It has no IPv6, which is not to be found out about one address.
    let (status, _, code) = row(&fake, "2001:db8::9 --zone bl.example").await;
    assert_eq!((status.as_str(), code), ("not-listed", Some(0)));
}

/// Field case 61: the list was blamed, and check said not-listed, exit 0.
#[tokio::test]
async fn a_resolver_that_strips_is_said_by_check_and_health_and_exits_2() {
    let (_, fake) = world().await;
    for address in ["192.0.2.9", "192.0.2.1", "127.0.0.2"] {
        let (status, detail, code) =
            row(&fake, &format!("{address} --zone stripped.example")).await;
        assert_eq!((status.as_str(), code), ("blocked", Some(2)), "{address}");
        assert!(detail.contains("strips"), "{detail}");
    }
    let output = run(&fake, "health stripped.example").await;
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stdout(&output).contains("the resolver strips"), "{}", stdout(&output));
    assert!(!stdout(&output).contains("not to be believed"), "{}", stdout(&output));
}

#[tokio::test]
async fn a_resolver_that_rewrites_is_said_by_check_and_health_and_exits_2() {
    let (world, fake) = world().await;
    world.set("invalid", |_| Says::Codes(vec!["203.0.113.7"]));
    let (status, detail, code) = row(&fake, "192.0.2.1 --zone rewritten.example").await;
    assert_eq!((status.as_str(), code), ("blocked", Some(2)));
    assert!(detail.contains("answers 203.0.113.7 for names that do not exist"), "{detail}");
    let (status, _, code) = row(&fake, "192.0.2.9 --zone rewritten.example").await;
    assert_eq!((status.as_str(), code), ("listed", Some(1)));
    let output = run(&fake, "health rewritten.example").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).contains("the resolver answers 203.0.113.7"), "{}", stdout(&output));
}

/// Field case 58: health, explain and the service judged this list in three ways.
#[tokio::test]
async fn a_list_of_ipv4_is_good_for_health_and_explain_as_for_the_service() {
    let (_, fake) = world().await;
    let output = run(&fake, "health bl.example").await;
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).starts_with("bl.example  good for IPv4"), "{}", stdout(&output));
    let output = run(&fake, "explain 192.0.2.9 --zone bl.example").await;
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stdout(&output).contains("score 1: reject"), "{}", stdout(&output));
}

/// Field case 60: rows without a name, JSON `"asked":""`.
#[tokio::test]
async fn health_of_a_list_of_domains_names_what_it_asked() {
    let (_, fake) = world().await;
    let output = run(&fake, "health dbl.example --domains").await;
    for name in ["  test  ", "  invalid  ", ".example  "] {
        assert!(stdout(&output).contains(name), "{name}: {}", stdout(&output));
    }
    let output = run(&fake, "health dbl.example --domains --json").await;
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let points = json["zones"][0]["points"].as_array().unwrap();
    assert!(points.iter().all(|point| !point["asked"].as_str().unwrap().is_empty()), "{json}");
}

const CONFIG: &str = r#"
version = "v1"
exempt = ["192.0.2.128/25"]
SETTINGS
[score]
reject = 3
[[zone]]
name = "two.example"
rules = [{ weight = 3 }]
[[zone]]
name = "bl.example"
rules = [{ weight = 3 }]
shadow = true
[[zone]]
name = "dbl.example"
asks = "domains"
rules = [{ weight = 3 }]
"#;

async fn explain(fake: &Fake, settings: &str, words: &str) -> (String, Option<i32>) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("policy.toml");
    fs::write(&file, CONFIG.replace("SETTINGS", settings)).unwrap();
    let output = run(fake, &format!("explain {words} --config {}", file.display())).await;
    (stdout(&output).to_owned(), output.status.code())
}

/// Field case 59 and newcomer.md B1: explain counted what the service does not look up.
#[tokio::test]
async fn explain_with_a_configuration_tells_what_the_service_does_and_why() {
    let (world, fake) = world().await;
    world.good("two.example", &["8.8.8.8", "200.2.0.192", "9.2.0.192"]);
    for (settings, words, said, code) in [
        ("", "8.8.8.8", "score 3: reject", 1),
        ("", "1.1.1.1", "score 0: pass", 0),
        ("", "spam.example.net", "score 3: reject", 1),
        ("check-special-use = true", "192.0.2.200", "exempt: 192.0.2.128/25", 0),
        ("", "192.0.2.9", "not an address of the public Internet", 0),
        ("check-special-use = true", "192.0.2.9", "score 3: reject", 1),
        ("check-special-use = true", "192.0.2.9", "counts    0: it is in shadow", 1),
        ("shadow = true", "8.8.8.8", "score 3: reject, but the service is in shadow", 0),
        ("checks = [\"helo\"]", "8.8.8.8", "nothing to look up", 0),
    ] {
        let (text, found) = explain(&fake, settings, words).await;
        assert!(text.contains(said), "{settings} {words}: {text}");
        assert_eq!(found, Some(code), "{settings} {words}: {text}");
    }
    world.set("two.example", everything);
    let (text, code) = explain(&fake, "", "8.8.8.8").await;
    assert!(text.contains("counts nothing: it lists what was made up"), "{text}");
    assert!(text.contains("score 0: pass"), "{text}");
    assert_eq!(code, Some(2));
}

#[tokio::test]
async fn explain_and_presets_have_json() {
    let (_, fake) = world().await;
    let output = run(&fake, "explain 192.0.2.9 --json --zone bl.example").await;
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["action"], "reject");
    assert_eq!(json["lists"][0]["rules"][0]["points"], "1");
    assert_eq!(json["lists"][0]["health"], "up");
    let output = dnsbl(["presets", "--json"]).await;
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let presets = json["presets"].as_array().unwrap();
    assert!(presets.iter().any(|preset| preset["zone"] == "zen.spamhaus.org"));
}

#[tokio::test]
async fn no_time_to_wait_is_refused_with_the_range() {
    for seconds in ["0", "-1", "NaN", "inf", "3601", "soon"] {
        let timeout = format!("--timeout={seconds}");
        let output = dnsbl(["check", "192.0.2.9", "--zone", "bl.example", &timeout]).await;
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("it is 0.001 to 3600 seconds"), "{seconds}: {said}");
    }
}

/// security.md L12: the error showed what was typed.
#[tokio::test]
async fn a_mistyped_zone_with_a_key_is_not_shown() {
    let typed = "s3cr3tk3y.zen.dq.spamhaus.net=bad";
    for words in [
        &["check", "192.0.2.9", "--zone", typed][..],
        &["check", typed, "--zone", "bl.example"],
        &["explain", "192.0.2.9", "--zone", typed],
        &["explain", typed, "--zone", "bl.example"],
        &["health", typed],
        &["health", "--zone", typed],
    ] {
        let output = dnsbl(words.iter().copied()).await;
        let said = format!("{}{}", stdout(&output), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(!said.contains("s3cr3tk3y"), "{words:?}: {said}");
    }
}
