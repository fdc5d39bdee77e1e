//! An assignment for tests.

use std::sync::Arc;

use dnsbl_types::UnixTime;

use super::{Assignment, Ground, Identity};
use crate::{Key, RelayTarget, TargetPolicy, TestId, TokenKeys};

/// A test of 8.8.4.4:25 with a domain, whose tokens hold at [`NOW`].
pub(crate) fn assignment() -> Assignment {
    let mut identity = Identity::new(
        "relaytest.example.org".parse().unwrap(),
        "probe.example.org".parse().unwrap(),
    );
    identity.lookup_url = Some("https://bl.example.org/relay-tests/{id}".parse().unwrap());
    Assignment {
        test: TestId(0x0123_4567_89ab_cdef),
        target: RelayTarget::parse("8.8.4.4", 25, &TargetPolicy::default()).unwrap(),
        ground: Ground::Evidence,
        domain: Some("example.net".parse().unwrap()),
        ptr: None,
        receiver: None,
        expires_at: UnixTime(NOW.0 + 5 * 86_400),
        date: NOW,
        identity: Arc::new(identity),
        keys: Arc::new(TokenKeys::new(Key { id: 1, secret: [7; 32] }, vec![])),
    }
}

/// 2027-01-15 08:00 UTC.
pub(crate) const NOW: UnixTime = UnixTime(1_800_000_000);
