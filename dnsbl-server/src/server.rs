//! Starting, serving, stopping.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use ::relay_tester::service::RunningTester;
use admin_api::{Api, ReloadError, Reloaded};
use anyhow::Context;
use dnsbl_daemon::{
    Listen, Listener, Signal, Signals, Tls, TlsFiles, descriptors, file_access, log::Log,
};
use dnsbl_index::{Index, IndexObserver, IndexWriter, IndexedSubscriber, ZoneNumber};
use dnsbl_logins::RunningLogins;
use dnsbl_removals::{Review, RunningRemovals};
use dnsbl_reports::RunningReports;
use dnsbl_rights::Tokens;
use dnsbl_store::Store;
use dnsbl_types::{Clock, Name, UnixTime};
use dnsbl_web::{Console, OperatorFiles, Site};
use dnsbl_webhooks::Webhooks;
use prometheus::Histogram;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, spawn_blocking},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Config, commands, config,
    dns::{self, Counters, LiveService, Sampler, Sockets},
    feeds,
    figures::{FiguresKeeper, RunningFigures},
    host::Host,
    limits::limits,
    logins::{self, DracService},
    maintenance,
    metrics::Metrics,
    protection,
    query_log::{self, QueryLog},
    relay_tester,
    reload::{Document, LiveParts, ReloadRequest, Reloader},
    removals, reports, tls,
    top::{self, TopCounters},
    usage::{Replaced, RunningUsage, UsageKeeper, UsageMetrics},
    webhooks,
};

/// How long requests and slow clients may take once the server is told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// Open files that no connection may use up: 512 tables of the store with its logs, an import's files, what
/// relay tests open, and the sockets themselves.
const RESERVED_FILES: u64 = 768;
/// Connections that a listener can take however few open files there may be.
const FEWEST_CONNECTIONS: usize = 16;
/// Reloads that wait.
const RELOADS: usize = 4;

/// Serves what a configuration file says until SIGTERM or SIGINT, drains, and returns.
///
/// # Errors
/// The file is bad, or what it asks for can't be had.
pub fn run(file: &Path) -> anyhow::Result<()> {
    let document = Document::load(file)?;
    let config = document.config.clone();
    let log = Log::start(&config.log.filter, config.log.json);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let reloader = Reloader::new(file.into(), document, log);
    runtime.context("starting the runtime")?.block_on(serve(config, reloader))
}

async fn serve(mut config: Config, mut reloader: Reloader) -> anyhow::Result<()> {
    // A signal that comes meanwhile is seen below: a start that is cut off would leave threads behind.
    let mut signals = Signals::listen()?;
    let began = Instant::now();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "starting");
    divide_open_files(&mut config);
    let (reloads, mut asked) = mpsc::channel(RELOADS);
    let mut running = Running::start(&config, reloads).await?;
    let zones = running.index.load().zones().count();
    let (listings, ms) = (running.listings, began.elapsed().as_millis() as u64);
    tracing::info!(version = env!("CARGO_PKG_VERSION"), zones, listings, ms, "serving");
    announce(&running, reloader.log());
    let ended = loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop => break Ok(()),
                // What became of it has been told.
                Signal::Reload => drop(running.reload(&mut reloader, "SIGHUP")),
            },
            Some(ReloadRequest { by, reply }) = asked.recv() => {
                // Whoever asked may be gone.
                let _ = reply.send(running.reload(&mut reloader, &by));
            }
            ended = &mut running.http => {
                break Err(anyhow::anyhow!("the HTTP face ended: {ended:?}"));
            }
            ended = &mut running.web => {
                break Err(anyhow::anyhow!("the pages ended: {ended:?}"));
            }
        }
    };
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    let draining = Instant::now();
    // Whoever asks for a reload now is told that it is too late.
    drop(asked);
    tracing::info!("stopping: no more connections; what is under way is finished");
    running.stop().await;
    tracing::info!(ms = draining.elapsed().as_millis() as u64, "stopped");
    ended
}

