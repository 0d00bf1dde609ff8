//! Trunks: connections of gateways, each of which carries many clients.
//!
//! A trunk belongs to one shard, where it was asked for; its socket moves there as that of a login does. Its channels are
//! connections like any other (`connection`): the same stages, limits and deadlines, but no socket, no task and no
//! buffer. What they have to say is gathered in a turn and leaves in one write (`channels`).
//!
//! A trunk frame that breaks the rules ends the trunk with all its channels; what breaks the rules inside a channel ends
//! that channel only. A trunk whose socket takes no more is not read, and what its channels want to say waits with them.

use super::connection::{Line, Name, Stage};
use super::login::LoginError;
use super::reading::Stop;
use super::{Passenger, Shard};

use crate::auth::tokens::TokenError;
use crate::metrics::{CloseReason, FrameOut};
use crate::wire;
use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::PREFIX_BYTES;
use hubbub_codec::proto;
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::trunk::{ChannelEnd, ChannelId, TrunkEnd, TrunkFrame, decode_trunk_frame};
use hubbub_core::ids::ShardId;
use hubbub_core::slots::SLOTS;
use std::collections::VecDeque;
use std::time::SystemTime;
use tracing::{debug, info};

/// What of the window of a channel a frame may take: less could not hold one while half of it is not given back yet.
const FRAMES_PER_WINDOW: usize = 2;

/// The window of a channel, in bytes.
pub(super) fn window_bytes(frame_bytes_max: usize) -> u32 {
    (FRAMES_PER_WINDOW * (frame_bytes_max + PREFIX_BYTES)) as u32
}

/// A trunk frame that breaks the rules: which one, in words.
pub(super) type Fault = String;

/// See the module.
#[derive(Debug)]
pub(super) struct Trunk {
    pub(super) connection: Name,
    /// By channel number, from 1.
    places: Vec<Place>,
    /// Trunk frames that leave at the end of the turn.
    pub(super) out: BytesMut,
    /// Stands in the shard's list of those with frames to be written.
    pub(super) dirty: bool,
    /// Channels that wait for the socket, in order.
    pub(super) waiting: VecDeque<Name>,
}

/// What is at a channel number. Each side says once that a channel is over; until then its number is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Free,
    /// Open; the connection at this index.
    Open(u32),
    /// We have said that it is over, and the gateway has not.
    Closing,
}

impl Trunk {
    fn new(connection: Name) -> Trunk {
        Trunk { connection, places: Vec::new(), out: BytesMut::new(), dirty: false, waiting: VecDeque::new() }
    }

    pub(super) fn place(&self, number: ChannelId) -> Place {
        let place = (number.0 as usize).checked_sub(1).and_then(|at| self.places.get(at));
        place.copied().unwrap_or(Place::Free)
    }

    /// Numbers are from 1, and were checked against the most there may be.
    pub(super) fn set_place(&mut self, number: ChannelId, place: Place) {
        let at = number.0 as usize - 1;
        if self.places.len() <= at {
            self.places.resize(at + 1, Place::Free);
        }
        self.places[at] = place;
    }

    fn open_channels(&self) -> impl Iterator<Item = u32> {
        self.places.iter().filter_map(|place| match place {
            Place::Open(index) => Some(*index),
            Place::Free | Place::Closing => None,
        })
    }
}

impl Shard {
    // ---- Opening ----

    /// A greeted connection asks to be a trunk.
    pub(super) fn begin_trunk(&mut self, id: Name, request_id: u64, open: &proto::OpenTrunk) -> Option<Stop> {
        match self.check_trunk(id, open) {
            Ok(shard) => {
                self.be_known(id);
                if shard != self.shard_id() {
                    // Nothing is read of it until it is there.
                    self.connections[id.0 as usize].stage = Stage::Opening;
                    return Some(Stop::Move(Passenger::Trunk { request_id, shard }));
                }
                self.become_trunk(id, request_id);
            }
            Err((code, message)) => {
                debug!("a trunk was refused: {message}");
                self.charge_failure(id);
                self.refuse_login(id, request_id, code, message);
            }
        }
        None
    }

