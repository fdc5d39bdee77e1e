//! Every error of the API: one envelope (RFC 9457), and from which failure which status follows.
//!
//! A type is the path of its page, `/problems/` and a word (`problem_pages`); its title is that word in plain text.

use std::{fmt::Display, sync::Arc, time::Duration};

use admin_api_types::PurgeProblem;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use dnsbl_rights::{NotAuthenticated, NotPermitted, Stopping, TooManyAMinute};
use dnsbl_store::{ChangeError, ImportCounts, StoreError};
use dnsbl_types::{GuardError, ListingError, Name, TokenTermsError, ZoneError};
use relay_tester::{
    TargetError,
    life::Limited,
    service::{RecordsError, Refusal},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    problem_pages,
    scopes::SOURCES_ALL,
    v1::{BodyError, import::write_counts, purge, time},
};

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct Problem(Box<ProblemParts>);

#[derive(Debug)]
struct ProblemParts {
    status: StatusCode,
    word: &'static str,
    detail: String,
    facts: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem of a kind of its own.
    pub(crate) fn new(status: StatusCode, word: &'static str, detail: impl Display) -> Self {
        Self(Box::new(ProblemParts {
            status,
            word,
            detail: detail.to_string(),
            facts: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// The request can't be read.
    pub(crate) fn malformed(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// The request breaks a rule.
    pub(crate) fn refused(detail: impl Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail)
    }

    /// There is nothing here.
    pub(crate) fn not_found(word: &'static str, detail: impl Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, word, detail)
    }

    /// There is no such zone.
    pub(crate) fn no_zone(origin: &Name) -> Self {
        ChangeError::NoZone(origin.clone()).into()
    }

    /// The token is missing or does not count.
    pub(crate) fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"dnsbl\""))
    }

    fn unauthorized_as(word: &'static str, detail: impl Display) -> Self {
        const CHALLENGE: &str = "Bearer realm=\"dnsbl\", error=\"invalid_token\"";
        Self::new(StatusCode::UNAUTHORIZED, word, detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE))
    }

