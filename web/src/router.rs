//! The index of the pages: which handler answers where.
//!
//! `/{language}/{page}` is a page. Without a language there are `/`, which leads to that of the visitor, the
//! permanent place of a lookup, `/lookup/{subject}`, and shortcuts to pages in the usual language.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Extension, Router,
    extract::{Path, RawQuery, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::get,
};
use dnsbl_removals::{Removals, RemovalsError, Ticket};
use dnsbl_types::{Subject, UnixTime, Zone};
use relay_tester::{TestId, service::Tester};

use crate::{
    Language, admin,
    app::App,
    client::Visitor,
    fault::{Fault, Field},
    feed,
    forms::{Fields, Form, Refused},
    language::weight,
    layers::{request_layer, too_many},
    lookup::{self, Findings, Question},
    nomination::Nomination,
    pages::{self, ICON_PATH, LOGO_PATH, STYLE_PATH, Trouble},
    reading::Failure,
    relay_test,
    removal::{self, RemovalFacts, TypedRemoval},
    stats, status, zones,
};

/// Pages that change only with the server.
const SLOWLY: HeaderValue = HeaderValue::from_static("max-age=300");

/// What has another place when it changes.
const FOREVER: &str = "max-age=31536000, immutable";

/// The pages as a service.
pub(crate) fn build(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/", get(choose_language))
        .route(STYLE_PATH, get(style))
        .route(LOGO_PATH, get(logo))
        .route(ICON_PATH, get(no_icon))
        .route("/robots.txt", get(robots))
        .merge(lookups("", app.settings.languages.usual()))
        .merge(tests("", app.settings.languages.usual()));
    for page in pages::NAMES {
        router = router.route(&format!("/{page}"), get(lead_to_usual));
    }
    let desk = app.console.as_ref().and_then(|_| admin::Desk::new());
    for language in app.settings.languages.iter() {
        router = router.merge(of_language(language));
        if let Some(desk) = &desk {
            router = router.merge(admin::routes(language, desk));
        }
    }
    if desk.is_some() {
        router = router.route("/admin", get(lead_to_usual));
    }
    router
        .fallback(no_page)
        .method_not_allowed_fallback(no_method)
        .layer(from_fn_with_state(app.clone(), request_layer))
        .with_state(app)
}

fn of_language(language: Language) -> Router<Arc<App>> {
    let at = |page: &str| format!("/{}/{page}", language.code());
    Router::new()
        .route(&at(""), get(show_home))
        .route(&at("policy"), get(show_policy))
        .route(&at("use"), get(show_use))
        .route(&at("nominate"), get(show_nominate).post(nominate))
        .route(&at("remove"), get(show_remove).post(remove))
        .route(&at("remove/{ticket}"), get(show_removal))
        .route(&at("remove/confirm/{token}"), get(show_confirm).post(confirm))
        .route(&at("faq"), get(show_faq))
        .route(&at("glossary"), get(show_glossary))
        .route(&at("stats"), get(show_stats))
        .route(&at("status"), get(show_status))
        .route(&at("status.atom"), get(show_feed))
        .route(&at("pages/{name}"), get(show_own))
        .route(&at("incidents.atom"), get(show_incident_feed))
        .route_layer(Extension(language))
        .merge(lookups(&format!("/{}", language.code()), language))
        .merge(tests(&format!("/{}", language.code()), language))
}

fn tests(prefix: &str, language: Language) -> Router<Arc<App>> {
    Router::new()
        .route(&format!("{prefix}/tests/{{id}}"), get(show_test))
        .route_layer(Extension(language))
}

fn lookups(prefix: &str, language: Language) -> Router<Arc<App>> {
    Router::new()
        .route(&format!("{prefix}/lookup"), get(look_up_typed))
        .route(&format!("{prefix}/lookup/{{*subject}}"), get(look_up_named))
        .route_layer(Extension(language))
}

type AppState = State<Arc<App>>;
type InLanguage = Extension<Language>;

