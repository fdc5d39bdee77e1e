//! The index of the console, and what happens around each of its pages: who comes so far, who has signed in, what his
//! token may do now, and whether a form is his.

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::{
    Extension, Router,
    body::to_bytes,
    extract::{FromRequestParts as _, RawPathParams, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
};
use dnsbl_rights::{Holder, NotAuthenticated, SecretDigest};
use dnsbl_types::{TokenText, UnixTime};
use maud::html;

use super::{
    allow,
    asked::{Answer, Asked, path},
    audit, feeds,
    fields::Fields,
    frame::{FORM_SECRET, Frame, text},
    gate::{Way, admit},
    listings, overview,
    refused::Refused,
    relay_tests, reports, review,
    session::{SessionId, Sessions},
    sign_in, sources, subscribers, tokens, undo,
};
use crate::{
    Console, Language,
    app::App,
    client::{Peer, Visitor},
    forms::is_ours,
    pages::{self, Trouble},
};

/// The largest form, in bytes.
const FORM_BYTES: usize = 64 << 10;

/// What the console keeps beside the server's parts.
pub(crate) struct Desk(Sessions);

impl Desk {
    /// A desk at which nobody sits yet; `None` where the system gives no random bytes.
    pub(crate) fn new() -> Option<Arc<Self>> {
        Some(Arc::new(Self(Sessions::new(random()?))))
    }
}

/// The console in a language.
pub(crate) fn routes(language: Language, desk: &Arc<Desk>) -> Router<Arc<App>> {
    let at = |place: &str| path(language, place);
    Router::new()
        .route(&at(""), page(overview::show))
        .route(&at("sign-in"), get(show_sign_in).post(begin))
        .route(&at("sign-out"), post(end))
        .route(&at("listings"), page(listings::show))
        .route(&at("listings/add"), page(listings::show_add).merge(form(listings::add)))
        .route(&at("listings/remove"), form(listings::remove))
        .route(&at("undo"), page(undo::show).merge(form(undo::take_back)))
        .route(&at("review"), page(review::show))
        .route(&at("review/{name}"), page(review::show_one).merge(form(review::decide)))
        .route(&at("review/{name}/claim"), form(review::claim))
        .route(&at("review/{name}/release"), form(review::release))
        .route(&at("reports"), page(reports::show))
        .route(&at("reports/{name}"), page(reports::show_one).merge(form(reports::decide)))
        .route(&at("feeds"), page(feeds::show))
        .route(&at("feeds/run"), form(feeds::run))
        .route(&at("sources"), page(sources::show).merge(form(sources::freeze)))
        .route(&at("subscribers"), page(subscribers::show))
        .route(&at("subscribers/{name}"), page(subscribers::show_one))
        .route(&at("subscribers/{name}/rotate"), form(subscribers::rotate))
        .route(&at("subscribers/{name}/revoke"), form(subscribers::revoke))
        .route(&at("tests"), page(relay_tests::show).merge(form(relay_tests::submit)))
        .route(&at("tests/{name}"), page(relay_tests::show_one))
        .route(&at("opt-outs"), form(relay_tests::opt_out))
        .route(&at("opt-outs/end"), form(relay_tests::opt_in))
        .route(&at("allow"), page(allow::show).merge(form(allow::add)))
        .route(&at("allow/remove"), form(allow::remove))
        .route(&at("audit"), page(audit::show))
        .route(&at("tokens"), page(tokens::show))
        .route(&at("tokens/revoke"), form(tokens::revoke))
        .route_layer(Extension(desk.clone()))
        .route_layer(Extension(language))
}

/// A page that only shows.
fn page<H, F>(show: H) -> MethodRouter<Arc<App>>
where
    H: Fn(Asked) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answer, Refused>> + Send + 'static,
{
    get(move |State(app): State<Arc<App>>, request: Request| answer(app, request, show))
}

/// A form that does something.
fn form<H, F>(act: H) -> MethodRouter<Arc<App>>
where
    H: Fn(Asked) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answer, Refused>> + Send + 'static,
{
    post(move |State(app): State<Arc<App>>, request: Request| answer(app, request, act))
}

/// How a request has come.
struct Visit<'a> {
    console: &'a Console,
    desk: Arc<Desk>,
    language: Language,
    way: Way,
    from: Option<IpAddr>,
    cookie: Option<SessionId>,
    /// Whether a page of ours asks, as far as the browser tells.
    is_ours: bool,
}

