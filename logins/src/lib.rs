//! POP before SMTP: who has just logged in may send.
//!
//! A mail server reports a login; the address it came from gets a *grant* in an allow zone, which is a listing
//! with an expiry. Each login renews it. Mail servers ask the zone over DNS, or a service that asks it.
//!
//! ```text
//! event/ (what mail servers send) ─► service: decides in grants.rs (pure) ─► record.rs ─► one change of the store
//! drac/  (DRAC's own RPC)         ─┘
//! ```
//!
//! Nothing here is a reason to refuse mail: without a grant a mail server does what it would do anyway.

pub mod drac;
mod event;
mod grants;
mod login;
mod record;
mod secrets;
mod service;
mod settings;

pub use event::{EventError, cyrus, dovecot, policy};
pub use grants::{Grant, GrantLimits, Hold, Refused};
pub use login::{Login, MailService, Report, ServiceError, User, UserError, Way};
pub use secrets::{SecretError, Secrets};
pub use service::{GrantPage, Granted, Logins, LoginsError, Outcome, RunningLogins, Start, Stats};
pub use settings::Settings;
