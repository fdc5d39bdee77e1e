//! Dovecot's auth policy, as weakforced takes it: a report after each authentication.

use serde::Deserialize;

use super::{
    EventError,
    text::{address, truth},
};
use crate::{
    Login, MailService, Report, Way,
    login::{MAX_SESSION, User},
};

/// `pwhash`, a part of a hash of the password, is neither read nor kept.
#[derive(Deserialize)]
struct Body {
    login: Option<String>,
    protocol: Option<String>,
    remote: Option<String>,
    session_id: Option<String>,
    /// Missing in what asks before the login whether it may go on.
    #[serde(default, deserialize_with = "truth")]
    success: bool,
    #[serde(default, deserialize_with = "truth")]
    policy_reject: bool,
    #[serde(default)]
    tls: Option<bool>,
}

/// The report in the body of `command=report`.
///
/// # Errors
/// It is no such body, or a field of a success has no sense.
pub fn read(body: &[u8]) -> Result<Report, EventError> {
    let body: Body = serde_json::from_slice(body)?;
    if !body.success || body.policy_reject {
        return Ok(Report::Failed(Way::Policy));
    }
    let remote = body.remote.ok_or_else(|| EventError::field("remote", "missing"))?;
    let user = body.login.filter(|user| !user.is_empty());
    let user = user.map(|user| user.parse::<User>()).transpose();
    let protocol = body.protocol.ok_or_else(|| EventError::field("protocol", "missing"))?;
    let service = protocol.parse::<MailService>();
    Ok(Report::Login(Box::new(Login {
        address: address("remote", &remote)?,
        peer: None,
        user: user.map_err(|err| EventError::field("login", err.to_string()))?,
        service: service.map_err(|err| EventError::field("protocol", err.to_string()))?,
        way: Way::Policy,
        tls: body.tls,
        session: body.session_id.filter(|session| (1..=MAX_SESSION).contains(&session.len())),
        at: None,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Dovecot 2.3.19.1 of Debian 12 sent it.
    const SUCCESS: &str = r#"{"device_id":"","login":"taro@example.test","protocol":"pop3","pwhash":"0dc6","remote":"192.0.2.55","session_id":"5OTasmthpZjAAAI3","success":true,"policy_reject":false,"tls":false}"#;

    #[test]
    fn a_success_is_a_login() {
        let Report::Login(login) = read(SUCCESS.as_bytes()).unwrap() else { panic!() };
        assert_eq!(login.address, std::net::IpAddr::from([192, 0, 2, 55]));
        assert_eq!(login.user.unwrap().as_str(), "taro@example.test");
        assert_eq!((login.service.as_str(), login.tls), ("pop3", Some(false)));
        assert_eq!(login.session.as_deref(), Some("5OTasmthpZjAAAI3"));
    }

    #[test]
    fn a_failure_and_a_question_before_the_login_grant_nothing() {
        for (from, to) in [
            ("\"success\":true", "\"success\":false"),
            ("\"success\":true,", ""),
            ("\"policy_reject\":false", "\"policy_reject\":true"),
        ] {
            let json = SUCCESS.replace(from, to);
            assert_eq!(read(json.as_bytes()).unwrap(), Report::Failed(Way::Policy), "{json}");
        }
        assert!(read(b"{\"success\":true}").is_err());
    }
}
