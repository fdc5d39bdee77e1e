//! What is looked at when the tester starts: what older releases left, and what would make every host
//! look clean, or leave what is found unlisted.

use std::{
    net::{SocketAddr, UdpSocket},
    time::Duration,
};

use dnsbl_store::Part;
use dnsbl_types::{Name, Subject};
use tokio::time::timeout;

use super::{RecordsError, Tester, actor};
use crate::mx::Resolve;

/// How long the probe domain is looked up.
const PATIENCE: Duration = Duration::from_secs(15);

impl Tester {
    /// Warns of what the tester can do without, and its operator not.
    pub(super) async fn warn_of_the_surroundings(&self) {
        let settings = &self.settings;
        for zone in [Some(&settings.zone), settings.outputs_zone.as_ref()].into_iter().flatten() {
            match self.has_zone(zone).await {
                Ok(true) => {}
                Ok(false) => tracing::warn!(
                    %zone,
                    "there is no such zone, so no open relay can be listed in it: create it"
                ),
                Err(err) => tracing::error!(%err, "the zone of the relay tester can't be read"),
            }
        }
        for source in settings.drive.sources.iter() {
            // Binding takes no more than that this machine has the address.
            if let Err(err) = UdpSocket::bind(SocketAddr::new(source, 0)) {
                tracing::warn!(%source, %err, "relay tests can't come from this address");
            }
        }
        self.warn_of_the_probe_domain().await;
    }

    async fn warn_of_the_probe_domain(&self) {
        let domain = &self.settings.identity.probe_domain;
        let why = match timeout(PATIENCE, self.has_mail(domain)).await {
            Ok(Ok(true)) => return,
            Ok(Ok(false)) => "it has neither MX nor address".to_owned(),
            Ok(Err(err)) => err.to_string(),
            Err(_) => "looking it up takes too long".to_owned(),
        };
        tracing::warn!(
            %domain, why,
            "the probe domain does not resolve: many servers refuse a sender in it for that, and every \
             host looks clean"
        );
    }

    /// Whether mail for a domain goes anywhere.
    async fn has_mail(&self, domain: &crate::HostName) -> Result<bool, crate::mx::ResolveError> {
        let named = self.dns.mx(domain).await?;
        if named.iter().any(|host| !host.is_empty()) {
            return Ok(true);
        }
        let families = ["0.0.0.0", "::"].into_iter().filter_map(|family| family.parse().ok());
        for family in families {
            if !self.dns.addresses(domain, family).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether there is such a zone.
    pub(super) async fn has_zone(&self, zone: &Name) -> Result<bool, RecordsError> {
        let zone = zone.clone();
        self.records.read(move |reader| Ok(reader.zone(&zone)?.is_some())).await
    }

    /// Outputs were once listed after two tests whatever they said of the hop before. Those listings end
    /// here.
    pub(super) async fn forget_unproved_outputs(&self) -> Result<(), RecordsError> {
        for (address, part) in self.records.unproved_outputs().await? {
            let mut parts = vec![part];
            if let (Some(zone), Some(source)) = (&self.settings.outputs_zone, self.source())
                && self.has_zone(zone).await?
            {
                let (zone, subject) = (zone.clone(), Subject::host(address));
                parts.push(Part::DeleteListing { zone, subject, source });
            }
            self.records.write(actor(), parts).await?;
        }
        Ok(())
    }
}
