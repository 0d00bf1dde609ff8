//! What a shard keeps for one connection. Small: an idle one has no buffer, no timer and no channel.

use super::deadlines::Ticks;
use crate::edge::layers::Layers;
use bytes::Bytes;
use hubbub_codec::trunk::{ChannelId, Window};
use hubbub_core::bucket::Bucket;
use hubbub_core::ids::UserId;
use hubbub_core::request::SessionId;
use std::collections::VecDeque;
use std::net::IpAddr;
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
    /// It carries channels, which are connections of their own.
    Trunk,
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

/// A connection's name within its shard: its index, and which of those that have had it.
pub(super) type Name = (u32, u32);

/// The name under which the core knows a connection.
pub(super) fn session((index, generation): Name) -> SessionId {
    SessionId { index, generation }
}

/// What carries the bytes of a connection.
#[derive(Debug)]
pub(super) enum Line {
    /// Its own socket.
    Socket(Socket),
    /// The same, which carries the channels of this trunk of the shard; from then on at [`Stage::Trunk`], to its end.
    Trunk(Socket, u32),
    /// A channel of a trunk.
    Channel(Channel),
}

/// A socket and its tasks.
#[derive(Debug, Default)]
pub(super) struct Socket {
    /// What lies between it and frames; `None` for plain TCP.
    pub(super) layers: Option<Box<Layers>>,
    /// `None` once it is closed for writing.
    pub(super) write: Option<Rc<OwnedWriteHalf>>,
    /// The task that reads.
    pub(super) task: Option<AbortHandle>,
    /// That task, while it does not wait for the socket but for us.
    pub(super) waker: Option<Waker>,
    /// The socket took no more: the task that waits for it.
    pub(super) drain: Option<AbortHandle>,
}

/// A channel's end here.
#[derive(Debug)]
pub(super) struct Channel {
    /// Which trunk of the shard.
    pub(super) trunk: u32,
    pub(super) number: ChannelId,
    pub(super) window: Window,
    /// Where the gateway says that the client is.
    pub(super) address: Option<IpAddr>,
    /// Stands in the list of those that wait for the trunk's socket.
    pub(super) waits: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) generation: u32,
    pub(super) stage: Stage,
    /// Counts as one that has not logged in.
    pub(super) stranger: bool,
    /// Once logged in.
    pub(super) user: UserId,
    pub(super) line: Line,
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
    /// Of an accepted socket; it counts as a stranger.
    pub(super) fn over_socket(
        generation: u32,
        write: OwnedWriteHalf,
        layers: Option<Box<Layers>>,
        now: Ticks,
    ) -> Connection {
        let write = Some(Rc::new(write));
        let socket = Socket { layers, write, ..Socket::default() };
        Connection { stranger: true, ..Connection::over(generation, Line::Socket(socket), now) }
    }

    /// Of a channel.
    pub(super) fn over_channel(generation: u32, channel: Channel, now: Ticks) -> Connection {
        Connection::over(generation, Line::Channel(channel), now)
    }

    fn over(generation: u32, line: Line, now: Ticks) -> Connection {
        Connection {
            generation,
            stage: Stage::Silent,
            stranger: false,
            user: UserId(0),
            line,
            unread: Vec::new(),
            unread_whole: false,
            out: VecDeque::new(),
            out_bytes: 0,
            in_progress: 0,
            requests: Bucket::default(),
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

    /// Its socket, if it has one of its own.
    pub(super) fn socket(&self) -> Option<&Socket> {
        match &self.line {
            Line::Socket(socket) | Line::Trunk(socket, _) => Some(socket),
            Line::Channel(_) => None,
        }
    }

    /// See [`Connection::socket`].
    pub(super) fn socket_mut(&mut self) -> Option<&mut Socket> {
        match &mut self.line {
            Line::Socket(socket) | Line::Trunk(socket, _) => Some(socket),
            Line::Channel(_) => None,
        }
    }

    /// What lies between its socket and frames, if anything does.
    pub(super) fn layers(&self) -> Option<&Layers> {
        self.socket().and_then(|socket| socket.layers.as_deref())
    }

    /// See [`Connection::layers`].
    pub(super) fn layers_mut(&mut self) -> Option<&mut Layers> {
        self.socket_mut().and_then(|socket| socket.layers.as_deref_mut())
    }

    /// Whether frames can pass.
    pub(super) fn is_through(&self) -> bool {
        self.layers().is_none_or(Layers::is_through)
    }

    /// What of `out_bytes` has left `out` and waits behind the layers.
    pub(super) fn sealed_bytes(&self) -> usize {
        self.layers().map_or(0, |layers| layers.unsent().len())
    }

    /// Its channel, if it is one.
    pub(super) fn channel_mut(&mut self) -> Option<&mut Channel> {
        match &mut self.line {
            Line::Channel(channel) => Some(channel),
            Line::Socket(_) | Line::Trunk(..) => None,
        }
    }

    /// Its trunk, while it carries one.
    pub(super) fn trunk(&self) -> Option<u32> {
        match self.line {
            Line::Trunk(_, trunk) if self.stage == Stage::Trunk => Some(trunk),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_small() {
        assert!(size_of::<Connection>() <= 176, "{}", size_of::<Connection>());
    }
}
