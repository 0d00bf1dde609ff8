//! A client's session at a broker, over any number of connections, without IO.
//!
//! The engine around it does what it does for the client library's session: connects when [`MqttSession::reconnect_at`]
//! says so, passes bytes both ways, calls when [`MqttSession::poll_timeout`] is due, takes the events, and closes when
//! [`MqttSession::should_close`] says so.

use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Config;
pub use super::event::{Counters, Event, PublishRefused};
use super::outbox::{Outbox, Outgoing};
use super::packets::{Accepted, Incoming, MqttError, Writer, read};

/// Topics of one SUBSCRIBE.
const TOPICS_PER_PACKET_MAX: usize = 128;

/// Bytes of a PUBLISH beside its topic and its body, at most.
const PUBLISH_OVERHEAD_BYTES_MAX: usize = 10;

/// How far the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Down {
        reconnect_at: Duration,
    },
    /// CONNECT is on the wire.
    Opening,
    /// SUBSCRIBEs are on the wire: so many are not answered.
    Subscribing {
        left: u32,
    },
    Ready,
    /// The connection is of no more use.
    Closing,
    /// None, and none wanted.
    Stopped,
}

/// See the module.
pub struct MqttSession {
    config: Rc<Config>,
    client: u32,
    /// The conversations of this client.
    keys: Box<[u64]>,
    link: Link,
    failures: u32,
    /// The broker was told of the session.
    known: bool,
    /// This connection goes on with it.
    resumed: bool,
    window: u16,
    packet_bytes_max: u32,
    keep_alive: Duration,
    /// When the answer to what was asked must be there.
    reply_by: Option<Duration>,
    /// When the line has been silent for long.
    ping_at: Option<Duration>,
    next_ticket: u64,
    outbox: Outbox,
    events: VecDeque<Event>,
    transmit: BytesMut,
    counters: Counters,
}

impl MqttSession {
    /// The session of client number `client`, a member of the conversations `keys`, that wants to connect at once.
    #[must_use]
    pub fn new(config: Rc<Config>, client: u32, keys: Box<[u64]>, now: Duration) -> Self {
        Self {
            client,
            keys,
            link: Link::Down { reconnect_at: now },
            failures: 0,
            known: false,
            resumed: false,
            window: config.in_flight_max,
            packet_bytes_max: u32::MAX,
            keep_alive: config.keep_alive,
            reply_by: None,
            ping_at: None,
            next_ticket: 0,
            outbox: Outbox::default(),
            events: VecDeque::new(),
            transmit: BytesMut::new(),
            counters: Counters::default(),
            config,
        }
    }

    /// When to connect; `None` while connected, and when the session has stopped.
    #[must_use]
    pub fn reconnect_at(&self) -> Option<Duration> {
        match self.link {
            Link::Down { reconnect_at } => Some(reconnect_at),
            _ => None,
        }
    }

    /// The connection stands: opens the session on it.
    pub fn handle_connected(&mut self, now: Duration) {
        if !matches!(self.link, Link::Down { .. }) {
            return;
        }
        self.link = Link::Opening;
        self.reply_by = Some(now + self.config.reply_timeout);
        let (config, client_id) = (Rc::clone(&self.config), self.config.topics.client_id(self.client));
        self.write(now, |writer| writer.connect(&config, client_id));
    }

    /// The connection is gone, or could not be made.
    pub fn handle_disconnected(&mut self, now: Duration) {
        if self.link == Link::Stopped {
            return;
        }
        (self.reply_by, self.ping_at) = (None, None);
        self.transmit = BytesMut::new();
        self.outbox.disconnect();
        self.failures = self.failures.saturating_add(1);
        self.link = Link::Down { reconnect_at: now + self.pause() };
    }

    /// Takes the whole packets off `input`; the beginning of another stays there for the next call.
    ///
    /// # Errors
    /// [`MqttError`] when the broker breaks the protocol: the connection is of no more use.
    pub fn handle_bytes(&mut self, now: Duration, input: &mut BytesMut) -> Result<(), MqttError> {
        loop {
            let before = input.len();
            let Some(incoming) = read(self.config.version, input)? else {
                return Ok(());
            };
            self.counters.packets_in += 1;
            self.counters.bytes_in += (before - input.len()) as u64;
            if self.is_open() {
                self.handle_packet(now, incoming)?;
                self.pump(now);
            }
        }
    }

