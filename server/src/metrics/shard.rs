//! What one shard counts: plain numbers on its own thread, published about once a second.
//!
//! Counters only rise; `publish` adds what is new since the last time. Gauges hold the shard's own value; their
//! metrics are the sum over shards. Handles are registered once, so counting never touches the recorder.

use std::time::Duration;

use metrics::{Gauge, counter, gauge};

use hubbub_codec::websocket::CloseCode;

use super::handles::{Family, Published, Share};
use super::labels::{
    AcceptFailure, CloseReason, FrameIn, FrameOut, HttpStatus, LoginMethod, ProxyHeader, Refusal, TlsFailure,
    TlsHandshake, Transport, UpgradeRefusal, WebsocketClose,
};
use super::names;
use super::pressure::Pressure;

/// The counts of one shard. Owned by its thread.
pub struct ShardCounters {
    /// Connections accepted, ever.
    pub connections_accepted: u64,
    /// Messages accepted from clients, ever.
    pub sends: u64,
    /// Copies of entries handed to connections, ever.
    pub entries_delivered: u64,
    /// Messages that found another shard's mailbox full, ever.
    pub mailbox_refused: u64,
    /// Times that a session fell behind in a conversation, ever.
    pub resyncs: u64,
    /// See the core's counter of that name.
    pub entries_expired: u64,
    /// See the core's counter of that name.
    pub entries_removed: u64,
    /// Signals that were dropped for want of room, ever.
    pub signals_dropped: u64,
    /// Of them those that a connection had no room for.
    pub signals_dropped_here: u64,
    /// Passwords that were hashed or compared, ever.
    pub hashes_done: u64,
    /// Passwords that found no room to wait, ever.
    pub hashes_refused: u64,
    /// Passwords that wait, over all shards, now.
    pub hashes_waiting: u64,
    /// Time that the thread did not wait, ever, in nanoseconds.
    pub busy_ns: u64,
    /// Open connections, now.
    pub connections: u64,
    /// Connections that have not logged in, over all shards, now.
    pub connections_unauthenticated: u64,
    /// Devices logged in, now.
    pub devices_logged_in: u64,
    /// Lagging connections, now.
    pub connections_lagging: u64,
    /// Open trunks, now.
    pub trunks: u64,
    /// Open channels, now.
    pub channels: u64,
    /// Channels whose frames wait, now.
    pub channels_blocked: u64,
    /// Users homed here whom somebody watches, now.
    pub users_watched: u64,
    /// Conversations in memory, now.
    pub conversations_loaded: u64,
    /// Messages waiting in this shard's mailbox, now.
    pub mailbox_depth: u64,
    /// What waits, for how long, and what was too much.
    pub pressure: Pressure,
    frames_in: Family<{ FrameIn::COUNT }>,
    frame_bytes_in: Family<{ FrameIn::COUNT }>,
    frames_out: Family<{ FrameOut::COUNT }>,
    frame_bytes_out: Family<{ FrameOut::COUNT }>,
    refusals: Family<{ Refusal::COUNT }>,
    closes: Family<{ CloseReason::COUNT }>,
    logins: Family<{ LoginMethod::COUNT }>,
    tls_handshakes: Family<{ TlsHandshake::COUNT }>,
    tls_failures: Family<{ TlsFailure::COUNT }>,
    http_answers: Family<{ HttpStatus::COUNT }>,
    upgrades_refused: Family<{ UpgradeRefusal::COUNT }>,
    websocket_closes_by_client: Family<{ WebsocketClose::COUNT }>,
    websocket_closes_by_us: Family<{ WebsocketClose::COUNT }>,
    proxy_headers: Family<{ ProxyHeader::COUNT }>,
    accept_failures: Family<{ AcceptFailure::COUNT }>,
    /// Open connections, now.
    transports: [(u64, Share); Transport::COUNT],
    handles: Handles,
}

struct Handles {
    connections_accepted: Published,
    sends: Published,
    entries_delivered: Published,
    mailbox_refused: Published,
    resyncs: Published,
    entries_expired: Published,
    entries_removed: Published,
    signals_dropped: Published,
    hashes_done: Published,
    hashes_refused: Published,
    hashes_waiting: Gauge,
    connections_unauthenticated: Gauge,
    connections: Share,
    devices_logged_in: Share,
    connections_lagging: Share,
    trunks: Share,
    channels: Share,
    channels_blocked: Share,
    users_watched: Share,
    conversations_loaded: Share,
    mailbox_depth: Gauge,
    busy_seconds: Gauge,
}

