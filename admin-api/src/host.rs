//! The name under which a request reached the server.
//!
//! A page that somebody opens can make the browser ask this server under a name of the page's own
//! (DNS rebinding). It has no token then, so it matters only where some requests need none.

use std::net::IpAddr;

use axum::http::{HeaderMap, Request, StatusCode, Uri, header};
use relay_tester::service::Tester;

use crate::{error::Problem, limits::Limits};

/// Refuses a request without a token under a name that is not the server's, where such requests may do
/// more than ask for its health.
pub(crate) fn check<B>(
    limits: &Limits,
    tester: Option<&Tester>,
    request: &Request<B>,
) -> Result<(), Problem> {
    let anonymous = tester.is_some_and(|tester| tester.settings().anonymous.is_some());
    let is_open = anonymous || limits.metrics_open || limits.openapi_open;
    let has_token = request.headers().contains_key(header::AUTHORIZATION);
    if !is_open || has_token || request.uri().path() == "/healthz" {
        return Ok(());
    }
    match host(request.uri(), request.headers()) {
        Some(host) if is_ours(host, &limits.hosts) => Ok(()),
        _ => {
            let detail = "without a token the server is reached by its address, as localhost, or under a name that http.hosts has";
            Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "unknown-host", detail))
        }
    }
}

/// The host that was asked for, without its port; `None` where there is not exactly one.
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut values = headers.get_all(header::HOST).iter();
    let host = match (uri.host(), values.next(), values.next()) {
        (Some(host), _, None) => return Some(host.trim_matches(['[', ']'])),
        (None, Some(host), None) => host.to_str().ok()?,
        _ => return None,
    };
    match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    }
}

/// An address can't be made to lead elsewhere; a name can.
fn is_ours(host: &str, names: &[String]) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(host: &[&str], path: &str, limits: &Limits, token: bool) -> Option<u16> {
        let mut request = Request::builder().uri(path);
        for host in host {
            request = request.header(header::HOST, *host);
        }
        if token {
            request = request.header(header::AUTHORIZATION, "Bearer x");
        }
        check(limits, None, &request.body(()).unwrap()).err().map(|problem| problem.status())
    }

    #[test]
    fn a_name_that_is_not_the_servers_reaches_nothing_that_needs_no_token() {
        let hosts = vec!["dnsbl.example.org".to_owned()];
        let open = Limits { metrics_open: true, hosts, ..Limits::default() };
        let refused = Some(421);
        for path in ["/metrics", "/readyz"] {
            for host in ["127.0.0.1:8080", "[::1]:8080", "localhost", "DNSBL.example.org:443"] {
                assert_eq!(status(&[host], path, &open, false), None, "{host}");
            }
            for host in ["evil.example", "evil.example:8080", "", "127.0.0.1.evil.example"] {
                assert_eq!(status(&[host], path, &open, false), refused, "{host:?}");
            }
            assert_eq!(status(&[], path, &open, false), refused);
            assert_eq!(status(&["localhost", "evil.example"], path, &open, false), refused);
            assert_eq!(
                status(&["evil.example"], path, &open, true),
                None,
                "the token is asked for"
            );
            assert_eq!(status(&["evil.example"], path, &Limits::default(), false), None);
        }
        assert_eq!(status(&["evil.example"], "/healthz", &open, false), None);
    }
}
