//! Channels of trunks: from trunk frames to the connections that they are, and back.
//!
//! Upward a channel's bytes go the way of a socket's (`reading`). What may not be taken now stays with the channel, at
//! most a window of it, and goes on when the shard says so. Downward a channel sends what it has credit for; without
//! credit, and while the trunk's socket takes no more, it is blocked as a socket is: what waits is bounded, then it lags,
//! then it is closed.

use super::connection::{Channel, Connection, Line, Name, Stage};
use super::reading::Stop;
use super::trunk::{Fault, Place};
use super::{Passenger, Shard};

use crate::metrics::{CloseReason, Refusal};
use bytes::{Buf, Bytes, BytesMut};
use hubbub_codec::trunk::{ChannelEnd, ChannelId, TrunkFrame, Window, append_data_header};
use std::net::IpAddr;
use std::sync::atomic::Ordering::Relaxed;

/// So much is gathered for one write to a trunk.
const GATHER_BYTES_MAX: usize = 256 * 1024;

impl Shard {
    // ---- Beginning and end ----

    pub(super) fn open_channel(&mut self, trunk: u32, number: ChannelId, address: Option<IpAddr>) -> Result<(), Fault> {
        if self.place_of(trunk, number)? != Place::Free {
            return Err(format!("channel {} is opened twice", number.0));
        }
        if self.node.channels.load(Relaxed) >= self.node.config.trunk.channels_max {
            self.counters.closed(CloseReason::Overloaded);
            self.counters.refused(Refusal::Overloaded);
            self.say_channel_over(trunk, number, ChannelEnd::Full);
            return Ok(());
        }
        let id = self.next_name();
        let window = Window::new(self.limits.window_bytes);
        let channel = Channel { trunk, number, window, address, waits: false };
        self.connections.insert(Connection::over_channel(id.1, channel, self.deadlines.now()));
        self.trunks[trunk as usize].set_place(number, Place::Open(id.0));
        self.node.channels.fetch_add(1, Relaxed);
        self.counters.channels += 1;
        self.look_by(id, self.deadlines.now() + self.limits.login);
        Ok(())
    }

    /// The gateway says that a channel is over.
    pub(super) fn take_close(&mut self, trunk: u32, number: ChannelId) -> Result<(), Fault> {
        let place = self.place_of(trunk, number)?;
        if place == Place::Free {
            return Err(not_open(number));
        }
        self.trunks[trunk as usize].set_place(number, Place::Free);
        if let Place::Open(index) = place {
            self.say_in_trunk(trunk, &TrunkFrame::Close(number, ChannelEnd::Over));
            self.drop_connection((index, self.connections[index as usize].generation), CloseReason::Client);
        }
        Ok(())
    }

    /// Ends a channel at once, for a reason that only trunks know.
    fn end_channel(&mut self, id: Name, why: ChannelEnd, reason: CloseReason) {
        let Some(channel) = self.connection(id).and_then(Connection::channel_mut) else { return };
        let (trunk, number) = (channel.trunk, channel.number);
        self.say_channel_over(trunk, number, why);
        self.drop_connection(id, reason);
    }

    /// The connection of a channel is gone.
    pub(super) fn channel_over(&mut self, id: Name, channel: &Channel, blocked: bool) {
        self.node.channels.fetch_sub(1, Relaxed);
        self.counters.channels -= 1;
        self.counters.channels_blocked -= u64::from(blocked);
        let of = self.trunks.get(channel.trunk as usize);
        if of.is_some_and(|trunk| trunk.place(channel.number) == Place::Open(id.0)) {
            self.say_channel_over(channel.trunk, channel.number, ChannelEnd::Over);
        }
    }

    // ---- Upward ----

