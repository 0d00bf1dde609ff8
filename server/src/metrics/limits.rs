//! What may be used at most, beside what is used: an alert compares the two and needs to know no configuration.

use metrics::gauge;

use super::names;
use crate::config::Config;
use crate::descriptors::Division;
use crate::shard::lane_messages_max;

/// Shows the limits of a server that runs with this configuration and these file descriptors.
pub fn show_limits(config: &Config, division: &Division) {
    let shards = config.shards_count();
    let limits = [
        (names::CONNECTIONS_MAX, division.connections as f64),
        (names::CONNECTIONS_UNAUTHENTICATED_MAX, division.connections_unauthenticated as f64),
        (names::TRUNK_CHANNELS_MAX, config.trunk.channels_max as f64),
        (names::OUTBOUND_MAX_BYTES, config.limits.outbound_bytes_max as f64),
        (names::COMMIT_PENDING_MAX_BYTES, config.commit.pending_bytes_max as f64),
        (names::STORE_READS_WAITING_MAX, config.readers.queue_max as f64),
        (names::PASSWORD_HASHES_WAITING_MAX, config.auth.hash_queue_max as f64),
        (names::MAILBOX_DEPTH_MAX, (shards * lane_messages_max(shards)) as f64),
        (names::DISK_FREE_MIN_BYTES, config.storage.free_bytes_min as f64),
        (names::PROCESS_MAX_FDS, division.limit as f64),
    ];
    for (name, limit) in limits {
        gauge!(name).set(limit);
    }
}
