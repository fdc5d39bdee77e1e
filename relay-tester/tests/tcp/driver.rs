//! The driver against servers over TCP.

use std::{sync::Arc, time::Duration};

use crate::peer::{
    Act, Drop, Hang, Notes, Say, Script, Server, assignment, closed, open, plan, settings, talk,
};
use relay_tester::{
    ConversationReport, CutShort, DriveSettings, Ending, Plan, ProbeError, RelayTarget,
    SmtpOutcome, Sources, Stage, TargetPolicy, Tier, Unreachable, drive::run,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{interval, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

async fn test(
    server: &Server,
    plan: Plan,
    settings: &DriveSettings,
) -> (ConversationReport, Vec<String>) {
    let mut notes = Notes::default();
    let attempt = run(assignment(server.addr), plan, settings, &mut notes).await;
    (attempt, notes.events)
}

/// Short patience for peers that keep us waiting.
fn impatient() -> DriveSettings {
    let short = Duration::from_secs(1);
    DriveSettings {
        greeting_timeout: short,
        command_timeout: short,
        data_timeout: short,
        ..settings()
    }
}

fn error(attempt: &ConversationReport, name: &str) -> (Stage, bool, ProbeError) {
    match &attempt.outcomes.iter().find(|(probe, _)| probe.name == name).unwrap().1 {
        SmtpOutcome::Error { at, sent, error } => (*at, *sent, error.clone()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_open_server_takes_every_probe_and_each_is_noted_before_it_is_sent() {
    let server = Server::start(open).await;
    let (attempt, events) = test(&server, plan(Tier::Default), &settings()).await;
    assert_eq!(attempt.ending, Ending::Completed);
    assert_eq!(attempt.host.unwrap().as_str(), "mail.example.net");
    assert_eq!(server.messages().len(), 7);
    assert_eq!(
        events[..4],
        ["before plain", "accepted plain", "before null-sender", "accepted null-sender"]
    );
    assert_eq!(events.len(), 14);
    assert_eq!(server.heard().last().unwrap(), "QUIT");
}

#[tokio::test]
async fn a_closed_server_gets_no_message_and_at_most_eight_probes_a_connection() {
    let server = Server::start(closed).await;
    let (attempt, _) = test(&server, plan(Tier::Upsetting), &settings()).await;
    assert_eq!(attempt.ending, Ending::Completed);
    assert!(attempt.outcomes.iter().all(|(_, o)| matches!(o, SmtpOutcome::Refused { .. })));
    assert_eq!(server.messages().len(), 0);
    for connection in 1..=server.connections() {
        let heard = server.heard.lock().unwrap();
        let own = heard.iter().filter(|(n, line)| *n == connection && line.starts_with("MAIL"));
        assert!(own.count() <= 8);
    }
}

#[tokio::test]
async fn a_test_that_is_stopped_says_goodbye_and_sends_no_further_probe() {
    let server = Server::start(open).await;
    let mut notes = Notes { stop_before: Some(2), ..Notes::default() };
    let attempt = run(assignment(server.addr), plan(Tier::Default), &settings(), &mut notes).await;
    assert_eq!(attempt.ending, Ending::Stopped);
    assert_eq!((attempt.outcomes.len(), server.messages().len()), (2, 2));
    assert_eq!(server.heard().last().unwrap(), "QUIT");
}

#[tokio::test]
async fn a_connection_that_is_refused_is_told_from_silence() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let attempt =
        run(assignment(addr), plan(Tier::Default), &settings(), &mut Notes::default()).await;
    assert_eq!(attempt.ending, Ending::Unreachable(Unreachable::Refused));
}

#[tokio::test]
async fn a_host_that_is_silent_is_unreachable_and_was_not_heard_of() {
    // Linux answers no one once the queue of connections to be accepted is full.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let addr = listener.local_addr().unwrap();
    let connect_timeout = Duration::from_millis(200);
    let mut waiting = vec![];
    while let Ok(stream) = timeout(connect_timeout, TcpStream::connect(addr)).await {
        waiting.push(stream.unwrap());
    }
    let settings = DriveSettings { connect_timeout, ..settings() };
    let attempt =
        run(assignment(addr), plan(Tier::Default), &settings, &mut Notes::default()).await;
    assert_eq!(attempt.ending, Ending::Unreachable(Unreachable::ConnectTimeout));
    assert!(!attempt.ending.heard());
}

/// A server that sends its greeting an octet at a time, each well within the time for the greeting.
#[tokio::test]
async fn a_greeting_that_drips_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut tick = interval(Duration::from_millis(20));
        while stream.write_all(b"2").await.is_ok() {
            tick.tick().await;
        }
    });
    let mut notes = Notes::default();
    let attempt = run(assignment(addr), plan(Tier::Default), &impatient(), &mut notes).await;
    assert_eq!(attempt.ending, Ending::Unreachable(Unreachable::NoGreeting));
}

#[tokio::test]
async fn servers_that_do_not_greet_as_smtp_does_are_unreachable() {
    type Expected = fn(&Unreachable) -> bool;
    let cases: [(Script, Expected); 5] = [
        (|_, _| Hang, |why| *why == Unreachable::NoGreeting),
        (|_, _| Drop, |why| *why == Unreachable::HungUp),
        (|_, _| Say("SSH-2.0-OpenSSH_9.2\r\n"), |why| matches!(why, Unreachable::NotSmtp(_))),
        (|_, _| Say("\0\u{ff}\u{1b}[2J\n\n"), |why| matches!(why, Unreachable::NotSmtp(_))),
        (|_, _| Say("220-x"), |why| *why == Unreachable::NoGreeting),
    ];
    for (script, expected) in cases {
        let server = Server::start(script).await;
        let (attempt, events) = test(&server, plan(Tier::Default), &impatient()).await;
        let Ending::Unreachable(why) = &attempt.ending else { panic!("{:?}", attempt.ending) };
        assert!(expected(why), "{why:?}");
        assert!(events.is_empty());
    }
}

#[tokio::test]
async fn an_endless_banner_is_cut_off() {
    let server =
        Server::start(|_, _| Say("220-this goes on\r\n220-and on\r\n".repeat(10_000).leak())).await;
    let (attempt, _) = test(&server, plan(Tier::Default), &settings()).await;
    assert!(matches!(attempt.ending, Ending::Unreachable(Unreachable::NotSmtp(_))));
}

#[tokio::test]
async fn a_server_that_blocks_us_is_asked_once() {
    let server = Server::start(|_, _| Say("554 5.7.1 no SMTP service for you\r\n")).await;
    let (attempt, _) = test(&server, plan(Tier::Default), &settings()).await;
    assert!(matches!(attempt.ending, Ending::Blocked(_)));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_drop_after_data_is_an_error_that_may_have_been_taken_and_nothing_is_sent_twice() {
    let server = Server::start(|n, command| match command {
        "." if n == 1 => Drop,
        command => open(n, command),
    })
    .await;
    let (attempt, _) = test(&server, plan(Tier::Default), &settings()).await;
    assert_eq!(error(&attempt, "plain"), (Stage::Data, true, ProbeError::Disconnected));
    assert_eq!(attempt.ending, Ending::Completed);
    let messages = server.messages();
    assert_eq!(messages.iter().filter(|m| m.contains("probe: plain\r\n")).count(), 1);
    assert_eq!((messages.len(), server.connections()), (7, 2));
}

#[tokio::test]
async fn a_server_that_closes_after_some_probes_is_connected_to_again() {
    let server = Server::start(|n, command| match command {
        "MAIL FROM:<>" if n == 1 => Say("421 4.7.0 too many errors\r\n"),
        command => closed(n, command),
    })
    .await;
    let (attempt, _) = test(&server, plan(Tier::Default), &settings()).await;
    assert_eq!(attempt.ending, Ending::Completed);
    let (_, put_off) =
        attempt.outcomes.iter().find(|(probe, _)| probe.name == "null-sender").unwrap();
    assert!(matches!(put_off, SmtpOutcome::Deferred { at: Stage::Mail, .. }), "{put_off:?}");
    assert_eq!((attempt.outcomes.len(), server.connections()), (7, 2));
}

#[tokio::test]
async fn a_tarpit_ends_with_its_second_connection() {
    let server = Server::start(|n, command| match command {
        command if command.starts_with("RCPT") => Hang,
        command => open(n, command),
    })
    .await;
    let (attempt, _) = test(&server, plan(Tier::Default), &impatient()).await;
    assert_eq!(attempt.ending, Ending::CutShort(CutShort::Broken(ProbeError::Timeout)));
    assert_eq!((attempt.outcomes.len(), server.connections()), (2, 2));
}

#[tokio::test]
async fn the_time_of_a_test_is_limited() {
    let server = Server::start(|n, command| match command {
        command if command.starts_with("RCPT") => Hang,
        command => open(n, command),
    })
    .await;
    let settings = DriveSettings { total_timeout: Duration::from_secs(1), ..settings() };
    let (attempt, _) = test(&server, plan(Tier::Default), &settings).await;
    assert_eq!(attempt.ending, Ending::CutShort(CutShort::Deadline));
    assert_eq!(error(&attempt, "plain").2, ProbeError::Deadline);
}

#[tokio::test]
async fn a_reply_too_many_is_not_taken_for_the_next() {
    let server = Server::start(|n, command| match command {
        command if n == 1 && command.starts_with("MAIL") => Say("550 no\r\n250 ok\r\n250 ok\r\n"),
        command => closed(n, command),
    })
    .await;
    let (attempt, _) = test(&server, plan(Tier::Default), &settings()).await;
    assert!(matches!(attempt.outcomes[0].1, SmtpOutcome::Refused { at: Stage::Mail, .. }));
    assert_eq!(error(&attempt, "null-sender").2, ProbeError::OutOfTurn);
    assert!(attempt.outcomes[2..].iter().all(|(_, o)| matches!(o, SmtpOutcome::Refused { .. })));
}

#[tokio::test]
async fn in_test_mode_nothing_but_loopback_is_connected_to() {
    let mut assignment = assignment("127.0.0.1:25".parse().unwrap());
    assignment.target = RelayTarget::parse("8.8.8.8", 25, &TargetPolicy::default()).unwrap();
    let attempt = run(assignment, plan(Tier::Default), &settings(), &mut Notes::default()).await;
    assert_eq!(attempt.ending, Ending::Unreachable(Unreachable::NotLoopback));
}

#[tokio::test]
async fn connections_come_from_the_configured_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let sources = Sources { v4: Some("127.0.0.99".parse().unwrap()), v6: None };
    let settings = DriveSettings { sources, ..settings() };
    let mut notes = Notes::default();
    let (accepted, _) = tokio::join!(
        async {
            let (stream, peer) = listener.accept().await.unwrap();
            drop(stream);
            peer
        },
        run(assignment(addr), plan(Tier::Default), &settings, &mut notes)
    );
    assert_eq!(accepted.ip().to_string(), "127.0.0.99");
}

/// Mail row F2: it was bound to the address of the other family, and called unreachable.
#[tokio::test]
async fn a_host_of_the_other_family_is_connected_to_from_where_the_system_chooses() {
    let listener = TcpListener::bind("[::1]:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let sources = Sources { v4: Some("127.0.0.99".parse().unwrap()), v6: None };
    let settings = DriveSettings { sources, ..settings() };
    let mut notes = Notes::default();
    let (_, attempt) = tokio::join!(
        async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"554 5.7.1 nobody\r\n").await.unwrap();
            stream
        },
        run(assignment(addr), plan(Tier::Default), &settings, &mut notes)
    );
    assert!(matches!(attempt.ending, Ending::Blocked(_)), "{:?}", attempt.ending);
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from(include_bytes!("tls/certificate.der").as_slice());
    let key = PrivatePkcs8KeyDer::from(include_bytes!("tls/key.der").as_slice());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from(key))
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A closed server that offers TLS, in the clear and under TLS.
fn offering_tls(n: usize, command: &str) -> Act {
    match command {
        "(under TLS)" => Say(""),
        command if command.starts_with("EHLO") => {
            Say("250-mail.example.net\r\n250-STARTTLS\r\n250 SIZE\r\n")
        }
        command => closed(n, command),
    }
}

