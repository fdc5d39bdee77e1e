//! What becomes of probes.

use super::*;

#[test]
fn a_closed_server_refuses_every_probe_and_gets_no_message() {
    let talk = talk(plan(Tier::Upsetting), &mut closed);
    assert_eq!(talk.ending, Ending::Completed);
    assert_eq!(talk.outcomes.len(), 42, "all but rcpt-ipliteral");
    assert!(talk.outcomes.iter().all(|(_, outcome)| is_refused_at(outcome, Stage::Rcpt)));
    assert_eq!(talk.messages.len(), 0);
}

#[test]
fn an_open_server_gets_twelve_messages_and_no_more() {
    let talk = talk(plan(Tier::Upsetting), &mut open);
    assert_eq!(talk.ending, Ending::Stopped);
    assert_eq!((talk.messages.len(), talk.outcomes.len()), (12, 12));
    assert!(talk.outcomes.iter().all(|(_, o)| matches!(o, SmtpOutcome::Accepted { .. })));
}

#[test]
fn every_probe_is_named_in_its_own_message() {
    let talk = talk(plan(Tier::Default), &mut open);
    for ((name, _), message) in talk.outcomes.iter().zip(&talk.messages) {
        assert!(message.contains(&format!("probe: {name}\r\n")), "{name}");
        assert!(message.ends_with("\r\n.\r\n"));
    }
}

#[test]
fn rset_comes_between_probes_and_not_after_a_message() {
    let server = &mut |n, line: &str| match line {
        "MAIL FROM:<>" => Say("550 no"),
        line => open(n, line),
    };
    let talk = talk(only(&["plain", "null-sender", "pct-at-host", "quoted-all"]), server);
    let verbs: Vec<_> = talk.sent.iter().map(|line| &line[..4]).collect();
    let expected = [
        "EHLO", "MAIL", "RCPT", "DATA", "MAIL", "RSET", "MAIL", "RCPT", "DATA", "MAIL", "RCPT",
        "DATA", "QUIT",
    ];
    assert_eq!(verbs, expected);
    assert!(is_refused_at(talk.outcome("null-sender"), Stage::Mail));
}

#[test]
fn refusals_are_kept_with_the_command_and_the_reply() {
    for (command, answer, stage) in [
        ("MAIL", "550 no", Stage::Mail),
        ("RCPT", "454 4.7.1 <t>: Relay access denied", Stage::Rcpt),
        ("RCPT", "550-no\r\n550 never", Stage::Rcpt),
        ("DATA", "554 no valid recipients", Stage::Data),
        (".", "552 too odd", Stage::Data),
    ] {
        let server = &mut |n, line: &str| match line {
            line if line.starts_with(command) => Say(answer),
            line => open(n, line),
        };
        let talk = talk(only(&["plain"]), server);
        let refused = SmtpOutcome::Refused { at: stage, reply: reply(answer) };
        assert_eq!(*talk.outcome("plain"), refused, "{command}");
        assert_eq!(talk.ending, Ending::Completed);
    }
}

/// Mail row F1: a 4xx was a refusal.
#[test]
fn a_4xx_puts_a_probe_off_at_whatever_command_and_does_not_end_the_session() {
    for (command, answer, stage) in [
        ("MAIL", "450 4.7.1 later", Stage::Mail),
        ("RCPT", "450 4.2.0 Greylisted", Stage::Rcpt),
        ("RCPT", "451-not\r\n451 now", Stage::Rcpt),
        ("DATA", "451 later", Stage::Data),
        (".", "452 full", Stage::Data),
        ("RCPT", "421 4.7.0 bye", Stage::Rcpt),
        (".", "421 bye", Stage::Data),
    ] {
        let server = &mut |n, line: &str| match line {
            line if n == 1 && line.starts_with(command) => Say(answer),
            line => open(n, line),
        };
        let talk = talk(only(&["plain"]), server);
        let deferred = SmtpOutcome::Deferred { at: stage, reply: reply(answer) };
        assert_eq!(*talk.outcome("plain"), deferred, "{command}");
        assert_eq!((talk.ending, talk.connections), (Ending::Completed, 1));
    }
}

#[test]
fn replies_that_fit_no_command_are_errors_and_the_connection_is_given_up() {
    for (command, answer, sent) in [
        ("MAIL", "354 ?", false),
        ("RCPT", "354 ?", false),
        ("DATA", "250 ?", false),
        (".", "354 ?", true),
    ] {
        let server = &mut |n, line: &str| match line {
            line if n == 1 && line.starts_with(command) => Say(answer),
            line => open(n, line),
        };
        let talk = talk(only(&["plain", "null-sender"]), server);
        let unexpected = ProbeError::Unexpected(reply(answer));
        let SmtpOutcome::Error { sent: was_sent, error, .. } = talk.outcome("plain") else {
            panic!("{command}: {:?}", talk.outcome("plain"));
        };
        assert_eq!((error, *was_sent), (&unexpected, sent), "{command}");
        assert_eq!(talk.connections, 2);
        assert!(matches!(talk.outcome("null-sender"), SmtpOutcome::Accepted { .. }));
    }
}

#[test]
fn a_drop_after_data_leaves_open_whether_the_message_was_taken() {
    let server = &mut |n, line: &str| match line {
        "." if n == 1 => Drop,
        line => open(n, line),
    };
    let talk = talk(only(&["plain", "null-sender"]), server);
    let error = ProbeError::Disconnected;
    assert_eq!(*talk.outcome("plain"), SmtpOutcome::Error { at: Stage::Data, sent: true, error });
    assert_eq!(talk.messages.len(), 2, "nothing is sent twice");
}

