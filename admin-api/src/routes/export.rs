//! `GET /v1/zones/{zone}/export`: all listings of one state, streamed.

use std::{io, sync::Arc, time::Duration};

use admin_api_types as api;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use dnsbl_formats::{
    export::{Part, Target, Trigger},
    rbldnsd::DatasetType,
};
use dnsbl_store::{Filter, Reader};
use dnsbl_types::{UnixTime, Zone};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};
use utoipa::ToSchema;

use super::SEQ_HEADER;
use crate::{
    allow,
    app::App,
    auth::Caller,
    error::Problem,
    export::{Begun, ExportFormat, ExportOrder, allowed, entity_tag, subjects, write},
    extract::{Params, Path, flag, parse, zone},
    import::Format,
    precondition,
    scopes::ListingsRead,
};

/// Pieces on their way to the connection.
const QUEUE: usize = 4;

/// The most names of a zone file, unless another number is asked for.
const MAX_NAMES: u64 = 50_000_000;

/// What is exported, and how.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// How the listings are written. Default `plain`.
    format: Option<ExportName>,
    /// The type of the data set, of `rbldnsd`: `ip4set` (default of IP zones), `ip4trie`, `ip6trie`, `dnset` (default of
    /// domain zones) or `combined`. An IP zone takes two, `ip4set` and `ip6trie`, or a combined one, which has all in one file.
    dataset: Option<String>,
    /// What a policy for addresses looks at, of `rpz`: the addresses in answers (`rpz-ip`, the default) or that of the
    /// client (`rpz-client-ip`).
    trigger: Option<TriggerName>,
    /// The most names of a zone file, of `bind`. Default 50,000,000. A prefix that does not end at a label takes up to 128.
    max_names: Option<u64>,
    /// `1`: the names of IPv4 addresses as IPv6 has them, too, of `bind`: `::ffff:a.b.c.d` and 6to4. Three times as many names.
    #[serde(default, deserialize_with = "flag")]
    ipv6_forms: bool,
    /// Of one source.
    source: Option<String>,
    /// With one tag.
    tag: Option<String>,
}

/// How the listings are written.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExportName {
    /// One subject a line, `!` before it excludes.
    Plain,
    /// A data set of rbldnsd; `dataset` says of which type.
    Rbldnsd,
    /// One listing body with `subject` a line.
    Ndjson,
    /// A header names the fields; codes and tags are separated by `;`, `\;` is a semicolon.
    Csv,
    /// A zone in the master file format, for name servers.
    Bind,
    /// A response policy zone, for resolvers.
    Rpz,
}

/// What a policy for addresses looks at.
#[derive(Clone, Copy, Deserialize, ToSchema)]
pub(crate) enum TriggerName {
    /// The addresses in an answer.
    #[serde(rename = "rpz-ip")]
    Answer,
    /// The address of the client that asks.
    #[serde(rename = "rpz-client-ip")]
    Client,
}

/// Exports listings.
///
/// Everything belongs to one state, that of `DNSBL-Seq`. An answer that is cut off ends with a broken
/// connection. `plain` has each subject once, with `!` where it is excluded; `ndjson` and `csv` have
/// each listing, and an import reads them. In CSV, free text that a spreadsheet would take for a
/// formula has a `'` in front, which an import drops.
///
/// `rbldnsd`, `bind` and `rpz` are files for other servers, which answer the same by them. What a format can't
/// say is 422 where answers would be others, else counted in comments at the end; the last line says that the file is whole.
///
/// The entity tag stays as it is until something changes in the zone, expires, or is asked for otherwise.
#[utoipa::path(get, path = "/v1/zones/{zone}/export", tag = "listings",
    security(("token" = ["listings:read"])),
    params(ExportQuery, ("zone" = String, Path, description = "Where"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tags, or *")),
    responses((status = 200, content((String = "text/plain"), (String = "text/csv"), (String = "application/x-ndjson"), (String = "text/dns")),
            headers(("ETag" = String, description = "Of what is exported"))),
        (status = 304, description = "It is as it was"),
        (status = "default", body = api::Problem)))]
