//! Who comes as far as the console: from which network, over what, and with which cookie.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

use super::session::SessionId;
use crate::Settings;

/// Headers with which a request was forwarded by somebody.
const FORWARDED: [HeaderName; 4] = [
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
    header::VIA,
];
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// How a request has come that is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Through a proxy, to which the browser speaks TLS.
    Tls,
    /// Without TLS, such as on this machine.
    Plain,
}

/// The way of a request, if it may come as far as the console: from one of its networks, and over TLS unless that is this
/// machine, since a token is shown. Who comes over a Unix socket, or through a proxy that is not named as one, comes
/// from nobody knows where.
pub(super) fn admit(
    from: &[IpNet],
    settings: &Settings,
    peer: Option<IpAddr>,
    visitor: Option<IpAddr>,
    headers: &HeaderMap,
) -> Option<Way> {
    let (peer, visitor) = (peer?.to_canonical(), visitor?.to_canonical());
    let is_in =
        |networks: &[IpNet], address: IpAddr| networks.iter().any(|net| net.contains(&address));
    let is_proxied = is_in(&settings.limits.proxies, peer);
    if !is_proxied && FORWARDED.iter().any(|name| headers.contains_key(name)) {
        return None;
    }
    let is_tls = is_proxied
        && match headers.get(FORWARDED_PROTO) {
            Some(said) => said.as_bytes().eq_ignore_ascii_case(b"https"),
            None => settings.url.as_ref().is_some_and(|url| url.scheme() == "https"),
        };
    match is_tls {
        _ if !is_in(from, visitor) => None,
        true => Some(Way::Tls),
        false => visitor.is_loopback().then_some(Way::Plain),
    }
}

impl Way {
    /// The name of the cookie. `__Host-` (RFC 6265bis section 4.1.3.2) keeps sites beside this one from setting it; a
    /// browser takes it over TLS only.
    fn cookie(self) -> &'static str {
        match self {
            Self::Tls => "__Host-dnsbl-console",
            Self::Plain => "dnsbl-console",
        }
    }

    /// The cookie of a request. Where there are two, one is somebody else's.
    pub(super) fn read(self, headers: &HeaderMap) -> Option<SessionId> {
        let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs =
            values.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
        let mut own = pairs.filter(|(name, _)| name.trim() == self.cookie());
        let (_, value) = own.next()?;
        SessionId::parse(value.trim()).filter(|_| own.next().is_none())
    }

    /// The header that gives a browser its cookie.
    pub(super) fn set(self, id: &SessionId) -> Option<HeaderValue> {
        self.header(&id.reveal(), "")
    }

    /// The header that takes it away.
    pub(super) fn clear(self) -> Option<HeaderValue> {
        self.header("", "; Max-Age=0")
    }

    fn header(self, value: &str, more: &str) -> Option<HeaderValue> {
        let secure = match self {
            Self::Tls => "; Secure",
            Self::Plain => "",
        };
        let name = self.cookie();
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::settings;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_its_networks_come_as_far_as_the_console() {
        let admitted =
            |peer: Option<&str>, visitor: Option<&str>, pairs: &[(&'static str, &str)]| {
                let from = ["127.0.0.0/8".parse().unwrap(), "198.51.100.0/24".parse().unwrap()];
                let address = |text: Option<&str>| text.map(|text| text.parse().unwrap());
                admit(&from, &settings(), address(peer), address(visitor), &headers(pairs))
            };
        let loopback = Some("127.0.0.1");
        assert_eq!(admitted(loopback, loopback, &[]), Some(Way::Plain));
        assert_eq!(admitted(Some("::ffff:127.0.0.1"), loopback, &[]), Some(Way::Plain));
        assert_eq!(admitted(Some("192.0.2.1"), Some("192.0.2.1"), &[]), None);
        assert_eq!(admitted(None, None, &[]), None, "a Unix socket");
        for forwarded in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
            assert_eq!(admitted(loopback, loopback, &[(forwarded, "x")]), None, "{forwarded}");
        }
        let proxied = |visitor, pairs: &[(&'static str, &str)]| {
            admitted(
                Some("10.0.0.1"),
                Some(visitor),
                &[&[("x-forwarded-for", "x")][..], pairs].concat(),
            )
        };
        assert_eq!(proxied("198.51.100.7", &[]), Some(Way::Tls), "by the URL of the pages");
        let proto = "x-forwarded-proto";
        assert_eq!(proxied("198.51.100.7", &[(proto, "https")]), Some(Way::Tls));
        assert_eq!(proxied("198.51.100.7", &[(proto, "http")]), None, "it would be in the clear");
        assert_eq!(admitted(Some("198.51.100.7"), Some("198.51.100.7"), &[]), None);
        assert_eq!(proxied("127.0.0.1", &[(proto, "http")]), Some(Way::Plain));
        assert_eq!(proxied("192.0.2.1", &[]), None);
        assert_eq!(admitted(Some("10.0.0.1"), None, &[]), None);
    }

    #[test]
    fn a_cookie_is_for_this_host_and_no_script() {
        let id = SessionId::from_random([7; 32]);
        let text = |way: Way| way.set(&id).unwrap().to_str().unwrap().to_owned();
        let (name, value) = ("__Host-dnsbl-console", id.reveal());
        assert_eq!(
            text(Way::Tls),
            format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Secure")
        );
        assert_eq!(
            text(Way::Plain),
            format!("dnsbl-console={value}; Path=/; HttpOnly; SameSite=Strict")
        );
        let read = |way: Way, cookies: &[&str]| {
            let pairs: Vec<(&'static str, &str)> =
                cookies.iter().map(|cookie| ("cookie", *cookie)).collect();
            way.read(&headers(&pairs)).is_some()
        };
        let (own, plain) = (format!("{name}={value}"), format!("dnsbl-console={value}"));
        assert!(read(Way::Tls, &[&format!("a=b; {own}")]));
        assert!(read(Way::Plain, &[&plain]));
        assert!(!read(Way::Tls, &[&plain]), "who could set it is not known");
        assert!(!read(Way::Plain, &[&own]));
        assert!(!read(Way::Plain, &[&plain, &plain]), "one of two is not known to be its own");
        assert!(!read(Way::Plain, &["dnsbl-console=short"]));
        assert!(Way::Tls.clear().unwrap().to_str().unwrap().ends_with("; Max-Age=0"));
    }
}
