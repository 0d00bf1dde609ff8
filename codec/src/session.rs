//! The client session without IO: bytes in, bytes and events out, time as an argument.
//!
//! A [`Session`] lives as long as the application wants to be logged in, over any number of connections. It promises
//! what an application must otherwise get right by itself: each entry is reported once, in order, without a gap; each
//! send is stored once, however often the connection breaks; received entries are acknowledged. It never blocks, never
//! reads a clock, and never grows with what the server sends.
//!
//! The layer around it (a thread, a task, an event loop) owns the socket and the clock, and does this:
//!
//! 1. connect when [`Session::reconnect_at`] says so, then [`Session::handle_connected`];
//! 2. give received bytes to [`Session::handle_bytes`]; on an error, close;
//! 3. call [`Session::handle_timeout`] when [`Session::poll_timeout`] is due;
//! 4. after each of these, and after each request, write what [`Session::poll_transmit`] returns, take the events of
//!    [`Session::poll_event`], and close when [`Session::should_close`] says so;
//! 5. when the connection is gone, [`Session::handle_disconnected`].
//!
//! Time is a [`Duration`] since any fixed moment, and must not go back. A request in the wrong moment is never wrong:
//! what is asked while the connection is down goes out after the next login.
//!
//! | file | owns |
//! |---|---|
//! | `config`, `credentials`, `limits` | what it is told at its birth, and by the server |
//! | `handshake` | connecting, login, the end of a connection, when to connect again |
//! | `dispatch`, `errors` | what the server says: answers to their requests, refusals to their consequences |
//! | `outbox`, `lanes`, `transmit` | requests until they are answered; resends and their order |
//! | `requests` | the application's requests, by subject |
//! | `presence`, `signals` | who is there, who is writing or ringing |
//! | `tracks`, `cursors` | where it stands in each log, and the rule that moves it |
//! | `sync` | continuing the logs after a login or a reset |
//! | `repair` | gaps |
//! | `receipts` | `Delivered` and `Read` |
//! | `event`, `reply`, `message`, `refusal` | what passes between it and the application |
//! | `timers`, `backoff`, `stats` | deadlines, jitter, counters |

mod backoff;
mod config;
mod credentials;
mod cursors;
mod dispatch;
mod errors;
mod event;
mod handshake;
mod lanes;
mod limits;
mod message;
mod outbox;
mod presence;
mod receipts;
mod refusal;
mod repair;
mod reply;
mod requests;
mod signals;
mod stats;
mod sync;
mod timers;
mod tracks;
mod transmit;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use prost::Message;

pub use config::SessionConfig;
pub use credentials::{Credentials, PasswordLogin, Secret, SessionToken};
pub use event::{Ending, Event, Source};
pub use message::{OutgoingMessage, Recipient};
pub use refusal::{ProtocolError, SendRefused};
pub use reply::{Reply, RequestId, SendId, Sent};
pub use requests::{GroupChange, InviteTerms, Mute, ProfileChange, StatusChange, Unanswered, Visibility};
pub use signals::{CallId, CallStep, Signal, SignalDropped, SignalKind};
pub use stats::Stats;

use crate::frame::decode_frame_mut;
use crate::ids::{Conversation, UserId};
use crate::proto;
use crate::proto::ServerFrame;
use backoff::Random;
use handshake::Link;
use limits::Limits;
use outbox::Outbox;
use receipts::Unacknowledged;
use sync::Syncing;
use timers::{Timer, Timers};
use tracks::Tracks;

/// The pause before a request is sent again whose refusal names none.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(100);

/// One device's session, over any number of connections. See the [module page](self).
pub struct Session {
    config: SessionConfig,
    /// What the next login is made with when the session token is refused.
    fallback: Option<Box<Credentials>>,
    link: Link,
    limits: Limits,
    user_id: Option<UserId>,
    random: Random,
    /// Names of messages: this, then a counter.
    name_prefix: u64,
    next_request_id: u64,
    tracks: Tracks,
    outbox: Outbox,
    syncing: Option<Box<Syncing>>,
    /// Conversations with a gap that is to be asked for.
    repairs: VecDeque<Conversation>,
    repairs_in_flight: Vec<(u64, Conversation)>,
    unacknowledged: Unacknowledged,
    /// Whom the application watches, by ascending id; the server's limit of a connection bounds it.
    watched: Box<[UserId]>,
    timers: Timers,
    events: VecDeque<Event>,
    transmit: BytesMut,
    stats: Stats,
}

