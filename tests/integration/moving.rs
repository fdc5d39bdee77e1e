//! Moving over from rbldnsd: `dnsbl-server check-rbldnsd`, and the same questions to both.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::Duration,
};

use dnsbl_tests::{
    Answer, Finished, PATIENCE, Process, Query, Random, TestServer, UdpClient, eventually, program,
    tool,
};
use hickory_proto::rr::RecordType::{self, A, AAAA, MX, TXT};
use serde_json::Value;
use tempfile::TempDir;

/// An operator's folder with data sets of each type; every entry has a text, and every list its test entry.
const FILES: [(&str, &str); 10] = [
    (
        "relays",
        "\
$SOA 3600 ns1.example.net. hostmaster.example.org. 2026010100 1h 600 1w 5m
$NS 1d ns1.example.net. ns2.example.net.
$TTL 10m
$1 see https://bl.example.org/?ip=$
:127.0.0.2:Open relay $, $1
127.0.0.2
10.20.30.40
!45.155.205.7
45.155.205/24
45.155.205.8 :127.0.0.5:Costs $$5
198.51.100.10-99
198.51.100.104/30 :4:Dynamic $
!198.51.100.50
203.0.113 :127.0.0.10:=Dial-up
not an address
",
    ),
    (
        "dul",
        "\
$SOA 3600 ns1.example.net. hostmaster.example.org. 0 3600 600 604800 60
$NS 3600 ns1.example.net.
$TTL 10m
:10:Dial-up $
127.0.0.2 :2:Test
45.155.0.0/16
!45.155.205.0/25
45.155.205.99 :11:Own
198.51.100.0/24
198.51.100.0/24 :12:never
",
    ),
    ("relays6", "$TTL 10m\n:6:Net $\n2001:db8:aa\n!2001:db8:aa:1::/64\n2001:db8:aa:1::99 :7:One\n"),
    (
        "trivial",
        "$NS 60 ns1.example.net\n$SOA 60 ns1.example.net h.example.net 1 60 60 60 60\n:2:All $\n127.0.0.2\n45.155.205.10\n198.51.100.77\n",
    ),
    (
        "six",
        "$NS 60 ns1.example.net\n$SOA 60 ns1.example.net h.example.net 1 60 60 60 60\n:8:Host\n2001:db8:aa:2\n!2001:db8:aa:2::99\n",
    ),
    (
        "names",
        "\
$SOA 3600 ns1.example.net. hostmaster.example.org. 1 3600 600 604800 60
$NS 3600 ns1.example.net.
:127.0.1.2:Spam domain
test :2:Test
bad.example
.worse.example
*.sub.example :127.0.1.5:Phish
!good.worse.example
",
    ),
    (
        "all",
        "\
$SOA 3600 ns1.example.net. hostmaster.example.org. 1 3600 600 604800 60
$NS 3600 ns1.example.net.
$1 common
$DATASET ip4set:first @ one
$TTL 20m
:3:$1 $
127.0.0.2 :2:Test
45.155.205.0/28
$DATASET dnset two
test :2:Test
bad.example :4:$1
$DATASET ip6trie one
$TTL 20m
2001:db8:aa::/48 :5:Six
",
    ),
    (
        "web",
        "$TTL 10m\n@ A 192.0.2.80\nwww A 192.0.2.81\nwww A 192.0.2.82\nwww MX 10 mail.example.net.\n\
         text TXT \"Costs $5\"\n",
    ),
    ("everybody", "# who may not ask at all\n127.0.0.9 :refuse\n127.0.0.10 :ignore\n"),
    (
        "some",
        "$TTL 10m\n127.0.0.11 :empty\n127.0.0.12 :9:You, $, see everything\n127.0.0.0/28 :pass\n",
    ),
];

