//! The vocabulary of a DNS block list: pure values, no IO.
//!
//! A [`Zone`] is served under an origin. A [`Listing`] says that a [`Subject`] (an address, a prefix
//! or a domain) is listed there by a [`Source`]. A query for `d.c.b.a.<origin>` is read by
//! [`query_name`], the only codec between addresses and names, and is answered with a
//! [`ReturnCode`] (the A record) and a [`Reason`] (the TXT record).
//!
//! Every type here holds only values that make sense: they are checked where they are built, and
//! nowhere else. None of them is `Serialize`; the faces and the store convert explicitly.

mod access;
mod access_key;
mod allow_entry;
mod allowance;
mod clock;
mod follower;
mod guard;
mod includes;
mod listing;
mod name;
mod notation;
mod prefixes;
pub mod query_name;
mod reason;
mod records;
mod removal_rules;
mod report_rules;
mod return_code;
mod serial;
mod source;
mod subject;
mod subscriber;
mod test_entry;
mod test_name;
mod time;
mod token;
mod usage;
mod zone;
mod zone_phase;

pub use access::{
    Access, AccessAction, AccessError, AccessRules, Denial, LargeUdp, ListAll, Quota,
    SubscriberMode, ZoneQuotas,
};
pub use access_key::{AccessKey, KeyDigest};
pub use allow_entry::{AllowEntry, AllowEntryError};
pub use allowance::{Allowance, Day, Moment};
pub use clock::{Clock, ClockDoubt, ClockEvent, ClockReading, ClockWatch};
pub use follower::{EntryWriter, Follower, Fork, Forks};
pub use guard::{Guard, GuardError, Lift};
pub use includes::{Include, IncludeError, Includes};
pub use listing::{Entry, Listing, ListingBody, ListingError};
pub use name::{Labels, Name, NameError};
pub use prefixes::Prefixes;
pub use reason::{Piece, Reason, ReasonDoubt, ReasonError};
pub use records::{DataError, RecordType, RecordTypeError, Records, RecordsError, Rrset};
pub use removal_rules::{RemovalRules, RemovalRulesError};
pub use report_rules::{
    ReportCategory, ReportCategoryError, ReportRule, ReportRules, ReportRulesError,
};
pub use return_code::{ReturnCode, ReturnCodeError};
pub use serial::Serial;
pub use source::{Source, SourceError};
pub use subject::{DomainSubject, Subject, SubjectError};
pub use subscriber::{Recognition, Subscriber, SubscriberError, SubscriberId, SubscriberKey};
pub use test_entry::TestEntry;
pub use time::UnixTime;
pub use token::{MaxPrefix, TokenDigest, TokenTerms, TokenTermsError, TokenText, TokenTextError};
pub use usage::Usage;
pub use zone::{Apex, GrantTerms, SoaTimes, Zone, ZoneError, ZoneKind, ZoneSpec};
pub use zone_phase::{Retirement, ZonePhase};