impl std::fmt::Debug for Session {
    /// Without what is queued for the wire: a login lies there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("user_id", &self.user_id)
            .field("link", &self.link)
            .field("unanswered", &self.outbox.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A session that wants to connect at once.
    #[must_use]
    pub fn new(config: SessionConfig, now: Duration) -> Self {
        let mut random = Random::new(config.seed);
        Self {
            fallback: None,
            link: Link::new(now),
            limits: Limits::default(),
            user_id: None,
            name_prefix: random.next(),
            random,
            next_request_id: 1,
            tracks: Tracks::default(),
            outbox: Outbox::default(),
            syncing: None,
            repairs: VecDeque::new(),
            repairs_in_flight: Vec::new(),
            unacknowledged: Unacknowledged::default(),
            watched: Box::default(),
            timers: Timers::default(),
            events: VecDeque::new(),
            transmit: BytesMut::new(),
            stats: Stats::default(),
            config,
        }
    }

    /// Takes the complete frames off `input`; an incomplete one stays there for the next call. Without a connection,
    /// and after the server's `Bye`, the bytes are discarded.
    ///
    /// # Errors
    /// [`ProtocolError`] when the server breaks the rules: close the connection.
    pub fn handle_bytes(&mut self, now: Duration, input: &mut BytesMut) -> Result<(), ProtocolError> {
        while let Some(payload) = decode_frame_mut(input, self.config.frame_bytes_max)? {
            self.stats.bytes_in += crate::frame::PREFIX_BYTES as u64;
            self.handle_frame(now, payload)?;
        }
        Ok(())
    }

    /// Takes one frame without its length, as a WebSocket carries it.
    ///
    /// # Errors
    /// [`ProtocolError`] when the server breaks the rules: close the connection.
    pub fn handle_frame(&mut self, now: Duration, payload: Bytes) -> Result<(), ProtocolError> {
        self.stats.frames_in += 1;
        self.stats.bytes_in += payload.len() as u64;
        let frame = ServerFrame::decode(payload)?;
        self.handle_message(now, frame)
    }

    /// Takes one decoded message.
    ///
    /// # Errors
    /// [`ProtocolError`] when the server breaks the rules: close the connection.
    pub fn handle_message(&mut self, now: Duration, frame: ServerFrame) -> Result<(), ProtocolError> {
        if !self.link.is_open() {
            return Ok(());
        }
        let Some(body) = frame.body else {
            self.stats.unknown_frames += 1;
            return Ok(());
        };
        self.dispatch(now, frame.request_id, body)?;
        self.pump(now);
        Ok(())
    }

    /// Does what is due. Harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.timers.take_due(Timer::Reply, now) {
            self.link.close();
        }
        if self.timers.take_due(Timer::Keepalive, now) {
            self.ping_silence(now);
        }
        if self.timers.take_due(Timer::Delivered, now) {
            self.acknowledge(now);
        }
        self.timers.take_due(Timer::Retry, now);
        self.timers.take_due(Timer::Repair, now);
        self.pump(now);
    }

    /// The bytes to be written: everything queued since the last call, in one piece.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        if self.transmit.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.transmit).freeze();
        self.stats.bytes_out += bytes.len() as u64;
        Some(bytes)
    }

    /// The next event. Take all of them after each `handle_` call: there is at most a few for each received frame, and
    /// they wait here without another bound.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() && self.events.capacity() > 0 {
            // An idle session keeps no queue.
            self.events = VecDeque::new();
        }
        event
    }

    /// When to call [`Session::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// Who this is, once a login has said so.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.user_id
    }

    /// What was counted since the birth of the session.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }
}