const ZONES: [&str; 12] = [
    "relays.bl.example.org:ip4set:relays",
    "relays.bl.example.org:ip6trie:relays6",
    "dul.bl.example.org:ip4trie:dul",
    "trivial.bl.example.org:ip4tset:trivial",
    "six.bl.example.org:ip6tset:six",
    "dbl.example.org:dnset:names",
    "combined.example.org:combined:all",
    "bl.example.org:ip4set:relays",
    "bl.example.org:ip4trie:dul",
    "bl.example.org:generic:web",
    ":acl:everybody",
    "dul.bl.example.org:acl:some",
];

/// A folder that another user may read.
fn folder() -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (name, text) in FILES {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

#[track_caller]
fn check(options: &[&str], arguments: &[&str]) -> Finished {
    let mut command = Command::new(program("dnsbl-server"));
    Process::run(command.arg("check-rbldnsd").args(options).args(arguments)).unwrap()
}

/// Starts rbldnsd. Another program may take its port first; then it takes another.
fn rbldnsd(dir: &Path) -> (Process, SocketAddr) {
    for _ in 0..20 {
        let addr = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new(tool("rbldnsd"));
        command.args(["-u", "nobody", "-n", "-a", "-c", "0", "-w"]).arg(dir);
        command.args(["-b", &format!("{}/{}", addr.ip(), addr.port())]).args(ZONES);
        let process = Process::start(&mut command).unwrap();
        let has_started = eventually(PATIENCE, || {
            if process.stdout().contains(" started (") {
                return Ok(true);
            }
            if process.has_ended() { Ok(false) } else { Err("it neither starts nor ends") }
        });
        if has_started {
            return (process, addr);
        }
        let said = process.stderr();
        assert!(said.contains("in use") || said.contains("bind"), "{said}");
    }
    panic!("no port stays free");
}

/// What is answered, and for how long; `None` where nothing is.
fn ask(client: &UdpClient, name: &str, rtype: RecordType) -> Option<(Answer, Option<u32>)> {
    let query = Query::new(name, rtype);
    client.send(&query.bytes()).unwrap();
    loop {
        let reply = client.receive(PATIENCE).unwrap()?;
        if reply.id() == query.id {
            let answer = Answer::of(&reply);
            let ttl = matches!(answer, Answer::Records(_)).then(|| reply.ttl());
            return Some((answer, ttl));
        }
    }
}

/// A question whose answer is compared: never a name above addresses, a test entry, or anything that is answered
/// otherwise on purpose (docs/moving-from-rbldnsd.md).
fn question(random: &mut Random) -> (String, RecordType) {
    let v4 = |random: &mut Random| {
        let net = *random.pick(&["205.155.45", "100.51.198", "113.0.203", "30.20.10", "99.155.45"]);
        format!(
            "{}.{net}",
            random.pick(&[
                7, 8, 9, 10, 11, 15, 16, 40, 50, 77, 99, 100, 103, 104, 107, 108, 127, 128, 255
            ])
        )
    };
    let v6 = |random: &mut Random| {
        let subnet = random.below(4);
        let host = *random.pick(&["9.9", "8.9", "1.0"]);
        format!("{host}{}.{subnet}.0.0.0.a.a.0.0.8.b.d.0.1.0.0.2", ".0".repeat(14))
    };
    let names = [
        "bad.example",
        "x.bad.example",
        "worse.example",
        "a.b.worse.example",
        "x.good.worse.example",
        "x.sub.example",
        "x.y.sub.example",
        "fine.example",
    ];
    let zone = *random.pick(&[
        "bl.example.org",
        "relays.bl.example.org",
        "dul.bl.example.org",
        "trivial.bl.example.org",
        "six.bl.example.org",
        "dbl.example.org",
        "combined.example.org",
        "one.combined.example.org",
        "two.combined.example.org",
    ]);
    let key = match zone {
        "dbl.example.org" | "two.combined.example.org" => (*random.pick(&names)).to_owned(),
        "six.bl.example.org" => v6(random),
        "bl.example.org" if random.below(4) == 0 => {
            (*random.pick(&["www", "text", "none", "x.www"])).to_owned()
        }
        _ if random.below(4) == 0 => v6(random),
        _ => v4(random),
    };
    (format!("{key}.{zone}"), *random.pick(&[A, A, TXT, TXT, AAAA, MX]))
}

/// The tables of a configuration from one on, without feeds.
fn tables(config: &str) -> &str {
    let from = config.find("[dns.access]").expect("there is an access list");
    let to = config.find("[[feed]]").unwrap_or(config.len());
    &config[from..to]
}

#[test]
fn what_check_rbldnsd_writes_answers_as_rbldnsd_did() {
    let (dir, moved) = (folder(), TempDir::new().unwrap());
    let work = dir.path().to_str().unwrap();
    let to = moved.path().to_str().unwrap();
    let arguments = [&["-n", "-b", "127.0.0.1/5399", "-w", work][..], &ZONES].concat();
    let done = check(&["--write-config", to], &arguments);
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("relays:15: \"not\" is not an IPv4 address"), "{}", done.stdout);
    assert!(!done.stdout.contains("left-out"), "{}", done.stdout);
    let config = fs::read_to_string(moved.path().join("dnsbl.toml")).unwrap();
    assert!(config.contains("listen = [\"127.0.0.1:5399\"]"), "{config}");
    assert!(config.contains("dataset = \"combined:one:1\""), "{config}");
    let mut checked = Command::new(program("dnsbl-server"));
    let checked = checked.args(["check-config", "--config"]).arg(moved.path().join("dnsbl.toml"));
    let checked = Process::run(checked).unwrap();
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let server = TestServer::with_tables(tables(&config));
    let mut script = Command::new(moved.path().join("import.sh"));
    let programs = program("dnsblctl").parent().unwrap().to_owned();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    script.env("PATH", path).env("DNSBL_SERVER", server.admin().url());
    script.env("DNSBL_TOKEN_FILE", server.data_dir().join("admin.token"));
    let done = Process::run(&mut script).unwrap();
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let (_rbldnsd, theirs) = rbldnsd(dir.path());
    let mut random = Random::new(14);
    for client in ["127.0.0.1", "127.0.0.9", "127.0.0.11", "127.0.0.12"] {
        let from: IpAddr = client.parse().unwrap();
        let [ours, theirs] =
            [server.dns(), theirs].map(|server| UdpClient::connect_from(server, from).unwrap());
        let (mut listed, count) = (0, if client == "127.0.0.1" { 10_000 } else { 300 });
        for _ in 0..count {
            let (name, rtype) = question(&mut random);
            // Who is told that everything is listed is told so of IPv6 by a list of IPv4, too.
            if client == "127.0.0.12" && name.len() > 64 {
                continue;
            }
            let (expected, found) = (ask(&theirs, &name, rtype), ask(&ours, &name, rtype));
            listed += u32::from(matches!(found, Some((Answer::Records(_), _))));
            assert_eq!(found, expected, "{client} asks {name} {rtype}");
        }
        assert!(listed > 20 || client == "127.0.0.9", "{client}: {listed}");
    }
    let ignored: IpAddr = Ipv4Addr::new(127, 0, 0, 10).into();
    let client = UdpClient::connect_from(server.dns(), ignored).unwrap();
    client.send(&Query::new("2.0.0.127.dul.bl.example.org", A).bytes()).unwrap();
    assert!(client.receive(Duration::from_millis(200)).unwrap().is_none());
}

