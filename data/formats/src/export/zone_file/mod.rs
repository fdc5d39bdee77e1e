//! Zones in the master file format (RFC 1035 section 5), for name servers such as NSD and BIND.
//!
//! Prefixes that end at a label are wildcards, others are several of them. A wildcard answers for all names below it
//! but those below a name that exists (RFC 4592), so:
//!
//! - an exclusion is a name with a record that nobody asks for;
//! - a name that exists for something else below a wildcard gets a wildcard of its own with the same answer.

mod addresses;
mod ipv6_forms;
mod record;

use dnsbl_types::{Serial, Subject, Zone};

use self::{addresses::Addresses, ipv6_forms::Ipv6Forms, record::Records};
use super::{
    answer::Answer,
    domains::{Domains, Owner},
    nodes::{self, Fixed, Node},
    notes::{Notes, Refusal},
    out::Out,
};

/// A zone file in the making.
pub(super) struct ZoneFile {
    records: Records,
    v4: Addresses,
    v6: Addresses,
    domains: Domains,
    has_addresses: bool,
    /// Of IPv4 addresses, if they are asked for.
    forms: Option<Ipv6Forms>,
}

impl ZoneFile {
    /// With the IPv6 forms of IPv4 addresses, if all is given that is said of 6to4 addresses.
    pub(super) fn new(
        zone: &Zone,
        max_names: u64,
        six_to_four: Option<Vec<(Subject, Answer)>>,
    ) -> Self {
        let own = |subject: (Subject, Answer)| match subject {
            (Subject::V6(net), answer) if ipv6_forms::is_six_to_four(&net) => Some((net, answer)),
            _ => None,
        };
        let forms = six_to_four.map(|all| all.into_iter().filter_map(own).collect());
        Self {
            records: Records::new(max_names),
            v4: Addresses::v4(),
            v6: Addresses::v6(),
            domains: Domains::new(&zone.origin),
            has_addresses: zone.kind.has_addresses(),
            forms: forms.map(Ipv6Forms::new),
        }
    }

    /// The test entries, and the names that keep wildcards from answering for others.
    pub(super) fn fixed(&self, zone: &Zone) -> Vec<(Subject, Fixed)> {
        let mut fixed = nodes::test_entries(zone);
        if self.has_addresses {
            fixed.extend(addresses::names_of_both_families());
        } else {
            fixed.extend(nodes::own_names(zone));
        }
        fixed
    }

    pub(super) fn head(&self, zone: &Zone, serial: Serial, out: &mut Out) {
        record::head(zone, serial, out);
        if self.has_addresses && self.forms.is_none() {
            out.text
                .push_str("; without the IPv6 forms of IPv4 addresses, but for the test entries\n");
            addresses::put_mapped_tests(zone, out);
        }
    }

    pub(super) fn put(&mut self, node: Node, out: &mut Out, notes: &mut Notes) {
        let records = &mut self.records;
        let (subject, answer) = match node {
            Node::Answer(subject, answer) => (subject, Some(answer)),
            Node::Present(subject) => (subject, None),
        };
        match subject {
            Subject::V4(net) => {
                if let (Some(forms), Some(answer)) = (&mut self.forms, &answer) {
                    forms.put(net, answer, records, out, notes);
                }
                let first = net.network().to_bits().into();
                self.v4.put(first, net.prefix_len(), answer, records, out, notes);
            }
            Subject::V6(net) => {
                if self.forms.is_some() {
                    if ipv6_forms::is_six_to_four(&net) {
                        return;
                    }
                    if ipv6_forms::covers_six_to_four(&net) {
                        notes.refusals.add(&net, Refusal::CoversSixToFour);
                    }
                }
                let first = net.network().to_bits();
                self.v6.put(first, net.prefix_len(), answer, records, out, notes);
            }
            Subject::Domain(domain) => {
                if let Some(answer) = answer {
                    let put = |owner: Owner<'_>| put_domain(&owner, records, out, notes);
                    self.domains.put(&domain, answer, put);
                }
            }
        }
    }

    pub(super) fn end(&mut self, out: &mut Out, notes: &mut Notes) {
        let records = &mut self.records;
        self.v4.end(records, out, notes);
        self.v6.end(records, out, notes);
        if let Some(forms) = &mut self.forms {
            forms.end(records, out, notes);
        }
        self.domains.end(|owner| put_domain(&owner, records, out, notes));
    }
}

fn put_domain(owner: &Owner<'_>, records: &mut Records, out: &mut Out, notes: &mut Notes) {
    match owner.answer {
        Answer::Listed(content) => {
            let text = owner.name.to_string();
            records.listed(owner, &text, owner.is_wildcard, content, out, notes);
        }
        // A wildcard that is not there answers nothing.
        Answer::Excluded if owner.is_covered && !owner.is_wildcard => {
            records.blocked(owner, out, notes);
        }
        Answer::Excluded | Answer::Own => {}
    }
}
