//! Noticing that everything is listed all of a sudden.

/// A sequential test (CUSUM): does the zone say "listed" as often as it used to, or always?
///
/// Each answer adds the logarithm of how much likelier it is if everything is listed. The sum never
/// falls below 0; beyond [`Alarm::LIMIT`] it rings. Whatever share of the clients is listed, fewer
/// than 20 are listed wrongly until then.
#[derive(Clone, Debug)]
pub(crate) struct Alarm {
    /// The share that is usually listed, and how many answers that rests on.
    usual: f64,
    weight: f64,
    sum: f64,
    listed: u32,
    of: u32,
}

impl Alarm {
    /// A false alarm is one in e^12 and costs a probe.
    const LIMIT: f64 = 12.0;
    /// A zone that lists everything does so to this degree.
    const EVERYTHING: f64 = 0.99;
    /// Shares beyond these are not told apart from always and never.
    const LEAST: f64 = 0.05;
    const MOST: f64 = 0.95;
    /// The usual share is that of about so many answers.
    const MEMORY: f64 = 500.0;

    pub(crate) fn new() -> Self {
        Self { usual: 0.3, weight: 20.0, sum: 0.0, listed: 0, of: 0 }
    }

    /// Takes an answer; true if the alarm rings.
    pub(crate) fn observe(&mut self, listed: bool) -> bool {
        let usual = self.usual.clamp(Self::LEAST, Self::MOST);
        let (now, then) =
            if listed { (Self::EVERYTHING, usual) } else { (1.0 - Self::EVERYTHING, 1.0 - usual) };
        self.sum = (self.sum + (now / then).ln()).max(0.0);
        if self.sum == 0.0 {
            (self.listed, self.of) = (0, 0);
        } else {
            self.listed += u32::from(listed);
            self.of += 1;
        }
        self.weight = (self.weight + 1.0).min(Self::MEMORY);
        self.usual += (f64::from(u8::from(listed)) - self.usual) / self.weight;
        self.sum > Self::LIMIT
    }

    /// How many were listed of those that made it ring.
    pub(crate) fn observed(&self) -> (u32, u32) {
        (self.listed, self.of)
    }

    /// Begins anew; what is usual stays known.
    pub(crate) fn reset(&mut self) {
        (self.sum, self.listed, self.of) = (0.0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Alarm;

    /// An alarm that has observed this many answers of which every n-th is "listed".
    fn used_to(percent: u32) -> Alarm {
        let mut alarm = Alarm::new();
        for i in 0..1000u32 {
            if alarm.observe((i * 37) % 100 < percent) {
                alarm.reset();
            }
        }
        alarm.reset();
        alarm
    }

    #[test]
    fn a_list_that_begins_to_list_everything_is_noticed_within_20_wrong_listings() {
        for percent in [0, 1, 5, 20, 50, 80, 90, 95] {
            let mut alarm = used_to(percent);
            let observed = (1..1000).find(|_| alarm.observe(true)).unwrap();
            let wrong = observed * (100 - percent) / 100;
            assert!(wrong <= 20, "{percent} %: {observed} answers, {wrong} of them wrong");
        }
    }

    #[test]
    fn a_list_that_was_never_asked_before_is_noticed_within_20() {
        let mut alarm = Alarm::new();
        assert!((1..=20).any(|_| alarm.observe(true)));
    }

    #[test]
    fn a_list_that_does_what_it_used_to_is_not_suspected() {
        for percent in [0, 20, 50, 80] {
            let mut alarm = used_to(percent);
            let rings = (0..1000u32).filter(|i| alarm.observe((i * 61) % 100 < percent)).count();
            assert_eq!(rings, 0, "{percent} %");
        }
    }

    proptest! {
        #[test]
        fn no_sequence_of_answers_breaks_it(answers: Vec<bool>) {
            let mut alarm = Alarm::new();
            for listed in answers {
                alarm.observe(listed);
                prop_assert!(alarm.usual > 0.0 && alarm.usual < 1.0 && alarm.sum >= 0.0);
                prop_assert!(alarm.observed().0 <= alarm.observed().1);
            }
        }
    }
}
