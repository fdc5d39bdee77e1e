//! Lines as the programs write them, and lines that others would like to be taken for such.

use proptest::prelude::*;

use super::{Deed, Format, Refusal, UnknownReasons};

fn read(line: &str) -> Option<Deed<'_>> {
    Format::Auto.read(line, &UnknownReasons::default()).map(|entry| entry.deed)
}

/// Client, recipient, whether it bounces and whether it may be tried again.
fn refused(line: &str) -> Option<(String, &str, bool, bool)> {
    let Deed::Refused(Refusal { client, is_bounce, is_temporary, recipient }) = read(line)? else {
        return None;
    };
    Some((client.to_string(), recipient, is_bounce, is_temporary))
}

#[test]
fn refusals_of_unknown_recipients_are_read() {
    for (line, client, recipient, is_bounce, is_temporary) in [
        (
            "Nov 29 15:10:36 mail postfix/smtpd[4711]: NOQUEUE: reject: RCPT from host.example[192.0.2.55]: 550 5.1.1 <taro@example.org>: Recipient address rejected: User unknown in local recipient table; from=<a@b.example> to=<taro@example.org> proto=ESMTP helo=<host.example>",
            "192.0.2.55",
            "taro@example.org",
            false,
            false,
        ),
        (
            "2026-11-29T15:10:36.2+09:00 mail postfix/smtpd[4711]: 4A1B2C3D: reject: RCPT from unknown[2001:db8::55]:61234: 450 4.1.1 <taro@example.org>: Recipient address rejected: User unknown in virtual mailbox table; from=<> to=<taro@example.org> proto=SMTP helo=<x>",
            "2001:db8::55",
            "taro@example.org",
            true,
            true,
        ),
        (
            "Nov 29 15:10:36 mail postfix-in/smtpd[4711]: NOQUEUE: reject: RCPT from unknown[192.0.2.55]: 550 5.1.1 <taro@example.org>: Recipient address rejected: undeliverable address: host 203.0.113.25[203.0.113.25] said: 550 5.1.1 <taro@example.org>: Recipient address rejected: gone (in reply to RCPT TO command); from=<> to=<taro@example.org> proto=ESMTP helo=<x>",
            "192.0.2.55",
            "taro@example.org",
            true,
            false,
        ),
        (
            "2026-11-29 15:10:36 H=host.example (mail.host.example) [192.0.2.55] F=<a@b.example> rejected RCPT <taro@example.org>: Unrouteable address",
            "192.0.2.55",
            "taro@example.org",
            false,
            false,
        ),
        (
            "2026-11-29 15:10:36.207 +0900 [4711] H=([192.0.2.55]) [192.0.2.55]:61234 I=[203.0.113.25]:25 X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no F=<> rejected RCPT <taro@example.org>: Unknown user",
            "192.0.2.55",
            "taro@example.org",
            true,
            false,
        ),
        (
            "Nov 29 15:10:36 mail exim[4711]: 2026-11-29 15:10:36 H=[2001:db8::55] F=<a@b.example> temporarily rejected RCPT taro@example.org: No Such User Here",
            "2001:db8::55",
            "taro@example.org",
            false,
            true,
        ),
        (
            "Nov 29 15:10:36 mail exim4[4711]: H=(x) [192.0.2.55] F=<a@b.example> rejected RCPT <taro@example.org>: response to \"RCPT TO:<taro@example.org>\" from 203.0.113.25 was: 550 User unknown",
            "192.0.2.55",
            "taro@example.org",
            false,
            false,
        ),
    ] {
        let expected = (client.to_owned(), recipient, is_bounce, is_temporary);
        assert_eq!(refused(line), Some(expected), "{line}");
    }
}

#[test]
fn what_is_accepted_is_read() {
    let client = [192, 0, 2, 55].into();
    for (line, expected) in [
        (
            "Nov 29 15:10:36 mail postfix/smtpd[4711]: 4A1B2C3D: client=host.example[192.0.2.55]",
            Deed::Accepted { client, message: "4A1B2C3D" },
        ),
        (
            "Nov 29 15:10:36 mail postfix/submission/smtpd[4711]: 4A1B2C3D: client=host.example[192.0.2.55], sasl_method=PLAIN, sasl_username=taro",
            Deed::Accepted { client, message: "4A1B2C3D" },
        ),
        (
            "Nov 29 15:10:36 mail postfix/smtpd[4711]: disconnect from host.example[192.0.2.55] ehlo=1 mail=2 rcpt=3/53 data=1 quit=1 commands=7/57",
            Deed::Disconnected { client, recipients: 3 },
        ),
        (
            "Nov 29 15:10:36 mail postfix/smtpd[4711]: disconnect from host.example[192.0.2.55]:61234 helo=1 mail=1 rcpt=1 data=1 commands=4",
            Deed::Disconnected { client, recipients: 1 },
        ),
        (
            "2026-11-29 15:10:36 1wAbCd-000123-4E <= a@b.example H=host.example (helo) [192.0.2.55] P=esmtp S=812",
            Deed::Accepted { client, message: "1wAbCd-000123-4E" },
        ),
        (
            "2026-11-29 15:10:36 1wAbCd-00000001Kid-2gXY <= <> H=(helo) [192.0.2.55]:61234 P=esmtps S=812 for taro@example.org",
            Deed::Accepted { client, message: "1wAbCd-00000001Kid-2gXY" },
        ),
        (
            "2026-11-29 15:10:36 1wAbCd-000123-4E => taro <taro@example.org> R=local T=mailbox",
            Deed::Delivered { message: "1wAbCd-000123-4E" },
        ),
        (
            "2026-11-29 15:10:36 1wAbCd-000123-4E -> hanako <hanako@example.org> R=local T=mailbox",
            Deed::Delivered { message: "1wAbCd-000123-4E" },
        ),
    ] {
        assert_eq!(read(line), Some(expected), "{line}");
    }
}