async fn choose_language(State(app): AppState, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = app.settings.languages.preferred(accept.unwrap_or_default());
    let mut response = found(&format!("/{}/", language.code()));
    let vary = HeaderValue::from_static("accept-language");
    response.headers_mut().insert(header::VARY, vary);
    response
}

async fn lead_to_usual(State(app): AppState, uri: Uri) -> Response {
    found(&format!("/{}{}", app.settings.languages.usual().code(), uri.path()))
}

async fn show_home(
    State(app): AppState,
    Extension(language): InLanguage,
    Extension(Visitor(visitor)): Extension<Visitor>,
) -> Response {
    match status::look(&app.reading, &app.history, UnixTime::now()).await {
        Ok(status) => {
            let incidents = app.incidents.current(Instant::now()).await;
            html(pages::home(app.view(language), visitor, &status, &incidents))
        }
        Err(failure) => pages::trouble(app.view(language), failure.into()),
    }
}

async fn look_up_typed(
    State(app): AppState,
    Extension(language): InLanguage,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let typed = pairs.find_map(|(name, value)| (name == "q").then_some(value));
    look_up(&app, language, &typed.unwrap_or_default(), &headers).await
}

async fn look_up_named(
    State(app): AppState,
    Extension(language): InLanguage,
    Path(subject): Path<String>,
    headers: HeaderMap,
) -> Response {
    look_up(&app, language, &subject, &headers).await
}

/// What somebody typed, as a question.
fn read_typed(app: &App, typed: &str) -> Question {
    let snapshot = app.index.load();
    let shown = zones::shown(&snapshot, &app.settings);
    lookup::read(typed, &shown.iter().map(|zone| zone.origin()).collect::<Vec<_>>())
}

