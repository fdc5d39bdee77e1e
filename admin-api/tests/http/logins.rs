//! Logins, and what they grant.

use dnsbl_logins::{GrantLimits, Settings};
use serde_json::{Value, json};

use crate::fixture::{Answer, Fixture, LOGIN_SECRET};

const ZONE: &str = "/v1/zones/popauth.example.org";

/// An allow zone, and a server that takes logins with these settings.
async fn taking(settings: Settings) -> Fixture {
    let fixture = Fixture::taking_logins(settings).await;
    fixture.put_zone(ZONE, "allow").await;
    fixture
}

impl Fixture {
    async fn login(&self, address: &str, user: &str) -> Answer {
        self.post("/v1/logins", json!({"address": address, "user": user, "service": "pop3"})).await
    }

    /// Whether an address has a grant, as DNS answers, and as the API shows it.
    async fn has_grant(&self, address: &str) -> bool {
        let body = json!({"subjects": [address], "zones": ["popauth.example.org"]});
        let check = self.post("/v1/check", body).await;
        let listed = check.ok()["results"][0]["listed"] == true;
        let shown = self.get(&format!("/v1/grants?address={address}")).await;
        assert_eq!(
            shown.ok()["grants"].as_array().unwrap().len(),
            usize::from(listed),
            "{shown:?}"
        );
        listed
    }

    async fn event(&self, json: &Value) -> Answer {
        let path = format!("/v1/logins/dovecot/{LOGIN_SECRET}");
        self.ask_as("", "POST", &path).json(json).send().await
    }
}

/// As Dovecot sends it, of now.
fn event(address: &str) -> Value {
    json!({"event": "auth_request_finished", "end_time": now(0), "fields": {
        "success": "yes", "service": "imap", "user": "taro@example.org", "remote_ip": address,
        "session": format!("of {address}"), "real_remote_ip": address, "transport": "TLS"}})
}

/// A time so many seconds from now.
fn now(ahead: i64) -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap().as_secs()).unwrap() + ahead
}

#[tokio::test]
async fn a_login_grants_its_address_at_once_and_says_until_when() {
    let fixture = taking(Settings::default()).await;
    assert!(!fixture.has_grant("192.0.2.55").await);
    let answer = fixture.login("192.0.2.55", "taro").await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.json["granted"], true);
    assert_eq!(answer.json["zone"], "popauth.example.org");
    assert!(answer.header("dnsbl-seq").parse::<u64>().unwrap() > 0);
    assert!(fixture.has_grant("192.0.2.55").await);
    assert!(!fixture.has_grant("192.0.2.56").await);
    let shown = fixture.get("/v1/grants?zone=popauth.example.org").await;
    let grant = &shown.ok()["grants"][0];
    assert_eq!(grant["until"], answer.json["until"]);
    let hold = &grant["holds"][0];
    assert_eq!(
        (&hold["user"], &hold["service"], &hold["via"]),
        (&json!("taro"), &json!("pop3"), &json!("api"))
    );
}

