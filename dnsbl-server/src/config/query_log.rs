//! `[dns.query-log]`: as typed, and checked.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::{
    checked::{LoggedAddresses, QueryLog},
    refused::{Refused, refuse, usual},
};

/// The rarest sample.
const MAX_SAMPLE: u32 = 1_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(super) struct QueryLogSpec {
    file: Option<Spanned<PathBuf>>,
    sample: Spanned<u32>,
    addresses: AddressesSpec,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum AddressesSpec {
    Full,
    Network,
    None,
}

impl Default for QueryLogSpec {
    fn default() -> Self {
        Self { file: None, sample: usual(100), addresses: AddressesSpec::Network }
    }
}

impl QueryLogSpec {
    /// The log, if there is a file for it.
    pub(super) fn check(self) -> Result<Option<QueryLog>, Refused> {
        if !(1..=MAX_SAMPLE).contains(self.sample.get_ref()) {
            let detail = format!("it is 1, for all queries, to {MAX_SAMPLE}, for one of so many");
            return refuse("dns.query-log.sample", self.sample.span(), detail);
        }
        let Some(file) = self.file else { return Ok(None) };
        if file.get_ref().as_os_str().is_empty() {
            let detail = "it is empty; name a file, or \"-\" for standard error";
            return refuse("dns.query-log.file", file.span(), detail);
        }
        Ok(Some(QueryLog {
            file: file.into_inner(),
            sample: self.sample.into_inner(),
            addresses: match self.addresses {
                AddressesSpec::Full => LoggedAddresses::Full,
                AddressesSpec::Network => LoggedAddresses::Network,
                AddressesSpec::None => LoggedAddresses::None,
            },
        }))
    }
}
