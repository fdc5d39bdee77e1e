//! How the health of a list is found out.

use std::{net::Ipv4Addr, time::Duration};

use super::{Asks, Probes};
use crate::Target;

impl Probes {
    /// Half an hour.
    pub const EVERY: Duration = Duration::from_secs(1800);

    /// The test entries of RFC 5782 section 5, and something made up.
    pub fn of(asks: Asks) -> Self {
        let address = |last| Target::ip_raw(Ipv4Addr::new(127, 0, 0, last).into());
        let (listed, absent) = match asks {
            Asks::Addresses { .. } => (vec![address(2)], vec![address(1)]),
            Asks::Domains | Asks::Emails(_) => (Vec::new(), Vec::new()),
        };
        Self { listed, absent, random_absent: true, every: Self::EVERY }
    }

    /// For a list without test entries: it is never found to be wrong by a probe.
    pub fn none() -> Self {
        Self { listed: Vec::new(), absent: Vec::new(), random_absent: false, every: Self::EVERY }
    }
}
