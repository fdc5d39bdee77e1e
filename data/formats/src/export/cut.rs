//! Prefixes inside each other, cut into parts of which each has one answer.
//!
//! The lengths of prefixes fall into classes that end at the same multiple of bits: with a stride of 8 they are those
//! of rbldnsd's ip4set and of the labels of IPv4 names, with 4 those of IPv6 names. A prefix of a narrower class decides
//! by itself wherever it lies; one of the same class has to be cut out of the prefix around it.

use super::answer::Answer;

/// Prefixes that are open: each covers the next, and what comes may lie in all of them.
pub(super) struct Cutter {
    /// Bits of an address.
    bits: u8,
    /// Bits of a class.
    stride: u8,
    open: Vec<Open>,
}

/// A prefix that what comes may lie in.
pub(super) struct Open {
    pub(super) len: u8,
    /// The length at which its class ends.
    pub(super) unit: u8,
    pub(super) answer: Answer,
    last: u128,
    /// The first address that was not handed over; `None` where all were.
    left: Option<u128>,
}

/// Whole units of a prefix, to which no longer prefix of the same class belongs.
pub(super) struct Run<'a> {
    pub(super) first: u128,
    pub(super) last: u128,
    /// The length of a unit as a prefix.
    pub(super) unit: u8,
    pub(super) answer: &'a Answer,
    /// Whether a wider prefix lists all of it.
    pub(super) is_covered: bool,
}

impl Cutter {
    pub(super) fn new(bits: u8, stride: u8) -> Self {
        Self { bits, stride, open: Vec::new() }
    }

    /// Those that are open, the widest first.
    pub(super) fn open(&self) -> &[Open] {
        &self.open
    }

    /// The length at which the class of a prefix ends.
    pub(super) fn unit(&self, len: u8) -> u8 {
        len.max(1).div_ceil(self.stride) * self.stride
    }

    /// The last address of a prefix.
    pub(super) fn last(&self, first: u128, len: u8) -> u128 {
        let all = u128::MAX >> (128 - u32::from(self.bits));
        first | all.checked_shr(len.into()).unwrap_or(0)
    }

    /// Ends those that end before an address, and hands over what is left of them.
    pub(super) fn close_before(&mut self, first: u128, mut put: impl FnMut(Run<'_>)) {
        while let Some(closed) = self.open.pop_if(|open| open.last < first) {
            if let Some(left) = closed.left {
                put(run(&closed, left, closed.last, &self.open));
            }
        }
    }

    /// Begins a prefix; those that end before it are closed.
    pub(super) fn begin(
        &mut self,
        first: u128,
        len: u8,
        answer: Answer,
        mut put: impl FnMut(Run<'_>),
    ) {
        let (unit, last) = (self.unit(len), self.last(first, len));
        if let Some((around, wider)) = self.open.split_last_mut()
            && around.unit == unit
        {
            if let Some(left) = around.left.filter(|left| *left < first) {
                put(run(around, left, first - 1, wider));
            }
            around.left = last.checked_add(1).filter(|next| *next <= around.last);
        }
        self.open.push(Open { len, unit, answer, last, left: Some(first) });
    }

    /// Ends all.
    pub(super) fn end(&mut self, mut put: impl FnMut(Run<'_>)) {
        while let Some(closed) = self.open.pop() {
            if let Some(left) = closed.left {
                put(run(&closed, left, closed.last, &self.open));
            }
        }
    }
}

fn run<'a>(of: &'a Open, first: u128, last: u128, wider: &[Open]) -> Run<'a> {
    let is_covered = wider.iter().any(|open| open.answer.is_listed());
    Run { first, last, unit: of.unit, answer: &of.answer, is_covered }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use dnsbl_types::{Reason, ReturnCode};
    use ipnet::Ipv4Net;

    use super::*;

    fn cut(stride: u8, prefixes: &[&str]) -> Vec<String> {
        let mut cutter = Cutter::new(32, stride);
        let mut runs = Vec::new();
        let mut put = |run: Run<'_>| {
            let shown = |addr: u128| Ipv4Addr::from(addr as u32);
            let mark = if run.answer.is_listed() { "" } else { "!" };
            runs.push(format!("{mark}{}-{} {}", shown(run.first), shown(run.last), run.unit));
        };
        for text in prefixes {
            let bare = text.trim_start_matches('!');
            let net: Ipv4Net = bare.parse().unwrap();
            let reason: Reason = "x".parse().unwrap();
            let listed = Answer::listed(ReturnCode::LISTED, reason);
            let answer = if bare.len() < text.len() { Answer::Excluded } else { listed };
            let first = net.addr().to_bits().into();
            cutter.close_before(first, &mut put);
            cutter.begin(first, net.prefix_len(), answer, &mut put);
        }
        cutter.end(&mut put);
        runs
    }

    #[test]
    fn a_prefix_is_cut_where_a_longer_one_of_its_class_decides() {
        assert_eq!(
            cut(8, &["10.0.0.0/28", "!10.0.0.4/30", "10.0.0.5/32", "10.0.0.15/32"]),
            [
                "10.0.0.0-10.0.0.3 32",
                "!10.0.0.4-10.0.0.4 32",
                "10.0.0.5-10.0.0.5 32",
                "!10.0.0.6-10.0.0.7 32",
                "10.0.0.8-10.0.0.14 32",
                "10.0.0.15-10.0.0.15 32",
            ]
        );
    }

    #[test]
    fn a_prefix_stays_whole_where_the_longer_one_is_of_a_narrower_class() {
        assert_eq!(
            cut(8, &["10.0.0.0/8", "!10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32", "11.0.0.0/8"]),
            [
                "10.1.2.3-10.1.2.3 32",
                "10.1.2.0-10.1.2.255 24",
                "!10.1.0.0-10.1.255.255 16",
                "10.0.0.0-10.255.255.255 8",
                "11.0.0.0-11.255.255.255 8",
            ]
        );
        assert_eq!(
            cut(4, &["0.0.0.0/1", "255.255.255.255/32"]),
            ["0.0.0.0-127.255.255.255 4", "255.255.255.255-255.255.255.255 32"]
        );
    }
}
