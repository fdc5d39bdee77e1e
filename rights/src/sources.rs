//! Whose listings a token may write and delete.
//!
//! A token speaks for its own name, and for the sources that were named when it was made; whoever
//! speaks for others has `sources:all`. Nobody but the relay tester speaks for the relay tester, whose
//! listings rest on what it has seen, and nobody but the rules of reports for what they list.

use dnsbl_store::{Actor, TokenRecord};
use dnsbl_types::Source;
use relay_tester::service::SOURCE as TESTER;

use crate::{error::NotPermitted, scopes::SOURCES_ALL};

/// The most sources that a token names.
const MAX_SOURCES: usize = 64;

/// Scopes with which listings are written.
const WRITING: [&str; 2] = ["listings:write", "imports:write"];

/// Names that stand for parts of the server in audit records, or for those who have no token.
const RESERVED: [&str; 6] =
    [TESTER, Source::LOGINS, Source::REPORTS, Source::REMOVALS, Actor::SERVER, "anonymous"];

/// The sources that a token may write as.
#[derive(Clone, Debug)]
pub struct SourceRights {
    all: bool,
    /// Its name, then the sources that it was made for.
    own: Vec<String>,
}

impl SourceRights {
    /// Those of a token.
    pub fn of(token: &TokenRecord) -> Self {
        let own = std::iter::once(&token.name).chain(&token.sources);
        Self { all: token.has(SOURCES_ALL), own: own.cloned().collect() }
    }

    /// What they have in common with those of a token above.
    pub fn and(self, above: &Self) -> Self {
        match (self.all, above.all) {
            (_, true) => self,
            (true, false) => above.clone(),
            (false, false) => {
                let own = self.own.into_iter().filter(|source| above.own.contains(source));
                Self { all: false, own: own.collect() }
            }
        }
    }

    /// Refuses a source that the token does not speak for, saying what it would need.
    ///
    /// # Errors
    /// It does not speak for the source, or nobody does.
    pub fn may_write(&self, source: &Source) -> Result<(), NotPermitted> {
        refuse_logins(source)?;
        if is_of_a_part(source.as_str()) {
            let whose = whose(source);
            return Err(NotPermitted::SourceOfAPart { of: source.clone(), whose });
        }
        self.speaks_for(source)
    }

    /// The same for a listing that goes.
    ///
    /// # Errors
    /// It does not speak for the source, or nobody does.
    pub fn may_delete(&self, source: &Source) -> Result<(), NotPermitted> {
        refuse_logins(source)?;
        match self.all {
            true => Ok(()),
            false if is_of_a_part(source.as_str()) => Err(self.refusal(source)),
            false => self.speaks_for(source),
        }
    }

    /// Why the token may not write a source, if so; for the errors of rows.
    pub fn why_not(&self, source: &Source) -> Option<String> {
        if is_of_a_part(source.as_str()) {
            return Some(format!("only {} writes as {source}", whose(source)));
        }
        if is_one_of(&[Source::LOGINS], source.as_str()) {
            return Some(format!("only logins write as {source}"));
        }
        let why =
            || format!("this token may not write as {source}, which needs the scope {SOURCES_ALL}");
        self.speaks_for(source).is_err().then(why)
    }

    fn speaks_for(&self, source: &Source) -> Result<(), NotPermitted> {
        let speaks = self.all || self.own.iter().any(|own| own == source.as_str());
        if speaks { Ok(()) } else { Err(self.refusal(source)) }
    }

    fn refusal(&self, source: &Source) -> NotPermitted {
        let is_of_a_part = is_of_a_part(source.as_str());
        NotPermitted::Source { of: source.clone(), is_of_a_part, own: self.own.clone() }
    }

    /// Refuses to hand out, or to take away, more than the token has itself.
    ///
    /// # Errors
    /// That one speaks for more.
    pub fn cover(&self, other: &TokenRecord) -> Result<(), NotPermitted> {
        if self.all {
            return Ok(());
        }
        let writes = WRITING.iter().any(|scope| other.has(scope));
        let name = Some(&other.name).filter(|_| writes);
        for source in name.into_iter().chain(&other.sources) {
            if !self.own.contains(source) {
                let (name, of, own) = (other.name.clone(), source.clone(), self.own.clone());
                return Err(NotPermitted::BeyondSource { name, of, own });
            }
        }
        Ok(())
    }
}

/// What logins grant comes and goes by logins, also for who may do everything else.
fn refuse_logins(source: &Source) -> Result<(), NotPermitted> {
    match is_one_of(&[Source::LOGINS], source.as_str()) {
        true => Err(NotPermitted::SourceOfLogins(source.clone())),
        false => Ok(()),
    }
}

