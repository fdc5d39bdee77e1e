//! Tokens in URLs. URLs end up in logs, histories and the `Referer` of others, so a secret has no place in them.

use axum::http::Uri;
use dnsbl_types::TokenText;

use crate::error::Problem;

/// Names of parameters under which other APIs take secrets.
const NAMES: [&str; 12] = [
    "token",
    "accesstoken",
    "authtoken",
    "apitoken",
    "apikey",
    "key",
    "auth",
    "authorization",
    "bearer",
    "secret",
    "password",
    "pass",
];

/// A URL with a secret in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TokenInUrl {
    /// Where it stands.
    at: &'static str,
    /// The public part of the token, where it looks like one of ours.
    pub(crate) id: Option<String>,
}

/// Refuses a URL with a secret in it: under a name that tells, as something that looks like a token, or in front of the
/// host. Most clients send what stands there as `Authorization: Basic`, which no handler takes.
pub(crate) fn refuse(uri: &Uri) -> Result<(), TokenInUrl> {
    if let Some(authority) = uri.authority().filter(|authority| authority.as_str().contains('@')) {
        return Err(TokenInUrl::of("in front of the host", authority.as_str()));
    }
    let query = uri.query().unwrap_or_default();
    for pair in query.split('&') {
        let name = decoded(pair.split('=').next().unwrap_or_default());
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        if NAMES.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(TokenInUrl::of("behind the ?", &decoded(pair)));
        }
    }
    for (at, text) in [("behind the ?", query), ("in the path", uri.path())] {
        let text = decoded(text);
        if TokenText::id_in(&text).is_some() {
            return Err(TokenInUrl::of(at, &text));
        }
    }
    Ok(())
}

impl TokenInUrl {
    fn of(at: &'static str, text: &str) -> Self {
        Self { at, id: TokenText::id_in(text).map(Into::into) }
    }
}

impl From<TokenInUrl> for Problem {
    fn from(TokenInUrl { at, .. }: TokenInUrl) -> Self {
        let detail = format!(
            "a token does not belong in a URL, where logs and histories keep it, and one stands {at}: send the header `Authorization: Bearer TOKEN`, and rotate or revoke this token"
        );
        Self::token_in_url(detail)
    }
}

/// The text with `%` and two digits decoded; what makes no sense stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte =
            digits.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(uri: &str) -> Option<(&'static str, Option<String>)> {
        let uri: Uri = uri.parse().unwrap();
        refuse(&uri).err().map(|TokenInUrl { at, id }| (at, id))
    }

    #[test]
    fn a_secret_is_found_wherever_it_stands_in_a_url() {
        let token = format!("dnsbl_0123456789abcdef_{}", "7".repeat(72));
        let id = Some("0123456789abcdef".to_owned());
        for uri in [
            format!("/v1/zones?token={token}"),
            format!("/v1/zones?a=b&ACCESS_TOKEN={token}"),
            format!("/v1/zones?api_key={token}"),
            format!("/v1/zones?%74oken={token}"),
            format!("/v1/zones?source={token}"),
            format!("/v1/zones?source={}", token.replace('_', "%5F")),
        ] {
            assert_eq!(found(&uri), Some(("behind the ?", id.clone())), "{uri}");
        }
        assert_eq!(found("/v1/zones?api-key=other"), Some(("behind the ?", None)));
        assert_eq!(found(&format!("/v1/tokens/{token}")), Some(("in the path", id.clone())));
        let target = format!("http://u:{token}@bl.example.org/v1/zones");
        assert_eq!(found(&target), Some(("in front of the host", id)));
        for uri in ["/v1/zones", "/v1/audit?actor=token&cursor=x", "/v1/tokens/0123456789abcdef"] {
            assert_eq!(found(uri), None, "{uri}");
        }
    }
}
