//! The settings of logins.

use std::net::IpAddr;

use dnsbl_types::Name;
use ipnet::IpNet;

use crate::{GrantLimits, MailService};

/// What logins grant, and whom they are believed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The zone of reports that name none; `None`: the only allow zone there is.
    pub zone: Option<Name>,
    /// Networks that may report logins.
    pub from: Vec<IpNet>,
    /// Proxies in front of mail servers: the client that they tell of is believed, and they get no grants
    /// themselves.
    pub proxies: Vec<IpNet>,
    /// Services of Dovecot and Cyrus whose logins grant.
    pub services: Vec<MailService>,
    /// Whether only logins over TLS grant.
    pub tls_only: bool,
    /// Whether the end of a session ends its grant, where Cyrus reports it.
    pub logout_revokes: bool,
    /// How many seconds a report may be late, or its clock ahead.
    pub max_age: u64,
    /// For how many seconds it is kept who had a grant, after it ended.
    pub keep_names: u64,
    /// How much is granted.
    pub limits: GrantLimits,
}

impl Default for Settings {
    fn default() -> Self {
        let services = ["pop3", "pop3s", "imap", "imaps"];
        Self {
            zone: None,
            from: vec![
                IpNet::new_assert([127, 0, 0, 0].into(), 8),
                IpNet::new_assert(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), 128),
            ],
            proxies: Vec::new(),
            services: services.iter().filter_map(|service| service.parse().ok()).collect(),
            tls_only: false,
            logout_revokes: false,
            max_age: 60,
            keep_names: 7 * 86_400,
            limits: GrantLimits::default(),
        }
    }
}

impl Settings {
    /// Whether somebody there may report logins.
    pub fn may_report(&self, peer: IpAddr) -> bool {
        holds(&self.from, peer)
    }

    /// Whether it is a proxy in front of a mail server.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        holds(&self.proxies, address)
    }
}

fn holds(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}
