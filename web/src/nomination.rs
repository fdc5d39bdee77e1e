//! Nominations: what somebody typed, as a submission to the tester.

use std::net::IpAddr;

use dnsbl_store::Actor;
use relay_tester::{Ground, life::Asker, service::Submission, text::clean_lines};

use crate::{
    fault::{Fault, Field},
    forms::Fields,
};

/// The longest evidence, in bytes.
const MAX_EVIDENCE: usize = 16 << 10;

/// The grounds that somebody without a token may have.
pub(crate) const GROUNDS: [Ground; 3] = [Ground::Evidence, Ground::Own, Ground::Delist];

/// A nomination as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nomination {
    pub(crate) address: String,
    pub(crate) ground: Option<Ground>,
    pub(crate) evidence: String,
    pub(crate) domain: String,
}

impl Nomination {
    /// What was typed.
    pub(crate) fn read(fields: &Fields) -> Self {
        let ground: Option<Ground> = fields.get("ground").parse().ok();
        Self {
            address: fields.get("address").to_owned(),
            ground: ground.filter(|ground| GROUNDS.contains(ground)),
            evidence: fields.get("evidence").to_owned(),
            domain: fields.get("domain").to_owned(),
        }
    }

    /// The submission, by somebody at an address.
    ///
    /// # Errors
    /// What was typed can't be one.
    pub(crate) fn submission(&self, from: IpAddr) -> Result<Submission, Fault> {
        if self.address.is_empty() {
            return Err(Fault::of(Field::Address, "fault-no-address"));
        }
        let ground = self.ground.ok_or(Fault::of(Field::Ground, "fault-no-ground"))?;
        if ground == Ground::Own && self.address.parse() != Ok(from) {
            return Err(Fault::of(Field::Ground, "fault-not-from-there"));
        }
        if self.evidence.len() > MAX_EVIDENCE {
            return Err(Fault::of(Field::Evidence, "fault-long-evidence"));
        }
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Submission {
            address: self.address.clone(),
            ground,
            port: None,
            domain: text(&self.domain),
            tier: None,
            // It belongs to this ground; what was typed before another was chosen is not kept.
            evidence: text(&self.evidence)
                .filter(|_| ground == Ground::Evidence)
                .map(|text| clean_lines(&text)),
            note: None,
            asker: Asker::Anonymous(from),
            actor: Actor { remote: Some(from.to_string()), ..Actor::part("anonymous") },
        })
    }
}

#[cfg(test)]
mod tests {
    use relay_tester::Ground;

    use super::{Fault, Field, Nomination};

    fn nomination(address: &str, ground: Ground) -> Nomination {
        Nomination {
            address: address.into(),
            ground: Some(ground),
            evidence: "Received: from there\r\n\u{1b}[31m".into(),
            domain: String::new(),
        }
    }

    #[test]
    fn a_nomination_is_a_submission_by_somebody_at_an_address() {
        let from = "192.0.2.1".parse().unwrap();
        let submission = nomination("198.51.100.7", Ground::Evidence).submission(from).unwrap();
        assert_eq!(submission.evidence.as_deref(), Some("Received: from there\n\u{fffd}[31m"));
        assert_eq!(submission.actor.remote.as_deref(), Some("192.0.2.1"));
        assert_eq!((submission.port, submission.domain, submission.tier), (None, None, None));
        let submission = nomination("192.0.2.1", Ground::Own).submission(from).unwrap();
        assert_eq!(submission.evidence, None);
    }

    #[test]
    fn nobody_speaks_for_an_address_that_he_does_not_come_from() {
        let from = "192.0.2.1".parse().unwrap();
        let faults = |nomination: Nomination| nomination.submission(from).map(drop).unwrap_err();
        let fault = faults(nomination("192.0.2.2", Ground::Own));
        assert_eq!(fault, Fault::of(Field::Ground, "fault-not-from-there"));
        let fault = faults(Nomination::default());
        assert_eq!(fault, Fault::of(Field::Address, "fault-no-address"));
        let without = Nomination { ground: None, ..nomination("192.0.2.2", Ground::Own) };
        assert_eq!(faults(without), Fault::of(Field::Ground, "fault-no-ground"));
    }
}
