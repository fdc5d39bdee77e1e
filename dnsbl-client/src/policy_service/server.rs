//! Sockets, signals and the end.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use listenfd::ListenFd;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use tokio::{
    net::TcpListener,
    select,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    config::Config,
    connection::{Connection, Trouble},
    listen::{Listener, Stream},
    metrics,
    service::Service,
};

/// How long requests that are being answered may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(10);
/// Before the next try to take a connection, if that fails (for want of descriptors, say).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Descriptors beside those of connections: sockets to resolvers, files.
const OTHER_FILES: u64 = 512;

/// Serves until SIGTERM or SIGINT. `sockets` are those that systemd gave.
pub(crate) async fn run(config: Config, mut sockets: ListenFd) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    raise_file_limit(config.limits.connections as u64 + OTHER_FILES);
    let listeners = bind(&config, &mut sockets).await?;
    let metrics_listener = match config.metrics_listen {
        Some(addr) => {
            let bound = TcpListener::bind(addr).await;
            Some(bound.with_context(|| format!("metrics-listen: can't listen on {addr}"))?)
        }
        None => None,
    };
    let service = Arc::new(Service::start(config)?);
    let mut ready = listeners.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    if let Some(listener) = metrics_listener {
        ready += &format!(" metrics={}", listener.local_addr()?);
        tokio::spawn(metrics::serve(listener, service.metrics()));
    }
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(service.limits().connections));
    for listener in listeners {
        let accept =
            accept(listener, service.clone(), places.clone(), connections.clone(), stop.clone());
        tokio::spawn(accept);
    }
    eprintln!("dnsbl policy: ready listen={ready}");
    notify(&NotifyState::Ready);
    until_signal().await?;
    notify(&NotifyState::Stopping);
    stop.cancel();
    connections.close();
    if timeout(DRAIN, connections.wait()).await.is_err() {
        tracing::warn!("some requests were not answered before the end");
    }
    Ok(())
}

async fn bind(config: &Config, sockets: &mut ListenFd) -> anyhow::Result<Vec<Listener>> {
    let inherited = Listener::inherited(sockets)?;
    if !inherited.is_empty() {
        return Ok(inherited);
    }
    let mut listeners = Vec::new();
    for listen in &config.listen {
        listeners.push(listen.bind().await?);
    }
    Ok(listeners)
}

/// Takes connections while there are places; with none left, a silent one is asked to leave.
async fn accept(
    listener: Listener,
    service: Arc<Service>,
    places: Arc<Semaphore>,
    connections: TaskTracker,
    stop: CancellationToken,
) {
    loop {
        let accepted = select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(err) => {
                tracing::warn!(%err, %listener, "can't take a connection");
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if places.available_permits() == 0 {
            service.make_room();
        }
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let (service, stop) = (service.clone(), stop.clone());
        connections.spawn(async move {
            serve(stream, &service, &stop).await;
            drop(place);
        });
    }
}

async fn serve(stream: Box<dyn Stream>, service: &Service, stop: &CancellationToken) {
    let metrics = service.metrics();
    metrics.connections.inc();
    let ended = Connection::new(stream, service).serve(stop).await;
    metrics.connections.dec();
    match ended {
        Ok(()) => {}
        Err(Trouble::Malformed(err)) => {
            metrics.malformed.inc();
            tracing::warn!(%err, "closed a connection: what came was no request");
        }
        Err(err) => tracing::debug!(%err, "a connection broke"),
    }
}

async fn until_signal() -> anyhow::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}

/// systemd gives a process 1,024 descriptors but lets it take more.
fn raise_file_limit(wanted: u64) {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    let target = wanted.min(limit.maximum.unwrap_or(u64::MAX));
    if current < target {
        let raised = Rlimit { current: Some(target), maximum: limit.maximum };
        if let Err(err) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%err, wanted, "can't raise the limit of open files");
        }
    }
    if target < wanted {
        tracing::warn!(
            wanted,
            allowed = target,
            "the limit of open files allows fewer connections"
        );
    }
}

/// Without systemd nobody listens, which is no error.
fn notify(state: &NotifyState<'_>) {
    if let Err(err) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::debug!(%err, "systemd does not listen");
    }
}
