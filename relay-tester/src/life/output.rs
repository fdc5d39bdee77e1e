//! Hosts through which messages came back that were given to another: the outputs of a relay of
//! several hops. One test never lists an output: who runs the tested host knows the token, and may
//! send it through any server that takes his mail. So inputs of many networks must be seen, each of
//! them as the hop before in what the output itself wrote, and none that takes everything.

use std::{collections::HashSet, net::IpAddr};

use dnsbl_types::UnixTime;

use crate::TestId;

const DAY: u64 = 24 * 3600;

/// Days for which a sighting counts, and for which an output stays listed after the last.
const KEEP: u64 = 30;

/// An output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its address.
    pub address: IpAddr,
    /// The tested hosts that sent through it, the newest last.
    pub sightings: Vec<Sighting>,
}

/// A tested host that sent through an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The host.
    pub input: IpAddr,
    /// The test.
    pub test: TestId,
    /// When.
    pub at: UnixTime,
}

impl Output {
    /// The most sightings that are kept.
    pub const MAX_SIGHTINGS: usize = 64;
    /// From how many networks hosts must have sent through it, unless told otherwise.
    pub const NETWORKS: usize = 5;

    /// Adds a sighting. Of an input only the newest is kept, and of many those of different networks.
    pub fn record(&mut self, sighting: Sighting) {
        let since = UnixTime(sighting.at.0.saturating_sub(KEEP * DAY));
        self.sightings.retain(|old| old.input != sighting.input && old.at >= since);
        self.sightings.push(sighting);
        if self.sightings.len() > Self::MAX_SIGHTINGS {
            let newest = network(sighting.input);
            let same = self.sightings.iter().position(|old| network(old.input) == newest);
            self.sightings.remove(same.unwrap_or(0));
        }
    }

    /// Whether hosts of so many networks (/16, IPv6 /32) sent through it.
    pub fn is_confirmed(&self, networks: usize) -> bool {
        let seen: HashSet<_> = self.sightings.iter().map(|s| network(s.input)).collect();
        seen.len() >= networks.max(2)
    }

    /// From then on its listing is absent unless it is seen again.
    pub fn expires_at(&self) -> UnixTime {
        let last = self.sightings.iter().map(|sighting| sighting.at).max();
        last.unwrap_or_default().plus(KEEP * DAY)
    }
}

/// The /16 of an IPv4 address, the /32 of an IPv6 address.
fn network(address: IpAddr) -> (bool, u32) {
    match address {
        IpAddr::V4(v4) => (false, v4.to_bits() >> 16),
        IpAddr::V6(v6) => (true, (v6.to_bits() >> 96) as u32),
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{DAY, Output, Sighting};
    use crate::TestId;

    fn seen(inputs: &[(&str, u64)]) -> Output {
        let mut output = Output { address: "203.0.113.9".parse().unwrap(), sightings: Vec::new() };
        for &(input, day) in inputs {
            let input = input.parse().unwrap();
            output.record(Sighting { input, test: TestId(day), at: UnixTime(day * DAY) });
        }
        output
    }

    #[test]
    fn one_host_never_confirms_an_output_however_often_it_sends() {
        let one = seen(&[("192.0.2.1", 1), ("192.0.2.1", 2), ("192.0.99.2", 3)]);
        assert!(!one.is_confirmed(2) && !one.is_confirmed(0));
        assert!(!seen(&[("2001:db8:1::1", 1), ("2001:db8:2::1", 2)]).is_confirmed(2));
    }

    /// Security review, M6: two rented addresses listed anybody.
    #[test]
    fn hosts_of_several_networks_confirm_it() {
        let inputs = [
            ("192.0.2.1", 1),
            ("198.51.100.1", 2),
            ("203.0.113.1", 3),
            ("2001:db8::1", 4),
            ("2001:db9::1", 5),
        ];
        assert!(!seen(&inputs[..4]).is_confirmed(Output::NETWORKS));
        assert!(seen(&inputs).is_confirmed(Output::NETWORKS));
    }

    #[test]
    fn what_was_seen_long_ago_counts_no_more() {
        assert!(!seen(&[("192.0.2.1", 1), ("198.51.100.1", 40)]).is_confirmed(2));
    }

    #[test]
    fn many_sightings_of_one_network_do_not_push_out_another() {
        let mut inputs = vec![("198.51.100.1".to_owned(), 1)];
        inputs.extend((0..80).map(|host| (format!("192.0.2.{host}"), 2)));
        let inputs: Vec<(&str, u64)> = inputs.iter().map(|(a, d)| (a.as_str(), *d)).collect();
        let output = seen(&inputs);
        assert_eq!(output.sightings.len(), Output::MAX_SIGHTINGS);
        assert!(output.is_confirmed(2));
    }
}
