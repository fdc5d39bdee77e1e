//! A webhook: who is told of which changes.

use std::{fmt, str::FromStr};

use dnsbl_store::Op;
use dnsbl_types::{Name, UnixTime};
use url::Url;

/// What a webhook is told to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// What it is known by.
    pub id: WebhookId,
    /// Where messages go.
    pub url: WebhookUrl,
    /// The zones of whose changes it is told; none: those of all zones, and those that are about none. At most
    /// [`Webhook::ZONES`].
    pub zones: Vec<Name>,
    /// The kinds of changes that it is told of; none: all. At most [`Webhook::KINDS`].
    pub kinds: Vec<ChangeKind>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// The public id of the token whose holder made it or last changed it: it is told what that may see.
    pub token: String,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it got the newest of its secrets.
    pub secret_at: UnixTime,
    /// The change behind which it begins.
    pub begins_after: u64,
}

impl Webhook {
    /// The most zones.
    pub const ZONES: usize = 64;
    /// The most kinds.
    pub const KINDS: usize = 64;

    /// Checks what its parts can't tell by themselves.
    ///
    /// # Errors
    /// There are too many zones or kinds.
    pub fn checked(self) -> Result<Self, WebhookError> {
        if self.zones.len() > Self::ZONES {
            return Err(WebhookError::Zones);
        }
        if self.kinds.len() > Self::KINDS {
            return Err(WebhookError::Kinds);
        }
        Ok(self)
    }

    /// Whether it is told of an operation, if its token may see that.
    pub(crate) fn wants(&self, op: &Op) -> bool {
        let of_zone = self.zones.is_empty() || op.zone().is_some_and(|of| self.zones.contains(of));
        let word = op.word();
        of_zone && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.as_str() == word))
    }
}

/// The id of a webhook: `wh-` and 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookId(String);

impl WebhookId {
    /// The bytes that [`of_random`](Self::of_random) takes.
    pub const RANDOM: usize = 8;

