//! A report, as the server takes it: `POST /v1/reports`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::Subject;
use crate::api::Posting;

/// What is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Category {
    /// Recipients are tried to find out which there are.
    DirectoryHarvest,
    /// Bounces to senders that were forged.
    Backscatter,
}

/// A report of a client. It tells how many recipients, and never which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) subject: Subject,
    pub(crate) category: Category,
    /// Of a harvest the unknown recipients, each once; of backscatter the bounces that were refused. At least 1.
    pub(crate) count: u64,
    /// How many recipients of the client were accepted meanwhile.
    pub(crate) accepted: u64,
    pub(crate) first_seen: Timestamp,
    pub(crate) last_seen: Timestamp,
}

/// A report, as the API takes it.
#[derive(Serialize)]
struct ReportBody<'a> {
    subject: String,
    category: Category,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'a str>,
    count: u64,
    comment: String,
    /// RFC 3339.
    first_seen: String,
    /// RFC 3339.
    last_seen: String,
}

impl Category {
    /// All of them, and what they are called.
    pub(crate) const ALL: [(&'static str, Self); 2] =
        [("directory-harvest", Self::DirectoryHarvest), ("backscatter", Self::Backscatter)];
}

impl Report {
    fn comment(&self) -> String {
        let Self { category, count, accepted, .. } = self;
        let what = match category {
            Category::DirectoryHarvest => "unknown recipients were refused",
            Category::Backscatter => "bounces to unknown recipients were refused",
        };
        format!("{count} {what}, {accepted} recipients accepted")
    }
}

impl Posting for Report {
    const NAME: &'static str = "reports";
    type Key = (Subject, Category);

    fn key(&self) -> Self::Key {
        (self.subject, self.category)
    }

    fn at(&self) -> Timestamp {
        self.last_seen
    }

    fn unite(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
    }

    fn body<'a>(&'a self, zone: Option<&'a str>) -> impl Serialize + 'a {
        ReportBody {
            subject: self.subject.to_string(),
            category: self.category,
            zone,
            count: self.count,
            comment: self.comment(),
            first_seen: self.first_seen.to_string(),
            last_seen: self.last_seen.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Category, Posting as _, Report};
    use crate::report::client::Subject;

    #[test]
    fn a_report_tells_how_many_and_two_that_wait_become_one() {
        let mut report = Report {
            subject: Subject::Address([192, 0, 2, 55].into()),
            category: Category::DirectoryHarvest,
            count: 50,
            accepted: 2,
            first_seen: "2026-11-29T06:10:36Z".parse().unwrap(),
            last_seen: "2026-11-29T06:11:36Z".parse().unwrap(),
        };
        let expected = json!({
            "subject": "192.0.2.55", "category": "directory-harvest", "zone": "bl.example.org", "count": 50,
            "comment": "50 unknown recipients were refused, 2 recipients accepted",
            "first_seen": "2026-11-29T06:10:36Z", "last_seen": "2026-11-29T06:11:36Z",
        });
        assert_eq!(serde_json::to_value(report.body(Some("bl.example.org"))).unwrap(), expected);
        let later = Report { last_seen: "2026-11-29T06:21:36Z".parse().unwrap(), ..report.clone() };
        report.unite(later);
        let body = serde_json::to_value(report.body(None)).unwrap();
        assert_eq!(
            (&body["count"], &body["last_seen"]),
            (&json!(100), &json!("2026-11-29T06:21:36Z"))
        );
        assert_eq!(
            (&body["first_seen"], &body["zone"]),
            (&json!("2026-11-29T06:10:36Z"), &json!(null))
        );
    }
}