pub(crate) async fn export_listings(
    caller: Caller<ListingsRead>,
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    Params(query): Params<ExportQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let origin = zone(&caller, &name)?.into_name();
    allow::require_sight(&app, &caller, &origin)?;
    let stall = app.limits.load().import_stall;
    let look = move |reader: &Reader<'_>| {
        let record = reader.zone(&origin)?.ok_or_else(|| Problem::no_zone(&origin))?;
        let order = query.order(&record.zone, stall)?;
        let allowed = allowed(reader, &order, &record.zone, UnixTime::now())?;
        let etag = entity_tag(&order, &record, &allowed, reader.epoch()?);
        Ok((order, etag))
    };
    let (order, etag) = app.read(look).await?;
    if precondition::has(&headers, &etag)? {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let kind = content_type(order.format);
    let permit = app.scans.take(caller.token_id())?;
    let (started, start) = oneshot::channel();
    let (pieces, queue) = mpsc::channel(QUEUE);
    let store = app.store();
    tokio::task::spawn_blocking(move || {
        write(&store, &order, started, pieces);
        drop(permit);
    });
    let Begun { seq, etag } = start.await.map_err(|_| Problem::internal())??;
    let etag = HeaderValue::try_from(etag).map_err(|_| Problem::internal())?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::ETAG, etag),
        (SEQ_HEADER, HeaderValue::from(seq)),
    ];
    Ok((headers, Body::from_stream(whole(queue))).into_response())
}

impl ExportQuery {
    fn order(&self, zone: &Zone, stall: Duration) -> Result<ExportOrder, Problem> {
        let source = self.source.as_deref();
        let format = self.format(zone)?;
        let part = match format {
            ExportFormat::Rows(_) => Part::All,
            ExportFormat::File(target) => target.part(),
        };
        Ok(ExportOrder {
            zone: zone.origin.clone(),
            filter: Filter {
                subject: subjects(part),
                source: source.map(|name| parse("source", name)).transpose()?,
                tag: self.tag.clone(),
                ..Filter::all()
            },
            format,
            max_names: self.max_names.unwrap_or(MAX_NAMES),
            ipv6_forms: self.ipv6_forms,
            stall,
        })
    }

    /// The format, where all that is asked for belongs to it.
    fn format(&self, zone: &Zone) -> Result<ExportFormat, Problem> {
        let name = self.format.unwrap_or(ExportName::Plain);
        let foreign = match name {
            _ if self.dataset.is_some() && !matches!(name, ExportName::Rbldnsd) => {
                Some("dataset: belongs to format=rbldnsd")
            }
            _ if self.trigger.is_some() && !matches!(name, ExportName::Rpz) => {
                Some("trigger: belongs to format=rpz")
            }
            _ if self.max_names.is_some() && !matches!(name, ExportName::Bind) => {
                Some("max_names: belongs to format=bind")
            }
            _ if self.ipv6_forms && !matches!(name, ExportName::Bind) => {
                Some("ipv6_forms: belongs to format=bind")
            }
            _ => None,
        };
        if let Some(foreign) = foreign {
            return Err(Problem::malformed(foreign));
        }
        Ok(match name {
            ExportName::Plain => ExportFormat::Rows(Format::Plain),
            ExportName::Csv => ExportFormat::Rows(Format::Csv),
            ExportName::Ndjson => ExportFormat::Rows(Format::Ndjson),
            ExportName::Rbldnsd => ExportFormat::File(self.data_set(zone)?),
            ExportName::Bind => ExportFormat::File(Target::ZoneFile),
            ExportName::Rpz => ExportFormat::File(Target::Rpz(match self.trigger {
                Some(TriggerName::Client) => Trigger::Client,
                Some(TriggerName::Answer) | None => Trigger::Answer,
            })),
        })
    }

    fn data_set(&self, zone: &Zone) -> Result<Target, Problem> {
        let Some(name) = self.dataset.as_deref() else {
            return Ok(Target::Rbldnsd(Target::usual_data_set(zone.kind)));
        };
        match parse("dataset", name)? {
            DatasetType::List(list) => Ok(Target::Rbldnsd(list)),
            DatasetType::Combined => Ok(Target::Combined),
            other => Err(Problem::refused(format!(
                "dataset={other} is not written: it does not list addresses or names"
            ))),
        }
    }
}

fn content_type(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Rows(Format::Plain)
        | ExportFormat::File(Target::Rbldnsd(_) | Target::Combined) => "text/plain; charset=utf-8",
        ExportFormat::Rows(Format::Csv) => "text/csv; charset=utf-8",
        ExportFormat::Rows(Format::Ndjson) => "application/x-ndjson",
        // RFC 4027.
        ExportFormat::File(Target::ZoneFile | Target::Rpz(_)) => "text/dns",
    }
}

/// The pieces, and an error where they end without having come to the end.
pub(super) fn whole(queue: mpsc::Receiver<Option<Bytes>>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(queue), async |queue| {
        let mut queue = queue?;
        match queue.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(queue))),
            Some(None) => None,
            None => Some((Err(io::Error::other("the answer broke off")), None)),
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