    pub(super) fn take_data(&mut self, trunk: u32, number: ChannelId, bytes: Bytes) -> Result<(), Fault> {
        let index = match self.place_of(trunk, number)? {
            Place::Open(index) => index,
            Place::Closing => return Ok(()),
            Place::Free => return Err(not_open(number)),
        };
        let now = self.deadlines.now();
        let connection = &mut self.connections[index as usize];
        let id = (index, connection.generation);
        let Some(channel) = connection.channel_mut() else { return Ok(()) };
        if channel.window.note_came(bytes.len()).is_err() {
            self.end_channel(id, ChannelEnd::Window, CloseReason::ProtocolError);
            return Ok(());
        }
        connection.last_heard = now;
        if connection.unread_whole {
            // It is held, or will be read in this turn.
            connection.unread.extend_from_slice(&bytes);
        } else if connection.unread.is_empty() {
            self.feed(id, bytes);
        } else {
            let mut joined = BytesMut::with_capacity(connection.unread.len() + bytes.len());
            joined.extend_from_slice(&connection.unread);
            joined.extend_from_slice(&bytes);
            self.feed(id, joined.freeze());
        }
        Ok(())
    }

    /// Gives a channel's connection all that it has not handled yet, and returns credit for what it handles.
    fn feed(&mut self, id: Name, bytes: Bytes) {
        let came = bytes.len();
        let stop = self.take_bytes(id, bytes);
        self.stop_channel(id, stop);
        let window_bytes = self.limits.window_bytes;
        let Some(connection) = self.connection(id) else { return };
        let taken = came - connection.unread.len();
        let Some(channel) = connection.channel_mut() else { return };
        let (trunk, number) = (channel.trunk, channel.number);
        if let Some(credit) = channel.window.take(taken, window_bytes) {
            self.say_in_trunk(trunk, &TrunkFrame::Credit(number, credit));
        }
    }

    /// A channel cannot move: the gateway opens it again where its user lives.
    fn stop_channel(&mut self, id: Name, stop: Option<Stop>) {
        let shard = match stop {
            Some(Stop::Move(Passenger::Login(login))) => self.slots.shard_of_user(login.user),
            Some(Stop::Move(Passenger::Trunk { shard, .. })) => shard,
            Some(Stop::Gone) | None => return,
        };
        // The core has not heard of it.
        self.connections[id.0 as usize].stage = Stage::Greeted;
        self.end_channel(id, ChannelEnd::WrongShard(shard.0.into()), CloseReason::WrongShard);
    }

    /// Reads on in channels that had to wait for the shard.
    pub(super) fn resume_channels(&mut self) {
        for id in std::mem::take(&mut self.resumed) {
            self.resume_channel(id);
        }
    }

    fn resume_channel(&mut self, id: Name) {
        if self.connection(id).is_some_and(|connection| connection.stage == Stage::Proven) {
            let login = self.proven.remove(&id).expect("it was put there with the stage");
            let stop = self.admit(id, login);
            self.stop_channel(id, stop);
        }
        if !self.connection(id).is_some_and(|connection| connection.unread_whole) || self.is_held(id) {
            return;
        }
        let connection = &mut self.connections[id.0 as usize];
        connection.unread_whole = false;
        let unread = Bytes::from(std::mem::take(&mut connection.unread));
        self.feed(id, unread);
    }

    // ---- Downward ----

    /// The gateway has room for more.
    pub(super) fn take_credit(&mut self, trunk: u32, number: ChannelId, bytes: u32) -> Result<(), Fault> {
        let index = match self.place_of(trunk, number)? {
            Place::Open(index) => index,
            Place::Closing => return Ok(()),
            Place::Free => return Err(not_open(number)),
        };
        let window_bytes = self.limits.window_bytes;
        let connection = &mut self.connections[index as usize];
        let id = (index, connection.generation);
        let Some(channel) = connection.channel_mut() else { return Ok(()) };
        if channel.window.note_credit(bytes, window_bytes).is_err() {
            self.end_channel(id, ChannelEnd::Window, CloseReason::ProtocolError);
        } else if !channel.waits {
            self.let_channel_go_on(id);
        }
        Ok(())
    }

    /// What a channel was blocked by may be over: it is looked at in this turn.
    pub(super) fn let_channel_go_on(&mut self, id: Name) {
        let Some(connection) = self.connection(id) else { return };
        if std::mem::take(&mut connection.blocked_since) == 0 {
            return;
        }
        let dirty = std::mem::replace(&mut connection.dirty, true);
        if let Some(channel) = connection.channel_mut() {
            channel.waits = false;
        }
        self.counters.channels_blocked -= 1;
        if !dirty {
            self.dirty.push(id.0);
            self.want_turn();
        }
    }

