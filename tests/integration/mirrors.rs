//! Exports for other servers, and the folder that `dnsblctl export --to` keeps of them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{IpAddr, SocketAddr, TcpListener},
    path::Path,
    process::Command,
    thread,
};

use dnsbl_tests::{
    NameServer, Nsd, PATIENCE, Process, Query, Random, Rbldnsd, TestServer, TestZone, Transport,
    Unbound, check_zone, eventually,
    fixtures::{self, DOMAINS, IPSUM, VPN_IPV4, VPN_IPV6},
    program,
};
use dnsbl_types::Subject;
use hickory_proto::rr::{
    RData,
    RecordType::{self, A, TXT},
};
use serde_json::json;
use tempfile::TempDir;

use crate::server;

/// Names to ask a zone for: some of what a list has, and what is beside it.
fn names(zone: &TestZone, list: &str) -> Vec<String> {
    let mut random = Random::from_env("DNSBL_ADDRESS_SEED");
    let subjects: Vec<Subject> = fixtures::load(list).subjects.into_iter().collect();
    let mut names = Vec::new();
    for _ in 0..400 {
        match random.pick(&subjects) {
            Subject::Domain(domain) => {
                let name = domain.to_string();
                names.extend([zone.below(&name), zone.below(&format!("x.{name}"))]);
            }
            Subject::V4(net) => {
                let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
                let addresses = [first.wrapping_sub(1), first, last, last.wrapping_add(1)];
                names.extend(addresses.map(|addr| zone.name_of(IpAddr::V4(addr.into()))));
            }
            Subject::V6(net) => {
                let (first, last) = (u128::from(net.network()), u128::from(net.broadcast()));
                let addresses = [first.wrapping_sub(1), first, last, last.wrapping_add(1)];
                names.extend(addresses.map(|addr| zone.name_of(IpAddr::V6(addr.into()))));
            }
        }
    }
    names
}

/// The data of what a server answers, sorted; nothing where it denies.
fn data(server: SocketAddr, name: &str, rtype: RecordType) -> Vec<String> {
    let reply = Query::new(name, rtype).ask(server, Transport::Udp);
    assert!([0, 3].contains(&reply.rcode()), "{name}: {reply:?}");
    let shown = |data: &RData| match data {
        RData::TXT(text) => String::from_utf8(text.txt_data.concat()).unwrap(),
        other => other.to_string(),
    };
    let mut data: Vec<String> = reply.message.answers.iter().map(|r| shown(&r.data)).collect();
    data.sort_unstable();
    data
}

#[track_caller]
fn export(server: &TestServer, zone: &TestZone, query: &str) -> String {
    server.admin().get(&format!("{}/export?{query}", zone.path())).expect(200).text
}

/// Ours and theirs answer the same.
#[track_caller]
fn same(ours: SocketAddr, theirs: SocketAddr, names: &[String]) {
    let mut listed = 0;
    for name in names {
        for rtype in [A, TXT] {
            let (expected, found) = (data(ours, name, rtype), data(theirs, name, rtype));
            assert_eq!(expected, found, "{name} {rtype}");
            listed += expected.len();
        }
    }
    assert!(listed > names.len() / 4, "{listed} records of {} names", names.len());
}

#[test]
fn published_lists_answer_the_same_in_rbldnsd_and_nsd_after_an_export() {
    let server = server();
    for list in [IPSUM, VPN_IPV4, VPN_IPV6, DOMAINS] {
        let settings = json!({"reason": "listed, see https://bl.example.org/", "test_codes": [5]});
        let zone = match list {
            DOMAINS => server.domain_zone(json!({"reason": "listed"})),
            _ => server.ip_zone(settings),
        };
        zone.import("format=plain&source=list", fixtures::load(list).text);
        let names = names(&zone, list);
        let trie = export(&server, &zone, "format=rbldnsd");
        let rbldnsd = if list == DOMAINS {
            Rbldnsd::start(zone.origin(), &[("dnset", trie.as_bytes())])
        } else {
            let v6 = export(&server, &zone, "format=rbldnsd&dataset=ip6trie");
            let sets = [("ip4set", trie.as_bytes()), ("ip6trie", v6.as_bytes())];
            Rbldnsd::start(zone.origin(), &sets)
        };
        same(server.dns(), rbldnsd.addr(), &names);
        let file = export(&server, &zone, "format=bind");
        assert_eq!(check_zone(zone.origin(), &file), Ok(()));
        let nsd = Nsd::start(zone.origin(), &file);
        same(server.dns(), nsd.addr(), &names);
        check_zone(zone.origin(), &export(&server, &zone, "format=rpz")).unwrap();
    }
}

