//! Every metric: its name, kind, unit and help.

use metrics::Unit;

/// What kind of number a metric is.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Only rises, in whole numbers.
    Counter,
    /// Only rises, in fractions. The recorder's counters are whole numbers, so it is recorded as a gauge, and its
    /// type is set right when it is rendered.
    FractionalCounter,
    /// Rises and falls.
    Gauge,
    /// A distribution, with the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

impl Kind {
    /// Its name in Prometheus' text format.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter | Kind::FractionalCounter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

/// One metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// What one of it is.
    pub unit: Unit,
    /// One sentence for people.
    pub help: &'static str,
}

/// Batches hold 1 to some thousand entries.
pub(super) const BATCH_BOUNDS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 2048.0, 4096.0];
/// A message goes to 1 to some thousand connections.
pub(super) const WIDTH_BOUNDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0];
/// From a write into the page cache (microseconds) to a disk in trouble (seconds).
pub(super) const SECONDS_BOUNDS: &[f64] =
    &[5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];

/// Makes a constant for each name, and the list of all.
macro_rules! metrics {
    ($( $const:ident: $kind:expr, $unit:ident, $name:literal, $help:literal; )*) => {
        $( #[doc = $help] pub(super) const $const: &str = $name; )*
        /// All metrics of the server.
        pub const METRICS: &[Metric] =
            &[ $( Metric { name: $name, kind: $kind, unit: Unit::$unit, help: $help } ),* ];
    };
}

metrics! {
    INFO: Kind::Gauge, Count, "hubbub_info", "Always 1; the labels say which server this is.";
    READY: Kind::Gauge, Count, "hubbub_ready", "1 while clients are served, as /healthz says; 0 while the server starts or stops.";
    CONNECTIONS: Kind::Gauge, Count, "hubbub_connections", "Open client connections.";
    TRANSPORT_CONNECTIONS: Kind::Gauge, Count, "hubbub_transport_connections", "Open client connections, by the kind of listener that they came by.";
    TLS_HANDSHAKES: Kind::Counter, Count, "hubbub_tls_handshakes_total", "TLS handshakes that succeeded, by outcome (full, or resumed by a ticket) and version.";
    TLS_FAILURES: Kind::Counter, Count, "hubbub_tls_failures_total", "TLS connections that failed, most of them in the handshake, by reason.";
    TLS_CERTIFICATE_UNTIL: Kind::Gauge, Seconds, "hubbub_tls_certificate_until_seconds", "Until when the TLS certificate is valid, in seconds since the Unix epoch.";
    HTTP_ANSWERS: Kind::Counter, Count, "hubbub_http_answers_total", "Answers to requests over HTTP at the listeners for browsers, by status.";
    UPGRADES_REFUSED: Kind::Counter, Count, "hubbub_upgrades_refused_total", "Requests at /ws that did not become a WebSocket, by reason.";
    WEBSOCKET_CLOSES: Kind::Counter, Count, "hubbub_websocket_closes_total", "Closes of WebSockets, by who said them and code; an answer counts as the server's.";
    CONNECTIONS_MAX: Kind::Gauge, Count, "hubbub_connections_max", "Limit of hubbub_connections (limits.connections_max, or what the file descriptors allow).";
    CONNECTIONS_UNAUTHENTICATED: Kind::Gauge, Count, "hubbub_connections_unauthenticated", "Open connections that have not logged in.";
    CONNECTIONS_UNAUTHENTICATED_MAX: Kind::Gauge, Count, "hubbub_connections_unauthenticated_max", "Limit of hubbub_connections_unauthenticated (limits.connections_unauthenticated_max).";
    ACCEPT_FAILURES: Kind::Counter, Count, "hubbub_accept_failures_total", "Connections that could not be accepted, by what was wanting.";
    PROXY_HEADERS: Kind::Counter, Count, "hubbub_proxy_headers_total", "What trusted proxies said of their connections: a client, nothing about one (local), or no header (refused).";
    CONNECTIONS_ACCEPTED: Kind::Counter, Count, "hubbub_connections_accepted_total", "Client connections that were accepted.";
    DEVICES_LOGGED_IN: Kind::Gauge, Count, "hubbub_devices_logged_in", "Devices with a logged-in connection.";
    CONNECTIONS_LAGGING: Kind::Gauge, Count, "hubbub_connections_lagging", "Connections that read too slowly for live entries and will continue from the log.";
    TRUNKS: Kind::Gauge, Count, "hubbub_trunks", "Open trunks: connections of gateways, which carry channels.";
    TRUNK_CHANNELS: Kind::Gauge, Count, "hubbub_trunk_channels", "Open channels of all trunks; each carries one client.";
    TRUNK_CHANNELS_MAX: Kind::Gauge, Count, "hubbub_trunk_channels_max", "Limit of hubbub_trunk_channels (trunk.channels_max).";
    TRUNK_CHANNELS_BLOCKED: Kind::Gauge, Count, "hubbub_trunk_channels_blocked", "Channels with frames that wait, for credit or for their trunk.";
    FRAMES: Kind::Counter, Count, "hubbub_frames_total", "Frames received (in) and sent (out), by kind.";
    FRAME_BYTES: Kind::Counter, Bytes, "hubbub_frame_bytes_total", "Bytes of frames with their length prefix, received (in) and sent (out), by kind.";
    SENDS: Kind::Counter, Count, "hubbub_sends_total", "Messages that were accepted from clients; a resend that was already stored does not count.";
    ENTRIES_COMMITTED: Kind::Counter, Count, "hubbub_entries_committed_total", "Log entries that became durable.";
    ENTRIES_DELIVERED: Kind::Counter, Count, "hubbub_entries_delivered_total", "Copies of log entries that were handed to connections.";
    REFUSALS: Kind::Counter, Count, "hubbub_refusals_total", "Requests and connections that were answered with an error, by its code.";
    CLOSES: Kind::Counter, Count, "hubbub_closes_total", "Connections, and channels of trunks, that ended, by reason.";
    LOGINS: Kind::Counter, Count, "hubbub_logins_total", "Logins about which their user's home has decided, by method.";
    PASSWORD_HASHES: Kind::Counter, Count, "hubbub_password_hashes_total", "Passwords that were hashed or compared.";
    PASSWORD_HASHES_REFUSED: Kind::Counter, Count, "hubbub_password_hashes_refused_total", "Passwords that were not taken because too many waited.";
    PASSWORD_HASHES_WAITING: Kind::Gauge, Count, "hubbub_password_hashes_waiting", "Passwords that wait to be hashed or compared.";
    PASSWORD_HASHES_WAITING_MAX: Kind::Gauge, Count, "hubbub_password_hashes_waiting_max", "Limit of hubbub_password_hashes_waiting; beyond it logins with a password are refused (auth.hash_queue_max).";
    PASSWORD_HASH_SECONDS: Kind::Histogram(SECONDS_BOUNDS), Seconds, "hubbub_password_hash_seconds", "Time to hash or compare a password, its waiting included.";
    COMMIT_BATCH_ENTRIES: Kind::Histogram(BATCH_BOUNDS), Count, "hubbub_commit_batch_entries", "Entries that were committed together.";
    COMMIT_SECONDS: Kind::Histogram(SECONDS_BOUNDS), Seconds, "hubbub_commit_seconds", "Time to make one batch durable, its sync included.";
    COMMIT_QUEUE_SECONDS: Kind::Histogram(SECONDS_BOUNDS), Seconds, "hubbub_commit_queue_seconds", "Time that a shard's batches waited for the commit thread before it began to write them.";
    COMMIT_JOBS_WAITING: Kind::Gauge, Count, "hubbub_commit_jobs_waiting", "Jobs of shards (batches of one turn) that the commit thread has not made durable yet.";
    COMMIT_PENDING_BYTES: Kind::Gauge, Bytes, "hubbub_commit_pending_bytes", "Bytes that a shard has decided and that are not durable yet.";
    COMMIT_PENDING_MAX_BYTES: Kind::Gauge, Bytes, "hubbub_commit_pending_max_bytes", "Limit of hubbub_commit_pending_bytes for each shard; beyond it sends are refused (commit.pending_bytes_max).";
    ACK_SECONDS: Kind::Histogram(SECONDS_BOUNDS), Seconds, "hubbub_ack_seconds", "Time from the decision about a message to its acknowledgement, which its commit lies in.";
    FANOUT_CONNECTIONS: Kind::Histogram(WIDTH_BOUNDS), Count, "hubbub_fanout_connections", "Connections of one shard that new entries of a conversation went to at once.";
    PAGES: Kind::Counter, Count, "hubbub_pages_total", "Pages of logs that were read for sessions that catch up or look back.";
    RESENDS_FOUND: Kind::Counter, Count, "hubbub_resends_found_total", "Messages that came again and were already in their log.";
    LIMITED: Kind::Counter, Count, "hubbub_limited_total", "Requests that were refused because they met a limit on rates, sizes, numbers or ages, by its configuration key.";
    COMMIT_SYNCS: Kind::Counter, Count, "hubbub_commit_syncs_total", "Syncs of the write-ahead log to disk.";
    MAILBOX_DEPTH: Kind::Gauge, Count, "hubbub_mailbox_depth", "Messages that wait in a shard's mailbox.";
    MAILBOX_DEPTH_MAX: Kind::Gauge, Count, "hubbub_mailbox_depth_max", "Room for messages in each shard's mailbox.";
    MAILBOX_AGE: Kind::Gauge, Seconds, "hubbub_mailbox_age_seconds", "Time that the oldest of what was sent to a shard has waited by now for the shard to take it in.";
    MAILBOX_WAIT_SECONDS: Kind::Histogram(SECONDS_BOUNDS), Seconds, "hubbub_mailbox_wait_seconds", "Time that what was sent to a shard had waited when the shard took it in.";
    MAILBOX_BACKLOG: Kind::Gauge, Count, "hubbub_mailbox_backlog", "Messages that wait at a shard for room in the mailboxes of others.";
    CONNECTIONS_HELD: Kind::Gauge, Count, "hubbub_connections_held", "Connections that are not read until the mailboxes of other shards have room.";
    SYNCS_OPEN: Kind::Gauge, Count, "hubbub_syncs_open", "Syncs of clients that came back and have not been answered yet.";
    CALLS_RINGING: Kind::Gauge, Count, "hubbub_calls_ringing", "Calls that ring.";
    OUTBOUND_BYTES: Kind::Gauge, Bytes, "hubbub_outbound_bytes", "Bytes that wait for sockets which did not take them.";
    OUTBOUND_MAX_BYTES: Kind::Gauge, Bytes, "hubbub_outbound_max_bytes", "Limit of hubbub_outbound_bytes; beyond it connections may hold a sixteenth of what they otherwise may (limits.outbound_bytes_max).";
    SHARD_TURNS: Kind::Counter, Count, "hubbub_shard_turns_total", "Turns of a shard: it takes in, decides, commits and writes.";
    SHARD_TURN_SECONDS: Kind::Histogram(SECONDS_BOUNDS), Seconds, "hubbub_shard_turn_seconds", "Time that a turn of a shard took.";
    STORE_READS_WAITING: Kind::Gauge, Count, "hubbub_store_reads_waiting", "Reads that wait for the disk: what the cache did not have.";
    STORE_READS_WAITING_MAX: Kind::Gauge, Count, "hubbub_store_reads_waiting_max", "Limit of hubbub_store_reads_waiting; beyond it requests are refused (readers.queue_max).";
    STORE_READS_REFUSED: Kind::Counter, Count, "hubbub_store_reads_refused_total", "Reads that were not taken because as many waited as may.";
    STORE_READ_SECONDS: Kind::Histogram(SECONDS_BOUNDS), Seconds, "hubbub_store_read_seconds", "Time of a read that the cache could not answer, its waiting included.";
    MAILBOX_REFUSED: Kind::Counter, Count, "hubbub_mailbox_refused_total", "Messages that found a shard's mailbox full.";
    RESYNCS: Kind::Counter, Count, "hubbub_resyncs_total", "Times that a session fell behind in a conversation and continued from the log.";
    ENTRIES_EXPIRED: Kind::Counter, Count, "hubbub_entries_expired_total", "Entries whose bodies were dropped because their conversation need not keep them any more.";
    ENTRIES_REMOVED: Kind::Counter, Count, "hubbub_entries_removed_total", "Entries that were removed from their log, headers and all, after they had expired.";
    SIGNALS_DROPPED: Kind::Counter, Count, "hubbub_signals_dropped_total", "Signals that were dropped because a mailbox or a connection had no room for them.";
    USERS_WATCHED: Kind::Gauge, Count, "hubbub_users_watched", "Users whose presence somebody watches.";
    CONVERSATIONS_LOADED: Kind::Gauge, Count, "hubbub_conversations_loaded", "Conversations that are held in memory.";
    SHARD_BUSY_SECONDS: Kind::FractionalCounter, Seconds, "hubbub_shard_busy_seconds_total", "Time that a shard's thread did not wait.";
    STORE_BYTES: Kind::Gauge, Bytes, "hubbub_store_bytes", "Size of the store's files on disk, dead rows included, by column family.";
    STORE_MEMTABLE_BYTES: Kind::Gauge, Bytes, "hubbub_store_memtable_bytes", "What was written and is not in files yet (the write-ahead log has it), by column family.";
    STORE_KEYS: Kind::Gauge, Count, "hubbub_store_keys", "Rows of the store, about, by column family.";
    STORE_FILES: Kind::Gauge, Count, "hubbub_store_files", "Files of the store by level; many at level 0 mean that compactions are behind.";
    STORE_WAL_BYTES: Kind::Gauge, Bytes, "hubbub_store_wal_bytes", "Size of the write-ahead log on disk.";
    STORE_CACHE_BYTES: Kind::Gauge, Bytes, "hubbub_store_cache_bytes", "Block cache in use.";
    STORE_CACHE_MAX_BYTES: Kind::Gauge, Bytes, "hubbub_store_cache_max_bytes", "Limit of hubbub_store_cache_bytes (storage.cache_bytes).";
    STORE_CACHE_HITS: Kind::Counter, Count, "hubbub_store_cache_hits_total", "Blocks that were found in the cache.";
    STORE_CACHE_MISSES: Kind::Counter, Count, "hubbub_store_cache_misses_total", "Blocks that were read from files, or that a read from memory alone did without.";
    STORE_FLUSHES: Kind::Gauge, Count, "hubbub_store_flushes_running", "Flushes that run now: from memory to files.";
    STORE_COMPACTIONS: Kind::Gauge, Count, "hubbub_store_compactions_running", "Compactions that run now: files merged into larger ones.";
    STORE_COMPACTION_PENDING: Kind::Gauge, Bytes, "hubbub_store_compaction_pending_bytes", "Bytes that compactions are behind, as RocksDB estimates.";
    STORE_WRITES_STOPPED: Kind::Gauge, Count, "hubbub_store_writes_stopped", "1 while all writes wait for flushes or compactions.";
    STORE_DELAYED_WRITE_RATE: Kind::Gauge, Bytes, "hubbub_store_delayed_write_bytes_per_second", "To what rate writes are slowed down now; 0 when they are not.";
    STORE_STALLS: Kind::Counter, Count, "hubbub_store_stalls_total", "Commits that a shard gave to the commit thread because they would have waited for the store.";
    STORE_STALL_SECONDS: Kind::FractionalCounter, Seconds, "hubbub_store_stall_seconds_total", "Time that commits waited for flushes and compactions.";
    STORE_WAL_WRITTEN: Kind::Counter, Bytes, "hubbub_store_wal_written_bytes_total", "Bytes written to the write-ahead log.";
    STORE_FLUSH_WRITTEN: Kind::Counter, Bytes, "hubbub_store_flush_written_bytes_total", "Bytes written to files by flushes.";
    STORE_COMPACTION_READ: Kind::Counter, Bytes, "hubbub_store_compaction_read_bytes_total", "Bytes read by compactions.";
    STORE_COMPACTION_WRITTEN: Kind::Counter, Bytes, "hubbub_store_compaction_written_bytes_total", "Bytes written by compactions.";
    STORE_BACKGROUND_ERRORS: Kind::Counter, Count, "hubbub_store_background_errors_total", "Flushes and compactions that failed.";
    DISK_FREE_BYTES: Kind::Gauge, Bytes, "hubbub_disk_free_bytes", "Free space of the disk that holds the data directory.";
    DISK_SIZE_BYTES: Kind::Gauge, Bytes, "hubbub_disk_size_bytes", "Size of the disk that holds the data directory.";
    DISK_FREE_MIN_BYTES: Kind::Gauge, Bytes, "hubbub_disk_free_min_bytes", "Sends are refused while hubbub_disk_free_bytes is below this (storage.free_bytes_min).";
    STORAGE_FULL: Kind::Gauge, Count, "hubbub_storage_full", "1 while sends are refused for want of disk space.";
    PROCESS_CPU_SECONDS: Kind::FractionalCounter, Seconds, "process_cpu_seconds_total", "CPU time used by this process, user and system.";
    PROCESS_RESIDENT_BYTES: Kind::Gauge, Bytes, "process_resident_memory_bytes", "Resident memory of this process.";
    PROCESS_VIRTUAL_BYTES: Kind::Gauge, Bytes, "process_virtual_memory_bytes", "Virtual memory of this process.";
    PROCESS_MEMORY_LIMIT: Kind::Gauge, Bytes, "hubbub_memory_limit_bytes", "Memory that this process may use: the limit of its control group, or what the machine has.";
    PROCESS_THREADS: Kind::Gauge, Count, "process_threads", "Threads of this process.";
    PROCESS_MAX_FDS: Kind::Gauge, Count, "process_max_fds", "File descriptors that this process may open.";
    PROCESS_OPEN_FDS: Kind::Gauge, Count, "process_open_fds", "Open file descriptors of this process.";
    PROCESS_PID: Kind::Gauge, Count, "process_pid", "Process id.";
    PROCESS_START_TIME: Kind::Gauge, Seconds, "process_start_time_seconds", "Start of this process, in seconds since the Unix epoch.";
}

/// Gives the current recorder the help and unit of every metric.
pub(super) fn describe() {
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => metrics::describe_counter!(metric.name, metric.unit, metric.help),
            Kind::Gauge | Kind::FractionalCounter => {
                metrics::describe_gauge!(metric.name, metric.unit, metric.help)
            }
            Kind::Histogram(_) => {} // They know the list.
        }
    }
}
