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
/// From a write into the page cache (microseconds) to a disk in trouble (seconds).
pub(super) const SECONDS_BOUNDS: &[f64] =
    &[5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0, 5.0];

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
    CONNECTIONS: Kind::Gauge, Count, "hubbub_connections", "Open client connections.";
    TRANSPORT_CONNECTIONS: Kind::Gauge, Count, "hubbub_transport_connections", "Open client connections, by the kind of listener that they came by.";
    TLS_HANDSHAKES: Kind::Counter, Count, "hubbub_tls_handshakes_total", "TLS handshakes that succeeded, by outcome (full, or resumed by a ticket) and version.";
    TLS_FAILURES: Kind::Counter, Count, "hubbub_tls_failures_total", "TLS connections that failed, most of them in the handshake, by reason.";
    TLS_CERTIFICATE_UNTIL: Kind::Gauge, Seconds, "hubbub_tls_certificate_until_seconds", "Until when the TLS certificate is valid, in seconds since the Unix epoch.";
    CONNECTIONS_ACCEPTED: Kind::Counter, Count, "hubbub_connections_accepted_total", "Client connections that were accepted.";
    DEVICES_LOGGED_IN: Kind::Gauge, Count, "hubbub_devices_logged_in", "Devices with a logged-in connection.";
    CONNECTIONS_LAGGING: Kind::Gauge, Count, "hubbub_connections_lagging", "Connections that read too slowly for live entries and will continue from the log.";
    TRUNKS: Kind::Gauge, Count, "hubbub_trunks", "Open trunks: connections of gateways, which carry channels.";
    TRUNK_CHANNELS: Kind::Gauge, Count, "hubbub_trunk_channels", "Open channels of all trunks; each carries one client.";
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
    COMMIT_BATCH_ENTRIES: Kind::Histogram(BATCH_BOUNDS), Count, "hubbub_commit_batch_entries", "Entries that were committed together.";
    COMMIT_SECONDS: Kind::Histogram(SECONDS_BOUNDS), Seconds, "hubbub_commit_seconds", "Time to make one batch durable, its sync included.";
    COMMIT_SYNCS: Kind::Counter, Count, "hubbub_commit_syncs_total", "Syncs of the write-ahead log to disk.";
    MAILBOX_DEPTH: Kind::Gauge, Count, "hubbub_mailbox_depth", "Messages that wait in a shard's mailbox.";
    MAILBOX_REFUSED: Kind::Counter, Count, "hubbub_mailbox_refused_total", "Messages that found a shard's mailbox full.";
    RESYNCS: Kind::Counter, Count, "hubbub_resyncs_total", "Times that a session fell behind in a conversation and continued from the log.";
    ENTRIES_EXPIRED: Kind::Counter, Count, "hubbub_entries_expired_total", "Entries whose bodies were dropped because their conversation need not keep them any more.";
    ENTRIES_REMOVED: Kind::Counter, Count, "hubbub_entries_removed_total", "Entries that were removed from their log, headers and all, after they had expired.";
    SIGNALS_DROPPED: Kind::Counter, Count, "hubbub_signals_dropped_total", "Signals that were dropped because a mailbox or a connection had no room for them.";
    USERS_WATCHED: Kind::Gauge, Count, "hubbub_users_watched", "Users whose presence somebody watches.";
    CONVERSATIONS_LOADED: Kind::Gauge, Count, "hubbub_conversations_loaded", "Conversations that are held in memory.";
    SHARD_BUSY_SECONDS: Kind::FractionalCounter, Seconds, "hubbub_shard_busy_seconds_total", "Time that a shard's thread did not wait.";
    STORE_BYTES: Kind::Gauge, Bytes, "hubbub_store_bytes", "Size of the store's files on disk, by column family.";
    STORE_WAL_BYTES: Kind::Gauge, Bytes, "hubbub_store_wal_bytes", "Size of the write-ahead log on disk.";
    DISK_FREE_BYTES: Kind::Gauge, Bytes, "hubbub_disk_free_bytes", "Free space of the disk that holds the data directory.";
    STORAGE_FULL: Kind::Gauge, Count, "hubbub_storage_full", "1 while sends are refused for want of disk space.";
    PROCESS_CPU_SECONDS: Kind::FractionalCounter, Seconds, "process_cpu_seconds_total", "CPU time used by this process, user and system.";
    PROCESS_RESIDENT_BYTES: Kind::Gauge, Bytes, "process_resident_memory_bytes", "Resident memory of this process.";
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
            Kind::Histogram(_) => {
                metrics::describe_histogram!(metric.name, metric.unit, metric.help)
            }
        }
    }
}
