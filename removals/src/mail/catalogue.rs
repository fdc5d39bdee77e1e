//! The catalogue: every text of mails, one file a language.

use fluent_bundle::{FluentArgs, FluentResource, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use crate::Language;

/// The texts of all languages.
pub(crate) struct Catalogue([(Language, FluentBundle<FluentResource>); 2]);

impl Catalogue {
    /// Reads what was compiled in.
    pub(crate) fn load() -> Self {
        Self(Language::ALL.map(|language| (language, bundle(language))))
    }

    /// A text with values.
    pub(crate) fn fill(&self, language: Language, key: &str, values: &[(&str, String)]) -> String {
        let found = self.0.iter().find(|(of, _)| *of == language);
        let (_, bundle) = found.unwrap_or(&self.0[0]);
        let pattern = bundle.get_message(key).and_then(|message| message.value());
        // What is missing or wrong fails a test, and costs no mail.
        assert!(!cfg!(test) || pattern.is_some(), "{} has no {key}", language.code());
        let Some(pattern) = pattern else { return key.to_owned() };
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, value.as_str());
        }
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned();
        assert!(!cfg!(test) || errors.is_empty(), "{} {key}: {errors:?}", language.code());
        text
    }
}

/// A catalogue whose file is wrong has fewer texts; tests see to it that none is.
fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let locale: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(language.source().to_owned());
    bundle.add_resource_overriding(resource.unwrap_or_else(|(resource, _)| resource));
    bundle
}