impl<'a> Visit<'a> {
    /// A request that is let in; others find no page here.
    fn of(app: &'a App, parts: &Parts) -> Option<Self> {
        let console = app.console.as_ref()?;
        let extensions = &parts.extensions;
        let peer = extensions.get().map(|Peer(peer)| peer.ip());
        let Visitor(from) = *extensions.get::<Visitor>()?;
        let way = admit(&console.from, &app.settings, peer, from, &parts.headers)?;
        Some(Self {
            console,
            desk: extensions.get::<Arc<Desk>>()?.clone(),
            language: *extensions.get()?,
            way,
            from,
            cookie: way.read(&parts.headers),
            is_ours: is_ours(&parts.headers, app.settings.url.as_ref()),
        })
    }

    /// Whether another site has led the browser here. Then it keeps the cookie that it may have (`SameSite`), and is to
    /// get none in its place, which would end its session.
    fn is_led(&self) -> bool {
        !self.is_ours && self.cookie.is_none()
    }

    /// Whether a form is one of this browser's, and a page of ours sent it. The secret alone does not say so without
    /// TLS: whoever else serves pages on this machine can give the browser a cookie, and knows the secret of that.
    fn made_form(&self, fields: &Fields) -> bool {
        let secret = fields.get(FORM_SECRET).unwrap_or_default();
        let is_secret = |id: &SessionId| self.sessions().made_form(id, secret);
        self.is_ours && self.cookie.as_ref().is_some_and(is_secret)
    }

    fn sessions(&self) -> &Sessions {
        &self.desk.0
    }

    /// Who has signed in, as his token is now; `None`: nobody.
    async fn holder(&self, now: UnixTime) -> Result<Option<(Holder, SessionId)>, Refused> {
        let Some(id) = &self.cookie else { return Ok(None) };
        let Some(secret) = self.sessions().find(id, Instant::now()) else { return Ok(None) };
        let token = match self.console.tokens.recall(&secret, now).await {
            Ok(token) => token,
            Err(NotAuthenticated::Expired | NotAuthenticated::Unknown) => {
                self.sessions().end(id);
                return Ok(None);
            }
            Err(err) => return Err(err.into()),
        };
        token.rights.admit(self.from)?;
        token.charge(self.from, now)?;
        Ok(Some((Holder::new(token, self.from), id.clone())))
    }
}

