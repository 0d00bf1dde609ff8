//! What goes on the wire, and when.
//!
//! Promises: nothing but the handshake before the login is answered; never more requests at once than both sides allow.

use std::time::Duration;

use super::Session;
use super::timers::Timer;
use crate::frame::append_frame;
use crate::ids::{Conversation, UserId};
use crate::proto::{ClientFrame, client_frame};

impl Session {
    /// Puts everything on the wire that may go: syncs first, then repairs, then requests in their order.
    pub(super) fn pump(&mut self, now: Duration) {
        let Some(me) = self.user_id.filter(|_| self.is_ready()) else {
            return;
        };
        let internal = self.repairs_in_flight.len() + self.syncing.as_ref().map_or(0, |syncing| syncing.in_flight());
        let mut room = self.limits.requests_in_progress_max().saturating_sub(internal + self.outbox.in_flight());
        room -= self.transmit_syncs(now, room);
        if !self.repairs.is_empty() {
            room -= self.transmit_repairs(now, room);
        }
        if self.outbox.has_waiting() {
            self.transmit_outbox(now, me, room);
        }
    }

    fn transmit_outbox(&mut self, now: Duration, me: UserId, room: usize) {
        let own_max = usize::from(self.config.sends_in_flight_max.max(1));
        let room = room.min(own_max.saturating_sub(self.outbox.in_flight()));
        let tracks = &self.tracks;
        let head_of = |conversation: &Conversation| tracks.get(conversation).map_or(0, |track| track.head);
        let (transmit, stats) = (&mut self.transmit, &mut self.stats);
        let mut wrote = false;
        let next_retry = self.outbox.transmit(now, room, me, head_of, |frame, resend| {
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
    pub(super) fn write(&mut self, now: Duration, request_id: u64, body: client_frame::Body) {
        let frame = ClientFrame { request_id, body: Some(body) };
        append_frame(&frame, &mut self.transmit);
        self.stats.frames_out += 1;
        self.note_written(now);
    }
}