async fn look_up(app: &App, language: Language, typed: &str, headers: &HeaderMap) -> Response {
    let question = read_typed(app, typed);
    let as_json = prefers_json(headers);
    let mut response = match question {
        Question::Nothing if as_json => {
            let nothing = serde_json::json!({"title": "q is missing", "status": 400});
            json(StatusCode::BAD_REQUEST, "application/problem+json", &nothing)
        }
        Question::Nothing => html(pages::lookup_form(app.view(language))),
        Question::Mistake(mistake) if as_json => {
            let problem = lookup::mistake_json(&mistake);
            json(StatusCode::BAD_REQUEST, "application/problem+json", &problem)
        }
        Question::Mistake(mistake) => {
            let page = html(pages::lookup_mistake(app.view(language), &mistake));
            (StatusCode::BAD_REQUEST, page).into_response()
        }
        Question::Of(subject) => match find(app, &subject).await {
            Ok(findings) if as_json => {
                let found = lookup::findings_json(&findings, &app.settings);
                json(StatusCode::OK, "application/json", &found)
            }
            Ok(findings) => html(pages::lookup_result(app.view(language), &findings)),
            Err(failure) => pages::trouble(app.view(language), failure.into()),
        },
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    // Who was listed is not to be found by searching for him.
    headers.insert("x-robots-tag", HeaderValue::from_static("noindex"));
    response
}

async fn find(app: &App, subject: &Subject) -> Result<Findings, Failure> {
    lookup::find(&app.reading, app.names.as_ref(), subject, UnixTime::now()).await
}

async fn show_nominate(
    State(app): AppState,
    Extension(language): InLanguage,
    Extension(Visitor(visitor)): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(tester) = &app.nominations else {
        return pages::trouble(app.view(language), Trouble::NoPage);
    };
    let asked = Nomination::read(&Fields::of_query(query.as_deref()));
    nomination_form(&app, language, tester, visitor, &asked, None)
}

async fn nominate(
    State(app): AppState,
    Extension(language): InLanguage,
    Extension(Visitor(visitor)): Extension<Visitor>,
    request: Request,
) -> Response {
    let Some(tester) = &app.nominations else {
        return pages::trouble(app.view(language), Trouble::NoPage);
    };
    let posted = match app.forms.receive(Form::Nominate, visitor, request).await {
        Ok(posted) => posted,
        Err(refused) => return refuse(&app, language, refused),
    };
    let typed = Nomination::read(&posted.fields);
    let submission = posted.seal.map_err(Fault::from).and_then(|()| typed.submission(posted.from));
    let fault = match submission {
        Err(fault) => fault,
        Ok(submission) => match tester.submit(submission).await {
            Ok(submitted) => {
                return see_other(&format!("/{}/tests/{}", language.code(), submitted.test.id));
            }
            Err(refusal) => match Fault::found(&refusal) {
                Some(fault) => fault,
                None => {
                    tracing::warn!(%refusal, "a nomination could not be taken");
                    return pages::trouble(app.view(language), Trouble::NotNow);
                }
            },
        },
    };
    nomination_form(&app, language, tester, visitor, &typed, Some(fault))
}

fn nomination_form(
    app: &App,
    language: Language,
    tester: &Tester,
    visitor: Option<IpAddr>,
    typed: &Nomination,
    fault: Option<Fault>,
) -> Response {
    let seal = app.forms.seal(Form::Nominate, visitor, UnixTime::now());
    let limits = &tester.settings().limits;
    let view = app.view(language);
    let page = html(pages::nominate(view, visitor, limits, typed, fault, &seal));
    with_fault(with_form(page), fault)
}

/// The status of a form in which something is wrong.
fn with_fault(mut response: Response, fault: Option<Fault>) -> Response {
    let Some(fault) = fault else { return response };
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    if let Some(seconds) = fault.retry_after {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

async fn show_remove(
    State(app): AppState,
    Extension(language): InLanguage,
    Extension(Visitor(visitor)): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    let Some(removals) = &app.removals else {
        return pages::trouble(app.view(language), Trouble::NoPage);
    };
    let asked = TypedRemoval::read(&Fields::of_query(query.as_deref()));
    match listed(&app, &asked.subject).await {
        Ok(findings) => {
            let findings = findings.as_ref();
            removal_form(&app, language, removals, visitor, &asked, findings, None)
        }
        Err(failure) => pages::trouble(app.view(language), failure.into()),
    }
}

async fn remove(
    State(app): AppState,
    Extension(language): InLanguage,
    Extension(Visitor(visitor)): Extension<Visitor>,
    request: Request,
) -> Response {
    let Some(removals) = &app.removals else {
        return pages::trouble(app.view(language), Trouble::NoPage);
    };
    let posted = match app.forms.receive(Form::Remove, visitor, request).await {
        Ok(posted) => posted,
        Err(refused) => return refuse(&app, language, refused),
    };
    let typed = TypedRemoval::read(&posted.fields);
    let findings = match listed(&app, &typed.subject).await {
        Ok(findings) => findings,
        Err(failure) => return pages::trouble(app.view(language), failure.into()),
    };
    let submission = match (posted.seal, &findings) {
        (Err(err), _) => Err(Fault::from(err)),
        (Ok(()), None) => Err(Fault::of(Field::Subject, "fault-no-subject")),
        (Ok(()), Some(findings)) => typed.submission(findings, posted.from, language),
    };
    let fault = match submission {
        Err(fault) => fault,
        Ok(submission) => match removals.submit(submission).await {
            Ok(submitted) => {
                let ticket = submitted.ticket.reveal();
                return see_other(&format!("/{}/remove/{ticket}", language.code()));
            }
            Err(err) => match removal::fault(&err) {
                Some(fault) => fault,
                None => {
                    tracing::warn!(%err, "a request for removal could not be taken");
                    return pages::trouble(app.view(language), Trouble::NotNow);
                }
            },
        },
    };
    removal_form(&app, language, removals, visitor, &typed, findings.as_ref(), Some(fault))
}

/// What is known of what somebody wants removed; `None` where he has typed nothing that could be.
async fn listed(app: &App, typed: &str) -> Result<Option<Findings>, Failure> {
    match read_typed(app, typed) {
        Question::Of(subject) => {
            lookup::find(&app.reading, None, &subject, UnixTime::now()).await.map(Some)
        }
        Question::Nothing | Question::Mistake(_) => Ok(None),
    }
}

fn removal_form(
    app: &App,
    language: Language,
    removals: &Removals,
    visitor: Option<IpAddr>,
    typed: &TypedRemoval,
    findings: Option<&Findings>,
    fault: Option<Fault>,
) -> Response {
    let seal = app.forms.seal(Form::Remove, visitor, UnixTime::now());
    let zones = findings.map(removal::listing_zones).unwrap_or_default();
    let wants_contact = removal::wants_contact(removals, &zones);
    let view = app.view(language);
    let page = html(pages::remove(view, typed, &zones, wants_contact, fault, &seal));
    with_fault(with_form(page), fault)
}

async fn show_removal(
    State(app): AppState,
    Extension(language): InLanguage,
    Path(ticket): Path<String>,
) -> Response {
    let view = app.view(language);
    let (Some(removals), Ok(ticket)) = (&app.removals, ticket.parse::<Ticket>()) else {
        return pages::trouble(view, Trouble::NoPage);
    };
    let facts = match removals.by_ticket(&ticket).await {
        Ok(found) => RemovalFacts::of(&found, UnixTime::now()),
        Err(RemovalsError::NoTicket) => return pages::trouble(view, Trouble::NoPage),
        Err(err) => {
            tracing::error!(%err, "a request for removal could not be read for a page");
            return pages::trouble(view, Trouble::NotNow);
        }
    };
    let place = format!("remove/{}", ticket.reveal());
    let mut response = unfound(html(pages::removal(view, &place, &facts)));
    if let Some(seconds) = facts.refresh() {
        response.headers_mut().insert(header::REFRESH, seconds.into());
    }
    response
}

async fn show_confirm(
    State(app): AppState,
    Extension(language): InLanguage,
    Path(token): Path<String>,
) -> Response {
    let view = app.view(language);
    match token.parse::<Ticket>() {
        Ok(token) if app.removals.is_some() => {
            let place = format!("remove/confirm/{}", token.reveal());
            with_form(unfound(html(pages::confirm_removal(view, &place))))
        }
        _ => pages::trouble(view, Trouble::NoPage),
    }
}

/// Confirms a request. Doing so again changes nothing, so the answer is its page.
async fn confirm(
    State(app): AppState,
    Extension(language): InLanguage,
    Extension(Visitor(visitor)): Extension<Visitor>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Response {
    let view = app.view(language);
    let (Some(removals), Ok(token)) = (&app.removals, token.parse::<Ticket>()) else {
        return pages::trouble(view, Trouble::NoPage);
    };
    if let Err(refused) = app.forms.admit(visitor, &headers) {
        return refuse(&app, language, refused);
    }
    match removals.confirm(&token).await {
        Ok(changed) => {
            let facts = RemovalFacts::confirmed(&changed.request, UnixTime::now());
            let place = format!("remove/confirm/{}", token.reveal());
            unfound(html(pages::removal(view, &place, &facts)))
        }
        Err(RemovalsError::NoTicket | RemovalsError::NotFound(_)) => {
            pages::trouble(view, Trouble::NoPage)
        }
        Err(err) => {
            tracing::warn!(%err, "a request for removal could not be confirmed");
            pages::trouble(view, Trouble::NotNow)
        }
    }
}

async fn show_test(
    State(app): AppState,
    Extension(language): InLanguage,
    Extension(Visitor(visitor)): Extension<Visitor>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let view = app.view(language);
    let (Some(tester), Ok(id)) = (&app.nominations, id.parse::<TestId>()) else {
        return pages::trouble(view, Trouble::NoPage);
    };
    // Those of whom a proxy tells nothing share what one network may look at.
    let from = visitor.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    if let Err(limited) = tester.charge_read(from).await {
        return too_many(&app, language, Duration::from_secs(limited.retry_after));
    }
    let asked = Fields::of_query(query.as_deref());
    let part = asked.get("part").parse().unwrap_or(1);
    let facts = match relay_test::find(tester, id, part, UnixTime::now()).await {
        Ok(Some(facts)) => facts,
        Ok(None) => return pages::trouble(view, Trouble::NoPage),
        Err(err) => {
            tracing::error!(%err, "a test could not be read for a page");
            return pages::trouble(view, Trouble::Broken);
        }
    };
    // Who reads a part of what was said is not to lose his place.
    let stays = !asked.get("stay").is_empty() || !asked.get("part").is_empty();
    let mut response = unfound(html(pages::relay_test(view, &facts, stays)));
    if let Some(seconds) = facts.refresh().filter(|_| !stays) {
        response.headers_mut().insert(header::REFRESH, seconds.into());
    }
    response
}

async fn show_policy(State(app): AppState, Extension(language): InLanguage) -> Response {
    let snapshot = app.index.load();
    let shown = zones::shown(&snapshot, &app.settings);
    let zones: Vec<&Zone> = shown.iter().map(|zone| zone.settings()).collect();
    let relays = app.tester.as_ref().map(|tester| (tester.zone(), tester.patience()));
    html(pages::policy(app.view(language), &zones, relays))
}

async fn show_use(State(app): AppState, Extension(language): InLanguage) -> Response {
    let snapshot = app.index.load();
    let shown = zones::shown(&snapshot, &app.settings);
    let zones: Vec<&Zone> = shown.iter().map(|zone| zone.settings()).collect();
    html(pages::how_to_use(app.view(language), &zones))
}

async fn show_faq(State(app): AppState, Extension(language): InLanguage) -> Response {
    slowly(html(pages::faq(app.view(language))))
}

async fn show_glossary(State(app): AppState, Extension(language): InLanguage) -> Response {
    let others = app.settings.languages.iter().filter(|other| *other != language);
    let others: Vec<_> = others.map(|other| app.texts(other)).collect();
    slowly(html(pages::glossary(app.view(language), &others)))
}

async fn show_stats(State(app): AppState, Extension(language): InLanguage) -> Response {
    match stats::collect(&app.reading, &app.stats, UnixTime::now()).await {
        Ok(stats) => slowly(html(pages::stats(app.view(language), &stats))),
        Err(failure) => pages::trouble(app.view(language), failure.into()),
    }
}

async fn show_status(State(app): AppState, Extension(language): InLanguage) -> Response {
    match status::look(&app.reading, &app.history, UnixTime::now()).await {
        Ok(status) => {
            let incidents = app.incidents.current(Instant::now()).await;
            let incidents = app.incidents.is_kept().then_some(incidents.as_slice());
            html(pages::status(app.view(language), &status, incidents))
        }
        Err(failure) => pages::trouble(app.view(language), failure.into()),
    }
}

async fn show_feed(State(app): AppState, Extension(language): InLanguage) -> Response {
    match status::look(&app.reading, &app.history, UnixTime::now()).await {
        Ok(status) => {
            let feed = feed::of_status(app.texts(language), &app.settings, &status);
            ([(header::CONTENT_TYPE, feed::ATOM)], feed).into_response()
        }
        Err(failure) => pages::trouble(app.view(language), failure.into()),
    }
}

async fn show_incident_feed(State(app): AppState, Extension(language): InLanguage) -> Response {
    if !app.incidents.is_kept() {
        return pages::trouble(app.view(language), Trouble::NoPage);
    }
    let incidents = app.incidents.current(Instant::now()).await;
    let feed = feed::of_incidents(app.texts(language), &app.settings, &incidents);
    ([(header::CONTENT_TYPE, feed::ATOM)], feed).into_response()
}

async fn style(State(app): AppState) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, FOREVER)];
    (headers, app.surroundings.style.clone()).into_response()
}

/// The logo, which runs and fetches nothing wherever it is opened.
async fn logo(State(app): AppState) -> Response {
    let Some(logo) = &app.files.logo else {
        return pages::trouble(app.view(app.settings.languages.usual()), Trouble::NoPage);
    };
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, FOREVER),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ];
    (headers, logo.to_string()).into_response()
}

