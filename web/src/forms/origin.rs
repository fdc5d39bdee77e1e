//! Whose page a form was sent from.

use axum::http::{HeaderMap, header};
use url::Url;

/// Whether a page of ours sent something, or nobody's page did, as far as the browser tells: by `Sec-Fetch-Site` (Fetch Metadata), which goes to
/// places that are encrypted or on the same machine only, else by `Origin`. Programs that are no browsers
/// say neither, and nobody makes them send what they don't want to.
pub(crate) fn is_ours(headers: &HeaderMap, own: Option<&Url>) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.parse::<Url>().ok());
    let Some(origin) = origin else { return false };
    let is_own = own.is_some_and(|own| own.origin() == origin.origin());
    let authority = origin.as_str().split("://").nth(1).map(|rest| rest.trim_end_matches('/'));
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_host =
        host.is_some_and(|host| authority.is_some_and(|it| it.eq_ignore_ascii_case(host)));
    is_own || is_host
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::is_ours;

    fn ours(headers: &[(&'static str, &str)]) -> bool {
        let mut map = HeaderMap::new();
        map.insert("host", "bl.example.org:8081".parse().unwrap());
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        is_ours(&map, Some(&"https://lists.example.org/".parse().unwrap()))
    }

    #[test]
    fn what_another_site_sends_is_not_taken() {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://lists.example.org")],
            &[("origin", "null")],
            &[("origin", "https://evil.example")],
            &[("origin", "https://bl.example.org")],
            &[("origin", "https://lists.example.org.evil.example")],
            &[("origin", "http://lists.example.org")],
            &[("origin", "x")],
        ] {
            assert!(!ours(headers), "{headers:?}");
        }
    }

    #[test]
    fn what_a_page_of_ours_sends_is_taken_and_so_is_what_no_browser_sends() {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://lists.example.org")],
            &[("origin", "http://bl.example.org:8081")],
        ] {
            assert!(ours(headers), "{headers:?}");
        }
    }
}
