//! Outputs of relays of several hops are listed once two networks sent through them, within a month.

use std::net::{IpAddr, SocketAddr};

use dnsbl_tests::mta::{ScriptedServer, unique_host};
use dnsbl_types::Listing;
use relay_tester::{
    TestId,
    life::{Output, Sighting, Verdict},
};

use crate::fixture::{DAY, Fixture, ago, outputs, relays};

/// An output through which a host of another network sent that long ago.
fn seen(seconds: u64) -> Output {
    let at = ago(seconds);
    let sighting = Sighting { input: unique_host().into(), test: TestId(1), at };
    Output { address: unique_host().into(), sightings: vec![sighting] }
}

/// Has a host tested whose mail comes out at `output`, and gives what is listed of the output then.
#[track_caller]
fn send_through(fixture: &Fixture, output: IpAddr) -> (SocketAddr, Vec<Listing>) {
    let host = ScriptedServer::accepting();
    fixture.submit(host.addr());
    fixture.send_back(output, &host);
    let test = fixture.only_test();
    assert_eq!((test.verdict, test.via), (Some(Verdict::Open), Some(output)));
    (host.addr(), fixture.listings(&outputs(), output))
}

#[test]
fn an_output_is_listed_for_thirty_days_after_its_second_input() {
    let mut fixture = Fixture::new();
    let output = seen(29 * DAY);
    fixture.remember_output(&output);
    fixture.start();
    let (input, listings) = send_through(&fixture, output.address);
    let [listing] = listings.as_slice() else { panic!("{listings:?}") };
    assert_eq!(listing.body.return_codes, ["127.0.0.3".parse().unwrap()]);
    let expires_at = listing.body.expires_at.unwrap();
    assert!((ago(60).plus(30 * DAY)..=ago(0).plus(30 * DAY)).contains(&expires_at));
    assert!(fixture.listings(&relays(), output.address).is_empty(), "it is no input");
    assert!(fixture.listings(&outputs(), input.ip()).is_empty(), "it is no output");
}

#[test]
fn an_input_of_more_than_thirty_days_ago_confirms_nothing() {
    let mut fixture = Fixture::new();
    let output = seen(30 * DAY + 60);
    fixture.remember_output(&output);
    fixture.start();
    let (_, listings) = send_through(&fixture, output.address);
    assert!(listings.is_empty(), "{listings:?}");
}
