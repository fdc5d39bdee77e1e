//! A login on its way to the server: `POST /v1/logins`.

use std::net::IpAddr;

use jiff::Timestamp;
use serde::Serialize;

use super::parse::{Login, User};
use crate::api::Posting;

/// A login that waits, and when it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) login: Login,
    pub(super) at: Timestamp,
}

/// A login, as the API takes it.
#[derive(Serialize)]
struct LoginBody<'a> {
    address: IpAddr,
    user: &'a str,
    service: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<&'a str>,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<bool>,
    /// RFC 3339.
    at: String,
}

impl Posting for Waiting {
    const NAME: &'static str = "logins";

    /// What a grant is given for: a further login of the same user from the same address only renews it.
    type Key = (User, IpAddr);

    fn key(&self) -> Self::Key {
        (self.login.user.clone(), self.login.address)
    }

    fn at(&self) -> Timestamp {
        self.at
    }

    fn unite(&mut self, other: Self) {
        if self.at <= other.at {
            *self = other;
        }
    }

    fn body<'a>(&'a self, zone: Option<&'a str>) -> impl Serialize + 'a {
        let login = &self.login;
        LoginBody {
            address: login.address,
            user: login.user.as_str(),
            service: login.service.as_str(),
            zone,
            event: "login",
            session: login.session.as_deref(),
            tls: login.tls,
            at: self.at.to_string(),
        }
    }
}
