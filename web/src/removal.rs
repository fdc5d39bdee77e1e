//! Requests for removal: what somebody typed, as a submission, why the service refuses one, and what of a request may be
//! shown to whoever has its ticket.

use std::net::IpAddr;

use dnsbl_removals::{
    Asker, Contact, Found, Often, Refused, Removals, RemovalsError, Removed, Request, State,
    StateKind, Submission, Waiting,
};
use dnsbl_reports::Comment;
use dnsbl_types::{Name, Subject, UnixTime};

use crate::{
    Language,
    fault::{Fault, Field},
    forms::Fields,
    lookup::Findings,
    shown::Shown,
};

/// A request as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypedRemoval {
    pub(crate) subject: String,
    /// The list that was chosen, where there are several.
    pub(crate) zone: String,
    pub(crate) contact: String,
    pub(crate) comment: String,
}

/// A request as it may be shown: neither who decided about it nor anybody's mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemovalFacts {
    pub(crate) now: UnixTime,
    pub(crate) zone: Name,
    pub(crate) subject: Subject,
    pub(crate) at: UnixTime,
    /// Until when it is answered.
    pub(crate) promised: UnixTime,
    pub(crate) stage: RemovalStage,
    /// What the reviewer wants whoever asked to know.
    pub(crate) note: Option<Shown>,
    pub(crate) is_listed: bool,
    /// Whether somebody is told by mail.
    pub(crate) has_contact: bool,
}

/// How a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RemovalStage {
    /// The link in the mail has not been followed, which can be done until then.
    Unconfirmed(UnixTime),
    /// A reviewer decides, also about what covers the subject.
    Review(Option<Subject>),
    /// It is removed then.
    Waits(UnixTime),
    /// The relay is tested, by the test with this id.
    Retest(String),
    /// It is removed; resolvers may remember it until the second time.
    Removed(UnixTime, UnixTime),
    /// It stays listed.
    Refused,
    /// It stays listed, since a test found it so.
    TestedOpen,
}

impl TypedRemoval {
    /// What was typed.
    pub(crate) fn read(fields: &Fields) -> Self {
        let get = |name| fields.get(name).to_owned();
        Self {
            subject: get("q"),
            zone: get("zone"),
            contact: get("contact"),
            comment: get("comment"),
        }
    }

    /// The submission, by somebody at an address, about what was found.
    ///
    /// # Errors
    /// What was typed can't be one.
    pub(crate) fn submission(
        &self,
        findings: &Findings,
        from: IpAddr,
        language: Language,
    ) -> Result<Submission, Fault> {
        let zone = self.zone_of(&listing_zones(findings))?;
        let contact = match self.contact.as_str() {
            "" => None,
            contact => {
                let contact: Result<Contact, _> = contact.parse();
                Some(contact.map_err(|_| Fault::of(Field::Contact, "fault-malformed-contact"))?)
            }
        };
        Ok(Submission {
            subject: findings.subject.clone(),
            zone: Some(zone),
            asker: Asker::Anybody(Asker::network(from)),
            contact,
            comment: Comment::new(&self.comment),
            language: match language {
                Language::English => dnsbl_removals::Language::English,
                Language::Japanese => dnsbl_removals::Language::Japanese,
            },
        })
    }

    /// The only zone, or the one that was chosen.
    fn zone_of(&self, listing: &[&Name]) -> Result<Name, Fault> {
        match listing {
            [] => Err(Fault::of(Field::Subject, "fault-not-listed-here")),
            [zone] => Ok((*zone).clone()),
            several => {
                let chosen = several.iter().find(|zone| zone.to_string() == self.zone);
                chosen.map(|zone| (*zone).clone()).ok_or(Fault::of(Field::Zone, "fault-several"))
            }
        }
    }
}

/// The zones that list a subject themselves, of those that are shown.
pub(crate) fn listing_zones(findings: &Findings) -> Vec<&Name> {
    let own = findings.listed().filter(|(_, facts)| facts.by.is_some());
    own.map(|(finding, _)| &finding.zone).collect()
}

/// The fault that the service found; `None` where it is ours.
pub(crate) fn fault(err: &RemovalsError) -> Option<Fault> {
    let refused = match err {
        RemovalsError::Refused(refused) => refused,
        RemovalsError::Relay(refusal) => {
            // The tester's fields are not those of this form.
            return Fault::found(refusal).map(|fault| Fault { field: Field::Whole, ..fault });
        }
        _ => return None,
    };
    let (field, key) = match refused {
        Refused::NoZone(_)
        | Refused::Grants(_)
        | Refused::NotListed { .. }
        | Refused::NowhereListed(_)
        | Refused::SeveralList { .. }
        | Refused::Elsewhere { .. } => (Field::Subject, "fault-not-listed-here"),
        Refused::TestEntry(_) => (Field::Subject, "fault-test-entry"),
        Refused::NoContact(_) => (Field::Contact, "fault-no-contact"),
        Refused::Often(Often::Asker, _) => (Field::Whole, "limit-removals"),
        Refused::Often(Often::Contact, _) => (Field::Contact, "limit-mails"),
        Refused::Crowded { .. } => (Field::Whole, "limit-crowded"),
        Refused::Full(_) | Refused::MailFull(_) => (Field::Whole, "limit-full"),
    };
    Some(Fault { retry_after: err.retry_after(), ..Fault::of(field, key) })
}

/// Whether a contact is needed for one of the zones that list a subject.
pub(crate) fn wants_contact(removals: &Removals, zones: &[&Name]) -> bool {
    zones.iter().any(|zone| removals.wants_contact(zone))
}

impl RemovalFacts {
    /// What may be shown of a request.
    pub(crate) fn of(found: &Found, now: UnixTime) -> Self {
        Self::with(&found.request, found.is_listed, found.has_contact, now)
    }

    /// What may be shown of a request that was just confirmed.
    pub(crate) fn confirmed(request: &Request, now: UnixTime) -> Self {
        let kind = request.state.kind();
        Self::with(request, kind.is_open() || kind == StateKind::Refused, true, now)
    }

    fn with(request: &Request, is_listed: bool, has_contact: bool, now: UnixTime) -> Self {
        let note = request.decision.as_ref().and_then(|decision| decision.note.as_ref());
        Self {
            now,
            zone: request.zone.clone(),
            subject: request.subject.clone(),
            at: request.at,
            promised: request.promised(),
            stage: stage(&request.state),
            note: note.map(|note| Shown::whole(note.as_str())),
            is_listed,
            has_contact,
        }
    }

    /// Seconds after which the page is to be looked at again; `None` where nothing happens within minutes.
    pub(crate) fn refresh(&self) -> Option<u32> {
        match &self.stage {
            RemovalStage::Retest(_) => Some(15),
            RemovalStage::Waits(at) if at.seconds_from(self.now) < 600 => Some(15),
            _ => None,
        }
    }
}

fn stage(state: &State) -> RemovalStage {
    match state {
        State::Unconfirmed(until) => RemovalStage::Unconfirmed(*until),
        State::Waiting(Waiting { removed_at: Some(at), .. }) => RemovalStage::Waits(*at),
        State::Waiting(Waiting { wider, .. }) => RemovalStage::Review(wider.clone()),
        State::Retest(test) => RemovalStage::Retest(test.clone()),
        State::Granted(Removed { at, cached_until })
        | State::Done(Removed { at, cached_until }) => RemovalStage::Removed(*at, *cached_until),
        State::Refused(None) => RemovalStage::Refused,
        State::Refused(Some(_)) => RemovalStage::TestedOpen,
    }
}