/// The one line on standard error that says that everything answers.
fn announce(running: &Running, log: &Log) {
    let receiver = running.tester.as_ref();
    let receiver =
        receiver.map(|tester| format!(" receiver={}", tester.receiver())).unwrap_or_default();
    let drac = running.drac.as_ref();
    let drac = drac.map(|drac| format!(" drac={}", drac.addr())).unwrap_or_default();
    let web = running.web_address.as_ref();
    let web = web.map(|address| format!(" web={address}")).unwrap_or_default();
    log.announce(&format!(
        "dnsbl-server: ready dns={} http={}{receiver}{drac}{web}",
        running.dns_addresses, running.http_address
    ));
    // Nobody listens where systemd did not start us.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
}

/// Raises the limit of open files, and gives connections what is left beside the reserve: a store that can't
/// open a file takes no writes until the next start.
fn divide_open_files(config: &mut Config) {
    let sockets = config.dns.listen.len() * (config.dns.threads + 1);
    let reserve = RESERVED_FILES + sockets as u64;
    let mut no_pages = 0;
    let (dns, http) = (&mut config.dns.tcp_connections, &mut config.http.connections);
    let web = config.web.as_mut().map(|web| &mut web.settings.limits.connections);
    let web = web.unwrap_or(&mut no_pages);
    let connections = *dns + *http + *web;
    let allowed = descriptors::raise(reserve + connections as u64);
    let mut shares = [&mut *dns, &mut *http, &mut *web];
    if descriptors::share(allowed, reserve, FEWEST_CONNECTIONS, &mut shares) {
        tracing::warn!(
            allowed,
            tcp_connections = *dns,
            http_connections = *http,
            web_connections = *web,
            "the limit of open files allows fewer connections than are configured"
        );
    }
}

/// A server with both faces up.
struct Running {
    store: Store,
    index: Arc<Index>,
    /// How many listings and exclusions the store had.
    listings: u64,
    dns: dns::Server,
    dns_addresses: String,
    live: LiveParts,
    query_log: Option<QueryLog>,
    usage: Option<RunningUsage>,
    figures: Option<RunningFigures>,
    http: JoinHandle<std::io::Result<()>>,
    http_address: String,
    /// Never ends by itself where there are no pages.
    web: JoinHandle<()>,
    web_address: Option<String>,
    tester: Option<RunningTester>,
    logins: Option<RunningLogins>,
    reports: Option<RunningReports>,
    removals: Option<RunningRemovals>,
    drac: Option<DracService>,
    webhooks: Arc<Webhooks>,
    stop: CancellationToken,
}

