//! What becomes of a request, and how long a subject waits that comes back: pure, with the time as a parameter.

use dnsbl_types::{RemovalRules, Subject, UnixTime};

/// The removals of a subject from a zone that no reviewer has decided about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    /// How many there were, each so soon after the one before that it counts.
    pub(crate) removals: u32,
    /// When the last one was.
    pub(crate) last: UnixTime,
}

/// How a subject stands in a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The relay tester lists it.
    pub(crate) is_tested: bool,
    /// Others list it.
    pub(crate) is_listed: bool,
    /// What covers it, and lists it once the others do not.
    pub(crate) wider: Option<Subject>,
    /// It names many addresses or names itself.
    pub(crate) is_wide: bool,
}

/// What is to be done about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing lists the subject.
    Nothing,
    /// The relay is tested.
    Retest,
    /// It is removed.
    Remove,
    /// It is removed at that time.
    Wait(UnixTime),
    /// A reviewer decides.
    Review,
}

impl Case {
    /// Takes note of a removal. Whether it is the first of a new row goes by when it was asked for: who had to wait
    /// has not been away meanwhile.
    pub(crate) fn remove(&mut self, rules: &RemovalRules, asked: UnixTime, now: UnixTime) {
        self.forget(rules, asked);
        self.removals = self.removals.saturating_add(1);
        self.last = now;
    }

    /// When it may be removed again, if that is asked for now.
    pub(crate) fn removable_at(mut self, rules: &RemovalRules, now: UnixTime) -> UnixTime {
        self.forget(rules, now);
        now.plus(rules.wait_after(self.removals))
    }

    /// When it begins anew.
    pub(crate) fn ends(&self, rules: &RemovalRules) -> UnixTime {
        self.last.plus(rules.longest_wait.into())
    }

    fn forget(&mut self, rules: &RemovalRules, now: UnixTime) {
        if self.ends(rules) <= now {
            self.removals = 0;
        }
    }
}

impl Standing {
    /// What is to be done about a request; `is_confirmed`: who asks has followed the link in a mail.
    pub(crate) fn step(
        &self,
        rules: &RemovalRules,
        case: Case,
        is_confirmed: bool,
        now: UnixTime,
    ) -> Step {
        let lists = self.is_listed || self.wider.is_some();
        // A zone that wants a mail to be confirmed, on a server that sends none, has a reviewer look.
        let is_proven = is_confirmed || !rules.confirm_by_mail;
        match case.removable_at(rules, now) {
            _ if self.is_tested => Step::Retest,
            _ if !lists => Step::Nothing,
            _ if self.wider.is_some() || self.is_wide => Step::Review,
            _ if !rules.self_service || !is_proven => Step::Review,
            at if at <= now => Step::Remove,
            at => Step::Wait(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: UnixTime = UnixTime(1_700_000_000);

    fn rules(self_service: bool, confirm_by_mail: bool) -> RemovalRules {
        let usual = RemovalRules::default();
        RemovalRules { self_service, confirm_by_mail, wait: 100, longest_wait: 1000, ..usual }
    }

    fn listed() -> Standing {
        Standing { is_listed: true, ..Standing::default() }
    }

    #[test]
    fn only_what_lists_nothing_but_the_subject_goes_without_a_reviewer() {
        let step = |standing: &Standing, rules, is_confirmed| {
            standing.step(&rules, Case::default(), is_confirmed, NOW)
        };
        let wider = Standing { wider: "192.0.2.0/24".parse().ok(), ..listed() };
        let tested = Standing { is_tested: true, ..wider.clone() };
        let wide = Standing { is_wide: true, ..listed() };
        let own = rules(true, false);
        assert_eq!(step(&listed(), own, false), Step::Remove);
        assert_eq!(step(&wider, own, true), Step::Review);
        assert_eq!(step(&Standing { is_listed: false, ..wider }, own, true), Step::Review);
        assert_eq!(step(&wide, own, true), Step::Review);
        assert_eq!(step(&tested, own, true), Step::Retest);
        assert_eq!(step(&tested, rules(false, false), false), Step::Retest);
        assert_eq!(step(&Standing::default(), own, false), Step::Nothing);
        assert_eq!(step(&listed(), rules(false, false), true), Step::Review);
        assert_eq!(step(&listed(), rules(true, true), false), Step::Review);
        assert_eq!(step(&listed(), rules(true, true), true), Step::Remove);
    }

    #[test]
    fn each_removal_waits_twice_as_long_as_the_one_before_until_it_begins_anew() {
        let (rules, mut case, mut now) = (rules(true, false), Case::default(), NOW);
        let mut waits = Vec::new();
        for _ in 0..7 {
            let at = case.removable_at(&rules, now);
            waits.push(at.seconds_from(now));
            case.remove(&rules, now, at);
            now = at;
        }
        assert_eq!(
            waits,
            [0, 100, 200, 400, 800, 1000, 1000],
            "having waited is not having been away"
        );
        let mut case = Case::default();
        case.remove(&rules, NOW, NOW);
        assert_eq!(case.removable_at(&rules, NOW.plus(999)), NOW.plus(1099));
        assert_eq!(case.removable_at(&rules, NOW.plus(1000)), NOW.plus(1000));
    }

    proptest! {
        /// However often and whenever is asked, and whatever the clock does.
        #[test]
        fn no_wait_exceeds_the_longest_and_none_is_shorter_than_the_one_before_it(
            steps in proptest::collection::vec((0..3000_u64, any::<bool>()), 1..60),
            wait in 0..500_u32,
            more in 0..2000_u32,
        ) {
            let rules = RemovalRules { wait, longest_wait: wait + more, ..rules(true, false) };
            let (mut case, mut now, mut before) = (Case::default(), NOW, 0);
            for (pause, is_back) in steps {
                now = if is_back { UnixTime(now.0 - pause / 2) } else { now.plus(pause) };
                let is_new = case.ends(&rules) <= now;
                let at = case.removable_at(&rules, now);
                let waited = at.seconds_from(now);
                prop_assert!(waited <= rules.longest_wait.into());
                prop_assert!(is_new || waited >= before, "{waited} after {before}");
                prop_assert!(!is_new || waited == 0);
                before = waited;
                case.remove(&rules, now, now);
            }
        }

        #[test]
        fn nothing_that_covers_more_goes_without_a_reviewer(
            is_tested: bool, is_listed: bool, has_wider: bool, is_wide: bool, self_service: bool,
            confirm_by_mail: bool, is_confirmed: bool, removals in 0..9_u32, pause in 0..2000_u64,
        ) {
            let wider = has_wider.then(|| "192.0.2.0/24".parse().unwrap());
            let standing = Standing { is_tested, is_listed, wider, is_wide };
            let case = Case { removals, last: NOW };
            let rules = rules(self_service, confirm_by_mail);
            let step = standing.step(&rules, case, is_confirmed, NOW.plus(pause));
            if matches!(step, Step::Remove | Step::Wait(_)) {
                prop_assert!(self_service && is_listed && !has_wider && !is_wide && !is_tested);
                prop_assert!(is_confirmed || !confirm_by_mail);
            }
            prop_assert_eq!(step == Step::Nothing, !is_tested && !is_listed && !has_wider);
        }
    }
}