/// A file of rbldnsd goes in and comes out, and the real rbldnsd answers by it as by the first.
#[test]
fn a_file_of_rbldnsd_answers_the_same_after_it_went_in_and_out() {
    const FILE: &str = ":127.0.0.2:Open relay $, see https://bl.example.org/?ip=$\n\
        192.0.2.9\n192.0.2.10 :127.0.0.3:Spam source $\n192.0.2.64-192.0.2.80\n\
        198.51.100 :127.0.0.10:Dial-up\n!198.51.100.25\n!198.51.100.32/27 theirs\n\
        45.155.205/24\n45.155.205.7 :5:Costs $$5\n203.0.113.9 :6:#1\n";
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.import("format=rbldnsd&dataset=ip4set&source=old", FILE);
    let before = Rbldnsd::start(zone.origin(), &[("ip4set", FILE.as_bytes())]);
    for list in ["ip4set", "ip4trie"] {
        let file = export(&server, &zone, &format!("format=rbldnsd&dataset={list}"));
        let after = Rbldnsd::start(zone.origin(), &[(list, file.as_bytes())]);
        let nets = [[192, 0, 2], [198, 51, 100], [45, 155, 205], [203, 0, 113]];
        let names: Vec<String> = nets
            .into_iter()
            .flat_map(|[a, b, c]| (0..=255u8).map(move |d| IpAddr::from([a, b, c, d])))
            .map(|addr| zone.name_of(addr))
            .collect();
        same(before.addr(), after.addr(), &names);
    }
}

/// An apex, glue and both families, exclusions inside prefixes that do not end at a label.
#[test]
fn a_whole_zone_loads_in_nsd_and_answers_there() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    let own = zone.below("ns1");
    let settings = json!({"kind": "ip", "reason": "x", "ns": [own], "glue": {own.as_str(): ["192.0.2.53", "2001:db8::53"]},
        "apex": {"a": ["192.0.2.80"], "aaaa": ["2001:db8::80"], "txt": ["see \"https://bl.example.org/\""]},
        "records": {"www": {"A": ["192.0.2.81"], "MX": ["10 mail.example.net."], "AAAA": ["2001:db8::81"]},
            "@": {"MX": ["20 mx.example.net."], "CAA": ["0 issue \"ca.example.net\""], "TYPE65281": ["\\# 2 0aff"]},
            "_proof.x": {"TXT": ["it is \"ours\""]}},
        "soa": {"serial": 4711}});
    server.admin().put(&zone.path(), &settings).expect(200);
    zone.list("203.0.112.0/20");
    zone.exclude("203.0.113.0/26");
    zone.list("203.0.113.7");
    zone.list("2001:db8::/33");
    zone.exclude("2001:db8:2::/47");
    let file = export(&server, &zone, "format=bind");
    assert_eq!(check_zone(zone.origin(), &file), Ok(()));
    let nsd = Nsd::start(zone.origin(), &file);
    let mut names: Vec<String> =
        ["203.0.113.1", "203.0.113.7", "203.0.113.64", "203.0.112.1", "203.0.127.255"]
            .into_iter()
            .chain(["203.0.128.0", "127.0.0.1", "127.0.0.2", "::ffff:127.0.0.2", "2001:db8::1"])
            .chain(["2001:db8:3:ffff::", "2001:db8:4::", "2001:db8:8000::"])
            .map(|addr| match addr {
                "::ffff:127.0.0.2" => zone.name_of("::ffff:7f00:2".parse().unwrap()),
                addr => zone.name_of(addr.parse().unwrap()),
            })
            .collect();
    names.extend([zone.origin().to_owned()]);
    names.extend(["ns1", "www", "x", "_proof.x"].map(|name| zone.below(name)));
    let own = [RecordType::MX, RecordType::CAA, RecordType::Unknown(65281)];
    for name in &names {
        let usual = [A, TXT, RecordType::AAAA, RecordType::SOA, RecordType::NS];
        for rtype in usual.into_iter().chain(own) {
            let (ours, theirs) = (data(server.dns(), name, rtype), data(nsd.addr(), name, rtype));
            assert_eq!(ours, theirs, "{name} {rtype}\n{file}");
        }
    }
    let file = export(&server, &zone, "format=rbldnsd&dataset=combined");
    let rbldnsd = Rbldnsd::start(zone.origin(), &[("combined", file.as_bytes())]);
    for name in &names {
        for rtype in [A, TXT, RecordType::MX] {
            let (ours, theirs) =
                (data(server.dns(), name, rtype), data(rbldnsd.addr(), name, rtype));
            assert_eq!(ours, theirs, "{name} {rtype}\n{file}");
        }
    }
}

