//! Sockets, signals and the end.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use dnsbl_daemon::{
    ConnectionLimits, ConnectionPermits, Guarded, Listen, Listener, PeerNetwork, Signal, Signals,
    Stream, descriptors, file_access, log::Log,
};
use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::{select, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    config::Config, connection::Connection, listen, metrics, service::Service, socketmap,
    wire::Trouble,
};

/// How long requests that are being answered may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a mail server may take nothing of an answer.
const STALL: Duration = Duration::from_secs(30);
/// Descriptors beside those of connections: sockets to resolvers, files.
const OTHER_FILES: u64 = 512;
/// Connections that are taken however few open files there may be.
const FEWEST_CONNECTIONS: usize = 16;

/// What is spoken at a socket.
#[derive(Clone, Copy, Debug)]
enum Protocol {
    /// Requests of Postfix, and Exim's line.
    Policy,
    /// Lookups of Postfix and Sendmail.
    Socketmap,
}

/// The configuration file, and the log that it describes.
pub(crate) struct Reload {
    /// The file.
    pub(crate) file: PathBuf,
    /// The log.
    pub(crate) log: Log,
    /// Its filter as it is now.
    pub(crate) filter: String,
}

/// Serves until SIGTERM or SIGINT. `sockets` are those that systemd gave.
pub(crate) async fn run(
    mut config: Config,
    mut reload: Reload,
    mut sockets: ListenFd,
) -> anyhow::Result<()> {
    // A signal that comes meanwhile is seen below.
    let mut signals = Signals::listen()?;
    let began = Instant::now();
    let stop = CancellationToken::new();
    let permits = ConnectionPermits::new(divide_open_files(&mut config));
    let listeners = listen::bind(&mut sockets, &config.listen, config.access).await?;
    let socketmaps = listen::bind_all(&config.socketmap_listen, config.access).await;
    let socketmaps = socketmaps.context("socketmap-listen")?;
    let metrics_listener = match config.metrics_listen {
        Some(addr) => {
            let bound = Listen::Tcp(addr).bind(config.access).await;
            Some(bound.context("metrics-listen")?)
        }
        None => None,
    };
    let (zones, grants) = (config.zones.len(), config.grants.len());
    config.key_files.iter().for_each(|file| file_access::warn_of_secret(file));
    let service = Arc::new(Service::start(config)?);
    let mut ready = names(&listeners);
    if !socketmaps.is_empty() {
        ready += &format!(" socketmap={}", names(&socketmaps));
    }
    if let Some(listener) = metrics_listener {
        ready += &format!(" metrics={listener}");
        tokio::spawn(metrics::serve(listener, service.metrics()));
    }
    let connections = TaskTracker::new();
    let policies = listeners.into_iter().map(|listener| (listener, Protocol::Policy));
    let socketmaps = socketmaps.into_iter().map(|listener| (listener, Protocol::Socketmap));
    for (listener, protocol) in policies.chain(socketmaps) {
        let (service, permits) = (service.clone(), permits.clone());
        let (connections, stop) = (connections.clone(), stop.clone());
        tokio::spawn(accept(listener, protocol, service, permits, connections, stop));
    }
    let ms = began.elapsed().as_millis() as u64;
    tracing::info!(version = env!("CARGO_PKG_VERSION"), zones, grants, ms, "serving");
    reload.log.announce(&format!("dnsbl policy: ready listen={ready}"));
    notify(&NotifyState::Ready);
    while signals.next().await == Signal::Reload {
        reload.reload();
    }
    notify(&NotifyState::Stopping);
    tracing::info!("stopping: no more connections; what is under way is answered");
    stop.cancel();
    connections.close();
    if timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("some requests were not answered before the end");
    }
    tracing::info!("stopped");
    Ok(())
}

impl Reload {
    /// Reads the file again and changes the filter of the log; a file that is bad changes nothing. The
    /// lists and limits stay, as what is known of them would be lost: they need a restart.
    fn reload(&mut self) {
        let told = match Config::load(&self.file) {
            Err(err) => format!("everything stays as it is: {err}"),
            Ok(new) if new.log.as_str() == self.filter => {
                "log has not changed; all other keys need a restart".into()
            }
            Ok(new) => {
                self.log.set_filter(&new.log);
                self.filter = new.log.as_str().to_owned();
                format!("log is {:?} now; all other keys need a restart", self.filter)
            }
        };
        self.log.announce(&format!("dnsbl policy: SIGHUP: {told}"));
    }
}

/// Raises the limit of open files, and returns the connections that it allows.
///
/// All mail servers may well come from one address, so that a network may have all permits; where there is
/// none left the one that has the most makes room.
fn divide_open_files(config: &mut Config) -> ConnectionLimits {
    let connections = &mut config.limits.connections;
    let allowed = descriptors::raise(*connections as u64 + OTHER_FILES);
    if descriptors::share(allowed, OTHER_FILES, FEWEST_CONNECTIONS, &mut [&mut *connections]) {
        tracing::warn!(
            allowed,
            connections = *connections,
            "the limit of open files allows fewer connections than are configured"
        );
    }
    ConnectionLimits { all: *connections, per_network: config.limits.connections_per_network }
}

/// Where they listen, with commas between.
fn names(listeners: &[Listener]) -> String {
    listeners.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// Takes connections; with no permit left, a silent one has to leave.
async fn accept(
    listener: Listener,
    protocol: Protocol,
    service: Arc<Service>,
    permits: ConnectionPermits,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let (stream, peer) = select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let peer = peer.map_or(PeerNetwork::Local, |peer| PeerNetwork::of(peer.ip()));
        let Some(permit) = permits.acquire(peer) else {
            tracing::debug!("closed a new connection: requests are being answered on all others");
            continue;
        };
        let stream = Guarded::new(stream, Arc::new(permit), STALL);
        let (service, stop) = (service.clone(), stop.clone());
        connections.spawn(async move { serve(stream, protocol, &service, &stop).await });
    }
}

async fn serve(
    stream: Guarded<Stream>,
    protocol: Protocol,
    service: &Service,
    stop: &CancellationToken,
) {
    let metrics = service.metrics();
    metrics.connections.inc();
    let ended = match protocol {
        Protocol::Policy => Connection::new(stream, service).serve(stop).await,
        Protocol::Socketmap => socketmap::serve(stream, service, stop).await,
    };
    metrics.connections.dec();
    match ended {
        Ok(()) => {}
        Err(err @ (Trouble::Request(_) | Trouble::Lookup(_))) => {
            metrics.malformed.inc();
            tracing::warn!(%err, "closed a connection: what came was no request");
        }
        Err(err) => tracing::debug!(%err, "a connection broke"),
    }
}

/// Without systemd nobody listens, which is no error.
fn notify(state: &NotifyState<'_>) {
    if let Err(err) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::debug!(%err, "systemd does not listen");
    }
}