    /// Puts what a channel may send behind what its trunk has to write.
    pub(super) fn gather(&mut self, id: Name) {
        let connection = &mut self.connections[id.0 as usize];
        let Line::Channel(channel) = &mut connection.line else { return };
        let trunk = channel.trunk;
        let Some(of) = self.trunks.get_mut(trunk as usize) else { return };
        let socket = of.connection;
        if self.connections[socket.0 as usize].blocked_since != 0 {
            return self.block_channel(id, true);
        }
        let connection = &mut self.connections[id.0 as usize];
        connection.gather_into(&mut of.out);
        let (left, gathered) = (connection.out_bytes, of.out.len());
        self.mark_trunk(trunk);
        if left > 0 {
            self.block_channel(id, false);
        } else {
            self.hold_bytes(id);
            self.written(id);
        }
        if gathered >= GATHER_BYTES_MAX {
            self.flush_trunk(trunk);
        }
    }

    /// A channel may send no more now: it has no credit, or waits for its trunk's socket.
    fn block_channel(&mut self, id: Name, waits: bool) {
        let now = self.deadlines.now();
        let connection = &mut self.connections[id.0 as usize];
        connection.blocked_since = now.max(1);
        connection.own_queue();
        let Some(channel) = connection.channel_mut() else { return };
        if waits && !std::mem::replace(&mut channel.waits, true) {
            let trunk = channel.trunk;
            self.trunks[trunk as usize].waiting.push_back(id);
        }
        self.counters.channels_blocked += 1;
        self.hold_bytes(id);
        self.look_by(id, now + self.limits.write);
    }
}

fn not_open(number: ChannelId) -> Fault {
    format!("channel {} is not open", number.0)
}

impl Connection {
    /// Moves what may be sent now into `out`, as trunk frames.
    fn gather_into(&mut self, out: &mut BytesMut) {
        let Line::Channel(channel) = &mut self.line else { return };
        while self.out_bytes > 0 && channel.window.room() > 0 {
            let length = channel.window.room().min(self.out_bytes);
            append_data_header(channel.number, length, out);
            channel.window.note_sent(length);
            self.out_bytes -= length;
            let mut left = length;
            while left > 0 {
                let frame = self.out.front_mut().expect("no more is sent than was queued");
                let part = left.min(frame.len());
                out.extend_from_slice(&frame[..part]);
                frame.advance(part);
                left -= part;
                if frame.is_empty() {
                    self.out.pop_front();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hubbub_codec::trunk::decode_trunk_frame;

    #[test]
    fn what_has_credit_is_gathered_and_the_rest_stays() {
        let channel = Channel { trunk: 0, number: ChannelId(7), window: Window::new(10), address: None, waits: false };
        let mut connection = Connection::over_channel(1, channel, 0);
        for frame in [&b"abcd"[..], b"efgh", b"ijkl"] {
            connection.out_bytes += frame.len();
            connection.out.push_back(Bytes::from_static(frame));
        }
        let mut out = BytesMut::new();
        connection.gather_into(&mut out);
        let mut out = out.freeze();
        let sent = decode_trunk_frame(&mut out).unwrap();
        assert_eq!(sent, Some(TrunkFrame::Data(ChannelId(7), Bytes::from_static(b"abcdefghij"))));
        assert_eq!((decode_trunk_frame(&mut out).unwrap(), connection.out_bytes), (None, 2));
        connection.channel_mut().unwrap().window.note_credit(5, 10).unwrap();
        let mut out = BytesMut::new();
        connection.gather_into(&mut out);
        let rest = decode_trunk_frame(&mut out.freeze()).unwrap();
        assert_eq!(rest, Some(TrunkFrame::Data(ChannelId(7), Bytes::from_static(b"kl"))));
        assert!(connection.out.is_empty());
    }
}
