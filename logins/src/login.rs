//! A login, as it is reported.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use dnsbl_types::UnixTime;

/// A login that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Where the user is; never IPv4 inside IPv6.
    pub address: IpAddr,
    /// Who connected to the mail server, where that is another one: a proxy that tells of the user.
    pub peer: Option<IpAddr>,
    /// Who it is, where that is told.
    pub user: Option<User>,
    /// What the user logged in to.
    pub service: MailService,
    /// The way on which it was reported.
    pub way: Way,
    /// Whether the connection was encrypted, where that is told.
    pub tls: Option<bool>,
    /// The session, where it has a name: a login that is reported twice counts once.
    pub session: Option<String>,
    /// When it happened, where that is told.
    pub at: Option<UnixTime>,
}

/// What a mail server reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A user has logged in.
    Login(Box<Login>),
    /// A user has logged out, and wants that to count: grants otherwise outlive the session, since mail is
    /// sent after it was fetched.
    Logout {
        /// Where the user was.
        address: IpAddr,
        /// Who; `None`: whoever it was.
        user: Option<User>,
    },
    /// A login that did not succeed.
    Failed(Way),
    /// Something else, which grants nothing.
    Other,
}

/// The way on which a login was reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// `POST /v1/logins`.
    Api,
    /// Dovecot's event exporter.
    Dovecot,
    /// Dovecot's auth policy.
    Policy,
    /// Cyrus' event notifications.
    Cyrus,
    /// DRAC's RPC.
    Drac,
}

impl Way {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Api, Self::Dovecot, Self::Policy, Self::Cyrus, Self::Drac];

    /// Its name in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Dovecot => "dovecot",
            Self::Policy => "policy",
            Self::Cyrus => "cyrus",
            Self::Drac => "drac",
        }
    }
}

/// The name of a user: 1 to 256 bytes without control characters. It is never logged.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct User(Arc<str>);

/// A text that is no name of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user has 1 to {max} bytes without control characters", max = User::MAX_LEN)]
pub struct UserError;

impl User {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 256;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for User {
    type Err = UserError;

    fn from_str(text: &str) -> Result<Self, UserError> {
        let fits = (1..=Self::MAX_LEN).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.into())) } else { Err(UserError) }
    }
}

/// Shows that there is one, not who it is.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("User(…)")
    }
}

/// What a user logs in to, such as `pop3`: 1 to 32 of `a-z 0-9 - _`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailService(Box<str>);

impl MailService {
    /// The longest name, in bytes.
    pub const MAX_LEN: usize = 32;

    /// The service of a report that names none.
    pub fn unnamed(way: Way) -> Self {
        Self(way.as_str().into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text that is no service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a service has 1 to {max} of a-z, 0-9, '-' and '_'", max = MailService::MAX_LEN)]
pub struct ServiceError;

impl FromStr for MailService {
    type Err = ServiceError;

    /// Upper case is taken for lower case.
    fn from_str(text: &str) -> Result<Self, ServiceError> {
        let text = text.to_ascii_lowercase();
        let admits = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
        let fits = (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(admits);
        if fits { Ok(Self(text.into())) } else { Err(ServiceError) }
    }
}

/// The longest name of a session that is told from others, in bytes; what is longer counts as none.
pub(crate) const MAX_SESSION: usize = 128;
