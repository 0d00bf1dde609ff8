//! Starts the parts of a server in their order, waits for the signal to stop, and stops them in the reverse order.

use crate::addresses::Addresses;
use crate::announce;
use crate::auth::brief_token::{Audience, BriefVerifier};
use crate::auth::hasher::HasherPool;
use crate::auth::secret;
use crate::auth::tokens::{KeyFiles, TokenVerifier};
use crate::commit::CommitThread;
use crate::config::{Config, Durability, RetentionDefault};
use crate::descriptors::{self, Division};
use crate::disk_space::FreeSpace;
use crate::edge::Edge;
use crate::edge::certificate::{CertificateFiles, TlsServer};
use crate::edge::http::Site;
use crate::edge::trusted::Trusted;
use crate::file_watch::FileWatch;
use crate::listener::{self, Bound};
use crate::mailbox::Mailbox;
use crate::metrics::{Exporter, NodeMetrics, StoreMetrics, show_limits};
use crate::node::{Node, Phase};
use crate::probes::{Health, Probes, Sources};
use crate::readers::ReaderPool;
use crate::shard::{self, Envelope, Parts};
use anyhow::Context as _;
use hubbub_core::bucket::Rate;
use hubbub_core::ids::{PartitionId, ShardId};
use hubbub_core::records::Retention;
use hubbub_core::settings::{RetentionSettings, Settings, UserRates};
use hubbub_core::slots::SlotTable;
use hubbub_store::commit_log::Local;
use hubbub_store::{Options, Store, Sync};
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

/// How often the shards are asked whether they are done, during a stop.
const QUIET_POLL: Duration = Duration::from_millis(5);
/// So many times in a row nobody must have anything left: what one shard hands to another takes a moment to be seen.
const QUIET_POLLS: u32 = 4;

/// Runs until the process is told to stop.
///
/// # Errors
/// Something cannot be started: an address is taken, the store cannot be opened, the secret cannot be read.
pub fn run(config: Config) -> anyhow::Result<()> {
    #[cfg(feature = "planted-faults")]
    crate::planted::begin()?;
    // First of all, so that a stop that is asked for while the server starts is an orderly one, too.
    let signals = Signals::listen()?;
    std::fs::create_dir_all(&config.data_dir).with_context(|| format!("data_dir {}", config.data_dir.display()))?;
    let (verifier, keys) = token_verifier(&config)?;
    let trunk_verifier = trunk_verifier(&config)?;
    let (tls, certificates) = tls_server(&config)?.unzip();
    let limit = descriptors::raise_limit().context("the limit of open files is not known")?;
    let division = Division::new(&config, limit)?;
    announce::starting(&config, &division);

    // First, so that a server that cannot have its address does not touch the store of the one that has it.
    let bound = bind(&config)?;
    let store = open_store(&config, &division)?;
    let disk = Arc::new(FreeSpace::new(&config.data_dir, config.storage.free_bytes_min)?);
    let shards = config.shards_count();
    let mailboxes: Vec<_> =
        (0..shards).map(|_| Arc::new(Mailbox::new(shards, shard::lane_messages_max(shards)))).collect();
    let probes = start_probes(&config, &store, &disk, &mailboxes)?;
    tls.iter().for_each(|tls| tls.publish());
    show_limits(&config, &division);

    let (connections, strangers) = (division.connections, division.connections_unauthenticated);
    let edge = edge(&config, tls)?;
    let node =
        Arc::new(Node::new(config.clone(), verifier, trunk_verifier, edge, disk, mailboxes, connections, strangers));
    let addresses = listener::addresses(&bound)?;
    let workers = start_workers(&node, &store, bound)?;
    announce::ready(&config, &addresses, probes.address()).context("addresses.json cannot be written")?;
    probes.set_health(Health::Ready);

    signals.wait();
    probes.set_health(Health::Stopping);
    announce::gone(&config);
    workers.stop(&node);
    keys.stop();
    certificates.into_iter().for_each(FileWatch::stop);
    store.close().context("the store could not be closed cleanly; nothing acknowledged is lost")?;
    probes.stop();
    #[cfg(feature = "planted-faults")]
    crate::planted::end();
    info!("stopped");
    Ok(())
}

