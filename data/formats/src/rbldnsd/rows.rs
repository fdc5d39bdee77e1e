//! The entries of a file, until all are in and it is clear what they say together.

use std::net::Ipv6Addr;

use dnsbl_types::{DomainSubject, Labels, Name, Subject};
use ipnet::{Ipv4Net, Ipv6Net};

use super::{
    classes::{self, Classes},
    dataset::ListType,
    entry::Span,
    name::Scope,
    value::ValueId,
};

/// The entries of a file.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one for each file")]
pub(super) enum Rows {
    /// Those of ip4set, and of ip4tset, which is one without ranges and exclusions.
    Classes(Classes),
    /// IPv4 prefixes of which the first entry counts: address, length, value.
    V4(Vec<(u32, u8, ValueId)>),
    /// The same of IPv6.
    V6(Vec<(u128, u8, ValueId)>),
    Names(Names),
}

impl Rows {
    pub(super) fn new(list: ListType) -> Self {
        match list {
            ListType::Ip4Set | ListType::Ip4TSet => Self::Classes(Classes::default()),
            ListType::Ip4Trie => Self::V4(Vec::new()),
            ListType::Ip6TSet | ListType::Ip6Trie => Self::V6(Vec::new()),
            ListType::DnSet | ListType::DnHash => Self::Names(Names::default()),
        }
    }

    /// Makes room for many entries of a value.
    pub(super) fn expect_many(&mut self, value: ValueId) {
        if let Self::Classes(classes) = self {
            classes.expect_many(value);
        }
    }

    /// Adds an entry of the kind that the data set has.
    pub(super) fn add(&mut self, span: &Span, value: ValueId) {
        match (self, span) {
            (Self::Classes(classes), Span::V4(range)) => classes.add(*range, value),
            (Self::V4(prefixes), Span::V4(range)) => {
                let nets = classes::subnets(range.first, range.last);
                prefixes.extend(nets.map(|net| (net.addr().to_bits(), net.prefix_len(), value)));
            }
            (Self::V6(prefixes), Span::V6(net)) => {
                prefixes.push((net.addr().to_bits(), net.prefix_len(), value));
            }
            (Self::Names(names), Span::Name(name, scope)) => names.add(name, *scope, value),
            _ => {}
        }
    }

    /// About how many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.bytes(),
            Self::V4(prefixes) => size_of_val(prefixes.as_slice()),
            Self::V6(prefixes) => size_of_val(prefixes.as_slice()),
            Self::Names(names) => names.bytes(),
        }
    }

    /// Hands over each subject with its values, ascending and each once. Gives how many entries an earlier one
    /// of the same prefix leaves without effect.
    pub(super) fn for_each<E>(
        self,
        mut put: impl FnMut(Subject, &[ValueId]) -> Result<(), E>,
    ) -> Result<u64, E> {
        match self {
            Self::Classes(classes) => classes.for_each(put).map(|()| 0),
            Self::V4(prefixes) => first_of_each(prefixes, |addr, len, value| {
                put(Subject::V4(Ipv4Net::new_assert(addr.into(), len)), &[value])
            }),
            Self::V6(prefixes) => first_of_each(prefixes, |addr, len, value| {
                let net = Ipv6Net::new_assert(Ipv6Addr::from_bits(addr), len);
                put(Subject::from_net(net.into()), &[value])
            }),
            Self::Names(names) => names.for_each(put).map(|()| 0),
        }
    }
}

/// Hands over the first entry of each prefix, and counts the others that say something else.
fn first_of_each<A: Ord + Copy, E>(
    mut prefixes: Vec<(A, u8, ValueId)>,
    mut put: impl FnMut(A, u8, ValueId) -> Result<(), E>,
) -> Result<u64, E> {
    // Stable, so that the first stays first.
    prefixes.sort_by_key(|(addr, len, _)| (*addr, *len));
    let mut without_effect = 0;
    let mut last: Option<(A, u8, ValueId)> = None;
    for entry in prefixes {
        let (addr, len, value) = entry;
        match last {
            Some((a, l, before)) if (a, l) == (addr, len) => {
                without_effect += u64::from(before != value);
            }
            _ => {
                put(addr, len, value)?;
                last = Some(entry);
            }
        }
    }
    Ok(without_effect)
}