#[test]
fn the_greeting_names_the_host_and_else_ehlo_the_dns_or_the_address() {
    let ptr = || Some("ptr.example.net".parse().unwrap());
    for (greeting, hello, ptr, expected) in [
        ("220 mail.example.net ESMTP", "250 other.example.net", ptr(), "mail.example.net"),
        ("220 ESMTP ready", "250 other.example.net hi", ptr(), "other.example.net"),
        ("220 ", "250 ", ptr(), "ptr.example.net"),
        ("220 ***********", "250 localhost", None, "[8.8.4.4]"),
        ("220 relaytest.example.org", "250 x.probe.example.org", None, "[8.8.4.4]"),
        ("220 mail.example.net>", "250 a@b", None, "[8.8.4.4]"),
    ] {
        let server = &mut |n, line: &str| match line {
            "" => Say(greeting),
            line if line.starts_with("EHLO") => Say(hello),
            line => closed(n, line),
        };
        let assignment = Assignment { ptr, ..sample::assignment() };
        let talk =
            converse(assignment, only(&["sender-ownhost"]), &mut |_| Go::On, &mut |_| true, server);
        assert_eq!(talk.sent[1], format!("MAIL FROM:<relaytest@{expected}>"), "{greeting}");
    }
}

#[test]
fn a_probe_may_call_us_by_another_name_and_the_next_is_sent_under_ours() {
    let mut plan = only(&["helo-own", "sender-postmaster", "plain"]);
    let place = |name| ["plain", "helo-own", "sender-postmaster"].iter().position(|n| *n == name);
    plan.probes.sort_by_key(|probe| place(probe.name));
    let talk = talk(plan, &mut closed);
    let hellos: Vec<_> = talk.sent.iter().filter(|line| line.starts_with("EHLO")).collect();
    let own = "EHLO relaytest.example.org";
    assert_eq!(hellos, [own, "EHLO mail.example.net", own]);
    assert_eq!(talk.connections, 3, "each over a connection of its own");
    let refused = talk.outcomes.iter().filter(|(_, o)| is_refused_at(o, Stage::Rcpt)).count();
    assert_eq!(refused, 3);
}

/// Mail row F3: OpenSMTPD answers 503 to a second EHLO, which counted as a refusal of the probe.
#[test]
fn a_name_of_its_own_takes_a_connection_of_its_own() {
    let mut introduced = std::collections::HashSet::new();
    let server = &mut |n, line: &str| {
        if line.starts_with("EHLO") && !introduced.insert(n) {
            return Say("503 5.5.1 Invalid command: AwaitedReply not allowed at this point.");
        }
        closed(n, line)
    };
    let talk = talk(plan(Tier::Full), server);
    assert_eq!(talk.ending, Ending::Completed);
    assert!(is_refused_at(talk.outcome("helo-own"), Stage::Rcpt), "{:?}", talk.outcomes);
    assert!(talk.outcomes.iter().all(|(_, outcome)| is_refused_at(outcome, Stage::Rcpt)));
}

#[test]
fn a_name_that_is_put_off_is_a_probe_that_is_put_off() {
    let server = &mut |n, line: &str| match line {
        "EHLO mail.example.net" => Say("450 4.7.1 later"),
        line => closed(n, line),
    };
    let talk = talk(only(&["helo-own", "plain"]), server);
    assert!(matches!(talk.outcome("helo-own"), SmtpOutcome::Deferred { at: Stage::Hello, .. }));
    assert!(is_refused_at(talk.outcome("plain"), Stage::Rcpt));
}

#[test]
fn a_refused_name_is_a_refused_probe() {
    let server = &mut |n, line: &str| match line {
        "EHLO mail.example.net" => Say("550 that is me"),
        line => open(n, line),
    };
    let talk = talk(only(&["helo-own"]), server);
    assert!(is_refused_at(talk.outcome("helo-own"), Stage::Hello));
}

#[test]
fn nothing_is_sent_to_the_postmaster_alone() {
    let server = &mut |n, line: &str| match line {
        line if line.starts_with("RCPT") && !line.contains("postmaster") => Say("550 no"),
        line => open(n, line),
    };
    let talk = talk(only(&["piggyback"]), server);
    assert!(is_refused_at(talk.outcome("piggyback"), Stage::Rcpt));
    assert_eq!(talk.messages.len(), 0);
}

#[test]
fn the_hook_comes_before_every_probe_and_can_stop_the_test() {
    let mut asked = vec![];
    let hook = &mut |name: &str| {
        asked.push(name.to_owned());
        if asked.len() == 3 { Go::Stop } else { Go::On }
    };
    let talk = converse(sample::assignment(), plan(Tier::Default), hook, &mut |_| true, &mut open);
    assert_eq!(talk.ending, Ending::Stopped);
    assert_eq!(talk.sent.last().unwrap(), "QUIT");
    assert_eq!(asked, ["plain", "null-sender", "sender-ownhost"]);
    assert_eq!(talk.messages.len(), 2);
}

#[test]
fn a_transcript_shows_both_sides_and_no_token() {
    let transcript = talk(only(&["plain"]), &mut open).transcript();
    let lines = transcript.lines();
    for line in [
        "S: 220 mail.example.net ESMTP",
        "C: EHLO relaytest.example.org",
        "* probe plain",
        "C: MAIL FROM:<baa…@probe.example.org>",
        "C: RCPT TO:<raa…@probe.example.org>",
        "S: 354 go on",
        "C: QUIT",
    ] {
        assert!(lines.iter().any(|shown| shown == line), "{line}: {lines:#?}");
    }
    assert!(lines.iter().all(|line| crate::Token::scan(line.as_bytes()).is_empty()));
}