/// Binds all listeners of clients, each for every shard.
fn bind(config: &Config) -> anyhow::Result<Vec<Bound>> {
    let one = |(key, address, transport)| {
        let sockets = listener::bind(address, config.shards_count()).with_context(|| in_use(key, address))?;
        Ok(Bound { transport, sockets })
    };
    config.listeners().into_iter().map(one).collect()
}

fn edge(config: &Config, tls: Option<Arc<TlsServer>>) -> anyhow::Result<Edge> {
    let trusted = Trusted::parse(&config.proxy.trusted);
    let trusted = trusted.map_err(|(text, why)| anyhow::anyhow!("proxy.trusted = [\"{text}\"]: {why}"))?;
    let site = Site { page: config.http.page, origins: config.http.origins.clone() };
    let addresses = Addresses::new(config.limits.connections_per_address_max);
    Ok(Edge { tls, site, trusted, addresses })
}

fn in_use(key: &str, address: SocketAddr) -> String {
    format!("{key} = {address} cannot be bound: stop what listens there, or choose another address")
}

fn token_verifier(config: &Config) -> anyhow::Result<(Arc<TokenVerifier>, FileWatch)> {
    if let Some(path) = config.token_secret_path() {
        let generated = config.auth.token_secret_file.is_none();
        let created = generated && make_secret(&path)?;
        announce::token_secret(config, &path, created);
    }
    let mut files = KeyFiles::new(config);
    let verifier = files.load(&config.auth).map_err(|error| anyhow::anyhow!("{} = {error}", error.key))?;
    let watched = verifier.clone();
    let watch = FileWatch::start("token-keys", move || files.refresh(&watched))?;
    Ok((verifier, watch))
}

/// What TLS listeners need, and the thread that looks after its files, if there are any.
fn tls_server(config: &Config) -> anyhow::Result<Option<(Arc<TlsServer>, FileWatch)>> {
    let Some(mut files) = CertificateFiles::new(&config.tls) else { return Ok(None) };
    let server = Arc::new(files.load().map_err(|fault| anyhow::anyhow!("{} = {fault}", fault.key))?);
    let watched = server.clone();
    let watch = FileWatch::start("certificate", move || files.refresh(&watched))?;
    Ok(Some((server, watch)))
}

/// For gateways, if there may be any.
fn trunk_verifier(config: &Config) -> anyhow::Result<Option<BriefVerifier>> {
    let Some(path) = &config.trunk.secret_file else { return Ok(None) };
    let secret = secret::load(path)
        .map_err(|error| anyhow::anyhow!("trunk.secret_file = {}: {}", path.display(), error.advice()))?;
    info!("trunks of gateways are taken; their tokens are signed with the secret in {}", path.display());
    Ok(Some(BriefVerifier::new(&secret, Audience::Trunk)))
}

/// Makes the secret file if it is not there; whether it was made.
fn make_secret(path: &Path) -> anyhow::Result<bool> {
    let loaded = secret::load_or_create(path);
    loaded
        .map(|(_, created)| created)
        .map_err(|error| anyhow::anyhow!("token secret {}: {}", path.display(), error.advice()))
}

fn open_store(config: &Config, division: &Division) -> anyhow::Result<Store> {
    let files_max = u32::try_from(division.store_files).unwrap_or(u32::MAX);
    Store::open(store_options(config, files_max)).context("the store cannot be opened")
}

/// Where the store lies.
pub(crate) fn store_path(config: &Config) -> PathBuf {
    config.data_dir.join("store")
}

