//! Access lists.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use dnsbl_formats::rbldnsd::{AclAction, AclFile, AclReader};
use dnsbl_tests::PATIENCE;
use dnsbl_types::UnixTime;
use hickory_proto::rr::{RData, RecordType};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{count, question::origin, rbldnsd::Rbldnsd, run_all};

const CLIENTS: [u8; 6] = [1, 2, 3, 4, 9, 130];

fn line() -> impl Strategy<Value = String> {
    let prefixes = [
        "127.0.0.2",
        "127.0.0.3",
        "127.0.0.4",
        "127.0.0.2/31",
        "127.0.0.0/29",
        "127.0.0.128/25",
        "127.0.0",
        "127.0",
        "127/8",
        "0/0",
        "127.0.0.9",
        "127.0.0.3/24",
        "127.0.0.2-3",
        "!127.0.0.2",
        "::1",
        "2001:db8",
        "x",
    ];
    let actions = [
        "",
        " :ignore",
        " :refuse",
        " :empty",
        " :pass",
        ":pass",
        " =refuse",
        " =Empty",
        " :blackhole",
        " :REFUSE # c",
        " :pass x",
        " ;c",
        " # c",
        " text $",
        " :9:$ may not",
        " :7",
        " :8:",
        " :refused",
        " =no",
        " : refuse",
        "=pass",
        " :10.0.0.1:x",
        " :6:$1",
    ];
    let defaults = [
        ":refuse",
        "=empty",
        ":pass",
        ":5:default $",
        ":4",
        ":ignore",
        ": refuse",
        ":nonsense",
        "=",
        "",
        "# c",
        "$1 one",
        "$TTL 5",
        "$MAXRANGE4 /8",
        "$MAXRANGE4 256",
        "$SOA 5 a. b. 0 1 2 3 4",
        "$NS 5 a.",
    ];
    let rule = (select(prefixes.to_vec()), select(actions.to_vec()))
        .prop_map(|(prefix, action)| format!("{prefix}{action}"));
    prop_oneof![5 => rule, 2 => select(defaults.to_vec()).prop_map(str::to_owned)]
}

/// What becomes of a client's question.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Refused,
    Denied,
    Listed(String, String),
}

const LISTED: (&str, &str) = ("127.0.0.5", "data");

fn ours(file: &AclFile, client: IpAddr) -> Option<Seen> {
    let rules = file.rules.iter().filter(|rule| rule.prefix.contains(&client));
    let Some(rule) = rules.max_by_key(|rule| rule.prefix.prefix_len()) else {
        return Some(Seen::Listed(LISTED.0.into(), LISTED.1.into()));
    };
    Some(match rule.action.as_ref().ok()? {
        AclAction::Ignore => Seen::Nothing,
        AclAction::Refuse => Seen::Refused,
        AclAction::Empty => Seen::Denied,
        AclAction::Pass => Seen::Listed(LISTED.0.into(), LISTED.1.into()),
        AclAction::Listed(code, reason) => {
            let text = reason.as_ref().map(|reason| reason.render(&client));
            Seen::Listed(code.to_string(), text.unwrap_or_default())
        }
    })
}

fn theirs(server: &Rbldnsd, client: IpAddr, limit: Duration) -> Seen {
    let name = format!("4.3.2.1.{}", origin());
    let Some((rcode, records)) = server.records(client, &name, RecordType::ANY, limit) else {
        return Seen::Nothing;
    };
    match rcode {
        5 => return Seen::Refused,
        3 => return Seen::Denied,
        rcode => assert_eq!(rcode, 0),
    }
    let (mut code, mut text) = (String::new(), String::new());
    for record in records {
        match &record.data {
            RData::A(addr) => code = addr.to_string(),
            RData::TXT(data) => text = String::from_utf8(data.txt_data.concat()).unwrap(),
            other => panic!("{other:?}"),
        }
    }
    Seen::Listed(code, text)
}

fn compare(lines: &[String]) -> Result<(), TestCaseError> {
    let mut reader = AclReader::new(false);
    let mut kept = Vec::new();
    for (number, line) in (1..).zip(lines) {
        match reader.read(number, line.as_bytes()) {
            // Such a line has rbldnsd crash, or a value that is none here.
            Err(wrong) if wrong.differs() => {}
            Ok(()) | Err(_) => kept.push(line.as_str()),
        }
    }
    let file = reader.finish(UnixTime::now()).unwrap();
    let text = kept.join("\n");
    let data: &[u8] = b":5:data\n1.2.3.4\n";
    let served = Rbldnsd::serve(&[("ip4set", data), ("acl", text.as_bytes())]);
    let served = served.expect("rbldnsd serves any access list");
    for last in CLIENTS {
        let client: IpAddr = Ipv4Addr::new(127, 0, 0, last).into();
        let Some(expected) = ours(&file, client) else { continue };
        // What does not come is waited for only where it should come.
        let limit = if expected == Seen::Nothing { Duration::from_millis(20) } else { PATIENCE };
        let found = theirs(&served, client, limit);
        prop_assert_eq!(expected, found, "{} in:\n{}", client, text);
    }
    Ok(())
}

#[test]
fn acl() {
    run_all(count(), &vec(line(), 1..12), |lines: Vec<String>| compare(&lines));
}
