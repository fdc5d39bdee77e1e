//! Plain text: one subject a line, `!` before it excludes.

use std::io::{self, BufRead};

use dnsbl_types::{ListingBody, Subject, SubjectError};

use super::{
    after,
    lines::{Lines, text},
    row::{ParsedRow, Rejection, Row},
    seems::Seems,
};

/// The rows of a plain body.
pub(super) fn rows(lines: Lines<impl BufRead>) -> impl Iterator<Item = io::Result<Row>> {
    let mut plain = Plain { lines, lost: None };
    std::iter::from_fn(move || plain.next().transpose())
}

struct Plain<R> {
    lines: Lines<R>,
    /// The line that gives all lines after it something that plain does not read.
    lost: Option<u64>,
}

impl<R: BufRead> Plain<R> {
    fn next(&mut self) -> io::Result<Option<Row>> {
        while let Some((number, line)) = self.lines.next_raw()? {
            let row = match line {
                Ok([]) => continue,
                Ok(line) => row(line),
                Err(err) => Some(Err(err.into())),
            };
            match (row, self.lost) {
                (Some(Ok(_)), Some(lost)) => return Ok(Some((number, Err(lost_since(lost))))),
                (Some(Err(wrong)), None) if wrong.spreads => {
                    self.lost = Some(number);
                    return Ok(Some((number, Err(wrong))));
                }
                (Some(row), _) => return Ok(Some((number, row))),
                (None, _) => {}
            }
        }
        Ok(None)
    }
}

fn lost_since(line: u64) -> Rejection {
    let why = format!(
        "line {line} says something about all lines behind it, which plain would lose; format=rbldnsd reads it, with dataset=ip4set, ip4trie, ip6trie or dnset"
    );
    Rejection::text(why)
}

/// What a line says; `None` for an empty one and a comment.
fn row(line: &[u8]) -> Option<Result<ParsedRow, Rejection>> {
    // Most lines of most lists are an address and nothing else.
    match Subject::dotted_quad(line) {
        Some(subject) => Some(Ok(ParsedRow::plain(subject))),
        None => text(line).map_or_else(|err| Some(Err(err.into())), row_of_any_kind),
    }
}

fn row_of_any_kind(text: &str) -> Option<Result<ParsedRow, Rejection>> {
    let line = text.trim_start_matches([' ', '\t']);
    if line.is_empty() || line.starts_with(['#', ';']) {
        return None;
    }
    let (exclusion, line) = match line.strip_prefix('!') {
        Some(line) => (true, line),
        None => (false, line),
    };
    let end = line.bytes().position(|c| matches!(c, b' ' | b'\t')).unwrap_or(line.len());
    let (given, rest) = line.split_at(end);
    Some(match given.parse::<Subject>() {
        Ok(subject) => after::look(given, &subject, rest).map(|doubt| ParsedRow {
            body: ListingBody { exclusion, ..ListingBody::default() },
            doubt,
            ..ParsedRow::plain(subject)
        }),
        Err(err) => Err(no_subject(line, given, &err)),
    })
}

/// Why a line has no subject, and what it seems to be.
fn no_subject(line: &str, given: &str, err: &SubjectError) -> Rejection {
    let seems = match err {
        SubjectError::Range { .. } => Some(Seems::Ranges),
        SubjectError::Notation { .. } => Some(Seems::Netmasks),
        SubjectError::Value { .. } | SubjectError::LeadingDot { .. } => Some(Seems::Rbldnsd),
        SubjectError::Url { .. } => Some(Seems::Urls),
        _ => of_line(line, given),
    };
    let more = match (err, seems) {
        (SubjectError::Range { .. }, _) if !given.contains(':') => {
            "; format=rbldnsd&dataset=ip4set reads ranges"
        }
        (SubjectError::Value { .. }, _) => {
            ", which plain would lose; format=rbldnsd reads it, with dataset=ip4set, or dnset if a blank stands before it"
        }
        (SubjectError::LeadingDot { .. }, _) => "; format=rbldnsd&dataset=dnset reads this as both",
        (_, Some(Seems::Csv)) => "; plain has one subject a line, format=csv reads columns",
        (_, Some(Seems::AdBlock)) => "; this is a line for an ad blocker",
        (_, Some(Seems::Resolver)) => "; this is a line of a resolver's configuration",
        (_, Some(Seems::Rbldnsd)) => {
            "; format=rbldnsd reads this, with dataset=ip4set, ip4trie, ip6trie or dnset"
        }
        (_, Some(Seems::ZoneFile)) => "; this is a line of a zone file",
        (_, Some(Seems::Json)) => "; this is JSON: format=ndjson has an object a line",
        _ => "",
    };
    // What stands behind it counts for all lines that follow.
    let spreads =
        line.starts_with(':') || line.starts_with("$ORIGIN") || line.starts_with("$DATASET");
    Rejection { why: format!("subject: {err}{more}"), seems, spreads }
}

/// What a line seems to be that begins with no subject.
fn of_line(line: &str, given: &str) -> Option<Seems> {
    let begins = |with: &[&str]| with.iter().any(|with| line.starts_with(with));
    Some(match () {
        () if begins(&["||", "@@", "[Adblock", "[uBlock"]) || given.ends_with('^') => {
            Seems::AdBlock
        }
        () if begins(&["address=/", "server=/", "local=/", "local-zone:", "local-data:"]) => {
            Seems::Resolver
        }
        () if begins(&["$ORIGIN", "$INCLUDE", "@ ", "@\t"]) => Seems::ZoneFile,
        () if begins(&["$", ":"]) => Seems::Rbldnsd,
        () if begins(&["{", "[\"", "[{", "]", "}"])
            || line.trim_end() == "["
            || given.starts_with('"') && line.contains("\":") =>
        {
            Seems::Json
        }
        () if begins(&["<"]) => Seems::Page,
        () if given.contains([',', ';']) => Seems::Csv,
        () if given.contains('@') => Seems::Mailboxes,
        () => return None,
    })
}