/// What the store is opened with; it keeps at most so many files open.
pub(crate) fn store_options(config: &Config, files_max: u32) -> Options {
    Options {
        durability: match config.durability {
            Durability::Fsync => hubbub_store::Durability::Fsync,
            Durability::Os => hubbub_store::Durability::Os,
            Durability::None => hubbub_store::Durability::None,
        },
        // Validated to be at most 256.
        partitions: config.storage.partitions as u16,
        files_max,
        cache_bytes: config.storage.cache_bytes,
        write_buffer_bytes: config.storage.write_buffer_bytes,
        ..Options::new(store_path(config))
    }
}

fn start_probes(
    config: &Config,
    store: &Store,
    disk: &Arc<FreeSpace>,
    mailboxes: &[Arc<Mailbox<Envelope>>],
) -> anyhow::Result<Probes> {
    let exporter = Exporter::install()?;
    let (store, store_metrics) = (store.clone(), StoreMetrics::register());
    let bells: Vec<_> = mailboxes.iter().map(|mailbox| mailbox.bell().clone()).collect();
    let sources = Sources {
        exporter,
        node: NodeMetrics::register(config),
        disk: disk.clone(),
        each_second: Box::new(move || store_metrics.set(&store.sizes())),
        before_scrape: Box::new(move |node| node.set_mailbox_ages(bells.iter().map(|bell| bell.waiting()))),
    };
    Probes::start(config.metrics_listen, sources).with_context(|| in_use("metrics_listen", config.metrics_listen))
}

/// The threads that serve clients.
struct Workers {
    shards: Vec<JoinHandle<()>>,
    commit: CommitThread,
    readers: ReaderPool,
    hashers: HasherPool,
}

fn start_workers(node: &Arc<Node>, store: &Store, bound: Vec<Bound>) -> anyhow::Result<Workers> {
    let config = &node.config;
    let bells = || node.mailboxes.iter().map(|mailbox| mailbox.bell().clone()).collect::<Vec<_>>();
    let sync = if config.durability == Durability::Fsync { Sync::Yes } else { Sync::No };
    let log = Local::new(store.clone(), sync);
    let (commit, committers) = CommitThread::start(log.clone(), sync, bells())?;
    let (readers, pool) = ReaderPool::start(store, config.readers.threads, config.readers.queue_max, bells())?;
    let (hashers, hasher_ends) = HasherPool::start(config.auth.hash_threads, config.auth.hash_queue_max, bells())?;

    let slots = SlotTable::from_slots(store.slots(), u16::try_from(config.shards_count())?);
    let states: Vec<_> = (0..slots.partitions()).map(|p| store.partition_state(PartitionId(p))).collect();
    let settings = settings(config, store);
    let mut shards = Vec::new();
    let ends = listener::by_shard(bound, config.shards_count()).into_iter().zip(committers).zip(pool).zip(hasher_ends);
    for (id, (((listeners, committer), reader), hasher)) in ends.enumerate() {
        let shard = ShardId(u16::try_from(id)?);
        let own = (0..slots.partitions()).map(PartitionId).filter(|partition| slots.shard_of(*partition) == shard);
        let outbox = own.map(|partition| Ok((partition, store.outbox(partition)?)));
        let parts = Parts {
            id,
            listeners,
            core: hubbub_core::Shard::new(shard, settings.clone(), slots.clone(), &states),
            slots: slots.clone(),
            outbox: outbox.collect::<Result<_, hubbub_store::ReadError>>()?,
            store: store.clone(),
            log: log.clone(),
            committer,
            reader,
            hasher,
            node: node.clone(),
        };
        let thread = std::thread::Builder::new().name(format!("shard-{id}")).spawn(move || {
            shard::run(parts).expect("a shard's runtime and listener are sound");
        })?;
        shards.push(thread);
    }
    Ok(Workers { shards, commit, readers, hashers })
}

