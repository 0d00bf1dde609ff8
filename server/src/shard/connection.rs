//! What a shard keeps for one connection. Small: an idle one has no buffer, no timer and no channel.

use super::deadlines::Ticks;
use bytes::Bytes;
use hubbub_core::bucket::Bucket;
use hubbub_core::ids::UserId;
use hubbub_core::request::SessionId;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::task::AbortHandle;

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was said.
    Silent,
    /// `Hello` was answered.
    Greeted,
    /// Its registration or password is being looked at; it is not read.
    Proving,
    /// Its password was right, and the login waits for the reading task.
    Proven,
    /// `Login` was accepted, and the core has not opened the session.
    Opening,
    /// Logged in.
    Open,
    /// The last frame is queued; then the socket is closed.
    Closing,
    /// Closed for writing; what the client still sends is thrown away, so that it can read our last frame.
    Lingering,
}

impl Stage {
    /// Whether nothing is read any more.
    pub(super) fn is_over(self) -> bool {
        matches!(self, Stage::Closing | Stage::Lingering)
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) index: u32,
    pub(super) generation: u32,
    pub(super) stage: Stage,
    /// Once logged in.
    pub(super) user: UserId,
    pub(super) write: Option<Rc<OwnedWriteHalf>>,
    /// The task that reads.
    pub(super) task: Option<AbortHandle>,
    /// That task, while it does not wait for the socket but for us.
    pub(super) waker: Option<Waker>,
    /// Read and not yet handled: a part of a frame, or more frames than may be in progress.
    pub(super) unread: Vec<u8>,
    /// `unread` may begin with a whole frame.
    pub(super) unread_whole: bool,
    /// Frames to be written, in order.
    pub(super) out: VecDeque<Bytes>,
    pub(super) out_bytes: usize,
    /// Requests without their replies.
    pub(super) in_progress: u16,
    /// How many more it may ask for.
    pub(super) requests: Bucket,
    /// The socket took no more: the task that waits for it.
    pub(super) drain: Option<AbortHandle>,
    /// What of `out_bytes` is counted as waiting in the shard and the node.
    pub(super) held_bytes: usize,
    /// A push was not queued: nothing is pushed or read until everything is written.
    pub(super) lagging: bool,
    /// Stands in the shard's list of those with queued frames.
    pub(super) dirty: bool,
    pub(super) last_heard: Ticks,
    /// Since when a part of a frame waits for its rest; 0: none does.
    pub(super) part_since: Ticks,
    /// Since when the socket takes no more; 0: it does.
    pub(super) blocked_since: Ticks,
    /// Since when it is silent, greeted, closing or lingering.
    pub(super) stage_since: Ticks,
    /// When its deadlines are looked at next.
    pub(super) look_at: Ticks,
}

impl Connection {
    pub(super) fn new(index: u32, generation: u32, write: OwnedWriteHalf, now: Ticks) -> Connection {
        Connection {
            index,
            generation,
            stage: Stage::Silent,
            user: UserId(0),
            write: Some(Rc::new(write)),
            task: None,
            waker: None,
            unread: Vec::new(),
            unread_whole: false,
            out: VecDeque::new(),
            out_bytes: 0,
            in_progress: 0,
            requests: Bucket::default(),
            drain: None,
            held_bytes: 0,
            lagging: false,
            dirty: false,
            last_heard: now,
            part_since: 0,
            blocked_since: 0,
            stage_since: now,
            look_at: Ticks::MAX,
        }
    }

    /// The name under which the core knows it.
    pub(super) fn session(&self) -> SessionId {
        SessionId { index: self.index, generation: self.generation }
    }

    /// Whether it counts as a stranger.
    pub(super) fn is_stranger(&self) -> bool {
        self.user == UserId(0)
    }

    /// Wakes the reading task when it waits for us.
    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