    fn check_trunk(&self, id: Name, open: &proto::OpenTrunk) -> Result<ShardId, LoginError> {
        if self.connections[id.0 as usize].socket().is_none() {
            return Err((ErrorCode::Invalid, "a channel of a trunk is no place for another".to_owned()));
        }
        if self.connections[id.0 as usize].web().is_some() {
            let message = "a WebSocket carries one client; open the trunk at listen or tls.listen".to_owned();
            return Err((ErrorCode::Invalid, message));
        }
        let Some(verifier) = &self.node.trunk_verifier else {
            let message = "this server takes no trunks (trunk.secret_file is not set)".to_owned();
            return Err((ErrorCode::Forbidden, message));
        };
        verifier.verify(&open.token, SystemTime::now()).map_err(|error| match error {
            TokenError::Expired => (ErrorCode::TokenExpired, error.to_string()),
            TokenError::Invalid(_) => (ErrorCode::TokenInvalid, error.to_string()),
        })?;
        let shards = self.slots.shards();
        let shard = u16::try_from(open.shard).ok().filter(|shard| *shard < shards);
        shard.map(ShardId).ok_or_else(|| {
            let message = format!("open_trunk.shard is {}, and this server has {shards} shards", open.shard);
            (ErrorCode::Invalid, message)
        })
    }

    /// The connection is one from now on, on this shard.
    pub(super) fn become_trunk(&mut self, id: Name, request_id: u64) {
        let shard = self.shard_id();
        let shard_by_slot = (0..SLOTS).map(|slot| {
            let partition = self.slots.slots()[slot];
            u32::from(self.slots.shard_of(partition).0)
        });
        let opened = proto::TrunkOpened {
            shard: shard.0.into(),
            shards: self.slots.shards().into(),
            shard_by_slot: shard_by_slot.collect(),
            window_bytes: self.limits.window_bytes,
            channels_max: self.node.config.trunk.channels_per_trunk_max,
        };
        let connection = &mut self.connections[id.0 as usize];
        let Some(socket) = connection.socket_mut().map(std::mem::take) else { return };
        connection.line = Line::Trunk(socket, self.trunks.insert(Trunk::new(id)) as u32);
        connection.stage = Stage::Trunk;
        self.counters.trunks += 1;
        self.queue(id.0, FrameOut::TrunkOpened, wire::trunk_opened_frame(request_id, opened));
        self.look_by(id, self.deadlines.now() + self.limits.idle);
        info!("a gateway has opened a trunk to shard {}", shard.0);
    }

    // ---- Frames ----

    /// Takes trunk frames off `bytes` while the trunk may be read; keeps the rest with its connection.
    pub(super) fn take_trunk_bytes(&mut self, id: Name, mut bytes: Bytes) -> Option<Stop> {
        loop {
            let Some(connection) = self.connection(id) else { return Some(Stop::Gone) };
            let trunk = connection.trunk()?;
            if self.is_held(id) {
                self.keep(id, &bytes, true);
                return None;
            }
            let taken = match decode_trunk_frame(&mut bytes) {
                Ok(Some(frame)) => {
                    self.connections[id.0 as usize].part_since = 0;
                    self.take_trunk_frame(trunk, frame)
                }
                Ok(None) => {
                    self.keep(id, &bytes, false);
                    return None;
                }
                Err(error) => Err(error.to_string()),
            };
            if let Err(fault) = taken {
                self.end_trunk(id, TrunkEnd::Protocol, &fault, CloseReason::ProtocolError);
            }
        }
    }

    fn take_trunk_frame(&mut self, trunk: u32, frame: TrunkFrame) -> Result<(), Fault> {
        match frame {
            TrunkFrame::Data(number, bytes) => self.take_data(trunk, number, bytes),
            TrunkFrame::Credit(number, bytes) => self.take_credit(trunk, number, bytes),
            TrunkFrame::Open(number, address) => self.open_channel(trunk, number, address),
            TrunkFrame::Close(number, _) => self.take_close(trunk, number),
            TrunkFrame::Ping(nonce) => {
                self.say_in_trunk(trunk, &TrunkFrame::Pong(nonce));
                Ok(())
            }
            TrunkFrame::Pong(_) | TrunkFrame::End(..) => Err("a frame that only servers send".to_owned()),
        }
    }

