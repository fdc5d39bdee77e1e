//! The settings of the tester.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use dnsbl_types::Name;
use ipnet::IpNet;

use crate::{
    DriveSettings, Identity, Ports, ReceiverSettings, TargetPolicy,
    life::{Limits, Patience},
};

/// The settings of a [`Tester`](super::Tester).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where open relays are listed.
    pub zone: Name,
    /// Where the outputs of relays of several hops are listed, if anywhere.
    pub outputs_zone: Option<Name>,
    /// From how many networks hosts must have sent through an output before it is listed.
    pub outputs_networks: usize,
    /// How long messages are waited for, and how long passes between tests.
    pub patience: Patience,
    /// The limits on how often is tested.
    pub limits: Limits,
    /// The identity that the tester shows.
    pub identity: Arc<Identity>,
    /// The patience with a host.
    pub drive: DriveSettings,
    /// Where the receiver listens.
    pub receiver: SocketAddr,
    /// Limits of the receiver.
    pub receiving: ReceiverSettings,
    /// The public address of the receiver, for the probe that needs it.
    pub receiver_address: Option<IpAddr>,
    /// Networks that may be tested though they are special or our own. If there are any, nothing else
    /// is tested unless `allow_all` is set too.
    pub allow_targets: Vec<IpNet>,
    /// Whether `allow_targets` adds to what may be tested, instead of being all of it.
    pub allow_all: bool,
    /// Addresses of our own beside those of this machine.
    pub own_addresses: Vec<IpNet>,
    /// Hosts that answer on port 25 if anything does, to know whether our own way out is open.
    pub reference_hosts: Vec<SocketAddr>,
    /// DNS servers to look up MX and PTR records with; none: those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// Whether tests may be asked for without a token; then these are the proxies that are believed.
    pub anonymous: Option<Vec<IpNet>>,
    /// Whether the postmaster of a host gets a notice when it is listed.
    pub notice: bool,
}

impl Settings {
    /// The policy for targets on these ports.
    pub(super) fn policy(&self, ports: Ports) -> TargetPolicy {
        TargetPolicy { allow: self.allow_targets.clone(), own: self.own_addresses.clone(), ports }
    }

    /// Whether it is one of the networks for tests.
    pub(super) fn is_allowed(&self, address: IpAddr) -> bool {
        self.allow_targets.iter().any(|net| net.contains(&address))
    }
}
