//! Requests for removal, and how zones take them.

use admin_api_types as api;
use dnsbl_removals::{Found, Removed, Request, State, StateKind, Submitted, Waiting};
use dnsbl_types::RemovalRules;

use super::{BodyError, duration, time};

/// The rules in a body.
pub(crate) fn read_rules(body: &api::RemovalRules) -> Result<RemovalRules, BodyError> {
    let usual = RemovalRules::default();
    let seconds = |field: &str, text: &Option<String>| {
        text.as_deref().map(|text| duration::read(&format!("removal.{field}"), text)).transpose()
    };
    let wait = seconds("wait", &body.wait)?;
    let longest_wait = seconds("longest_wait", &body.longest_wait)?;
    Ok(RemovalRules {
        self_service: body.self_service.unwrap_or(usual.self_service),
        confirm_by_mail: body.confirm_by_mail.unwrap_or(usual.confirm_by_mail),
        promise: seconds("promise", &body.promise)?.unwrap_or(usual.promise),
        wait: wait.unwrap_or(usual.wait.min(longest_wait.unwrap_or(usual.wait))),
        longest_wait: longest_wait.unwrap_or(usual.longest_wait.max(wait.unwrap_or(0))),
    })
}

/// Rules as they are shown; nothing where they are as usual.
pub(crate) fn write_rules(rules: &RemovalRules) -> Option<api::RemovalRules> {
    (*rules != RemovalRules::default()).then(|| api::RemovalRules {
        self_service: Some(rules.self_service),
        confirm_by_mail: Some(rules.confirm_by_mail),
        promise: Some(duration::write(rules.promise)),
        wait: Some(duration::write(rules.wait)),
        longest_wait: Some(duration::write(rules.longest_wait)),
    })
}

/// A request as it is in a list of all.
pub(crate) fn write(request: &Request) -> api::RemovalRequest {
    let decision = request.decision.as_ref().map(|decision| api::RemovalDecision {
        by: Some(decision.by.clone()),
        at: time::write(decision.at),
        note: decision.note.as_ref().map(|note| note.as_str().to_owned()),
    });
    api::RemovalRequest {
        requested_by: request.by.clone(),
        network: request.network.map(|network| network.to_string()),
        comment: request.comment.as_ref().map(|comment| comment.as_str().to_owned()),
        decision,
        ..write_own(request)
    }
}

/// The same, with what is known of it now.
pub(crate) fn write_found(found: &Found) -> api::RemovalRequest {
    api::RemovalRequest {
        listed: Some(found.is_listed),
        has_contact: Some(found.has_contact),
        ..write(&found.request)
    }
}

/// A request as its ticket shows it: without who decides, and who has asked.
pub(crate) fn write_by_ticket(found: &Found) -> api::RemovalRequest {
    let request = &found.request;
    let decision = request.decision.as_ref().map(|decision| api::RemovalDecision {
        by: None,
        at: time::write(decision.at),
        note: decision.note.as_ref().map(|note| note.as_str().to_owned()),
    });
    api::RemovalRequest {
        listed: Some(found.is_listed),
        has_contact: Some(found.has_contact),
        decision,
        ..write_own(request)
    }
}

/// A request that was just made, with its ticket.
pub(crate) fn write_new(submitted: &Submitted) -> api::RemovalRequest {
    api::RemovalRequest { ticket: Some(submitted.ticket.reveal()), ..write_own(&submitted.request) }
}

/// A request as whoever has made it sees it.
fn write_own(request: &Request) -> api::RemovalRequest {
    let waiting = match &request.state {
        State::Waiting(waiting) => Some(waiting),
        _ => None,
    };
    let removed = match &request.state {
        State::Granted(removed) | State::Done(removed) => Some(removed),
        _ => None,
    };
    let will_be = waiting.and_then(|Waiting { removed_at, .. }| *removed_at);
    let wider = waiting.and_then(|Waiting { wider, .. }| wider.as_ref());
    let was = |of: fn(&Removed) -> dnsbl_types::UnixTime| removed.map(of);
    api::RemovalRequest {
        id: request.id.to_string(),
        state: write_state(request.state.kind()),
        zone: request.zone.to_string(),
        subject: request.subject.to_string(),
        requested_at: time::write(request.at),
        due_at: time::write(request.promised()),
        confirmed: request.is_confirmed,
        language: request.language.code().to_owned(),
        listed: None,
        removed_at: will_be.or(was(|removed| removed.at)).map(time::write),
        wider: wider.map(ToString::to_string),
        relay_test: match &request.state {
            State::Retest(test) => Some(test.clone()),
            _ => None,
        },
        verdict: match &request.state {
            State::Refused(verdict) => verdict.clone(),
            _ => None,
        },
        cached_until: was(|removed| removed.cached_until).map(time::write),
        ticket: None,
        requested_by: None,
        network: None,
        has_contact: None,
        comment: None,
        decision: None,
    }
}

/// How a request stands.
fn write_state(state: StateKind) -> api::RemovalState {
    match state {
        StateKind::Unconfirmed => api::RemovalState::Unconfirmed,
        StateKind::Waiting => api::RemovalState::Waiting,
        StateKind::Retest => api::RemovalState::Retest,
        StateKind::Granted => api::RemovalState::Granted,
        StateKind::Refused => api::RemovalState::Refused,
        StateKind::Done => api::RemovalState::Done,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_a_default_that_fits_the_rest() {
        let read = |json: &str| read_rules(&serde_json::from_str(json).unwrap());
        assert_eq!(read("{}"), Ok(RemovalRules::default()));
        assert!(write_rules(&RemovalRules::default()).is_none());
        let rules = read(r#"{"self_service":true,"wait":"60d"}"#).unwrap();
        assert_eq!((rules.wait, rules.longest_wait), (60 * 86_400, 60 * 86_400));
        let rules = read(r#"{"longest_wait":"1h"}"#).unwrap();
        assert_eq!((rules.wait, rules.longest_wait), (3600, 3600));
        let json = serde_json::to_string(&write_rules(&rules)).unwrap();
        assert_eq!(read(&json), Ok(rules));
        assert!(read(r#"{"promise":"72"}"#).is_err());
    }
}
