//! What must not be told: who users are, and the secrets.

use dnsbl_tests::{HttpReply, PATIENCE, eventually, mta::unique_host};
use reqwest::Method;
use serde_json::json;

use super::{LONG, SECRET, USERS, World, ZONE, deployed, poll};

/// What nobody may find anywhere.
#[track_caller]
fn assert_silent(place: &str, text: &str) {
    let users =
        USERS.iter().flat_map(|(user, password)| [user.split('@').next().unwrap(), password]);
    for word in users.chain([SECRET]) {
        let found = text.lines().find(|line| line.contains(word));
        assert_eq!(found, None, "{place} tells {word}");
    }
}

#[test]
fn users_and_secrets_are_in_no_log_no_metric_no_change_and_no_audit_record() {
    let world = World::with_log(LONG, "[logins.limits]\nusers-per-address = 1\n", "trace");
    let dovecot = world.dovecot(&["dovecot-exporter.conf", "dovecot-policy.conf"]);
    let client = unique_host();
    // Granted, renewed, failed, refused for a limit, ended, forged, malformed.
    for mailbox in [dovecot.pop3(), dovecot.imap()] {
        poll(mailbox, client);
        assert!(!mailbox.poll(client.into(), USERS[0].0, "wrong").unwrap());
    }
    eventually(PATIENCE, || world.grant(client).ok_or("no grant"));
    world.login(client, USERS[1].0).expect_problem(422);
    let admin = world.server.admin();
    let refused = |path: &str, body: &str| {
        let request = admin.bare(Method::POST, path).body(body.to_owned());
        HttpReply::of(request.header("X-API-Key", SECRET))
    };
    let user = USERS[0].0;
    for (path, body) in [
        (format!("/v1/logins/dovecot/{SECRET}x"), json!({"event": user}).to_string()),
        (
            format!("/v1/logins/dovecot/{SECRET}"),
            format!(
                "{{\"event\":\"auth_request_finished\",\"fields\":{{\"success\":\"yes\",\"user\":\"{user}\"}}}}"
            ),
        ),
        (format!("/v1/logins/dovecot/{SECRET}?zone={user}"), "{}".into()),
        (format!("/v1/logins/dovecot/{SECRET}/more"), "{}".into()),
        (
            format!("/v1/logins/cyrus/{SECRET}"),
            format!("{{\"event\":\"Login\",\"user\":\"{user}\"}}"),
        ),
        (
            "/v1/logins/policy?command=report".into(),
            format!("{{\"login\":\"{user}\",\"success\":true}}"),
        ),
        ("/v1/logins".into(), format!("{{\"address\":\"x\",\"user\":\"{user}\"}}")),
    ] {
        let reply = refused(&path, &body);
        assert!((400..500).contains(&reply.status), "{path}: {} {}", reply.status, reply.text);
        // The one who asks knows what was sent; what comes back tells no secret all the same.
        assert!(!reply.text.contains(SECRET), "{path}: {}", reply.text);
    }
    let logout = json!({"address": client, "user": user, "event": "logout", "zone": ZONE});
    admin.post("/v1/logins", &logout).expect(202);
    world.login(client, user).expect(202);
    admin.delete(&format!("/v1/grants/{ZONE}/{client}")).expect(204);
    for path in ["/metrics", "/v1/changes?after=0", "/v1/audit?limit=1000", "/v1/zones"] {
        assert_silent(path, &admin.get(path).expect(200).text);
    }
    let log = world.server.stderr();
    assert!(log.contains("a login grants"), "{log}");
    assert!(log.contains("DEBUG"), "the log has no details");
    assert_silent("the log", &log);
    // Dovecot names users in its log, as ever, but not the secret.
    assert!(!dovecot.said().contains(SECRET));
}

#[test]
fn a_secret_that_can_not_be_one_is_named_by_its_file_alone() {
    let dir = tempfile::TempDir::new().unwrap();
    let secret = dir.path().join("logins.secret");
    std::fs::write(&secret, "too/short\n").unwrap();
    let config = deployed(
        "dnsbl-server.toml",
        &[
            ("/var/lib/dnsbl", &*dir.path().join("data").display().to_string()),
            ("/etc/dnsbl/logins.secret", &*secret.display().to_string()),
        ],
    ) + "[dns]\nlisten = [\"127.0.0.1:0\"]\n[http]\nlisten = \"127.0.0.1:0\"\n";
    let file = dir.path().join("dnsbl-server.toml");
    std::fs::write(&file, config).unwrap();
    let mut command = std::process::Command::new(dnsbl_tests::program("dnsbl-server"));
    let done = dnsbl_tests::Process::run(command.args(["run", "--config"]).arg(&file)).unwrap();
    assert_ne!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("logins.secret"), "{}", done.stderr);
    assert!(!done.stderr.contains("too/short"), "{}", done.stderr);
}