    /// Does what is due. Harmless when nothing is.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.reply_by.is_some_and(|at| at <= now) {
            self.close("no answer in time");
        }
        if self.ping_at.is_some_and(|at| at <= now) && self.link == Link::Ready {
            self.reply_by.get_or_insert(now + self.config.reply_timeout);
            self.write(now, |writer| writer.ping());
        }
    }

    /// When to call [`MqttSession::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        [self.reply_by, self.ping_at].into_iter().flatten().min().filter(|_| self.is_open())
    }

    /// The bytes to be written: everything since the last call.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        if self.transmit.is_empty() {
            return None;
        }
        let bytes = std::mem::take(&mut self.transmit).freeze();
        self.counters.bytes_out += bytes.len() as u64;
        Some(bytes)
    }

    /// The next event. Take all of them after each `handle_` call.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() && self.events.capacity() > 0 {
            // An idle session keeps no queue.
            self.events = VecDeque::new();
        }
        event
    }

    /// The connection is of no more use: close it.
    #[must_use]
    pub fn should_close(&self) -> bool {
        matches!(self.link, Link::Closing | Link::Stopped)
    }

    /// Sends a message to a conversation; it waits while there is no connection. Returns its ticket.
    ///
    /// # Errors
    /// [`PublishRefused`]: it was not taken, and nothing was sent.
    pub fn publish(&mut self, now: Duration, key: u64, payload: Bytes) -> Result<u64, PublishRefused> {
        if self.outbox.len() >= usize::from(self.config.unacknowledged_max) {
            return Err(PublishRefused::Full(self.config.unacknowledged_max));
        }
        let packet_bytes = payload.len() + self.config.topics.topic_bytes() + PUBLISH_OVERHEAD_BYTES_MAX;
        if packet_bytes > self.packet_bytes_max as usize {
            return Err(PublishRefused::TooLarge(self.packet_bytes_max));
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.outbox.push(Outgoing { ticket, key, payload });
        self.pump(now);
        Ok(ticket)
    }

    /// Ends the session for good: the broker need not keep anything for it.
    pub fn end(&mut self, now: Duration) {
        if self.link == Link::Ready {
            let packet_id = self.outbox.next_packet_id();
            let (config, keys) = (Rc::clone(&self.config), std::mem::take(&mut self.keys));
            self.write(now, |writer| writer.end(packet_id, keys.iter().map(|key| config.topics.topic(*key))));
        }
    }

    /// What was counted since the birth of the session.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn is_open(&self) -> bool {
        matches!(self.link, Link::Opening | Link::Subscribing { .. } | Link::Ready)
    }

    fn handle_packet(&mut self, now: Duration, incoming: Incoming) -> Result<(), MqttError> {
        match (incoming, self.link) {
            (Incoming::Accepted(accepted), Link::Opening) => self.handle_accepted(now, &accepted),
            (Incoming::Refused { reason, for_good }, Link::Opening) => self.handle_refused(reason, for_good),
            (Incoming::Accepted(_) | Incoming::Refused { .. }, _) => {
                return Err(MqttError::Unexpected("CONNACK without CONNECT"));
            }
            (Incoming::Goodbye(reason), _) => self.close(&reason),
            (_, Link::Opening) => return Err(MqttError::Unexpected("a packet before CONNACK")),
            (Incoming::Subscribed { refused, .. }, Link::Subscribing { left }) => {
                self.handle_subscribed(now, refused, left);
            }
            (Incoming::Subscribed { .. }, _) => return Err(MqttError::Unexpected("SUBACK without SUBSCRIBE")),
            (Incoming::Pong, _) => self.reply_by = None,
            (Incoming::Acknowledged { packet_id, refused }, _) => self.handle_acknowledged(packet_id, refused),
            (Incoming::Message { topic, packet_id, again, payload }, _) => {
                if let Some(packet_id) = packet_id {
                    self.write(now, |writer| writer.acknowledge(packet_id));
                }
                let key = self.config.topics.key(&topic);
                self.events.extend(key.map(|key| Event::Message { key, payload, again }));
            }
        }
        Ok(())
    }

    fn handle_accepted(&mut self, now: Duration, accepted: &Accepted) {
        if !accepted.takes_qos_1 {
            return self.stop("the broker takes QoS 0 only".to_owned());
        }
        self.window = self.config.in_flight_max.min(accepted.receive_max).max(1);
        self.packet_bytes_max = accepted.packet_bytes_max;
        let insists = accepted.keep_alive_s.map(|seconds| Duration::from_secs(seconds.into()));
        self.keep_alive = insists.unwrap_or(self.config.keep_alive);
        self.note_spoken(now);
        self.events.push_back(Event::LoggedIn);
        let was_known = std::mem::replace(&mut self.known, true);
        // A session under this name that is not known here is an earlier run's: of its subscriptions nothing is known.
        self.resumed = was_known && accepted.session_present;
        if self.resumed {
            return self.become_ready();
        }
        if was_known {
            self.events.push_back(Event::SessionLost);
        }
        self.subscribe(now);
    }

    fn subscribe(&mut self, now: Duration) {
        let keys = std::mem::take(&mut self.keys);
        for keys in keys.chunks(TOPICS_PER_PACKET_MAX) {
            let packet_id = self.outbox.next_packet_id();
            let config = Rc::clone(&self.config);
            self.write(now, |writer| writer.subscribe(packet_id, keys.iter().map(|key| config.topics.topic(*key))));
        }
        self.link = Link::Subscribing { left: keys.len().div_ceil(TOPICS_PER_PACKET_MAX) as u32 };
        self.keys = keys;
        match self.keys.is_empty() {
            true => self.become_ready(),
            false => self.reply_by = Some(now + self.config.reply_timeout),
        }
    }

    fn handle_subscribed(&mut self, now: Duration, refused: Option<String>, left: u32) {
        if let Some(reason) = refused {
            return self.stop(format!("the broker refuses a subscription with QoS 1: {reason}"));
        }
        match left {
            0 | 1 => self.become_ready(),
            _ => {
                self.link = Link::Subscribing { left: left - 1 };
                self.reply_by = Some(now + self.config.reply_timeout);
            }
        }
    }

    fn become_ready(&mut self) {
        self.link = Link::Ready;
        self.failures = 0;
        self.reply_by = None;
        self.events.push_back(Event::Ready);
    }

    fn handle_refused(&mut self, reason: String, for_good: bool) {
        match for_good {
            true => self.stop(reason),
            false => self.close(&reason),
        }
    }

    fn handle_acknowledged(&mut self, packet_id: u16, refused: Option<String>) {
        // An answer to nothing is a broker's mistake that costs nobody anything.
        let event = self.outbox.acknowledge(packet_id).map(|ticket| match refused {
            None => Event::Acknowledged { ticket },
            Some(reason) => Event::PublishRefused { ticket, reason },
        });
        self.events.extend(event);
    }

    /// Writes what may go out.
    fn pump(&mut self, now: Duration) {
        if self.link != Link::Ready {
            return;
        }
        while let Some(step) = self.outbox.next(self.window) {
            if step.repeated {
                self.counters.repeated += 1;
                self.events.push_back(Event::Repeated { ticket: step.ticket });
            }
            let topic = self.config.topics.topic(step.key);
            // In a new session there is nothing that it could be a duplicate of.
            let again = step.repeated && self.resumed;
            self.write(now, |writer| writer.publish(step.packet_id, topic, step.payload, again));
        }
    }

    fn write(&mut self, now: Duration, packet: impl FnOnce(&mut Writer<'_>)) {
        packet(&mut Writer { version: self.config.version, output: &mut self.transmit });
        self.counters.packets_out += 1;
        self.note_spoken(now);
    }

    /// The broker has heard from us; a keepalive of 0 is none.
    fn note_spoken(&mut self, now: Duration) {
        self.ping_at = (self.keep_alive > Duration::ZERO).then(|| now + self.keep_alive / 4 * 3);
    }

    fn close(&mut self, reason: &str) {
        self.link = Link::Closing;
        self.events.push_back(Event::Goodbye(reason.to_owned()));
    }

    fn stop(&mut self, reason: String) {
        self.link = Link::Stopped;
        self.events.push_back(Event::Fatal(reason));
    }

    /// Doubles with each failure; which clients come a little earlier is fixed by their numbers, so that those that were
    /// cut off together do not come back together.
    fn pause(&self) -> Duration {
        let (min, max) = self.config.backoff;
        let half = min.saturating_mul(1 << self.failures.saturating_sub(1).min(20)).min(max) / 2;
        let place =
            xxhash_rust::xxh3::xxh3_64(&(u64::from(self.client) << 32 | u64::from(self.failures)).to_le_bytes());
        half + half.mul_f64((place % 1_000) as f64 / 1_000.0)
    }
}