impl Running {
    async fn start(config: &Config, reloads: mpsc::Sender<ReloadRequest>) -> anyhow::Result<Self> {
        let sockets = Sockets::bind(&config.dns)?;
        let dns_addresses = dns::join(&sockets.addresses);
        let (listener, tls, http_address) = listen(&config.http).await?;
        let web_listener = match &config.web {
            None => None,
            Some(web) => Some(web.listen.bind(web.access).await.context("web.listen")?),
        };
        let files = config.web.as_ref().map(|web| OperatorFiles::read(&web.settings)).transpose();
        let files = files.context("[web]")?;
        let web_address = web_listener.as_ref().map(Listener::to_string);

        let metrics = Arc::new(Metrics::new()?);
        let counters = Counters::new(sockets.count_workers())?;
        metrics.registry().register(Box::new(counters.clone()))?;
        let usage_metrics = UsageMetrics::new(metrics.registry())?;
        let index = Arc::new(Index::default());
        let (protection, rate_limits) = protection::build(&config.dns, metrics.registry())?;
        let access = Arc::new(protection::access(&config.dns));
        let seed = u128::from_ne_bytes(protection::random()?) as u64;
        let form_key = protection::random()?;
        let (sampler, samples) = Sampler::counting(seed);
        let lost = query_log::lost_counter(metrics.registry())?;
        let (sampler, query_log) = match &config.dns.query_log {
            None => (sampler, None),
            Some(settings) => {
                let (sampler, outlet) = sampler.logging(settings.sample, seed);
                let log = QueryLog::start(settings, outlet, index.clone(), lost)?;
                (sampler, Some(log))
            }
        };
        let service = dns::Service {
            index: index.clone(),
            counters: counters.clone(),
            access: access.clone(),
            protection,
            sampler,
            version: config.dns.version.clone(),
            identity: config.dns.identity.clone(),
        };
        let service = LiveService::new(service);
        let dns =
            dns::Server::start(sockets, &service, &config.dns).context("starting the DNS face")?;

        let (store, clock) = match open(config).await {
            Ok(opened) => opened,
            Err(err) => {
                dns.stop(Duration::ZERO).await;
                return Err(err);
            }
        };
        let shown = metrics.show_state(store.clone(), index.clone(), clock.clone());
        let built = shown.map_err(Into::into).and_then(|()| {
            let registry = metrics.registry();
            let tester = relay_tester::build(config, &store, registry)?;
            let reports = reports::build(config, &store, &index, tester.as_ref(), registry)?;
            let removals = removals::build(config, &store, &index, tester.as_ref(), registry)?;
            let logins = logins::build(config, &store, &index, registry)?;
            anyhow::Ok((tester, logins, reports, removals))
        });
        let (
            tester,
            (logins, start_logins, login_secrets),
            (reports, start_reports),
            (removals, start_removals),
        ) = match built {
            Ok(built) => built,
            Err(err) => {
                dns.stop(Duration::ZERO).await;
                return Err(err);
            }
        };
        let counted = TopCounters::default();
        let (head_tx, head) = watch::channel(0);
        let serving = Arc::new(OnceLock::new());
        let commit_to_visible = metrics.commit_to_visible.clone();
        let registry = metrics.registry().clone();
        let host = Host {
            metrics,
            store: store.clone(),
            clock: clock.clone(),
            top: counted.clone(),
            serving: serving.clone(),
            reloads,
        };
        let host = Arc::new(host);
        let feeds = match feeds::build(config, &store, host.clone(), &registry) {
            Ok(built) => built,
            Err(err) => {
                dns.stop(Duration::ZERO).await;
                return Err(err);
            }
        };
        let webhooks = match webhooks::build(config, &store, head.clone(), &registry) {
            Ok(built) => built,
            Err(err) => {
                dns.stop(Duration::ZERO).await;
                return Err(err);
            }
        };
        let limits = Arc::new(limits(config).into());
        let tokens = Tokens::new(store.clone());
        let review = Arc::new(Review::new(store.clone(), removals.clone(), reports.clone()));
        let anonymous = tester.as_ref().filter(|tester| tester.settings().anonymous.is_some());
        let site = config.web.as_ref().zip(files).map(|(web, files)| Site {
            store: store.read_only(),
            index: index.clone(),
            tester: tester.as_ref().map(|tester| tester.reader()),
            nominations: anonymous.cloned(),
            removals: web.settings.takes_removals.then(|| removals.clone()),
            form_key,
            files,
            host: host.clone(),
            settings: web.settings.clone(),
            console: web.admin_from.clone().map(|from| Console {
                tokens: tokens.clone(),
                feeds: feeds.clone(),
                reports: reports.clone(),
                removals: removals.clone(),
                review: review.clone(),
                tester: tester.clone(),
                from,
            }),
        });
        let api = Api {
            store: store.clone(),
            tokens,
            index: index.clone(),
            head,
            server: host,
            limits: Arc::clone(&limits),
            tester: tester.clone(),
            feeds: feeds.clone(),
            webhooks: webhooks.clone(),
            logins: logins.clone(),
            review,
            removals,
            reports,
            login_secrets,
        };
        let stop = CancellationToken::new();
        tokio::spawn(top::run(counted, samples, index.clone(), stop.clone()));
        if let Some(tls) = &tls {
            tokio::spawn(tls::follow(tls.clone(), stop.clone()));
        }
        let http = tokio::spawn(admin_api::serve(listener, tls.clone(), api, stop.clone()));
        let web = match web_listener.zip(site) {
            Some((listener, site)) => tokio::spawn(dnsbl_web::serve(listener, site, stop.clone())),
            None => tokio::spawn(stop.clone().cancelled_owned()),
        };
        let (change_log, kept_log) = watch::channel(config.change_log);

        let mut running = Self {
            store,
            index,
            listings: 0,
            dns,
            dns_addresses,
            live: LiveParts { service, rate_limits, limits, tls, feeds, change_log },
            query_log,
            usage: None,
            figures: None,
            http,
            http_address,
            web,
            web_address,
            tester: None,
            logins: None,
            reports: None,
            removals: None,
            drac: None,
            webhooks,
            stop,
        };
        let replaced = Replaced::default();
        let counted_queries = counters.clone();
        let visible = Visible {
            counters,
            replaced: replaced.clone(),
            usage: usage_metrics.clone(),
            head: head_tx,
            commit_to_visible,
        };
        let writer = IndexWriter::observed(running.index.clone(), visible);
        let usage = UsageKeeper::new(
            running.store.clone(),
            running.index.clone(),
            access,
            replaced,
            usage_metrics,
            config.dns.usage_days,
        );
        let figures = FiguresKeeper::new(running.store.clone(), counted_queries);
        match load(&running.store, writer, usage, config).await {
            Ok((listings, usage)) => {
                running.listings = listings;
                running.usage = Some(usage.start(clock.clone()));
                running.figures = Some(figures.start(clock.clone()));
            }
            Err(err) => {
                running.stop().await;
                return Err(err);
            }
        }
        warn_of_loose_permissions(config);
        match start_logins.run().await {
            Ok(at_work) => running.logins = Some(at_work),
            Err(err) => {
                running.stop().await;
                return Err(err).context("reading what logins have granted");
            }
        }
        match start_reports.run(clock.clone()).await {
            Ok(at_work) => running.reports = Some(at_work),
            Err(err) => {
                running.stop().await;
                return Err(err).context("reading the reports");
            }
        }
        match start_removals.run(clock.clone()).await {
            Ok(at_work) => running.removals = Some(at_work),
            Err(err) => {
                running.stop().await;
                return Err(err).context("reading the requests for removal");
            }
        }
        if let Some(drac) = &config.logins.drac {
            match DracService::start(drac, logins, running.stop.clone()).await {
                Ok(at_work) => running.drac = Some(at_work),
                Err(err) => {
                    running.stop().await;
                    return Err(err);
                }
            }
        }
        if let Some(tester) = tester {
            match tester.start(clock.clone(), running.stop.clone()).await {
                Ok(at_work) => running.tester = Some(at_work),
                Err(err) => {
                    running.stop().await;
                    return Err(err).context("starting the relay tester");
                }
            }
        }
        if let Err(err) = running.live.feeds.start().await {
            running.stop().await;
            return Err(err).context("reading the feeds");
        }
        if let Err(err) = running.webhooks.start().await {
            running.stop().await;
            return Err(err).context("reading the webhooks");
        }
        let (store, stop) = (running.store.clone(), running.stop.clone());
        tokio::spawn(maintenance::run(store, clock, kept_log, stop));
        // Nobody else sets it.
        let _ = serving.set(());
        Ok(running)
    }

