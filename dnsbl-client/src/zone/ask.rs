//! The name by which a target is asked of a zone.

use std::net::IpAddr;

use dnsbl_types::{Name, query_name};

use super::{Asks, Hashing, Zone};
use crate::{Email, Failure, Skipped, Status, Target};

impl Zone {
    /// Why this zone is not asked about a target of this kind, if it is not.
    pub(crate) fn refuses(&self, target: &Target) -> Option<Skipped> {
        let Asks::Addresses { v4, v6 } = self.asks else {
            let fits = matches!(
                (self.asks, target),
                (Asks::Domains, Target::Domain(_))
                    | (Asks::Emails(_), Target::Email(_))
                    | (_, Target::Verbatim(_))
            );
            return (!fits).then_some(Skipped::WrongKind);
        };
        match target.addr() {
            Some(IpAddr::V4(_)) => (!v4).then_some(Skipped::Family),
            Some(IpAddr::V6(_)) => (!v6).then_some(Skipped::Family),
            None if matches!(target, Target::Verbatim(_)) => None,
            None => Some(Skipped::WrongKind),
        }
    }

    /// The name to ask for; a status where there is none.
    pub(crate) fn question_name(&self, target: &Target) -> Result<Name, Status> {
        if let Some(why) = self.refuses(target) {
            return Err(Status::Skipped(why));
        }
        let origin = self.name.secret();
        let name = match (target, self.asks) {
            (Target::Address(_) | Target::RawAddress(_), _) => {
                target.addr().map(|addr| query_name::encode(addr, origin))
            }
            (Target::Domain(domain), _) => Some(origin.prepend(domain.name().labels())),
            (Target::Verbatim(name), _) => Some(origin.prepend(name.labels())),
            (Target::Email(email), Asks::Emails(hashing)) => {
                Some(origin.prepend([hashing.label(email).as_bytes()]))
            }
            (Target::Email(_), _) => None,
        };
        let name = name.ok_or(Status::Skipped(Skipped::WrongKind))?;
        // The error shows the name, which may hold a key.
        name.map_err(|_| Status::Failed(Failure::NameTooLong))
    }
}

impl Hashing {
    /// A label holds no more (RFC 1035 section 2.3.4).
    const MAX_LABEL: usize = 63;

    /// The label of a mail address, which is hashed in lower case.
    fn label(self, email: &Email) -> String {
        let mut label = self.hash.of(&email.to_string().to_lowercase(), self.encoding);
        label.truncate(self.length.clamp(1, Self::MAX_LABEL));
        label
    }
}
