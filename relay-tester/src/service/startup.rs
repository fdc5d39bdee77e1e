//! The checks at a start: what older releases left, and what would make every host look clean, or leave
//! what is found unlisted.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use tokio::time::timeout;

use super::{
    records::{RecordsError, delete_listing, tester_actor},
    shared::Shared,
};
use crate::{
    HostName,
    mx::{Dns, Resolve, ResolveError},
};

/// How long the probe domain is looked up.
const PATIENCE: Duration = Duration::from_secs(15);

/// Warns of what the tester can do without, and its operator not.
pub(super) async fn warn_of_surroundings(shared: Arc<Shared>) {
    let Shared { settings, records, dns, .. } = &*shared;
    for zone in [Some(&settings.zone), settings.outputs_zone.as_ref()].into_iter().flatten() {
        match records.has_zone(zone).await {
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
    warn_of_probe_domain(&settings.identity.probe_domain, dns).await;
}

async fn warn_of_probe_domain(domain: &HostName, dns: &Dns) {
    let why = match timeout(PATIENCE, has_mail(domain, dns)).await {
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
async fn has_mail(domain: &HostName, dns: &Dns) -> Result<bool, ResolveError> {
    if dns.mx(domain).await?.iter().any(|host| !host.is_empty()) {
        return Ok(true);
    }
    for family in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
        if !dns.addresses(domain, family).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Outputs were once listed after two tests whatever they said of the hop before. Those listings end
/// here.
pub(super) async fn forget_unproved_outputs(shared: &Shared) -> Result<(), RecordsError> {
    let Shared { settings, records, .. } = shared;
    for (address, delete) in records.unproved_outputs().await? {
        let mut operations = vec![delete];
        if let Some(zone) = &settings.outputs_zone
            && records.has_zone(zone).await?
        {
            operations.extend(delete_listing(zone, address));
        }
        records.write(tester_actor(), operations).await?;
    }
    Ok(())
}