/// The name of a token to be made.
///
/// # Errors
/// It is no name of a source, or stands for a part of the server; in words.
pub fn token_name(text: &str) -> Result<Source, String> {
    let name: Source = text.parse().map_err(|err| format!("name: {err}"))?;
    match is_one_of(&RESERVED, text) {
        true => Err(format!("name: {text} stands for a part of the server; choose another")),
        false => Ok(name),
    }
}

/// The sources that a token is made for beside its name: in order, each once; at most 64.
///
/// # Errors
/// They are too many, or one is no source that a token may write as; in words.
pub fn token_sources(texts: &[String]) -> Result<Vec<String>, String> {
    if texts.len() > MAX_SOURCES {
        let count = texts.len();
        return Err(format!(
            "sources: {count} are more than {MAX_SOURCES}; the scope {SOURCES_ALL} is all of them"
        ));
    }
    for (i, text) in texts.iter().enumerate() {
        if text == "*" {
            return Err(format!("sources[{i}]: all of them is the scope {SOURCES_ALL}"));
        }
        text.parse::<Source>().map_err(|err| format!("sources[{i}]: {err}"))?;
        if is_of_a_part(text) {
            return Err(format!("sources[{i}]: {text} is a part of the server"));
        }
    }
    let mut sources = texts.to_vec();
    sources.sort_unstable();
    sources.dedup();
    Ok(sources)
}

/// Whether it is the source of a part of the server, however it is written: people don't tell `Relay-Test` from it.
fn is_of_a_part(source: &str) -> bool {
    is_one_of(&[TESTER, Source::REPORTS, Source::REMOVALS], source)
}

/// The part of the server that writes as a source.
fn whose(source: &Source) -> &'static str {
    match source.as_str().to_ascii_lowercase().as_str() {
        TESTER => "the relay tester",
        Source::REMOVALS => "the keeper of requests for removal",
        _ => "the keeper of reports",
    }
}

fn is_one_of(names: &[&str], text: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use dnsbl_store::MintedToken;
    use dnsbl_types::UnixTime;

    use super::*;

    fn token(name: &str, scopes: &[&str], sources: &[&str]) -> TokenRecord {
        let texts = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let random = [7; MintedToken::RANDOM];
        let minted = MintedToken::mint(random, name.into(), texts(scopes), UnixTime(1), None);
        let mut record = minted.record;
        record.sources = texts(sources);
        record
    }

    fn may(token: &TokenRecord, source: &str) -> [bool; 2] {
        let (rights, source) = (SourceRights::of(token), source.parse().unwrap());
        [rights.may_write(&source).is_ok(), rights.may_delete(&source).is_ok()]
    }

    #[test]
    fn a_token_speaks_for_its_name_and_the_sources_in_it() {
        let feed = token("feed", &["listings:write"], &["ipsum", "drop"]);
        for own in ["feed", "ipsum", "drop"] {
            assert_eq!(may(&feed, own), [true, true], "{own}");
        }
        for other in ["admin", "Feed", "ipsum2", "relay-test"] {
            assert_eq!(may(&feed, other), [false, false], "{other}");
        }
    }

    #[test]
    fn nobody_speaks_for_a_part_of_the_server_and_whoever_delists_all_may_delist_it() {
        let all = token("ops", &["listings:write", "sources:all"], &[]);
        assert_eq!(may(&all, "anybody"), [true, true]);
        for source in ["relay-test", "Relay-Test", "reports"] {
            assert_eq!(may(&all, source), [false, true], "{source}");
        }
        // Tokens of older releases may have the name.
        let named = token("relay-test", &["listings:write"], &[]);
        assert_eq!(may(&named, "relay-test"), [false, false]);
    }

    #[test]
    fn what_is_handed_out_is_a_part_of_what_there_is() {
        let clerk = token("clerk", &["tokens:admin", "listings:write"], &["ipsum"]);
        let covers = |other: &TokenRecord| SourceRights::of(&clerk).cover(other).is_ok();
        assert!(covers(&token("ipsum", &["listings:write"], &[])));
        assert!(covers(&token("reader", &["listings:read"], &[])), "its name is no source");
        assert!(!covers(&token("other", &["listings:write"], &[])));
        assert!(!covers(&token("other", &["imports:write"], &["ipsum"])));
        assert!(!covers(&token("reader", &["listings:read"], &["other"])));
    }

    #[test]
    fn names_that_stand_for_somebody_else_are_refused() {
        for name in ["relay-test", "Relay-Test", "reports", "dnsbl-server", "anonymous", "a b", ""]
        {
            assert!(token_name(name).is_err(), "{name}");
        }
        assert!(token_name("admin").is_ok(), "the store sees to it that there is one of them");
        let texts = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        for sources in [&["relay-test"][..], &["*"], &["a b"]] {
            assert!(token_sources(&texts(sources)).is_err(), "{sources:?}");
        }
        assert_eq!(token_sources(&texts(&["b", "a", "b"])).unwrap(), ["a", "b"]);
    }
}
