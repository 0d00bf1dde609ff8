//! The gateway's end of a trunk, without IO: one connection that carries many.
//!
//! A [`Trunk`] lives as long as its connection. The layer around it owns the socket, writes what
//! [`Trunk::poll_transmit`] returns, gives received bytes to [`Trunk::take`] until that says `None`, and closes on an
//! error; all channels end with it. What a channel carries is what an ordinary connection would: a gateway passes a
//! client's bytes on without looking at them, and a load generator puts a [`Session`](crate::session::Session) there.
//!
//! Promises: never more is sent in a channel than the server has room for; what the server sends beyond its room is an
//! error. It holds what was sent and not yet written, and 16 bytes for each channel number that was ever used.
//!
//! | file | owns |
//! |---|---|
//! | `frame` | trunk frames, both ways |
//! | `window` | the flow control of a channel |
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use hubbub_codec::frame::append_frame;
//! use hubbub_codec::proto::{self, ServerFrame, server_frame::Body};
//! use hubbub_codec::trunk::{Trunk, TrunkEvent, TrunkFrame};
//!
//! let mut trunk = Trunk::new("header.claims.signature", 0);
//! assert!(trunk.poll_transmit().is_some(), "Hello and OpenTrunk");
//!
//! // What a server would say:
//! let opened = proto::TrunkOpened {
//!     shards: 1,
//!     shard_by_slot: vec![0; 256],
//!     window_bytes: 131_080,
//!     channels_max: 1_000,
//!     ..Default::default()
//! };
//! let mut received = BytesMut::new();
//! append_frame(&ServerFrame { request_id: 2, body: Some(Body::TrunkOpened(opened)) }, &mut received);
//! assert_eq!(trunk.take(&mut received)?, Some(TrunkEvent::Opened));
//!
//! let channel = trunk.open(None).expect("a number is free");
//! trunk.send(channel, &mut Bytes::from_static(b"the client's first bytes"));
//! assert!(trunk.poll_transmit().is_some());
//! TrunkFrame::Data(channel, b"the server's answer").append(&mut received);
//! let Some(TrunkEvent::Data(of, bytes)) = trunk.take(&mut received)? else { panic!() };
//! assert_eq!((of, &bytes[..]), (channel, &b"the server's answer"[..]));
//! trunk.taken(channel, bytes.len());
//! # Ok::<(), hubbub_codec::trunk::TrunkError>(())
//! ```

mod frame;
mod window;

use std::net::IpAddr;

use bytes::{Bytes, BytesMut};
use prost::Message;
use xxhash_rust::xxh3::xxh3_64;

use crate::frame::{FRAME_BYTES_MAX_DEFAULT, FrameError, append_frame, decode_frame_mut};
use crate::ids::UserId;
use crate::proto::client_frame::Body as Up;
use crate::proto::server_frame::Body as Down;
use crate::proto::{self, ClientFrame, ServerFrame};

pub use frame::{
    ChannelEnd, ChannelId, END_TEXT_BYTES_MAX, HEADER_BYTES, PIECE_BYTES_MAX, TrunkEnd, TrunkFrame, TrunkFrameError,
    append_data_header, decode_trunk_frame, decode_trunk_frame_mut,
};
pub use window::{Overrun, Window};

/// The audience of a trunk's token.
pub const TOKEN_AUDIENCE: &str = "hubbub.trunk";

/// The longest life of a trunk's token that a server accepts, in seconds.
pub const TOKEN_LIFE_SECONDS_MAX: u64 = 300;

/// Slots of users; see `TrunkOpened.shard_by_slot`.
const SLOTS: usize = 256;
const HELLO: u64 = 1;
const OPEN_TRUNK: u64 = 2;

/// See the [module page](self).
pub struct Trunk {
    opened: Option<Opened>,
    /// By number, from 1.
    channels: Vec<Place>,
    free: Vec<u32>,
    transmit: BytesMut,
}

impl std::fmt::Debug for Trunk {
    /// Without what is queued for the wire: a token lies there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shard = self.opened.as_ref().map(|opened| opened.shard);
        f.debug_struct("Trunk").field("shard", &shard).field("channels", &self.channels.len()).finish_non_exhaustive()
    }
}

/// What the server has said of a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The shard that it belongs to.
    pub shard: u32,
    /// How many there are.
    pub shards: u32,
    shard_by_slot: Box<[u32; SLOTS]>,
    /// Bytes that either side may send in a channel before the other has taken any.
    pub window_bytes: u32,
    /// Channels at one time, at most.
    pub channels_max: u32,
}

/// What is at a channel number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Free,
    Open(Window),
    /// We have closed it; the server has not said so yet.
    Closing,
}

