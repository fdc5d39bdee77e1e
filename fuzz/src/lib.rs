//! What is fuzzed: each function takes any bytes, and panics if what reads them is wrong.
//!
//! The programs in `targets/` hand these functions to libFuzzer; `tests/corpus.rs` calls them with
//! what was found before. `README.md` says how they are built.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Arc, LazyLock},
    time::Instant,
};

use dnsbl_client::{QueryType, Question, read_reply};
use dnsbl_formats::rbldnsd::{
    self, AclReader, CombinedReader, Contents, GenericReader, ListType, Reader, ValueId,
};
use dnsbl_index::{Index, IndexWriter};
use dnsbl_reports::{
    Comment, Evidence,
    body::{Beside, read_arf, read_xarf},
};
use dnsbl_server::Paths;
use dnsbl_types::{
    AccessKey, Entry, EntryWriter as _, Follower as _, Include, Includes, Name, Quota, Recognition,
    Records, Serial, Subscriber, SubscriberId, SubscriberKey, SubscriberMode, UnixTime, ZoneKind,
    ZoneSpec,
};
use hickory_proto::op::Message;
use relay_tester::{Reply, dialogue::ReplyReader};

mod logline;
mod mail_log;
mod policy;
mod smtp_log;

/// A fuzz target's name, as in `corpus/` and `targets/`, and its function.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 10] = [
    ("client-reply", client_reply),
    ("drac", drac),
    ("import-rows", import_rows),
    ("logline", logline),
    ("policy-request", policy_request),
    ("query", query),
    ("rbldnsd-file", rbldnsd_file),
    ("report-body", report_body),
    ("smtp-reply", smtp_reply),
    ("stored-value", stored_value),
];

const NOW: UnixTime = UnixTime(1_700_000_000);
/// The most that is sent over UDP without EDNS, in octets (RFC 1035 section 4.2.1).
const CLASSIC: usize = 512;

/// What is listed in the server that is asked.
static LISTED: LazyLock<Paths> = LazyLock::new(|| {
    let index = Arc::new(Index::default());
    let mut writer = IndexWriter::new(index.clone());
    for (origin, kind, subjects) in [
        ("bl.example", ZoneKind::Ip, &["192.0.2.1", "198.51.100.0/24", "2001:db8::/32"][..]),
        ("d.example", ZoneKind::Domain, &["spam.example", "*.wild.example"][..]),
        ("all.example", ZoneKind::Ip, &["192.0.2.0/24"][..]),
        ("keys.example", ZoneKind::Ip, &["192.0.2.1"][..]),
    ] {
        let ns: Name = "ns1.example.net".parse().expect("a name");
        let reason = "Listed, see https://bl.example.org/$".parse().expect("a reason");
        let spec = ZoneSpec::new(origin.parse().expect("a name"), kind, vec![ns], reason);
        let mut spec = ZoneSpec { records: records(&spec.origin), ..spec };
        if origin == "all.example" {
            let zone = "bl.example".parse().expect("a name");
            let include = Include { zone, return_codes: Vec::new(), reason: None };
            spec.includes = Includes::new(vec![include]).expect("one zone");
        }
        if origin == "keys.example" {
            spec.access.subscribers = SubscriberMode::Required;
            writer.set_subscriber(None, Some(&subscriber(&spec.origin)));
        }
        let zone = spec.check().expect("settings that fit together");
        let origin = zone.origin.clone();
        writer.put_zone(&zone, Serial(1));
        for subject in subjects {
            let subject = subject.parse().expect("a subject");
            writer.set_entries(&origin, &subject, &[Entry::default()]);
        }
    }
    writer.publish(1, Instant::now());
    Paths::new(index)
});

/// The subscriber with the key `aaaaaaaaaaaaaaaaaaaaaaaaaa`.
fn subscriber(origin: &Name) -> Subscriber {
    let digest = AccessKey::from_random([0; AccessKey::RANDOM]).digest();
    Subscriber {
        id: SubscriberId(1),
        name: "A subscriber".into(),
        zones: vec![origin.clone()],
        networks: Vec::new(),
        recognition: Recognition::Key,
        quota: Quota::default(),
        expires_at: None,
        keys: vec![SubscriberKey { digest, created_at: NOW, until: None }],
        note: None,
        created_at: NOW,
    }
}

/// A web site and a mailbox.
fn records(origin: &Name) -> Records {
    let types = [("A", "192.0.2.80"), ("MX", "10 mail.example."), ("TXT", "a text")];
    let types = types.map(|(rtype, text)| (rtype.to_owned(), vec![text.to_owned()])).into();
    Records::parse(origin, [("www", &types), ("@", &types)]).expect("good records")
}