/// Names in wire form, one behind the other, and where each lies.
#[derive(Debug, Default)]
pub(super) struct Names {
    wire: Vec<u8>,
    entries: Vec<NameEntry>,
}

#[derive(Clone, Copy, Debug)]
struct NameEntry {
    at: u32,
    len: u8,
    below: bool,
    value: ValueId,
}

impl Names {
    fn add(&mut self, name: &Name, scope: Scope, value: ValueId) {
        let at = u32::try_from(self.wire.len()).expect("the reader's limit is far below 4 GiB");
        self.wire.extend_from_slice(name.wire());
        let len = name.wire().len() as u8;
        if scope != Scope::Below {
            self.entries.push(NameEntry { at, len, below: false, value });
        }
        if scope != Scope::Exact {
            self.entries.push(NameEntry { at, len, below: true, value });
        }
    }

    fn bytes(&self) -> usize {
        self.wire.len() + size_of_val(self.entries.as_slice())
    }

    fn for_each<E>(
        self,
        mut put: impl FnMut(Subject, &[ValueId]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { wire, mut entries } = self;
        let name = |entry: &NameEntry| &wire[entry.at as usize..][..usize::from(entry.len)];
        entries.sort_unstable_by(|a, b| (name(a), a.below).cmp(&(name(b), b.below)));
        let mut values = Vec::new();
        for same in entries.chunk_by(|a, b| a.below == b.below && name(a) == name(b)) {
            values.clear();
            values.extend(same.iter().map(|entry| entry.value));
            classes::settle(&mut values);
            put(Subject::Domain(domain(name(&same[0]), same[0].below)), &values)?;
        }
        Ok(())
    }
}

fn domain(wire: &[u8], below: bool) -> DomainSubject {
    let name = Name::from_labels(Labels::before(wire, 1)).expect("it was a name before");
    let domain = if below { DomainSubject::below(name) } else { DomainSubject::exact(name) };
    domain.expect("the root is no entry")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(mut rows: Rows, spans: &[(Span, u32)]) -> (Vec<String>, u64) {
        for (span, value) in spans {
            rows.add(span, ValueId::of_bits(*value));
        }
        let mut found = Vec::new();
        let put = |subject: Subject, values: &[ValueId]| {
            let values: Vec<String> = values.iter().map(|value| value.bits().to_string()).collect();
            found.push(format!("{subject} {}", values.join("+")));
            Ok::<(), ()>(())
        };
        let without_effect = rows.for_each(put).unwrap();
        (found, without_effect)
    }

    #[test]
    fn the_first_entry_of_a_prefix_counts_in_tries() {
        let net = |text: &str| Span::V6(text.parse().unwrap());
        let spans = [
            (net("2001:db8::/32"), 1),
            (net("2001:db8::/48"), 0),
            (net("2001:db8::/32"), 2),
            (net("2001:db8::/32"), 1),
        ];
        let (found, without_effect) = rows(Rows::new(ListType::Ip6Trie), &spans);
        assert_eq!(found, ["2001:db8::/32 1", "2001:db8::/48 0"]);
        assert_eq!(without_effect, 1);
    }

    #[test]
    fn all_values_of_a_name_count_unless_it_is_excluded() {
        let name = |text: &str, scope| Span::Name(text.parse().unwrap(), scope);
        let spans = [
            (name("b.example", Scope::Both), 1),
            (name("a.example", Scope::Exact), 1),
            (name("b.example", Scope::Exact), 2),
            (name("a.example", Scope::Below), 3),
            (name("a.example", Scope::Both), 0),
        ];
        let (found, _) = rows(Rows::new(ListType::DnSet), &spans);
        assert_eq!(found, ["a.example 0", "*.a.example 0", "b.example 1+2", "*.b.example 1"]);
    }
}