/// It answers with what other zones list, and a file that looks whole would leave that out.
#[test]
fn a_combined_zone_is_not_exported_as_if_it_were_one() {
    let server = server();
    let part = server.ip_zone(json!({}));
    part.list("192.0.2.1");
    let whole = server.ip_zone(json!({"includes": [{"zone": part.origin()}]}));
    whole.list("198.51.100.1");
    for format in ["rbldnsd", "rbldnsd&dataset=combined", "bind", "rpz"] {
        let path = format!("{}/export?format={format}", whole.path());
        let problem = server.admin().get(&path).expect(422).json();
        assert!(problem["detail"].as_str().unwrap().contains("export each of them"), "{problem}");
    }
    // What it lists itself is a list as any other.
    assert_eq!(export(&server, &whole, "format=plain"), "198.51.100.1\n");
}

/// The zone's own names come before what is listed, also below a wildcard.
#[test]
fn names_of_servers_below_a_wildcard_answer_in_nsd_as_here() {
    let server = server();
    let zone = server.domain_zone(json!({}));
    let own = zone.below("ns1.example.com");
    let settings = json!({"kind": "domain", "ns": [own], "glue": {own.as_str(): ["192.0.2.53"]}, "reason": "x",
        "records": {"www.example.com": {"TXT": ["own"]}}});
    server.admin().put(&zone.path(), &settings).expect(200);
    zone.list("*.example.com");
    zone.list("ns1.example.com");
    zone.exclude("a.ns1.example.com");
    let file = export(&server, &zone, "format=bind");
    assert_eq!(check_zone(zone.origin(), &file), Ok(()));
    let nsd = Nsd::start(zone.origin(), &file);
    for name in [
        "ns1.example.com",
        "www.example.com",
        "x.www.example.com",
        "example.com",
        "x.example.com",
        "x.ns1.example.com",
        "a.ns1.example.com",
        "x.a.ns1.example.com",
        "com",
        "test",
        "invalid",
    ] {
        for rtype in [A, TXT] {
            let name = zone.below(name);
            let (ours, theirs) = (data(server.dns(), &name, rtype), data(nsd.addr(), &name, rtype));
            assert_eq!(ours, theirs, "{name} {rtype}\n{file}");
        }
    }
    let glue = data(nsd.addr(), &own, A);
    assert_eq!(glue, ["192.0.2.53"]);
}

