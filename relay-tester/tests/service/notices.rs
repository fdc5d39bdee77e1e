//! The postmaster of a host is told again only when seven days have passed.

use dnsbl_tests::{
    eventually,
    mta::{Message, ScriptedServer},
};

use crate::fixture::{DAY, Fixture, PATIENCE, ago, open_since};

fn is_notice(message: &Message) -> bool {
    message.recipients.iter().any(|recipient| recipient.starts_with("<postmaster@["))
}

fn telling(fixture: &mut Fixture) {
    fixture.start_with(|mut settings| {
        settings.notice = true;
        settings
    });
}

#[test]
fn a_notice_of_seven_days_ago_does_not_stand_against_another() {
    let mut fixture = Fixture::new();
    let host = ScriptedServer::accepting();
    fixture.remember_notice(host.addr().ip(), ago(0));
    telling(&mut fixture);
    fixture.submit(host.addr());
    fixture.send_back(host.addr().ip(), &host);
    host.wait_for(PATIENCE, |message| is_notice(message).then_some(()));
}

#[test]
fn a_retest_that_confirms_a_listing_is_no_reason_to_write_again() {
    let mut fixture = Fixture::new();
    let (listed, new) = (ScriptedServer::accepting(), ScriptedServer::accepting());
    fixture.remember_host(&open_since(listed.addr(), 30 * DAY));
    telling(&mut fixture);
    fixture.send_back(listed.addr().ip(), &listed);
    fixture.only_test();
    // Who is listed later is told; the first one had its time before.
    fixture.submit(new.addr());
    fixture.send_back(new.addr().ip(), &new);
    new.wait_for(PATIENCE, |message| is_notice(message).then_some(()));
    assert!(!listed.messages().iter().any(is_notice));
    assert!(fixture.has_notice(new.addr().ip()) && !fixture.has_notice(listed.addr().ip()));
}

#[test]
fn old_notices_are_forgotten() {
    let mut fixture = Fixture::new();
    let [old, recent] = ["192.0.2.1", "192.0.2.2"].map(|address| address.parse().unwrap());
    fixture.remember_notice(old, ago(1));
    fixture.remember_notice(recent, ago(0).plus(DAY));
    telling(&mut fixture);
    eventually(PATIENCE, || if fixture.has_notice(old) { Err(old) } else { Ok(()) });
    assert!(fixture.has_notice(recent));
}
