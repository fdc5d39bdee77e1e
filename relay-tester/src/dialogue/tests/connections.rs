//! Greetings, TLS, and connections that end.

use super::*;
use crate::{
    Blocked,
    dialogue::{CutShort, Unreachable},
};

fn greeted_with(text: &'static str) -> Ending {
    talk(plan(Tier::Default), &mut |n, line| {
        if line.is_empty() { Say(text) } else { open(n, line) }
    })
    .ending
}

#[test]
fn greetings_that_turn_us_away_are_told_apart() {
    let no_service = |text| Ending::Unreachable(Unreachable::NoService(reply(text)));
    for text in ["554 no", "550 you are blacklisted", "521 your IP is banned"] {
        assert_eq!(greeted_with(text), Ending::Blocked(Blocked(reply(text))), "{text}");
    }
    for text in ["421 too busy", "450 later", "421 blocked", "454 Relay access denied"] {
        assert_eq!(greeted_with(text), Ending::Deferred(reply(text)), "{text}");
        assert!(greeted_with(text).is_deferred());
    }
    let text = "521 host does not accept mail";
    assert_eq!(greeted_with(text), no_service(text));
    assert!(matches!(greeted_with("354 ?"), Ending::Unreachable(Unreachable::NotSmtp(_))));
}

#[test]
fn a_server_that_does_not_greet_is_unreachable() {
    for (event, expected) in [
        (Event::NoConnection(Unreachable::Refused), Unreachable::Refused),
        (Event::NoConnection(Unreachable::ConnectTimeout), Unreachable::ConnectTimeout),
        (Event::Failed(ProbeError::Timeout), Unreachable::NoGreeting),
        (Event::Failed(ProbeError::Disconnected), Unreachable::HungUp),
    ] {
        let (mut dialogue, step) = Dialogue::new(sample::assignment(), plan(Tier::Default));
        assert_eq!(step, Step::Connect);
        assert_eq!(dialogue.step(event), Step::Done(Ending::Unreachable(expected)));
        assert_eq!(dialogue.outcomes(), []);
    }
}

#[test]
fn rfc5321_s3_2_helo_follows_where_ehlo_is_refused() {
    let server = &mut |n, line: &str| match line {
        line if line.starts_with("EHLO") => Say("502 what?"),
        line => closed(n, line),
    };
    let talk = talk(plan(Tier::Default), server);
    assert_eq!(talk.ending, Ending::Completed);
    assert_eq!(talk.sent[..2], ["EHLO relaytest.example.org", "HELO relaytest.example.org"]);
}

#[test]
fn a_server_that_refuses_our_name_blocks_us() {
    let refusing = |answer: &'static str| {
        talk(plan(Tier::Default), &mut move |n, line| {
            if line.contains("LO ") { Say(answer) } else { open(n, line) }
        })
        .ending
    };
    assert!(matches!(refusing("550 no such name"), Ending::Blocked(_)));
    assert!(matches!(refusing("504 client host rejected"), Ending::Blocked(_)));
    for text in ["451 later", "421 later", "450 client host rejected: try again"] {
        assert_eq!(refusing(text), Ending::Deferred(reply(text)));
    }
}

#[test]
fn refusals_of_every_probe_for_who_we_are_mean_blocked_at_whatever_command() {
    for command in ["MAIL", "RCPT"] {
        let text = "554 5.7.1 Client host [192.0.2.9] blocked using bl.example";
        let server = &mut |n, line: &str| match line {
            line if line.starts_with(command) => Say(text),
            line => open(n, line),
        };
        let talk = talk(plan(Tier::Default), server);
        assert_eq!(talk.ending, Ending::Blocked(Blocked(reply(text))), "{command}");
    }
}

#[test]
fn one_refusal_to_relay_among_them_means_that_we_are_not_blocked() {
    let server = &mut |n, line: &str| match line {
        "MAIL FROM:<>" => Say("550 your IP is blocked"),
        line => closed(n, line),
    };
    assert_eq!(talk(plan(Tier::Default), server).ending, Ending::Completed);
}

#[test]
fn a_connection_has_eight_probes_and_three_malformed_ones_at_most() {
    let mut per_connection = std::collections::BTreeMap::<usize, usize>::new();
    let server = &mut |n, line: &str| {
        *per_connection.entry(n).or_default() += usize::from(line.starts_with("MAIL"));
        closed(n, line)
    };
    let talk = talk(plan(Tier::Upsetting), server);
    let quits = talk.sent.iter().filter(|line| *line == "QUIT").count();
    assert_eq!(quits, talk.connections, "every connection ends politely");
    assert!(per_connection.values().all(|&probes| probes <= Dialogue::MAX_PROBES));
    let malformed = plan(Tier::Upsetting).probes.iter().filter(|p| p.malformed).count();
    assert!(talk.connections >= malformed / Dialogue::MAX_MALFORMED);
}

fn with_tls(n: usize, line: &str) -> Act {
    match line {
        line if line.starts_with("EHLO") => Say("250-mail.example.net\r\n250 StartTLS"),
        "STARTTLS" => Say("220 go"),
        line => closed(n, line),
    }
}

#[test]
fn rfc3207_s4_2_tls_is_used_where_offered_and_ehlo_is_said_again() {
    let talk = talk(only(&["plain"]), &mut with_tls);
    let own = "EHLO relaytest.example.org";
    assert_eq!(talk.sent[..3], [own, "STARTTLS", own]);
    assert_eq!((talk.ending, talk.connections), (Ending::Completed, 1));
    assert!(talk.dialogue.into_parts().2);
}