/// A real resolver, by its policy for what is in an answer and for who asks, and by one for names.
#[test]
fn a_resolver_obeys_an_exported_policy() {
    let server = server();
    let zone = server.ip_zone(json!({}));
    zone.list("192.0.2.0/24");
    zone.exclude("192.0.2.128/25");
    zone.list("192.0.2.200");
    zone.list("2001:db8::/32");
    zone.exclude("2001:db8:0:1::5");
    let domains = server.domain_zone(json!({}));
    domains.list("*.bad.stub.example");
    domains.list("deep.under.bad.stub.example");
    domains.exclude("good.bad.stub.example");
    domains.list("exact.stub.example");
    let upstream = NameServer::start(|name, rtype| match (name.split('.').next(), rtype) {
        (Some("listed"), A) => vec![v4("192.0.2.1")],
        (Some("excluded"), A) => vec![v4("192.0.2.129")],
        (Some("again"), A) => vec![v4("192.0.2.200")],
        (Some("listed"), RecordType::AAAA) => vec![v6("2001:db8::1")],
        (Some("excluded"), RecordType::AAAA) => vec![v6("2001:db8:0:1::5")],
        // Also names above, which a resolver that minimises names asks for first.
        (_, A) => vec![v4("203.0.113.1")],
        _ => Vec::new(),
    });
    let names = |policy: &str, questions: &[(&str, RecordType, bool)], origin: &str| {
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("rpz");
        fs::write(&file, policy).unwrap();
        let port = upstream.addr().port();
        let extras = format!(
            "server:\n  module-config: \"respip iterator\"\nrpz:\n  name: {origin}\n  zonefile: \"{}\"\n\
             stub-zone:\n  name: stub.example\n  stub-addr: 127.0.0.1@{port}\n",
            file.display()
        );
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let unbound = Unbound::configured(addr, &extras);
        for (name, rtype, is_blocked) in questions {
            let query = Query::new(&format!("{name}.stub.example"), *rtype).flags(0x0100);
            let reply = query.ask(unbound.addr(), Transport::Udp);
            let blocks = reply.rcode() == 3 && reply.message.answers.is_empty();
            assert_eq!(blocks, *is_blocked, "{name} {rtype}: {reply:?}\n{policy}");
            assert_eq!(reply.message.answers.is_empty(), *is_blocked, "{name} {rtype}: {reply:?}");
        }
    };
    let policy = export(&server, &zone, "format=rpz");
    let aaaa = RecordType::AAAA;
    let questions = [
        ("one", A, false),
        ("listed", A, true),
        ("excluded", A, false),
        ("again", A, true),
        ("listed", aaaa, true),
        ("excluded", aaaa, false),
    ];
    names(&policy, &questions, zone.origin());
    let policy = export(&server, &domains, "format=rpz");
    let questions = [
        ("one", A, false),
        ("x.bad", A, true),
        ("good.bad", A, false),
        ("x.good.bad", A, true),
        ("under.bad", A, true),
        ("x.deep.under.bad", A, true),
        ("exact", A, true),
        ("x.exact", A, false),
    ];
    names(&policy, &questions, domains.origin());
}

fn v4(addr: &str) -> RData {
    let addr: std::net::Ipv4Addr = addr.parse().unwrap();
    RData::A(addr.into())
}

fn v6(addr: &str) -> RData {
    let addr: std::net::Ipv6Addr = addr.parse().unwrap();
    RData::AAAA(addr.into())
}

/// `dnsblctl` with a server and its token.
fn ctl(url: &str, server: &TestServer, words: &[&str]) -> Command {
    let mut command = Command::new(program("dnsblctl"));
    let token = server.data_dir().join("admin.token");
    command.args(["--server", url]).arg("--token-file").arg(token).args(words);
    command
}

#[track_caller]
fn holds(file: &Path, text: &str) -> String {
    eventually(PATIENCE, || {
        let found = fs::read_to_string(file).map_err(|err| err.to_string())?;
        if found.contains(text) { Ok(found) } else { Err(found) }
    })
}

#[track_caller]
fn terminate(process: Process) {
    let finished = process.terminate(PATIENCE).unwrap();
    assert_eq!(finished.code, Some(0), "{}{}", finished.stdout, finished.stderr);
}

