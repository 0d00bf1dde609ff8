//! A client: a session, its connection when it has one (`wire`), and what it waits for.

use std::collections::VecDeque;
use std::rc::Rc;

use bytes::BytesMut;
use hubbub_codec::trunk::ChannelId;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::comeback::Comeback;
use super::peer::{Peer, SendTicket};
use super::report::Sessions;
use super::trunk_end::SharedTrunk;
use super::wire::{Flushed, OpenLine, Wire};
use crate::clock::as_duration;
use crate::ledger::slot::MessageName;

/// How far a client's connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Link {
    Down,
    Connected,
    LoggedIn,
    Synced,
}

/// [`Client::away_until_us`] of who stays away until everybody is called back.
pub(super) const UNTIL_RECALLED: u64 = u64::MAX - 1;

/// [`Client::away_until_us`] of who never comes back.
pub(super) const FOR_GOOD: u64 = u64::MAX;

/// A client's place in a conversation of its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Membership {
    pub(super) conversation: u32,
    pub(super) member: u32,
}

/// A send that is not answered yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct PendingSend {
    pub(super) id: SendTicket,
    pub(super) conversation: u32,
    pub(super) name: MessageName,
    pub(super) intended_us: u64,
    /// It has been on the wire at most once, so its order counts.
    pub(super) judged: bool,
}

pub(super) struct Client {
    pub(super) session: Peer,
    pub(super) link: Link,
    pub(super) wire: Wire,
    /// Held from connecting to `LoggedIn`.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    pub(super) pending: VecDeque<PendingSend>,
    pub(super) memberships: Box<[Membership]>,
    /// Where it may send one-to-one messages.
    pub(super) speaks: Box<[Membership]>,
    pub(super) connecting_since_us: u64,
    /// It stays away until then, because the scenario says so; 0: it does not.
    pub(super) away_until_us: u64,
    /// What was intended before then it missed on purpose (MQTT, whose queues come after the login).
    pub(super) excused_until_us: u64,
    /// Its session's timer in the thread's heap.
    pub(super) timer_us: u64,
    /// Resends, and sends that were put off.
    repeats_seen: (u64, u64),
    pub(super) ever_synced: bool,
    /// It was made to connect again after the traffic, to ask for what it lacks.
    pub(super) asking: bool,
    /// It came to the end of all its logs since.
    pub(super) asked: bool,
    /// The conversation it looks at.
    pub(super) looks_at: Option<u32>,
    /// It comes back together with others, and how long that takes from this moment on is measured.
    pub(super) comeback: Option<(Comeback, u64)>,
}

impl Client {
    pub(super) fn new(session: Peer, memberships: Box<[Membership]>, speaks: Box<[Membership]>) -> Self {
        Self {
            session,
            link: Link::Down,
            wire: Wire::default(),
            permit: None,
            pending: VecDeque::new(),
            memberships,
            speaks,
            connecting_since_us: 0,
            away_until_us: 0,
            excused_until_us: 0,
            timer_us: u64::MAX,
            repeats_seen: (0, 0),
            ever_synced: false,
            asking: false,
            asked: false,
            looks_at: None,
            comeback: None,
        }
    }

    /// The connection stands.
    pub(super) fn connected(&mut self, stream: Rc<TcpStream>, line: Option<OpenLine>, now_us: u64) {
        self.wire = Wire::over(stream, line);
        self.link = Link::Connected;
        self.session.handle_connected(as_duration(now_us));
    }

    /// The connection stands, in a channel of a trunk.
    pub(super) fn connected_in(&mut self, trunk: SharedTrunk, channel: ChannelId, now_us: u64) {
        self.wire = Wire::within(trunk, channel);
        self.link = Link::Connected;
        self.session.handle_connected(as_duration(now_us));
    }

    /// The connection is gone, or could not be made.
    pub(super) fn disconnected(&mut self, now_us: u64) {
        self.wire = Wire::default();
        self.link = Link::Down;
        self.permit = None;
        self.pending.iter_mut().for_each(|pending| pending.judged = false);
        self.session.handle_disconnected(as_duration(now_us));
    }

    /// When it wants a connection, in microseconds of the clock; `None` when it wants none.
    pub(super) fn connect_at_us(&self) -> Option<u64> {
        let at = self.session.reconnect_at().filter(|_| self.away_until_us != FOR_GOOD)?;
        Some(u64::try_from(at.as_micros()).unwrap_or(u64::MAX).max(self.away_until_us))
    }

    /// Reads once and gives the session what there is. `Ok(false)`: there is nothing more for now.
    ///
    /// # Errors
    /// In words, when the connection is over.
    pub(super) fn read(
        &mut self,
        stream: &TcpStream,
        buffer: &mut BytesMut,
        frames: &mut BytesMut,
        now_us: u64,
    ) -> Result<bool, String> {
        self.wire.read(stream, buffer, frames, &mut self.session, now_us)
    }

    /// Gives the session what came in its channel.
    ///
    /// # Errors
    /// In words, when the server broke the protocol.
    pub(super) fn take_data(&mut self, bytes: BytesMut, now_us: u64) -> Result<(), String> {
        self.wire.take_data(bytes, &mut self.session, now_us)
    }

    /// Writes what the session has, as far as the socket takes it.
    pub(super) fn flush(&mut self) -> Flushed {
        self.wire.flush(&mut self.session)
    }

    /// After a resend, or a send that was put off, the order of what was on the wire is the server's choice. Returns how
    /// many were put off since the last call.
    pub(super) fn note_repeats(&mut self) -> u64 {
        let stats = self.session.stats();
        let seen = (stats.resends, stats.rate_limited);
        let (_, put_off) = self.repeats_seen;
        if seen != self.repeats_seen {
            self.repeats_seen = seen;
            self.pending.iter_mut().for_each(|pending| pending.judged = false);
        }
        stats.rate_limited - put_off
    }

    pub(super) fn take_pending(&mut self, id: SendTicket) -> Option<PendingSend> {
        let at = self.pending.iter().position(|pending| pending.id == id)?;
        self.pending.remove(at)
    }

    pub(super) fn is_away(&self) -> bool {
        self.away_until_us > 0
    }

    /// What its session counted.
    pub(super) fn sessions(&self) -> Sessions {
        let stats = self.session.stats();
        Sessions {
            repaired_gaps: stats.repaired_gaps,
            dropped_duplicates: stats.dropped_duplicates,
            resends: stats.resends,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
            frames_in: stats.frames_in,
            frames_out: stats.frames_out,
        }
    }
}