impl ShardCounters {
    /// Registers the metrics of shard number `shard` with the recorder of this process.
    pub fn register(shard: usize) -> Self {
        Self {
            connections_accepted: 0,
            sends: 0,
            entries_delivered: 0,
            mailbox_refused: 0,
            resyncs: 0,
            entries_expired: 0,
            entries_removed: 0,
            signals_dropped: 0,
            signals_dropped_here: 0,
            hashes_done: 0,
            hashes_refused: 0,
            hashes_waiting: 0,
            busy_ns: 0,
            connections: 0,
            connections_unauthenticated: 0,
            devices_logged_in: 0,
            connections_lagging: 0,
            trunks: 0,
            channels: 0,
            channels_blocked: 0,
            users_watched: 0,
            conversations_loaded: 0,
            mailbox_depth: 0,
            pressure: Pressure::register(shard),
            frames_in: Family::new(|i| counter!(names::FRAMES, "direction" => "in", "kind" => FrameIn::LABELS[i])),
            frame_bytes_in: Family::new(
                |i| counter!(names::FRAME_BYTES, "direction" => "in", "kind" => FrameIn::LABELS[i]),
            ),
            frames_out: Family::new(|i| counter!(names::FRAMES, "direction" => "out", "kind" => FrameOut::LABELS[i])),
            frame_bytes_out: Family::new(
                |i| counter!(names::FRAME_BYTES, "direction" => "out", "kind" => FrameOut::LABELS[i]),
            ),
            refusals: Family::new(|i| counter!(names::REFUSALS, "reason" => Refusal::LABELS[i])),
            logins: Family::new(|i| counter!(names::LOGINS, "method" => LoginMethod::LABELS[i])),
            closes: Family::new(|i| counter!(names::CLOSES, "reason" => CloseReason::LABELS[i])),
            tls_handshakes: Family::new(|i| {
                let (outcome, version) = (TlsHandshake::LABELS[i], TlsHandshake::VERSIONS[i]);
                counter!(names::TLS_HANDSHAKES, "outcome" => outcome, "version" => version)
            }),
            tls_failures: Family::new(|i| counter!(names::TLS_FAILURES, "reason" => TlsFailure::LABELS[i])),
            http_answers: Family::new(|i| counter!(names::HTTP_ANSWERS, "status" => HttpStatus::LABELS[i])),
            upgrades_refused: Family::new(|i| counter!(names::UPGRADES_REFUSED, "reason" => UpgradeRefusal::LABELS[i])),
            websocket_closes_by_client: Family::new(
                |i| counter!(names::WEBSOCKET_CLOSES, "by" => "client", "code" => WebsocketClose::LABELS[i]),
            ),
            websocket_closes_by_us: Family::new(
                |i| counter!(names::WEBSOCKET_CLOSES, "by" => "server", "code" => WebsocketClose::LABELS[i]),
            ),
            proxy_headers: Family::new(|i| counter!(names::PROXY_HEADERS, "outcome" => ProxyHeader::LABELS[i])),
            accept_failures: Family::new(|i| counter!(names::ACCEPT_FAILURES, "reason" => AcceptFailure::LABELS[i])),
            transports: std::array::from_fn(|i| {
                let gauge = gauge!(names::TRANSPORT_CONNECTIONS, "transport" => Transport::LABELS[i]);
                (0, Share::new(gauge))
            }),
            handles: Handles::register(shard),
        }
    }

    /// Counts a frame from a client, `bytes` long with its length prefix.
    pub fn frame_in(&mut self, kind: FrameIn, bytes: usize) {
        self.frames_in.counts[kind as usize] += 1;
        self.frame_bytes_in.counts[kind as usize] += bytes as u64;
    }

    /// Counts `frames` frames to clients, `bytes` long together with their length prefixes.
    pub fn frame_out(&mut self, kind: FrameOut, frames: u64, bytes: u64) {
        self.frames_out.counts[kind as usize] += frames;
        self.frame_bytes_out.counts[kind as usize] += bytes;
    }

    /// Counts a connection that begins here.
    pub fn connected(&mut self, transport: Transport) {
        self.connections += 1;
        self.transports[transport as usize].0 += 1;
    }

    /// Counts a connection that ends here, or goes to another shard.
    pub fn disconnected(&mut self, transport: Transport) {
        self.connections -= 1;
        self.transports[transport as usize].0 -= 1;
    }

    /// Counts a TLS handshake that succeeded.
    pub fn tls_handshake(&mut self, handshake: TlsHandshake) {
        self.tls_handshakes.counts[handshake as usize] += 1;
    }

    /// Counts a TLS connection that failed.
    pub fn tls_failed(&mut self, reason: TlsFailure) {
        self.tls_failures.counts[reason as usize] += 1;
    }

    /// Counts an answer over HTTP.
    pub fn http_answered(&mut self, status: HttpStatus) {
        self.http_answers.counts[status as usize] += 1;
    }

    /// Counts a connection that did not become a WebSocket.
    pub fn upgrade_refused(&mut self, reason: UpgradeRefusal) {
        self.upgrades_refused.counts[reason as usize] += 1;
    }

    /// Counts a close that a client has said first.
    pub fn websocket_closed_by_client(&mut self, code: Option<CloseCode>) {
        self.websocket_closes_by_client.counts[WebsocketClose::of(code) as usize] += 1;
    }

    /// Counts a close that was said to a client, answers among them.
    pub fn websocket_closed_by_us(&mut self, code: Option<CloseCode>) {
        self.websocket_closes_by_us.counts[WebsocketClose::of(code) as usize] += 1;
    }

    /// Counts what a proxy said of a connection.
    pub fn proxy_header(&mut self, outcome: ProxyHeader) {
        self.proxy_headers.counts[outcome as usize] += 1;
    }

