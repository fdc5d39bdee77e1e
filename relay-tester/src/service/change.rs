//! Changing a test, together with what follows from it: one batch, all or nothing.

use dnsbl_store::{Actor, ChangeError, Part};
use dnsbl_types::{ListingBody, Name, Reason, ReturnCode, Subject, UnixTime};

use super::{
    RecordsError, Tester, actor, now,
    records::{Versioned, delete_host, put_host, put_output},
};
use crate::{
    Probe, TestId, came_from,
    life::{ArrivalKind, Host, Output, Sighting, Test, Verdict},
};

/// How often a change is tried again after another one came first.
const TRIES: usize = 16;

/// What is listed: a host that relays.
const RELAY: ReturnCode = ReturnCode::LISTED;
/// What is listed: a host through which others relay.
const OUTPUT: [u8; 4] = [127, 0, 0, 3];

impl Tester {
    /// Changes a test as the tester itself.
    pub(super) async fn change<T>(
        &self,
        id: TestId,
        change: impl FnMut(&mut Test) -> T,
    ) -> Result<Option<(Test, T)>, RecordsError> {
        let changed = self.change_as(actor(), id, change).await?;
        Ok(changed.map(|(test, told, _)| (test, told)))
    }

    /// Changes a test and whatever follows from the change, and tells the number of that change if
    /// anything changed; `None` where there is no such test. The change may be tried several times.
    pub(super) async fn change_as<T>(
        &self,
        actor: Actor,
        id: TestId,
        mut change: impl FnMut(&mut Test) -> T,
    ) -> Result<Option<(Test, T, Option<u64>)>, RecordsError> {
        for _ in 0..TRIES {
            let Some(found) = self.records.test(id).await? else { return Ok(None) };
            let mut test = found.value.clone();
            let told = change(&mut test);
            if test == found.value {
                return Ok(Some((test, told, None)));
            }
            if let Some(seq) = self.store(actor.clone(), &found, &test).await? {
                return Ok(Some((test, told, Some(seq))));
            }
        }
        Err(RecordsError::Contended(id))
    }

    /// Writes a test over the one that was read; `None` where that is not the newest any more.
    async fn store(
        &self,
        actor: Actor,
        before: &Versioned<Test>,
        test: &Test,
    ) -> Result<Option<u64>, RecordsError> {
        let mut parts = self.follows(&before.value, test, now()).await?;
        // What leads up to a verdict is in the test itself; the audit tells what people did and what
        // was decided.
        let is_step = actor == super::actor() && before.value.verdict == test.verdict;
        parts.push(self.records.put_test(test, Some(before.revision()), is_step)?);
        let done = loop {
            match self.records.write(actor.clone(), parts.clone()).await {
                Ok(done) => break done,
                Err(ChangeError::Stale { .. }) => return Ok(None),
                Err(err) if is_about_listing(&err) && self.leave_out_listing(&mut parts) => {
                    tracing::error!(test = %test.id, %err, "what a relay test found can't be listed");
                }
                Err(err) => return Err(err.into()),
            }
        };
        self.tell(&before.value, test).await;
        Ok(Some(done.seq))
    }

    /// Leaves out what is listed as an output, else what is listed at all; `false` where there is none.
    /// The test itself and what is known of its host are written in any case.
    fn leave_out_listing(&self, parts: &mut Vec<Part>) -> bool {
        let count = parts.len();
        let outputs = self.settings.outputs_zone.as_ref();
        let is_output =
            |part: &Part| matches!(part, Part::PutListing { zone, .. } if Some(zone) == outputs);
        if parts.iter().any(is_output) {
            parts.retain(|part| !is_output(part));
        } else {
            parts.retain(|part| {
                !matches!(part, Part::PutListing { .. } | Part::DeleteListing { .. })
            });
        }
        parts.len() < count
    }

    /// What follows from a change of a test beside it.
    async fn follows(
        &self,
        before: &Test,
        test: &Test,
        now: UnixTime,
    ) -> Result<Vec<Part>, RecordsError> {
        match test.verdict {
            Some(Verdict::Open)
                if before.returned() != test.returned() || before.verdict != test.verdict =>
            {
                self.confirm(test, now).await
            }
            Some(Verdict::Clean) if before.verdict != test.verdict => self.clear(test, now).await,
            _ => Ok(Vec::new()),
        }
    }

