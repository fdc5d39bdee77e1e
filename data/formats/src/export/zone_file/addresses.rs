//! The names of addresses and prefixes.
//!
//! IPv4 and IPv6 names lie in one tree: `2.0.0.1` is asked as `1.0.0.2`, and below that name lie those of
//! 2001::/16. A wildcard that stands for IPv4 addresses must not answer for these. So below each wildcard that is made of
//! labels with one digit there are names for all ten digits, and for the six other hexadecimal ones, which end it.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use dnsbl_types::{Subject, Zone};
use ipnet::{Ipv4Net, Ipv6Net};

use super::{
    super::{
        answer::Answer,
        cut::{Cutter, Run},
        nodes::{self, Fixed},
        notes::{Notes, Refusal},
        out::Out,
    },
    record::{self, Records},
};

/// The addresses of a family.
pub(super) struct Addresses {
    family: Family,
    cutter: Cutter,
    /// By level of labels: the block of the last wildcard that repeats a wider one's answer.
    repeated: Vec<Option<u128>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

/// A prefix that ends at a label; displays as its name relative to the zone.
struct Block {
    family: Family,
    first: u128,
    len: u8,
}

/// IPv6 prefixes of fewer labels would be wildcards at names that mean IPv4 prefixes as well.
const SHORTEST_V6: u8 = 13;

/// Addresses of four labels of one digit, which are names above IPv6 addresses, too.
pub(super) fn names_of_both_families() -> impl Iterator<Item = (Subject, Fixed)> {
    (0..10_000u32).map(|n| {
        let digit = |place: u32| (n / place % 10) as u8;
        let addr = Ipv4Addr::new(digit(1000), digit(100), digit(10), digit(1));
        (Subject::from(addr), Fixed::Present)
    })
}

/// The IPv6 forms of the test entries.
pub(super) fn put_mapped_tests(zone: &Zone, out: &mut Out) {
    for (subject, fixed) in nodes::test_entries(zone) {
        if let (Subject::V4(net), Fixed::Always(Answer::Listed(content))) = (subject, fixed) {
            let first = net.addr().to_ipv6_mapped().to_bits();
            let name = Block { family: Family::V6, first, len: 128 };
            out.write(format_args!("{name}"));
            record::put_content(&content, &net.addr(), out);
        }
    }
}

impl Addresses {
    pub(super) fn v4() -> Self {
        Self { family: Family::V4, cutter: Cutter::new(32, 8), repeated: vec![None; 5] }
    }

    pub(super) fn v6() -> Self {
        Self { family: Family::V6, cutter: Cutter::new(128, 4), repeated: vec![None; 33] }
    }

    /// A prefix with its answer, or with that of what covers it.
    pub(super) fn put(
        &mut self,
        first: u128,
        len: u8,
        answer: Option<Answer>,
        records: &mut Records,
        out: &mut Out,
        notes: &mut Notes,
    ) {
        let family = self.family;
        self.cutter.close_before(first, |run| put_run(family, &run, records, out, notes));
        let covering = self.cutter.open().last().map(|open| &open.answer);
        let Some(answer) = answer.or_else(|| covering.cloned()) else { return };
        let is_covered = self.cutter.open().iter().any(|open| open.answer.is_listed());
        if !answer.is_listed() && !is_covered {
            // Nothing would answer there anyway.
            return;
        }
        if family == Family::V6 && len < SHORTEST_V6 {
            let block = Block { family, first, len };
            notes.refusals.add(&block.subject(), Refusal::ShortV6);
        }
        self.repeat_wildcards(first, len, records, out, notes);
        self.cutter.begin(first, len, answer, |run| put_run(family, &run, records, out, notes));
    }

    pub(super) fn end(&mut self, records: &mut Records, out: &mut Out, notes: &mut Notes) {
        let family = self.family;
        self.cutter.end(|run| put_run(family, &run, records, out, notes));
    }