/// A packet that comes to the server. What it replies can be read, is to that packet, and is the same on
/// the fast path as on the slow one.
pub fn query(packet: &[u8]) {
    let [udp, tcp] = LISTED.slow(packet, NOW);
    for reply in [&udp, &tcp].into_iter().flatten() {
        assert_eq!(packet[..2], reply[..2], "the id");
        assert_eq!((packet[2] & 0x80, reply[2] & 0x80), (0, 0x80), "a reply, and to none");
        Message::from_vec(reply).expect("a reply that can be read");
    }
    let mut buffer = [0; CLASSIC];
    if let Some(len) = LISTED.fast(packet, &mut buffer, NOW) {
        let udp = udp.expect("what one path answers, the other does too");
        // Flags, response code and counts; names may be compressed in other ways.
        assert_eq!(buffer[..12], udp[..12], "{packet:02x?}");
        let edns = |reply: &[u8]| Message::from_vec(reply).expect("a reply that can be read").edns;
        assert_eq!(edns(&buffer[..len]), edns(&udp), "{packet:02x?}");
    }
}

/// A message that comes back to the client.
pub fn client_reply(message: &[u8]) {
    static QUESTIONS: LazyLock<[Question; 2]> = LazyLock::new(|| {
        [QueryType::A, QueryType::Txt].map(|rtype| {
            let name = "1.2.0.192.bl.example".parse().expect("a name");
            Question { name, rtype }
        })
    });
    for question in &*QUESTIONS {
        if let Some(answer) = read_reply(question, message) {
            assert!(answer.addresses.is_empty() || question.rtype == QueryType::A, "{answer:?}");
            assert!(answer.texts.is_empty() || question.rtype == QueryType::Txt, "{answer:?}");
        }
    }
}

/// A datagram to DRAC's port. The answer is to that call, short, and none to which anybody would answer.
pub fn drac(datagram: &[u8]) {
    if let Some(reply) = dnsbl_logins::drac::answer(datagram) {
        assert_eq!(datagram[..4], reply[..4], "the xid");
        assert_eq!(reply[4..8], [0, 0, 0, 1], "a reply");
        assert!(reply.len() <= 32, "a long reply: {reply:02x?}");
        assert!(dnsbl_logins::drac::answer(&reply).is_none(), "{reply:02x?}");
    }
}

/// A file that is imported; its first byte is the format.
pub fn import_rows(input: &[u8]) {
    let Some((format, body)) = input.split_first() else { return };
    let lines = 1 + body.iter().filter(|byte| **byte == b'\n').count();
    assert!(admin_api::count_rows(*format, body) <= lines, "more rows than lines");
}

/// A file of rbldnsd; its first byte is the type. Each subject has one row, and each row a value.
pub fn rbldnsd_file(input: &[u8]) {
    const TYPES: [ListType; 7] = [
        ListType::Ip4Set,
        ListType::Ip4TSet,
        ListType::Ip4Trie,
        ListType::Ip6TSet,
        ListType::Ip6Trie,
        ListType::DnSet,
        ListType::DnHash,
    ];
    let Some((list, body)) = input.split_first() else { return };
    let strict = body.len().is_multiple_of(2);
    let lines = || (1..).zip(body.split(|byte| *byte == b'\n'));
    match list % 10 {
        7 => {
            let mut reader = GenericReader::new(strict);
            lines().for_each(|(number, line)| drop(reader.read(number, line)));
            if let Ok(file) = reader.finish(NOW) {
                assert!(file.records.iter().all(|record| !record.data.text().is_empty()));
            }
        }
        8 => {
            let mut reader = AclReader::new(strict);
            lines().for_each(|(number, line)| drop(reader.read(number, line)));
            if let Ok(file) = reader.finish(NOW) {
                let mut prefixes = HashSet::new();
                assert!(file.rules.iter().all(|rule| prefixes.insert(rule.prefix)), "two rules");
            }
        }
        9 => {
            let mut reader = CombinedReader::new(None, strict);
            for (number, line) in lines() {
                if let Ok(Some(entry)) = reader.read(number, line) {
                    reader.add(&entry);
                }
            }
            let Ok(file) = reader.finish(NOW) else { return };
            for section in file.sections {
                if let Contents::List(_, file) = section.contents {
                    rows(file);
                }
            }
        }
        list => {
            let mut reader = Reader::new(TYPES[usize::from(list)], strict);
            for (number, line) in lines() {
                if let Ok(Some(entry)) = reader.read(number, line) {
                    assert!(entry.subjects().count() > 0, "an entry about nothing");
                    reader.add(&entry);
                }
            }
            if let Ok(file) = reader.finish(NOW) {
                rows(file);
            }
        }
    }
}

