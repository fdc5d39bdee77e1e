//! Dovecot's event exporter (2.3 and 2.4): one POST for each authentication that has ended.
//!
//! Only `success` tells a login from a failure: a failed one has no such field, nor any `error`, and its
//! `policy_result` is `ok` all the same (seen of 2.3.19).

use std::net::IpAddr;

use serde::Deserialize;

use super::{
    EventError,
    text::{Time, address, truth},
};
use crate::{
    Login, MailService, Report, Way,
    login::{MAX_SESSION, User},
};

/// The event that ends an authentication.
const AUTHENTICATED: &str = "auth_request_finished";

#[derive(Deserialize)]
struct Event {
    #[serde(alias = "name")]
    event: String,
    end_time: Option<Time>,
    start_time: Option<Time>,
    #[serde(default)]
    fields: Fields,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(deserialize_with = "truth")]
    success: bool,
    service: Option<String>,
    user: Option<String>,
    remote_ip: Option<String>,
    real_remote_ip: Option<String>,
    session: Option<String>,
    transport: Option<String>,
}

/// The report in an event.
///
/// # Errors
/// It is no event of Dovecot's, or a field of a success has no sense.
pub fn read(body: &[u8]) -> Result<Report, EventError> {
    let event: Event = serde_json::from_slice(body)?;
    if event.event != AUTHENTICATED {
        return Ok(Report::Other);
    }
    let Fields { success, service, user, remote_ip, real_remote_ip, session, transport } =
        event.fields;
    if !success {
        return Ok(Report::Failed(Way::Dovecot));
    }
    let address = match remote_ip {
        Some(text) => address("remote_ip", &text)?,
        None => {
            return Err(EventError::field("remote_ip", "missing; name it in the metric's fields"));
        }
    };
    let peer: Option<IpAddr> =
        real_remote_ip.map(|text| self::address("real_remote_ip", &text)).transpose()?;
    let service = service.ok_or_else(|| EventError::field("service", "missing"))?;
    let user = user.filter(|user| !user.is_empty());
    Ok(Report::Login(Box::new(Login {
        address,
        peer: peer.filter(|peer| *peer != address),
        user: user
            .map(|user| user.parse::<User>())
            .transpose()
            .map_err(|err| EventError::field("user", err.to_string()))?,
        service: service
            .parse::<MailService>()
            .map_err(|err| EventError::field("service", err.to_string()))?,
        way: Way::Dovecot,
        tls: transport
            .map(|transport| matches!(&*transport.to_ascii_lowercase(), "tls" | "secured")),
        session: session.filter(|session| (1..=MAX_SESSION).contains(&session.len())),
        at: event.end_time.or(event.start_time).map(|Time(at)| at),
    })))
}

#[cfg(test)]
mod tests {
    use dnsbl_types::UnixTime;

    use super::*;

    /// As Dovecot 2.3.19.1 of Debian 12 sent it.
    const SUCCESS: &str = r#"{"event":"auth_request_finished","hostname":"vm","start_time":"2026-11-29T15:10:36.207500Z","end_time":"2026-11-29T15:10:36.207782Z","categories":["auth","service:auth"],"fields":{"success":"yes","service":"pop3","user":"taro@example.test","remote_ip":"192.0.2.55","remote_port":50855,"local_ip":"203.0.113.25","local_port":1110,"session":"QR0Dsmthp8bAAAI3","mechanism":"PLAIN","transport":"insecure","policy_result":"ok","real_remote_ip":"192.0.2.55","original_user":"taro@example.test","translated_user":"taro@example.test"}}"#;
    const FAILURE: &str = r#"{"event":"auth_request_finished","hostname":"vm","start_time":"2026-11-29T15:10:37.438240Z","end_time":"2026-11-29T15:10:37.438509Z","categories":["auth","service:auth"],"fields":{"service":"pop3","user":"taro@example.test","remote_ip":"192.0.2.56","remote_port":50425,"local_ip":"203.0.113.25","local_port":1110,"session":"4OQVsmth+cTAAAI4","mechanism":"PLAIN","transport":"insecure","policy_result":"ok","real_remote_ip":"192.0.2.56","original_user":"taro@example.test","translated_user":"taro@example.test"}}"#;

    fn login(json: &str) -> Login {
        match read(json.as_bytes()) {
            Ok(Report::Login(login)) => *login,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_success_is_a_login_from_the_clients_address() {
        let login = login(SUCCESS);
        assert_eq!(login.address, IpAddr::from([192, 0, 2, 55]));
        assert_eq!(login.peer, None);
        assert_eq!(login.user.unwrap().as_str(), "taro@example.test");
        assert_eq!(login.service.as_str(), "pop3");
        assert_eq!(login.tls, Some(false));
        assert_eq!(login.session.as_deref(), Some("QR0Dsmthp8bAAAI3"));
        assert_eq!(login.at, Some(UnixTime(1_795_965_036)));
    }

    #[test]
    fn a_failure_grants_nothing_though_its_policy_result_is_ok() {
        assert_eq!(read(FAILURE.as_bytes()).unwrap(), Report::Failed(Way::Dovecot));
        for no in ["\"no\"", "false", "null", "0", "1", "\"\""] {
            let json = SUCCESS.replace("\"success\":\"yes\"", &format!("\"success\":{no}"));
            assert_eq!(read(json.as_bytes()).unwrap(), Report::Failed(Way::Dovecot), "{no}");
        }
    }

    #[test]
    fn the_order_of_fields_and_the_form_of_times_and_of_truth_do_not_matter() {
        let json = r#"{"end_time":1795965036.5,"fields":{"remote_ip":"::ffff:192.0.2.55","transport":"TLS","service":"IMAP","success":true,"duration":181},"event":"auth_request_finished"}"#;
        let login = login(json);
        assert_eq!(login.address, IpAddr::from([192, 0, 2, 55]));
        assert_eq!((login.tls, login.at), (Some(true), Some(UnixTime(1_795_965_036))));
        assert_eq!((login.service.as_str(), login.user), ("imap", None));
    }

    #[test]
    fn a_proxy_is_told_from_the_client() {
        let json =
            SUCCESS.replace("\"real_remote_ip\":\"192.0.2.55\"", "\"real_remote_ip\":\"10.0.0.1\"");
        assert_eq!(login(&json).peer, Some(IpAddr::from([10, 0, 0, 1])));
    }

    #[test]
    fn other_events_are_none_and_what_is_no_event_is_an_error() {
        let json = SUCCESS.replace("auth_request_finished", "pop3_session_finished");
        assert_eq!(read(json.as_bytes()).unwrap(), Report::Other);
        for wrong in [
            "",
            "{}",
            "[]",
            "{\"event\":7}",
            "{\"event\":\"auth_request_finished\",\"fields\":{\"success\":\"yes\"}}",
        ] {
            assert!(read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let json = SUCCESS.replace("\"remote_ip\":\"192.0.2.55\"", "\"remote_ip\":\"192.0.2\"");
        assert!(read(json.as_bytes()).is_err());
    }
}