#[test]
fn where_tls_fails_everything_goes_without_it_over_a_new_connection() {
    let mut handshakes = 0;
    let talk = converse(
        sample::assignment(),
        plan(Tier::Full),
        &mut |_| Go::On,
        &mut |_| {
            handshakes += 1;
            false
        },
        &mut with_tls,
    );
    assert_eq!((talk.ending, handshakes), (Ending::Completed, 1));
    assert_eq!(talk.outcomes.len(), plan(Tier::Full).probes.len());
    assert!(!talk.dialogue.into_parts().2);
}

#[test]
fn rfc3207_s4_a_server_that_requires_tls_which_fails_is_not_found_closed() {
    let server = &mut |n, line: &str| match line {
        line if line.starts_with("MAIL") => Say("530 5.7.0 Must issue a STARTTLS command first"),
        line => with_tls(n, line),
    };
    let assignment = sample::assignment();
    let talk = converse(assignment, plan(Tier::Default), &mut |_| Go::On, &mut |_| false, server);
    let broken = CutShort::Broken(ProbeError::TlsRequired(reply(
        "530 5.7.0 Must issue a STARTTLS command first",
    )));
    assert_eq!(talk.ending, Ending::CutShort(broken));
}

#[test]
fn a_refused_starttls_does_not_end_the_session() {
    let server = &mut |n, line: &str| match line {
        "STARTTLS" => Say("454 TLS not available"),
        line => with_tls(n, line),
    };
    let talk = talk(plan(Tier::Default), server);
    assert_eq!(talk.ending, Ending::Completed);
}

#[test]
fn after_421_the_rest_goes_over_a_new_connection() {
    let mut commands = 0;
    let server = &mut |n, line: &str| {
        commands += 1;
        if n == 1 && commands == 7 { Say("421 4.7.0 too many errors") } else { closed(n, line) }
    };
    let talk = talk(plan(Tier::Default), server);
    assert_eq!((talk.ending, talk.connections), (Ending::Completed, 2));
    let put_off = talk.outcomes.iter().filter(|(_, o)| matches!(o, SmtpOutcome::Deferred { .. }));
    assert_eq!(put_off.count(), 1);
    assert_eq!(talk.outcomes.len(), 9, "no probe is tried twice, none is left out");
}

#[test]
fn two_connections_that_break_in_a_row_end_the_test() {
    for (act, error) in [
        (Say as fn(&'static str) -> Act, ProbeError::Closing(reply("421 bye"))),
        (|_| Hang, ProbeError::Timeout),
        (|_| Drop, ProbeError::Disconnected),
    ] {
        let server = &mut |n, line: &str| match line {
            line if line.starts_with("RCPT") => act("421 bye"),
            line => open(n, line),
        };
        let talk = talk(plan(Tier::Default), server);
        let is_421 = matches!(error, ProbeError::Closing(_));
        assert_eq!(talk.ending, Ending::CutShort(CutShort::Broken(error)));
        assert_eq!((talk.connections, talk.outcomes.len()), (2, 2));
        assert_eq!(talk.ending.is_deferred(), is_421);
    }
}

#[test]
fn a_server_that_does_not_let_us_in_again_cuts_the_test_short() {
    let server = &mut |n, line: &str| match line {
        "" if n == 2 => Say("554 enough"),
        "." => Drop,
        line => open(n, line),
    };
    let talk = talk(plan(Tier::Default), server);
    let refused = Unreachable::NoService(reply("554 enough"));
    assert_eq!(talk.ending, Ending::CutShort(CutShort::NoConnection(refused)));
    assert!(!talk.ending.is_deferred());
}

#[test]
fn a_server_that_puts_a_later_connection_off_is_to_be_tried_again() {
    let server = &mut |n, line: &str| match line {
        "" if n == 2 => Say("421 too many connections"),
        "." => Drop,
        line => open(n, line),
    };
    assert!(talk(plan(Tier::Default), server).ending.is_deferred());
}

/// Mail row F1: a balancer may have a closed host behind it and an open one.
#[test]
fn what_is_repeated_is_tried_over_each_connection_until_it_is_not_refused() {
    let mut repeated = plan(Tier::Default);
    repeated.repeats = only(&["plain", "pct-at-host"]).probes;
    repeated.connections = 4;
    let mut tried = vec![];
    let closed_talk = talk(repeated.clone(), &mut |n, line| {
        if line.starts_with("RCPT") {
            tried.push(n);
        }
        closed(n, line)
    });
    assert_eq!((closed_talk.ending, closed_talk.connections), (Ending::Completed, 4));
    let times = |name| closed_talk.outcomes.iter().filter(|(other, _)| *other == name).count();
    assert_eq!((times("plain"), times("pct-at-host")), (4, 4));
    assert_eq!(closed_talk.outcomes.len(), 8 + plan(Tier::Default).probes.len() - 2);
    assert!((1..=4).all(|n| tried.iter().filter(|&&other| other == n).count() >= 2));

    let lucky = talk(repeated, &mut |n, line| if n == 2 { open(n, line) } else { closed(n, line) });
    let plain: Vec<_> = lucky.outcomes.iter().filter(|(name, _)| *name == "plain").collect();
    assert_eq!(plain.len(), 2);
    assert!(matches!(plain[1].1, SmtpOutcome::Accepted { .. }));
}

#[test]
fn out_of_time_ends_the_test_at_once() {
    let (mut dialogue, _) = Dialogue::new(sample::assignment(), plan(Tier::Default));
    for text in ["220 mail.example.net", "250 ok"] {
        dialogue.step(Event::Reply(reply(text)));
    }
    dialogue.step(Event::Go(Go::On));
    let step = dialogue.step(Event::Failed(ProbeError::Deadline));
    assert_eq!(step, Step::Done(Ending::CutShort(CutShort::Deadline)));
    assert_eq!(dialogue.outcomes().len(), 1);
    assert_eq!(dialogue.step(Event::Go(Go::On)), step, "the end is the end");
}
