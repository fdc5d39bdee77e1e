//! What every handler works with.

use std::{ops::Deref, sync::Arc, time::Instant};

use crate::{
    Language, Site,
    catalogue::{Catalogue, Texts},
    forms::FormGate,
    incidents::IncidentFolder,
    lookup::NameChecker,
    pages::{Surroundings, View},
    rates::Rates,
    reading::Reading,
    stats::StatsCache,
    status::StatusHistory,
};

/// The state of the router.
pub(crate) struct App {
    pub(crate) reading: Reading,
    catalogue: Catalogue,
    pub(crate) surroundings: Surroundings,
    pub(crate) rates: Rates,
    pub(crate) forms: FormGate,
    pub(crate) stats: StatsCache,
    pub(crate) history: StatusHistory,
    pub(crate) incidents: IncidentFolder,
    /// Where the names of hosts are looked up, if they are.
    pub(crate) names: Option<NameChecker>,
}

impl App {
    pub(crate) fn new(site: Site) -> Arc<Self> {
        let names = site.settings.resolver.and_then(|resolver| {
            let checker = NameChecker::new(resolver);
            checker.inspect_err(|err| tracing::warn!(%err, "no names of hosts are looked up")).ok()
        });
        Arc::new(Self {
            catalogue: Catalogue::load(),
            surroundings: Surroundings::of(&site),
            rates: Rates::new(site.settings.limits.requests_per_second, Instant::now()),
            forms: FormGate::new(
                site.form_key,
                site.settings.limits.forms_per_hour,
                site.settings.url.clone(),
                Instant::now(),
            ),
            stats: StatsCache::default(),
            history: StatusHistory::default(),
            incidents: IncidentFolder::new(site.settings.incidents.clone()),
            names,
            reading: Reading::new(site),
        })
    }

    /// How pages look in a language.
    pub(crate) fn view(&self, language: Language) -> View<'_> {
        View {
            settings: &self.settings,
            texts: self.texts(language),
            surroundings: &self.surroundings,
        }
    }

    /// The texts of a language.
    pub(crate) fn texts(&self, language: Language) -> Texts<'_> {
        self.catalogue.texts(language)
    }

    /// The language of a path, or the usual one.
    pub(crate) fn language_of(&self, path: &str) -> Language {
        let languages = &self.settings.languages;
        let first = path.split('/').nth(1).unwrap_or_default();
        languages.iter().find(|it| it.code() == first).unwrap_or(languages.usual())
    }
}

impl Deref for App {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.reading
    }
}
