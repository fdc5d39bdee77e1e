//! What a URL says to a server, and what of it may be shown.

use data_encoding::BASE64;
use hyper::header::HeaderValue;
use percent_encoding::percent_decode_str;
use url::Url;

/// The host of a URL.
pub fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

/// The field `Host` of a request for a URL (RFC 9110 section 7.2).
pub fn host_header(url: &Url) -> String {
    match url.port() {
        Some(port) => format!("{}:{port}", host_of(url)),
        None => host_of(url),
    }
}

/// The target of a request for a URL: its path and query (RFC 9112 section 3.2.1).
pub fn target(url: &Url) -> String {
    let mut target = url.path().to_owned();
    if let Some(query) = url.query() {
        target.push('?');
        target.push_str(query);
    }
    target
}

/// The user and password of a URL, as RFC 7617 has them.
pub fn credentials(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let both = [decoded(url.username()), vec![b':'], decoded(url.password().unwrap_or_default())];
    let mut value =
        HeaderValue::try_from(format!("Basic {}", BASE64.encode(&both.concat()))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// A URL without user, password and the values of its query.
pub fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    if !url.username().is_empty() || url.password().is_some() {
        // It has a host, so it may have these.
        let _ = shown.set_password(None);
        let _ = shown.set_username("***");
    }
    if url.query().is_some() {
        shown.set_query(Some("***"));
    }
    shown.set_fragment(None);
    shown.into()
}
