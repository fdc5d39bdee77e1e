//! Relays whose mail comes out somewhere else.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use dnsbl_tests::{
    Answer, eventually,
    mta::{Exim, EximRelaying, Postfix, PostfixRelaying, ScriptedServer, unique_addr},
};
use hickory_proto::rr::RecordType::A;

use super::{TEST, Tester, plain_probe};

/// Another address in the same /16, with the same port.
fn neighbour(addr: SocketAddrV4) -> SocketAddrV4 {
    let [a, b, c, d] = addr.ip().octets();
    SocketAddrV4::new(Ipv4Addr::new(a, b, c ^ 0x80, d), addr.port())
}

impl Tester {
    /// Tests a host whose mail comes out at `output`: the host is listed, the output not with it.
    #[track_caller]
    fn expect_input(&self, host: SocketAddr, output: SocketAddr) {
        let test = self.test(host);
        assert_eq!(test["verdict"], "open", "{test}");
        assert_eq!(test["via"], output.ip().to_string(), "{test}");
        self.expect_listed(host.ip());
        self.expect_unlisted(output.ip());
    }

    #[track_caller]
    fn output_answer(&self, output: SocketAddr) -> Answer {
        self.outputs().ask_address(&output.ip().to_string(), A)
    }
}

#[test]
fn the_input_is_listed_and_the_output_after_two_inputs_from_different_networks() {
    let tester = Tester::start();
    let (first, second, output) = (unique_addr(), unique_addr(), unique_addr());
    let trusted = [first, neighbour(first), second].map(|addr| *addr.ip()).to_vec();
    let _last = Exim::start_at(output, &EximRelaying::From(trusted), tester.receiver);
    let [first, beside, second] = [first, neighbour(first), second]
        .map(|input| Exim::start_at(input, &EximRelaying::Open, output.into()));
    let output = output.into();

    tester.expect_input(first.addr(), output);
    assert_eq!(tester.output_answer(output), Answer::NxDomain, "one input is not enough");
    tester.expect_input(beside.addr(), output);
    assert_eq!(tester.output_answer(output), Answer::NxDomain, "both are of one network");
    tester.expect_input(second.addr(), output);
    eventually(TEST, || match tester.output_answer(output) {
        listed if listed == Answer::record("127.0.0.3") => Ok(()),
        other => Err(other),
    });
    tester.expect_unlisted(output.ip());
}

#[test]
fn a_postfix_that_passes_everything_on_is_open_and_says_through_whom() {
    let tester = Tester::start();
    let (input, output) = (unique_addr(), unique_addr());
    let trusting = PostfixRelaying::From(vec![*input.ip()]);
    let last = Postfix::start_at(output, &trusting, tester.receiver);
    let first = Postfix::start_at(input, &PostfixRelaying::Open, output.into());
    tester.expect_input(first.addr(), last.addr());
}

#[test]
fn what_was_accepted_and_comes_back_from_elsewhere_lists_the_tested_host_alone() {
    let tester = Tester::start();
    let host = ScriptedServer::accepting();
    let id = tester.submit_owned(host.addr());
    let probe = plain_probe(&host);
    let elsewhere = SocketAddr::from(unique_addr());
    tester.send_back(elsewhere.ip(), &probe);
    let test = tester.wait(&id, |test| test["verdict"] == "open");
    assert_eq!(test["via"], elsewhere.ip().to_string(), "{test}");
    tester.expect_listed(host.addr().ip());
    tester.expect_unlisted(elsewhere.ip());
    assert_eq!(tester.output_answer(elsewhere), Answer::NxDomain);
}