async fn answer<H, F>(app: Arc<App>, request: Request, handler: H) -> Response
where
    H: Fn(Asked) -> F,
    F: Future<Output = Result<Answer, Refused>>,
{
    let (mut parts, body) = request.into_parts();
    let Some(visit) = Visit::of(&app, &parts) else { return no_page(&app, &parts) };
    let (language, now) = (visit.language, UnixTime::now());
    let is_form = parts.method == Method::POST;
    let (holder, id) = match visit.holder(now).await {
        Ok(Some(found)) => found,
        Ok(None) if visit.is_led() && is_form => {
            return refusal(&app, language, None, &Refused::Forged);
        }
        Ok(None) if visit.is_led() => return go_on(&app, language, &parts),
        Ok(None) => return lead(&path(language, "sign-in")),
        Err(refused) => return refusal(&app, language, None, &refused),
    };
    let form_secret = visit.sessions().form_secret(&id);
    let place = place(language, parts.uri.path());
    let fields = match is_form {
        false => Fields::read(parts.uri.query().unwrap_or_default().as_bytes()),
        true => read_form(&parts.headers, body).await.unwrap_or_default(),
    };
    if is_form && !visit.made_form(&fields) {
        return refusal(&app, language, Some((&holder, &form_secret)), &Refused::Forged);
    }
    let name = RawPathParams::from_request_parts(&mut parts, &app).await.ok();
    let name = name.and_then(|all| all.iter().next().map(|(_, value)| value.to_owned()));
    let asked = Asked {
        app: app.clone(),
        language,
        holder: holder.clone(),
        form_secret: form_secret.clone(),
        name,
        fields,
        now,
    };
    match handler(asked).await {
        Ok(Answer::Page { title, main }) => {
            let notice = visit.sessions().take_notice(&id);
            let signed_in = Some((&holder, form_secret.as_str()));
            let frame = Frame {
                app: &app,
                language,
                signed_in,
                place: if is_form { "" } else { &place },
                title: &title,
                notice,
            };
            html_page(StatusCode::OK, frame.around(&main).into_string())
        }
        Ok(Answer::Done { place, notice }) => {
            visit.sessions().leave_notice(&id, notice);
            lead(&path(language, &place))
        }
        Err(refused) => refusal(&app, language, Some((&holder, &form_secret)), &refused),
    }
}

/// The form to sign in.
async fn show_sign_in(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let Some(visit) = Visit::of(&app, &parts) else { return no_page(&app, &parts) };
    if visit.is_led() {
        return go_on(&app, visit.language, &parts);
    }
    sign_in_page(&app, &visit, StatusCode::OK, None)
}

/// The page for who follows a link of another site: it asks for the same once more, which browsers send the cookie with,
/// since now a page of ours does.
fn go_on(app: &App, language: Language, parts: &Parts) -> Response {
    let to = parts.uri.path_and_query().map_or("/", |place| place.as_str());
    let title = app.texts(language).text("admin-elsewhere");
    let main = html! { p { a href=(to) { (app.texts(language).text("admin-go-on")) } } };
    let frame = Frame { app, language, signed_in: None, place: "", title: &title, notice: None };
    let mut response = html_page(StatusCode::OK, frame.around(&main).into_string());
    if let Ok(refresh) = HeaderValue::try_from(format!("0; url={to}")) {
        response.headers_mut().insert(header::REFRESH, refresh);
    }
    response
}

/// The form, with a cookie that it belongs to: the one that the browser has, or a new one.
fn sign_in_page(
    app: &App,
    visit: &Visit<'_>,
    status: StatusCode,
    refused: Option<&Refused>,
) -> Response {
    let is_new = visit.cookie.is_none();
    let new = || random().map(SessionId::from_random);
    let Some(id) = visit.cookie.clone().or_else(new) else {
        return pages::trouble(app.view(visit.language), Trouble::Broken);
    };
    let texts = app.texts(visit.language);
    let place = path(visit.language, "sign-in");
    let main = sign_in::form(texts, &place, &visit.sessions().form_secret(&id), refused);
    let title = texts.text("admin-sign-in");
    let frame = Frame {
        app,
        language: visit.language,
        signed_in: None,
        place: "sign-in",
        title: &title,
        notice: None,
    };
    let mut response = html_page(status, frame.around(&main).into_string());
    if is_new {
        give_cookie(&mut response, visit.way.set(&id));
    }
    if let Some(wait) = refused.and_then(Refused::wait) {
        response.headers_mut().insert(header::RETRY_AFTER, (wait.as_secs() + 1).into());
    }
    response
}

