//! The state of a source in a zone.

use admin_api_types::SourceState;
use dnsbl_store::Freeze;
use dnsbl_types::{Name, Source};

use super::time;

/// The state as it is shown.
pub(crate) fn write(zone: &Name, source: &Source, frozen: Option<&Freeze>) -> SourceState {
    SourceState {
        zone: zone.to_string(),
        source: source.to_string(),
        frozen: frozen.is_some(),
        since: frozen.map(|freeze| time::write(freeze.since)),
        by: frozen.map(|freeze| freeze.by.clone()),
        why: frozen.map(|freeze| freeze.why.clone()),
        imported_at: None,
    }
}