#[tokio::test]
async fn a_login_may_come_as_a_form_and_from_ipv6() {
    let fixture = taking(Settings::default()).await;
    let form = "address=%3A%3Affff%3A192.0.2.55&user=taro%40example.org&service=POP3&tls=true";
    let post = fixture.ask("POST", "/v1/logins");
    let post = post.header("content-type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(post.send().await.ok()["address"], "192.0.2.55");
    assert_eq!(fixture.login("2001:db8::5", "hana").await.ok()["address"], "2001:db8::5");
    assert!(fixture.has_grant("192.0.2.55").await && fixture.has_grant("2001:db8::5").await);
    assert!(!fixture.has_grant("2001:db8::6").await);
    for body in [
        json!({"address": "192.0.2"}),
        json!({"address": "192.0.2.1", "user": "a\nb"}),
        json!({"address": "192.0.2.1", "event": "open"}),
        json!({"address": "192.0.2.1", "addresses": "192.0.2.1"}),
        json!({}),
    ] {
        fixture.post("/v1/logins", body).await.problem(400);
    }
}

#[tokio::test]
async fn a_logout_and_a_deletion_end_a_grant_and_are_visible_at_once() {
    let fixture = taking(Settings::default()).await;
    fixture.login("192.0.2.55", "taro").await.ok();
    fixture.login("192.0.2.55", "hana").await.ok();
    let logout = |user: &str| json!({"address": "192.0.2.55", "user": user, "event": "logout"});
    fixture.post("/v1/logins", logout("taro")).await.ok();
    assert!(fixture.has_grant("192.0.2.55").await, "hana is still there");
    fixture.post("/v1/logins", logout("hana")).await.ok();
    assert!(!fixture.has_grant("192.0.2.55").await);
    fixture.login("192.0.2.55", "taro").await.ok();
    let path = "/v1/grants/popauth.example.org/192.0.2.55";
    let gone = fixture.delete(path).await;
    assert_eq!(gone.status, 204);
    assert!(!fixture.has_grant("192.0.2.55").await);
    let again = fixture.delete(path).await;
    assert_eq!(again.problem(404)["type"], "/problems/no-grant");
    let ended = fixture.get("/v1/grants?address=192.0.2.55&ended=1").await;
    let ended = ended.ok()["grants"].as_array().unwrap();
    assert!(!ended.is_empty(), "it is kept who had it");
    assert!(fixture.login("192.0.2.55", "taro").await.status.is_success(), "the next one grants");
}

#[tokio::test]
async fn dovecots_events_grant_by_their_success_and_need_the_secret() {
    let fixture = taking(Settings::default()).await;
    assert_eq!(fixture.event(&event("192.0.2.55")).await.ok()["granted"], true);
    let mut failed = event("192.0.2.56");
    failed["fields"].as_object_mut().unwrap().remove("success");
    assert_eq!(fixture.event(&failed).await.ok()["reason"], "failed");
    for secret in ["", "x", "0123456789abcdef-of-another"] {
        let path = format!("/v1/logins/dovecot/{secret}");
        let forged = fixture.ask_as("", "POST", &path).json(&event("192.0.2.57")).send().await;
        assert!([401, 404].contains(&forged.status.as_u16()), "{}", forged.text);
        assert!(!forged.text.contains("another"));
    }
    let mut smtp = event("192.0.2.58");
    smtp["fields"]["service"] = json!("smtp");
    assert_eq!(fixture.event(&smtp).await.ok()["reason"], "service");
    for (address, has) in
        [("192.0.2.55", true), ("192.0.2.56", false), ("192.0.2.57", false), ("192.0.2.58", false)]
    {
        assert_eq!(fixture.has_grant(address).await, has, "{address}");
    }
    fixture.event(&json!({"event": 7})).await.problem(400);
}

#[tokio::test]
async fn an_event_counts_once_and_only_in_its_minute() {
    let fixture = taking(Settings::default()).await;
    for seconds in [-61, 61, -86_400] {
        let mut old = event("192.0.2.56");
        old["end_time"] = json!(now(seconds));
        assert_eq!(fixture.event(&old).await.ok()["reason"], "stale", "{seconds}");
    }
    assert!(!fixture.has_grant("192.0.2.56").await);
    fixture.event(&event("192.0.2.55")).await.ok();
    fixture.delete("/v1/grants/popauth.example.org/192.0.2.55").await.ok();
    let again = fixture.event(&event("192.0.2.55")).await;
    assert_eq!(again.ok()["granted"], false, "it was replayed");
    assert!(!fixture.has_grant("192.0.2.55").await);
}

#[tokio::test]
async fn an_auth_policy_report_grants_and_a_question_before_the_login_does_not() {
    let fixture = taking(Settings::default()).await;
    let report = |success: bool, address: &str| {
        json!({"device_id": "", "login": "taro", "protocol": "pop3", "pwhash": "0dc6", "remote": address,
            "session_id": format!("of {address}"), "success": success, "policy_reject": false, "tls": false})
    };
    let send = async |command: &str, key: &str, body: Value| {
        let ask = fixture.ask_as("", "POST", &format!("/v1/logins/policy?command={command}"));
        ask.header("x-api-key", key).json(&body).send().await
    };
    let answer = send("report", LOGIN_SECRET, report(true, "192.0.2.55")).await;
    assert_eq!(answer.ok(), &json!({"status": 0, "msg": ""}));
    send("report", LOGIN_SECRET, report(false, "192.0.2.56")).await.ok();
    let mut before = report(true, "192.0.2.57");
    assert_eq!(send("allow", LOGIN_SECRET, before.clone()).await.ok()["status"], 0);
    before.as_object_mut().unwrap().remove("success");
    send("report", LOGIN_SECRET, before).await.ok();
    send("report", "another-secret-of-somebody", report(true, "192.0.2.58")).await.problem(401);
    for (address, has) in
        [("192.0.2.55", true), ("192.0.2.56", false), ("192.0.2.57", false), ("192.0.2.58", false)]
    {
        assert_eq!(fixture.has_grant(address).await, has, "{address}");
    }
}

#[tokio::test]
async fn cyrus_logins_grant_and_its_logouts_end_nothing_unless_they_shall() {
    for revokes in [false, true] {
        let fixture = taking(Settings { logout_revokes: revokes, ..Settings::default() }).await;
        let send = async |event: &str| {
            let json = json!({"event": event, "clientIP": "192.0.2.55", "service": "imap",
                "user": "john", "timestamp": now(0)});
            let path = format!("/v1/logins/cyrus/{LOGIN_SECRET}");
            fixture.ask_as("", "POST", &path).json(&json).send().await.ok();
        };
        send("Login").await;
        assert!(fixture.has_grant("192.0.2.55").await);
        send("Logout").await;
        assert_eq!(fixture.has_grant("192.0.2.55").await, !revokes);
    }
}

#[tokio::test]
async fn limits_hold_and_say_which_one_it_was() {
    let limits =
        GrantLimits { users_per_address: 1, addresses_per_user: 2, ..GrantLimits::default() };
    let fixture = taking(Settings { limits, ..Settings::default() }).await;
    fixture.login("192.0.2.1", "taro").await.ok();
    assert_eq!(fixture.login("192.0.2.1", "hana").await.problem(422)["reason"], "users");
    fixture.login("192.0.2.2", "taro").await.ok();
    assert_eq!(fixture.login("192.0.2.3", "taro").await.problem(422)["reason"], "addresses");
    for address in
        ["127.0.0.1", "::1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "ff02::1", "fe80::1"]
    {
        assert_eq!(
            fixture.login(address, "jiro").await.problem(422)["reason"],
            "address",
            "{address}"
        );
    }
    let rate = GrantLimits { per_second: 1, ..GrantLimits::default() };
    let fixture = taking(Settings { limits: rate, ..Settings::default() }).await;
    let mut refused = None;
    for i in 1..=4 {
        let answer = fixture.login(&format!("192.0.2.{i}"), &format!("user{i}")).await;
        refused = Some(answer).filter(|answer| answer.status == 429).or(refused);
    }
    let refused = refused.expect("four logins are over in less than three seconds");
    assert_eq!(
        (&refused.problem(429)["reason"], refused.header("retry-after")),
        (&json!("rate"), "1")
    );
}

#[tokio::test]
async fn a_proxy_is_believed_only_where_it_is_named_and_never_granted() {
    let behind = |client: &str| {
        let mut event = event(client);
        event["fields"]["real_remote_ip"] = json!("10.0.0.1");
        event
    };
    let fixture = taking(Settings::default()).await;
    assert_eq!(fixture.event(&behind("192.0.2.55")).await.ok()["reason"], "proxy");
    let proxies = vec!["10.0.0.0/24".parse().unwrap()];
    let fixture = taking(Settings { proxies, ..Settings::default() }).await;
    assert_eq!(fixture.event(&behind("192.0.2.55")).await.ok()["granted"], true);
    assert_eq!(fixture.event(&event("10.0.0.1")).await.ok()["reason"], "proxy");
    assert!(!fixture.has_grant("10.0.0.1").await);
}

#[tokio::test]
async fn only_tls_logins_grant_where_that_is_set() {
    let fixture = taking(Settings { tls_only: true, ..Settings::default() }).await;
    assert_eq!(fixture.event(&event("192.0.2.55")).await.ok()["granted"], true);
    let mut plain = event("192.0.2.56");
    plain["fields"]["transport"] = json!("insecure");
    assert_eq!(fixture.event(&plain).await.ok()["reason"], "tls");
    assert_eq!(fixture.login("192.0.2.57", "taro").await.problem(422)["reason"], "tls");
}

#[tokio::test]
async fn the_zone_is_the_one_that_is_named_or_the_only_one_there_is() {
    let fixture = taking(Settings::default()).await;
    fixture.put_zone("/v1/zones/bl.example.org", "ip").await;
    let login = |zone: &str| json!({"address": "192.0.2.55", "user": "taro", "zone": zone});
    fixture.post("/v1/logins", login("bl.example.org")).await.problem(404);
    fixture.post("/v1/logins", login("none.example.org")).await.problem(404);
    fixture.post("/v1/logins", login("popauth.example.org")).await.ok();
    fixture.put_zone("/v1/zones/other.example.org", "allow").await;
    assert_eq!(fixture.login("192.0.2.56", "taro").await.problem(404)["reason"], "zone");
    let zone = Some("other.example.org".parse().unwrap());
    let fixture = taking(Settings { zone, ..Settings::default() }).await;
    fixture.put_zone("/v1/zones/other.example.org", "allow").await;
    assert_eq!(fixture.login("192.0.2.56", "taro").await.ok()["zone"], "other.example.org");
}

#[tokio::test]
async fn a_zone_that_is_made_again_has_no_grants_of_before() {
    let fixture = taking(Settings::default()).await;
    fixture.login("192.0.2.55", "taro").await.ok();
    fixture.delete(ZONE).await.ok();
    fixture.put_zone(ZONE, "allow").await;
    assert!(!fixture.has_grant("192.0.2.55").await);
    assert_eq!(fixture.login("192.0.2.55", "taro").await.ok()["granted"], true);
    assert!(fixture.has_grant("192.0.2.55").await);
}

#[tokio::test]
async fn nothing_but_a_login_lists_anything_in_an_allow_zone_and_an_exclusion_bars_an_address() {
    let fixture = taking(Settings::default()).await;
    let at = |subject: &str| format!("{ZONE}/listings/{subject}");
    fixture.put(&at("192.0.2.9"), json!({})).await.problem(422);
    fixture.put(&at("192.0.2.9?source=logins"), json!({})).await.problem(403);
    let import = fixture.ask("POST", &format!("{ZONE}/import?format=plain")).body("192.0.2.9\n");
    import.send().await.problem(422);
    fixture.login("192.0.2.55", "taro").await.ok();
    for source in ["logins", "*"] {
        let refused = fixture.delete(&at(&format!("192.0.2.55?source={source}"))).await;
        assert!(refused.status.is_client_error(), "{}", refused.text);
    }
    assert!(fixture.has_grant("192.0.2.55").await);
    assert_eq!(fixture.put(&at("192.0.2.55"), json!({"exclusion": true})).await.status, 201);
    let check = json!({"subjects": ["192.0.2.55"], "zones": ["popauth.example.org"]});
    assert_eq!(fixture.post("/v1/check", check).await.ok()["results"][0]["listed"], false);
    let shown = fixture.get("/v1/grants?address=192.0.2.55").await;
    assert_eq!(shown.ok()["grants"][0]["excluded"], true);
    assert_eq!(fixture.login("192.0.2.55", "hana").await.problem(422)["reason"], "excluded");
}

#[tokio::test]
async fn who_may_not_see_grants_sees_none_on_any_way() {
    let fixture = taking(Settings::default()).await;
    fixture.login("192.0.2.55", "taro").await.ok();
    let scopes: Vec<&str> =
        admin_api::SCOPES.iter().copied().filter(|scope| *scope != "grants:read").collect();
    let other = fixture.mint("other", &scopes);
    for (method, path) in [
        ("GET", format!("{ZONE}/listings")),
        ("GET", format!("{ZONE}/listings/192.0.2.55")),
        ("GET", format!("{ZONE}/export")),
        ("GET", "/v1/grants".into()),
    ] {
        let answer = fixture.ask_as(&other, method, &path).send().await;
        assert_eq!(answer.problem(403)["scope"], "grants:read", "{path}");
    }
    let check = |body: Value| fixture.ask_as(&other, "POST", "/v1/check").json(&body).send();
    let named = json!({"subjects": ["192.0.2.55"], "zones": ["popauth.example.org"]});
    check(named).await.problem(403);
    let all = check(json!({"subjects": ["192.0.2.55"]})).await;
    assert_eq!(all.ok()["results"], json!([]), "allow zones are no lists");
    for path in ["/v1/changes", "/v1/audit", "/metrics"] {
        let answer = fixture.ask_as(&other, "GET", path).send().await;
        assert!(answer.status.is_success(), "{path}: {}", answer.text);
        assert!(!answer.text.contains("192.0.2.55"), "{path}: {}", answer.text);
    }
    let all = fixture.get("/v1/changes").await;
    assert!(all.text.contains("192.0.2.55") && !all.text.contains("taro"), "{}", all.text);
}

#[tokio::test]
async fn grants_are_shown_page_by_page() {
    let fixture = taking(Settings::default()).await;
    fixture.put_zone("/v1/zones/other.example.org", "allow").await;
    for i in 0..5 {
        for zone in ["popauth.example.org", "other.example.org"] {
            let body = json!({"address": format!("192.0.2.{i}"), "user": "u", "zone": zone});
            fixture.post("/v1/logins", body).await.ok();
        }
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("/v1/grants?limit=3{cursor}")).await;
        let page = page.ok();
        let grants = page["grants"].as_array().unwrap();
        assert!(grants.len() <= 3);
        seen.extend(grants.iter().map(|g| format!("{} {}", g["zone"], g["address"])));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", next.replace(' ', "%20")),
            None => break,
        }
    }
    let mut sorted = seen.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((seen.len(), &sorted), (10, &seen));
}
