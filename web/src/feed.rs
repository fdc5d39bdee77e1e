//! The state of the list for feed readers (Atom, RFC 4287).

use dnsbl_types::UnixTime;

use crate::{
    Settings,
    catalogue::Texts,
    incidents::Incident,
    pages::{incident_times, state_word},
    shown::{minute, rfc3339},
    status::Status,
};

/// Incidents that the feed has.
const MAX_INCIDENTS: usize = 30;

/// The media type of a feed.
pub(crate) const ATOM: &str = "application/atom+xml; charset=utf-8";

/// An entry of a feed.
struct Entry {
    /// What tells it from others of the feed.
    id: String,
    title: String,
    updated: UnixTime,
    text: String,
}

/// What a feed is about.
struct Feed<'a> {
    texts: Texts<'a>,
    settings: &'a Settings,
    /// Its kind in names: `status`.
    kind: &'static str,
    /// Its place below that of the language.
    place: &'static str,
    title: String,
    updated: UnixTime,
    entries: Vec<Entry>,
}

/// The feed of the state: one entry for each change of it.
pub(crate) fn of_status(texts: Texts<'_>, settings: &Settings, status: &Status) -> String {
    let entries = status.changes.iter().map(|change| {
        let word = state_word(texts, change.state);
        let values = [("state", word.as_str().into()), ("time", minute(change.at).into())];
        Entry {
            id: change.at.0.to_string(),
            text: texts.fill("feed-summary", values),
            title: word,
            updated: change.at,
        }
    });
    Feed {
        texts,
        settings,
        kind: "status",
        place: "status.atom",
        title: texts.fill("feed-title", [("name", settings.name.as_str().into())]),
        updated: status.changes.first().map_or(status.now, |change| change.at),
        entries: entries.collect(),
    }
    .text()
}

/// The feed of incidents, the newest first.
pub(crate) fn of_incidents(
    texts: Texts<'_>,
    settings: &Settings,
    incidents: &[Incident],
) -> String {
    let entries = incidents.iter().take(MAX_INCIDENTS).map(|incident| {
        let (_, text) = incident.text(texts.language);
        let times = incident_times(texts, incident);
        Entry {
            id: incident.name.clone(),
            title: text.title.to_string(),
            updated: incident.updated(),
            text: format!("{times}\n\n{}", text.plain()),
        }
    });
    let updated = incidents.iter().map(Incident::updated).max();
    Feed {
        texts,
        settings,
        kind: "incidents",
        place: "incidents.atom",
        title: texts.fill("feed-incidents", [("name", settings.name.as_str().into())]),
        // There has been none since the beginning.
        updated: updated.unwrap_or_default(),
        entries: entries.collect(),
    }
    .text()
}

impl Feed<'_> {
    fn text(&self) -> String {
        let Self { texts, settings, kind, place, .. } = self;
        let language = texts.language.code();
        let page = xml(&settings.link(&format!("/{language}/status")));
        let own = settings.link(&format!("/{language}/{place}"));
        let name = xml(&settings.name);
        let id = |rest: &str| xml(&format!("urn:dnsbl-{kind}:{}:{rest}", urn(&settings.name)));
        let mut feed = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"{language}\">\n\
             <id>{}</id>\n<title>{}</title>\n<updated>{}</updated>\n\
             <author><name>{}</name></author>\n\
             <link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>\n\
             <link rel=\"alternate\" type=\"text/html\" href=\"{page}\"/>\n",
            id(language),
            xml(&self.title),
            rfc3339(self.updated),
            settings.operator.as_deref().map_or(name, xml),
            xml(&own),
        );
        for entry in &self.entries {
            feed.push_str(&format!(
                "<entry>\n<id>{}</id>\n<title>{}</title>\n<updated>{}</updated>\n\
                 <link rel=\"alternate\" type=\"text/html\" href=\"{page}\"/>\n\
                 <summary>{}</summary>\n</entry>\n",
                id(&format!("{language}:{}", entry.id)),
                xml(&entry.title),
                rfc3339(entry.updated),
                xml(&entry.text),
            ));
        }
        feed.push_str("</feed>\n");
        feed
    }
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
            '\n' => escaped.push('\n'),
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

    use super::{of_incidents, of_status, xml};
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
            let feed = of_status(Catalogue::load().texts(language), &settings, &status);
            well_formed_xml(&feed);
            assert_eq!(feed.matches("<entry>").count(), 2);
            assert!(!feed.contains("<b>"), "{feed}");
            let none = of_incidents(Catalogue::load().texts(language), &settings, &[]);
            well_formed_xml(&none);
        }
        assert_eq!(xml("a<b>&\"\u{0}"), "a&lt;b&gt;&amp;&quot;\u{fffd}");
    }
}
