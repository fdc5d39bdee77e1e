//! `GET /v1/zones/{zone}/export`: all listings of one state, streamed.

use std::{io, sync::Arc};

use admin_api_types as api;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use dnsbl_store::{Filter, SubjectMatch};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use super::{SEQ_HEADER, import::FormatName};
use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    export::{ExportOrder, write},
    extract::{Params, Path, parse},
    import::Format,
    scopes::ListingsRead,
};

/// Pieces on their way to the connection.
const QUEUE: usize = 4;

/// What is exported, and how.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// How the listings are written. Default `plain`.
    format: Option<FormatName>,
    /// Of one source.
    source: Option<String>,
    /// With one tag.
    tag: Option<String>,
}

/// Exports listings.
///
/// Everything belongs to one state, that of `DNSBL-Seq`. An answer that is cut off ends with a broken
/// connection. `plain` has each subject once, with `!` where it is excluded; `ndjson` and `csv` have
/// each listing, and an import reads them. In CSV, free text that a spreadsheet would take for a
/// formula has a `'` in front, which an import drops.
#[utoipa::path(get, path = "/v1/zones/{zone}/export", tag = "listings",
    security(("token" = ["listings:read"])),
    params(ExportQuery, ("zone" = String, Path, description = "Where")),
    responses((status = 200, content((String = "text/plain"), (String = "text/csv"), (String = "application/x-ndjson"))),
        (status = "default", body = api::Problem)))]
pub(crate) async fn export_listings(
    caller: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    Params(query): Params<ExportQuery>,
) -> Result<Response, Problem> {
    let order = query.order(&zone, &app)?;
    allow::require_sight(&app, &caller, &order.zone)?;
    let kind = content_type(order.format);
    let permit = app.scans.take(caller.token_id())?;
    let (started, start) = oneshot::channel();
    let (pieces, queue) = mpsc::channel(QUEUE);
    let store = app.store();
    tokio::task::spawn_blocking(move || {
        write(&store, &order, started, pieces);
        drop(permit);
    });
    let seq = start.await.map_err(|_| Problem::internal())??;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (SEQ_HEADER, HeaderValue::from(seq)),
    ];
    Ok((headers, Body::from_stream(whole(queue))).into_response())
}

impl ExportQuery {
    fn order(&self, zone: &str, app: &App) -> Result<ExportOrder, Problem> {
        let source = self.source.as_deref();
        Ok(ExportOrder {
            zone: parse("zone", zone)?,
            filter: Filter {
                subject: SubjectMatch::Any,
                source: source.map(|name| parse("source", name)).transpose()?,
                tag: self.tag.clone(),
            },
            format: self.format.unwrap_or(FormatName::Plain).built()?,
            stall: app.limits.import_stall,
        })
    }
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Plain => "text/plain; charset=utf-8",
        Format::Csv => "text/csv; charset=utf-8",
        Format::Ndjson => "application/x-ndjson",
    }
}

/// The pieces, and an error where they end without having come to the end.
fn whole(queue: mpsc::Receiver<Option<Bytes>>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(queue), async |queue| {
        let mut queue = queue?;
        match queue.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(queue))),
            Some(None) => None,
            None => Some((Err(io::Error::other("the export broke off")), None)),
        }
    })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    async fn received(pieces: &[Option<&'static str>]) -> Vec<io::Result<Bytes>> {
        let (send, queue) = mpsc::channel(QUEUE);
        for piece in pieces {
            send.send(piece.map(Bytes::from)).await.unwrap();
        }
        drop(send);
        whole(queue).collect().await
    }

    #[tokio::test]
    async fn an_export_without_its_end_breaks_the_connection() {
        let cut = received(&[Some("a"), Some("b")]).await;
        assert_eq!(cut.len(), 3);
        assert!(cut[1].is_ok() && cut[2].is_err());
        let whole = received(&[Some("a"), None]).await;
        assert!(whole.len() == 1 && whole[0].is_ok());
    }
}
