//! What happens around every handler: who asks, limits, headers, deadlines, panics.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use dnsbl_daemon::PeerNetwork;
use futures_util::FutureExt as _;

use crate::{
    Language,
    app::App,
    client::{Peer, Visitor, visitor},
    pages::{self, ICON_PATH, LOGO_PATH, STYLE_PATH, Trouble},
};

/// How long a page may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a form may take, with what is looked up for it.
const FORM_DEADLINE: Duration = Duration::from_secs(30);

/// On every answer: nothing is run, embedded or sent elsewhere, and no page knows where a visitor came from.
const HEADERS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The layer around every handler.
pub(crate) async fn request_layer(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let language = app.language_of(request.uri().path());
    let proxies = &app.settings.limits.proxies;
    let peer = request.extensions().get::<Peer>().map(|Peer(peer)| peer.ip());
    let from = peer.and_then(|peer| visitor(peer, request.headers(), proxies));
    request.extensions_mut().insert(Visitor(from));
    let network = from.or(peer).map_or(PeerNetwork::Local, PeerNetwork::of);
    // A page is not to come without its looks.
    let is_free = [STYLE_PATH, LOGO_PATH, ICON_PATH].contains(&request.uri().path());
    let charged = if is_free { Ok(()) } else { app.rates.charge(network, Instant::now()) };
    let mut response = match charged {
        Ok(()) => answer(&app, language, request, next).await,
        Err(wait) => too_many(&app, language, wait),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        // A page with a form says more of where it came from: to this site.
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    app.host.count_request(route, response.status().as_u16());
    response
}

async fn answer(app: &App, language: Language, request: Request, next: Next) -> Response {
    let deadline = if request.method() == Method::POST { FORM_DEADLINE } else { DEADLINE };
    let page = AssertUnwindSafe(tokio::time::timeout(deadline, next.run(request)));
    match page.catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => pages::trouble(app.view(language), Trouble::NotNow),
        Err(_) => {
            tracing::error!("a page's handler panicked");
            pages::trouble(app.view(language), Trouble::Broken)
        }
    }
}

/// The page that says to wait, and for how long.
pub(crate) fn too_many(app: &App, language: Language, wait: Duration) -> Response {
    let mut response = pages::trouble(app.view(language), Trouble::TooMany);
    let seconds = wait.as_secs() + 1;
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    debug_assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    response
}
