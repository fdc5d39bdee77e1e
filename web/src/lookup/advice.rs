//! What to do about what was found: a pure function of it.

use dnsbl_types::{Subject, UnixTime};

use super::{Findings, HostNames, Removal, Standing};

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Who runs the mail server.
    Administrator,
    /// Who only wants to send mail.
    Sender,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Read why it is listed.
    ReadReason,
    /// Find what relays, and close it.
    CloseRelay,
    /// Wait for the second clean test.
    AwaitSecondTest(UnixTime),
    /// Wait for the next test, or have it tested earlier.
    AwaitRetest(UnixTime),
    /// The network as a whole is listed; its owner has to act.
    AskNetworkOwner(Subject),
    /// The domain as a whole is listed; its owner has to act.
    AskDomainOwner(Subject),
    /// Find the cause, and end it.
    EndCause,
    /// Ask the operator for the removal.
    AskOperator,
    /// It goes by itself at that time.
    AwaitExpiry(UnixTime),
    /// It goes when somebody removes it; there is no other end.
    NoExpiry,
    /// After the removal caches remember for so many seconds.
    AwaitCaches(u32),
    /// It was removed, and caches remember until then.
    AwaitCachesUntil(UnixTime),
    /// Read in the bounce which list it was.
    ReadBounce,
    /// Restart, or wait for, a mail server that remembers on its own.
    MailServerRemembers,
    /// See that the names of the host are in order.
    CheckNames,
    /// Nothing is to be done here: it is kept out of the list.
    NothingHere,
    /// It is most likely nothing that the reader did.
    NotYourDoing,
    /// The domain stands in the mail; leave it out, if it is somebody else's.
    LeaveOutDomain,
    /// Tell who runs the mail server, with this page.
    TellAdministrator,
    /// Send through the provider's server, with a login.
    UseSubmission,
    /// The address is one of many people's, or another tomorrow.
    SharedAddress,
}

/// What to do, in order.
pub(crate) fn advise(findings: &Findings, audience: Audience, has_contact: bool) -> Vec<Step> {
    match (findings.is_listed(), audience) {
        (true, Audience::Administrator) => for_listed(findings, has_contact),
        (true, Audience::Sender) => for_sender_of_listed(findings),
        (false, Audience::Administrator) => for_unlisted(findings),
        (false, Audience::Sender) => vec![Step::ReadBounce, Step::TellAdministrator],
    }
}

fn for_listed(findings: &Findings, has_contact: bool) -> Vec<Step> {
    let listed = || findings.listed().map(|(_, facts)| facts);
    let mut steps = vec![Step::ReadReason];
    let tested = listed().find(|facts| facts.is_tested);
    if let Some(facts) = tested {
        steps.push(Step::CloseRelay);
        match &facts.evidence {
            Some(evidence) if evidence.is_half_cleared => {
                steps.push(Step::AwaitSecondTest(evidence.next_test_at));
            }
            Some(evidence) => steps.push(Step::AwaitRetest(evidence.next_test_at)),
            None => {}
        }
    }
    let is_wider = |by: &&Subject| **by != findings.subject;
    if let Some(by) = listed().filter_map(|facts| facts.by.as_ref()).find(is_wider) {
        let by = by.clone();
        steps.push(match is_network(&by) {
            true => Step::AskNetworkOwner(by),
            false => Step::AskDomainOwner(by),
        });
    } else if listed().any(|facts| !facts.is_tested) {
        steps.push(Step::EndCause);
    }
    if has_contact {
        steps.push(Step::AskOperator);
    }
    let ends: Option<Vec<UnixTime>> = listed().map(|facts| facts.expires_at).collect();
    match ends.and_then(|ends| ends.into_iter().max()) {
        Some(end) => steps.push(Step::AwaitExpiry(end)),
        None if tested.is_none() => steps.push(Step::NoExpiry),
        None => {}
    }
    let answers = findings.listed().filter_map(|(zone, _)| zone.answer.as_ref());
    steps.extend(answers.map(|answer| answer.ttl).max().map(Step::AwaitCaches));
    steps
}

fn for_sender_of_listed(findings: &Findings) -> Vec<Step> {
    if !is_network(&findings.subject) {
        return vec![Step::LeaveOutDomain, Step::TellAdministrator];
    }
    vec![Step::NotYourDoing, Step::TellAdministrator, Step::UseSubmission, Step::SharedAddress]
}

fn is_network(subject: &Subject) -> bool {
    matches!(subject, Subject::V4(_) | Subject::V6(_))
}

