//! What was decided about the message at hand.
//!
//! Postfix asks once for every recipient, with the same `instance`, and all over one connection: so one
//! decision is kept for each connection, and no more.

use super::{
    reply::{Action, Decision},
    request::Request,
};

/// The last decision of a connection.
#[derive(Debug, Default)]
pub(super) struct Memo {
    last: Option<(Request, Decision)>,
    /// Of the message of `last`.
    prepended: bool,
}

impl Memo {
    /// The decision, if this request asks for what was decided already.
    pub(super) fn find(&self, request: &Request) -> Option<Decision> {
        let (last, decision) = self.last.as_ref()?;
        (is_same_message(last, request) && last.is_alike(request)).then(|| decision.clone())
    }

    /// Keeps a decision; gives what to answer: a header is put before a message only once. What follows from
    /// a grant is not kept, which may end before the next recipient.
    pub(super) fn remember(&mut self, request: Request, decision: Decision) -> Action {
        if decision.granted.is_some() {
            return decision.action;
        }
        let same = self.last.as_ref().is_some_and(|(last, _)| is_same_message(last, &request));
        self.prepended &= same;
        let action = match decision.action.clone() {
            Action::Tag(_) if self.prepended || request.is_after_message() => Action::Pass,
            action => action,
        };
        self.prepended |= matches!(action, Action::Tag(_));
        self.last = Some((request, decision));
        action
    }
}

/// Requests without an instance (from something else than Postfix) are each of their own.
fn is_same_message(one: &Request, other: &Request) -> bool {
    !one.instance.is_empty() && one.instance == other.instance
}

#[cfg(test)]
mod tests {
    use super::Memo;
    use crate::policy_service::{
        reply::{Action, Decision},
        request::Request,
    };

    fn request(instance: &str, sender: &str) -> Request {
        let mut request = Request::default();
        for (name, value) in [("instance", instance), ("sender", sender)] {
            request.set(name, value);
        }
        request
    }

    fn tag() -> Decision {
        Decision { action: Action::Tag("X-DNSBL: a".into()), ..Decision::default() }
    }

    #[test]
    fn all_recipients_of_a_message_get_one_decision_and_one_header() {
        let mut memo = Memo::default();
        assert_eq!(memo.find(&request("1", "a")), None);
        assert_eq!(memo.remember(request("1", "a"), tag()), tag().action);
        let known = memo.find(&request("1", "a")).unwrap();
        assert_eq!(memo.remember(request("1", "a"), known), Action::Pass);
        let known = memo.find(&request("1", "a")).unwrap();
        assert_eq!(memo.remember(request("1", "a"), known), Action::Pass);
    }

    #[test]
    fn what_follows_from_a_grant_is_not_kept() {
        let granted = |action| Decision {
            action,
            granted: Some("popauth.example".into()),
            ..Decision::default()
        };
        let mut memo = Memo::default();
        assert_eq!(memo.remember(request("1", "a"), granted(Action::Permit)), Action::Permit);
        assert_eq!(memo.remember(request("1", "a"), granted(Action::Pass)), Action::Pass);
        assert_eq!(memo.find(&request("1", "a")), None);
        // Nor does it put away what the lists said.
        assert_eq!(memo.remember(request("1", "a"), tag()), tag().action);
        memo.remember(request("1", "a"), granted(Action::Permit));
        assert_eq!(memo.find(&request("1", "a")), Some(tag()));
    }

    #[test]
    fn the_next_message_is_decided_anew() {
        let mut memo = Memo::default();
        memo.remember(request("1", "a"), tag());
        assert_eq!(memo.find(&request("2", "a")), None);
        assert_eq!(memo.remember(request("2", "a"), tag()), tag().action);
    }

    #[test]
    fn what_becomes_known_later_is_decided_too_but_the_header_stays_one() {
        let mut memo = Memo::default();
        memo.remember(request("1", ""), tag());
        assert_eq!(memo.find(&request("1", "a@spam.example")), None);
        assert_eq!(memo.remember(request("1", "a@spam.example"), tag()), Action::Pass);
    }

    #[test]
    fn requests_without_an_instance_share_nothing() {
        let mut memo = Memo::default();
        memo.remember(request("", "a"), tag());
        assert_eq!(memo.find(&request("", "a")), None);
        assert_eq!(memo.remember(request("", "a"), tag()), tag().action);
    }

    #[test]
    fn a_message_that_has_come_gets_no_header() {
        let mut after = request("1", "a");
        after.set("protocol_state", "END-OF-MESSAGE");
        assert_eq!(Memo::default().remember(after, tag()), Action::Pass);
    }
}