    /// A secret stands in the URL.
    pub(crate) fn token_in_url(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "token-in-url", detail)
    }

    /// Too many tokens from one address were none.
    pub(crate) fn too_many_tries(wait: Duration) -> Self {
        let detail =
            "too many tokens from this address were no good; a good one is taken again in a moment";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-tries", detail)
            .retry_after(whole_seconds(wait))
    }

    /// Nobody may do this over the API.
    pub(crate) fn reserved(detail: impl Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, "reserved", detail)
    }

    /// The client sent too little in too much time.
    pub(crate) fn too_slow(detail: impl Display) -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", detail)
    }

    /// The request is larger than the limit.
    pub(crate) fn too_large(detail: impl Display) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// The body is of a type or encoding that is not read here.
    pub(crate) fn unsupported(detail: impl Display) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
    }

    /// As many as are allowed at once are under way.
    pub(crate) fn too_many(what: &str) -> Self {
        let detail = format!("as many {what} as this server runs at once are under way; try again");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).retry_after(5)
    }

    /// As many as one token may have are under way.
    pub(crate) fn too_many_of_token(what: &str, most: usize) -> Self {
        let detail = format!(
            "{most} {what} of this token are under way, which is the most at once; try again"
        );
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).retry_after(5)
    }

    /// The server can't do this now.
    pub(crate) fn unavailable(word: &'static str, detail: impl Display) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, word, detail).retry_after(1)
    }

    /// A change that others wait for, too, was not made.
    pub(crate) fn of_shared_change(err: Arc<ChangeError>) -> Self {
        match Arc::try_unwrap(err) {
            Ok(err) => err.into(),
            Err(err) => match &*err {
                ChangeError::Unwritable { full: true, .. } => {
                    Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", err)
                }
                _ => Self::unavailable("unwritable", err),
            },
        }
    }

    /// The server is going down.
    pub(crate) fn stopping() -> Self {
        Self::unavailable("stopping", "the server is stopping")
    }

    /// The server is at fault; why is in its log only.
    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "the server failed; its log says why",
        )
    }

    /// An import that is refused for what it would do.
    pub(crate) fn import(status: StatusCode, detail: &str, counts: ImportCounts) -> Self {
        Self::new(status, "import-refused", detail).with_facts(&write_counts(counts))
    }

    /// Adds to the detail.
    pub(crate) fn hint(mut self, more: &str) -> Self {
        self.0.detail.push_str(more);
        self
    }

    /// Its HTTP status and its detail, as a row among others tells it.
    pub(crate) fn of_row(self) -> (u16, String) {
        (self.0.status.as_u16(), self.0.detail)
    }

    /// Its HTTP status.
    #[cfg(test)]
    pub(crate) fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    /// Says it in other words.
    pub(crate) fn because(mut self, detail: impl Display) -> Self {
        self.0.detail = detail.to_string();
        self
    }

    /// Adds a fact.
    pub(crate) fn with(mut self, fact: &str, value: impl Into<Value>) -> Self {
        self.0.facts.insert(fact.into(), value.into());
        self
    }

    /// Adds the members of a body as facts.
    pub(crate) fn with_facts(mut self, facts: &impl Serialize) -> Self {
        if let Ok(Value::Object(facts)) = serde_json::to_value(facts) {
            self.0.facts.extend(facts);
        }
        self
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    pub(crate) fn retry_after(self, seconds: impl Into<HeaderValue>) -> Self {
        self.header(header::RETRY_AFTER, seconds.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let ProblemParts { status, word, detail, facts, headers } = *self.0;
        let mut body = facts;
        body.insert("type".into(), format!("{}{word}", problem_pages::PATH).into());
        body.insert("title".into(), problem_pages::title(word).into());
        body.insert("status".into(), status.as_u16().into());
        body.insert("detail".into(), detail.into());
        let kind = (header::CONTENT_TYPE, "application/problem+json");
        let mut response = (status, [kind], Value::Object(body).to_string()).into_response();
        response.headers_mut().extend(headers);
        response
    }
}

impl From<ChangeError> for Problem {
    fn from(err: ChangeError) -> Self {
        let (status, word) = match err {
            ChangeError::Store(err) => return err.into(),
            ChangeError::ImportRefused { why, counts } => {
                let detail = format!("{why}; nothing was changed");
                return Self::import(StatusCode::CONFLICT, &detail, counts);
            }
            ChangeError::PurgeCount { found, ref sources, .. } => {
                let (count, sources) = purge::write(sources);
                debug_assert_eq!(count, found);
                let facts = PurgeProblem { count, sources };
                return Self::new(StatusCode::CONFLICT, "purge-count", &err).with_facts(&facts);
            }
            ChangeError::Frozen { ref whose, ref freeze, .. } => {
                let since = time::write(freeze.since);
                let (by, why) = (&freeze.by, &freeze.why);
                let detail = format!(
                    "{whose} is frozen here since {since} by {by}: {why}; what it lists stays, and PUT /v1/zones/{{zone}}/sources/{{source}} thaws it"
                );
                let problem = Self::new(StatusCode::CONFLICT, "frozen", detail);
                let by = freeze.by.as_str();
                return problem
                    .with("source", whose.as_str())
                    .with("since", since)
                    .with("by", by)
                    .with("why", freeze.why.as_str());
            }
            ChangeError::NoChange(_)
            | ChangeError::NotKept(_)
            | ChangeError::NotUndoable { .. }
            | ChangeError::ZoneGone { .. }
            | ChangeError::Overtaken { .. }
            | ChangeError::NothingToUndo(_) => return of_undo(err),
            ChangeError::Busy => return Self::unavailable("busy", err),
            ChangeError::Unwritable { full: false, .. } => {
                return Self::unavailable("unwritable", err);
            }
            ChangeError::Unwritable { full: true, .. } => {
                (StatusCode::INSUFFICIENT_STORAGE, "disk-full")
            }
            ChangeError::NoZone(_) => (StatusCode::NOT_FOUND, "no-such-zone"),
            ChangeError::NoToken => (StatusCode::NOT_FOUND, "no-such-token"),
            ChangeError::NoSubscriber => (StatusCode::NOT_FOUND, "no-such-subscriber"),
            ChangeError::NoAllowEntry => (StatusCode::NOT_FOUND, "no-such-allow-entry"),
            ChangeError::TooManyAllowEntries(_) => (StatusCode::CONFLICT, "too-many-allow-entries"),
            ChangeError::TokenName { .. } | ChangeError::SubscriberName { .. } => {
                (StatusCode::CONFLICT, "name-in-use")
            }
            ChangeError::SubscriberNetwork { .. } => (StatusCode::CONFLICT, "network-in-use"),
            ChangeError::TooManySubscribers(_) => (StatusCode::CONFLICT, "too-many-subscribers"),
            ChangeError::TooManyKeys(_) => (StatusCode::CONFLICT, "too-many-keys"),
            ChangeError::NoKeys => (StatusCode::CONFLICT, "no-keys"),
            ChangeError::TokenDepth(_) => (StatusCode::CONFLICT, "too-deep"),
            ChangeError::ImportBeyond { .. } => (StatusCode::FORBIDDEN, "prefix-too-large"),
            ChangeError::NoParent => return Self::unauthorized(&err.to_string()),
            ChangeError::LastToken(_) => (StatusCode::CONFLICT, "last-token"),
            ChangeError::KindInUse(_) => (StatusCode::CONFLICT, "kind-in-use"),
            ChangeError::NoInclude(_) => (StatusCode::CONFLICT, "no-such-zone"),
            ChangeError::IncludeKind(_) | ChangeError::IncludeCombined(_) => {
                (StatusCode::CONFLICT, "not-includable")
            }
            ChangeError::Included { .. } => (StatusCode::CONFLICT, "included"),
            ChangeError::TakesNoListings { .. } => (StatusCode::CONFLICT, "takes-no-listings"),
            ChangeError::Stale { .. } => (StatusCode::CONFLICT, "changed-meanwhile"),
            ChangeError::TestEntry => (StatusCode::CONFLICT, "test-entry"),
            ChangeError::Precondition => (StatusCode::PRECONDITION_FAILED, "precondition-failed"),
            ChangeError::NotAlone => return Self::internal(),
            ChangeError::WrongKind
            | ChangeError::SubjectTooLong
            | ChangeError::SubscriberZone(_)
            | ChangeError::TooManySources(_) => (StatusCode::UNPROCESSABLE_ENTITY, "refused"),
        };
        Self::new(status, word, err)
    }
}

/// An undo that was refused.
fn of_undo(err: ChangeError) -> Problem {
    let (status, word) = match &err {
        ChangeError::NoChange(_) => (StatusCode::NOT_FOUND, "no-such-change"),
        ChangeError::NotKept(_) => (StatusCode::GONE, "not-kept"),
        ChangeError::NotUndoable { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "not-undoable"),
        ChangeError::ZoneGone { .. } => (StatusCode::CONFLICT, "no-such-zone"),
        ChangeError::Overtaken { .. } => (StatusCode::CONFLICT, "changed-later"),
        _ => (StatusCode::CONFLICT, "nothing-to-undo"),
    };
    let problem = Problem::new(status, word, &err);
    match err {
        ChangeError::Overtaken { zone, by, count, .. } => {
            problem.with("zone", zone.to_string()).with("by", by).with("count", count)
        }
        _ => problem,
    }
}

/// At least one, so that nobody comes too early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).max(1) as u64
}

