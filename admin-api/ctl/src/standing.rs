//! Where a subject stands once a command is done: what lists it all the same, and how to end that.

use admin_api_types as api;
use dnsbl_types::Subject;

use crate::text;

/// A subject and the sources that list it, or keep it out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listers {
    subject: String,
    listed_by: Vec<String>,
    excluded_by: Vec<String>,
    /// Sources that the server did not name.
    more: usize,
}

/// The standing of a subject in a zone.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    zone: String,
    subject: String,
    /// Of the subject itself.
    own: Listers,
    /// Of what covers it, the longest first.
    covering: Vec<Listers>,
    /// Of what lies inside it.
    inside: Vec<Listers>,
    /// Zones that the zone includes, which list it.
    included: Vec<String>,
}

impl Standing {
    /// What a refusal tells.
    pub(crate) fn of_problem(zone: &str, subject: &str, facts: api::NotListedProblem) -> Self {
        let api::NotListedProblem { listed_by, excluded_by, covered_by, inside, included, .. } =
            facts;
        Self {
            zone: zone.into(),
            subject: subject.into(),
            own: Listers { subject: subject.into(), listed_by, excluded_by, more: 0 },
            covering: covered_by.into_iter().map(Listers::from).collect(),
            inside: inside.into_iter().map(Listers::from).collect(),
            included,
        }
    }

    /// What the header of an answer tells: `"SUBJECT";by="SOURCE SOURCE"`, or `"SUBJECT";zone="ZONE"` of a zone that is
    /// included, with commas between them.
    pub(crate) fn of_header(zone: &str, subject: &str, header: &str, excluded: bool) -> Self {
        let (zone, subject) = (zone.to_owned(), subject.to_owned());
        let mut standing = Self { zone, subject, ..Self::default() };
        for item in header.split(", ") {
            match item.split_once(";zone=") {
                Some((_, zone)) => standing.included.push(zone.trim_matches('"').to_owned()),
                None => standing.add(Listers::read_item(item, excluded)),
            }
        }
        standing
    }

    /// What the listings of a subject, and of what covers it, say.
    pub(crate) fn of_listings(zone: &str, subject: &str, listings: &[api::Listing]) -> Self {
        let mut standing = Self { zone: zone.into(), subject: subject.into(), ..Self::default() };
        let mut all: Vec<Listers> = Vec::new();
        for listing in listings {
            let found = all.iter().position(|listers| listers.subject == listing.subject);
            let at = found.unwrap_or_else(|| {
                all.push(Listers { subject: listing.subject.clone(), ..Listers::default() });
                all.len() - 1
            });
            let listers = &mut all[at];
            let by =
                if listing.exclusion { &mut listers.excluded_by } else { &mut listers.listed_by };
            by.push(listing.source.clone());
        }
        // They come from the widest to the longest.
        all.into_iter().rev().for_each(|listers| standing.add(listers));
        standing
    }

    fn add(&mut self, listers: Listers) {
        let parse = |text: &str| text.parse::<Subject>().ok();
        let (own, other) = (parse(&self.subject), parse(&listers.subject));
        match (own, other) {
            (Some(own), Some(other)) if own == other => self.own = listers,
            (Some(own), Some(other)) if own.covers(&other) => self.inside.push(listers),
            _ => self.covering.push(listers),
        }
    }

