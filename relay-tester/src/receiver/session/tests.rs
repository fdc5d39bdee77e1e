use proptest::prelude::*;

use super::{Action, Envelope, MAX_COMMANDS, MAX_ERRORS, MAX_MESSAGES, Session};
use crate::{Kind, Probe, message::sample};

fn session() -> Session {
    let name = |text: &str| text.parse().unwrap();
    Session::new(name("mx.probe.example.org"), name("probe.example.org"), 65_536)
}

fn token(kind: Kind) -> String {
    let assignment = sample::assignment();
    let token = assignment.keys.mint(kind, assignment.test, 4, &assignment.binding());
    token.expose().to_owned()
}

fn code(action: &Action) -> &str {
    match action {
        Action::Reply(text) | Action::Close(text) => &text[..3],
        other => panic!("{other:?}"),
    }
}

fn say(session: &mut Session, line: &str) -> String {
    code(&session.line(line.as_bytes())).to_owned()
}

/// Gives a recipient, and says that the inbox expects whatever is found.
fn rcpt(session: &mut Session, argument: &str) -> String {
    let action = match session.line(format!("RCPT TO:{argument}").as_bytes()) {
        Action::Expect(found) => session.expected(found.into_iter().next()),
        other => other,
    };
    code(&action).to_owned()
}

#[test]
fn ehlo_offers_size_8bitmime_and_pipelining() {
    let mut session = session();
    let Action::Reply(text) = session.line(b"EHLO mail.example.net") else { panic!() };
    for offer in ["250-SIZE 65536", "250-8BITMIME", "250 PIPELINING"] {
        assert!(text.contains(offer), "{text}");
    }
    assert!(!text.contains("STARTTLS") && !text.contains("AUTH"));
}

#[test]
fn whatever_a_probe_becomes_is_taken_by_its_token() {
    let assignment = sample::assignment();
    for probe in Probe::all() {
        let placeholders = assignment.placeholders(probe, None);
        let mut session = session();
        assert_eq!(say(&mut session, "MAIL FROM:<a@b.example>"), "250");
        let argument = placeholders.fill(probe.rcpt.last().unwrap());
        assert_eq!(rcpt(&mut session, &argument), "250", "{}: {argument}", probe.name);
        assert_eq!(session.line(b"DATA"), Action::Content);
        let Envelope { candidates, mail_from, .. } = session.take_envelope();
        assert_eq!(mail_from, "a@b.example");
        assert_eq!((candidates.len(), candidates[0].probe), (1, probe.index));
    }
}

#[test]
fn recipients_without_a_token_do_not_exist_but_postmaster_and_abuse_do() {
    let header = token(Kind::Header);
    for (argument, expected) in [
        ("<somebody@probe.example.org>", "550"),
        ("<somebody@example.com>", "550"),
        ("<postmaster@example.com>", "550"),
        ("<r234@probe.example.org>", "550"),
        (&format!("<{header}@probe.example.org>"), "550"),
        ("<Postmaster@PROBE.example.org>", "250"),
        ("<postmaster>", "250"),
        ("<abuse@probe.example.org>", "250"),
        ("<@a.example:abuse@probe.example.org>", "250"),
    ] {
        let mut session = session();
        say(&mut session, "MAIL FROM:<a@b.example>");
        assert_eq!(rcpt(&mut session, argument), expected, "{argument}");
    }
}

#[test]
fn a_token_that_nobody_expects_is_no_recipient() {
    let mut session = session();
    say(&mut session, "MAIL FROM:<>");
    let line = format!("RCPT TO:<{}@probe.example.org>", token(Kind::Return));
    assert!(matches!(session.line(line.as_bytes()), Action::Expect(_)));
    assert_eq!(code(&session.expected(None)), "550");
    assert_eq!(say(&mut session, "DATA"), "554");
}

#[test]
fn bounces_are_taken_at_their_own_address() {
    let mut session = session();
    say(&mut session, "MAIL FROM:<>");
    assert_eq!(rcpt(&mut session, &format!("<{}@probe.example.org>", token(Kind::Bounce))), "250");
    assert_eq!(session.line(b"DATA"), Action::Content);
    let envelope = session.take_envelope();
    assert_eq!((envelope.mail_from.as_str(), envelope.candidates[0].kind), ("", Kind::Bounce));
}

#[test]
fn commands_out_of_order_are_refused() {
    let mut session = session();
    assert_eq!(say(&mut session, "DATA"), "503");
    assert_eq!(say(&mut session, "RCPT TO:<postmaster>"), "503");
    assert_eq!(say(&mut session, "MAIL FROM:<> SIZE=100000"), "552");
    assert_eq!(say(&mut session, "MAIL FROM:<>"), "250");
    assert_eq!(say(&mut session, "MAIL FROM:<>"), "503");
    assert_eq!(say(&mut session, "RSET"), "250");
    assert_eq!(say(&mut session, "DATA"), "503");
    assert_eq!(say(&mut session, "AUTH PLAIN x"), "500");
}

#[test]
fn errors_commands_messages_and_recipients_are_limited() {
    let mut one = session();
    let errors = (0..MAX_ERRORS).map(|_| one.line(b"WHAT"));
    assert!(matches!(errors.last().unwrap(), Action::Close(text) if text.starts_with("421")));
    let mut two = session();
    let noops = (0..=MAX_COMMANDS).map(|_| two.line(b"NOOP"));
    assert!(matches!(noops.last().unwrap(), Action::Close(_)));
    let mut three = session();
    for _ in 0..MAX_MESSAGES {
        assert_eq!(say(&mut three, "MAIL FROM:<>"), "250");
        three.take_envelope();
    }
    assert_eq!(say(&mut three, "MAIL FROM:<>"), "421");
    let mut four = session();
    say(&mut four, "MAIL FROM:<>");
    let codes: Vec<_> = (0..11).map(|_| rcpt(&mut four, "<postmaster>")).collect();
    assert_eq!(codes[10], "452");
}

proptest! {
    #[test]
    fn any_lines_get_a_reply_of_one_line_or_a_known_one(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40),
        verbs in prop::collection::vec("(EHLO|MAIL FROM:|RCPT TO:|DATA|RSET|QUIT)[ <>@a-z\"]{0,12}", 0..40),
    ) {
        let mut session = session();
        let texts = verbs.into_iter().map(String::into_bytes);
        for line in lines.into_iter().chain(texts) {
            match session.line(&line) {
                Action::Reply(text) | Action::Close(text) => {
                    prop_assert!(text.is_ascii() && text.len() < 600);
                    prop_assert!(text.starts_with("250-") || !text.contains('\n'));
                }
                Action::Expect(found) => prop_assert!(!found.is_empty()),
                Action::Content => {
                    session.take_envelope();
                }
            }
        }
    }
}