    /// The names above a prefix exist with it, and end the wildcards above them: each gets one with the answer of what
    /// covers it.
    fn repeat_wildcards(
        &mut self,
        first: u128,
        len: u8,
        records: &mut Records,
        out: &mut Out,
        notes: &mut Notes,
    ) {
        let (family, unit, stride) =
            (self.family, self.cutter.unit(len), family_stride(self.family));
        for block_len in (stride..unit).step_by(stride.into()) {
            let covering = self.cutter.open().iter().rev().find(|open| open.len <= block_len);
            let Some(covering) = covering.filter(|open| open.answer.is_listed()) else { continue };
            // It has a wildcard there itself.
            if covering.unit == block_len {
                continue;
            }
            let block = Block::around(family, first, block_len);
            let repeated = &mut self.repeated[usize::from(block_len / stride)];
            if *repeated != Some(block.first) {
                *repeated = Some(block.first);
                block.put(&covering.answer, records, out, notes);
            }
        }
    }
}

/// Bits of a label.
fn family_stride(family: Family) -> u8 {
    match family {
        Family::V4 => 8,
        Family::V6 => 4,
    }
}

fn put_run(family: Family, run: &Run<'_>, records: &mut Records, out: &mut Out, notes: &mut Notes) {
    if !run.answer.is_listed() && !run.is_covered {
        return;
    }
    let mut first = run.first;
    loop {
        let block = Block { family, first, len: run.unit };
        let last = block.last();
        block.put(run.answer, records, out, notes);
        match last.checked_add(1).filter(|next| *next <= run.last) {
            Some(next) => first = next,
            None => return,
        }
    }
}

impl Block {
    fn around(family: Family, addr: u128, len: u8) -> Self {
        let bits: u8 = if family == Family::V4 { 32 } else { 128 };
        let behind = u32::from(bits - len);
        Self { family, first: addr >> behind << behind, len }
    }

    fn bits(&self) -> u8 {
        match self.family {
            Family::V4 => 32,
            Family::V6 => 128,
        }
    }

    fn last(&self) -> u128 {
        let behind = u32::from(self.bits() - self.len);
        self.first | 1u128.checked_shl(behind).map_or(u128::MAX, |size| size - 1)
    }

    fn is_address(&self) -> bool {
        self.len == self.bits()
    }

    fn put(&self, answer: &Answer, records: &mut Records, out: &mut Out, notes: &mut Notes) {
        match answer {
            Answer::Listed(content) if self.is_address() => {
                records.listed(self, &self.subject(), false, content, out, notes);
            }
            Answer::Listed(content) => {
                let owner = format_args!("*.{self}").to_string();
                records.listed(&owner, &self.subject(), true, content, out, notes);
                self.end_for_v6(records, out, notes);
            }
            Answer::Excluded | Answer::Own => records.blocked(self, out, notes),
        }
    }

    /// Ends a wildcard of IPv4 where a label would make it one of IPv6; those of digits are names of addresses.
    fn end_for_v6(&self, records: &mut Records, out: &mut Out, notes: &mut Notes) {
        let labels = usize::from(self.len / 8);
        let octets = (self.first as u32).to_be_bytes();
        if self.family == Family::V4 && octets[..labels].iter().all(|octet| *octet < 10) {
            for digit in ['a', 'b', 'c', 'd', 'e', 'f'] {
                records.blocked(&format_args!("{digit}.{self}"), out, notes);
            }
        }
    }

    fn subject(&self) -> Subject {
        match self.family {
            Family::V4 => {
                Subject::V4(Ipv4Net::new_assert(Ipv4Addr::from(self.first as u32), self.len))
            }
            Family::V6 => Subject::V6(Ipv6Net::new_assert(Ipv6Addr::from(self.first), self.len)),
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stride = family_stride(self.family);
        let mut rest = self.first >> (self.bits() - self.len);
        for label in 0..self.len / stride {
            let dot = if label > 0 { "." } else { "" };
            match self.family {
                Family::V4 => write!(f, "{dot}{}", rest & 255)?,
                Family::V6 => write!(f, "{dot}{:x}", rest & 15)?,
            }
            rest >>= stride;
        }
        Ok(())
    }
}
