//! DRAC's RPC, where it is taken.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use anyhow::Context;
use dnsbl_logins::{
    Login, Logins, MailService, Outcome, Refused, Report, Way,
    drac::{AddResult, Drac, DracListener, DracSettings},
};
use dnsbl_types::Name;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config;

/// The listener at work.
pub(crate) struct DracService {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl DracService {
    /// Takes calls until `stop`.
    pub(crate) async fn start(
        config: &config::Drac,
        logins: Arc<Logins>,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let listener = DracListener::bind(DracSettings {
            listen: config.listen,
            from: config.from.clone(),
            rpcbind: config.rpcbind.then_some(DracSettings::RPCBIND),
        });
        let listener = listener.await.context("logins.drac")?;
        let addr = listener.local_addr();
        let grants = Grants { logins, zone: config.zone.clone() };
        Ok(Self { addr, task: tokio::spawn(listener.serve(grants, stop)) })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until it has stopped.
    pub(crate) async fn stopped(self) {
        // A task that panicked has said so.
        let _ = self.task.await;
    }
}

/// Calls as logins: DRAC tells no user, and its caller vouches for the success.
struct Grants {
    logins: Arc<Logins>,
    zone: Option<Name>,
}

impl Drac for Grants {
    async fn add(&self, address: IpAddr, _: SocketAddr) -> AddResult {
        let login = Login {
            address: address.to_canonical(),
            peer: None,
            user: None,
            service: MailService::unnamed(Way::Drac),
            way: Way::Drac,
            tls: None,
            session: None,
            at: None,
        };
        match self.logins.report(self.zone.clone(), Report::Login(Box::new(login))).await {
            Ok(Outcome::Granted(_)) => AddResult::Success,
            Ok(Outcome::Refused(Refused::Rate | Refused::Full)) | Err(_) => AddResult::System,
            Ok(_) => AddResult::Permission,
        }
    }
}
