//! `/v1/zones/{zone}/listings`: searching, a page at a time.

use std::{sync::Arc, time::Instant};

use admin_api_types as api;
use axum::{Json as AxumJson, extract::State};
use dnsbl_store::{Cursor, Filter, SubjectMatch};
use dnsbl_types::{Source, Subject};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    extract::{Params, Path, limit, parse, zone},
    scopes::ListingsRead,
    v1::listing,
};

/// Which listings, and which page of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Address, prefix or domain; left out: all.
    subject: Option<String>,
    /// How listings relate to the subject. Default `exact`.
    r#match: Option<Match>,
    /// Of one source.
    source: Option<String>,
    /// With one tag.
    tag: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 1000. Default 100.
    limit: Option<usize>,
}

/// The relation of listings to a subject.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Match {
    /// Of the subject itself.
    Exact,
    /// Of the subject and of what covers it.
    Covering,
    /// Of the subject and of what it covers.
    Covered,
    /// All of these.
    Overlap,
}

/// Searches listings.
///
/// A search looks for a moment and answers with what it has found by then: a page may be short or empty
/// while `next` is not null.
#[utoipa::path(get, path = "/v1/zones/{zone}/listings", tag = "listings",
    security(("token" = ["listings:read"])),
    params(SearchQuery, ("zone" = String, Path, description = "Where")),
    responses((status = 200, body = api::ListingPage), (status = "default", body = api::Problem)))]
pub(crate) async fn search_listings(
    caller: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<SearchQuery>,
) -> Result<AxumJson<api::ListingPage>, Problem> {
    let origin = zone(&caller, &name)?.into_name();
    allow::require_sight(&app, &caller, &origin)?;
    let limit = limit(query.limit)?;
    let cursor = query.cursor.as_deref().map(read_cursor).transpose()?;
    let filter = query.filter()?;
    let permit = app.scans.take(caller.token_id())?;
    let slice = app.limits.load().search_slice;
    let gone = CancellationToken::new();
    let _reader = gone.clone().drop_guard();
    let search = move |reader: &dnsbl_store::Reader<'_>| {
        let _permit = permit;
        if reader.settings(&origin)?.is_none() {
            return Err(Problem::no_zone(&origin));
        }
        let begun = Instant::now();
        let stop = || begun.elapsed() >= slice || gone.is_cancelled();
        Ok(reader.page(&origin, &filter, cursor.as_ref(), limit, stop)?)
    };
    let page = app.read(search).await?;
    Ok(AxumJson(api::ListingPage {
        listings: page.listings.iter().map(listing::write).collect(),
        next: page.next.as_ref().map(write_cursor),
    }))
}

impl SearchQuery {
    fn filter(&self) -> Result<Filter, Problem> {
        let subject: Option<Subject> = match &self.subject {
            Some(text) => Some(parse("subject", text)?),
            None => None,
        };
        let source = self.source.as_deref();
        Ok(Filter {
            subject: match (subject, self.r#match) {
                (None, None) => SubjectMatch::Any,
                (None, Some(_)) => {
                    return Err(Problem::malformed("match: needs subject"));
                }
                (Some(subject), None | Some(Match::Exact)) => SubjectMatch::Exact(subject),
                (Some(subject), Some(Match::Covering)) => SubjectMatch::Covering(subject),
                (Some(subject), Some(Match::Covered)) => SubjectMatch::Covered(subject),
                (Some(subject), Some(Match::Overlap)) => SubjectMatch::Overlap(subject),
            },
            source: source.map(|name| parse("source", name)).transpose()?,
            tag: self.tag.clone(),
        })
    }
}

/// What no source is called.
const EVERY_SOURCE: &str = "*";

fn write_cursor(cursor: &Cursor) -> String {
    let source = cursor.source.as_ref().map_or(EVERY_SOURCE, Source::as_str);
    let text = format!("{} {source}", cursor.subject);
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn read_cursor(text: &str) -> Result<Cursor, Problem> {
    let wrong = || Problem::malformed("cursor: is not one that this server gave");
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err(wrong());
    }
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16));
    let bytes = pairs.collect::<Result<Vec<u8>, _>>().map_err(|_| wrong())?;
    let decoded = String::from_utf8(bytes).map_err(|_| wrong())?;
    let (subject, source) = decoded.split_once(' ').ok_or_else(wrong)?;
    Ok(Cursor {
        subject: subject.parse().map_err(|_| wrong())?,
        source: match source {
            EVERY_SOURCE => None,
            source => Some(source.parse().map_err(|_| wrong())?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_others_are_refused() {
        for source in [Some("feed".parse().unwrap()), None] {
            let cursor = Cursor { subject: "*.example.com".parse().unwrap(), source };
            assert_eq!(read_cursor(&write_cursor(&cursor)).unwrap(), cursor);
        }
        for text in ["", "x", "zz", "+1", "ä", "31323334", "ff20ff"] {
            assert!(read_cursor(text).is_err(), "{text}");
        }
    }
}