async fn show_own(
    State(app): AppState,
    Extension(language): InLanguage,
    Path(name): Path<String>,
) -> Response {
    match app.files.page(&name) {
        Some(page) => slowly(html(pages::own(app.view(language), page))),
        None => pages::trouble(app.view(language), Trouble::NoPage),
    }
}

/// There is none, and a visitor is not told of an error for that.
async fn no_icon() -> Response {
    (StatusCode::NO_CONTENT, [(header::CACHE_CONTROL, "max-age=86400")]).into_response()
}

async fn robots() -> Response {
    "User-agent: *\nDisallow: /lookup\nDisallow: /*/lookup\n".into_response()
}

async fn no_page(State(app): AppState, uri: Uri) -> Response {
    pages::trouble(app.view(app.language_of(uri.path())), Trouble::NoPage)
}

async fn no_method(State(app): AppState, uri: Uri) -> Response {
    pages::trouble(app.view(app.language_of(uri.path())), Trouble::NoMethod)
}

/// Says why a form is not taken.
fn refuse(app: &App, language: Language, refused: Refused) -> Response {
    let trouble = match refused {
        Refused::TooMany(wait) => return too_many(app, language, wait),
        Refused::Elsewhere => Trouble::Elsewhere,
        Refused::NoAddress => Trouble::NoAddress,
        Refused::Unreadable => Trouble::Unreadable,
    };
    pages::trouble(app.view(language), trouble)
}

