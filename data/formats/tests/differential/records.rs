//! Data sets of records.

use std::collections::BTreeSet;

use dnsbl_formats::rbldnsd::{FileError, GenericFile, GenericReader, RecordData};
use dnsbl_tests::PATIENCE;
use dnsbl_types::{Name, UnixTime};
use hickory_proto::rr::{RData, Record, RecordType};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{count, question::origin, rbldnsd::Rbldnsd, run_all};

const NAMES: [&str; 9] = ["@", "w", "W.", "w.x", "a..b", ".x", "*.w", "60", "in"];

fn line() -> impl Strategy<Value = String> {
    let times = ["", "", "60 ", "0 ", "5m ", "in ", "60 IN ", "IN 60 ", "-5 "];
    // rbldnsd loads no file with one of these.
    let fatal = ["5x A 1.2.3.4", "1h30m TXT x", "99999999999 A 1.2.3.4", "MX 10", "MX 10 mail x"];
    let data = [
        "A 127.0.0.2",
        "a 1.2",
        "A 5",
        "A 010.2.3.4 junk",
        "A 1.2.3.4x",
        "A 300",
        "A 1.2.3.",
        "A",
        "TXT some text # and more",
        "TXT \"quoted\"",
        "TXT \"a\" \"b\"",
        "TXT \"open",
        "TXT $ $1 $$",
        "TXT",
        "MX 10 mail.example.net.",
        "MX\t0\tOther.Example",
        "MX 70000 mail",
        "MX mail",
        "NS ns.example.net.",
        "SOA",
    ];
    let record = (select(NAMES.to_vec()), select(times.to_vec()), select(data.to_vec()))
        .prop_map(|(name, time, data)| format!("{name} {time}{data}"));
    let stops = (select(NAMES.to_vec()), select(fatal.to_vec()))
        .prop_map(|(name, data)| format!("{name} {data}"));
    let other = select(&["", "# c", "$TTL 77", "$TTL 0", "$1 x", ":5:x", "$x y", "w", "x"][..]);
    prop_oneof![40 => record, 1 => stops, 4 => other.prop_map(str::to_owned)]
}

/// The shortest TTL and the data of the records of a type; `None` where the name is denied.
type Rrset = Option<(u32, BTreeSet<String>)>;

fn ours(file: &GenericFile, name: &Name, rtype: &str) -> Rrset {
    let mut of_name = file.records.iter().filter(|record| record.name == *name).peekable();
    // The zone's own name is there whatever it has.
    if of_name.peek().is_none() && !name.is_root() {
        return None;
    }
    let of_type = of_name.filter(|record| record.data.rtype() == rtype);
    let (mut ttl, mut data) = (u32::MAX, BTreeSet::new());
    for record in of_type {
        ttl = ttl.min(record.ttl.unwrap_or(2100));
        data.insert(match &record.data {
            RecordData::Txt(text) => String::from_utf8_lossy(text).into_owned(),
            other => other.text(),
        });
    }
    Some((ttl, data))
}

fn theirs((rcode, records): (u8, Vec<Record>)) -> Rrset {
    if rcode == 3 {
        return None;
    }
    assert_eq!(rcode, 0);
    let ttl = records.iter().map(|record| record.ttl).min().unwrap_or(u32::MAX);
    let data = records.iter().map(|record| match &record.data {
        RData::TXT(text) => String::from_utf8(text.txt_data.concat()).unwrap(),
        other => other.to_string().to_ascii_lowercase(),
    });
    Some((ttl, data.collect()))
}

fn compare(lines: &[String]) -> Result<bool, TestCaseError> {
    let mut reader = GenericReader::new(false);
    for (number, line) in (1..).zip(lines) {
        let _ = reader.read(number, line.as_bytes());
    }
    let text = lines.join("\n");
    let served = Rbldnsd::serve(&[("generic", text.as_bytes())]);
    let file = match (reader.finish(UnixTime::now()), &served) {
        (Err(FileError::NotLoaded { .. }), None) => return Ok(false),
        (Ok(file), Some(_)) => file,
        (read, served) => {
            let is_served = served.is_some();
            return Err(TestCaseError::fail(format!("{read:?}, served: {is_served}:\n{text}")));
        }
    };
    let names = ["w", "w.x", "a.b", "x", "*.w", "60", "in", "q.w", "b"];
    let root: Name = Name::from_labels([]).unwrap();
    let names = names.map(|name| Name::from_labels(name.split('.').map(str::as_bytes)).unwrap());
    for name in names.iter().chain([&root]) {
        let whole =
            if name.is_root() { origin().to_string() } else { format!("{name}.{}", origin()) };
        for (rtype, number) in
            [("A", RecordType::A), ("TXT", RecordType::TXT), ("MX", RecordType::MX)]
        {
            let local = std::net::Ipv4Addr::LOCALHOST.into();
            let served = served.as_ref().unwrap();
            let answer = served.records(local, &whole, number, PATIENCE).expect("rbldnsd answers");
            let expected = theirs(answer);
            prop_assert_eq!(
                ours(&file, name, rtype),
                expected,
                "{} {} in:\n{}",
                whole,
                rtype,
                text
            );
        }
    }
    Ok(true)
}

#[test]
fn generic() {
    run_all(count(), &vec(line(), 1..20), |lines: Vec<String>| compare(&lines).map(drop));
}
