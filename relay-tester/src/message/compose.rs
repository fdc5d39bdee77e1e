//! The probe message.

use dnsbl_types::UnixTime;
use jiff::{Timestamp, fmt::rfc2822};

use super::{Assignment, Ground, HeaderText};
use crate::{Kind, Probe, probe::Placeholders};

/// The message of a probe: headers and body with CRLF, in 7-bit ASCII.
///
/// It holds the envelope, which is lost on delivery, and a signed header, by which a message that
/// comes back is told from one that somebody else wrote to the same recipient.
pub(crate) fn compose(
    assignment: &Assignment,
    probe: &Probe,
    placeholders: &Placeholders,
) -> String {
    let body = quoted_printable(&body(assignment, probe));
    format!("{}\r\n{body}", headers(assignment, probe, placeholders))
}

/// The message as it goes over the wire: dots stuffed, and with the final dot (RFC 5321 section
/// 4.5.2).
pub(crate) fn wire(message: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 8);
    for line in message.split_inclusive("\r\n") {
        if line.starts_with('.') {
            out.push(b'.');
        }
        out.extend_from_slice(line.as_bytes());
    }
    out.extend_from_slice(b".\r\n");
    out
}

fn headers(assignment: &Assignment, probe: &Probe, placeholders: &Placeholders) -> String {
    let Assignment { identity, test, .. } = assignment;
    let (index, domain) = (probe.index, &identity.probe_domain);
    let signature = assignment.keys.mint(Kind::Header, *test, index, &assignment.binding());
    let rcpt = probe.rcpt.last().map(|rcpt| placeholders.fill(rcpt)).unwrap_or_default();
    let lines = [
        ("Date", date(assignment.date)),
        ("From", format!("Open relay tester <{}@{domain}>", identity.mail_from_local)),
        ("To", format!("<{}@{domain}>", placeholders.token)),
        ("Subject", filled(&identity.subject, assignment)),
        ("Message-ID", format!("<relaytest.{index}.{test}@{domain}>")),
        ("X-Envelope-Sender", placeholders.fill(probe.mail)),
        ("X-Envelope-Recipient", rcpt.trim().to_owned()),
        ("X-Probe-Sig", signature.expose().to_owned()),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("Precedence", "bulk".to_owned()),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", "text/plain; charset=UTF-8".to_owned()),
        ("Content-Transfer-Encoding", "quoted-printable".to_owned()),
    ];
    lines.map(|(name, value)| format!("{name}: {value}\r\n")).concat()
}

/// A text in quoted-printable (RFC 2045 section 6.7); its line ends become CRLF.
pub(crate) fn quoted_printable(text: &str) -> String {
    quoted_printable::encode_to_str(text.replace('\n', "\r\n"))
}

