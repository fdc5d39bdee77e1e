//! Real mail servers ask the list, by themselves and through the policy service, with the snippets of `deploy/`.

mod keys;
mod policy;
mod rspamd;
mod sendmail;
mod servers;
mod spamassassin;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
};

use dnsbl_tests::{
    TestServer, TestZone, Unbound,
    mta::{SmtpClient, SmtpReply, unique_host},
};
use serde_json::{Value, json};

/// A file of `deploy/` with the list's name in place of the example's.
#[track_caller]
fn snippet(name: &str, origin: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name);
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    text.replace("bl.example.org", origin)
}

/// A list of ours with one client in it, behind a resolver.
struct World {
    zone: TestZone,
    resolver: Unbound,
    listed: Ipv4Addr,
    clean: Ipv4Addr,
}

impl World {
    #[track_caller]
    fn new(server: &TestServer) -> Self {
        Self::with(server, json!({}))
    }

    /// The same with more settings.
    #[track_caller]
    fn with(server: &TestServer, more: Value) -> Self {
        let mut settings = json!({
            "reason": "Open relay $, see https://bl.example.org/lookup/$",
            "negative_ttl": 1
        });
        if let (Some(settings), Value::Object(more)) = (settings.as_object_mut(), more) {
            settings.extend(more);
        }
        let zone = server.ip_zone(settings);
        let (listed, clean) = (unique_host(), unique_host());
        zone.put(&listed.to_string(), "?override=special-use", &json!({}));
        let addr = SocketAddr::from((unique_host(), 53));
        let resolver = Unbound::start_at(addr, server.dns(), &[zone.origin()]);
        Self { zone, resolver, listed, clean }
    }

    fn resolver_host(&self) -> Ipv4Addr {
        host(self.resolver.addr())
    }
}

fn host(addr: SocketAddr) -> Ipv4Addr {
    match addr.ip() {
        IpAddr::V4(host) => host,
        IpAddr::V6(host) => panic!("{host} is not in 127.0.0.0/8"),
    }
}

/// Hands over a message from an address; the reply that refuses, or that to the message.
#[track_caller]
fn send(client: Ipv4Addr, server: SocketAddr, name: &str) -> SmtpReply {
    let mut smtp = SmtpClient::connect_from(client.into(), server).unwrap();
    smtp.command("EHLO client.example.net").unwrap();
    let recipient = format!("<postmaster@{name}>");
    let reply = smtp.transact("<a@sender.example>", &recipient, "Subject: hello\n\nhello").unwrap();
    // Exim breaks long texts.
    SmtpReply { text: reply.text.replace('\n', " "), ..reply }
}
