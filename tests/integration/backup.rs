//! Backups: a state that existed, whole or refused, and nothing that was removed since comes back with it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Duration,
};

use dnsbl_tests::{
    Answer, Finished, HttpReply, PATIENCE, Process, Query, Random, TestServer, TestZone, Transport,
    eventually, program,
};
use hickory_proto::rr::RecordType::A;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::metrics::value;

/// How long a backup or its restoring may take.
const LIMIT: Duration = Duration::from_secs(120);
const WRITERS: u64 = 8;

#[track_caller]
fn ctl(server: &TestServer, words: &[&str]) -> Finished {
    let mut command = Command::new(program("dnsblctl"));
    command.args(["--server", server.admin().url(), "--token-file"]);
    command.arg(server.data_dir().join("admin.token")).args(words);
    Process::start(&mut command).and_then(|process| process.wait(LIMIT)).unwrap()
}

/// Takes a backup; its epoch and last change, as `--verify` tells them of the file.
#[track_caller]
fn back_up(server: &TestServer, file: &Path) -> (u64, u64) {
    let file = file.to_str().unwrap();
    let done = ctl(server, &["backup", file]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    verified(server, file)
}

#[track_caller]
fn verified(server: &TestServer, file: &str) -> (u64, u64) {
    let done = ctl(server, &["backup", "--verify", file, "--json"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let told: Value = serde_json::from_str(&done.stdout).unwrap();
    (told["epoch"].as_u64().unwrap(), told["seq"].as_u64().unwrap())
}

fn restore(server: &TestServer, file: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(program("dnsbl-server"));
    command.arg("restore").arg(file).arg("--config").arg(server.config_file()).args(words);
    command
}

#[track_caller]
fn restored(server: &TestServer, file: &Path, words: &[&str]) -> Finished {
    let process = Process::start(&mut restore(server, file, words)).unwrap();
    process.wait(LIMIT).unwrap()
}

#[track_caller]
fn export(server: &TestServer, zone: &str) -> Vec<Value> {
    let path = format!("/v1/zones/{zone}/export?format=ndjson");
    server.admin().get(&path).expect(200).lines()
}

/// What of the store lies in a data folder.
fn stores(server: &TestServer) -> BTreeSet<String> {
    let names = fs::read_dir(server.data_dir()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("store")).collect()
}

/// A server that was stopped, and has the store of nobody.
fn emptied(token: &str) -> TestServer {
    let mut server = TestServer::start();
    server.stop();
    fs::remove_dir_all(server.data_dir().join("store")).unwrap();
    fs::write(server.data_dir().join("admin.token"), token).unwrap();
    server
}

#[test]
fn a_backup_under_writes_is_a_state_that_existed() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("backup");
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    // What each acknowledged change left of its subject.
    let (taken, ledger) = thread::scope(|scope| {
        let write = |writer: u64| {
            let mut random = Random::new(writer);
            let mut changes = BTreeMap::new();
            while !stop.load(Ordering::Relaxed) {
                let subject = format!("198.51.{writer}.{}", random.below(200));
                if random.below(4) == 0 {
                    let reply = server.admin().delete(&zone.listing_path(&subject));
                    if reply.status == 204 {
                        changes.insert(reply.seq(), (subject, None));
                    }
                } else {
                    let note = random.number().to_string();
                    let reply = zone.put(&subject, "", &json!({"note": note}));
                    changes.insert(reply.seq(), (subject, Some(note)));
                }
                written.fetch_add(1, Ordering::Relaxed);
            }
            changes
        };
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
        let many = |count: u64| {
            eventually(LIMIT, || match written.load(Ordering::Relaxed) {
                written if written >= count => Ok(written),
                written => Err(written),
            })
        };
        let before = many(2000);
        let begun = std::time::Instant::now();
        let taken = back_up(&server, &file);
        let (after, took) = (written.load(Ordering::Relaxed), begun.elapsed());
        println!("{} writes while the backup was taken, in {took:?}", after - before);
        many(after + 500);
        stop.store(true, Ordering::Relaxed);
        let ledgers = writers.into_iter().flat_map(|writer| writer.join().unwrap());
        (taken, ledgers.collect::<BTreeMap<u64, _>>())
    });
    let (_, seq) = taken;
    let last = *ledger.last_key_value().unwrap().0;
    assert!(seq < last, "it was taken under writes: {seq} of {last}");
    let mut expected = BTreeMap::new();
    for (subject, note) in ledger.range(..=seq).map(|(_, change)| change) {
        match note {
            Some(note) => drop(expected.insert(subject.clone(), note.clone())),
            None => drop(expected.remove(subject)),
        }
    }

    let mut other = emptied(server.admin().token());
    let done = restored(&other, &file, &["--accept-resurrection"]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    other.start_again();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found: BTreeMap<String, String> = export(&other, zone.origin())
        .iter()
        .map(|row| (text(&row["subject"]), text(&row["note"])))
        .collect();
    assert_eq!(found, expected);
    let zone = TestZone::at(&other, zone.origin());
    for (i, subject) in expected.keys().enumerate().step_by(50) {
        assert_eq!(zone.ask_address(subject, A), Answer::listed(), "{i} {subject}");
    }
    assert_eq!(zone.ask_address("198.51.200.1", A), Answer::NxDomain);
}

/// A server with a zone, and a token that may list there.
struct Restoring {
    server: TestServer,
    zone: TestZone,
    dir: TempDir,
}

impl Restoring {
    fn start() -> Self {
        let server = TestServer::start();
        let zone = server.ip_zone(json!({}));
        Self { server, zone, dir: TempDir::new().unwrap() }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    #[track_caller]
    fn token(&self, name: &str) -> (String, String) {
        let body = json!({"name": name, "scopes": ["zones:read"]});
        let made = self.server.admin().post("/v1/tokens", &body).expect(201).json();
        let member = |name: &str| made[name].as_str().unwrap().to_owned();
        (member("id"), member("token"))
    }

    fn counts(&self, token: &str) -> bool {
        self.server.admin().with_token(token).get("/v1/zones").status == 200
    }

    fn listed(&self, subject: &str) -> bool {
        TestZone::at(&self.server, self.zone.origin()).ask_address(subject, A) == Answer::listed()
    }

    #[track_caller]
    fn import(&self, source: &str, body: &'static str) {
        let query = format!("format=plain&source={source}&mode=replace-source&max_removed=1");
        let path = format!("/v1/zones/{}/import?{query}", self.zone.origin());
        HttpReply::of(self.server.admin().request(Method::POST, &path).body(body)).expect(200);
    }

    /// Stops, restores and starts again.
    #[track_caller]
    fn restore(&mut self, words: &[&str]) -> Finished {
        self.server.stop();
        let done = restored(&self.server, &self.file(), words);
        self.server.start_again();
        done
    }
}

#[test]
fn what_was_removed_since_the_backup_stays_removed() {
    let mut restoring = Restoring::start();
    let (server, zone) = (&restoring.server, &restoring.zone);
    for last in 1..=4 {
        zone.list(&format!("192.0.2.{last}"));
    }
    restoring.import("feed", "198.51.100.1\n198.51.100.2\n198.51.100.3\n");
    let gone = server.ip_zone(json!({}));
    gone.list("192.0.2.50");
    let (revoked_id, revoked) = restoring.token("revoked");
    let (rotated_id, rotated) = restoring.token("rotated");
    let (_, kept) = restoring.token("kept");
    let subscriber = json!({"name": "s", "zones": [zone.origin()]});
    let subscriber = server.admin().post("/v1/subscribers", &subscriber).expect(201).json();
    let (epoch, seq) = back_up(server, &restoring.file());
    assert!(value(server, "dnsbl_last_backup_timestamp_seconds", &[]) > 1_000_000_000);

    zone.remove("192.0.2.1");
    zone.exclude("192.0.2.2");
    zone.remove("192.0.2.3");
    zone.list("192.0.2.3");
    zone.list("192.0.2.5");
    restoring.import("feed", "198.51.100.2\n198.51.100.4\n");
    server.admin().delete(&gone.path()).expect(204);
    server.admin().delete(&format!("/v1/tokens/{revoked_id}")).expect(204);
    let path = format!("/v1/tokens/{rotated_id}/rotate");
    let renewed = server.admin().post(&path, &json!({})).expect(200).json();
    let path = format!("/v1/subscribers/{}", subscriber["id"].as_str().unwrap());
    server.admin().delete(&path).expect(204);
    let serial = serial(server, zone.origin());

    let done = restoring.restore(&[]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let listed = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"]
        .map(|subject| restoring.listed(subject));
    assert_eq!(listed, [false, false, true, true, false], "{}", done.stdout);
    let listed = ["198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"]
        .map(|subject| restoring.listed(subject));
    assert_eq!(listed, [false, true, false, false]);
    let server = &restoring.server;
    server.admin().get(&gone.path()).expect(404);
    server.admin().get(&path).expect(404);
    assert!(!restoring.counts(&revoked) && !restoring.counts(&rotated) && restoring.counts(&kept));
    assert!(restoring.counts(renewed["token"].as_str().unwrap()), "its new secret counts");
    assert!(self::serial(server, restoring.zone.origin()) > serial, "who mirrors it sees that");
    let path = format!("/v1/changes?after={seq}");
    let entry = server.admin().get(&path).expect(200).lines()[0].clone();
    assert_eq!(
        (entry["epoch"].as_u64(), entry["actor"].as_str()),
        (Some(epoch + 1), Some("dnsbl-server restore"))
    );
    let aside = stores(server);
    assert!(
        aside.len() == 2 && aside.iter().any(|name| name.contains(".before-restore-")),
        "{aside:?}"
    );
}

#[track_caller]
fn serial(server: &TestServer, origin: &str) -> u64 {
    let zone = server.admin().get(&format!("/v1/zones/{origin}")).expect(200).json();
    zone["soa"]["serial"].as_u64().unwrap()
}

#[test]
fn without_the_old_log_resurrection_has_to_be_accepted() {
    let mut restoring = Restoring::start();
    restoring.zone.list("192.0.2.1");
    back_up(&restoring.server, &restoring.file());
    restoring.zone.remove("192.0.2.1");
    restoring.server.stop();
    let store = restoring.server.data_dir().join("store");
    fs::rename(&store, restoring.dir.path().join("lost")).unwrap();
    let refused = restored(&restoring.server, &restoring.file(), &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("--accept-resurrection"), "{}", refused.stderr);
    assert!(refused.stdout.contains("not known: "), "{}", refused.stdout);
    assert!(stores(&restoring.server).is_empty());
    let done = restored(&restoring.server, &restoring.file(), &["--accept-resurrection"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    restoring.server.start_again();
    assert!(restoring.listed("192.0.2.1"), "that is what was accepted");
}

/// Mostly it is a damaged store in whose place a backup comes.
#[test]
fn the_log_of_a_damaged_store_counts() {
    let mut restoring = Restoring::start();
    restoring.zone.list("192.0.2.1");
    restoring.zone.list("192.0.2.2");
    let (id, secret) = restoring.token("rotated");
    back_up(&restoring.server, &restoring.file());
    restoring.zone.remove("192.0.2.1");
    let path = format!("/v1/tokens/{id}/rotate");
    restoring.server.admin().post(&path, &json!({})).expect(200);
    restoring.server.stop();
    fs::remove_file(restoring.server.data_dir().join("store/CURRENT")).unwrap();
    let done = restored(&restoring.server, &restoring.file(), &[]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    restoring.server.start_again();
    assert!(!restoring.listed("192.0.2.1") && restoring.listed("192.0.2.2"));
    // What it is now can't be read, and what it was may be known to somebody.
    assert!(!restoring.counts(&secret) && done.stdout.contains(&id), "{}", done.stdout);
}

#[test]
fn a_store_of_another_history_tells_nothing() {
    let restoring = Restoring::start();
    restoring.zone.list("192.0.2.1");
    back_up(&restoring.server, &restoring.file());
    let mut other = TestServer::start();
    other.ip_zone(json!({})).list("192.0.2.9");
    other.stop();
    let refused = restored(&other, &restoring.file(), &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    other.start_again();
}

#[test]
fn a_backup_that_is_damaged_or_in_the_way_replaces_nothing() {
    let mut restoring = Restoring::start();
    restoring.zone.list("192.0.2.1");
    back_up(&restoring.server, &restoring.file());
    let running = restored(&restoring.server, &restoring.file(), &[]);
    assert_eq!(running.code, Some(1));
    assert!(running.stderr.contains("stop that process first"), "{}", running.stderr);
    let whole = fs::read(restoring.file()).unwrap();
    for (what, bytes) in [
        ("cut off", whole[..whole.len() - 1].to_vec()),
        ("longer", [&whole[..], b"\0"].concat()),
        ("flipped", {
            let mut flipped = whole.clone();
            flipped[whole.len() / 2] ^= 4;
            flipped
        }),
        ("no backup", b"something else".to_vec()),
    ] {
        fs::write(restoring.file(), bytes).unwrap();
        let verified =
            ctl(&restoring.server, &["backup", "--verify", restoring.file().to_str().unwrap()]);
        assert_eq!(verified.code, Some(2), "{what}: {}", verified.stdout);
        let refused = restoring.restore(&[]);
        assert_eq!(refused.code, Some(1), "{what}: {}", refused.stdout);
        assert!(restoring.listed("192.0.2.1"), "{what}");
        assert_eq!(stores(&restoring.server).len(), 1, "{what}");
    }
}

#[test]
fn there_is_one_backup_at_a_time_and_nothing_is_left_of_it() {
    let mut restoring = Restoring::start();
    // More than waits on the way to a client that reads nothing.
    let noise: String = {
        let mut random = Random::new(7);
        let row = |_| {
            format!(
                "{{\"subject\":\"2001:db8::{:x}\",\"note\":\"{:x}{:x}{:x}\"}}\n",
                random.number() & 0xffff_ffff | 1 << 32,
                random.number(),
                random.number(),
                random.number()
            )
        };
        (0..60_000).map(row).collect::<String>().replace("2001:db8::1", "2001:db8:1::")
    };
    let path = format!("/v1/zones/{}/import?format=ndjson&source=noise", restoring.zone.origin());
    HttpReply::of(restoring.server.admin().request(Method::POST, &path).body(noise));
    let admin = restoring.server.admin();
    let held = admin.request(Method::POST, "/v1/backup").send().unwrap();
    assert_eq!(held.status(), 200);
    let busy = HttpReply::of(admin.request(Method::POST, "/v1/backup"));
    // It may be small enough to wait for its reader.
    if busy.status != 200 {
        busy.expect_problem(429);
    }
    drop(held);
    let alone = || match stores(&restoring.server) {
        found if found.len() == 1 => Ok(()),
        found => Err(found),
    };
    eventually(LIMIT, alone);
    // What a crash leaves goes with the next start.
    restoring.server.kill();
    for name in ["store.backup", "store.backup.tmp", "store.restoring"] {
        fs::create_dir(restoring.server.data_dir().join(name)).unwrap();
        fs::write(restoring.server.data_dir().join(name).join("x"), "x").unwrap();
    }
    restoring.server.start_again();
    assert_eq!(stores(&restoring.server).len(), 1);
}

#[test]
fn a_stopped_server_is_backed_up_too_and_the_scope_is_needed() {
    let mut restoring = Restoring::start();
    restoring.zone.list("192.0.2.1");
    let (_, token) = restoring.token("x");
    let refused = restoring.server.admin().with_token(&token).post("/v1/backup", &json!({}));
    assert_eq!(refused.expect_problem(403)["scope"], "backup");
    restoring.server.stop();
    let mut command = Command::new(program("dnsbl-server"));
    command.arg("backup").arg(restoring.file()).arg("--config").arg(restoring.server.config_file());
    let done = Process::start(&mut command).unwrap().wait(LIMIT).unwrap();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let done = restored(&restoring.server, &restoring.file(), &[]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    restoring.server.start_again();
    verified(&restoring.server, restoring.file().to_str().unwrap());
    assert!(restoring.listed("192.0.2.1"));
}

/// Kills a restoring at any moment: there is a whole store, of before or of the backup.
#[test]
fn a_restoring_that_is_killed_leaves_a_whole_store() {
    let rounds = std::env::var("DNSBL_CRASH_ROUNDS").ok();
    let rounds: usize = rounds.map_or(12, |text| text.parse().expect("a number"));
    let mut random = Random::from_env("DNSBL_CRASH_SEED");
    let mut restoring = Restoring::start();
    restoring.zone.list("192.0.2.1");
    back_up(&restoring.server, &restoring.file());
    restoring.zone.list("192.0.2.2");
    let mut ends = BTreeMap::<bool, usize>::new();
    for round in 0..rounds {
        restoring.server.stop();
        let process =
            Process::start(&mut restore(&restoring.server, &restoring.file(), &[])).unwrap();
        let limit = Duration::from_micros(random.below(120_000) as u64);
        // Killed where it goes on.
        let ended = process.wait(limit).is_ok();
        *ends.entry(ended).or_default() += 1;
        restoring.server.start_again();
        assert!(restoring.listed("192.0.2.1"), "{round}");
        let zone = TestZone::at(&restoring.server, restoring.zone.origin());
        zone.list("192.0.2.2");
        let query = Query::new(&zone.below("2.2.0.192"), A);
        query.ask(restoring.server.dns(), Transport::Udp);
    }
    println!("killed {:?}, done {:?}", ends.get(&false), ends.get(&true));
    let _ = PATIENCE;
}
