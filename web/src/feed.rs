//! The state of the list for feed readers (Atom, RFC 4287).

use crate::{
    Settings,
    catalogue::Texts,
    pages::state_word,
    shown::{minute, rfc3339},
    status::Status,
};

/// The media type of a feed.
pub(crate) const ATOM: &str = "application/atom+xml; charset=utf-8";

/// The feed: one entry for each change of the state.
pub(crate) fn atom(texts: Texts<'_>, settings: &Settings, status: &Status) -> String {
    let language = texts.language.code();
    let page = settings.link(&format!("/{language}/status"));
    let own = settings.link(&format!("/{language}/status.atom"));
    let name = xml(&settings.name);
    let id = |rest: &str| format!("urn:dnsbl-status:{}:{rest}", urn(&settings.name));
    let updated = status.changes.first().map_or(status.now, |change| change.at);
    let mut feed = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
         <feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{language}\">\n\
         <id>{}</id>\n<title>{}</title>\n<updated>{}</updated>\n\
         <author><name>{}</name></author>\n\
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>\n\
         <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n",
        xml(&id(language)),
        xml(&texts.fill("feed-title", [("name", settings.name.as_str().into())])),
        rfc3339(updated),
        settings.operator.as_deref().map_or(name, xml),
        xml(&own),
        xml(&page),
    );
    for change in &status.changes {
        let word = state_word(texts, change.state);
        feed.push_str(&format!(
            "<entry>\n<id>{}</id>\n<title>{}</title>\n<updated>{at}</updated>\n\
             <link rel=\"alternate\" type=\"text/html\" href=\"{}\"/>\n\
             <summary>{}</summary>\n</entry>\n",
            xml(&id(&format!("{language}:{}", change.at.0))),
            xml(&word),
            xml(&page),
            xml(&texts.fill(
                "feed-summary",
                [("state", word.as_str().into()), ("time", minute(change.at).into()),]
            )),
            at = rfc3339(change.at),
        ));
    }
    feed.push_str("</feed>\n");
    feed
}

/// A text inside XML.
fn xml(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write them.
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text inside the name of a resource (RFC 8141).
fn urn(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::{atom, xml};
    use crate::{
        Language, State,
        catalogue::Catalogue,
        status::{StateChange, Status},
        tests::{settings, well_formed_xml},
    };

    #[test]
    fn the_feed_is_well_formed_and_has_an_entry_for_each_change() {
        let change = |at, state| StateChange { at: UnixTime(at), state };
        let status = Status {
            now: UnixTime(1_000_000),
            state: State::Serving,
            last_change: None,
            behind: 0,
            zones: Vec::new(),
            changes: vec![change(900_000, State::Serving), change(800_000, State::Loading)],
        };
        let mut settings = settings();
        settings.name = "<b>&\"'\u{1b}".into();
        for language in Language::ALL {
            let feed = atom(Catalogue::load().texts(language), &settings, &status);
            well_formed_xml(&feed);
            assert_eq!(feed.matches("<entry>").count(), 2);
            assert!(!feed.contains("<b>"), "{feed}");
        }
        assert_eq!(xml("a<b>&\"\u{0}"), "a&lt;b&gt;&amp;&quot;\u{fffd}");
    }
}