fn settings(config: &Config, store: &Store) -> Settings {
    /// What a frame of entries holds besides them.
    const FRAME_OVERHEAD: usize = 1_024;
    let defaults = Settings::default();
    Settings {
        create_users: config.auth.create_users,
        devices_per_user_max: config.limits.devices_per_user_max as usize,
        session_token_ms: u64::from(config.auth.session_token_days) * 24 * 3_600_000,
        group_members_max: config.limits.group_members_max as usize,
        sync_entries_max: u64::from(config.sync.entries_max),
        page_bytes_max: defaults.page_bytes_max.min(config.limits.frame_bytes_max - FRAME_OVERHEAD),
        dedup_entries_max: u64::from(config.dedup.entries_max),
        dedup_age_max_ms: u64::from(config.dedup.age_max_days) * 24 * 3_600_000,
        presence_timeout_ms: config.presence.timeout_ms,
        presence_grace_ms: config.presence.grace_ms,
        presence_interval_ms: config.presence.interval_ms,
        watched_users_max: config.limits.watched_users_max as usize,
        blocked_users_max: defaults.blocked_users_max.min(config.limits.frame_bytes_max / 8 - 8),
        ring_timeout_ms: config.calls.ring_timeout_ms,
        user_rates: user_rates(config),
        summary_pushes_per_second: config.receipts.pushes_per_second,
        edit_age_max_ms: config.messages.edit_age_max_s * 1_000,
        revoke_age_max_ms: config.messages.revoke_age_max_s * 1_000,
        retention: retention(config, defaults.retention),
        pending_bytes_max: config.commit.pending_bytes_max,
        group_seed: store.node_id().0,
        log_epoch: store.log_epoch(),
        ..defaults
    }
}

fn user_rates(config: &Config) -> UserRates {
    let (limits, dedup) = (&config.limits, &config.dedup);
    let per_second = |units: u32, burst: u32| Rate::per_second(units.into(), burst.into());
    UserRates {
        messages: per_second(limits.user_messages_per_second, limits.user_messages_burst),
        bytes: Rate::per_second(limits.user_bytes_per_second, limits.user_bytes_burst),
        group_operations: Rate::per_minute(
            limits.user_group_operations_per_minute.into(),
            limits.user_group_operations_burst.into(),
        ),
        searches: per_second(dedup.searches_per_second, dedup.searches_burst),
    }
}

fn retention(config: &Config, defaults: RetentionSettings) -> RetentionSettings {
    const DAY_S: u32 = 24 * 3_600;
    let retention = &config.retention;
    RetentionSettings {
        default: match retention.default {
            RetentionDefault::Forever => Retention::Forever,
            RetentionDefault::Ttl => Retention::Ttl { seconds: retention.ttl_days * DAY_S },
            RetentionDefault::UntilDelivered => Retention::UntilDelivered,
        },
        drop_entries_min: retention.drop_entries_min.into(),
        device_age_max_ms: u64::from(retention.device_days) * u64::from(DAY_S) * 1_000,
        ..defaults
    }
}

/// The signals that ask for an orderly stop.
struct Signals {
    runtime: tokio::runtime::Runtime,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they no longer end the process by themselves.
    fn listen() -> std::io::Result<Signals> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (terminate, interrupt) = {
            let _inside = runtime.enter();
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
        };
        Ok(Signals { runtime, terminate, interrupt })
    }

    /// Waits for one, which may have come already.
    fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.terminate.recv() => info!("told to stop (SIGTERM)"),
                _ = self.interrupt.recv() => info!("told to stop (SIGINT)"),
            }
        });
    }
}

impl Workers {
    /// Lets the shards finish what they have read, tell their clients, and end.
    fn stop(self, node: &Node) {
        let deadline = Instant::now() + Duration::from_millis(node.config.shutdown.grace_ms);
        node.enter(Phase::Finishing);
        let mut quiet = 0;
        while quiet < QUIET_POLLS && Instant::now() < deadline {
            std::thread::sleep(QUIET_POLL);
            node.mailboxes.iter().for_each(|mailbox| mailbox.bell().ring());
            quiet = if node.is_quiet() { quiet + 1 } else { 0 };
        }
        node.enter(Phase::Leaving);
        for shard in self.shards {
            let _ = shard.join(); // A panic there has already ended the process.
        }
        self.commit.join();
        self.readers.join();
        self.hashers.join();
    }
}
