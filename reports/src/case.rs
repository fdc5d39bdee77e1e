//! What is said of a subject in a zone, and what follows from it: pure, with the time as a parameter.
//!
//! A case has a *claim* for each category, with a *voice* for each reporter who made it within the window. A rule that is
//! met lists; the voices are spent then, and so are those that come within a window after it, so that a thousand
//! reporters at once list once. What is said after that counts towards the next listing, which lasts longer.

use std::collections::{BTreeMap, HashSet};

use dnsbl_types::{
    ListingBody, ReportCategory, ReportRule, ReportRules, ReturnCode, Source, UnixTime,
};
use ipnet::IpNet;

use crate::ReportId;

/// What is said of a subject in a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) claims: BTreeMap<ReportCategory, Claim>,
}

/// What is said in one category.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) voices: Vec<Voice>,
    /// How many listings there were one after the other.
    pub(crate) times: u32,
    /// The last of them.
    pub(crate) listed: Option<Listed>,
}

/// A listing that a claim has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// When it was made, or renewed.
    pub(crate) at: UnixTime,
    /// When it ends.
    pub(crate) until: UnixTime,
}

/// A reporter who makes a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Voice {
    pub(crate) reporter: Source,
    pub(crate) network: Option<IpNet>,
    pub(crate) at: UnixTime,
    /// Its report, the first within the window.
    pub(crate) report: ReportId,
    /// A listing or a reviewer has taken it up: it counts no more.
    pub(crate) spent: bool,
}

/// What a report has made of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// The reporter has said so already, by this report.
    Duplicate(ReportId),
    /// It waits.
    Waits,
    /// The listing that there is rests on it, too; it ends then.
    Joins(UnixTime),
    /// It lists until then, as do these reports, which waited.
    Lists(UnixTime, Vec<ReportId>),
}

/// As many have made a claim as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Crowded;

impl Claim {
    /// Takes a report; `counts` tells whose reports count.
    fn receive(
        &mut self,
        voice: Voice,
        rule: Option<&ReportRule>,
        counts: impl Fn(&Source) -> bool,
        has_room: bool,
        now: UnixTime,
    ) -> Result<Received, Crowded> {
        let terms = Terms::of(rule);
        self.forget(terms, now);
        if let Some(first) = self.voice_of(&voice.reporter) {
            return Ok(Received::Duplicate(first.report));
        }
        if !has_room {
            return Err(Crowded);
        }
        if let Some(listed) = self.listed.filter(|listed| listed.takes_up(terms, now)) {
            self.voices.push(Voice { spent: true, ..voice });
            return Ok(Received::Joins(listed.until));
        }
        self.voices.push(voice);
        match rule.filter(|rule| self.meets(rule, counts)) {
            None => Ok(Received::Waits),
            Some(_) => {
                let waited = self.unspent().map(|voice| voice.report).collect();
                Ok(Received::Lists(self.list(terms, now), waited))
            }
        }
    }

    /// Takes the word of a reviewer that it is true; until when the subject is to be listed for it.
    pub(crate) fn confirm(&mut self, rule: Option<&ReportRule>, now: UnixTime) -> UnixTime {
        let terms = Terms::of(rule);
        self.forget(terms, now);
        match self.listed.filter(|listed| listed.until > now) {
            Some(listed) => {
                self.spend();
                listed.until
            }
            None => self.list(terms, now),
        }
    }

    /// Takes note that it is false, or that somebody has removed the listing: that was none.
    pub(crate) fn unlist(&mut self, now: UnixTime) {
        if self.listed.take_if(|listed| listed.until > now).is_some() {
            self.times = self.times.saturating_sub(1);
        }
        self.spend();
    }

    /// Whether it lists now.
    pub(crate) fn is_listed(&self, now: UnixTime) -> bool {
        self.listed.is_some_and(|listed| listed.until > now)
    }

    /// What a reporter has said within the window.
    pub(crate) fn voice_of(&self, reporter: &Source) -> Option<&Voice> {
        self.voices.iter().find(|voice| voice.is_of(reporter))
    }

    fn unspent(&self) -> impl Iterator<Item = &Voice> {
        self.voices.iter().filter(|voice| !voice.spent)
    }

    fn meets(&self, rule: &ReportRule, counts: impl Fn(&Source) -> bool) -> bool {
        let counting: Vec<&Voice> =
            self.unspent().filter(|voice| counts(&voice.reporter)).collect();
        if counting.iter().any(|voice| rule.trusts(&voice.reporter)) {
            return true;
        }
        // Nobody has two voices.
        let networks: HashSet<Option<IpNet>> = counting.iter().map(|voice| voice.network).collect();
        counting.len() >= rule.reporters as usize && networks.len() >= rule.networks as usize
    }

    fn list(&mut self, terms: Terms, now: UnixTime) -> UnixTime {
        self.times = self.times.saturating_add(1);
        let before = self.listed.map(|listed| listed.until).unwrap_or_default();
        let until = now.plus(terms.lifetime(self.times)).max(before);
        self.listed = Some(Listed { at: now, until });
        self.spend();
        until
    }

    fn spend(&mut self) {
        self.voices.iter_mut().for_each(|voice| voice.spent = true);
    }

    /// Drops what is too old to matter.
    fn forget(&mut self, terms: Terms, now: UnixTime) {
        self.voices.retain(|voice| voice.at.plus(terms.window) > now);
        if self.listed.is_some_and(|listed| listed.until.plus(terms.longest) <= now) {
            (self.listed, self.times) = (None, 0);
        }
    }

