//! `/v1/logins`: what mail servers report, each in its own form.

use std::{net::IpAddr, sync::Arc};

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderValue, StatusCode, request::Parts},
    response::{IntoResponse, Response},
};
use dnsbl_logins::{EventError, Granted, Outcome, Refused, Report, cyrus, dovecot, policy};
use dnsbl_types::Name;
use serde::Deserialize;

use super::SEQ_HEADER;
use crate::{
    allow,
    app::App,
    auth::{Caller, Client, begin_try},
    error::Problem,
    extract::{JsonOrForm, Nothing, Octets, Params, Path, parse},
    rights::{PermittedZone, Rights},
    scopes::LoginsWrite,
    v1::{grant, time},
};

/// Where what is reported is granted.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ZoneQuery {
    /// The allow zone. Default the one of the configuration, or the only one there is.
    zone: Option<String>,
}

/// What Dovecot's auth policy asks.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PolicyQuery {
    /// `report`: what came of a login. `allow`: whether it may go on, which it always may.
    command: String,
    /// The allow zone. Default the one of the configuration, or the only one there is.
    zone: Option<String>,
}

/// A request from a network that may report logins; `None` is a Unix socket.
pub(crate) struct Reporter(Option<IpAddr>);

impl FromRequestParts<Arc<App>> for Reporter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let client = Client::of(parts);
        // Over a Unix socket there is no address, and its mode says who may connect.
        if client.is_none_or(|client| app.logins.settings().may_report(client)) {
            return Ok(Self(client));
        }
        let detail = "logins are not taken from this address; logins.from says from where they are";
        Err(Problem::new(StatusCode::FORBIDDEN, "wrong-network", detail))
    }
}

/// Reports a login or a logout.
///
/// 202 once what it grants is durable and answered; 422, and 429, say why it grants nothing.
#[utoipa::path(post, path = "/v1/logins", tag = "logins", security(("token" = ["logins:write"])),
    request_body(content((api::LoginBody = "application/json"), (api::LoginBody = "application/x-www-form-urlencoded"))),
    responses((status = 202, description = "It counts", body = api::LoginResult),
        (status = "default", body = api::Problem)))]
pub(crate) async fn report_login(
    _: Reporter,
    caller: Caller<LoginsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    JsonOrForm(body): JsonOrForm<api::LoginBody>,
) -> Result<Response, Problem> {
    let (zone, report) = grant::read(&body)?;
    let zone = permit(&app, caller.rights(), zone, &report)?;
    match app.logins.report(zone, report).await? {
        Outcome::Refused(why) => Err(why.into()),
        outcome => Ok(accepted(outcome)),
    }
}

/// Takes an event of Dovecot's event exporter.
///
/// Dovecot 2.3 can send no header of ours, so a secret stands in the path; it is never logged. What grants
/// nothing is 202 as well, with the reason: Dovecot does not send it again.
#[utoipa::path(post, path = "/v1/logins/dovecot/{secret}", tag = "logins",
    params(ZoneQuery, ("secret" = String, Path, description = "From a file of logins.secrets")),
    request_body(content = Object, content_type = "application/json", description = "The event"),
    responses((status = 202, description = "It was read", body = api::LoginResult),
        (status = "default", body = api::Problem)))]
pub(crate) async fn report_dovecot_event(
    reporter: Reporter,
    State(app): State<Arc<App>>,
    Path(secret): Path<String>,
    Params(query): Params<ZoneQuery>,
    Octets(body): Octets,
) -> Result<Response, Problem> {
    reporter.check(&app, &secret)?;
    let report = dovecot::read(&body)?;
    app.take(query.zone.as_deref(), report).await.map(accepted)
}

/// Takes an event notification of Cyrus IMAP.
#[utoipa::path(post, path = "/v1/logins/cyrus/{secret}", tag = "logins",
    params(ZoneQuery, ("secret" = String, Path, description = "From a file of logins.secrets")),
    request_body(content = Object, content_type = "application/json", description = "The notification"),
    responses((status = 202, description = "It was read", body = api::LoginResult),
        (status = "default", body = api::Problem)))]
pub(crate) async fn report_cyrus_event(
    reporter: Reporter,
    State(app): State<Arc<App>>,
    Path(secret): Path<String>,
    Params(query): Params<ZoneQuery>,
    Octets(body): Octets,
) -> Result<Response, Problem> {
    reporter.check(&app, &secret)?;
    let report = match cyrus::read(&body)? {
        // Mail is sent after it was fetched.
        Report::Logout { .. } if !app.logins.settings().logout_revokes => Report::Other,
        report => report,
    };
    app.take(query.zone.as_deref(), report).await.map(accepted)
}

