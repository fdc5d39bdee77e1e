//! Webhooks: a receiver that fails half the time, and a server that is killed in between.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use dnsbl_tests::{PATIENCE, Random, TestServer, TestZone, eventually};
use serde_json::{Value, json};

use crate::{changes, metrics::value};

/// Where the documentation has what verifies a message.
const DOCUMENT: &str = include_str!("../../docs/webhooks.md");

/// Who may be told, and how soon they are again.
const TABLES: &str =
    "[webhooks]\nallow = [\"127.0.0.0/8\"]\nretry = \"1s\"\nlongest-retry = \"1s\"\n";

/// A message as it came.
#[derive(Clone, Debug)]
struct Message {
    head: BTreeMap<String, String>,
    body: String,
    /// Whether the receiver said that it has it.
    taken: bool,
}

/// A receiver that takes half of what comes: it hangs up before it reads, or reads and answers 500.
struct Receiver {
    url: String,
    messages: Arc<Mutex<Vec<Message>>>,
}

impl Receiver {
    #[track_caller]
    fn start(mut random: Random) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook?key=of-the-test", listener.local_addr().unwrap());
        let messages: Arc<Mutex<Vec<Message>>> = Arc::default();
        let received = messages.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let chance = random.below(4);
                if chance == 0 {
                    continue;
                }
                let Some(mut message) = read(&mut stream) else { continue };
                message.taken = chance > 1;
                let status = if message.taken { "204 No Content" } else { "500 Oops" };
                received.lock().unwrap_or_else(PoisonError::into_inner).push(message);
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                // The server may have been killed.
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        Self { url, messages }
    }

    fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A whole request; `None` where it breaks off.
fn read(stream: &mut TcpStream) -> Option<Message> {
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let mut more = |bytes: &mut Vec<u8>| match stream.read(&mut piece) {
        Ok(count) if count > 0 => {
            bytes.extend(&piece[..count]);
            Some(())
        }
        _ => None,
    };
    let end = loop {
        match bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            Some(end) => break end,
            None => more(&mut bytes)?,
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let head: BTreeMap<String, String> =
        fields.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let whole = end + 4 + head.get("content-length")?.parse::<usize>().ok()?;
    while bytes.len() < whole {
        more(&mut bytes)?;
    }
    let body = String::from_utf8(bytes[end + 4..whole].to_vec()).ok()?;
    Some(Message { head, body, taken: false })
}

/// What the documentation tells receivers to do with each message: whether it is by who knows the secret.
#[track_caller]
fn verified(secrets: &[&str], messages: &[Message]) -> Vec<bool> {
    let program = DOCUMENT.split("cat >verify.py <<'END'\n").nth(1).expect("it is shown");
    let program = program.split("END\n").next().unwrap_or_default();
    let program = format!(
        "{program}\nimport json, sys\nfor line in sys.stdin:\n    m = json.loads(line)\n    \
         print(any(verify(s, m['head'], m['body'].encode()) for s in m['secrets']))\n"
    );
    let mut lines = String::new();
    for message in messages {
        let line = json!({"head": message.head, "body": message.body, "secrets": secrets});
        let _ = writeln!(lines, "{line}");
    }
    let mut python = Command::new("python3")
        .args(["-c", &program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is there");
    let mut stdin = python.stdin.take().expect("an input");
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(lines.as_bytes()).expect("it reads"));
        let done = python.wait_with_output().expect("it ends");
        assert!(done.status.success());
        let said = String::from_utf8(done.stdout).expect("it is text");
        said.lines().map(|line| line == "True").collect()
    })
}

/// The changes that messages tell of, each with its number.
#[track_caller]
fn told(messages: &[Message]) -> Vec<(u64, Value)> {
    let body = |message: &Message| serde_json::from_str::<Value>(&message.body).unwrap();
    let changes = messages
        .iter()
        .map(body)
        .flat_map(|body| body["data"]["changes"].as_array().expect("a list").clone());
    changes.map(|change| (change["seq"].as_u64().expect("a number"), change)).collect()
}