    /// Counts a connection that could not be accepted.
    pub fn accept_failed(&mut self, reason: AcceptFailure) {
        self.accept_failures.counts[reason as usize] += 1;
    }

    /// Counts a refusal.
    pub fn refused(&mut self, reason: Refusal) {
        self.refusals.counts[reason as usize] += 1;
    }

    /// Counts a login whose user's home decides about it now.
    pub fn login(&mut self, method: LoginMethod) {
        self.logins.counts[method as usize] += 1;
    }

    /// Counts the end of a connection.
    pub fn closed(&mut self, reason: CloseReason) {
        self.closes.counts[reason as usize] += 1;
    }

    /// Adds to the time that the thread did not wait.
    pub fn busy(&mut self, time: Duration) {
        self.busy_ns += u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Shows the counts to the recorder. Costs some microseconds; call it about once a second and at the end.
    pub fn publish(&mut self) {
        self.frames_in.publish();
        self.frame_bytes_in.publish();
        self.frames_out.publish();
        self.frame_bytes_out.publish();
        self.refusals.publish();
        self.closes.publish();
        self.logins.publish();
        self.tls_handshakes.publish();
        self.tls_failures.publish();
        self.http_answers.publish();
        self.upgrades_refused.publish();
        self.websocket_closes_by_client.publish();
        self.websocket_closes_by_us.publish();
        self.proxy_headers.publish();
        self.accept_failures.publish();
        self.transports.iter_mut().for_each(|(count, share)| share.move_to(*count));
        self.pressure.publish();
        let handles = &mut self.handles;
        handles.connections_accepted.raise_to(self.connections_accepted);
        handles.sends.raise_to(self.sends);
        handles.entries_delivered.raise_to(self.entries_delivered);
        handles.mailbox_refused.raise_to(self.mailbox_refused);
        handles.resyncs.raise_to(self.resyncs);
        handles.entries_expired.raise_to(self.entries_expired);
        handles.entries_removed.raise_to(self.entries_removed);
        handles.signals_dropped.raise_to(self.signals_dropped);
        handles.hashes_done.raise_to(self.hashes_done);
        handles.hashes_refused.raise_to(self.hashes_refused);
        handles.hashes_waiting.set(self.hashes_waiting as f64);
        handles.connections_unauthenticated.set(self.connections_unauthenticated as f64);
        handles.connections.move_to(self.connections);
        handles.devices_logged_in.move_to(self.devices_logged_in);
        handles.connections_lagging.move_to(self.connections_lagging);
        handles.trunks.move_to(self.trunks);
        handles.channels.move_to(self.channels);
        handles.channels_blocked.move_to(self.channels_blocked);
        handles.users_watched.move_to(self.users_watched);
        handles.conversations_loaded.move_to(self.conversations_loaded);
        handles.mailbox_depth.set(self.mailbox_depth as f64);
        handles.busy_seconds.set(self.busy_ns as f64 / 1e9);
    }
}

impl Handles {
    fn register(shard: usize) -> Self {
        Self {
            connections_accepted: Published::new(counter!(names::CONNECTIONS_ACCEPTED)),
            sends: Published::new(counter!(names::SENDS)),
            entries_delivered: Published::new(counter!(names::ENTRIES_DELIVERED)),
            mailbox_refused: Published::new(counter!(names::MAILBOX_REFUSED)),
            resyncs: Published::new(counter!(names::RESYNCS)),
            entries_expired: Published::new(counter!(names::ENTRIES_EXPIRED)),
            entries_removed: Published::new(counter!(names::ENTRIES_REMOVED)),
            signals_dropped: Published::new(counter!(names::SIGNALS_DROPPED)),
            hashes_done: Published::new(counter!(names::PASSWORD_HASHES)),
            hashes_refused: Published::new(counter!(names::PASSWORD_HASHES_REFUSED)),
            hashes_waiting: gauge!(names::PASSWORD_HASHES_WAITING),
            connections_unauthenticated: gauge!(names::CONNECTIONS_UNAUTHENTICATED),
            connections: Share::new(gauge!(names::CONNECTIONS)),
            devices_logged_in: Share::new(gauge!(names::DEVICES_LOGGED_IN)),
            connections_lagging: Share::new(gauge!(names::CONNECTIONS_LAGGING)),
            trunks: Share::new(gauge!(names::TRUNKS)),
            channels: Share::new(gauge!(names::TRUNK_CHANNELS)),
            channels_blocked: Share::new(gauge!(names::TRUNK_CHANNELS_BLOCKED)),
            users_watched: Share::new(gauge!(names::USERS_WATCHED)),
            conversations_loaded: Share::new(gauge!(names::CONVERSATIONS_LOADED)),
            mailbox_depth: gauge!(names::MAILBOX_DEPTH, "shard" => shard.to_string()),
            busy_seconds: gauge!(names::SHARD_BUSY_SECONDS, "shard" => shard.to_string()),
        }
    }
}

impl std::fmt::Debug for ShardCounters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardCounters").field("connections", &self.connections).finish_non_exhaustive()
    }
}