    /// When something about it changes by itself.
    fn due(&self, terms: Terms, now: UnixTime) -> Option<UnixTime> {
        let end = self.listed.map(|listed| match listed.until > now {
            true => listed.until,
            false => listed.until.plus(terms.longest),
        });
        let voices = self.voices.iter().map(|voice| voice.at.plus(terms.window)).max();
        match self.is_listed(now) {
            true => end,
            false => end.max(voices),
        }
    }
}

impl Voice {
    /// Whether it is a reporter's; names that differ in capitals only are one.
    pub(crate) fn is_of(&self, reporter: &Source) -> bool {
        self.reporter.as_str().eq_ignore_ascii_case(reporter.as_str())
    }
}

impl Listed {
    /// Whether it is so new that what is said now rests on the same events.
    fn takes_up(self, terms: Terms, now: UnixTime) -> bool {
        now < self.until && now < self.at.plus(terms.window)
    }
}

/// The times of a rule, or the usual ones where there is none.
#[derive(Clone, Copy)]
struct Terms {
    window: u64,
    longest: u64,
    expires_in: u32,
}

impl Terms {
    fn of(rule: Option<&ReportRule>) -> Self {
        let usual = ReportRule::default();
        let rule = rule.unwrap_or(&usual);
        let (window, longest) = (rule.window.into(), rule.longest.into());
        Self { window, longest, expires_in: rule.expires_in }
    }

    fn lifetime(self, times: u32) -> u64 {
        let longest = self.longest.try_into().unwrap_or(u32::MAX);
        ReportRule { expires_in: self.expires_in, longest, ..ReportRule::default() }.lifetime(times)
    }
}

impl Case {
    /// The most voices.
    pub(crate) const MAX_VOICES: usize = 2048;

    /// Takes a report; `counts` tells whose reports count.
    ///
    /// # Errors
    /// As many make claims as may.
    pub(crate) fn receive(
        &mut self,
        category: ReportCategory,
        voice: Voice,
        rules: &ReportRules,
        counts: impl Fn(&Source) -> bool,
        now: UnixTime,
    ) -> Result<Received, Crowded> {
        self.forget(rules, now);
        let voices: usize = self.claims.values().map(|claim| claim.voices.len()).sum();
        let has_room = voices < Self::MAX_VOICES;
        self.claim(category).receive(voice, rules.rule(category), counts, has_room, now)
    }

    /// The claim of a category.
    pub(crate) fn claim(&mut self, category: ReportCategory) -> &mut Claim {
        self.claims.entry(category).or_default()
    }

    /// The listing that all claims together make, if any does.
    pub(crate) fn listing(
        &self,
        rules: &ReportRules,
        zone_codes: &[ReturnCode],
        now: UnixTime,
    ) -> Option<ListingBody> {
        let live = || self.claims.iter().filter(|(_, claim)| claim.is_listed(now));
        let until = |claim: &Claim| claim.listed.map(|listed| listed.until);
        let (last, longest) = live().max_by_key(|(_, claim)| until(claim))?;
        let code = |category| rules.rule(category).and_then(|rule| rule.return_code);
        let mut codes: Vec<ReturnCode> = Vec::new();
        if live().any(|(category, _)| code(*category).is_some()) {
            for (category, _) in live() {
                match code(*category) {
                    Some(code) => codes.push(code),
                    None => codes.extend(zone_codes),
                }
            }
        }
        codes.sort_unstable();
        codes.dedup();
        codes.truncate(ListingBody::MAX_RETURN_CODES);
        let mut tags: Vec<String> = live().map(|(c, _)| c.as_str().to_owned()).collect();
        tags.sort_unstable();
        Some(ListingBody {
            return_codes: codes,
            reason: rules.rule(*last).and_then(|rule| rule.reason.clone()),
            tags,
            expires_at: until(longest),
            ..ListingBody::default()
        })
    }

    /// Whether it lists now.
    pub(crate) fn is_listed(&self, now: UnixTime) -> bool {
        self.claims.values().any(|claim| claim.is_listed(now))
    }

    /// Takes note that somebody has removed the listing.
    pub(crate) fn unlist(&mut self, now: UnixTime) {
        self.claims.values_mut().filter(|claim| claim.is_listed(now)).for_each(|c| c.unlist(now));
    }

    /// Drops what is too old to matter.
    pub(crate) fn forget(&mut self, rules: &ReportRules, now: UnixTime) {
        for (category, claim) in &mut self.claims {
            claim.forget(Terms::of(rules.rule(*category)), now);
        }
        self.claims.retain(|_, claim| !claim.voices.is_empty() || claim.listed.is_some());
    }

    /// When something about it changes by itself; `None` where nothing is left of it.
    pub(crate) fn due(&self, rules: &ReportRules, now: UnixTime) -> Option<UnixTime> {
        let of = |(category, claim): (&ReportCategory, &Claim)| {
            claim.due(Terms::of(rules.rule(*category)), now)
        };
        self.claims.iter().filter_map(of).min()
    }

    /// Those whose reports count towards a listing that there is not yet.
    pub(crate) fn reporters(&self) -> impl Iterator<Item = &Source> {
        self.claims.values().flat_map(Claim::unspent).map(|voice| &voice.reporter)
    }
}

#[cfg(test)]
mod tests;