    /// What lists it, as words behind "listed"; `None` where nothing does.
    pub(crate) fn listed(&self) -> Option<String> {
        let own = self.own.sources().map(|sources| format!("by {sources}"));
        let covering = self.covering.iter().filter_map(|listers| {
            Some(format!("by {} ({})", text::visible(&listers.subject), listers.sources()?))
        });
        let inside = self.inside.iter().filter_map(|listers| {
            Some(format!("inside it: {} ({})", text::visible(&listers.subject), listers.sources()?))
        });
        let included = self.included.iter().map(|zone| format!("in {}", text::visible(zone)));
        let told = own.into_iter().chain(covering).chain(inside).chain(included);
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// What keeps it out, as words behind "excluded"; `None` where nothing does.
    pub(crate) fn excluded(&self) -> Option<String> {
        let own = (!self.own.excluded_by.is_empty()).then_some(&self.own);
        let covering = self.covering.iter().find(|listers| !listers.excluded_by.is_empty());
        let listers = own.or(covering)?;
        let by = text::visible(&listers.excluded_by.join(", "));
        Some(match listers.subject == self.subject {
            true => format!("by {by}"),
            false => format!("by {} ({by})", text::visible(&listers.subject)),
        })
    }

    /// The commands that take it off the list.
    pub(crate) fn delisting(&self) -> Vec<String> {
        let mut commands = Vec::new();
        if let Some(source) = self.own.source(&self.own.listed_by) {
            commands.push(self.command("delete", &self.subject, &format!("--source {source}")));
        }
        if self.covering.iter().any(|listers| !listers.listed_by.is_empty()) {
            commands.push(self.command("put", &self.subject, "--exclusion"));
        }
        for listers in &self.inside {
            if let Some(source) = listers.source(&listers.listed_by) {
                commands.push(self.command(
                    "delete",
                    &listers.subject,
                    &format!("--source {source}"),
                ));
            }
        }
        let [subject] = [&self.subject].map(|subject| quoted(subject));
        let included = self.included.iter().map(|zone| quoted(zone));
        commands.extend(included.map(|zone| format!("dnsblctl listing show {zone} {subject}")));
        commands
    }

    /// The commands that take away what keeps it out.
    pub(crate) fn readmitting(&self) -> Vec<String> {
        let all = std::iter::once(&self.own).chain(&self.covering);
        let commands = all.filter_map(|listers| {
            let source = listers.source(&listers.excluded_by)?;
            let subject = if listers.subject.is_empty() { &self.subject } else { &listers.subject };
            Some(self.command("delete", subject, &format!("--source {source}")))
        });
        commands.collect()
    }

    fn command(&self, verb: &str, subject: &str, rest: &str) -> String {
        let [zone, subject] = [&self.zone, subject].map(quoted);
        format!("dnsblctl listing {verb} {zone} {subject} {rest}")
    }
}

impl Listers {
    /// Neither subjects nor sources have quotation marks or commas.
    fn read_item(item: &str, excluded: bool) -> Self {
        let mut parts = item.split(';');
        let bare = |text: &str| text.trim().trim_matches('"').to_owned();
        let subject = parts.next().map(bare).unwrap_or_default();
        let mut listers = Self { subject, ..Self::default() };
        for part in parts {
            match part.split_once('=') {
                Some(("by", names)) => {
                    let names = bare(names).split(' ').map(String::from).collect();
                    *if excluded { &mut listers.excluded_by } else { &mut listers.listed_by } =
                        names;
                }
                Some(("more", count)) => listers.more = count.parse().unwrap_or(0),
                _ => {}
            }
        }
        listers
    }

    /// The sources that list it, for people.
    fn sources(&self) -> Option<String> {
        let names: Vec<String> = self.listed_by.iter().map(|name| text::visible(name)).collect();
        let more = if self.more > 0 { format!(" and {} more", self.more) } else { String::new() };
        (!names.is_empty()).then(|| format!("{}{more}", names.join(", ")))
    }

