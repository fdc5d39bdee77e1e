//! Pages that are none.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::html;

use super::frame::{Frame, View};

/// The reason why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is none at this place.
    NoPage,
    /// This page is only read.
    NoMethod,
    /// The visitor has asked too often.
    TooMany,
    /// A page of somebody else's sent a form.
    Elsewhere,
    /// It is not known who sent a form.
    NoAddress,
    /// What was sent is no form of ours.
    Unreadable,
    /// The server is being started or stopped, or has too much to do.
    NotNow,
    /// Something is broken.
    Broken,
}

/// The page that says so. It repeats nothing of what was asked.
pub(crate) fn trouble(view: View<'_>, trouble: Trouble) -> Response {
    let (status, title, text) = match trouble {
        Trouble::NoPage => (StatusCode::NOT_FOUND, "no-page", "no-page-text"),
        Trouble::NoMethod => (StatusCode::METHOD_NOT_ALLOWED, "no-page", "no-page-text"),
        Trouble::TooMany => (StatusCode::TOO_MANY_REQUESTS, "too-many", "too-many-text"),
        Trouble::Elsewhere => (StatusCode::FORBIDDEN, "form-fault", "form-elsewhere"),
        Trouble::NoAddress => (StatusCode::FORBIDDEN, "form-fault", "form-no-address"),
        Trouble::Unreadable => (StatusCode::BAD_REQUEST, "form-fault", "form-unreadable"),
        Trouble::NotNow => (StatusCode::SERVICE_UNAVAILABLE, "not-now", "not-now-text"),
        Trouble::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "broken", "broken-text"),
    };
    let title = view.text(title);
    let main = html! {
        h1 { (title) }
        (view.paragraphs(text))
        (view.search(""))
    };
    let page = Frame { view, place: "", title, is_private: true }.around(&main).into_string();
    let mut response = (status, page).into_response();
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}
