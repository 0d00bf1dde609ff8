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
//! | `handshake` | connecting, login, the end of a connection, when to connect again |
//! | `outbox` | requests until they are answered; resends and their order |
//! | `requests` | the application's requests |
//! | `tracks` | the cursors and the rule that moves them |
//! | `sync` | continuing the logs after a login or a reset |
//! | `repair` | gaps |
//! | `receipts` | `Delivered` and `Read` |
//! | `timers`, `backoff`, `stats` | deadlines, jitter, counters |

mod backoff;
mod config;
mod event;
mod handshake;
mod outbox;
mod receipts;
mod repair;
mod requests;
mod stats;
mod sync;
mod timers;
mod tracks;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use prost::Message;

pub use config::SessionConfig;
pub use event::{Event, OutgoingMessage, ProtocolError, Recipient, Reply, RequestId, SendId, SendRefused, Source};
pub use requests::Unanswered;
pub use stats::Stats;

use crate::frame::{append_frame, decode_frame_mut};
use crate::ids::{Conversation, LogId, MessageId, Seq, UserId};
use crate::proto;
use crate::proto::{ClientFrame, ServerFrame, client_frame, server_frame};
use backoff::Random;
use handshake::{Limits, Link};
use outbox::Outbox;
use receipts::Unacknowledged;
use sync::Syncing;
use timers::{Timer, Timers};
use tracks::Tracks;

/// The pause before a request is sent again whose refusal names none.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(100);

/// One device's session, over any number of connections. See the [module page](self).
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
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
    timers: Timers,
    events: VecDeque<Event>,
    transmit: BytesMut,
    stats: Stats,
}

