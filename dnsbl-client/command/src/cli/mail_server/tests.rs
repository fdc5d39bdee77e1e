use super::{Statement, Text, foreign, read};

fn restriction(line: usize, name: &'static str, zone: &str) -> Statement {
    Statement::Restriction(name, Text::on(line, zone))
}

#[test]
fn postfix_continues_lines_with_blanks_in_front() {
    let text = "# comment\nmydomain = example.org\nsmtpd_recipient_restrictions =\n  permit_mynetworks,\n# no end\n  \
                reject_rbl_client bl.example.org=127.0.0.2,\n\treject_rhsbl_sender dbl.example.org\n";
    assert_eq!(
        read(text),
        [
            restriction(6, "reject_rbl_client", "bl.example.org=127.0.0.2"),
            restriction(7, "reject_rhsbl_sender", "dbl.example.org")
        ]
    );
}

#[test]
fn exim_continues_them_with_a_backslash_behind() {
    let text = "acl_rcpt:\n  deny message = no\n       dnslists = a.example : \\\n                  b.example!=127.0.0.2\n  accept\n";
    let [Statement::EximLists(lists, false)] = &read(text)[..] else { panic!("{:?}", read(text)) };
    assert_eq!(lists.as_str(), "a.example : b.example!=127.0.0.2");
    let at = |word: &str| lists.line_at(lists.as_str().find(word).unwrap());
    assert_eq!((at("a.example"), at("b.example")), (3, 4));
}

#[test]
fn a_bare_line_is_taken_for_what_it_looks_like() {
    let only = |text: &str| read(text).remove(0);
    let sites = "a.example*2 b.example";
    assert_eq!(only(sites), Statement::PostscreenSites(Text::on(1, sites)));
    let lists = "a.example!&0.0.0.2";
    assert_eq!(only(lists), Statement::EximLists(Text::on(1, lists), false));
    for text in ["a = b\nc = d\n", "mydomain=example.org", "root:x:0:0:root:/root:/bin/sh", ""] {
        assert_eq!(read(text), [], "{text}");
    }
}

#[test]
fn names_that_stand_for_themselves_or_grow_without_end_come_to_an_end() {
    let mut text = String::from("a0 = reject_rbl_client bl.example\n");
    for i in 1..40 {
        text += &format!("a{i} = $a{0} $a{0}\n", i - 1);
    }
    assert!(!read(&text).is_empty());
    let text = "A = A : A\nB = A\ndnslists = B : bl.example\n";
    assert!(!read(text).is_empty());
}

/// Newcomer B2: files of others were called clean.
#[test]
fn whose_file_it_is_that_is_not_read_is_seen() {
    for (text, whose) in [
        ("dnl\nFEATURE(`dnsbl', `bl.example')dnl\n", Some("Sendmail")),
        ("header __X eval:check_rbl('x-lastexternal', 'bl.example.')\n", Some("SpamAssassin")),
        ("rbls {\n bl { rbl = \"bl.example\"; }\n}\n", Some("rspamd")),
        ("[main]\nzones=bl.example, b.example\n", Some("Haraka")),
        ("version = \"v1\"\n[[zone]]\nname = \"bl.example\"\n", Some("our own")),
        ("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1::/:/bin/sh\n", None),
    ] {
        assert_eq!(read(text), [], "{text}");
        let found = foreign(text);
        assert_eq!(found.is_some(), whose.is_some(), "{text}");
        assert!(found.unwrap_or_default().starts_with(whose.unwrap_or_default()), "{text}");
    }
}