    /// Puts a frame among what leaves at the end of the turn.
    pub(super) fn say_in_trunk(&mut self, trunk: u32, frame: &TrunkFrame) {
        if let Some(to) = self.trunks.get_mut(trunk as usize) {
            frame.append(&mut to.out);
            self.mark_trunk(trunk);
        }
    }

    /// Sees to it that what a trunk has is written at the end of the turn.
    pub(super) fn mark_trunk(&mut self, trunk: u32) {
        if !std::mem::replace(&mut self.trunks[trunk as usize].dirty, true) {
            self.dirty_trunks.push(trunk);
            self.want_turn();
        }
    }

    // ---- Writing ----

    /// Writes what was gathered, once for each trunk.
    pub(super) fn flush_trunks(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty_trunks);
        for trunk in dirty.drain(..) {
            self.flush_trunk(trunk);
        }
        if self.dirty_trunks.is_empty() {
            self.dirty_trunks = dirty;
        }
    }

    /// Writes what was gathered for a trunk; behind what its socket has not taken yet.
    pub(super) fn flush_trunk(&mut self, trunk: u32) {
        let Some(of) = self.trunks.get_mut(trunk as usize) else { return };
        of.dirty = false;
        if of.out.is_empty() {
            return;
        }
        let (id, bytes) = (of.connection, of.out.split().freeze());
        let connection = &mut self.connections[id.0 as usize];
        connection.out_bytes += bytes.len();
        connection.out.push_back(bytes);
        if connection.blocked_since == 0 {
            self.write(id);
        }
    }

    /// The socket has taken everything: those who waited go on, in their order.
    pub(super) fn trunk_drained(&mut self, id: Name) {
        let Some(trunk) = self.connections[id.0 as usize].trunk() else { return };
        for id in std::mem::take(&mut self.trunks[trunk as usize].waiting) {
            self.let_channel_go_on(id);
        }
    }

    // ---- Ends ----

    /// Ends a trunk with all its channels, and says why.
    pub(super) fn end_trunk(&mut self, id: Name, why: TrunkEnd, text: &str, reason: CloseReason) {
        let Some(trunk) = self.connection(id).and_then(|connection| connection.trunk()) else { return };
        info!("a trunk ends ({}): {text}", reason.label());
        self.say_in_trunk(trunk, &TrunkFrame::End(why, text.to_owned()));
        let out = self.trunks[trunk as usize].out.split().freeze();
        self.drop_channels(trunk);
        let Some(connection) = self.connection(id) else { return };
        connection.out_bytes += out.len();
        connection.out.push_back(out);
        self.close_after_writing(id, reason);
    }

    /// Forgets a trunk; its channels end as by a lost connection.
    pub(super) fn drop_channels(&mut self, trunk: u32) {
        let Some(gone) = self.trunks.try_remove(trunk as usize) else { return };
        self.counters.trunks -= 1;
        for index in gone.open_channels() {
            let id = (index, self.connections[index as usize].generation);
            self.drop_connection(id, CloseReason::TrunkOver);
        }
    }

    /// During a stop: ends the trunks whose channels have all ended, or all of them.
    pub(super) fn end_trunks(&mut self, all: bool) {
        let done = |trunk: &Trunk| all || trunk.open_channels().next().is_none();
        let ids: Vec<Name> =
            self.trunks.iter().filter(|(_, trunk)| done(trunk)).map(|(_, trunk)| trunk.connection).collect();
        for id in ids {
            self.end_trunk(id, TrunkEnd::Stopping, "the server stops", CloseReason::Stopping);
        }
    }

    /// A trunk's place for a channel; `Err` when its number is none.
    pub(super) fn place_of(&self, trunk: u32, number: ChannelId) -> Result<Place, Fault> {
        let max = self.node.config.trunk.channels_per_trunk_max;
        if number.0 > max {
            return Err(format!("channel {}, where {max} is the highest", number.0));
        }
        Ok(self.trunks[trunk as usize].place(number))
    }

    /// We say that a channel is over.
    pub(super) fn say_channel_over(&mut self, trunk: u32, number: ChannelId, why: ChannelEnd) {
        self.trunks[trunk as usize].set_place(number, Place::Closing);
        self.say_in_trunk(trunk, &TrunkFrame::Close(number, why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_a_frame_while_half_of_it_is_not_given_back() {
        let window = window_bytes(65_536);
        assert!(window / 2 >= 65_536 + 4);
    }
}