/// A date as headers have it (RFC 5322 section 3.3).
pub(crate) fn date(at: UnixTime) -> String {
    let seconds = i64::try_from(at.0).ok();
    let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or_default();
    let text = rfc2822::DateTimePrinter::new().timestamp_to_string(&at);
    text.unwrap_or_else(|_| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

fn filled(text: &HeaderText, assignment: &Assignment) -> String {
    text.fill(&assignment.target.addr().to_string(), &assignment.test.to_string())
}

fn body(assignment: &Assignment, probe: &Probe) -> String {
    let Assignment { identity, test, target, .. } = assignment;
    let (ehlo, contact, addr, probe) =
        (&identity.ehlo, &identity.contact, target.addr(), probe.name);
    let (why_en, why_ja) = why(assignment.ground);
    let url = identity.lookup_url.as_ref().map(|url| filled(url, assignment));
    let see_en = url.as_ref().map(|url| format!("Details: {url}\n")).unwrap_or_default();
    let see_ja = url.as_ref().map(|url| format!("詳細: {url}\n")).unwrap_or_default();
    let (opt_out_en, opt_out_ja) = (&identity.opt_out_en, &identity.opt_out_ja);
    format!(
        "\
This is a test message of {ehlo}, which checks whether the mail server at
{addr} relays mail for anyone. It is addressed to the tester itself.
If you can read it anywhere else, it went astray; please ignore it.

Why: {why_en}
Test: {test}, probe: {probe}
{see_en}Questions: {contact}
To be tested no more: {opt_out_en}

これは {ehlo} からの試験メールです。{addr} のメールサーバーが
第三者中継を行うかどうかを確認するために送信しました。宛先は試験者自身です。
ほかの場所に届いた場合は誤配ですので、無視してください。

理由: {why_ja}
試験番号: {test}、項目: {probe}
{see_ja}お問い合わせ: {contact}
試験の停止: {opt_out_ja}
"
    )
}

/// The kind of who asked, never the name.
fn why(ground: Ground) -> (&'static str, &'static str) {
    match ground {
        Ground::Own => (
            "the test was asked for from the tested address itself.",
            "試験対象のアドレス自身から依頼がありました。",
        ),
        Ground::Owner => (
            "the verified owner of the address asked for the test.",
            "確認済みの管理者から依頼がありました。",
        ),
        Ground::Evidence => (
            "mail was seen that suggests that the server relays.",
            "中継を疑わせるメールが確認されました。",
        ),
        Ground::Retest => (
            "the server is listed as an open relay and is tested again from time to time.",
            "リストに掲載中のため、定期的に再試験しています。",
        ),
        Ground::Delist => (
            "somebody asked for the server's removal from the list.",
            "リストからの削除の依頼がありました。",
        ),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quoted_printable::ParseMode;

    use super::{compose, quoted_printable, wire};
    use crate::{
        Assignment, Ground, Kind, Probe, Token,
        message::sample::{self, NOW},
    };

    fn assignment(ground: Ground) -> Assignment {
        Assignment { ground, ..sample::assignment() }
    }

    fn message(probe: &str, ground: Ground) -> String {
        let assignment = assignment(ground);
        let probe = Probe::by_name(probe).unwrap();
        let placeholders =
            assignment.placeholders(probe, Some(&"mail.example.net".parse().unwrap()));
        compose(&assignment, probe, &placeholders)
    }

    fn header<'a>(message: &'a str, name: &str) -> &'a str {
        let line = message.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.strip_prefix(": ")).unwrap()
    }

    #[test]
    fn a_message_says_who_asks_why_and_how_to_opt_out() {
        let text = message("plain", Ground::Delist);
        assert_eq!(header(&text, "Subject"), "Open relay test of 8.8.4.4 (test aerukz4jvpg66)");
        assert_eq!(header(&text, "From"), "Open relay tester <relaytest@probe.example.org>");
        assert_eq!(header(&text, "Date"), "Fri, 15 Jan 2027 08:00:00 -0000");
        assert_eq!(header(&text, "Auto-Submitted"), "auto-generated");
        assert!(text.contains("Why: somebody asked for the server's removal from the list."));
        assert!(text.contains("Details: https://bl.example.org/relay-tests/aerukz4jvpg66\r\n"));
        assert!(text.contains("Questions: postmaster@relaytest.example.org\r\n"));
        assert!(text.contains("To be tested no more: write to postmaster@"));
        assert!(text.contains("=E7=AC=AC=E4=B8=89=E8=80=85"), "Japanese, quoted-printable: {text}");
    }

    #[test]
    fn a_message_carries_its_envelope_and_a_signed_header() {
        let text = message("pct-backupmx", Ground::Evidence);
        let keys = assignment(Ground::Evidence).keys;
        for (name, kind) in [
            ("X-Envelope-Sender", Kind::Bounce),
            ("X-Envelope-Recipient", Kind::Return),
            ("X-Probe-Sig", Kind::Header),
        ] {
            let value = header(&text, name);
            let found = Token::scan(value.as_bytes());
            assert_eq!(found.len(), 1, "{name}: {value}");
            assert_eq!((found[0].kind, found[0].probe), (kind, 6));
            let binding = assignment(Ground::Evidence).binding();
            assert!(keys.verify(&found[0], &binding, NOW), "{name}");
        }
        assert!(header(&text, "X-Envelope-Recipient").ends_with("%probe.example.org@example.net>"));
    }

    #[test]
    fn rfc5322_s2_1_1_every_message_is_short_lines_of_ascii() {
        for probe in Probe::all() {
            let text = message(probe.name, Ground::Own);
            assert!(text.is_ascii() && text.len() < 4096, "{}: {}", probe.name, text.len());
            assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
            assert!(text.split("\r\n").all(|line| line.len() <= 998), "{}", probe.name);
            let (headers, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(headers.split("\r\n").all(|line| line.contains(": ")), "{}", probe.name);
            assert!(!body.is_empty());
        }
    }

    #[test]
    fn rfc5321_s4_5_2_dots_at_the_begin_of_a_line_are_doubled() {
        assert_eq!(wire("a\r\n.\r\n..b\r\n"), b"a\r\n..\r\n...b\r\n.\r\n");
    }

    #[test]
    fn rfc2045_s6_7_ascii_is_kept_and_the_rest_is_escaped() {
        assert_eq!(quoted_printable("a = b\nend \n"), "a =3D b\r\nend=20\r\n");
        assert_eq!(quoted_printable("中\n"), "=E4=B8=AD\r\n");
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_from_short_lines_of_ascii(text in "[^\r\n]{0,300}\n") {
            let encoded = quoted_printable(&text);
            prop_assert!(encoded.is_ascii());
            for line in encoded.split_terminator("\r\n") {
                prop_assert!(line.len() <= 76 && !line.ends_with(' '), "{:?}", line);
            }
            let read = quoted_printable::decode(&encoded, ParseMode::Strict).unwrap();
            prop_assert_eq!(read, text.replace('\n', "\r\n").into_bytes());
        }
    }
}