    /// The id of random bytes.
    pub fn of_random(random: [u8; Self::RANDOM]) -> Self {
        Self(format!("wh-{}", data_encoding::HEXLOWER.encode(&random)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for WebhookId {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, WebhookError> {
        let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
        let digits = text.strip_prefix("wh-").filter(|digits| digits.len() == 2 * Self::RANDOM);
        let is_id = digits.is_some_and(|digits| digits.bytes().all(is_digit));
        is_id.then(|| Self(text.into())).ok_or(WebhookError::Id)
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An http or https URL without user and password, at most 2000 bytes. Its path may be a secret, so no log line has it.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    /// The URL that is asked.
    pub(crate) fn get(&self) -> &Url {
        &self.0
    }

    /// The URL as text, with all that may be secret.
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }
}

impl FromStr for WebhookUrl {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, WebhookError> {
        if text.len() > 2000 {
            return Err(WebhookError::Url(", and at most 2000 bytes".into()));
        }
        let mut url = Url::parse(text).map_err(|err| WebhookError::Url(format!(": {err}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookError::Url(
                ", and neither user nor password: a receiver knows its messages by their signatures"
                    .into(),
            ));
        }
        url.set_fragment(None);
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        is_http.then_some(Self(url)).ok_or(WebhookError::Url(String::new()))
    }
}

/// Shows the host alone.
impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({})", dnsbl_outbound::host_of(&self.0))
    }
}

/// A kind of change, by its word in the change feed: `put`, `zone-put`, `relay-test-put`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeKind(String);

impl ChangeKind {
    /// The words of all kinds but those of [documents](Self::DOCUMENTS).
    pub const WORDS: [&str; 18] = [
        "zone-put",
        "zone-delete",
        "put",
        "delete",
        "expire",
        "import",
        "purge",
        "undo",
        "source-put",
        "token-put",
        "token-rotate",
        "token-delete",
        "subscriber-put",
        "subscriber-rotate",
        "subscriber-delete",
        "allow-put",
        "allow-delete",
        "allow-expire",
    ];
    /// The kinds of documents, whose words have `-put` or `-delete` behind.
    pub const DOCUMENTS: [&str; 20] = [
        "feed",
        "feed-state",
        "grant",
        "mail",
        "relay-host",
        "relay-notice",
        "relay-opt-out",
        "relay-output",
        "relay-test",
        "removal-case",
        "removal-contact",
        "removal-request",
        "report",
        "report-case",
        "report-evidence",
        "reporter",
        "review-claim",
        "review-mark",
        "webhook",
        "webhook-secrets",
    ];

    /// Its word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ChangeKind {
    type Err = WebhookError;

    fn from_str(text: &str) -> Result<Self, WebhookError> {
        let of_document = || {
            let kind = text.strip_suffix("-put").or_else(|| text.strip_suffix("-delete"));
            kind.is_some_and(|kind| Self::DOCUMENTS.contains(&kind))
        };
        let is_kind = Self::WORDS.contains(&text) || of_document();
        is_kind.then(|| Self(text.into())).ok_or_else(|| WebhookError::Kind(text.into()))
    }
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The reason why something is no webhook, or no part of one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The id.
    #[error("the id of a webhook is wh- and 16 hexadecimal digits")]
    Id,
    /// The URL.
    #[error("a URL begins with https:// (or http://) and has a host{0}")]
    Url(String),
    /// The zones.
    #[error("zones: there are more than {max}", max = Webhook::ZONES)]
    Zones,
    /// The kinds.
    #[error("kinds: there are more than {max}", max = Webhook::KINDS)]
    Kinds,
    /// A kind.
    #[error(
        "{0:?} is no kind of change; kinds are put, delete, expire, import, purge, undo, zone-put, zone-delete, source-put, \
         allow-put, allow-delete, allow-expire, token-put, and others that /v1/changes shows as `op`"
    )]
    Kind(String),
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn an_id_is_what_random_bytes_make() {
        let id = WebhookId::of_random([0xab; 8]);
        assert_eq!(id.as_str(), "wh-abababababababab");
        assert_eq!(id.as_str().parse(), Ok(id));
        for text in ["", "wh-", "abababababababab", "wh-ABABABABABABABAB", "wh-ababababababab.b"] {
            assert!(text.parse::<WebhookId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_url_is_shown_by_its_host_alone() {
        let url: WebhookUrl = "https://hooks.example/T0/secret?x=secret#y".parse().unwrap();
        assert_eq!(format!("{url:?}"), "WebhookUrl(hooks.example)");
        assert_eq!(url.reveal(), "https://hooks.example/T0/secret?x=secret");
        for text in
            ["", "ftp://a.example/", "a.example", "https://", "https://u@a.example/", "file:///x"]
        {
            assert!(text.parse::<WebhookUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_kind_is_a_word_of_the_change_feed() {
        for text in ["put", "zone-delete", "relay-test-put", "report-delete"] {
            assert!(text.parse::<ChangeKind>().is_ok(), "{text}");
        }
        for text in ["", "puts", "hidden", "Put", "-put", "relay_test-put", "listing-put"] {
            assert!(text.parse::<ChangeKind>().is_err(), "{text}");
        }
    }
    /// A kind that is not known here could not be asked for.
    #[test]
    fn every_kind_of_document_is_known() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut sources = Vec::new();
        for folder in fs::read_dir(root).unwrap() {
            add_sources(&folder.unwrap().path().join("src"), &mut sources);
        }
        let mut found = 0;
        for line in sources.iter().flat_map(|text| text.lines()) {
            let behind = line.split_once("DocumentKind::from_static(\"");
            let behind = behind.or_else(|| line.strip_prefix("record!(")?.split_once(", \""));
            let Some((_, kind)) = behind else { continue };
            let kind = kind.split('"').next().unwrap_or_default();
            let is_kind = kind.bytes().all(|c| c.is_ascii_lowercase() || c == b'-');
            assert!(!is_kind || ChangeKind::DOCUMENTS.contains(&kind), "{kind} is to be told here");
            found += usize::from(is_kind);
        }
        assert!(found > 10, "{found}");
    }

    fn add_sources(folder: &Path, sources: &mut Vec<String>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => add_sources(&path, sources),
                Some(end) if end == "rs" => sources.push(fs::read_to_string(&path).unwrap()),
                _ => {}
            }
        }
    }
}
