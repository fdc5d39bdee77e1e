//! The consequences of a test for what is listed: what is known of the host and the output goes in,
//! operations for the same transaction come out.

use std::net::{IpAddr, Ipv4Addr};

use dnsbl_types::{ListingBody, Reason, ReturnCode, UnixTime};

use super::{
    records::{Operation, RecordsError, SOURCE, Versioned, delete_listing, put, put_listing},
    settings::Settings,
};
use crate::{
    Probe, came_from,
    life::{ArrivalKind, Host, Output, Sighting, Test, Verdict},
};

/// The return code of a host that relays.
const RELAY: ReturnCode = ReturnCode::LISTED;
/// The return code of a host through which others relay.
const OUTPUT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A change of a test from which something follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// The host relays: it is listed, or that is confirmed.
    Open {
        /// Through which other host the test shows that it relays, if through any.
        via: Option<IpAddr>,
    },
    /// The host is clean: if it is listed, that may end.
    Clean,
}

/// A test with all that its consequences depend on.
pub(super) struct Case<'a> {
    pub(super) test: &'a Test,
    /// The records as they were read.
    pub(super) host: Option<Versioned<Host>>,
    pub(super) output: Option<Versioned<Output>>,
    pub(super) settings: &'a Settings,
    pub(super) now: UnixTime,
}

/// The operations that follow. Listings stand apart, since a test may have to do without them.
#[derive(Default)]
pub(super) struct Consequences {
    documents: Vec<Operation>,
    listing: Option<Operation>,
    output_listing: Option<Operation>,
}

impl Finding {
    /// The finding that is new in a test, if there is one.
    pub(super) fn of(before: &Test, after: &Test) -> Option<Self> {
        let is_new = before.verdict() != after.verdict();
        match after.verdict()? {
            Verdict::Open if is_new || before.returned() != after.returned() => {
                Some(Self::Open { via: after.via.filter(|&via| proves_output(after, via)) })
            }
            Verdict::Clean if is_new => Some(Self::Clean),
            _ => None,
        }
    }
}

impl Case<'_> {
    /// The consequences of a finding.
    pub(super) fn consequences(&self, finding: Finding) -> Result<Consequences, RecordsError> {
        match finding {
            Finding::Open { via } => self.of_open(via),
            Finding::Clean => self.of_clean(),
        }
    }

    /// The host is listed, and who sent for it is remembered.
    fn of_open(&self, via: Option<IpAddr>) -> Result<Consequences, RecordsError> {
        let Self { test, settings, now, .. } = *self;
        let known = self.host.as_ref();
        let host = Host::confirmed(test, known.map(|host| &host.value), now);
        let put_host = put(test.address, &host, host.due(now, settings.patience), known)?;
        let body = ListingBody {
            reason: reason(test, settings),
            ..body(RELAY, evidence(test), host.expires_at())
        };
        let listing = put_listing(&settings.zone, test.address, body);
        let mut consequences =
            Consequences { documents: vec![put_host], listing, output_listing: None };
        if let Some(via) = via {
            let known = self.output.as_ref();
            let none = Output { address: via, sightings: Vec::new() };
            let mut output = known.map_or(none, |output| output.value.clone());
            output.record(Sighting { input: test.address, test: test.id, at: now });
            consequences.documents.push(put(via, &output, output.expires_at(), known)?);
            consequences.output_listing = list_output(&output, settings);
        }
        Ok(consequences)
    }

    /// The host is delisted if the test is the second in which it refused all that had come back.
    fn of_clean(&self) -> Result<Consequences, RecordsError> {
        let Self { test, settings, now, .. } = *self;
        let known = self.host.as_ref().filter(|host| host.value.is_cleared_by(test));
        let Some(host) = known else { return Ok(Consequences::default()) };
        let patience = settings.patience;
        if host.value.is_cleared_twice_by(test, patience) {
            let listing = delete_listing(&settings.zone, test.address);
            return Ok(Consequences {
                documents: vec![host.delete()],
                listing,
                output_listing: None,
            });
        }
        let cleared = host.value.cleared_once(now, patience);
        let put_host = put(test.address, &cleared, cleared.due(now, patience), Some(host))?;
        Ok(Consequences { documents: vec![put_host], ..Consequences::default() })
    }
}

impl Consequences {
    /// All operations.
    pub(super) fn into_operations(self) -> impl Iterator<Item = Operation> {
        self.documents.into_iter().chain(self.listing).chain(self.output_listing)
    }

    /// Whether something is listed or delisted.
    pub(super) fn has_listing(&self) -> bool {
        self.listing.is_some() || self.output_listing.is_some()
    }

    /// Leaves out what is listed as an output, else what is listed at all.
    pub(super) fn leave_out_listing(&mut self) {
        if self.output_listing.take().is_none() {
            self.listing = None;
        }
    }
}

fn list_output(output: &Output, settings: &Settings) -> Option<Operation> {
    let is_confirmed = output.is_confirmed(settings.outputs_networks);
    let zone = settings.outputs_zone.as_ref().filter(|_| is_confirmed)?;
    let tests: Vec<String> = output.sightings.iter().map(|s| s.test.to_string()).collect();
    let note = format!("messages of relay tests came back through it: {}", tests.join(", "));
    let code = ReturnCode::try_from(OUTPUT).ok()?;
    put_listing(zone, output.address, body(code, note, output.expires_at()))
}

/// The TXT of a listing, where tests have a page: that of the test which found the host open.
fn reason(test: &Test, settings: &Settings) -> Option<Reason> {
    let (address, id) = (test.address.to_string(), test.id.to_string());
    let page = settings.identity.lookup_url.as_ref()?.fill(&address, &id);
    format!("Open relay $, see {}", page.replace('$', "$$")).parse().ok()
}

fn body(code: ReturnCode, note: String, expires_at: UnixTime) -> ListingBody {
    ListingBody {
        return_codes: vec![code],
        tags: vec![SOURCE.into()],
        note: Some(note),
        expires_at: Some(expires_at),
        ..ListingBody::default()
    }
}

/// Whether a test shows that what was given to its host went on to us through another: the other itself
/// says so in the header that it wrote, and the host does not take what strangers send to strangers.
///
/// Which of the other probes it refuses says nothing: many forms are refused for their form, by open relays too, and how
/// many are tried depends on how soon the first comes back.
fn proves_output(test: &Test, via: IpAddr) -> bool {
    let plain = Probe::by_name("plain");
    let refuses_strangers = plain.is_some_and(|plain| test.has_refused(plain.index));
    let mut arrivals = test.arrivals.iter();
    refuses_strangers
        && arrivals.any(|arrival| {
            arrival.kind == ArrivalKind::Return
                && arrival.peer == via
                && came_from(&arrival.headers, test.address)
        })
}

/// The evidence for a listing, as its note has it.
fn evidence(test: &Test) -> String {
    let names: Vec<&str> =
        test.returned().into_iter().filter_map(Probe::by_index).map(|probe| probe.name).collect();
    let via = test.via.map(|via| format!(" through {via}")).unwrap_or_default();
    format!(
        "relay test {} of {} port {}: {} came back{via}; see /v1/relay-tests/{}",
        test.id,
        test.address,
        test.port,
        names.join(", "),
        test.id,
    )
}