#[test]
fn other_refusals_are_none() {
    for line in [
        "Nov 29 15:10:36 mail postfix/smtpd[4711]: NOQUEUE: reject: RCPT from host.example[192.0.2.55]: 554 5.7.1 <b@elsewhere.example>: Relay access denied; from=<a@b.example> to=<b@elsewhere.example> proto=ESMTP helo=<x>",
        "Nov 29 15:10:36 mail postfix/smtpd[4711]: NOQUEUE: reject: RCPT from host.example[192.0.2.55]: 450 4.2.0 <taro@example.org>: Recipient address rejected: Greylisted; from=<> to=<taro@example.org> proto=ESMTP helo=<x>",
        "Nov 29 15:10:36 mail postfix/smtpd[4711]: NOQUEUE: reject: RCPT from host.example[192.0.2.55]: 450 4.1.1 <taro@example.org>: Recipient address rejected: unverified address: Address verification in progress; from=<a@b.example> to=<taro@example.org> proto=ESMTP helo=<x>",
        "Nov 29 15:10:36 mail postfix/smtpd[4711]: NOQUEUE: reject_warning: RCPT from host.example[192.0.2.55]: 550 5.1.1 <taro@example.org>: Recipient address rejected: User unknown in local recipient table; from=<a@b.example> to=<taro@example.org> proto=ESMTP helo=<x>",
        "Nov 29 15:10:36 mail postfix/smtpd[4711]: NOQUEUE: reject: VRFY from host.example[192.0.2.55]: 550 5.1.1 <taro@example.org>: Recipient address rejected: User unknown in local recipient table; to=<taro@example.org> proto=SMTP helo=<x>",
        "Nov 29 15:10:36 mail postfix/smtpd[4711]: NOQUEUE: reject: RCPT from unknown[unknown]: 550 5.1.1 <taro@example.org>: Recipient address rejected: User unknown in local recipient table; from=<a@b.example> to=<taro@example.org> proto=ESMTP helo=<x>",
        "Nov 29 15:10:36 mail postfix/postscreen[4711]: NOQUEUE: reject: RCPT from [192.0.2.55]:61234: 550 5.7.1 Service unavailable; client [192.0.2.55] blocked using bl.example.org; from=<a@b.example>, to=<taro@example.org>, proto=ESMTP, helo=<x>",
        "2026-11-29 15:10:36 H=host.example [192.0.2.55] F=<a@b.example> rejected RCPT <b@elsewhere.example>: relay not permitted",
        "2026-11-29 15:10:36 H=host.example [192.0.2.55] F=<a@b.example> rejected RCPT <taro@example.org>: Sender verify failed",
        "2026-11-29 15:10:36 H=host.example [192.0.2.55] F=<a@b.example> A=plain_server:taro rejected RCPT <tarro@example.org>: Unrouteable address",
        "2026-11-29 15:10:36 H=host.example [192.0.2.55] F=<a@b.example> rejected after DATA: Unknown user",
        "2026-11-29 15:10:36 1wAbCd-000123-4E ** taro@example.org R=local: Unknown user",
        "2026-11-29 15:10:36 1wAbCd-000123-4E <= <> R=1wAbCc-000122-4E U=Debian-exim P=local S=1812",
        "2026-11-29 15:10:36 1wAbCd-000123-4E Completed",
        "Nov 29 15:10:36 mail postfix/smtpd[4711]: disconnect from host.example[192.0.2.55] ehlo=1 quit=1 commands=2",
    ] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn a_format_reads_its_own_lines_only() {
    let postfix = "postfix/smtpd[4711]: 4A1B2C3D: client=host.example[192.0.2.55]";
    let exim = "2026-11-29 15:10:36 1wAbCd-000123-4E => taro <taro@example.org> R=local T=mailbox";
    for (name, format) in Format::ALL {
        let reads = |line| format.read(line, &UnknownReasons::default()).is_some();
        assert_eq!(reads(postfix), format != Format::Exim, "{name}");
        assert_eq!(reads(exim), format != Format::Postfix, "{name}");
    }
}

#[test]
fn a_reason_of_the_servers_own_may_be_told() {
    let line = "2026-11-29 15:10:36 H=(x) [192.0.2.55] F=<> rejected RCPT <taro@example.org>: We never sent that";
    assert_eq!(read(line), None);
    let reasons = UnknownReasons::with(["NEVER sent".to_owned(), String::new()]);
    assert!(Format::Auto.read(line, &reasons).is_some());
    let other = line.replace("We never sent that", "Greylisted");
    assert!(Format::Auto.read(&other, &reasons).is_none());
}

/// The address that the mail server saw.
const TRUE: &str = "192.0.2.55";

/// Pieces of which a stranger would make a name, a sender or a recipient.
const PIECES: [&str; 26] = [
    "taro",
    "@",
    ">",
    "<",
    ": ",
    "; ",
    " ",
    "\"",
    "[6.6.6.6]",
    "[",
    "]",
    "(",
    ")",
    " H=evil [6.6.6.6]",
    " F=<>",
    "> rejected RCPT <",
    ">: Unknown user",
    "H=(",
    "reject: RCPT from ",
    "x[6.6.6.6]: 550 5.1.1 <",
    ">: Recipient address rejected: User unknown",
    "; from=<",
    "> to=<",
    " <= ",
    "client=",
    "disconnect from ",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,4}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// Lines in which a sender, a recipient or a HELO stands, none of which tells of an unknown recipient.
fn other_lines(text: &str) -> Vec<String> {
    let quoted = quoted(text);
    [
        format!("mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[{TRUE}]: 554 5.7.1 <{text}>: Relay access denied; from=<a@b.example> to=<{text}> proto=ESMTP helo=<x>"),
        format!("mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[{TRUE}]: 554 5.7.1 <a@b.example>: Relay access denied; from=<{text}> to=<a@b.example> proto=ESMTP helo=<{text}>"),
        format!("mail postfix/cleanup[1]: 4A1B2C3D: message-id=<{text}>"),
        format!("mail exim[1]: 2026-11-29 15:10:36 H=(x) [{TRUE}] F=<{quoted}> rejected RCPT <a@b.example>: relay not permitted"),
        format!("mail exim[1]: 2026-11-29 15:10:36 H=(x) [{TRUE}] F=<a@b.example> rejected RCPT <{quoted}>: relay not permitted"),
    ]
    .map(|message| format!("Nov 29 15:10:36 {message}"))
    .into()
}

/// A mailbox with this before its `@` (RFC 5321 section 4.1.2), as Exim writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"@b.example", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn client(deed: &Deed<'_>) -> Option<String> {
    match deed {
        Deed::Refused(Refusal { client, .. })
        | Deed::Accepted { client, .. }
        | Deed::Disconnected { client, .. } => Some(client.to_string()),
        Deed::Delivered { .. } => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn whatever_a_client_calls_itself_and_others_it_is_the_client_that_is_seen(
        helo in hostile(), sender in hostile(), recipient in hostile(),
    ) {
        let (from, to) = (quoted(&sender), quoted(&recipient));
        for line in [
            format!("Nov 29 15:10:36 mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[{TRUE}]: 550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in local recipient table; from=<{sender}> to=<{recipient}> proto=ESMTP helo=<{helo}>"),
            format!("2026-11-29 15:10:36 H=({helo}) [{TRUE}] F=<{from}> rejected RCPT <{to}>: Unrouteable address"),
            format!("2026-11-29 15:10:36 1wAbCd-000123-4E <= {from} H=(x) [{TRUE}] P=esmtp S=812"),
        ] {
            let seen = read(&line).as_ref().and_then(client);
            // Exim takes no HELO with a parenthesis.
            let is_told = seen.is_some() && !helo.contains(['(', ')']);
            prop_assert!(!is_told || seen.as_deref() == Some(TRUE), "{line}: {seen:?}");
        }
    }

    #[test]
    fn other_refusals_stay_such_whoever_is_named(text in hostile()) {
        for line in other_lines(&text) {
            prop_assert_eq!(refused(&line), None, "{}", line);
        }
    }

    #[test]
    fn no_line_panics(line in "\\PC{0,200}", pieces in hostile()) {
        let _ = read(&line);
        let _ = read(&pieces);
        let _ = read(&format!("Nov 29 15:10:36 mail postfix/smtpd[1]: {pieces}"));
        let _ = read(&format!("2026-11-29 15:10:36 {pieces}"));
    }
}
