use super::{Rejection, Return, judge};
use crate::{
    Assignment, Candidate, HostName, Key, Kind, Probe, Received, TestId, Token, TokenKeys,
    message::{
        compose,
        sample::{self, NOW},
    },
};

fn probe(name: &str) -> &'static Probe {
    Probe::by_name(name).unwrap()
}

/// The message of a probe as a relay delivers it to its recipient.
fn returned(name: &str) -> Received {
    let assignment = sample::assignment();
    let probe = probe(name);
    let host: HostName = "mail.example.net".parse().unwrap();
    let placeholders = assignment.placeholders(probe, Some(&host));
    let message = compose(&assignment, probe, &placeholders);
    let data = format!(
        "Received: from x by mail.example.net\r\n\tfor <{}>\r\n{message}",
        placeholders.token
    );
    let mail_from = if probe.has_null_sender() { String::new() } else { "b@x.example".into() };
    Received {
        peer: "8.8.4.4:4711".parse().unwrap(),
        local: "192.0.2.99:25".parse().unwrap(),
        helo: "mail.example.net".into(),
        mail_from,
        candidates: vec![candidate(&assignment, Kind::Return, probe)],
        data: data.into_bytes(),
        at: NOW,
    }
}

fn candidate(assignment: &Assignment, kind: Kind, probe: &Probe) -> Candidate {
    let token = assignment.keys.mint(kind, assignment.test, probe.index, &assignment.binding());
    Token::scan(token.expose().as_bytes()).remove(0)
}

fn judged(received: &Received) -> Return {
    let assignment = sample::assignment();
    judge(received, &received.candidates[0], &assignment.binding(), &assignment.keys, NOW)
}

fn with_header(received: Received, header: &str) -> Received {
    let data = [format!("{header}\r\n").as_bytes(), &received.data].concat();
    Received { data, ..received }
}

fn text(received: &Received) -> String {
    String::from_utf8(received.data.clone()).unwrap()
}

#[test]
fn every_probe_that_comes_back_is_a_genuine_return() {
    for probe in Probe::all() {
        let judged = judged(&returned(probe.name));
        let Return::Genuine { test, probe: found, peer, headers } = judged else {
            panic!("{}: {judged:?}", probe.name);
        };
        assert_eq!((test, found), (sample::assignment().test, probe));
        assert_eq!(peer.to_string(), "8.8.4.4");
        assert!(headers.contains("Received: from x") && headers.contains("X-Probe-Sig: h"));
        assert_eq!(Token::scan(headers.as_bytes()), [], "{headers}");
    }
}

#[test]
fn a_return_with_a_null_sender_is_a_bounce_unless_the_probe_had_none() {
    for name in ["plain", "sender-eq-rcpt"] {
        let received = Received { mail_from: String::new(), ..returned(name) };
        assert!(matches!(judged(&received), Return::Bounce { .. }), "{name}");
    }
    assert!(matches!(judged(&returned("null-sender")), Return::Genuine { .. }));
}

#[test]
fn bounces_and_automatic_replies_are_no_returns_whatever_token_they_hold() {
    for header in [
        "Content-Type: multipart/report; report-type=delivery-status; boundary=x",
        "Auto-Submitted: auto-replied",
        "X-Failed-Recipients: a@b.example",
    ] {
        for name in ["plain", "null-sender"] {
            let received = with_header(returned(name), header);
            assert!(matches!(judged(&received), Return::Bounce { .. }), "{name} {header}");
        }
    }
}

#[test]
fn mail_for_the_bounce_address_is_a_bounce() {
    let candidate = candidate(&sample::assignment(), Kind::Bounce, probe("plain"));
    let received = Received { candidates: vec![candidate], ..returned("plain") };
    assert_eq!(
        judged(&received),
        Return::Bounce { test: sample::assignment().test, probe: probe("plain") }
    );
}