    /// The value of `--source` that names all of them.
    fn source(&self, names: &[String]) -> Option<String> {
        match names {
            [] => None,
            [one] if self.more == 0 => Some(quoted(one)),
            _ => Some("'*'".into()),
        }
    }
}

impl From<api::SubjectSources> for Listers {
    fn from(sources: api::SubjectSources) -> Self {
        let api::SubjectSources { subject, listed_by, excluded_by } = sources;
        Self { subject, listed_by, excluded_by, more: 0 }
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", text::visible(word).replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Standing;

    const ZONE: &str = "bl.example.org";

    #[test]
    fn one_source_is_named_and_several_are_a_star() {
        let command =
            |rest: &str| format!("dnsblctl listing delete {ZONE} 192.0.2.50 --source {rest}");
        let header = |text: &str| Standing::of_header(ZONE, "192.0.2.50", text, false);
        let one = header("\"192.0.2.50\";by=\"ipsum\"");
        assert_eq!(one.listed().unwrap(), "by ipsum");
        assert_eq!(one.delisting(), [command("ipsum")]);
        let two = header("\"192.0.2.50\";by=\"honeypot ipsum\"");
        assert_eq!(two.listed().unwrap(), "by honeypot, ipsum");
        assert_eq!(two.delisting(), [command("'*'")]);
        let many = header("\"192.0.2.50\";by=\"a\";more=9");
        assert_eq!(many.listed().unwrap(), "by a and 9 more");
        assert_eq!(many.delisting(), [command("'*'")]);
    }

    #[test]
    fn what_covers_a_subject_is_left_by_an_exclusion() {
        let covered = Standing::of_header(ZONE, "192.0.2.7", "\"192.0.2.0/24\";by=\"drop\"", false);
        assert_eq!(covered.listed().unwrap(), "by 192.0.2.0/24 (drop)");
        assert_eq!(
            covered.delisting(),
            ["dnsblctl listing put bl.example.org 192.0.2.7 --exclusion"]
        );
        let header = "\"*.example.com\";by=\"drop\"";
        let below = Standing::of_header("dbl.example.org", "*.a.example.com", header, false);
        assert_eq!(
            below.delisting(),
            ["dnsblctl listing put dbl.example.org '*.a.example.com' --exclusion"]
        );
    }

    #[test]
    fn what_lies_inside_is_named_with_its_own_command() {
        let wide = Standing::of_header(ZONE, "192.0.2.0/24", "\"192.0.2.7\";by=\"feed\"", false);
        assert_eq!(wide.listed().unwrap(), "inside it: 192.0.2.7 (feed)");
        assert_eq!(
            wide.delisting(),
            ["dnsblctl listing delete bl.example.org 192.0.2.7 --source feed"]
        );
    }

    #[test]
    fn a_refusal_is_read_whole() {
        let problem = json!({"subject": "192.0.2.50", "listed": true, "by": "192.0.2.50",
            "sources": ["honeypot", "ipsum"], "covering": "192.0.2.0/24",
            "listed_by": ["honeypot", "ipsum"], "excluded_by": [],
            "covered_by": [{"subject": "192.0.2.0/24", "listed_by": ["drop"], "excluded_by": []}],
            "inside": []});
        let facts = serde_json::from_value(problem).unwrap();
        let standing = Standing::of_problem(ZONE, "192.0.2.50", facts);
        assert_eq!(standing.listed().unwrap(), "by honeypot, ipsum; by 192.0.2.0/24 (drop)");
        assert_eq!(
            standing.delisting(),
            [
                "dnsblctl listing delete bl.example.org 192.0.2.50 --source '*'",
                "dnsblctl listing put bl.example.org 192.0.2.50 --exclusion"
            ]
        );
        assert_eq!(standing.excluded(), None);
    }

    #[test]
    fn listings_of_covering_subjects_are_sorted_by_what_they_say() {
        let listing = |subject: &str, source: &str, exclusion: bool| {
            let listing = json!({"subject": subject, "source": source, "exclusion": exclusion,
                "tags": [], "etag": "", "listed_at": "", "updated_at": "", "listed_by": ""});
            serde_json::from_value(listing).unwrap()
        };
        let listings = [
            listing("192.0.0.0/16", "wide", false),
            listing("192.0.2.0/24", "friend", true),
            listing("192.0.2.50", "a", false),
            listing("192.0.2.50", "b", false),
        ];
        let standing = Standing::of_listings(ZONE, "192.0.2.50", &listings);
        assert_eq!(standing.listed().unwrap(), "by a, b; by 192.0.0.0/16 (wide)");
        assert_eq!(standing.excluded().unwrap(), "by 192.0.2.0/24 (friend)");
        assert_eq!(
            standing.readmitting(),
            ["dnsblctl listing delete bl.example.org 192.0.2.0/24 --source friend"]
        );
    }
}
