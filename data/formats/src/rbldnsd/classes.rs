//! How ip4set decides, brought into prefixes of which the longest decides.
//!
//! rbldnsd cuts every range into /32s, /24s, /16s and /8s. Of these four classes the narrowest that has an
//! address decides: an exclusion if there is one, else all of its values. Here a range stays as few
//! prefixes as it can: /25 to /32 for the first class, /17 to /24 for the second, and so on, so that a longer
//! prefix is never of a wider class. Where ranges of a class overlap, they are cut into parts of which each has
//! all the values that hold for it.

use std::net::Ipv4Addr;

use dnsbl_types::Subject;
use ipnet::{Ipv4Net, Ipv4Subnets};

use super::{v4::Range, value::ValueId};

/// What is said of IPv4 addresses, by class.
#[derive(Debug, Default)]
pub(super) struct Classes {
    classes: [Class; 4],
}

/// Bits behind the prefixes of each class.
const SHIFTS: [u32; 4] = [0, 8, 16, 24];

/// What is said of the units of a class: addresses, /24s, /16s, or /8s, counted from 0.
#[derive(Debug, Default)]
struct Class {
    /// The value that most units have, as far as could be guessed, and those units.
    usual: Option<ValueId>,
    of_usual: Vec<u32>,
    /// Other units, each with the number of its value in one word, so that they are sorted at once.
    units: Vec<u64>,
    /// Several units, never all below one unit of the next wider class.
    spans: Vec<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    first: u32,
    last: u32,
    value: ValueId,
}

impl Classes {
    /// Makes room for many addresses of a value, unless that is done for another.
    pub(super) fn expect_many(&mut self, value: ValueId) {
        self.classes[0].usual.get_or_insert(value);
    }

    /// Adds a range.
    pub(super) fn add(&mut self, range: Range, value: ValueId) {
        let Range { first, last } = range;
        if first == last {
            return self.classes[0].add(first, last, value);
        }
        self.cut(0, first, last, value);
    }

    /// Adds the units of a class; whole units of the next wider one go there.
    fn cut(&mut self, class: usize, first: u32, last: u32, value: ValueId) {
        if class + 1 == SHIFTS.len() {
            return self.classes[class].add(first, last, value);
        }
        // The first and the last whole one of the wider units.
        let from = u64::from(first).div_ceil(256);
        let to = (u64::from(last) + 1) / 256;
        if from < to {
            let (from, to) = (from as u32, to as u32 - 1);
            if let Some(end) = (from * 256).checked_sub(1).filter(|end| *end >= first) {
                self.classes[class].add(first, end, value);
            }
            if let Some(begin) = (to * 256).checked_add(256).filter(|begin| *begin <= last) {
                self.classes[class].add(begin, last, value);
            }
            return self.cut(class + 1, from, to, value);
        }
        // Fewer than 512, so that at most one border lies between them.
        let border = last & !255;
        if border > first {
            self.classes[class].add(first, border - 1, value);
            self.classes[class].add(border, last, value);
        } else {
            self.classes[class].add(first, last, value);
        }
    }

    /// About how many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        let class = |class: &Class| {
            class.of_usual.len() * 4 + class.units.len() * 8 + class.spans.len() * 12
        };
        self.classes.iter().map(class).sum()
    }

    /// Hands over each prefix with its values, ascending and each once.
    pub(super) fn for_each<E>(
        self,
        mut put: impl FnMut(Subject, &[ValueId]) -> Result<(), E>,
    ) -> Result<(), E> {
        for (class, shift) in self.classes.into_iter().zip(SHIFTS) {
            class.for_each(|first, last, values| {
                if first == last {
                    let net = Ipv4Net::new_assert((first << shift).into(), (32 - shift) as u8);
                    return put(Subject::V4(net), values);
                }
                let last = last << shift | ((1 << shift) - 1);
                let mut nets = subnets(first << shift, last);
                nets.try_for_each(|net| put(Subject::V4(net), values))
            })?;
        }
        Ok(())
    }
}

/// The prefixes that make up a range.
pub(super) fn subnets(first: u32, last: u32) -> Ipv4Subnets {
    Ipv4Subnets::new(Ipv4Addr::from(first), Ipv4Addr::from(last), 0)
}

impl Class {
    fn add(&mut self, first: u32, last: u32, value: ValueId) {
        if first < last {
            self.spans.push(Span { first, last, value });
        } else if self.usual == Some(value) {
            self.of_usual.push(first);
        } else {
            self.units.push(u64::from(first) << 32 | u64::from(value.bits()));
        }
    }