/// Begins a session with the token that was typed. It has a cookie of its own, so that whoever had a browser take
/// another one before has nothing of it.
async fn begin(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(visit) = Visit::of(&app, &parts) else { return no_page(&app, &parts) };
    let fields = read_form(&parts.headers, body).await.unwrap_or_default();
    if visit.is_led() {
        return refusal(&app, visit.language, None, &Refused::Forged);
    }
    if !visit.made_form(&fields) {
        return sign_in_page(&app, &visit, StatusCode::FORBIDDEN, Some(&Refused::Forged));
    }
    match sign_in(&visit, fields.get("token").unwrap_or_default()).await {
        Ok(id) => {
            if let Some(before) = &visit.cookie {
                visit.sessions().end(before);
            }
            let mut response = lead(&path(visit.language, ""));
            give_cookie(&mut response, visit.way.set(&id));
            response
        }
        Err(refused) => {
            let (status, _) = refused.told();
            // What was typed is no token: whoever it is, he is not let in.
            let status = match status {
                StatusCode::UNPROCESSABLE_ENTITY => StatusCode::FORBIDDEN,
                other => other,
            };
            sign_in_page(&app, &visit, status, Some(&refused))
        }
    }
}

async fn sign_in(visit: &Visit<'_>, typed: &str) -> Result<SessionId, Refused> {
    let now = UnixTime::now();
    let token = visit.console.tokens.authenticate(typed, visit.from, now).await?;
    token.rights.admit(visit.from)?;
    token.charge(visit.from, now)?;
    let text = TokenText::parse(typed).map_err(NotAuthenticated::Mistyped)?;
    let id = SessionId::from_random(random().ok_or(Refused::Broken)?);
    visit.sessions().begin(&id, SecretDigest::of(&text), Instant::now());
    Ok(id)
}

/// Ends a session.
async fn end(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Some(visit) = Visit::of(&app, &parts) else { return no_page(&app, &parts) };
    let fields = read_form(&parts.headers, body).await.unwrap_or_default();
    match &visit.cookie {
        Some(id) if visit.made_form(&fields) => visit.sessions().end(id),
        None if visit.is_ours => {}
        _ => return refusal(&app, visit.language, None, &Refused::Forged),
    }
    let mut response = lead(&path(visit.language, "sign-in"));
    give_cookie(&mut response, visit.way.clear());
    response
}

/// The page that says why something was not done.
fn refusal(
    app: &App,
    language: Language,
    signed_in: Option<(&Holder, &str)>,
    refused: &Refused,
) -> Response {
    let (status, key) = refused.told();
    let title = app.texts(language).text(key);
    let main = html! {
        @if let Some(detail) = refused.detail() { p lang="en" { (text(&detail)) } }
        p { a href=(path(language, "")) { (app.texts(language).text("admin-menu-overview")) } }
    };
    let frame = Frame { app, language, signed_in, place: "", title: &title, notice: None };
    let mut response = html_page(status, frame.around(&main).into_string());
    if let Some(wait) = refused.wait() {
        response.headers_mut().insert(header::RETRY_AFTER, (wait.as_secs() + 1).into());
    }
    response
}

/// Who may not come so far is not told that there is anything.
fn no_page(app: &App, parts: &Parts) -> Response {
    pages::trouble(app.view(app.language_of(parts.uri.path())), Trouble::NoPage)
}

/// The fields of a form; `None` where the body is none, or too large.
async fn read_form(headers: &HeaderMap, body: axum::body::Body) -> Option<Fields> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    to_bytes(body, FORM_BYTES).await.ok().map(|bytes| Fields::read(&bytes))
}

/// The place of a path, below the console.
fn place(language: Language, whole: &str) -> String {
    let below = whole.strip_prefix(&path(language, "")).unwrap_or_default();
    below.trim_start_matches('/').to_owned()
}

/// Leads on, with another method where something was sent (RFC 9110 section 15.4.4).
fn lead(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, place.to_owned())]).into_response()
}

/// A page, whose forms say that they are of this site when they are sent.
fn html_page(status: StatusCode, page: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::REFERRER_POLICY, "same-origin"),
    ];
    (status, headers, page).into_response()
}

fn give_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn random() -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    match getrandom::fill(&mut bytes) {
        Ok(()) => Some(bytes),
        Err(err) => {
            tracing::error!(%err, "the system gives no random bytes");
            None
        }
    }
}