impl From<StoreError> for Problem {
    fn from(err: StoreError) -> Self {
        tracing::error!(%err, "the store failed");
        if err.is_full() {
            let detail = "the disk has no room left";
            return Self::new(StatusCode::INSUFFICIENT_STORAGE, "disk-full", detail);
        }
        if err.is_out_of_files() {
            return Self::unavailable("busy", "the server may open no more files");
        }
        Self::unavailable("store-failed", "the store failed; the server's log says why")
    }
}

impl From<NotAuthenticated> for Problem {
    fn from(err: NotAuthenticated) -> Self {
        match err {
            NotAuthenticated::TooManyTries(wait) => Self::too_many_tries(wait),
            NotAuthenticated::Mistyped(_) => {
                let detail = format!("{err}; read it again from where it is kept");
                Self::unauthorized_as("mistyped-token", detail)
            }
            NotAuthenticated::Expired => Self::unauthorized_as("expired-token", err),
            NotAuthenticated::Unknown => Self::unauthorized_as("revoked-token", err),
            NotAuthenticated::Store(err) => err.into(),
            NotAuthenticated::Stopping(err) => err.into(),
        }
    }
}

impl From<Stopping> for Problem {
    fn from(_: Stopping) -> Self {
        Self::stopping()
    }
}

impl From<TooManyAMinute> for Problem {
    fn from(err: TooManyAMinute) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", err)
            .with("requests_per_minute", err.most)
            .retry_after(whole_seconds(err.wait))
    }
}