    /// Hands over runs of units that have the same values.
    fn for_each<E>(
        self,
        mut put: impl FnMut(u32, u32, &[ValueId]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { usual, mut of_usual, mut units, mut spans } = self;
        of_usual.sort_unstable();
        of_usual.dedup();
        units.sort_unstable();
        units.dedup();
        spans.sort_unstable_by_key(|span| span.first);
        let mut of_usual = of_usual.into_iter().peekable();
        let mut units = units.into_iter().peekable();
        let mut spans = spans.into_iter().peekable();
        // Spans that have begun and not ended.
        let mut open: Vec<Span> = Vec::new();
        let mut values: Vec<ValueId> = Vec::new();
        let mut at = 0;
        loop {
            let other = units.peek().map(|word| (word >> 32) as u32);
            let unit = of_usual.peek().copied().into_iter().chain(other).min();
            let span = spans.peek().map(|span| span.first);
            if open.is_empty() {
                let Some(next) = unit.into_iter().chain(span).min() else { return Ok(()) };
                at = next;
            }
            while let Some(span) = spans.next_if(|span| span.first == at) {
                open.push(span);
            }
            values.clear();
            values.extend(open.iter().map(|span| span.value));
            let last = if unit == Some(at) {
                if of_usual.next_if_eq(&at).is_some() {
                    values.extend(usual);
                }
                while let Some(word) = units.next_if(|word| (word >> 32) as u32 == at) {
                    values.push(ValueId::of_bits(word as u32));
                }
                at
            } else {
                let before = |next: u32| next - 1;
                let ends = open.iter().map(|span| span.last);
                let begins = spans.peek().map(|span| before(span.first));
                // One is open, or nothing would be here.
                ends.chain(unit.map(before)).chain(begins).min().unwrap_or(at)
            };
            settle(&mut values);
            put(at, last, &values)?;
            open.retain(|span| span.last > last);
            let Some(next) = last.checked_add(1) else { return Ok(()) };
            at = next;
        }
    }
}

/// Each value once; an exclusion leaves no other.
pub(super) fn settle(values: &mut Vec<ValueId>) {
    values.sort_unstable();
    values.dedup();
    if values.first() == Some(&ValueId::EXCLUDED) {
        values.truncate(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbldnsd::v4::prefix_or_range;

    fn prefixes(entries: &[(&str, u32)]) -> Vec<String> {
        let mut classes = Classes::default();
        for (text, value) in entries {
            let (range, _) = prefix_or_range(text.as_bytes()).unwrap();
            classes.expect_many(ValueId::of_bits(1));
            classes.add(range, ValueId::of_bits(*value));
        }
        let mut found = Vec::new();
        let put = |subject: Subject, values: &[ValueId]| {
            let values: Vec<String> = values.iter().map(|value| value.bits().to_string()).collect();
            found.push(format!("{subject} {}", values.join("+")));
            Ok::<(), ()>(())
        };
        classes.for_each(put).unwrap();
        found
    }

    #[test]
    fn a_range_stays_as_few_prefixes_as_it_can() {
        assert_eq!(prefixes(&[("1.2.3.0/25", 1)]), ["1.2.3.0/25 1"]);
        assert_eq!(prefixes(&[("1.2.4.0/22", 1)]), ["1.2.4.0/22 1"]);
        assert_eq!(
            prefixes(&[("1.2.3.128-1.2.5.3", 1)]),
            ["1.2.3.128/25 1", "1.2.5.0/30 1", "1.2.4.0/24 1"]
        );
        assert_eq!(prefixes(&[("1.2.3.250-1.2.4.1", 1)]).len(), 3);
        assert_eq!(prefixes(&[("0-255", 1)]), ["0.0.0.0/0 1"]);
        assert_eq!(prefixes(&[("255.255.255.254-255", 1)]), ["255.255.255.254/31 1"]);
        assert_eq!(
            prefixes(&[("200-255", 1)]),
            ["200.0.0.0/5 1", "208.0.0.0/4 1", "224.0.0.0/3 1"]
        );
    }

    #[test]
    fn all_values_of_a_class_hold_where_its_ranges_overlap() {
        assert_eq!(
            prefixes(&[("2.0.0.0/30", 12), ("2.0.0.1", 13)]),
            ["2.0.0.0 12", "2.0.0.1 12+13", "2.0.0.2/31 12"]
        );
        assert_eq!(
            prefixes(&[("4.0.0.0/23", 15), ("4.0.0.0/24", 16)]),
            ["4.0.0.0/24 15+16", "4.0.1.0/24 15"]
        );
        assert_eq!(prefixes(&[("1.2.3.4", 2), ("1.2.3.4", 1), ("1.2.3.4", 2)]), ["1.2.3.4 1+2"]);
    }

    #[test]
    fn an_exclusion_wins_in_its_class_and_not_over_a_narrower_one() {
        assert_eq!(prefixes(&[("1.2.3.4", 1), ("1.2.3.4", 0)]), ["1.2.3.4 0"]);
        let same = prefixes(&[("3.0.0.0/25", 0), ("3.0.0.5", 14)]);
        assert!(same.iter().all(|prefix| prefix.ends_with(" 0")), "{same:?}");
        assert_eq!(prefixes(&[("1.2.5.0/24", 0), ("1.2.5.9", 11)]), ["1.2.5.9 11", "1.2.5.0/24 0"]);
    }

    #[test]
    fn no_prefix_is_as_short_as_those_of_a_wider_class() {
        // Two halves of a /24, and the whole of it excluded.
        let halves = prefixes(&[("5.0.0.0/25", 1), ("5.0.0.128/25", 1), ("5.0.0.0/24", 0)]);
        assert_eq!(halves, ["5.0.0.0/25 1", "5.0.0.128/25 1", "5.0.0.0/24 0"]);
    }
}
