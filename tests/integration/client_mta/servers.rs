//! The mail servers' own ways to ask.

use dnsbl_tests::{
    PATIENCE, eventually,
    mta::{
        Exim, EximExtras, EximRelaying, Postfix, PostfixExtras, PostfixRelaying, ScriptedServer,
        SmtpClient, unique_addr,
    },
};

use super::{World, send, snippet};
use crate::server;

#[test]
fn case_46_postfix_smtpd_rejects_a_listed_client_with_our_reason_and_url() {
    let server = server();
    let world = World::new(&server);
    let sink = ScriptedServer::accepting();
    let extras = PostfixExtras {
        main: snippet("postfix/main.cf.smtpd", world.zone.origin()),
        resolver: Some(world.resolver_host()),
        ..PostfixExtras::default()
    };
    let postfix =
        Postfix::start_with(unique_addr(), &PostfixRelaying::Closed, sink.addr(), &extras);
    let reply = send(world.listed, postfix.addr(), postfix.name());
    assert_eq!(reply.code, 554, "{reply:?}");
    let reason = format!(
        "blocked using {}; Open relay {listed}, see https://bl.example.org/lookup/{listed}",
        world.zone.origin(),
        listed = world.listed
    );
    assert!(reply.text.contains(&reason), "{reply:?}");
    assert_eq!(send(world.clean, postfix.addr(), postfix.name()).code, 250);
}

#[test]
fn case_46_postscreen_rejects_a_listed_client_and_says_where_to_look() {
    let server = server();
    let world = World::new(&server);
    let sink = ScriptedServer::accepting();
    let screen = unique_addr();
    let extras = PostfixExtras {
        main: snippet("postfix/main.cf.postscreen", world.zone.origin())
            + "postscreen_greet_wait = 2s\npostscreen_cache_map =\n",
        master: format!(
            "{screen} inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\ndnsblog unix - - n - 0 dnsblog\n"
        ),
        resolver: Some(world.resolver_host()),
    };
    let postfix =
        Postfix::start_with(unique_addr(), &PostfixRelaying::Closed, sink.addr(), &extras);
    eventually(PATIENCE, || SmtpClient::connect_from(world.clean.into(), screen.into()));
    let reply = send(world.listed, screen.into(), postfix.name());
    assert_eq!(reply.code, 550, "{reply:?}");
    let reason = format!(
        "blocked using {origin}; see https://{origin}/lookup/",
        origin = world.zone.origin()
    );
    assert!(reply.text.contains(&reason), "{reply:?}");
    assert_eq!(send(world.clean, screen.into(), postfix.name()).code, 250);
}

#[test]
fn case_46_exim_rejects_a_listed_client_with_our_reason_and_url() {
    let server = server();
    let world = World::new(&server);
    let sink = ScriptedServer::accepting();
    let extras = EximExtras {
        acl: snippet("exim/dnslists.acl", world.zone.origin()),
        resolver: Some(world.resolver_host()),
    };
    let exim = Exim::start_with(unique_addr(), &EximRelaying::Closed, sink.addr(), &extras);
    let reply = send(world.listed, exim.addr(), exim.name());
    assert_eq!(reply.code, 550, "{reply:?}");
    let reason = format!(
        "{listed} is listed in {}; Open relay {listed}, see https://bl.example.org/lookup/{listed}",
        world.zone.origin(),
        listed = world.listed
    );
    assert!(reply.text.contains(&reason), "{reply:?}");
    assert_eq!(send(world.clean, exim.addr(), exim.name()).code, 250);
}