    fn reload(&self, reloader: &mut Reloader, by: &str) -> Result<Reloaded, ReloadError> {
        reloader.reload(by, &self.live, self.query_log.as_ref())
    }

    /// Stops accepting, answers what is in, and closes the store.
    async fn stop(self) {
        self.stop.cancel();
        if !self.http.is_finished() && tokio::time::timeout(GRACE, self.http).await.is_err() {
            tracing::warn!("some HTTP requests did not end in time");
        }
        if !self.web.is_finished() && tokio::time::timeout(GRACE, self.web).await.is_err() {
            tracing::warn!("some visitors' requests did not end in time");
        }
        self.webhooks.stop().await;
        self.live.feeds.stop().await;
        if let Some(tester) = self.tester {
            tester.stopped().await;
        }
        if let Some(drac) = self.drac {
            drac.stopped().await;
        }
        if let Some(logins) = self.logins {
            logins.stop().await;
        }
        if let Some(reports) = self.reports {
            reports.stop().await;
        }
        if let Some(removals) = self.removals {
            removals.stop().await;
        }
        self.dns.stop(GRACE).await;
        // With it ends what hands out samples.
        drop(self.live);
        // What was asked until then is kept.
        if let Some(usage) = self.usage {
            usage.stop().await;
        }
        if let Some(figures) = self.figures {
            figures.stop().await;
        }
        if let Some(query_log) = self.query_log {
            let _ = spawn_blocking(move || query_log.stop()).await;
        }
        // Writes that were queued are finished and synced.
        let _ = spawn_blocking(move || self.store.close()).await;
    }
}

