//! The event notifications of Cyrus IMAP (3.x): `Login` and `Logout` of the group `access`.

use serde::Deserialize;

use super::{
    EventError,
    text::{Time, address},
};
use crate::{
    Login, MailService, Report, Way,
    login::{MAX_SESSION, User},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    event: String,
    #[serde(rename = "clientIP", alias = "clientAddress")]
    client: Option<String>,
    service: Option<String>,
    user: Option<String>,
    timestamp: Option<Time>,
    #[serde(rename = "vnd.cmu.sessionId")]
    session: Option<String>,
}

/// The report in a notification.
///
/// # Errors
/// It is no notification of Cyrus', or a field of a login has no sense.
pub fn read(body: &[u8]) -> Result<Report, EventError> {
    let event: Event = serde_json::from_slice(body)?;
    let is_login = match event.event.as_str() {
        "Login" => true,
        "Logout" => false,
        _ => return Ok(Report::Other),
    };
    let client = event.client.ok_or_else(|| EventError::field("clientIP", "missing"))?;
    let address = address("clientIP", &client)?;
    let user = event.user.filter(|user| !user.is_empty() && user != "anonymous");
    let user = user.map(|user| user.parse::<User>()).transpose();
    let user = user.map_err(|err| EventError::field("user", err.to_string()))?;
    if !is_login {
        return Ok(Report::Logout { address, user });
    }
    let service = event.service.ok_or_else(|| EventError::field("service", "missing"))?;
    Ok(Report::Login(Box::new(Login {
        address,
        peer: None,
        // Whoever logs in as nobody is nobody.
        user: Some(user.ok_or_else(|| EventError::field("user", "missing"))?),
        service: service
            .parse::<MailService>()
            .map_err(|err| EventError::field("service", err.to_string()))?,
        way: Way::Cyrus,
        tls: None,
        session: event.session.filter(|session| (1..=MAX_SESSION).contains(&session.len())),
        at: event.timestamp.map(|Time(at)| at),
    })))
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::*;

    /// After the example in the documentation of Cyrus.
    const LOGIN: &str = r#"{"clientIP":"192.0.2.55","clientPort":46461,"event":"Login","pid":7629,"serverDomain":"::1","serverPort":143,"service":"imap","timestamp":"2015-02-23T14:47:36.097+01:00","uri":"imap://imap.example.org","user":"john@example.org","vnd.cmu.sessionId":"cyrus-7629-1424699256-1-0123456789"}"#;

    #[test]
    fn a_login_and_a_logout_are_told_apart() {
        let Report::Login(login) = read(LOGIN.as_bytes()).unwrap() else { panic!() };
        assert_eq!(login.at, Some(UnixTime(1_424_699_256)));
        assert_eq!((login.service.as_str(), login.way), ("imap", Way::Cyrus));
        let logout = read(LOGIN.replace("\"Login\"", "\"Logout\"").as_bytes()).unwrap();
        let Report::Logout { address, user } = logout else { panic!("{logout:?}") };
        assert_eq!((address, user), (login.address, login.user));
    }

    #[test]
    fn anonymous_users_and_other_events_grant_nothing() {
        assert!(read(LOGIN.replace("john@example.org", "anonymous").as_bytes()).is_err());
        let other = read(LOGIN.replace("\"Login\"", "\"MessageNew\"").as_bytes());
        assert_eq!(other.unwrap(), Report::Other);
    }
}
