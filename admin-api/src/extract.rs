//! What handlers take from requests; whatever can't be read is a problem that says what is wrong.

use std::{borrow::Cow, fmt::Display, net::IpAddr, str::FromStr, sync::Arc};

use axum::{
    Json as AxumJson,
    body::Body,
    extract::{
        FromRequest, FromRequestParts, Path as AxumPath, Query as AxumQuery, Request,
        rejection::JsonRejection,
    },
    http::{HeaderMap, header, request::Parts},
};
use bytes::Bytes;
use dnsbl_types::{Guard, Name, Subject};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error as _};

use crate::{
    app::App, auth::Caller, error::Problem, rights::PermittedZone, scopes::GUARDS_OVERRIDE,
};

/// Parts of the path, decoded.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match AxumPath::from_request_parts(parts, app).await {
            Ok(AxumPath(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::malformed(rejection.body_text())),
        }
    }
}

/// The parameters after the `?`.
pub(crate) struct Params<T>(pub(crate) T);

/// No parameters after the `?`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match AxumQuery::from_request_parts(parts, app).await {
            Ok(AxumQuery(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::malformed(rejection.body_text())),
        }
    }
}

/// A JSON body; an empty one counts as `{}`.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let is_json = is_json(request.headers());
        let bytes = read_body(request.into_body(), app).await?;
        if bytes.is_empty() {
            return parse_json(b"{}");
        }
        if !is_json {
            let detail = "the body is JSON: send `Content-Type: application/json`";
            return Err(Problem::unsupported(detail));
        }
        parse_json(&bytes)
    }
}

/// A JSON body, or that of a form.
pub(crate) struct JsonOrForm<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for JsonOrForm<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        if !is_type(request.headers(), "application/x-www-form-urlencoded") {
            return Json::from_request(request, app).await.map(|Json(value)| Self(value));
        }
        let bytes = read_body(request.into_body(), app).await?;
        serde_urlencoded::from_bytes(&bytes).map(Self).map_err(Problem::malformed)
    }
}

/// A body of whatever type, at most as long as a JSON body.
pub(crate) struct Octets(pub(crate) Bytes);

impl FromRequest<Arc<App>> for Octets {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        read_body(request.into_body(), app).await.map(Self)
    }
}

/// Reads a body that is at most as long as a JSON body.
pub(crate) async fn read_body(body: Body, app: &App) -> Result<Bytes, Problem> {
    read_at_most(body, app.limits.load().body_bytes, app).await
}

/// A body of at most so many bytes, all of which come in time.
pub(crate) async fn read_at_most(body: Body, most: usize, app: &App) -> Result<Bytes, Problem> {
    let limits = app.limits.load_full();
    let read = Limited::new(body, most).collect();
    let read = tokio::time::timeout(limits.body_timeout, read).await.map_err(|_| {
        let seconds = limits.body_timeout.as_secs();
        Problem::too_slow(format!("the body did not arrive within {seconds} seconds"))
    })?;
    let body = read.map_err(|err| match err.is::<LengthLimitError>() {
        true => Problem::too_large(format!("the body is larger than {most} bytes")),
        false => Problem::malformed(format!("the body broke off: {err}")),
    })?;
    Ok(body.to_bytes())
}

pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<Json<T>, Problem> {
    // Serde would take an array for a struct.
    if bytes.trim_ascii_start().first().is_some_and(|&first| first != b'{') {
        return Err(Problem::malformed("the body is not a JSON object"));
    }
    let parsed = AxumJson::from_bytes(bytes);
    let AxumJson(value) = parsed.map_err(|rejection: JsonRejection| {
        let text = rejection.body_text();
        let known = "Failed to deserialize the JSON body into the target type: ";
        Problem::malformed(text.strip_prefix(known).unwrap_or(&text))
    })?;
    Ok(Json(value))
}

fn is_type(headers: &HeaderMap, is: &str) -> bool {
    essence(headers).eq_ignore_ascii_case(is)
}

pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let essence = essence(headers);
    essence.eq_ignore_ascii_case("application/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The media type without its parameters.
pub(crate) fn essence(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    value
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .unwrap_or_default()
        .trim()
}

/// Reads one value and says which one is wrong.
pub(crate) fn parse<T: FromStr<Err: Display>>(what: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|err| Problem::malformed(format!("{what}: {err}")))
}

/// The zone of this name, if the caller's token is for it.
pub(crate) fn zone<S>(caller: &Caller<S>, name: &str) -> Result<PermittedZone, Problem> {
    Ok(caller.rights().zones().permit(&parse::<Name>("zone", name)?)?)
}

/// The zone and subject of a path, if the caller's token is for that zone.
pub(crate) fn zone_and_subject<S>(
    caller: &Caller<S>,
    path: &(String, String),
) -> Result<(PermittedZone, Subject), Problem> {
    Ok((zone(caller, &path.0)?, parse("subject", &unslash(&path.1))?))
}

/// A prefix as it may also stand in a path, `192.0.2.0_24`, with its slash; anything else as it is.
///
/// Some proxies decode `%2F`, which makes two parts of one; an underscore survives them all. No address
/// has one, and no name that anybody could ask for ends in an address and an underscore.
pub(crate) fn unslash(text: &str) -> Cow<'_, str> {
    match text.rsplit_once('_') {
        Some((address, bits))
            if address.parse::<IpAddr>().is_ok()
                && (1..=3).contains(&bits.len())
                && bits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{address}/{bits}").into()
        }
        _ => text.into(),
    }
}

/// The guards that a request lifts, by scope.
pub(crate) fn lifted<S>(caller: &Caller<S>, named: Option<&str>) -> Result<Vec<Guard>, Problem> {
    let Some(named) = named.filter(|named| !named.is_empty()) else {
        return Ok(Vec::new());
    };
    let words = named.split(',').map(|word| {
        let known = Guard::ALL.map(Guard::as_str).join(", ");
        let unknown = || Problem::malformed(format!("override: {word:?} is none of {known}"));
        Guard::from_name(word.trim()).ok_or_else(unknown)
    });
    let guards = words.collect::<Result<_, _>>()?;
    caller.require(GUARDS_OVERRIDE)?;
    Ok(guards)
}

/// `limit`, 1 to 1000.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    match asked.unwrap_or(100) {
        limit @ 1..=1000 => Ok(limit),
        limit => Err(Problem::malformed(format!("limit: {limit} is not within 1 to 1000"))),
    }
}

/// Whether a change is only tried.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct DryRun {
    /// `1`: answer as if it were done, and change nothing.
    #[serde(default, deserialize_with = "flag")]
    pub(crate) dry_run: bool,
}

/// Reads `1`, `true`, `0` or `false`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    let text = String::deserialize(from)?;
    match text.as_str() {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(D::Error::custom(format!("{text:?} is not 1, true, 0 or false"))),
    }
}

#[cfg(test)]
mod tests {
    use super::unslash;

    #[test]
    fn a_prefix_may_be_written_with_an_underscore() {
        assert_eq!(unslash("192.0.2.0_24"), "192.0.2.0/24");
        assert_eq!(unslash("2001:db8::_32"), "2001:db8::/32");
        for text in [
            "192.0.2.0",
            "192.0.2.0/24",
            "_dmarc.example.com",
            "a_24",
            "192.0.2.0_",
            "192.0.2_24",
            "192.0.2.0_2400",
        ] {
            assert_eq!(unslash(text), text);
        }
    }
}