#[test]
fn files_that_would_answer_otherwise_are_named_with_their_lines() {
    let dir = folder();
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    put(
        "odd",
        "127.0.0.2\n192.0.2.1 :10.0.0.1:x\n192.0.2.4 - 192.0.2.6\r\n10.0.0.0/8 :5:private\n192.0.2.9 :6\n",
    );
    put("a", ":5:a\n192.0.2.0/25\n");
    put("b", "192.0.2.1 :6:b\n");
    put("broken", "$TIMESTAMP 2020-01-01 +1d\n127.0.0.2\n");
    let work = dir.path().to_str().unwrap();
    let json = |zone: &str| {
        let done = check(&["--json", "--ns", "ns1.example.net"], &["-w", work, zone]);
        let json: Value = serde_json::from_str(&done.stdout).expect(&done.stdout);
        assert_eq!(json["status"].as_i64().map(|code| code as i32), done.code);
        json
    };
    let findings = |json: &Value| -> Vec<(String, Option<u64>, String)> {
        let findings = json["command_lines"][0]["zones"][0]["findings"].as_array().unwrap().iter();
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        findings.map(|of| (text(of, "level"), of["line"].as_u64(), text(of, "text"))).collect()
    };
    let odd = json("bl.example.org:ip4set:odd");
    let found = findings(&odd);
    for (level, line, part) in [
        ("differs", Some(2), "10.0.0.1 is not inside 127.0.0.0/8"),
        ("differs", Some(3), "ends with CR"),
        ("same", Some(3), "lists its first address alone"),
        ("differs", Some(1), "without a text"),
        ("same", None, "override=special-use"),
        ("differs", None, "no file has $SOA"),
    ] {
        let is_told =
            found.iter().any(|(of, at, text)| of == level && *at == line && text.contains(part));
        assert!(is_told, "{level} {line:?} {part}: {found:#?}");
    }
    assert_eq!(odd["command_lines"][0]["zones"][0]["lists"][0]["listings"], 4, "{odd:#}");
    let several = findings(&json("bl.example.org:ip4set:a,b"));
    assert!(
        several.iter().any(|(level, _, text)| level == "left-out" && text.contains("together"))
    );
    let apart = findings(&json("bl.example.org:ip4set:b,relays"));
    assert!(!apart.iter().any(|(level, ..)| level == "left-out"), "{apart:#?}");
    let broken = json("bl.example.org:ip4set:broken");
    assert_eq!(broken["status"], 2, "{broken:#}");
    let missing = json("bl.example.org:ip4set:missing");
    assert_eq!(missing["status"], 2, "{missing:#}");
}

