//! `/v1/relay-tests`: nominating hosts, and what was found.

use std::{net::IpAddr, sync::Arc};

use admin_api_types as api;
use axum::{
    Json as AxumJson,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use relay_tester::{
    Ground, TestId, Tier,
    life::{self, Asker, Test},
    service::{Filter, Submission, Tester},
    text::clean_lines,
};
use serde::Deserialize;

use super::{SEQ_HEADER, changed};
use crate::{
    anonymous::Submitter,
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Json, Nothing, Params, Path, limit, parse},
    rights::Rights,
    scopes::{RELAY_TESTS_OWNER, RELAY_TESTS_TRUSTED, RelayTestsRead, RelayTestsWrite},
    v1::relay_test,
};

/// The longest evidence, in bytes.
const MAX_EVIDENCE: usize = 16 << 10;
/// The longest note, in bytes.
const MAX_NOTE: usize = 1 << 10;

/// Which tests.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Of one address.
    address: Option<String>,
    /// queued, testing, pending, done or cancelled.
    state: Option<String>,
    /// clean, open, blocked, unreachable or inconclusive.
    verdict: Option<String>,
    /// Where to go on, as `next` said.
    cursor: Option<String>,
    /// 1 to 1000; 100 if left out.
    limit: Option<usize>,
}

/// Asks for a test. An address that has one under way gets no second one: the answer names the first.
///
/// Without a token only if the server allows it: then for `self` where the connection comes from the
/// address, for `evidence` and for `delist`.
#[utoipa::path(post, path = "/v1/relay-tests", tag = "relay tests",
    security(("token" = ["relay-tests:write"]), ()),
    request_body = api::RelayTestBody,
    responses((status = 202, description = "It will be tested, or is being tested", body = api::RelayTest,
            headers(("Location" = String, description = "Where it can be followed"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn submit_relay_test(
    submitter: Submitter,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Json(body): Json<api::RelayTestBody>,
) -> Result<Response, Problem> {
    let tester = submitter.tester(&app)?;
    let ground: Ground = parse("ground", &body.ground)?;
    let tier = body.tier.map(tier).transpose()?;
    let asker = match &submitter {
        Submitter::Token(caller) => {
            if ground == Ground::Owner {
                caller.require(RELAY_TESTS_OWNER)?;
            }
            let is_trusted = caller.has(RELAY_TESTS_TRUSTED);
            if is_trusted { Asker::Trusted } else { Asker::Token(caller.actor().name) }
        }
        Submitter::Anonymous(from) => {
            check_anonymous(ground, &body.address, *from)?;
            Asker::Anonymous(*from)
        }
    };
    let submission = Submission {
        address: body.address,
        ground,
        port: body.port,
        domain: body.domain,
        tier,
        evidence: text("evidence", body.evidence, MAX_EVIDENCE)?,
        note: text("note", body.note, MAX_NOTE)?,
        asker,
        actor: submitter.actor(),
    };
    let submitted = tester.submit(submission).await?;
    let shown = submitter.may_see(show(tester, &submitted.test).await?);
    let location = HeaderValue::try_from(format!("/v1/relay-tests/{}", submitted.test.id));
    let location = location.map_err(|_| Problem::internal())?;
    let mut response =
        (StatusCode::ACCEPTED, [(header::LOCATION, location)], AxumJson(shown)).into_response();
    if let Some(seq) = submitted.seq {
        response.headers_mut().insert(SEQ_HEADER, HeaderValue::from(seq));
    }
    Ok(response)
}

/// Lists tests, the newest first.
#[utoipa::path(get, path = "/v1/relay-tests", tag = "relay tests",
    security(("token" = ["relay-tests:read"])), params(ListQuery),
    responses((status = 200, body = api::RelayTests), (status = "default", body = api::Problem)))]
pub(crate) async fn list_relay_tests(
    caller: Caller<RelayTestsRead>,
    State(app): State<Arc<App>>,
    Params(query): Params<ListQuery>,
) -> Result<AxumJson<api::RelayTests>, Problem> {
    let tester = tester_for(&app, caller.rights())?;
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(|text| parse("cursor", text)).transpose()?;
    let filter = query.filter()?;
    let _slot = app.scans.take(caller.token_id())?;
    let (tests, next) = tester.list(filter, cursor, limit).await?;
    let mut shown = Vec::with_capacity(tests.len());
    for test in &tests {
        let listed = tester.is_listed(test.address).await?;
        shown.push(relay_test::brief(test, listed, tester.settings().patience));
    }
    Ok(AxumJson(api::RelayTests { relay_tests: shown, next: next.map(|id| id.to_string()) }))
}

/// Shows a test, with what was said and what came back. What the submitter wrote is shown only to
/// those with a token.
#[utoipa::path(get, path = "/v1/relay-tests/{id}", tag = "relay tests",
    security(("token" = ["relay-tests:read"]), ()),
    params(("id" = String, Path, description = "Its name")),
    responses((status = 200, body = api::RelayTest), (status = "default", body = api::Problem)))]
