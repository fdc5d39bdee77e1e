//! The catalogue: every text of the pages, one file a language.

use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::LanguageIdentifier;

use crate::Language;

/// The texts of all languages.
pub(crate) struct Catalogue(Vec<(Language, FluentBundle<FluentResource>)>);

/// The texts of one language.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    pub(crate) language: Language,
    bundle: &'a FluentBundle<FluentResource>,
}

impl Catalogue {
    /// Reads what was compiled in.
    pub(crate) fn load() -> Self {
        let bundles = Language::ALL.map(|language| (language, bundle(language)));
        Self(bundles.into_iter().collect())
    }

    /// The texts of a language.
    pub(crate) fn texts(&self, language: Language) -> Texts<'_> {
        let found = self.0.iter().find(|(of, _)| *of == language);
        let (language, bundle) = found.unwrap_or(&self.0[0]);
        Texts { language: *language, bundle }
    }
}

/// A catalogue whose file is wrong has fewer texts; tests see to it that none is.
fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let locale: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    // What is filled in is made visible before, and marks around it would be copied with it.
    bundle.set_use_isolating(false);
    let source = language.source().to_owned();
    let resource = FluentResource::try_new(source).unwrap_or_else(|(resource, _)| resource);
    bundle.add_resource_overriding(resource);
    bundle
}

impl Texts<'_> {
    /// A text.
    pub(crate) fn text(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// A text with values.
    pub(crate) fn fill<const N: usize>(
        &self,
        key: &str,
        values: [(&'static str, FluentValue<'_>); N],
    ) -> String {
        self.format(key, Some(&values.into_iter().collect()))
    }

    /// The paragraphs of a text.
    pub(crate) fn paragraphs(&self, key: &str) -> Vec<String> {
        self.text(key).split("\n\n").map(|text| text.replace('\n', " ")).collect()
    }

    /// A name of the glossary's, or of another list of texts: `prefix-name`.
    pub(crate) fn of(&self, prefix: &str, name: &str) -> String {
        self.text(&format!("{prefix}-{name}"))
    }

    fn format(&self, key: &str, values: Option<&FluentArgs<'_>>) -> String {
        let pattern = self.bundle.get_message(key).and_then(|message| message.value());
        // What is missing or wrong fails a test, and costs no page.
        assert!(!cfg!(test) || pattern.is_some(), "{} has no {key}", self.language.code());
        let Some(pattern) = pattern else { return key.to_owned() };
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, values, &mut errors).into_owned();
        assert!(!cfg!(test) || errors.is_empty(), "{} {key}: {errors:?}", self.language.code());
        text
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fs,
        path::Path,
    };

    use fluent_bundle::FluentResource;

    use super::Catalogue;
    use crate::{Language, pages};

    /// The keys of a catalogue, with the names of the values that each takes.
    fn keys(language: Language) -> BTreeMap<String, BTreeSet<String>> {
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut last = String::new();
        for line in language.source().lines() {
            if let Some((key, _)) = line.split_once(" =")
                && key.starts_with(|c: char| c.is_ascii_lowercase())
            {
                assert!(keys.insert(key.to_owned(), BTreeSet::new()).is_none(), "{key} twice");
                last = key.to_owned();
            }
            if line.starts_with('#') {
                continue;
            }
            let values = line.split('$').skip(1).map(|rest| {
                rest.split(|c: char| !c.is_ascii_lowercase()).next().unwrap().to_owned()
            });
            if let Some(of_last) = keys.get_mut(&last) {
                of_last.extend(values.filter(|name| !name.is_empty()));
            }
        }
        keys
    }

    /// All that stands between quotes in the code.
    fn quoted() -> String {
        let mut code = String::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    code.push_str(&fs::read_to_string(path).unwrap());
                }
            }
        }
        code
    }

    #[test]
    fn every_catalogue_is_without_mistakes_and_has_the_same_texts_with_the_same_values() {
        for language in Language::ALL {
            FluentResource::try_new(language.source().to_owned()).unwrap();
        }
        let [english, japanese] = Language::ALL.map(keys);
        assert_eq!(english, japanese);
    }

    #[test]
    fn every_text_is_used() {
        let code = quoted();
        let lists = [("faq", &pages::QUESTIONS[..]), ("glossary", &pages::TERMS[..])];
        for key in keys(Language::English).into_keys() {
            let in_list = lists.iter().any(|(list, names)| {
                names.iter().any(|name| {
                    ["", "-answer"].iter().any(|end| key == format!("{list}-{name}{end}"))
                })
            });
            assert!(in_list || code.contains(&format!("\"{key}\"")), "{key} is not used");
        }
    }

    #[test]
    fn every_text_that_is_asked_for_is_there() {
        let code = quoted();
        let keys = keys(Language::English);
        for call in [".text(\"", ".fill(\"", ".paragraphs(\""] {
            for rest in code.split(call).skip(1) {
                let key = rest.split('"').next().unwrap();
                // What stands in this test is no key.
                let is_key = key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-');
                assert!(!is_key || key.is_empty() || keys.contains_key(key), "{key}");
            }
        }
    }

    #[test]
    fn values_stand_as_they_are() {
        let catalogue = Catalogue::load();
        let text = catalogue
            .texts(Language::English)
            .fill("page-title", [("page", "A <b>".into()), ("name", "B".into())]);
        assert_eq!(text, "A <b> – B");
    }
}
