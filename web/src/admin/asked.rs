//! A request of somebody who has signed in, and what answers it.

use std::{fmt::Display, str::FromStr, sync::Arc, time::Duration};

use dnsbl_rights::{
    Holder,
    rights::{Permitted, PermittedZone, ZoneRights},
};
use dnsbl_store::{Committed, OperationResult, Reader, StoreError, Terms};
use dnsbl_types::{Name, UnixTime};
use maud::Markup;
use tokio::time::timeout;

use super::{fields::Fields, refused::Refused};
use crate::{Console, Language, app::App, shown};

/// How long a page waits for what takes long; a page has five seconds in all.
const PATIENCE: Duration = Duration::from_secs(3);

/// A request of somebody who has signed in.
pub(super) struct Asked {
    pub(super) app: Arc<App>,
    pub(super) language: Language,
    pub(super) holder: Holder,
    /// What each form carries.
    pub(super) form_secret: String,
    /// What stands in the place of the path that names something.
    pub(super) name: Option<String>,
    /// What stands behind the `?`, or was sent with a form.
    pub(super) fields: Fields,
    pub(super) now: UnixTime,
}

/// The answer to it.
pub(super) enum Answer {
    /// A page.
    Page { title: String, main: Markup },
    /// It is done: where to go on, below the console, and what is said there.
    Done { place: String, notice: String },
}

impl Asked {
    /// The parts of the server that the console works on. Without it there is no such request.
    pub(super) fn console(&self) -> Result<&Console, Refused> {
        self.app.console.as_ref().ok_or(Refused::Broken)
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> String {
        self.app.texts(self.language).text(key)
    }

    /// A text with one value.
    pub(super) fn fill(&self, key: &str, name: &'static str, value: impl Display) -> String {
        self.app.texts(self.language).fill(key, [(name, value.to_string().into())])
    }

    /// The path of a place of the console.
    pub(super) fn path(&self, place: &str) -> String {
        path(self.language, place)
    }

    /// A time, and how far away it is.
    pub(super) fn time(&self, at: UnixTime) -> Markup {
        let texts = self.app.texts(self.language);
        maud::html! {
            time datetime=(shown::rfc3339(at)) { (shown::minute(at)) }
            " (" (shown::distance(texts, at, self.now)) ")"
        }
    }

    /// Whether the token has a scope.
    pub(super) fn has(&self, scope: &str) -> bool {
        self.holder.rights().has(scope)
    }

    /// Refuses a token without a scope.
    pub(super) fn require(&self, scope: &str) -> Result<(), Refused> {
        Ok(self.holder.rights().require(scope)?)
    }

    /// The zone in a field, if the token is for it.
    pub(super) fn zone(&self, field: &str) -> Result<PermittedZone, Refused> {
        let zone: Name = self.fields.parse(field)?;
        Ok(self.holder.rights().zones().permit(&zone)?)
    }

    /// The zones that the token is for, by name; allow zones only for who may see grants.
    pub(super) fn zones(&self) -> Vec<Name> {
        let may_see_grants = self.has("grants:read");
        let snapshot = self.app.index.load();
        let zones = snapshot.zones().map(|zone| zone.settings()).filter(|zone| {
            self.holder.rights().zones().has(&zone.origin)
                && (may_see_grants || zone.kind.grant_terms().is_none())
        });
        let mut names: Vec<Name> = zones.map(|zone| zone.origin.clone()).collect();
        names.sort_by_key(Name::to_string);
        names
    }

    /// Whether the token is for all zones there are and will be.
    pub(super) fn is_for_all_zones(&self) -> bool {
        matches!(self.holder.rights().zones(), ZoneRights::All)
    }

    /// Refuses what rests on how much time passes while the clock is in doubt.
    pub(super) fn require_sound_clock(&self) -> Result<(), Refused> {
        self.app.host.clock_doubt().map_or(Ok(()), |why| Err(Refused::NotNow(why)))
    }

    /// Reads one state of the store.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refused> {
        Ok(self.app.reading.read(self.now, read).await?)
    }

    /// Makes a change, and returns what came of it once it is durable and visible.
    pub(super) async fn change(
        &self,
        permitted: Permitted,
    ) -> Result<(u64, OperationResult), Refused> {
        let tokens = self.console()?.tokens.clone();
        let committed = tokens.submit(permitted, Terms::default(), self.now).await??;
        result(committed)
    }

    /// The place to go on to, and what is said there.
    pub(super) fn done(&self, place: impl Into<String>, key: &str) -> Answer {
        Answer::Done { place: place.into(), notice: self.text(key) }
    }
}

/// The path of a place of the console in a language.
pub(super) fn path(language: Language, place: &str) -> String {
    match place {
        "" => format!("/{}/admin", language.code()),
        place => format!("/{}/admin/{place}", language.code()),
    }
}

/// The number of a change of one operation, and what came of it.
pub(super) fn result(committed: Committed) -> Result<(u64, OperationResult), Refused> {
    let seq = committed.seq;
    Ok((seq, committed.into_result().ok_or(Refused::Broken)?))
}

/// Waits a little for what goes on whoever stops waiting for it; `None` where it is not done by then.
pub(super) async fn wait_for<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refused>> + Send + 'static,
) -> Result<Option<T>, Refused> {
    match timeout(PATIENCE, tokio::spawn(work)).await {
        Ok(Ok(done)) => done.map(Some),
        Ok(Err(_)) => Err(Refused::Broken),
        Err(_) => Ok(None),
    }
}

/// Reads a text that somebody typed.
pub(super) fn parse<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Refused> {
    text.trim().parse().map_err(|err| Refused::field(field, err))
}
