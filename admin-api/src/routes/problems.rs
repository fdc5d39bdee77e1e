//! `/problems`: what each type of problem means, under the path that the problem carries.

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};

use crate::{
    error::Problem,
    extract::{Nothing, Params, Path},
    problem_pages,
};

/// What a page may be shown as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Html,
    Markdown,
    Plain,
}

/// Lists all types of problems, for people.
///
/// `Accept` says whether it is HTML, Markdown or plain text.
#[utoipa::path(get, path = "/problems", tag = "problems", security(()),
    responses((status = 200, content((String = "text/html"), (String = "text/markdown"), (String = "text/plain"))),
        (status = "default", body = admin_api_types::Problem)))]
pub(crate) async fn list_problem_types(_: Params<Nothing>, headers: HeaderMap) -> Response {
    match Form::accepted(&headers) {
        Form::Html => Form::Html.answer(problem_pages::list_as_html()),
        form => form.answer(problem_pages::list_as_markdown()),
    }
}

/// Tells what a type of problem means, and what to do.
///
/// `Accept` says whether it is HTML, Markdown or plain text.
#[utoipa::path(get, path = "/problems/{type}", tag = "problems", security(()),
    params(("type" = String, Path, description = "The word behind `/problems/` in the `type` of a problem")),
    responses((status = 200, content((String = "text/html"), (String = "text/markdown"), (String = "text/plain"))),
        (status = "default", body = admin_api_types::Problem)))]
pub(crate) async fn show_problem_type(
    Path(word): Path<String>,
    _: Params<Nothing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let page = problem_pages::find(&word).ok_or_else(|| {
        Problem::not_found("no-such-problem", format!("no problem is of the type {word:?}"))
    })?;
    Ok(match Form::accepted(&headers) {
        Form::Html => Form::Html.answer(page.to_html()),
        form => form.answer(page.to_markdown()),
    })
}

impl Form {
    /// The form that a client likes most (RFC 9110 section 12.5.1); plain text where it likes all the same.
    fn accepted(headers: &HeaderMap) -> Self {
        let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let ranges = accept.flat_map(|value| value.split(','));
        let liked = ranges.filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let form = match parts.next()?.to_ascii_lowercase().as_str() {
                "text/html" => Self::Html,
                "text/markdown" => Self::Markdown,
                "text/plain" => Self::Plain,
                _ => return None,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            Some((form, weight.unwrap_or(1.0)))
        });
        let liked = liked.filter(|(_, weight)| *weight > 0.0);
        // Of several that are liked the same, the first.
        let best = liked.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(Self::Plain, |(form, _)| form)
    }

    fn answer(self, text: String) -> Response {
        let kind = match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Plain => "text/plain; charset=utf-8",
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::VARY, HeaderValue::from_static("accept")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'")),
        ];
        (headers, text).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::Form;

    #[test]
    fn a_page_has_the_form_that_is_liked_most() {
        let form = |accept| {
            let accept = HeaderValue::from_static(accept);
            Form::accepted(&HeaderMap::from_iter([(header::ACCEPT, accept)]))
        };
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Plain);
        assert_eq!(form("*/*"), Form::Plain);
        assert_eq!(form("text/html,application/xhtml+xml,*/*;q=0.8"), Form::Html);
        assert_eq!(form("text/html;q=0.5, text/markdown"), Form::Markdown);
        assert_eq!(form("text/html;q=0, text/plain;q=0.1"), Form::Plain);
        assert_eq!(form("application/json"), Form::Plain);
    }
}