#[test]
fn a_receiver_that_fails_half_the_time_is_told_everything_in_order_though_the_server_is_killed() {
    let mut random = Random::from_env("DNSBL_WEBHOOK_SEED");
    let receiver = Receiver::start(Random::new(random.number()));
    let mut server = TestServer::with_tables(TABLES);
    let zone = server.ip_zone(json!({}));
    let origin = zone.origin().to_owned();
    let body = json!({"url": receiver.url, "zones": [origin]});
    let made = server.admin().post("/v1/webhooks", &body).expect(201).json();
    let text = |name: &str| made[name].as_str().expect("it is there").to_owned();
    let (id, secret) = (text("id"), text("secret"));
    let mut last = 0;
    for round in 0..6 {
        let zone = TestZone::at(&server, &origin);
        for _ in 0..1 + random.below(30) {
            let subject = format!("192.0.2.{}", random.below(50));
            last = zone.put(&subject, "", &json!({"note": format!("{}", random.number())})).seq();
        }
        // Killed while it sends, or between two attempts, unless it is through.
        let seen = receiver.messages().len() + random.below(2);
        eventually(3 * PATIENCE, || match receiver.messages().len() {
            count if count >= seen || position(&server, &id) >= last => Ok(()),
            count => Err(count),
        });
        if round < 5 {
            server.kill();
            server.start_again();
        }
    }
    eventually(6 * PATIENCE, || match position(&server, &id) {
        position if position >= last => Ok(()),
        position => Err((position, last)),
    });
    let messages = receiver.messages();
    let verified = verified(&[&secret], &messages);
    assert_eq!(verified.len(), messages.len());
    assert!(
        verified.iter().all(|is| *is),
        "each message is signed, also those that were not taken"
    );

    let taken: Vec<Message> = messages.iter().filter(|message| message.taken).cloned().collect();
    println!("{} messages, {} of them taken", messages.len(), taken.len());
    assert!(taken.len() < messages.len(), "none was refused");
    let mut at = 0;
    for message in &taken {
        let body: Value = serde_json::from_str(&message.body).unwrap();
        let (after, next) = (&body["data"]["after"], &body["data"]["next"]);
        assert!(at == 0 || after.as_u64() <= Some(at), "{body} after {at}: something is left out");
        at = at.max(next.as_u64().expect("a number"));
    }
    let (mut in_order, mut known) = (Vec::new(), 0);
    for (seq, change) in told(&taken) {
        if seq > known {
            in_order.push(change);
            known = seq;
        }
    }
    // The zone was made before the webhook was.
    let mut all = changes::of_zone(&server, &origin);
    all.retain(|change| change["op"] != "zone-put");
    assert_eq!(in_order, all, "everything is told, in the order in which it came");

    let (log, metrics) = (server.stderr(), server.admin().get("/metrics").expect(200).text);
    for shown in [&log, &metrics] {
        assert!(!shown.contains(&secret[6..20]) && !shown.contains("of-the-test"), "{shown}");
    }
    assert!(value(&server, "dnsbl_webhook_position", &[("webhook", &id)]) >= at);
    assert_eq!(value(&server, "dnsbl_webhook_paused", &[("webhook", &id)]), 0);
    server.stop();
    server.start_again();
    assert!(position(&server, &id) >= at, "what was told is not told again");
}

/// How far a webhook has come.
#[track_caller]
fn position(server: &TestServer, id: &str) -> u64 {
    let shown = server.admin().get(&format!("/v1/webhooks/{id}")).expect(200).json();
    shown["status"]["position"].as_u64().expect("a number")
}

#[test]
fn a_receiver_that_knows_either_secret_believes_what_is_sent_while_they_change() {
    let receiver = Receiver::start(Random::new(7));
    let server = TestServer::with_tables(TABLES);
    let zone = server.ip_zone(json!({}));
    let body = json!({"url": receiver.url, "kinds": ["put"]});
    let made = server.admin().post("/v1/webhooks", &body).expect(201).json();
    let path = format!("/v1/webhooks/{}", made["id"].as_str().unwrap());
    let rotated = server.admin().post(&format!("{path}/rotate"), &json!({})).expect(200).json();
    let (old, new) = (made["secret"].as_str().unwrap(), rotated["secret"].as_str().unwrap());
    zone.list("192.0.2.1");
    let first = eventually(3 * PATIENCE, || {
        let taken: Vec<Message> = receiver.messages().into_iter().filter(|m| m.taken).collect();
        if taken.is_empty() { Err(receiver.messages()) } else { Ok(taken) }
    });
    for secret in [old, new] {
        assert!(verified(&[secret], &first).iter().all(|is| *is));
    }
    assert!(!verified(&["whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"], &first)[0]);
    let at_once =
        server.admin().post(&format!("{path}/rotate"), &json!({"overlap": 0})).expect(200);
    let newest = at_once.json()["secret"].as_str().unwrap().to_owned();
    let before = receiver.messages().len();
    zone.list("192.0.2.2");
    let later = eventually(3 * PATIENCE, || {
        let later = receiver.messages().split_off(before);
        if later.is_empty() { Err(()) } else { Ok(later) }
    });
    assert!(verified(&[&newest], &later)[0]);
    assert!(!verified(&[old, new], &later)[0]);
}

/// The commands, as an operator types them.
#[test]
fn webhooks_are_made_changed_and_deleted_by_the_command() {
    let server = TestServer::with_tables(TABLES);
    server.ip_zone_at("bl.example.org", json!({}));
    let ctl = |words: &[&str]| {
        let token = server.data_dir().join("admin.token");
        let mut command = Command::new(dnsbl_tests::program("dnsblctl"));
        command.args(["--server", server.admin().url(), "--token-file"]).arg(token).args(words);
        dnsbl_tests::Process::run(&mut command).unwrap()
    };
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\n").unwrap();
    let nowhere = "http://127.0.0.1:9/hook";
    let added =
        ctl(&["webhook", "add", nowhere, "--zone", "bl.example.org", "--kind", "put,delete"]);
    assert!(added.stdout.starts_with("whsec_"), "{added:?}");
    assert!(!added.stderr.contains(added.stdout.trim()), "{}", added.stderr);
    let list = ctl(&["webhook", "list"]).stdout;
    let id = list.split_whitespace().next().unwrap().to_owned();
    assert!(list.contains("waiting") && list.contains(nowhere), "{list}");
    let set = ctl(&["webhook", "set", &id, "--disable", "--all-kinds"]);
    assert!(set.stdout.contains("disabled"), "{set:?}");
    let rotated = ctl(&["webhook", "rotate", &id, "--secret-file", file.to_str().unwrap()]);
    assert_eq!((rotated.code, &*rotated.stdout), (Some(0), ""), "whoever gave it has it");
    let shown = ctl(&["webhook", "show", &id, "--json"]);
    assert!(!shown.stdout.contains("whsec_"), "{}", shown.stdout);
    let refused = ctl(&["webhook", "add", "http://10.0.0.1/"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("[webhooks]"), "{}", refused.stderr);
    assert_eq!(ctl(&["webhook", "delete", &id]).code, Some(0));
    assert_eq!(ctl(&["webhook", "show", &id]).code, Some(1));
}
