//! Response policy zones, by which resolvers refuse to answer for what is listed.
//!
//! `CNAME .` is "no such name", `CNAME rpz-passthru.` leaves an answer as it is. Prefixes decide by their length, as with
//! us; names are looked up as in any zone.

use std::fmt;

use dnsbl_types::{Serial, Subject, Zone};
use ipnet::IpNet;

use super::{
    answer::Answer,
    domains::{Domains, Owner},
    nodes::Node,
    out::Out,
};

/// What a policy for addresses looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trigger {
    /// The addresses in an answer.
    #[default]
    Answer,
    /// The address of the client that asks.
    Client,
}

/// A policy zone in the making.
pub(super) struct Rpz {
    trigger: Trigger,
    domains: Domains,
}

impl Trigger {
    /// The label that it has in a policy zone.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "rpz-ip",
            Self::Client => "rpz-client-ip",
        }
    }
}

impl Rpz {
    pub(super) fn new(trigger: Trigger, zone: &Zone) -> Self {
        Self { trigger, domains: Domains::new(&zone.origin) }
    }

    pub(super) fn head(&self, zone: &Zone, serial: Serial, out: &mut Out) {
        let (origin, soa) = (&zone.origin, &zone.soa);
        out.write(format_args!(
            "; {origin}, serial {}, a response policy zone\n$ORIGIN {}\n$TTL {}\n",
            serial.0,
            origin.to_absolute(),
            zone.ttl
        ));
        out.write(format_args!(
            "@ SOA {} {} {} {} {} {} {}\n@ NS localhost.\n",
            zone.mname.to_absolute(),
            zone.rname.to_absolute(),
            serial.0,
            soa.refresh,
            soa.retry,
            soa.expire,
            zone.negative_ttl,
        ));
    }

    pub(super) fn put(&mut self, node: Node, out: &mut Out) {
        let Node::Answer(subject, answer) = node else { return };
        match &subject {
            Subject::V4(net) => self.put_net((*net).into(), &answer, out),
            Subject::V6(net) => self.put_net((*net).into(), &answer, out),
            Subject::Domain(domain) => {
                self.domains.put(domain, answer, |owner| put_owner(&owner, out));
            }
        }
    }

    pub(super) fn end(&mut self, out: &mut Out) {
        self.domains.end(|owner| put_owner(&owner, out));
    }

    fn put_net(&self, net: IpNet, answer: &Answer, out: &mut Out) {
        let (net, trigger) = (TriggerName(net), self.trigger.as_str());
        out.write(format_args!("{net}.{trigger} CNAME {}\n", action(answer)));
    }
}

fn put_owner(owner: &Owner<'_>, out: &mut Out) {
    out.write(format_args!("{owner} CNAME {}\n", action(owner.answer)));
}

fn action(answer: &Answer) -> &'static str {
    if answer.is_listed() { "." } else { "rpz-passthru." }
}

/// A prefix as a policy zone names it: its length, and what it is made of from the right. The longest run of zeros of
/// an IPv6 address is `zz`.
struct TriggerName(IpNet);

impl fmt::Display for TriggerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.prefix_len())?;
        match self.0 {
            IpNet::V4(net) => {
                let [a, b, c, d] = net.network().octets();
                write!(f, ".{d}.{c}.{b}.{a}")
            }
            IpNet::V6(net) => {
                let text = net.network().to_string();
                // Its two colons leave a gap between two words, or two at an end of the text.
                let text = text.replace("::", ":zz:");
                let words = text.rsplit(':').filter(|word| !word.is_empty());
                words.into_iter().try_for_each(|word| write!(f, ".{word}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_named_from_the_right() {
        for (net, name) in [
            ("192.0.2.1/32", "32.1.2.0.192"),
            ("198.51.100.0/24", "24.0.100.51.198"),
            ("2001:db8::/32", "32.zz.db8.2001"),
            ("2001:db8::1/128", "128.1.zz.db8.2001"),
            ("::1/128", "128.1.zz"),
            ("2001:db8:1:2:3:4:5:6/128", "128.6.5.4.3.2.1.db8.2001"),
            ("2001:0:0:1::/64", "64.zz.1.0.0.2001"),
        ] {
            assert_eq!(TriggerName(net.parse().unwrap()).to_string(), name);
        }
    }
}
