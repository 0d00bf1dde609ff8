//! Where one shard is under pressure: what waits there, for how long, and what was too much.
//!
//! Every queue that a shard can fill has its depth here, and every limit that it can meet its count. Plain numbers on
//! the shard's own thread, published with its other counts.

use metrics::{counter, gauge, histogram};

use super::handles::{Family, Published, Samples, Share};
use super::labels::Limit;
use super::names::{self, SECONDS_BOUNDS, WIDTH_BOUNDS};

/// Makes a struct of plain numbers, and one of the handles that publish them. `$shard` names the shard's label.
macro_rules! published {
    ($(#[doc = $about:literal])* $numbers:ident, $handles:ident of $handle:ident by $publish:ident, $shard:ident: {
        $( $(#[doc = $doc:literal])* $field:ident = $register:expr; )*
    }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $numbers { $( $(#[doc = $doc])* pub $field: u64, )* }

        struct $handles { $( $field: $handle, )* }

        impl $handles {
            fn register($shard: &str) -> Self {
                Self { $( $field: $handle::new($register), )* }
            }

            fn publish(&mut self, numbers: &$numbers) {
                $( self.$field.$publish(numbers.$field); )*
            }
        }
    };
}

published! {
    /// What happened, ever.
    Totals, TotalHandles of Published by raise_to, shard: {
        /// Turns of the shard.
        turns = counter!(names::SHARD_TURNS, "shard" => shard.to_owned());
        /// Pages of logs that were read for sessions.
        pages = counter!(names::PAGES);
        /// Messages that came again and were found in the log.
        resends_found = counter!(names::RESENDS_FOUND);
        /// Reads that found as many waiting as may.
        reads_refused = counter!(names::STORE_READS_REFUSED);
    }
}

published! {
    /// What waits, now.
    Levels, LevelHandles of Share by move_to, shard: {
        /// Messages that wait here for room in the mailboxes of others.
        mailbox_backlog = gauge!(names::MAILBOX_BACKLOG, "shard" => shard.to_owned());
        /// Bytes decided and not committed.
        commit_pending_bytes = gauge!(names::COMMIT_PENDING_BYTES, "shard" => shard.to_owned());
        /// Jobs that the commit thread has not done.
        commit_jobs = gauge!(names::COMMIT_JOBS_WAITING);
        /// Reads that the reader threads have not answered.
        reads = gauge!(names::STORE_READS_WAITING);
        /// Bytes that wait for sockets.
        outbound_bytes = gauge!(names::OUTBOUND_BYTES);
        /// Connections that are not read until mailboxes have room.
        connections_held = gauge!(names::CONNECTIONS_HELD);
        /// Syncs that were not answered.
        syncs = gauge!(names::SYNCS_OPEN);
        /// Calls that ring.
        calls_ringing = gauge!(names::CALLS_RINGING);
    }
}

/// Distributions of times, in seconds, and of widths.
#[derive(Debug)]
pub struct Distributions {
    /// How long a turn took.
    pub turn: Samples,
    /// How long what others had sent waited for a turn, the first of it.
    pub mailbox_wait: Samples,
    /// From the decision about a message to its acknowledgement.
    pub ack: Samples,
    /// From asking the reader threads to the answer.
    pub read: Samples,
    /// From asking the hash threads to the answer.
    pub hash: Samples,
    /// To how many connections of this shard one run went.
    pub fanout: Samples,
}

impl Distributions {
    fn register() -> Self {
        Self {
            turn: Samples::new(histogram!(names::SHARD_TURN_SECONDS), SECONDS_BOUNDS),
            mailbox_wait: Samples::new(histogram!(names::MAILBOX_WAIT_SECONDS), SECONDS_BOUNDS),
            ack: Samples::new(histogram!(names::ACK_SECONDS), SECONDS_BOUNDS),
            read: Samples::new(histogram!(names::STORE_READ_SECONDS), SECONDS_BOUNDS),
            hash: Samples::new(histogram!(names::PASSWORD_HASH_SECONDS), SECONDS_BOUNDS),
            fanout: Samples::new(histogram!(names::FANOUT_CONNECTIONS), WIDTH_BOUNDS),
        }
    }

    fn publish(&mut self) {
        let Self { turn, mailbox_wait, ack, read, hash, fanout } = self;
        [turn, mailbox_wait, ack, read, hash, fanout].into_iter().for_each(Samples::publish);
    }
}

/// See the module.
pub struct Pressure {
    /// What happened, ever.
    pub totals: Totals,
    /// What waits, now.
    pub levels: Levels,
    /// How long, and how wide.
    pub distributions: Distributions,
    limited: Family<{ Limit::COUNT }>,
    total_handles: TotalHandles,
    level_handles: LevelHandles,
}

impl Pressure {
    /// Registers the metrics of shard number `shard` with the recorder of this process.
    pub(super) fn register(shard: usize) -> Self {
        let shard = shard.to_string();
        Self {
            totals: Totals::default(),
            levels: Levels::default(),
            distributions: Distributions::register(),
            limited: Family::new(|i| counter!(names::LIMITED, "setting" => Limit::LABELS[i])),
            total_handles: TotalHandles::register(&shard),
            level_handles: LevelHandles::register(&shard),
        }
    }

    /// Counts something that met the limit of a configuration key.
    pub fn limited(&mut self, setting: &str) {
        self.limited.counts[Limit::of(setting) as usize] += 1;
    }

    pub(super) fn publish(&mut self) {
        self.limited.publish();
        self.distributions.publish();
        self.total_handles.publish(&self.totals);
        self.level_handles.publish(&self.levels);
    }
}
