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

/// Security review, M6: two inputs were enough.
#[test]
fn the_input_is_listed_and_the_output_after_five_inputs_from_different_networks() {
    let tester = Tester::start();
    let (inputs, output) = ([(); 5].map(|()| unique_addr()), unique_addr());
    let beside = neighbour(inputs[0]);
    let trusted = inputs.iter().chain([&beside]).map(|addr| *addr.ip()).collect();
    let _last = Exim::start_at(output, &EximRelaying::From(trusted), tester.receiver);
    // They relay what claims to come from them, and nothing else: who takes everything proves nothing.
    let relay = |input| Exim::start_at(input, &EximRelaying::OwnSender, output.into());
    let output = output.into();
    for input in [beside].into_iter().chain(inputs) {
        assert_eq!(tester.output_answer(output), Answer::NxDomain, "before {input}");
        tester.expect_input(relay(input).addr(), output);
    }
    eventually(TEST, || match tester.output_answer(output) {
        listed if listed == Answer::record("127.0.0.3") => Ok(()),
        other => Err(other),
    });
    tester.expect_unlisted(output.ip());
}

/// Security review, M6: a host that takes everything from anybody proves nothing about the next.
#[test]
fn inputs_that_take_everything_list_no_output() {
    let tester = Tester::with("settle-for = \"2s\"\noutputs-networks = 2\n", "");
    let (inputs, output) = ([(); 3].map(|()| unique_addr()), unique_addr());
    let trusted = inputs.iter().map(|addr| *addr.ip()).collect();
    let _last = Exim::start_at(output, &EximRelaying::From(trusted), tester.receiver);
    for input in inputs {
        let relay = Exim::start_at(input, &EximRelaying::Open, output.into());
        tester.expect_input(relay.addr(), output.into());
    }
    assert_eq!(tester.output_answer(output.into()), Answer::NxDomain);
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
