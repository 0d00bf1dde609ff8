//! The limits that the core decides by. The edge fills them from the configuration.

use crate::bucket::Rate;
use crate::records::Retention;

/// Limits and choices of one node; the same on every shard.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether a first login makes the account.
    pub create_users: bool,
    /// Most devices of a user.
    pub devices_per_user_max: usize,
    /// How long a session token is good for after its making, or after its last use when more than half of that was
    /// over, in milliseconds.
    pub session_token_ms: u64,
    /// Most members of a group.
    pub group_members_max: usize,
    /// A conversation that a client does not name starts at most this many entries before its head.
    pub sync_entries_max: u64,
    /// Pages end before they reach this many bytes of entries.
    pub page_bytes_max: usize,
    /// Most entries in a page.
    pub page_entries_max: usize,
    /// Most pages under way for one session.
    pub pulls_per_session_max: usize,
    /// How many entries after `after_seq` a resend is searched for.
    pub dedup_entries_max: u64,
    /// How old the oldest of them may be, in milliseconds.
    pub dedup_age_max_ms: u64,
    /// What one user may do, all devices together.
    pub user_rates: UserRates,
    /// Decided but uncommitted bytes of one shard beyond which appends are refused for a while.
    pub pending_bytes_max: usize,
    /// Most marks (delivered, read) that wait on one shard for the next tick.
    pub marks_waiting_max: usize,
    /// A user is online for so long after the last activity, in milliseconds.
    pub presence_timeout_ms: u64,
    /// Whoever comes back this soon after the last session ended was never away, in milliseconds.
    pub presence_grace_ms: u64,
    /// A user's watchers are told at most once in this time, in milliseconds.
    pub presence_interval_ms: u64,
    /// Most users that one session may watch.
    pub watched_users_max: usize,
    /// Most users that one user may have blocked.
    pub blocked_users_max: usize,
    /// A call that nobody takes rings for so long, in milliseconds.
    pub ring_timeout_ms: u64,
    /// How often the authors of a group are told what became of their messages, at most.
    pub summary_pushes_per_second: u32,
    /// Conversations that were not used for this long are dropped from memory, in milliseconds.
    pub conversation_idle_ms: u64,
    /// A message may be edited for so long, in milliseconds; 0: never.
    pub edit_age_max_ms: u64,
    /// A message may be revoked by its sender for so long, in milliseconds; 0: never.
    pub revoke_age_max_ms: u64,
    /// How long bodies are kept, and what dropping them costs.
    pub retention: RetentionSettings,
    /// Mixed into group ids, so that they differ between nodes.
    pub group_seed: u64,
    /// Raised when acked entries may be missing; part of every log id.
    pub log_epoch: u32,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            create_users: true,
            devices_per_user_max: 16,
            session_token_ms: 90 * 24 * 3_600_000,
            group_members_max: 1_000,
            sync_entries_max: 200,
            page_bytes_max: 48 * 1024,
            page_entries_max: 200,
            pulls_per_session_max: 4,
            dedup_entries_max: 10_000,
            dedup_age_max_ms: 7 * 24 * 3_600_000,
            user_rates: UserRates::default(),
            pending_bytes_max: 64 << 20,
            marks_waiting_max: 65_536,
            presence_timeout_ms: 300_000,
            presence_grace_ms: 10_000,
            presence_interval_ms: 1_000,
            watched_users_max: 1_000,
            blocked_users_max: 1_000,
            ring_timeout_ms: 45_000,
            summary_pushes_per_second: 2,
            conversation_idle_ms: 60_000,
            edit_age_max_ms: 48 * 3_600_000,
            revoke_age_max_ms: 48 * 3_600_000,
            retention: RetentionSettings::default(),
            group_seed: 0,
            log_epoch: 0,
        }
    }
}

/// How often one user may do what, all devices together. Nothing is limited by default.
#[derive(Clone, Copy, Debug)]
pub struct UserRates {
    /// Messages and whatever else a person adds to a log.
    pub messages: Rate,
    /// Bytes of their bodies and media types.
    pub bytes: Rate,
    /// Groups made and changed.
    pub group_operations: Rate,
    /// Resends, each of which may have to be searched for.
    pub searches: Rate,
}

impl Default for UserRates {
    fn default() -> UserRates {
        let [messages, bytes, group_operations, searches] = [Rate::UNLIMITED; 4];
        UserRates { messages, bytes, group_operations, searches }
    }
}

/// How retention works, on one node.
#[derive(Clone, Copy, Debug)]
pub struct RetentionSettings {
    /// In conversations whose members chose nothing.
    pub default: Retention,
    /// A log is looked through again after so many new entries, or after an hour.
    pub drop_entries_min: u64,
    /// A device that was not seen for so long holds nothing up, in milliseconds.
    pub device_age_max_ms: u64,
    /// Conversations that are not in memory are looked at so many at a time, once a second.
    pub walk_conversations: usize,
}

impl Default for RetentionSettings {
    fn default() -> RetentionSettings {
        RetentionSettings {
            default: Retention::Forever,
            drop_entries_min: 1_000,
            device_age_max_ms: 30 * 24 * 3_600_000,
            walk_conversations: 64,
        }
    }
}