/// A server that takes STARTTLS on its first connection, and then does the handshake or hangs up.
async fn serve_tls(works: bool) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (heard, messages) = (Arc::default(), Arc::default());
    let server = Server { addr, heard: Arc::clone(&heard), messages: Arc::clone(&messages) };
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail.example.net\r\n").await.unwrap();
        for reply in ["250-mail.example.net\r\n250 STARTTLS\r\n", "220 go\r\n"] {
            let mut line = vec![];
            while !line.ends_with(b"\r\n") {
                line.push(stream.read_u8().await.unwrap());
            }
            heard.lock().unwrap().push((1, String::from_utf8(line).unwrap()));
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
        if works {
            let stream = BufReader::new(acceptor().accept(stream).await.unwrap());
            let _ = talk(stream, 1, offering_tls, "(under TLS)", &heard, &messages).await;
        } else {
            drop(stream);
            let (stream, _) = listener.accept().await.unwrap();
            let _ = talk(BufReader::new(stream), 2, offering_tls, "", &heard, &messages).await;
        }
    });
    server
}

#[tokio::test]
async fn rfc3207_s4_2_probes_go_over_tls_whose_certificate_is_nobodys() {
    let server = serve_tls(true).await;
    let (attempt, _) = test(&server, plan(Tier::Default), &settings()).await;
    assert_eq!(attempt.ending, Ending::Completed);
    assert!(attempt.tls);
    assert_eq!(attempt.outcomes.len(), 7);
    let heard = server.heard();
    assert!(heard[1].starts_with("STARTTLS") && heard[2].starts_with("EHLO"), "{heard:?}");
}

#[tokio::test]
async fn where_the_handshake_fails_the_probes_go_without_tls() {
    let server = serve_tls(false).await;
    let (attempt, _) = test(&server, plan(Tier::Default), &settings()).await;
    assert_eq!(attempt.ending, Ending::Completed);
    assert!(!attempt.tls);
    assert_eq!((attempt.outcomes.len(), server.connections()), (7, 2));
}