fn for_unlisted(findings: &Findings) -> Vec<Step> {
    let removals = findings.zones.iter().filter_map(|finding| match &finding.standing {
        Standing::NotListed { removed } => removed.as_ref(),
        _ => None,
    });
    let last = removals.map(|Removal { remembered_until, .. }| *remembered_until).max();
    let mut steps = Vec::new();
    if let Some(until) = last.filter(|until| *until > findings.now) {
        steps.push(Step::AwaitCachesUntil(until));
    }
    if findings.zones.iter().any(|finding| finding.standing == Standing::Excluded) {
        steps.push(Step::NothingHere);
    }
    steps.extend([Step::ReadBounce, Step::MailServerRemembers]);
    let is_in_order = matches!(findings.names, HostNames::Confirmed(_));
    if is_network(&findings.subject) && !is_in_order {
        steps.push(Step::CheckNames);
    }
    steps
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{Audience, Step, advise};
    use crate::lookup::{
        DnsAnswer, Evidence, Findings, HostNames, Inside, ListedFacts, Removal, Standing,
        ZoneFinding,
    };

    const NOW: UnixTime = UnixTime(1_000_000);

    fn findings(subject: &str, standing: Standing) -> Findings {
        let answer = DnsAnswer { name: "1.2.0.192.bl.example".into(), a: vec![], ttl: 300 };
        let zone = ZoneFinding {
            zone: "bl.example".parse().unwrap(),
            standing,
            answer: Some(answer),
            inside: Inside::None,
        };
        Findings {
            subject: subject.parse().unwrap(),
            now: NOW,
            zones: vec![zone],
            names: HostNames::NotAsked,
        }
    }

    fn listed(facts: ListedFacts) -> Standing {
        Standing::Listed(Box::new(facts))
    }

    #[test]
    fn an_open_relay_is_closed_first_and_then_tested_and_waited_for() {
        let evidence = Evidence {
            confirmed_at: UnixTime(1),
            port: None,
            probes: vec!["plain"],
            through_another: false,
            next_test_at: UnixTime(2_000_000),
            is_half_cleared: false,
        };
        let facts = ListedFacts {
            by: Some("192.0.2.1".parse().unwrap()),
            is_tested: true,
            evidence: Some(evidence.clone()),
            expires_at: Some(UnixTime(3_000_000)),
            ..ListedFacts::default()
        };
        let found = findings("192.0.2.1", listed(facts.clone()));
        assert_eq!(
            advise(&found, Audience::Administrator, true),
            [
                Step::ReadReason,
                Step::CloseRelay,
                Step::AwaitRetest(UnixTime(2_000_000)),
                Step::AskOperator,
                Step::AwaitExpiry(UnixTime(3_000_000)),
                Step::AwaitCaches(300),
            ]
        );
        let half = Evidence { is_half_cleared: true, ..evidence };
        let found = findings("192.0.2.1", listed(ListedFacts { evidence: Some(half), ..facts }));
        let steps = advise(&found, Audience::Administrator, true);
        assert!(steps.contains(&Step::AwaitSecondTest(UnixTime(2_000_000))), "{steps:?}");
    }

    #[test]
    fn who_is_inside_a_listed_network_asks_its_owner_and_nobody_is_told_to_ask_where_nobody_is() {
        let by: dnsbl_types::Subject = "192.0.2.0/24".parse().unwrap();
        let facts = ListedFacts { by: Some(by.clone()), ..ListedFacts::default() };
        let found = findings("192.0.2.1", listed(facts));
        assert_eq!(
            advise(&found, Audience::Administrator, false),
            [Step::ReadReason, Step::AskNetworkOwner(by), Step::NoExpiry, Step::AwaitCaches(300),]
        );
    }

    #[test]
    fn a_domain_has_an_owner_and_no_network() {
        let by: dnsbl_types::Subject = "*.bad.example".parse().unwrap();
        let facts = ListedFacts { by: Some(by.clone()), ..ListedFacts::default() };
        let found = findings("www.bad.example", listed(facts));
        let steps = advise(&found, Audience::Administrator, false);
        assert_eq!(steps[1], Step::AskDomainOwner(by));
        let steps = advise(&found, Audience::Sender, false);
        assert_eq!(steps, [Step::LeaveOutDomain, Step::TellAdministrator]);
    }

    #[test]
    fn who_was_removed_a_moment_ago_hears_until_when_others_remember_it() {
        let removed = |until| {
            let removed = Removal { at: UnixTime(999_900), remembered_until: UnixTime(until) };
            findings("192.0.2.1", Standing::NotListed { removed: Some(removed) })
        };
        let steps = advise(&removed(1_000_200), Audience::Administrator, true);
        assert_eq!(steps[0], Step::AwaitCachesUntil(UnixTime(1_000_200)));
        let steps = advise(&removed(999_999), Audience::Administrator, true);
        assert_eq!(steps[0], Step::ReadBounce);
    }

    #[test]
    fn there_is_something_to_do_for_everybody_whatever_was_found() {
        let standings = [
            Standing::NotListed { removed: None },
            Standing::Excluded,
            Standing::Test,
            listed(ListedFacts::default()),
        ];
        for standing in standings {
            for subject in ["192.0.2.1", "2001:db8::/48", "example.org"] {
                let found = findings(subject, standing.clone());
                for audience in [Audience::Administrator, Audience::Sender] {
                    assert!(advise(&found, audience, true).len() >= 2, "{subject} {standing:?}");
                }
            }
        }
    }
}
