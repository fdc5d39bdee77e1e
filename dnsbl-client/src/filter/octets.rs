//! A set of IPv4 addresses that is a set of octets for each of the four places.
//!
//! Numbers, ranges, prefixes and masks all are such sets, so one form serves every dialect.

use std::{fmt, net::Ipv4Addr, ops::RangeInclusive};

/// Octets, as bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct OctetSet([u64; 4]);

/// The octets that each place may have.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Octets(pub(crate) [OctetSet; 4]);

impl OctetSet {
    pub(crate) fn insert(&mut self, octets: RangeInclusive<u8>) {
        for octet in octets {
            self.0[usize::from(octet >> 6)] |= 1 << (octet & 63);
        }
    }

    pub(crate) fn has(self, octet: u8) -> bool {
        self.0[usize::from(octet >> 6)] >> (octet & 63) & 1 == 1
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).filter(move |octet| self.has(*octet))
    }

    pub(crate) fn len(self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    /// Neighbours together, in ascending order.
    pub(crate) fn ranges(self) -> Vec<RangeInclusive<u8>> {
        let mut ranges: Vec<RangeInclusive<u8>> = Vec::new();
        for octet in self.iter() {
            match ranges.last_mut() {
                Some(last) if u16::from(*last.end()) + 1 == u16::from(octet) => {
                    *last = *last.start()..=octet;
                }
                _ => ranges.push(octet..=octet),
            }
        }
        ranges
    }

    fn meets(self, other: Self) -> bool {
        self.0.iter().zip(other.0).any(|(mine, theirs)| mine & theirs != 0)
    }

    fn masked(mask: u8, value: u8) -> Self {
        let mut set = Self::default();
        for octet in (0..=u8::MAX).filter(|octet| octet & mask == value) {
            set.insert(octet..=octet);
        }
        set
    }
}

impl Octets {
    pub(crate) fn exactly(addr: Ipv4Addr) -> Self {
        Self::masked(Ipv4Addr::BROADCAST, addr)
    }

    /// The addresses whose bits under `mask` are those of `value`.
    pub(crate) fn masked(mask: Ipv4Addr, value: Ipv4Addr) -> Self {
        let (mask, value) = (mask.octets(), value.octets());
        Self(std::array::from_fn(|i| OctetSet::masked(mask[i], value[i])))
    }

    pub(crate) fn has(&self, addr: Ipv4Addr) -> bool {
        self.0.iter().zip(addr.octets()).all(|(set, octet)| set.has(octet))
    }

    /// The mask of [`Octets::masked`] with `value == mask`, if it is one.
    pub(crate) fn as_bits(&self) -> Option<Ipv4Addr> {
        let mask = Ipv4Addr::from(self.0.map(|set| set.iter().fold(u8::MAX, |all, o| all & o)));
        (*self == Self::masked(mask, mask)).then_some(mask)
    }

    /// A regular expression for the addresses.
    pub(crate) fn expression(&self) -> String {
        let fields = self.0.map(|set| {
            let ranges = set.ranges();
            match &ranges[..] {
                [all] if (*all.start(), *all.end()) == (0, u8::MAX) => return "\\d+".into(),
                [one] if one.start() == one.end() => return one.start().to_string(),
                _ => {}
            }
            let parts: Vec<String> = ranges.into_iter().flat_map(range_expressions).collect();
            if let [one] = &parts[..] { one.clone() } else { format!("(?:{})", parts.join("|")) }
        });
        fields.join("\\.")
    }

    /// Whether an address is in both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).all(|(mine, theirs)| mine.meets(theirs))
    }

    /// One set for both, if they differ in one place at most.
    pub(crate) fn union(&self, other: &Self) -> Option<Self> {
        let differ = |i: &usize| self.0[*i] != other.0[*i];
        let mut union = self.clone();
        match (0..4).filter(differ).collect::<Vec<_>>()[..] {
            [] => {}
            [place] => {
                for range in other.0[place].ranges() {
                    union.0[place].insert(range);
                }
            }
            _ => return None,
        }
        Some(union)
    }

    /// How many addresses there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|set| set.len() as u64).product()
    }

    /// Every address, in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Ipv4Addr> {
        let [a, b, c, d] = self.0;
        a.iter().flat_map(move |a| {
            b.iter().flat_map(move |b| {
                c.iter().flat_map(move |c| d.iter().map(move |d| Ipv4Addr::new(a, b, c, d)))
            })
        })
    }
}

/// Regular expressions of which one matches each number of a range: `[2-9]`, `[1-9]\d`, `1\d\d`.
fn range_expressions(range: RangeInclusive<u8>) -> Vec<String> {
    let (mut next, last) = (u16::from(*range.start()), u16::from(*range.end()));
    let digits = |from: u16, to: u16| {
        if from == to { from.to_string() } else { format!("[{from}-{to}]") }
    };
    let mut parts = Vec::new();
    while next <= last {
        let hundreds = if next < 100 { String::new() } else { (next / 100).to_string() };
        // As many decades as fit behind the same first digit, else numbers of one decade.
        let decades = (last + 1).min(next / 100 * 100 + 100) / 10;
        if next % 100 == 0 && next >= 100 && next + 99 <= last {
            parts.push(format!("{hundreds}\\d\\d"));
            next += 100;
        } else if next.is_multiple_of(10) && next >= 10 && decades > next / 10 {
            parts.push(format!("{hundreds}{}\\d", digits(next / 10 % 10, (decades - 1) % 10)));
            next = decades * 10;
        } else {
            let to = last.min(next / 10 * 10 + 9);
            let tens = if next < 10 { String::new() } else { (next / 10).to_string() };
            parts.push(format!("{tens}{}", digits(next % 10, to % 10)));
            next = to + 1;
        }
    }
    parts
}

impl fmt::Display for OctetSet {
    /// As Postfix writes a field: a number, or ranges in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges = self.ranges();
        if let [one] = &ranges[..]
            && one.start() == one.end()
        {
            return write!(f, "{}", one.start());
        }
        f.write_str("[")?;
        for (i, range) in ranges.iter().enumerate() {
            let separator = if i > 0 { ";" } else { "" };
            match range.end() - range.start() {
                0 => write!(f, "{separator}{}", range.start())?,
                _ => write!(f, "{separator}{}..{}", range.start(), range.end())?,
            }
        }
        f.write_str("]")
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = &self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}

impl fmt::Debug for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::range_expressions;

    /// Whether a number matches digits, `\d` and `[a-b]`.
    fn matches(expression: &str, number: u8) -> bool {
        let (mut rest, text) = (expression.as_bytes(), number.to_string());
        for digit in text.bytes() {
            rest = match rest {
                [b'\\', b'd', rest @ ..] => rest,
                [b'[', from, b'-', to, b']', rest @ ..] if (from..=to).contains(&&digit) => rest,
                [same, rest @ ..] if *same == digit => rest,
                _ => return false,
            };
        }
        rest.is_empty()
    }

    #[test]
    fn the_expressions_of_a_range_match_its_numbers_and_no_others() {
        for from in 0..=u8::MAX {
            for to in from..=u8::MAX {
                let parts = range_expressions(from..=to);
                assert!(parts.len() <= 8, "{from} to {to}: {parts:?}");
                for number in 0..=u8::MAX {
                    let inside = parts.iter().any(|part| matches(part, number));
                    assert_eq!(inside, (from..=to).contains(&number), "{number}: {parts:?}");
                }
            }
        }
    }
}