pub(crate) async fn find_relay_test(
    reader: Submitter<RelayTestsRead>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<AxumJson<api::RelayTest>, Problem> {
    let tester = reader.tester(&app)?;
    let id = read_id(&id)?;
    if let Submitter::Anonymous(from) = reader {
        tester.charge_read(from).await?;
    }
    let test = tester.find(id).await?.ok_or_else(|| no_test(&id.to_string()))?;
    Ok(AxumJson(reader.may_see(show(tester, &test).await?)))
}

/// Calls a test off that has not sent all its probes. What was found stays. A test that somebody else
/// asked for takes the scope `relay-tests:trusted` too.
#[utoipa::path(delete, path = "/v1/relay-tests/{id}", tag = "relay tests",
    security(("token" = ["relay-tests:write"])),
    params(("id" = String, Path, description = "Its name")),
    responses((status = 200, description = "Called off", body = api::RelayTest),
        (status = "default", body = api::Problem)))]
pub(crate) async fn cancel_relay_test(
    caller: Caller<RelayTestsWrite>,
    State(app): State<Arc<App>>,
    _: Params<Nothing>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let tester = tester_for(&app, caller.rights())?;
    let test = tester.find(read_id(&id)?).await?.ok_or_else(|| no_test(&id))?;
    if test.submitter != caller.actor().name {
        caller.require(RELAY_TESTS_TRUSTED)?;
    }
    let cancelled = tester.cancel(test.id, caller.actor()).await?;
    match cancelled.ok_or_else(|| no_test(&id))? {
        (test, Some(seq)) => Ok(changed(StatusCode::OK, seq, show(tester, &test).await?)),
        (test, None) => {
            let detail = format!(
                "test {id} is {}: it can't be called off any more",
                test.state.kind().as_str()
            );
            Err(Problem::new(StatusCode::CONFLICT, "too-late", detail))
        }
    }
}

/// The tester, if the token is for the zones that it lists in.
pub(super) fn tester_for<'a>(app: &'a App, rights: &Rights) -> Result<&'a Arc<Tester>, Problem> {
    let tester = tester(app)?;
    let settings = tester.settings();
    let mut zones = std::iter::once(&settings.zone).chain(&settings.outputs_zone);
    zones.try_for_each(|zone| rights.zones().permit(zone).map(drop))?;
    Ok(tester)
}

/// The tester, if there is one.
fn tester(app: &App) -> Result<&Arc<Tester>, Problem> {
    app.tester.as_ref().ok_or_else(|| {
        let detail = "this server tests no hosts; relay-tester.enabled turns it on";
        Problem::not_found("no-relay-tester", detail)
    })
}

impl<S> Submitter<S> {
    /// The tester, if whoever asks may have it test.
    fn tester<'a>(&self, app: &'a App) -> Result<&'a Arc<Tester>, Problem> {
        match self {
            Self::Token(caller) => tester_for(app, caller.rights()),
            Self::Anonymous(_) => tester(app),
        }
    }

    /// The test as this reader may see it: somebody at an address is not told what another submitter
    /// has written.
    fn may_see(&self, test: api::RelayTest) -> api::RelayTest {
        match self {
            Self::Token(_) => test,
            Self::Anonymous(_) => api::RelayTest { evidence: None, note: None, ..test },
        }
    }
}

async fn show(tester: &Tester, test: &Test) -> Result<api::RelayTest, Problem> {
    let listed = tester.is_listed(test.address).await?;
    let second = if listed { tester.second_test_at(test.address).await? } else { None };
    Ok(relay_test::whole(test, listed, tester.settings().patience, second))
}

/// What somebody without a token may ask for.
fn check_anonymous(ground: Ground, address: &str, from: IpAddr) -> Result<(), Problem> {
    match ground {
        Ground::Own if address.parse() == Ok(from) => Ok(()),
        Ground::Own => {
            let detail = format!("ground: this request comes from {from}, not from {address}");
            Err(Problem::refused(detail))
        }
        Ground::Evidence | Ground::Delist => Ok(()),
        Ground::Owner | Ground::Retest => {
            Err(Problem::refused(format!("ground: {} needs a token", ground.as_str())))
        }
    }
}

fn tier(number: u8) -> Result<Tier, Problem> {
    match number {
        1 => Ok(Tier::Default),
        2 => Ok(Tier::Full),
        3 => Ok(Tier::Odd),
        4 => Ok(Tier::Upsetting),
        _ => Err(Problem::malformed(format!("tier: {number} is not within 1 to 4"))),
    }
}

/// A text without what a terminal obeys, several lines of it; an empty one counts as none.
fn text(field: &str, text: Option<String>, most: usize) -> Result<Option<String>, Problem> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    if text.len() > most {
        let detail = format!("{field}: {} bytes are more than {most}", text.len());
        return Err(Problem::refused(detail));
    }
    Ok(Some(clean_lines(&text)))
}

fn read_id(text: &str) -> Result<TestId, Problem> {
    text.parse().map_err(|_| no_test(text))
}

fn no_test(id: &str) -> Problem {
    Problem::not_found("no-such-test", format!("there is no relay test {id}"))
}

impl ListQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let word =
            |field: &str, text: &str| Problem::malformed(format!("{field}: {text:?} is none"));
        let state = self.state.as_deref().map(|text| {
            let state = life::StateKind::ALL.into_iter().find(|state| state.as_str() == text);
            state.ok_or_else(|| word("state", text))
        });
        let verdict = self.verdict.as_deref().map(|text| {
            let verdict = life::Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == text);
            verdict.ok_or_else(|| word("verdict", text))
        });
        let address = self.address.as_deref().map(|text| parse("address", text));
        Ok(Filter {
            address: address.transpose()?,
            state: state.transpose()?,
            verdict: verdict.transpose()?,
        })
    }
}