#[test]
fn a_signature_in_an_attached_message_does_not_count() {
    let genuine = returned("plain");
    let wrapped = format!("Subject: returned mail\r\n\r\n{}", text(&genuine));
    let received = Received { data: wrapped.into_bytes(), ..genuine };
    assert_eq!(judged(&received), Return::Rejected(Rejection::NoSignature));
}

#[test]
fn a_signature_of_another_probe_or_test_does_not_count() {
    let other = Received { data: returned("null-sender").data, ..returned("plain") };
    assert_eq!(judged(&other), Return::Rejected(Rejection::BadSignature));
    let mut assignment = sample::assignment();
    assignment.test = TestId(1);
    let plain = probe("plain");
    let message = compose(&assignment, plain, &assignment.placeholders(plain, None));
    let other = Received { data: message.into_bytes(), ..returned("plain") };
    assert_eq!(judged(&other), Return::Rejected(Rejection::BadSignature));
}

#[test]
fn the_token_of_the_recipient_is_no_signature() {
    let genuine = returned("plain");
    let line = text(&genuine).lines().find(|l| l.starts_with("To: ")).unwrap().to_owned();
    let token = &line[line.find('<').unwrap() + 1..line.find('@').unwrap()];
    let forged = format!("X-Probe-Sig: {token}\r\n\r\nbuy now\r\n");
    let received = Received { data: forged.into_bytes(), ..genuine };
    assert_eq!(judged(&received), Return::Rejected(Rejection::BadSignature));
}

#[test]
fn a_token_that_does_not_verify_proves_nothing() {
    let assignment = sample::assignment();
    let received = returned("plain");
    let token = &received.candidates[0];
    let rejected = Return::Rejected(Rejection::Token);
    let (keys, binding) = (&*assignment.keys, assignment.binding());
    assert_eq!(judge(&received, token, &binding, keys, binding.expires_at), rejected, "expired");
    let elsewhere = crate::Binding { addr: "8.8.8.8".parse().unwrap(), ..binding };
    assert_eq!(judge(&received, token, &elsewhere, keys, NOW), rejected, "another host");
    let other_keys = TokenKeys::new(Key { id: 1, secret: [8; 32] }, vec![]);
    assert_eq!(judge(&received, token, &binding, &other_keys, NOW), rejected, "another key");
    let mut other_test = token.clone();
    other_test.test = TestId(7);
    assert_eq!(judge(&received, &other_test, &binding, keys, NOW), rejected, "another test");
    let mut other_probe = token.clone();
    other_probe.probe = 1;
    assert_eq!(judge(&received, &other_probe, &binding, keys, NOW), rejected, "another probe");
}

#[test]
fn a_token_for_a_header_or_an_unknown_probe_is_no_address() {
    let assignment = sample::assignment();
    let header = candidate(&assignment, Kind::Header, probe("plain"));
    let token = assignment.keys.mint(Kind::Return, assignment.test, 200, &assignment.binding());
    let unknown = Token::scan(token.expose().as_bytes()).remove(0);
    for candidate in [header, unknown] {
        let received = Received { candidates: vec![candidate], ..returned("plain") };
        assert_eq!(judged(&received), Return::Rejected(Rejection::NoAddress));
    }
}

#[test]
fn a_footer_and_other_line_ends_do_not_matter() {
    let genuine = returned("quoted-all");
    let changed = text(&genuine).replace("\r\n", "\n") + "\n-- \nscanned by something\n";
    let received = Received { data: changed.into_bytes(), ..genuine };
    assert!(matches!(judged(&received), Return::Genuine { .. }));
}

#[test]
fn another_peer_delivers_a_genuine_return_too_and_is_named() {
    let received = Received { peer: "[::ffff:192.0.2.7]:1".parse().unwrap(), ..returned("plain") };
    let Return::Genuine { peer, .. } = judged(&received) else { panic!() };
    assert_eq!(peer.to_string(), "192.0.2.7");
}
