//! Starting, serving, stopping.

use std::{
    os::unix::net::UnixStream,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use ::relay_tester::service::AtWork;
use admin_api::{Api, Limits, Listener};
use anyhow::Context;
use dnsbl_index::Index;
use dnsbl_store::Store;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, HttpListen, commands, config,
    dns::{self, Counters, Sockets},
    follower::IndexFollower,
    host::Host,
    maintenance,
    metrics::Metrics,
    relay_tester,
};

/// How long requests and slow clients may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until SIGTERM or SIGINT, drains, and returns.
pub fn run(config: Config) -> anyhow::Result<()> {
    start_logging(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("starting the runtime")?.block_on(serve(config))
}

fn start_logging(log: &config::Log) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(&log.filter).context("log.filter")?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    if log.json {
        subscriber.json().init()
    } else {
        subscriber.init()
    }
    Ok(())
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    // A write beyond a limit on file sizes shall fail like one on a full disk, not end the process.
    let _file_size = signal(SignalKind::from_raw(libc::SIGXFSZ))?;
    // A signal that comes meanwhile is seen below: a start that is cut off would leave threads behind.
    let mut running = Running::start(&config).await?;
    announce(&running);
    let ended = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        ended = &mut running.http => Err(anyhow::anyhow!("the HTTP face ended: {ended:?}")),
    };
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    running.stop().await;
    ended
}

/// The one line on standard error that says that everything answers.
fn announce(running: &Running) {
    let receiver = running.tester.as_ref();
    let receiver =
        receiver.map(|tester| format!(" receiver={}", tester.receiver())).unwrap_or_default();
    eprintln!(
        "dnsbl-server: ready dns={} http={}{receiver}",
        running.dns_addresses, running.http_address
    );
    // Nobody listens where systemd did not start us.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}

/// A server with both faces up.
struct Running {
    store: Store,
    dns: dns::Server,
    dns_addresses: String,
    http: JoinHandle<std::io::Result<()>>,
    http_address: String,
    tester: Option<AtWork>,
    stop: CancellationToken,
}

impl Running {
    async fn start(config: &Config) -> anyhow::Result<Self> {
        let sockets = Sockets::bind(&config.dns)?;
        let dns_addresses = dns::join(&sockets.addresses);
        let (listener, http_address) = listen(&config.http.listen).await?;

        let metrics = Arc::new(Metrics::new()?);
        let counters = Counters::new(sockets.count_workers())?;
        metrics.registry().register(Box::new(counters.clone()))?;
        let index = Arc::new(Index::default());
        let service = dns::Service {
            index: index.clone(),
            counters: counters.clone(),
            version: config.dns.version.clone(),
            identity: config.dns.identity.clone(),
        };
        let dns =
            dns::Server::start(sockets, service, &config.dns).context("starting the DNS face")?;

        let store = match open(config).await {
            Ok(store) => store,
            Err(err) => {
                dns.stop(Duration::ZERO).await;
                return Err(err);
            }
        };
        let tester = match relay_tester::build(config, &store, metrics.registry()) {
            Ok(tester) => tester,
            Err(err) => {
                dns.stop(Duration::ZERO).await;
                return Err(err);
            }
        };
        let (head_sender, head) = watch::channel(0);
        let serving = Arc::new(OnceLock::new());
        let visible = metrics.commit_to_visible.clone();
        let host =
            Host { metrics, index: index.clone(), store: store.clone(), serving: serving.clone() };
        let api = Api {
            store: store.clone(),
            index: index.clone(),
            head,
            host: Arc::new(host),
            limits: limits(&config.http),
            tester: tester.clone(),
        };
        let stop = CancellationToken::new();
        let http = tokio::spawn(admin_api::serve(listener, api, stop.clone()));

        let mut running =
            Self { store, dns, dns_addresses, http, http_address, tester: None, stop };
        let follower = IndexFollower::new(index, counters, head_sender, visible);
        if let Err(err) = load(&running.store, follower, config).await {
            running.stop().await;
            return Err(err);
        }
        if let Some(tester) = tester {
            match tester.start(running.stop.clone()).await {
                Ok(at_work) => running.tester = Some(at_work),
                Err(err) => {
                    running.stop().await;
                    return Err(err).context("starting the relay tester");
                }
            }
        }
        let (store, stop) = (running.store.clone(), running.stop.clone());
        tokio::spawn(maintenance::run(store, config.change_log, stop));
        // Nobody else sets it.
        let _ = serving.set(());
        Ok(running)
    }

    /// Stops accepting, answers what is in, and closes the store.
    async fn stop(self) {
        self.stop.cancel();
        if !self.http.is_finished() && tokio::time::timeout(GRACE, self.http).await.is_err() {
            tracing::warn!("some HTTP requests did not end in time");
        }
        if let Some(tester) = self.tester {
            tester.stopped().await;
        }
        self.dns.stop(GRACE).await;
        // Writes that were queued are finished and synced.
        let _ = spawn_blocking(move || self.store.close()).await;
    }
}

async fn open(config: &Config) -> anyhow::Result<Store> {
    let dir = config.store_dir();
    Ok(spawn_blocking(move || Store::open(&dir)).await??)
}

/// Reads the store into the index, and starts the writer.
async fn load(store: &Store, mut follower: IndexFollower, config: &Config) -> anyhow::Result<()> {
    let (store, token_file) = (store.clone(), config.token_file());
    spawn_blocking(move || -> anyhow::Result<()> {
        store.load(&mut follower)?;
        store.start(Box::new(follower))?;
        commands::ensure_token(&store, &token_file)
    })
    .await?
}

fn limits(http: &config::Http) -> Limits {
    Limits {
        body_bytes: http.body_limit,
        import_bytes: http.import_limit,
        metrics_open: http.open_metrics,
        openapi_open: http.open_metrics,
        hosts: http.hosts.clone(),
        proxies: http.proxies.clone(),
        ..Limits::default()
    }
}

async fn listen(at: &HttpListen) -> anyhow::Result<(Listener, String)> {
    let context = || format!("http.listen: can't listen on {at}");
    match at {
        HttpListen::Tcp(addr) => {
            if !addr.ip().is_loopback() {
                tracing::warn!(%addr, "the admin API has no TLS: put a proxy in front of it that has");
            }
            let listener = tokio::net::TcpListener::bind(addr).await.with_context(context)?;
            let bound = listener.local_addr().with_context(context)?;
            Ok((Listener::Tcp(listener), bound.to_string()))
        }
        HttpListen::Unix(path) => {
            remove_stale(path).with_context(context)?;
            let listener = tokio::net::UnixListener::bind(path).with_context(context)?;
            Ok((Listener::Unix(listener), at.to_string()))
        }
    }
}

/// Removes the socket that a server left which was killed; one that somebody answers on stays.
fn remove_stale(path: &Path) -> std::io::Result<()> {
    match UnixStream::connect(path) {
        Err(err) if err.kind() == std::io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path)
        }
        _ => Ok(()),
    }
}