/// Opens the store, and compares the machine's clock with the last change there.
async fn open(config: &Config) -> anyhow::Result<(Store, Clock)> {
    let config = config.clone();
    let open = move || {
        let store = commands::open_store(&config)?;
        let reader = store.read(UnixTime::now());
        let last = reader.log_entry(reader.head()?)?;
        drop(reader);
        anyhow::Ok((store, Clock::watched(last.map(|entry| entry.at))))
    };
    spawn_blocking(open).await?
}

/// The observer of the index: it counts for new zones, remembers meters that were replaced, and wakes who waits for a change to be visible.
struct Visible {
    counters: Counters,
    replaced: Replaced,
    usage: UsageMetrics,
    /// The last change that is visible.
    head: watch::Sender<u64>,
    commit_to_visible: Histogram,
}

impl IndexObserver for Visible {
    fn zone_put(&mut self, number: ZoneNumber, origin: &Name) {
        self.counters.zone_put(number, origin);
        self.usage.show(origin);
    }

    fn zone_removed(&mut self, origin: &Name) {
        self.counters.zone_removed(origin);
        self.usage.forget(origin);
    }

    fn subscriber_replaced(&mut self, subscriber: IndexedSubscriber) {
        self.replaced.push(subscriber);
    }

    fn published(&mut self, seq: u64, committed: Instant) {
        self.commit_to_visible.observe(committed.elapsed().as_secs_f64());
        self.head.send_replace(seq);
    }
}

/// Reads the store into the index, puts back what is spent of quotas, and starts the store's writer; returns how many
/// listings and exclusions there are.
async fn load(
    store: &Store,
    mut index: IndexWriter<Visible>,
    mut usage: UsageKeeper,
    config: &Config,
) -> anyhow::Result<(u64, UsageKeeper)> {
    let (store, token_file) = (store.clone(), config.token_file());
    spawn_blocking(move || -> anyhow::Result<(u64, UsageKeeper)> {
        usage.restore_others(protection::random()?, UnixTime::now())?;
        store.load(&mut index)?;
        usage.restore_subscribers(UnixTime::now())?;
        store.start(Box::new(index))?;
        commands::ensure_token(&store, &token_file)?;
        let zones = store.read(UnixTime::now()).zones()?;
        Ok((zones.iter().map(|zone| zone.listings + zone.exclusions).sum(), usage))
    })
    .await?
}

async fn listen(http: &config::Http) -> anyhow::Result<(Listener, Option<Tls>, String)> {
    let tls = http.tls.as_ref().map(TlsFiles::read).transpose().context("http.tls")?;
    // Plain HTTP off this machine.
    if let Listen::Tcp(addr) = &http.listen
        && !addr.ip().is_loopback()
        && tls.is_none()
    {
        tracing::warn!(%addr, "the admin API has no TLS: set [http.tls], or put a proxy in front of it that has");
    }
    let listener = http.listen.bind(http.access).await.context("http.listen")?;
    let address = listener.to_string();
    Ok((listener, tls.map(Tls::new), address))
}

/// Says where others could change the data or read the secrets.
fn warn_of_loose_permissions(config: &Config) {
    file_access::warn_of_folder(&config.data_dir);
    file_access::warn_of_secret(&config.token_file());
    file_access::warn_of_secret(&config.relay_keys_file());
    let cookies = config.dns.cookies.iter().flat_map(|cookies| &cookies.secrets);
    let tls = config.http.tls.iter().map(|tls| &tls.key);
    config
        .logins
        .secrets
        .iter()
        .chain(cookies)
        .chain(tls)
        .for_each(|file| file_access::warn_of_secret(file));
}