#[test]
fn zones_that_have_several_lists_include_them_and_records_stay_records() {
    let dir = folder();
    fs::write(dir.path().join("web"), "@ A 192.0.2.80\nwww MX 10 mail.example.org.\n").unwrap();
    let moved = TempDir::new().unwrap();
    let to = moved.path().to_str().unwrap();
    let defaults = dir.path().join("defaults");
    let line = format!(
        "RBLDNSD=\"- -w {} -b 127.0.0.1/5399 bl.example.org:ip4set:relays bl.example.org:ip4trie:dul \\\n\
         bl.example.org:generic:web dul.bl.example.org:ip4trie:dul\"\n",
        dir.path().display()
    );
    fs::write(&defaults, line).unwrap();
    let done = check(&["--write-config", to], &[defaults.to_str().unwrap()]);
    assert_eq!(done.code, Some(1), "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("records have a TTL of their own"), "{}", done.stdout);
    let body = fs::read_to_string(moved.path().join("zones/bl.example.org.json")).unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    let includes: Vec<&str> = body["includes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| of["zone"].as_str().unwrap())
        .collect();
    assert_eq!(includes, ["relays-list.bl.example.org", "dul.bl.example.org"]);
    assert_eq!(body["records"]["@"]["A"][0], "192.0.2.80");
    assert_eq!(body["records"]["www"]["MX"][0], "10 mail.example.org.");
}

#[test]
fn arguments_that_rbldnsd_would_not_take_are_told() {
    for (arguments, part) in [
        (&["-Z", "a:ip4set:b"][..], "-Z is no option"),
        (&["a.example:ip4set"], "is not ZONE:TYPE:FILE"),
        (&["-n"], "no zone is named"),
        (&["/dev/null"], "is not ZONE:TYPE:FILE"),
    ] {
        let done = check(&[], arguments);
        assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains(part), "{arguments:?}: {}", done.stderr);
    }
}
