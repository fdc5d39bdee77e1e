//! Outputs of relays of several hops are listed once hosts of several networks sent through them within a
//! month, of whom the output itself says so.

use std::{
    net::{IpAddr, SocketAddr},
    sync::atomic::{AtomicBool, Ordering},
};

use dnsbl_tests::{
    eventually,
    mta::{Heard, ScriptedServer, SmtpAnswer, unique_host},
};
use dnsbl_types::Listing;
use relay_tester::{
    TestId,
    life::{Output, Sighting, Verdict},
};

use crate::fixture::{DAY, Fixture, PATIENCE, ago, outputs, relays};

/// An output through which a host of another network sent that long ago. Two networks are enough here.
fn seen(seconds: u64) -> Output {
    let at = ago(seconds);
    let sighting = Sighting { input: unique_host().into(), test: TestId(1), at };
    Output { address: unique_host().into(), sightings: vec![sighting] }
}

/// A host that refuses the first probe and takes the others.
fn choosy() -> ScriptedServer {
    let has_refused = AtomicBool::new(false);
    ScriptedServer::start(move |heard| match heard {
        Heard::Command(line)
            if line.starts_with("RCPT") && !has_refused.swap(true, Ordering::Relaxed) =>
        {
            SmtpAnswer::refusing(heard)
        }
        other => SmtpAnswer::polite(other),
    })
}

/// What an output writes of the host from which it has a message.
fn received(host: SocketAddr) -> String {
    format!(
        "Received: from r.example (unknown [{}])\r\n\tby out.example (Postfix) with ESMTP id 1\r\n",
        host.ip()
    )
}

/// Has a host tested whose mail comes out at `output` below these lines, and gives what is listed of the
/// output then.
#[track_caller]
fn send_through(
    fixture: &Fixture,
    host: &ScriptedServer,
    lines: &str,
    output: IpAddr,
) -> Vec<Listing> {
    fixture.submit(host.addr());
    fixture.send_back_below(lines, output, host);
    let test = fixture.only_test();
    assert_eq!((test.verdict(), test.via), (Some(Verdict::Open), Some(output)));
    fixture.listings(&outputs(), output)
}

#[test]
fn an_output_is_listed_for_thirty_days_after_its_last_input() {
    let mut fixture = Fixture::new();
    let output = seen(29 * DAY);
    fixture.remember_output(&output);
    fixture.start();
    let host = choosy();
    let listings = send_through(&fixture, &host, &received(host.addr()), output.address);
    let [listing] = listings.as_slice() else { panic!("{listings:?}") };
    assert_eq!(listing.body.return_codes, ["127.0.0.3".parse().unwrap()]);
    let expires_at = listing.body.expires_at.unwrap();
    assert!((ago(60).plus(30 * DAY)..=ago(0).plus(30 * DAY)).contains(&expires_at));
    assert!(fixture.listings(&relays(), output.address).is_empty(), "it is no input");
    assert!(fixture.listings(&outputs(), host.addr().ip()).is_empty(), "it is no output");
}

/// Security review, M6: two rented addresses listed whoever took their owner's mail.
#[test]
fn an_output_that_does_not_say_that_it_has_a_message_from_the_host_is_not_listed() {
    let other: SocketAddr = (unique_host(), 25).into();
    for lines in [
        |_: SocketAddr, _: SocketAddr| String::new(),
        |_, other| received(other),
        |host, other| received(other) + &received(host),
        |host, _| received(host).replace("ESMTP", "ESMTPSA"),
    ] {
        let mut fixture = Fixture::new();
        let output = seen(DAY);
        fixture.remember_output(&output);
        fixture.start();
        let host = choosy();
        let lines = lines(host.addr(), other);
        let listings = send_through(&fixture, &host, &lines, output.address);
        assert!(listings.is_empty(), "{lines}: {listings:?}");
    }
}

/// Security review, M6.
#[test]
fn a_host_that_takes_everything_lists_no_output() {
    let mut fixture = Fixture::new();
    let output = seen(DAY);
    fixture.remember_output(&output);
    fixture.start();
    let host = ScriptedServer::accepting();
    let listings = send_through(&fixture, &host, &received(host.addr()), output.address);
    assert!(listings.is_empty(), "{listings:?}");
}

/// Security review, M6.
#[test]
fn hosts_of_too_few_networks_list_no_output() {
    let mut fixture = Fixture::new();
    let output = seen(DAY);
    fixture.remember_output(&output);
    fixture.start_with(|mut settings| {
        settings.outputs_networks = 3;
        settings
    });
    let host = choosy();
    let listings = send_through(&fixture, &host, &received(host.addr()), output.address);
    assert!(listings.is_empty(), "{listings:?}");
}

#[test]
fn an_input_of_more_than_thirty_days_ago_confirms_nothing() {
    let mut fixture = Fixture::new();
    let output = seen(30 * DAY + 60);
    fixture.remember_output(&output);
    fixture.start();
    let host = choosy();
    let listings = send_through(&fixture, &host, &received(host.addr()), output.address);
    assert!(listings.is_empty(), "{listings:?}");
}

/// Outputs were kept for ever.
#[test]
fn an_output_that_nothing_has_gone_through_for_thirty_days_is_forgotten() {
    let mut fixture = Fixture::new();
    let (old, recent) = (seen(30 * DAY + 60), seen(29 * DAY));
    fixture.remember_output(&old);
    fixture.remember_output(&recent);
    fixture.start();
    eventually(PATIENCE, || if fixture.has_output(old.address) { Err(()) } else { Ok(()) });
    assert!(fixture.has_output(recent.address));
}

/// What older releases listed on weaker proof does not stay.
#[test]
fn an_output_of_an_older_release_ends_with_its_listing() {
    let mut fixture = Fixture::new();
    let output = seen(DAY);
    fixture.remember_unproved_output(&output);
    assert_eq!(fixture.listings(&outputs(), output.address).len(), 1);
    fixture.start();
    assert!(!fixture.has_output(output.address));
    assert!(fixture.listings(&outputs(), output.address).is_empty());
}
