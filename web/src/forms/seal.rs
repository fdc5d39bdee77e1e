//! Seals: a form carries when it was shown, and to which network.

use dnsbl_daemon::PeerNetwork;
use dnsbl_types::UnixTime;

/// Seconds that a form is looked at before it is sent, at the least.
const LOOKED_AT: u64 = 3;
/// Seconds for which a form can be sent.
const GOOD_FOR: u64 = 12 * 3600;

/// The forms that there are; a seal is good for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A host is nominated for a relay test.
    Nominate,
    /// A removal is asked for.
    Remove,
}

/// Makes seals, and checks them. The key is new with each start.
pub(crate) struct Sealer {
    key: [u8; 32],
}

/// The reason why a seal does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealError {
    /// The form was shown a moment ago.
    Early,
    /// It was shown long ago, before a restart, to another network, or never.
    Stale,
}

impl Sealer {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// The seal of a form that is shown now.
    pub(crate) fn seal(&self, form: Form, network: PeerNetwork, now: UnixTime) -> String {
        format!("{}.{}", now.0, self.code(form, network, now).to_hex())
    }

    /// Checks the seal of a form that was sent.
    ///
    /// # Errors
    /// It does not hold, or not yet.
    pub(crate) fn check(
        &self,
        seal: &str,
        form: Form,
        network: PeerNetwork,
        now: UnixTime,
    ) -> Result<(), SealError> {
        let (at, code) = seal.split_once('.').ok_or(SealError::Stale)?;
        let shown = UnixTime(at.parse().map_err(|_| SealError::Stale)?);
        let code = blake3::Hash::from_hex(code).map_err(|_| SealError::Stale)?;
        // In the same time whatever was sent.
        if code != self.code(form, network, shown) {
            return Err(SealError::Stale);
        }
        match now.0.checked_sub(shown.0) {
            Some(..LOOKED_AT) => Err(SealError::Early),
            Some(..GOOD_FOR) => Ok(()),
            _ => Err(SealError::Stale),
        }
    }

    fn code(&self, form: Form, network: PeerNetwork, shown: UnixTime) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&[form as u8]);
        hasher.update(&shown.0.to_be_bytes());
        hasher.update(format!("{network:?}").as_bytes());
        hasher.finalize()
    }
}

#[cfg(test)]
mod tests {
    use dnsbl_daemon::PeerNetwork;
    use dnsbl_types::UnixTime;

    use super::{Form, SealError, Sealer};

    const SHOWN: UnixTime = UnixTime(1_000_000);

    fn network(text: &str) -> PeerNetwork {
        PeerNetwork::of(text.parse().unwrap())
    }

    #[test]
    fn a_form_can_be_sent_some_seconds_after_it_was_shown_and_for_half_a_day() {
        let sealer = Sealer::new([7; 32]);
        let seal = sealer.seal(Form::Nominate, network("192.0.2.1"), SHOWN);
        let check = |seconds| {
            let now = SHOWN.plus(seconds);
            sealer.check(&seal, Form::Nominate, network("192.0.2.1"), now)
        };
        assert_eq!(check(0), Err(SealError::Early));
        assert_eq!(check(2), Err(SealError::Early));
        assert_eq!(check(3), Ok(()));
        assert_eq!(check(12 * 3600 - 1), Ok(()));
        assert_eq!(check(12 * 3600), Err(SealError::Stale));
        let before = UnixTime(SHOWN.0 - 1);
        let early = sealer.check(&seal, Form::Nominate, network("192.0.2.1"), before);
        assert_eq!(early, Err(SealError::Stale));
    }

    #[test]
    fn a_seal_is_good_for_the_network_it_was_shown_to_and_nobody_makes_one() {
        let sealer = Sealer::new([7; 32]);
        let seal = sealer.seal(Form::Nominate, network("2001:db8::1"), SHOWN);
        let now = SHOWN.plus(60);
        let check =
            |sealer: &Sealer, seal: &str, of| sealer.check(seal, Form::Nominate, network(of), now);
        assert_eq!(check(&sealer, &seal, "2001:db8::ffff"), Ok(()));
        assert_eq!(check(&sealer, &seal, "2001:db8:1::1"), Err(SealError::Stale));
        assert_eq!(check(&Sealer::new([8; 32]), &seal, "2001:db8::1"), Err(SealError::Stale));
        let later = seal.replacen("1000000", "1000001", 1);
        for wrong in ["", ".", "x", "1000000.", "1000000.00", "-1.ff", &seal[..30], &later] {
            assert_eq!(check(&sealer, wrong, "2001:db8::1"), Err(SealError::Stale), "{wrong}");
        }
    }
}
