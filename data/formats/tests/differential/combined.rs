//! Combined files.

use std::collections::BTreeSet;

use dnsbl_formats::rbldnsd::{CombinedReader, Contents, FileError, ListType};
use dnsbl_types::{Name, UnixTime};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    count, files,
    ours::Ours,
    question::{Answers, Question, origin},
    rbldnsd::Rbldnsd,
    run_all,
};

/// A part: its type, for whom it is, and its lines.
type Part = (&'static str, &'static str, Vec<Vec<u8>>);

fn part() -> impl Strategy<Value = Part> {
    let lists = [
        ListType::Ip4Set,
        ListType::Ip4TSet,
        ListType::Ip4Trie,
        ListType::Ip6TSet,
        ListType::Ip6Trie,
        ListType::DnSet,
    ];
    let subs = ["@", "@", "one", "one two", "Two.x @ # c", "two.x", "", "a\\256 one", "x one one"];
    let lists = select(lists.to_vec()).prop_flat_map(|list| {
        let lines = files::files(list).prop_map(|mut lines| {
            lines.truncate(8);
            lines
        });
        (Just(list.as_str()), lines)
    });
    (lists, select(subs.to_vec())).prop_map(|((list, lines), subs)| (list, subs, lines))
}

fn file() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let head = select(&["$1 one", "$TTL 5", "$= base $=", "$MAXRANGE4 /20", "# c", "", "$x"][..]);
    // rbldnsd loads no file with one of these.
    let stops = select(
        &["$DATASET foo @", "$DATASET acl @", "$DATASET combined @", "$DATASET IP4SET @"][..],
    );
    (vec(head, 0..4), vec(part(), 1..5), prop::option::weighted(0.05, stops)).prop_map(
        |(head, parts, stops)| {
            let mut lines: Vec<Vec<u8>> =
                head.iter().map(|line| line.as_bytes().to_vec()).collect();
            for (number, (list, subs, of_part)) in parts.into_iter().enumerate() {
                lines.push(format!("$DATASET {list}:n{number} {subs}").into_bytes());
                lines.extend(of_part);
            }
            lines.extend(stops.map(|line| line.as_bytes().to_vec()));
            lines
        },
    )
}

/// The lines without those that can't be told, and without CR.
fn read(lines: &[Vec<u8>]) -> (CombinedReader, Vec<Vec<u8>>) {
    let mut reader = CombinedReader::new(None, false);
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for (number, line) in (1..).zip(lines) {
        let is_kept = match reader.read(number, line) {
            Ok(Some(entry)) => {
                reader.add(&entry);
                true
            }
            Ok(None) => true,
            Err(wrong) => {
                !wrong.differs() || line.starts_with(b":") || line.starts_with(b"$DATASET")
            }
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        kept.extend(is_kept.then(|| line.to_vec()));
    }
    (reader, kept)
}

fn compare(lines: &[Vec<u8>]) -> Result<(), TestCaseError> {
    let (reader, kept) = read(lines);
    let text = kept.join(&b'\n');
    let shown = String::from_utf8_lossy(&text).into_owned();
    let served = Rbldnsd::serve(&[("combined", &text)]);
    let (file, served) = match (reader.finish(UnixTime::now()), served) {
        (Err(FileError::NotLoaded { .. }), None) => return Ok(()),
        (Ok(file), Some(served)) => (file, served),
        (read, served) => {
            let (read, is_served) = (read.map(drop), served.is_some());
            return Err(TestCaseError::fail(format!("{read:?}, served: {is_served}:\n{shown}")));
        }
    };
    let mut parts: Vec<(Vec<Name>, ListType, Ours)> = Vec::new();
    for section in file.sections {
        if let Contents::List(list, of) = section.contents {
            let Some(ours) = Ours::of(list, of, text.clone()) else { return Ok(()) };
            parts.push((section.part.below, list, ours));
        }
    }
    let subs: BTreeSet<&Name> = parts.iter().flat_map(|(below, ..)| below).collect();
    for sub in subs {
        let origin = origin();
        let zone = origin.prepend(sub.labels()).unwrap();
        let of_sub: Vec<_> = parts.iter().filter(|(below, ..)| below.contains(sub)).collect();
        let questions: BTreeSet<Question> =
            of_sub.iter().flat_map(|(_, list, _)| files::questions(*list, &text)).collect();
        // Enough of them, as there are many files.
        for question in questions.iter().step_by(1 + questions.len() / 200) {
            let name = question.below(&zone);
            let asked = of_sub.iter().filter(|(_, list, _)| {
                list.kind().has_addresses() == matches!(question, Question::Addr(_))
            });
            let answers: Vec<Answers> =
                asked.filter_map(|(_, _, ours)| ours.ask(question)).collect();
            let expected = (!answers.is_empty()).then(|| Answers {
                codes: answers.iter().flat_map(|of| of.codes.clone()).collect(),
                texts: answers.iter().flat_map(|of| of.texts.clone()).collect(),
            });
            let is_below_other = matches!(question, Question::Name(asked) if parts.iter().any(
                |(below, ..)| below.iter().any(|other| !other.is_root() && is_below(asked, sub, other))
            ));
            if !is_below_other {
                prop_assert_eq!(served.ask_name(&name), expected, "{} in:\n{}", name, shown);
            }
        }
    }
    Ok(())
}

/// Whether a name asked for below `sub` lies in what another part is for.
fn is_below(asked: &Name, sub: &Name, other: &Name) -> bool {
    let Ok(whole) = sub.prepend(asked.labels()) else { return false };
    whole.strip_suffix(other).is_some() && other != sub && sub.strip_suffix(other).is_none()
}

#[test]
fn combined() {
    run_all(count(), &file(), |lines: Vec<Vec<u8>>| compare(&lines));
}
