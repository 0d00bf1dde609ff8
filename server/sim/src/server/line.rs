//! What lies between a client and its shard: values for devices that speak the core's language, bytes for those that
//! speak the protocol.
//!
//! Bytes are cut anywhere, in both directions; whatever a broken connection had not carried is lost, in the middle of a
//! frame, too.

use super::edge::{Frame, FrameBytes};
use crate::dice::Dice;
use bytes::{Buf, Bytes, BytesMut};
use hubbub_codec::frame::decode_frame_mut;
use hubbub_codec::proto::ClientFrame;
use hubbub_core::request::Request;
use prost::Message as _;
use std::collections::VecDeque;

/// Longest frame either way, in bytes after the prefix.
pub(super) const FRAME_BYTES_MAX: usize = 64 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) enum Line {
    /// Requests and frames as they are.
    Values {
        /// Written by the client.
        up: VecDeque<(u64, Request)>,
        /// Written by the server.
        out: VecDeque<Frame>,
    },
    /// Frames of the protocol.
    Bytes(ByteLine),
}

/// A line of bytes.
#[derive(Debug, Default)]
pub(super) struct ByteLine {
    /// Written by the client, and not at the server.
    up: BytesMut,
    /// At the server, and not a whole frame.
    arrived: BytesMut,
    out: VecDeque<Bytes>,
    /// The client has said `Hello`.
    pub(super) greeted: bool,
}

impl Line {
    /// Whether nothing is under way to the server.
    pub(super) fn is_read(&self) -> bool {
        match self {
            Line::Values { up, .. } => up.is_empty(),
            Line::Bytes(line) => line.up.is_empty() && line.arrived.is_empty(),
        }
    }

    /// Whether the server may find something new on it.
    pub(super) fn is_readable(&self) -> bool {
        match self {
            Line::Values { up, .. } => !up.is_empty(),
            Line::Bytes(line) => !line.up.is_empty() || line.has_frame(),
        }
    }

    /// What the client has written is not read any more.
    pub(super) fn forget_up(&mut self) {
        match self {
            Line::Values { up, .. } => up.clear(),
            Line::Bytes(line) => {
                line.up.clear();
                line.arrived.clear();
            }
        }
    }

    /// Frames that wait for the client.
    pub(super) fn out_len(&self) -> usize {
        match self {
            Line::Values { out, .. } => out.len(),
            Line::Bytes(line) => line.out.len(),
        }
    }

    /// Queues a frame for the client.
    pub(super) fn push(&mut self, frame: FrameBytes<'_>) {
        match self {
            Line::Values { out, .. } => out.push_back(frame.to_value()),
            Line::Bytes(line) => line.out.push_back(frame.to_bytes()),
        }
    }
}

impl ByteLine {
    fn has_frame(&self) -> bool {
        hubbub_codec::frame::peek_frame(&self.arrived, FRAME_BYTES_MAX).expect("clients keep the frame limit").is_some()
    }

    /// The edge itself answers.
    pub(super) fn answer(&mut self, frame: Bytes) {
        self.out.push_back(frame);
    }

    /// The client writes.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.up.extend_from_slice(bytes);
    }

    /// Some bytes arrive; then the next whole frame, if there is one.
    pub(super) fn next_frame(&mut self, dice: &mut Dice) -> Option<ClientFrame> {
        let arriving = some(self.up.len(), dice);
        self.arrived.extend_from_slice(&self.up.split_to(arriving));
        let frame = decode_frame_mut(&mut self.arrived, FRAME_BYTES_MAX).expect("clients keep the frame limit")?;
        Some(ClientFrame::decode(frame).expect("clients write frames of the protocol"))
    }

    /// The client reads some bytes.
    pub(super) fn read(&mut self, dice: &mut Dice) -> Bytes {
        let mut read = BytesMut::new();
        let whole = self.out.len().min(dice.between(1, 3));
        for _ in 0..whole {
            let front = self.out.front_mut().expect("there are so many");
            let part = some(front.len(), dice);
            read.extend_from_slice(&front[..part]);
            front.advance(part);
            if !front.is_empty() {
                break;
            }
            self.out.pop_front();
        }
        read.freeze()
    }
}

/// Mostly all of them, else some.
fn some(bytes: usize, dice: &mut Dice) -> usize {
    if bytes < 2 || dice.per_mille(800) { bytes } else { dice.between(1, bytes - 1) }
}