#[cfg(test)]
mod tests {
    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    use super::*;

    fn read(body: &str) -> Vec<(u64, Result<String, String>)> {
        let rows = rows(Lines::new(body.as_bytes())).map(Result::unwrap);
        let shown = rows.map(|(line, row)| {
            let shown = row.map(|said| {
                format!("{}{}", if said.body.exclusion { "!" } else { "" }, said.subject)
            });
            (line, shown.map_err(|wrong| wrong.why))
        });
        shown.collect()
    }

    #[test]
    fn comments_and_what_follows_a_blank_are_ignored() {
        let body = "\u{feff}# a\r\n; b\r\n\r\n192.0.2.1\r\n!192.0.2.2 theirs\r\n192.0.2.0/24\ty\n*.example.com";
        assert_eq!(
            read(body),
            [
                (4, Ok("192.0.2.1".into())),
                (5, Ok("!192.0.2.2".into())),
                (6, Ok("192.0.2.0/24".into())),
                (7, Ok("*.example.com".into())),
            ]
        );
    }

    #[test]
    fn a_line_of_an_address_alone_is_read_like_any_other() {
        for line in ["192.0.2.1", "255.255.255.255", "0.0.0.0", "192.0.2.256", "1.2.3", "01.2.3.4"]
        {
            assert_eq!(row(line.as_bytes()), row_of_any_kind(line), "{line}");
        }
        let wrong = row(b"192.0.2.1 \xff").unwrap().unwrap_err();
        assert_eq!(wrong.why, "byte 11 is not UTF-8");
    }

    #[test]
    fn a_line_without_a_subject_is_rejected_with_its_number() {
        let read = read("192.0.2.1/24\n! 192.0.2.1\n192.0.2.1");
        assert!(read[0].1.as_ref().unwrap_err().contains("192.0.2.0/24"));
        assert!(read[1].1.is_err());
        assert_eq!(read[2], (3, Ok("192.0.2.1".into())));
    }

    #[test]
    fn lines_of_other_formats_say_so() {
        let seems = |line: &str| row(line.as_bytes()).unwrap().unwrap_err().seems;
        for (line, expected) in [
            ("||bad.example.com^", Seems::AdBlock),
            ("@@||good.example.com^", Seems::AdBlock),
            ("address=/bad.example.com/0.0.0.0", Seems::Resolver),
            ("local-zone: \"bad.example.com\" always_nxdomain", Seems::Resolver),
            ("192.0.2.1,192.0.2.2", Seems::Csv),
            ("192.0.2.0;24", Seems::Csv),
            ("{\"cidr\":\"198.51.100.0/24\"}", Seems::Json),
            ("[", Seems::Json),
            ("$SOA 300 ns.example.org hm.example.org 0 3600 600 86400 300", Seems::Rbldnsd),
            (".example.net", Seems::Rbldnsd),
            ("192.0.2.0-255", Seems::Ranges),
            ("192.0.2.0/255.255.255.0", Seems::Netmasks),
            ("https://bad.example.com/x", Seems::Urls),
            ("spam@bad.example.com", Seems::Mailboxes),
        ] {
            assert_eq!(seems(line), Some(expected), "{line}");
        }
    }

    /// Newcomer A1: the value of a whole data set was lost.
    #[test]
    fn what_counts_for_all_lines_behind_it_is_not_lost() {
        let read = read("192.0.2.1\n:127.0.0.10:Dial-up $\n192.0.2.2\n# x\n192.0.2.3");
        assert_eq!(read[0], (1, Ok("192.0.2.1".into())));
        for (at, row) in [(2, &read[1]), (3, &read[2]), (5, &read[3])] {
            assert_eq!(row.0, at);
            assert!(row.1.as_ref().unwrap_err().contains("rbldnsd"), "{row:?}");
        }
    }

    proptest! {
        /// Field cases 1 and 2: of whatever network, in whatever notation.
        #[test]
        fn no_notation_of_a_network_is_taken_for_one_address(addr: u32, len in 1u8..32) {
            let net = Ipv4Net::new(addr.into(), len).unwrap().trunc();
            let (first, last, mask) = (net.network(), net.broadcast(), net.netmask());
            for behind in [
                format!(" {len}"),
                format!("\t{len}\tEXAMPLE-NET"),
                format!(" /{len}"),
                format!("  / {len} x"),
                format!(" {mask}"),
                format!("/{mask}"),
                format!(" netmask {mask}"),
                format!(" {}", net.hostmask()),
                format!(" - {last}"),
                format!(" -{last}"),
                format!("-{last}"),
                format!("- {last}"),
                format!(" {last}"),
                format!("\t{last}\t{len}\t3012"),
                format!(",{last}"),
                format!(" , {last} , 100"),
                format!(";{len}"),
                format!(" to {last}"),
            ] {
                let line = format!("{first}{behind}");
                let row = row(line.as_bytes()).unwrap();
                prop_assert!(row.is_err(), "{} is taken for {:?}", line, row);
            }
        }

        #[test]
        fn a_count_behind_an_address_of_no_network_is_a_comment(addr: u32, count in 1u8..16) {
            prop_assume!(addr.trailing_zeros() < 16);
            let addr = std::net::Ipv4Addr::from(addr | 1);
            let row = row(format!("{addr}\t{count}").as_bytes()).unwrap();
            prop_assert_eq!(row, Ok(ParsedRow::plain(addr.into())));
        }
    }
}