fn rows(file: rbldnsd::File) {
    let values = file.values.len();
    let mut subjects = HashSet::new();
    let put = |subject, said: &[_]| {
        let known = |id: &ValueId| id.place().is_none_or(|at| at < values);
        assert!(!said.is_empty() && said.iter().all(known), "{subject:?}");
        assert!(subjects.insert(subject), "a subject has two rows");
        Ok::<(), ()>(())
    };
    file.rows.for_each(put).expect("nothing fails");
}

/// What a tested host sends; it makes no difference how it is cut.
pub fn smtp_reply(sent: &[u8]) {
    let whole = replies([sent]);
    assert_eq!(whole, replies(sent.chunks(1)));
    assert_eq!(whole, replies(sent.chunks(7)));
}

/// All replies in what came in these pieces, up to the first that can't be read.
fn replies<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Reply> {
    let mut reader = ReplyReader::default();
    let mut replies = Vec::new();
    for piece in pieces {
        if reader.push(piece).is_err() {
            return replies;
        }
        loop {
            match reader.next_reply() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(_) => return replies,
            }
        }
    }
    replies
}

/// A line of a mail log. Only one format takes it for a login, of a user and an address that stand in it, and
/// none does where another program quotes it.
pub fn logline(line: &[u8]) {
    let Ok(line) = str::from_utf8(line) else { return };
    let (login, takers) = logline::read(line);
    assert_eq!(usize::from(login.is_some()), takers);
    if let Some(login) = login {
        let user = login.user.as_str();
        assert!(
            line.contains(user) && !user.contains(|c: char| " <>[]()\",".contains(c)),
            "{line:?}"
        );
        let words = line.split(|c: char| !c.is_ascii_hexdigit() && !":.".contains(c));
        let mut addresses = words.filter_map(|word| word.parse::<IpAddr>().ok());
        assert!(addresses.any(|address| address.to_canonical() == login.address), "{line:?}");
    }
    let quoted = format!("Nov 29 15:10:36 mail postfix/smtpd[1]: warning: {line}");
    assert_eq!(logline::read(&quoted), (None, 0));
    smtp_line(line);
    assert_eq!(smtp_log::read(&quoted), (None, 0));
}

/// A line of an SMTP server's log: whom it is about and what it names stand in it.
fn smtp_line(line: &str) {
    let (seen, takers) = smtp_log::read(line);
    assert!(takers <= 1 && (takers == 1 || seen.is_none()), "{line:?}");
    if let Some((client, named)) = seen {
        assert!(line.contains(named) && !named.contains([' ', '<', '>']), "{line:?}");
        let words = line.split(|c: char| !c.is_ascii_hexdigit() && !":.".contains(c));
        let mut addresses = words.filter_map(|word| word.parse::<IpAddr>().ok());
        assert!(addresses.any(|address| address.to_canonical() == client), "{line:?}");
    }
}

/// A value in the database; its first byte is the kind.
pub fn stored_value(input: &[u8]) {
    if let Some((kind, value)) = input.split_first() {
        dnsbl_store::fuzz::read_value(*kind, value);
    }
}

/// What a mail server sends to the policy service; it makes no difference how it is cut.
pub fn policy_request(sent: &[u8]) {
    let whole = policy::requests([sent]);
    assert_eq!(whole, policy::requests(sent.chunks(1)));
}

/// A report in a form of others; the first byte says which. What is kept of it is short, and nothing that a terminal
/// obeys.
pub fn report_body(bytes: &[u8]) {
    const PARTS: &str = "multipart/report; report-type=feedback-report; boundary=b";
    let Some((form, body)) = bytes.split_first() else { return };
    let beside = Beside::default();
    let read = match form % 3 {
        0 => read_xarf(body, &beside),
        1 => read_arf(PARTS, body, &beside),
        _ => read_arf("message/rfc822", body, &beside),
    };
    let Ok(claimed) = read else { return };
    assert!(claimed.count > 0);
    let is_clean = |text: &str| text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    if let Some(evidence) = &claimed.evidence {
        assert!(evidence.as_str().len() <= Evidence::MAX && is_clean(evidence.as_str()));
    }
    if let Some(comment) = &claimed.comment {
        assert!(comment.as_str().len() <= Comment::MAX && is_clean(comment.as_str()));
    }
}