/// What comes out of received bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrunkEvent {
    /// Channels may be opened; see [`Trunk::opened`].
    Opened,
    /// Bytes of a channel. Say [`Trunk::taken`] when there is room for as many more.
    Data(ChannelId, BytesMut),
    /// More may be sent in a channel.
    Writable(ChannelId),
    /// The server has ended a channel; its number may come again.
    Closed(ChannelId, ChannelEnd),
    /// The answer to a ping.
    Pong(u64),
}

/// Why a trunk is over: close the connection.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrunkError {
    /// The server does not take it.
    #[error("{}", .0.message)]
    Refused(Box<proto::Error>),
    /// The server has ended it.
    #[error("the server ended the trunk ({0:?}): {1}")]
    Ended(TrunkEnd, String),
    /// An ordinary frame before the trunk was open is none.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// It is no message.
    #[error("not a server frame: {0}")]
    Decode(#[from] prost::DecodeError),
    /// A trunk frame is none.
    #[error(transparent)]
    TrunkFrame(#[from] TrunkFrameError),
    /// The server sent, or gave credit for, more than it may.
    #[error(transparent)]
    Overrun(#[from] Overrun),
    /// Something that has no place here.
    #[error("what has no place here: {0}")]
    Unexpected(&'static str),
}

impl Opened {
    /// Where a user's channel must be opened.
    #[must_use]
    pub fn shard_of(&self, user: UserId) -> u32 {
        self.shard_by_slot[(xxh3_64(&user.0.to_be_bytes()) % SLOTS as u64) as usize]
    }

    fn read(opened: proto::TrunkOpened) -> Option<Self> {
        let shard_by_slot: Box<[u32; SLOTS]> = opened.shard_by_slot.try_into().ok()?;
        let sound = shard_by_slot.iter().all(|shard| *shard < opened.shards) && opened.shard < opened.shards;
        let (shard, shards) = (opened.shard, opened.shards);
        let (window_bytes, channels_max) = (opened.window_bytes, opened.channels_max);
        (sound && window_bytes > 0).then_some(Self { shard, shards, shard_by_slot, window_bytes, channels_max })
    }
}

impl Trunk {
    /// On a fresh connection. `token`: see `OpenTrunk.token`; `shard` is from 0.
    #[must_use]
    pub fn new(token: impl Into<String>, shard: u32) -> Self {
        let hello = proto::Hello {
            version_min: 1,
            version_max: 1,
            client_name: "hubbub-trunk".to_owned(),
            client_version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut transmit = BytesMut::new();
        append_frame(&ClientFrame { request_id: HELLO, body: Some(Up::Hello(hello)) }, &mut transmit);
        let open = proto::OpenTrunk { token: token.into(), shard };
        append_frame(&ClientFrame { request_id: OPEN_TRUNK, body: Some(Up::OpenTrunk(open)) }, &mut transmit);
        Self { opened: None, channels: Vec::new(), free: Vec::new(), transmit }
    }

    /// What the server has said, once it has.
    #[must_use]
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref()
    }

    // ---- Received bytes ----

    /// Takes the next thing that matters off `input`. At `None` an incomplete frame, if any, stays there for the next call.
    ///
    /// # Errors
    /// [`TrunkError`]: close the connection.
    pub fn take(&mut self, input: &mut BytesMut) -> Result<Option<TrunkEvent>, TrunkError> {
        while self.opened.is_none() {
            let Some(payload) = decode_frame_mut(input, FRAME_BYTES_MAX_DEFAULT)? else { return Ok(None) };
            if self.hear_answer(ServerFrame::decode(payload)?)? {
                return Ok(Some(TrunkEvent::Opened));
            }
        }
        while let Some(frame) = decode_trunk_frame_mut(input)? {
            if let Some(event) = self.hear(frame)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// An ordinary frame, before the trunk is open; true when it is now.
    fn hear_answer(&mut self, frame: ServerFrame) -> Result<bool, TrunkError> {
        match frame.body {
            Some(Down::TrunkOpened(opened)) => {
                self.opened = Some(Opened::read(opened).ok_or(TrunkError::Unexpected("a trunk without sense"))?);
                Ok(true)
            }
            Some(Down::Error(error)) => Err(TrunkError::Refused(Box::new(error))),
            Some(Down::Bye(_)) => Err(TrunkError::Unexpected("a goodbye")),
            Some(_) | None => Ok(false),
        }
    }

    fn hear(&mut self, frame: TrunkFrame<BytesMut>) -> Result<Option<TrunkEvent>, TrunkError> {
        let window_bytes = self.opened.as_ref().map_or(0, |opened| opened.window_bytes);
        Ok(match frame {
            TrunkFrame::Data(channel, bytes) => match self.used(channel)? {
                Place::Open(window) => {
                    window.note_came(bytes.len())?;
                    Some(TrunkEvent::Data(channel, bytes))
                }
                _ => None,
            },
            TrunkFrame::Credit(channel, bytes) => match self.used(channel)? {
                Place::Open(window) => {
                    window.note_credit(bytes, window_bytes)?;
                    Some(TrunkEvent::Writable(channel))
                }
                _ => None,
            },
            TrunkFrame::Close(channel, why) => {
                let before = std::mem::replace(self.used(channel)?, Place::Free);
                self.free.push(channel.0);
                matches!(before, Place::Open(_)).then(|| {
                    self.append(&TrunkFrame::Close(channel, ChannelEnd::Over));
                    TrunkEvent::Closed(channel, why)
                })
            }
            TrunkFrame::Pong(nonce) => Some(TrunkEvent::Pong(nonce)),
            TrunkFrame::End(why, text) => return Err(TrunkError::Ended(why, text)),
            TrunkFrame::Open(..) | TrunkFrame::Ping(_) => return Err(TrunkError::Unexpected("a gateway's frame")),
        })
    }

    /// What is at a number that is not free.
    fn used(&mut self, channel: ChannelId) -> Result<&mut Place, TrunkError> {
        let place = (channel.0 as usize).checked_sub(1).and_then(|at| self.channels.get_mut(at));
        place.filter(|place| **place != Place::Free).ok_or(TrunkError::Unexpected("a channel that is not open"))
    }

    fn window(&mut self, channel: ChannelId) -> Option<&mut Window> {
        match self.used(channel) {
            Ok(Place::Open(window)) => Some(window),
            _ => None,
        }
    }

    // ---- Channels ----

    /// Opens a channel for a client at an address, if that is known. `None` when the trunk is not open, or has as many as
    /// it may.
    pub fn open(&mut self, address: Option<IpAddr>) -> Option<ChannelId> {
        let opened = self.opened.as_ref()?;
        let place = Place::Open(Window::new(opened.window_bytes));
        let number = match self.free.pop() {
            Some(number) => number,
            None if (self.channels.len() as u64) < u64::from(opened.channels_max) => {
                self.channels.push(Place::Free);
                self.channels.len() as u32
            }
            None => return None,
        };
        self.channels[number as usize - 1] = place;
        self.append(&TrunkFrame::Open(ChannelId(number), address));
        Some(ChannelId(number))
    }

    /// Takes off `bytes` what may be sent now in a channel; the rest may go after [`TrunkEvent::Writable`]. In a channel
    /// that is not open all of it is dropped.
    pub fn send(&mut self, channel: ChannelId, bytes: &mut Bytes) {
        let Some(window) = self.window(channel) else { return bytes.clear() };
        let mut window = *window;
        while window.room() > 0 && !bytes.is_empty() {
            let piece = bytes.split_to(window.room().min(bytes.len()));
            window.note_sent(piece.len());
            self.append(&TrunkFrame::Data(channel, piece));
        }
        self.channels[channel.0 as usize - 1] = Place::Open(window);
    }

    /// There is room for so many more bytes of a channel as have come in it.
    pub fn taken(&mut self, channel: ChannelId, bytes: usize) {
        let window_bytes = self.opened.as_ref().map_or(0, |opened| opened.window_bytes);
        if let Some(credit) = self.window(channel).and_then(|window| window.take(bytes, window_bytes)) {
            self.append(&TrunkFrame::Credit(channel, credit));
        }
    }

    /// Ends a channel. No event of it comes any more.
    pub fn close(&mut self, channel: ChannelId) {
        if self.window(channel).is_some() {
            self.channels[channel.0 as usize - 1] = Place::Closing;
            self.append(&TrunkFrame::Close(channel, ChannelEnd::Over));
        }
    }

    /// Asks for a sign of life; the server closes a trunk that has been silent for 2.5 times `Welcome.keepalive_ms`.
    pub fn ping(&mut self, nonce: u64) {
        self.append(&TrunkFrame::Ping(nonce));
    }

    fn append(&mut self, frame: &TrunkFrame) {
        frame.append(&mut self.transmit);
    }

    // ---- Bytes to be written ----

    /// How many bytes wait to be written. A gateway whose socket is slow stops taking from its clients beyond some limit.
    #[must_use]
    pub fn transmit_bytes(&self) -> usize {
        self.transmit.len()
    }

    /// The bytes to be written: everything since the last call, in one piece.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        (!self.transmit.is_empty()).then(|| self.transmit.split().freeze())
    }
}