impl Session {
    /// A session that wants to connect at once.
    #[must_use]
    pub fn new(config: SessionConfig, now: Duration) -> Self {
        let mut random = Random::new(config.seed);
        Self {
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

    /// Where this device stands in a log: the last entry that was reported. `None` when it knows nothing of it.
    #[must_use]
    pub fn cursor(&self, conversation: &Conversation) -> Option<(LogId, Seq)> {
        let track = self.tracks.get(conversation)?;
        track.named.then_some((track.log_id, Seq(track.cursor)))
    }

    /// All cursors, for clients that keep them.
    pub fn cursors(&self) -> impl Iterator<Item = (Conversation, LogId, Seq)> {
        self.tracks
            .iter()
            .filter(|track| track.named)
            .map(|track| (track.conversation, track.log_id, Seq(track.cursor)))
    }

    /// Continues a log where an earlier run of the application stood. Call it before the first connection; a cursor
    /// below the present one does nothing.
    ///
    /// # Errors
    /// [`ProtocolError::TooManyConversations`] when this would be one too many.
    pub fn restore_cursor(&mut self, conversation: Conversation, log_id: LogId, seq: Seq) -> Result<(), ProtocolError> {
        let track = self.tracks.entry(conversation, self.config.conversations_max)?;
        track.named = true;
        if seq.0 >= track.cursor {
            track.log_id = log_id;
            track.cursor = seq.0;
            track.head = track.head.max(seq.0);
        }
        Ok(())
    }

    /// What was counted since the birth of the session.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn dispatch(&mut self, now: Duration, request_id: u64, body: server_frame::Body) -> Result<(), ProtocolError> {
        use server_frame::Body;
        match body {
            Body::Welcome(welcome) => return self.handle_welcome(&welcome),
            Body::LoggedIn(logged_in) => return self.handle_logged_in(now, &logged_in),
            Body::Pong(pong) => return self.handle_pong(&pong),
            Body::Error(error) => return self.handle_error(now, request_id, error),
            Body::Bye(bye) => {
                self.link.said_bye(bye);
                return Ok(());
            }
            _ if !self.is_ready() => {
                return Err(ProtocolError::Unexpected("something before the login"));
            }
            _ => {}
        }
        match body {
            Body::Synced(synced) if self.is_sync(request_id) => self.handle_synced(request_id, synced),
            Body::Entries(run) if request_id == 0 => self.handle_entries(now, run),
            Body::Entries(run) => self.handle_history(now, request_id, run),
            Body::Receipts(receipts) => self.handle_receipts(receipts),
            Body::ConversationChanged(changed) => self.handle_changed(&changed),
            Body::Sent(sent) => self.handle_sent(request_id, &sent),
            Body::Done(_) if request_id == 0 => Ok(()),
            Body::Done(_) => self.handle_reply(request_id, Reply::Done),
            Body::Group(group) => self.handle_group(request_id, group),
            Body::Conversations(page) => self.handle_reply(request_id, Reply::Conversations(page)),
            _ => Err(ProtocolError::Unexpected("a reply that nothing asked for")),
        }
    }

    fn handle_history(&mut self, now: Duration, request_id: u64, run: proto::Entries) -> Result<(), ProtocolError> {
        let Some(conversation) = self.take_repair(request_id) else {
            // Also the answer to a repair that a reset has made void.
            if self.outbox.find(request_id).is_none() {
                return Ok(());
            }
            let named = Conversation::try_from(&run.conversation)?;
            self.note_head(named, LogId(run.log_id), run.head)?;
            return self.handle_reply(request_id, Reply::History(run));
        };
        tracks::check_contiguous(&run)?;
        if Conversation::try_from(&run.conversation)? != conversation {
            return Err(ProtocolError::Unexpected("history of another conversation"));
        }
        let log_id = self.tracks.get(&conversation).map(|track| track.log_id);
        if log_id.is_some_and(|known| known.0 != 0 && known.0 != run.log_id) {
            let (floor, head) = (Seq(run.floor), Seq(run.head));
            self.reset_log(conversation, LogId(run.log_id), floor, head)?;
            self.sync_again(conversation);
            return Ok(());
        }
        self.handle_repair(now, conversation, run)
    }

    fn handle_receipts(&mut self, receipts: proto::Receipts) -> Result<(), ProtocolError> {
        self.events.push_back(Event::Receipts {
            conversation: Conversation::try_from(&receipts.conversation)?,
            receipts: receipts.receipts,
        });
        Ok(())
    }

    fn handle_changed(&mut self, changed: &proto::ConversationChanged) -> Result<(), ProtocolError> {
        self.events.push_back(Event::ConversationChanged {
            conversation: Conversation::try_from(&changed.conversation)?,
            member: changed.member,
        });
        Ok(())
    }

    fn handle_sent(&mut self, request_id: u64, sent: &proto::Sent) -> Result<(), ProtocolError> {
        let conversation = Conversation::try_from(&sent.conversation)?;
        let asked = self.outbox.find(request_id).and_then(|f| f.body.as_ref());
        if !matches!(asked, Some(client_frame::Body::Send(_))) {
            return Err(ProtocolError::Unexpected("Sent"));
        }
        self.outbox.complete(request_id);
        self.note_head(conversation, LogId(0), sent.seq)?;
        self.events.push_back(Event::Sent {
            id: SendId(request_id),
            conversation,
            seq: Seq(sent.seq),
            message_id: MessageId(sent.message_id),
            time_us: sent.time_us,
            duplicate: sent.duplicate,
        });
        Ok(())
    }

    fn handle_group(&mut self, request_id: u64, group: proto::Group) -> Result<(), ProtocolError> {
        let named = Conversation::Group(group.group.into());
        if self.outbox.find(request_id).is_some() {
            self.note_head(named, LogId(group.log_id), group.head)?;
        }
        self.handle_reply(request_id, Reply::Group(group))
    }

    fn handle_reply(&mut self, request_id: u64, reply: Reply) -> Result<(), ProtocolError> {
        let asked = self.outbox.find(request_id).and_then(|f| f.body.as_ref());
        if matches!(asked, None | Some(client_frame::Body::Send(_))) {
            return Err(ProtocolError::Unexpected("a reply that nothing asked for"));
        }
        self.outbox.complete(request_id);
        self.events.push_back(Event::Reply { request: RequestId(request_id), reply });
        Ok(())
    }

    /// Puts everything on the wire that may go: syncs first, then repairs, then requests in their order.
    fn pump(&mut self, now: Duration) {
        if !self.is_ready() {
            return;
        }
        let internal = self.repairs_in_flight.len() + self.syncing.as_ref().map_or(0, |syncing| syncing.in_flight());
        let mut room = self.limits.requests_in_progress_max.saturating_sub(internal + self.outbox.in_flight());
        room -= self.transmit_syncs(now, room);
        if !self.repairs.is_empty() {
            room -= self.transmit_repairs(now, room);
        }
        if self.outbox.has_waiting() {
            self.transmit_outbox(now, room);
        }
    }

    fn transmit_outbox(&mut self, now: Duration, room: usize) {
        let own_max = usize::from(self.config.sends_in_flight_max.max(1));
        let room = room.min(own_max.saturating_sub(self.outbox.in_flight()));
        let (tracks, user_id) = (&self.tracks, self.user_id);
        let head_of = |recipient: Recipient| {
            let conversation = match recipient {
                Recipient::Group(group) => Some(Conversation::Group(group)),
                Recipient::User(user) => user_id.and_then(|user_id| Conversation::direct(user_id, user)),
            };
            let track = conversation.and_then(|conversation| tracks.get(&conversation));
            track.map_or(0, |track| track.head)
        };
        let (transmit, stats) = (&mut self.transmit, &mut self.stats);
        let mut wrote = false;
        let next_retry = self.outbox.transmit(now, room, head_of, |frame, resend| {
            append_frame(frame, transmit);
            stats.frames_out += 1;
            stats.resends += u64::from(resend);
            wrote = true;
        });
        if let Some(at) = next_retry {
            self.timers.set(Timer::Retry, at);
        }
        if wrote {
            self.note_written(now);
        }
    }

    /// Queues one frame for the wire.
    fn write(&mut self, now: Duration, request_id: u64, body: client_frame::Body) {
        let frame = ClientFrame { request_id, body: Some(body) };
        append_frame(&frame, &mut self.transmit);
        self.stats.frames_out += 1;
        self.note_written(now);
    }
}
