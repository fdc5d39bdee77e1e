//! Feeds.

use admin_api_types as api;
use dnsbl_feeds::{Failing, Feed, FeedName, FeedState, FeedView, Imported, Note, Origin, Share};
use dnsbl_formats::Format;
use dnsbl_types::{Guard, Source};

use super::{BodyError, parse, time};

/// Seconds between two attempts where nothing else is asked for.
const EVERY: u64 = 3600;

/// The checked body; its source and guards are checked before, as they need rights.
pub(crate) fn read(
    name: FeedName,
    source: Source,
    lifted: Vec<Guard>,
    body: &api::FeedBody,
) -> Result<Feed, BodyError> {
    let origin = match (&body.path, &body.url) {
        (Some(path), None) => {
            Origin::path(path.into()).map_err(|err| BodyError::malformed("path", err))?
        }
        (None, Some(url)) => Origin::Url(parse("url", url)?),
        _ => return Err(BodyError::Malformed("a feed has a path or a url".into())),
    };
    let format = body.format.as_deref().unwrap_or("auto");
    let format = Format::new(format, body.dataset.as_deref(), body.field.as_deref());
    let share = |field: &str, given: Option<f64>, usual| {
        let share = given.map(Share::new).transpose();
        share.map(|share| share.unwrap_or(usual)).map_err(|err| BodyError::malformed(field, err))
    };
    let feed = Feed {
        name,
        zone: parse("zone", &body.zone)?,
        source,
        origin,
        format: format.map_err(|err| BodyError::malformed("format", err))?,
        every: body.every.unwrap_or(EVERY),
        max_removed: share("max_removed", body.max_removed, Share::FIFTH)?,
        max_rejected: share("max_rejected", body.max_rejected, Share::TWENTIETH)?,
        expires_in: body.expires_in,
        lifted,
        allow_private: body.allow_private.unwrap_or(false),
    };
    feed.checked().map_err(|err| BodyError::Malformed(err.to_string()))
}

/// A feed as it is shown.
pub(crate) fn write(view: &FeedView) -> api::Feed {
    let feed = &view.feed;
    let (path, url) = match &feed.origin {
        Origin::Path(path) => (Some(path.display().to_string()), None),
        Origin::Url(url) => (None, Some(url.to_string())),
    };
    api::Feed {
        name: feed.name.to_string(),
        zone: feed.zone.to_string(),
        source: feed.source.to_string(),
        path,
        url,
        format: feed.format.name().into(),
        dataset: feed.format.dataset(),
        field: feed.format.field().map(ToString::to_string),
        every: feed.every,
        max_removed: feed.max_removed.get(),
        max_rejected: feed.max_rejected.get(),
        expires_in: feed.expires_in,
        r#override: feed.lifted.iter().map(|guard| guard.as_str().into()).collect(),
        allow_private: feed.allow_private,
        configured: view.configured,
        status: status(view),
    }
}

fn status(view: &FeedView) -> api::FeedStatus {
    let FeedState { last_attempt, last_success, last_import, imported, failing, .. } = &view.state;
    let state = match (failing, last_attempt) {
        (Some(_), _) => "failing",
        (None, Some(_)) => "ok",
        (None, None) => "waiting",
    };
    api::FeedStatus {
        state: state.into(),
        running: view.running,
        last_attempt: last_attempt.map(time::write),
        last_success: last_success.map(time::write),
        last_import: last_import.map(time::write),
        next_attempt: time::write(view.next_attempt),
        failures: view.failures,
        failing: failing.as_ref().map(failure),
        imported: imported.as_ref().map(import),
    }
}

fn failure(failing: &Failing) -> api::FeedFailure {
    let Failing { since, times, reason, detail, notes } = failing;
    api::FeedFailure {
        since: time::write(*since),
        times: *times,
        reason: reason.clone(),
        detail: detail.clone(),
        notes: shown(notes),
    }
}

fn import(imported: &Imported) -> api::FeedImport {
    let Imported { id, seq, added, updated, unchanged, removed, rejected, notes } = imported;
    let (added, updated, unchanged) = (*added, *updated, *unchanged);
    let (removed, rejected) = (*removed, *rejected);
    api::FeedImport {
        id: id.clone(),
        seq: *seq,
        counts: api::ImportCounts { added, updated, unchanged, removed, rejected },
        notes: shown(notes),
    }
}

fn shown(notes: &[Note]) -> Vec<api::Warning> {
    notes
        .iter()
        .map(|Note { line, text }| api::Warning { line: *line, text: text.clone() })
        .collect()
}