#[test]
fn a_watched_folder_follows_its_zones_and_is_left_alone_while_nothing_changes() {
    let server = TestServer::start();
    let zone = server.ip_zone(json!({}));
    let domains = server.domain_zone(json!({}));
    zone.list("192.0.2.1");
    let dir = TempDir::new().unwrap();
    let folder = dir.path().to_str().unwrap();
    let words =
        ["export", zone.origin(), domains.origin(), "--format", "rbldnsd,bind", "--to", folder];
    let watch = [&words[..], &["--watch", "--every", "1"]].concat();
    let process = Process::start(&mut ctl(server.admin().url(), &server, &watch)).unwrap();
    let set = dir.path().join(format!("{}.rbldnsd", zone.origin()));
    let file = dir.path().join(format!("{}.zone", zone.origin()));
    holds(&set, "\n192.0.2.1 ");
    holds(&file, "\n1.2.0.192\t");
    holds(&dir.path().join(format!("{}.zone", domains.origin())), "; end of ");
    holds(&dir.path().join(format!("{}.rbldnsd", domains.origin())), "# end of ");
    let before = fs::metadata(&set).unwrap().modified().unwrap();
    domains.list("example.com");
    holds(&dir.path().join(format!("{}.rbldnsd", domains.origin())), "\nexample.com ");
    assert_eq!(fs::metadata(&set).unwrap().modified().unwrap(), before, "nothing changed there");
    zone.list("192.0.2.2");
    let text = holds(&set, "\n192.0.2.2 ");
    assert!(text.lines().last().unwrap().starts_with("# end of "), "{text}");
    holds(&file, "\n2.2.0.192\t");
    terminate(process);
    // Once more: nothing is new, so that mirrors have nothing to fetch.
    let before = fs::metadata(&set).unwrap().modified().unwrap();
    let finished = Process::run(&mut ctl(server.admin().url(), &server, &words)).unwrap();
    assert_eq!((finished.code, finished.stdout.as_str()), (Some(0), ""), "{}", finished.stderr);
    assert_eq!(fs::metadata(&set).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "no file is left behind");
    drop(server);
}

/// A server that answers each request with the same bytes, and closes.
fn serve(answer: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The head of a request without a body.
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                head.extend(byte);
            }
            // Whoever asked may be gone.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    addr
}

#[test]
fn what_is_cut_off_or_refused_never_replaces_a_file() {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let cut = [
        // Without the last chunk, shorter than it says, without a length, whole but for its last line, an error.
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n5\r\n1.2.3\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 40\r\nconnection: close\r\n\r\n1.2.3.4\n# end of bl\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n1.2.3.4\n# end of bl\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\n1.2.3.4\n",
        "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        "nonsense\r\n\r\n",
    ];
    let server = server();
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("bl.rbldnsd");
    fs::write(&file, "old").unwrap();
    let folder = dir.path().to_str().unwrap().to_owned();
    let words = ["export", "bl", "--format", "rbldnsd", "--to", folder.as_str()];
    for answer in cut {
        let url = format!("http://{}", serve(answer));
        let finished = Process::run(&mut ctl(&url, &server, &words)).unwrap();
        assert_ne!(finished.code, Some(0), "{answer}: {}", finished.stdout);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old", "{answer}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{answer}");
    }
    let whole = "14\r\n1.2.3.4\n# end of bl\n\r\n0\r\n\r\n";
    let url = format!("http://{}", serve(Box::leak(format!("{CHUNKED}{whole}").into_boxed_str())));
    let finished = Process::run(&mut ctl(&url, &server, &words)).unwrap();
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert!(fs::read_to_string(&file).unwrap().starts_with("1.2.3.4"));
}

#[test]
fn a_watcher_waits_for_a_server_that_is_away_and_ends_when_it_is_told() {
    let server = server();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = TempDir::new().unwrap();
    let words = ["export", "bl", "--format", "bind", "--watch", "--every", "1", "--to"];
    let mut command = ctl(&format!("http://{closed}"), &server, &words);
    let process = Process::start(command.arg(dir.path())).unwrap();
    eventually(PATIENCE, || {
        let said = process.stderr();
        if said.matches("stays as it is").count() > 1 { Ok(()) } else { Err(said) }
    });
    terminate(process);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