/// A page that is not to be found by searching for it.
fn unfound(mut response: Response) -> Response {
    let noindex = HeaderValue::from_static("noindex");
    response.headers_mut().insert("x-robots-tag", noindex);
    response
}

/// A page with a form, which says where it comes from when it is sent: browsers that know nothing else of that tell
/// `Origin` only then.
fn with_form(mut response: Response) -> Response {
    let policy = HeaderValue::from_static("same-origin");
    response.headers_mut().insert(header::REFERRER_POLICY, policy);
    response
}

/// Leads to what came of a form (RFC 9110 section 15.4.4).
fn see_other(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, place.to_owned())]).into_response()
}

/// Leads elsewhere for now. The place is made of nothing that a visitor typed.
fn found(place: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, place.to_owned())]).into_response()
}

fn html(page: maud::Markup) -> Response {
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response()
}

fn slowly(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, SLOWLY);
    response
}

fn json(status: StatusCode, media_type: &'static str, body: &serde_json::Value) -> Response {
    let mut text = body.to_string();
    text.push('\n');
    (status, [(header::CONTENT_TYPE, media_type)], text).into_response()
}

/// Whether a visitor wants JSON more than a page (RFC 9110 section 12.5.1).
fn prefers_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let (mut for_json, mut for_html) = (0, 0);
    for range in accept.unwrap_or_default().split(',').take(32) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, weight);
        match kind {
            "application/json" => for_json = weight,
            "text/html" => for_html = weight,
            _ => {}
        }
    }
    for_json > for_html
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotNow => Self::NotNow,
            Failure::Store => Self::Broken,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, header};

    use super::prefers_json;

    #[test]
    fn programs_get_json_where_they_ask_for_it_and_browsers_a_page() {
        let prefers = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            prefers_json(&headers)
        };
        assert!(prefers("application/json"));
        assert!(prefers("text/html;q=0.5, application/json"));
        for page in ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "application/json;q=0"] {
            assert!(!prefers(page), "{page}");
        }
        assert!(!prefers_json(&HeaderMap::new()));
    }
}