    /// The host is listed, and who sent for it is remembered.
    async fn confirm(&self, test: &Test, now: UnixTime) -> Result<Vec<Part>, RecordsError> {
        let known = self.records.host(test.address).await?;
        let host = Host::confirmed(test, known.as_ref().map(|host| &host.value), now);
        let mut parts =
            vec![put_host(&host, host.due(now, self.settings.patience), known.as_ref())?];
        let body = ListingBody {
            reason: self.reason(test),
            ..self.body(RELAY, evidence(test), host.expires_at())
        };
        parts.extend(self.put_listing(&self.settings.zone, test.address, body));
        if let Some(via) = test.via.filter(|&via| proves_output(test, via)) {
            let known = self.records.output(via).await?;
            let none = Output { address: via, sightings: Vec::new() };
            let mut output = known.as_ref().map_or(none, |output| output.value.clone());
            output.saw(Sighting { input: test.address, test: test.id, at: now });
            parts.push(put_output(&output, known.as_ref())?);
            parts.extend(self.list_output(&output));
        }
        Ok(parts)
    }

    fn list_output(&self, output: &Output) -> Option<Part> {
        let zone = self
            .settings
            .outputs_zone
            .as_ref()
            .filter(|_| output.is_confirmed(self.settings.outputs_networks))?;
        let code = ReturnCode::try_from(std::net::Ipv4Addr::from(OUTPUT)).ok()?;
        let tests: Vec<String> = output.sightings.iter().map(|s| s.test.to_string()).collect();
        let note = format!("messages of relay tests came back through it: {}", tests.join(", "));
        self.put_listing(zone, output.address, self.body(code, note, output.expires_at()))
    }

    /// The host is delisted if the test is the second in which it refused all that had come back.
    async fn clear(&self, test: &Test, now: UnixTime) -> Result<Vec<Part>, RecordsError> {
        let known = self.records.host(test.address).await?;
        let Some(host) = known.filter(|host| host.value.is_cleared_by(test)) else {
            return Ok(Vec::new());
        };
        let patience = self.settings.patience;
        if !host.value.is_cleared_twice_by(test, patience) {
            let cleared = host.value.cleared_once(now, patience);
            return Ok(vec![put_host(&cleared, cleared.due(now, patience), Some(&host))?]);
        }
        let mut parts = vec![delete_host(&host)?];
        parts.extend(self.delete_listing(test.address));
        Ok(parts)
    }

    pub(super) fn delete_listing(&self, address: std::net::IpAddr) -> Option<Part> {
        let (zone, subject) = (self.settings.zone.clone(), Subject::host(address));
        Some(Part::DeleteListing { zone, subject, source: self.source()? })
    }

    fn put_listing(
        &self,
        zone: &Name,
        address: std::net::IpAddr,
        body: ListingBody,
    ) -> Option<Part> {
        let subject = Subject::host(address);
        Some(Part::PutListing {
            zone: zone.clone(),
            subject,
            source: self.source()?,
            body: Box::new(body),
        })
    }

    /// What TXT says, where tests have a page: that of the test which found the host open.
    fn reason(&self, test: &Test) -> Option<Reason> {
        let (address, id) = (test.address.to_string(), test.id.to_string());
        let page = self.settings.identity.lookup_url.as_ref()?.fill(&address, &id);
        format!("Open relay $, see {}", page.replace('$', "$$")).parse().ok()
    }

    fn body(&self, code: ReturnCode, note: String, expires_at: UnixTime) -> ListingBody {
        ListingBody {
            return_codes: vec![code],
            tags: vec![super::SOURCE.into()],
            note: Some(note),
            expires_at: Some(expires_at),
            ..ListingBody::default()
        }
    }

    /// Logs what a change means, and lets go of what is over.
    async fn tell(&self, before: &Test, test: &Test) {
        if test.is_under_way() {
            return;
        }
        let mut book = self.book.lock().await;
        if book.under_way.get(&test.address) == Some(&test.id) {
            book.under_way.remove(&test.address);
        }
        drop(book);
        let Some(verdict) = test.verdict.filter(|_| before.verdict != test.verdict) else { return };
        self.tally.count(verdict);
        let (address, word) = (test.address, verdict.word());
        tracing::info!(test = %test.id, %address, verdict = word, "a relay test is done");
        if verdict == Verdict::Open && self.settings.notice {
            self.to_tell().push(test.clone());
            self.wake.notify_one();
        }
    }
}

/// Whether it is the listing that can't be made, so that the test has to stand without it.
fn is_about_listing(err: &ChangeError) -> bool {
    matches!(
        err,
        ChangeError::NoZone(_)
            | ChangeError::TestEntry
            | ChangeError::WrongKind
            | ChangeError::SubjectTooLong
            | ChangeError::TooManySources(_)
    )
}

/// Whether a test shows that what was given to its host went on to us through another: the other itself
/// says so in the header that it wrote, and the host does not take everything from everybody.
fn proves_output(test: &Test, via: std::net::IpAddr) -> bool {
    let mut arrivals = test.arrivals.iter();
    !test.takes_everything()
        && arrivals.any(|arrival| {
            arrival.kind == ArrivalKind::Return
                && arrival.peer == via
                && came_from(&arrival.headers, test.address)
        })
}

/// What a listing says about why it is there.
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
