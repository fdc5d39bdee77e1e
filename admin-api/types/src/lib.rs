//! The bodies of the HTTP API, version 1: what requests carry and what answers them, as JSON.
//!
//! The server and `dnsblctl` share them, so a field that is renamed is renamed for both. A type has the
//! name of its schema in the API's description. Requests refuse fields that they don't know; readers of
//! answers ignore those, since a newer server may say more. Texts are not checked here: that happens
//! where they become values.

mod access;
mod allow_entry;
mod audit;
mod change;
mod check;
mod feed;
mod health;
mod import;
mod listing;
mod login;
mod problem;
mod relay_test;
mod reload;
mod removal;
mod report;
mod review;
mod scopes;
mod search;
mod subscriber;
mod token;
mod undo;
mod usage;
mod webhook;
mod zone;

pub use access::{
    Access, AccessAction, AccessRule, Denial, LargeUdp, Quota, SubscriberMode, ZoneQuotas,
};
pub use allow_entry::{AllowEntry, AllowEntryBody, AllowEntryPage};
pub use audit::{AuditPage, AuditRecord};
pub use change::{
    AllowEntryChange, Change, ChangeLine, ChangesEnd, DocumentChange, Heartbeat, HiddenChange,
    HiddenOp, ImportChange, SubscriberChange, TokenChange,
};
pub use check::{CheckBody, CheckResult, CheckResults};
pub use feed::{Feed, FeedBody, FeedFailure, FeedImport, FeedStatus, Feeds};
pub use health::Readiness;
pub use import::{ImportCounts, ImportProblem, ImportReport, ImportResult, RowError, Warning};
pub use listing::{Listing, ListingBody, ListingPage, Subject, Warned};
pub use login::{Grant, GrantPage, Hold, LoginBody, LoginResult, PolicyResult};
pub use problem::{NotListedProblem, Problem, SubjectSources};
pub use relay_test::{
    RelayOptOut, RelayOptOuts, RelayProbe, RelayReturn, RelayTest, RelayTestBody, RelayTests,
};
pub use reload::Reload;
pub use removal::{
    RemovalBody, RemovalDecision, RemovalPage, RemovalRequest, RemovalRules, RemovalState,
    RemovalTicket,
};
pub use report::{
    Report, ReportBody, ReportCategory, ReportDecision, ReportNote, ReportPage, ReportRow,
    ReportRule, ReportRules, ReportState, Reporter, ReporterPage, ReportsResult,
};
pub use review::{ClaimBody, DecideBody, Decided, ReviewClaim, ReviewItem, ReviewKind, ReviewPage};
pub use scopes::{ROLES, Role, SCOPES};
pub use search::{
    FoundListing, PastChange, SearchCount, SearchPage, SearchResult, SubjectHistory, SubjectInZone,
    Withheld,
};
pub use subscriber::{
    Recognition, RotateBody, Subscriber, SubscriberBody, SubscriberKey, SubscriberPage,
};
pub use token::{
    MaxPrefix, RotateTokenBody, Token, TokenBody, TokenSecret, TokenTerms, TokenTermsBody, Tokens,
};
pub use undo::{
    BulkChange, PurgeBody, PurgeProblem, PurgeResult, PurgedSource, SourceBody, SourceState,
    Sources, UndoBody, UndoChange, UndoResult,
};
pub use usage::{
    QuotaToday, SubscriberTotal, SubscriberUsage, Top, TopEntry, UsageCounts, UsageDay,
    UsageSummary,
};
pub use webhook::{
    RotateWebhookBody, Webhook, WebhookBody, WebhookChanges, WebhookFailure, WebhookMessage,
    WebhookPause, WebhookStatus, Webhooks,
};
pub use zone::{
    Apex, Include, Retirement, Soa, SoaBody, Zone, ZoneBody, ZoneKind, ZoneState, Zones,
};
