//! IPv4 addresses as they are asked for in IPv6: `::ffff:192.0.2.1`, and 6to4 (RFC 3056), `2002:c000:201::/48`.
//!
//! A 6to4 address is listed if it or the IPv4 address inside it is, and neither is excluded. So what is listed below
//! 2002::/16 has to be known while IPv4 addresses come.

use std::{iter::Peekable, net::Ipv6Addr, rc::Rc, vec};

use dnsbl_types::{Reason, Subject};
use ipnet::{Ipv4Net, Ipv6Net};

use super::{
    super::{
        answer::{Answer, Content},
        notes::Notes,
        out::Out,
    },
    addresses::Addresses,
    record::Records,
};

/// The IPv6 forms of what an IPv4 stream brings.
pub(super) struct Ipv6Forms {
    mapped: Addresses,
    six_to_four: Addresses,
    /// What is listed or excluded below 2002::/16.
    own: Peekable<vec::IntoIter<(Ipv6Net, Answer)>>,
    /// The prefixes that cover where we are, by their last addresses: of IPv4 and of IPv6.
    open_v4: Vec<(u128, Answer)>,
    open_v6: Vec<(u128, Answer)>,
}

/// 2002::/16.
const SIX_TO_FOUR: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);

/// Whether a prefix is about 6to4 addresses alone.
pub(super) fn is_six_to_four(net: &Ipv6Net) -> bool {
    SIX_TO_FOUR.contains(net)
}

/// Whether a prefix has 6to4 addresses and others.
pub(super) fn covers_six_to_four(net: &Ipv6Net) -> bool {
    net.contains(&SIX_TO_FOUR) && *net != SIX_TO_FOUR
}

impl Ipv6Forms {
    /// With what is said of 6to4 addresses, in its order.
    pub(super) fn new(own: Vec<(Ipv6Net, Answer)>) -> Self {
        Self {
            mapped: Addresses::v6(),
            six_to_four: Addresses::v6(),
            own: own.into_iter().peekable(),
            open_v4: Vec::new(),
            open_v6: Vec::new(),
        }
    }

    /// An IPv4 prefix with its answer.
    pub(super) fn put(
        &mut self,
        net: Ipv4Net,
        answer: &Answer,
        records: &mut Records,
        out: &mut Out,
        notes: &mut Notes,
    ) {
        let answer = about(answer, net);
        let addr = u128::from(net.network().to_bits());
        let first = net.network().to_ipv6_mapped().to_bits();
        self.mapped.put(first, 96 + net.prefix_len(), Some(answer.clone()), records, out, notes);
        let first = SIX_TO_FOUR.addr().to_bits() | addr << 80;
        let form = Ipv6Net::new_assert(first.into(), 16 + net.prefix_len());
        while let Some((before, own)) = self.own.next_if(|(own, _)| *own < form) {
            self.step(before, Some(own), None, records, out, notes);
        }
        let own = self.own.next_if(|(own, _)| *own == form).map(|(_, own)| own);
        self.step(form, own, Some(answer), records, out, notes);
    }

    pub(super) fn end(&mut self, records: &mut Records, out: &mut Out, notes: &mut Notes) {
        while let Some((net, own)) = self.own.next() {
            self.step(net, Some(own), None, records, out, notes);
        }
        self.mapped.end(records, out, notes);
        self.six_to_four.end(records, out, notes);
    }

    /// A 6to4 prefix of which something is said by itself, or by the IPv4 prefix inside.
    fn step(
        &mut self,
        net: Ipv6Net,
        v6: Option<Answer>,
        v4: Option<Answer>,
        records: &mut Records,
        out: &mut Out,
        notes: &mut Notes,
    ) {
        let (first, last) = (net.network().to_bits(), net.broadcast().to_bits());
        for (open, answer) in [(&mut self.open_v6, v6), (&mut self.open_v4, v4)] {
            while open.pop_if(|(last, _)| *last < first).is_some() {}
            open.extend(answer.map(|answer| (last, answer)));
        }
        let of = |open: &[(u128, Answer)]| open.last().map(|(_, answer)| answer.clone());
        if let Some(answer) = both(of(&self.open_v6), of(&self.open_v4)) {
            self.six_to_four.put(first, net.prefix_len(), Some(answer), records, out, notes);
        }
    }
}

/// An answer whose texts name the IPv4 prefix, where they name what was asked for.
fn about(answer: &Answer, net: Ipv4Net) -> Answer {
    let Answer::Listed(content) = answer else { return answer.clone() };
    if !content.texts.iter().any(|text| text.template().contains('$')) {
        return answer.clone();
    }
    let fill = |text: &Reason| {
        let filled = text.render(&Subject::V4(net)).replace('$', "$$");
        filled.parse().unwrap_or_else(|_| text.clone())
    };
    let texts = content.texts.iter().map(fill).collect();
    Answer::Listed(Rc::new(Content { codes: content.codes.clone(), texts }))
}

/// What two forms of an address say together: an exclusion of either holds.
fn both(one: Option<Answer>, other: Option<Answer>) -> Option<Answer> {
    match (one, other) {
        (None, alone) | (alone, None) => alone,
        (Some(Answer::Listed(one)), Some(Answer::Listed(other))) => {
            let mut codes = [one.codes.as_slice(), &other.codes].concat();
            codes.sort_unstable();
            codes.dedup();
            let mut texts = one.texts.clone();
            texts.extend(other.texts.iter().filter(|text| !one.texts.contains(text)).cloned());
            Some(Answer::Listed(Rc::new(Content { codes, texts })))
        }
        (Some(Answer::Listed(_)), excluded) | (excluded, Some(_)) => excluded,
    }
}
