//! What the shards of one process share: limits, counts, and whether it is stopping. Atomics only, but for
//! what logins look at.

use crate::auth::attempts::Attempts;
use crate::auth::brief_token::BriefVerifier;
use crate::auth::tokens::TokenVerifier;
use crate::config::Config;
use crate::disk_space::FreeSpace;
use crate::edge::Edge;
use crate::mailbox::Mailbox;
use crate::shard::Envelope;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};

/// How far an orderly stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Clients are served.
    Running,
    /// Nothing more is accepted or read; what was read is finished.
    Finishing,
    /// Clients are told to go, and the shards end.
    Leaving,
}

/// See the module.
#[derive(Debug)]
pub struct Node {
    /// The configuration.
    pub config: Config,
    /// Checks login tokens.
    pub verifier: Arc<TokenVerifier>,
    /// Checks tokens of gateways; `None`: trunks are refused.
    pub trunk_verifier: Option<BriefVerifier>,
    /// What lies between sockets and frames.
    pub edge: Edge,
    /// Logins by address.
    pub attempts: Attempts,
    /// The disk under the store.
    pub disk: Arc<FreeSpace>,
    /// The shards' mailboxes, by shard.
    pub mailboxes: Vec<Arc<Mailbox<Envelope>>>,
    /// Most connections, and most of them that have not logged in.
    pub connections_max: usize,
    /// See `connections_max`.
    pub strangers_max: usize,
    /// Open connections.
    pub connections: AtomicUsize,
    /// Those that have not logged in.
    pub strangers: AtomicUsize,
    /// Open channels of trunks.
    pub channels: AtomicUsize,
    /// Bytes that wait to be sent, over all connections.
    pub outbound_bytes: AtomicUsize,
    generation: AtomicU64,
    phase: AtomicU8,
    /// Whether a shard has nothing left to finish, by shard.
    quiet: Vec<AtomicBool>,
}

impl Node {
    /// The state of a node that starts.
    #[must_use]
    #[expect(clippy::too_many_arguments, reason = "each is one thing that the node consists of")]
    pub fn new(
        config: Config,
        verifier: Arc<TokenVerifier>,
        trunk_verifier: Option<BriefVerifier>,
        edge: Edge,
        disk: Arc<FreeSpace>,
        mailboxes: Vec<Arc<Mailbox<Envelope>>>,
        connections_max: usize,
        strangers_max: usize,
    ) -> Node {
        Node {
            attempts: Attempts::new(&config.limits),
            config,
            verifier,
            trunk_verifier,
            edge,
            disk,
            quiet: mailboxes.iter().map(|_| AtomicBool::new(false)).collect(),
            mailboxes,
            connections_max,
            strangers_max,
            connections: AtomicUsize::new(0),
            strangers: AtomicUsize::new(0),
            channels: AtomicUsize::new(0),
            outbound_bytes: AtomicUsize::new(0),
            generation: AtomicU64::new(0),
            phase: AtomicU8::new(Phase::Running as u8),
        }
    }

    /// A number for a login, above every one before it.
    pub fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// How far an orderly stop has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Finishing,
            _ => Phase::Leaving,
        }
    }

    /// Goes on to a phase and tells every shard.
    pub fn enter(&self, phase: Phase) {
        self.quiet.iter().for_each(|quiet| quiet.store(false, Ordering::Release));
        self.phase.store(phase as u8, Ordering::Release);
        self.mailboxes.iter().for_each(|mailbox| mailbox.bell().ring());
    }

    /// A shard says whether it has anything left to finish.
    pub fn set_quiet(&self, shard: usize, quiet: bool) {
        self.quiet[shard].store(quiet, Ordering::Release);
    }

    /// Whether no shard has anything left to finish, as far as each of them knows.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet.iter().all(|quiet| quiet.load(Ordering::Acquire))
            && self.mailboxes.iter().all(|mailbox| mailbox.depth() == 0)
    }
}
