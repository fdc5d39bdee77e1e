//! The tester for those who may only look.

use std::{net::IpAddr, sync::Arc};

use dnsbl_types::{Name, UnixTime};

use super::{records::RecordsError, shared::Shared, tester::Tester};
use crate::life::{Host, Patience, Test};

/// A tester's records, to be read.
#[derive(Clone)]
pub struct TestReader(Arc<Shared>);

/// What the tester knows of a host that it lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedHost {
    /// The host.
    pub host: Host,
    /// The test that found it open last, if it is still kept.
    pub test: Option<Test>,
    /// When it is tested for the second time, where it has passed the first of the two tests that a
    /// delisting takes.
    pub second_test_at: Option<UnixTime>,
}

impl Tester {
    /// Its records, for who may only look.
    pub fn reader(&self) -> TestReader {
        TestReader(self.shared.clone())
    }
}

impl TestReader {
    /// Where open relays are listed.
    pub fn zone(&self) -> &Name {
        &self.0.settings.zone
    }

    /// The times for which messages are waited for, and between tests.
    pub fn patience(&self) -> Patience {
        self.0.settings.patience
    }

    /// What is known of a listed host; `None` where the tester does not list it.
    ///
    /// # Errors
    /// The store can't be read.
    pub async fn listed_host(
        &self,
        address: IpAddr,
        now: UnixTime,
    ) -> Result<Option<ListedHost>, RecordsError> {
        let Some(host) = self.0.records.of::<Host>(address).await? else { return Ok(None) };
        let host = host.value;
        let test = self.0.records.test(host.test).await?.map(|test| test.value);
        let second_test_at = host.second_test(now, self.patience());
        Ok(Some(ListedHost { host, test, second_test_at }))
    }
}