impl From<NotPermitted> for Problem {
    fn from(err: NotPermitted) -> Self {
        let as_word = |word| Self::new(StatusCode::FORBIDDEN, word, &err);
        let texts = |zones: &[Name]| zones.iter().map(Name::to_string).collect::<Vec<_>>();
        match &err {
            NotPermitted::Scope(scope) => as_word("forbidden").with("scope", scope.as_str()),
            NotPermitted::Network => as_word("wrong-network"),
            NotPermitted::ServerWide { zones, .. } => {
                as_word("server-wide").with("zones", texts(zones))
            }
            NotPermitted::Zone { zone, zones } => as_word("zone-not-permitted")
                .with("zone", zone.to_string())
                .with("zones", texts(zones)),
            NotPermitted::AnyPrefix { .. } | NotPermitted::Prefix { .. } => {
                as_word("prefix-too-large")
            }
            NotPermitted::Beyond { term, .. } => as_word("forbidden").with("term", *term),
            NotPermitted::Source { of, own, .. } => as_word("forbidden")
                .with("scope", SOURCES_ALL)
                .with("source", of.as_str())
                .with("sources", own.clone()),
            NotPermitted::BeyondSource { of, .. } => {
                as_word("forbidden").with("scope", SOURCES_ALL).with("source", of.as_str())
            }
            NotPermitted::SourceOfAPart { of, .. } => {
                as_word("reserved").with("source", of.as_str())
            }
            NotPermitted::SourceOfLogins(of) => as_word("reserved")
                .hint(", and revoked by DELETE /v1/grants/{zone}/{address}")
                .with("source", of.as_str()),
            NotPermitted::ServersOwn => as_word("reserved"),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(err: BodyError) -> Self {
        match err {
            BodyError::Malformed(detail) => Self::malformed(detail),
            BodyError::Refused(detail) => Self::refused(detail),
        }
    }
}

impl From<ZoneError> for Problem {
    fn from(err: ZoneError) -> Self {
        Self::refused(err)
    }
}

impl From<TokenTermsError> for Problem {
    fn from(err: TokenTermsError) -> Self {
        Self::refused(err)
    }
}

impl From<ListingError> for Problem {
    fn from(err: ListingError) -> Self {
        Self::refused(err)
    }
}

impl From<GuardError> for Problem {
    fn from(err: GuardError) -> Self {
        let word = match err {
            GuardError::Never(_) => "never-listed",
            GuardError::SpecialUse { .. } => "special-use",
            GuardError::ShortPrefix { .. } => "short-prefix",
            GuardError::PublicSuffix { .. } => "public-suffix",
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, word, err)
    }
}

impl From<RecordsError> for Problem {
    fn from(err: RecordsError) -> Self {
        match err {
            RecordsError::Change(err) => err.into(),
            RecordsError::Stopping => Self::stopping(),
            RecordsError::Contended(_) => Self::unavailable("busy", err),
            RecordsError::Unreadable { .. } | RecordsError::Document(_) => {
                tracing::error!(%err, "a record of the relay tester");
                Self::internal()
            }
        }
    }
}

impl From<Limited> for Problem {
    fn from(limited: Limited) -> Self {
        let retry_after = limited.retry_after;
        Self::new(StatusCode::TOO_MANY_REQUESTS, "limited", limited)
            .with("retry_after", retry_after)
            .retry_after(retry_after)
    }
}

impl From<Refusal> for Problem {
    fn from(err: Refusal) -> Self {
        let word = match err {
            Refusal::Records(err) => return err.into(),
            Refusal::Limited(limited) => return limited.into(),
            Refusal::Target(TargetError::NotAnAddress(_)) => {
                return Self::malformed(format!("address: {err}"));
            }
            Refusal::Domain(_) => return Self::malformed(err),
            Refusal::Lookup(_) => return Self::unavailable("lookup-failed", err),
            Refusal::NotListed(_) => return Self::new(StatusCode::CONFLICT, "not-listed", err),
            Refusal::NoZone(_) => return Self::new(StatusCode::CONFLICT, "no-such-zone", err),
            Refusal::Target(TargetError::EmbeddedIpv4 { .. }) => "embedded-ipv4",
            Refusal::Target(TargetError::SpecialUse { .. }) => "special-use",
            Refusal::Target(TargetError::Own(_)) => "own-address",
            Refusal::Target(TargetError::Port(_)) => "port",
            Refusal::NotAllowed(_) => "not-allowed",
            Refusal::OptedOut(_) => "opted-out",
            Refusal::NotItsMx { .. } => "not-its-mx",
            Refusal::NoEvidence => "no-evidence",
            Refusal::Tier => "tier",
        };
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, word, err)
    }
}