/// Takes a report of Dovecot's auth policy, with the secret in `X-API-Key`.
///
/// It never speaks against a login.
#[utoipa::path(post, path = "/v1/logins/policy", tag = "logins",
    params(PolicyQuery, ("X-API-Key" = String, Header, description = "From a file of logins.secrets")),
    request_body(content = Object, content_type = "application/json", description = "The report"),
    responses((status = 200, description = "It was read", body = api::PolicyResult),
        (status = "default", body = api::Problem)))]
pub(crate) async fn report_policy(
    reporter: Reporter,
    State(app): State<Arc<App>>,
    Params(query): Params<PolicyQuery>,
    headers: HeaderMap,
    Octets(body): Octets,
) -> Result<AxumJson<api::PolicyResult>, Problem> {
    let key = headers.get("x-api-key").and_then(|key| key.to_str().ok());
    reporter.check(&app, key.unwrap_or_default())?;
    match query.command.as_str() {
        "allow" => {}
        "report" => {
            app.take(query.zone.as_deref(), policy::read(&body)?).await?;
        }
        other => {
            let detail = format!("command: {other:?} is neither allow nor report");
            return Err(Problem::malformed(detail));
        }
    }
    Ok(AxumJson(api::PolicyResult::default()))
}

impl Reporter {
    /// Refuses a secret that is none. Whoever has a good one is not held up by those who try others.
    fn check(&self, app: &App, secret: &str) -> Result<(), Problem> {
        if app.login_secrets.holds(secret) {
            return Ok(());
        }
        let _failed = begin_try(app, self.0, secret)?;
        let detail = match app.login_secrets.is_empty() {
            true => "there are no secrets to know mail servers by: name a file in logins.secrets",
            false => "this secret is in no file of logins.secrets",
        };
        Err(Problem::unauthorized(detail))
    }
}

/// The zone of a report, if the token is for it and for what is granted there. Where none is named it is the one of the
/// configuration, or the only one there is.
fn permit(
    app: &App,
    rights: &Rights,
    named: Option<Name>,
    report: &Report,
) -> Result<Option<Name>, Problem> {
    let zone = named.or_else(|| app.logins.settings().zone.clone()).or_else(|| {
        let snapshot = app.index.load();
        let mut allow = snapshot.zones().map(|zone| zone.settings());
        let mut allow = allow.by_ref().filter(|zone| zone.kind.grant_terms().is_some());
        let only = allow.next()?.origin.clone();
        allow.next().is_none().then_some(only)
    });
    let address = match report {
        Report::Login(login) => login.address,
        Report::Logout { address, .. } => *address,
        Report::Failed(_) | Report::Other => return Ok(zone),
    };
    let permitted =
        zone.map(|zone| allow::permit_grant(app, rights, &zone, address)).transpose()?;
    Ok(permitted.map(PermittedZone::into_name))
}

impl App {
    async fn take(&self, zone: Option<&str>, report: Report) -> Result<Outcome, Problem> {
        let zone: Option<Name> = zone.map(|zone| parse("zone", zone)).transpose()?;
        Ok(self.logins.report(zone, report).await?)
    }
}

fn accepted(outcome: Outcome) -> Response {
    let not = |reason: Option<&str>| api::LoginResult {
        granted: false,
        zone: None,
        address: None,
        until: None,
        reason: reason.map(Into::into),
    };
    let (seq, result) = match outcome {
        Outcome::Granted(Granted { zone, grant, seq, .. }) => {
            let result = api::LoginResult {
                granted: true,
                zone: Some(zone.to_string()),
                address: Some(grant::write_network(&grant)),
                until: Some(time::write(grant.until())),
                reason: None,
            };
            (seq, result)
        }
        Outcome::Refused(why) => (None, not(Some(why.as_str()))),
        Outcome::Revoked(seq) => (seq, not(None)),
        Outcome::Ignored => (None, not(None)),
    };
    let mut response = (StatusCode::ACCEPTED, AxumJson(result)).into_response();
    if let Some(seq) = seq {
        response.headers_mut().insert(SEQ_HEADER, HeaderValue::from(seq));
    }
    response
}

impl From<EventError> for Problem {
    fn from(err: EventError) -> Self {
        Self::malformed(err)
    }
}

impl From<Refused> for Problem {
    fn from(why: Refused) -> Self {
        let status = match why {
            Refused::Rate => StatusCode::TOO_MANY_REQUESTS,
            Refused::Zone => StatusCode::NOT_FOUND,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let problem = Self::new(status, "not-granted", why).with("reason", why.as_str());
        if why == Refused::Rate { problem.retry_after(1) } else { problem }
    }
}
