//! Typing: signals before some of the scheduled messages, and how long they take to whoever is told.
//!
//! A signal carries the run and its intended time. It leaves `lead_s` before its message, but not before the message
//! before that one. Signals are not in the ledger: a server may drop them.

use bytes::{BufMut, Bytes, BytesMut};
use hubbub_codec::session::{Signal, SignalKind};

use super::thread::Thread;
use super::timers::Due;
use crate::clock::{as_duration, seconds_us};
use crate::schedule::{Arrival, choose};

/// Bytes of a signal's body.
const BODY_BYTES: usize = 16;

impl Thread {
    /// Announces a scheduled message, perhaps. `before_us`: the one before it, from the start of the traffic.
    pub(super) fn schedule_typing(&mut self, due: Due, arrival: Arrival, before_us: u64, start_us: u64) {
        let Some(typing) = self.plan.scenario.typing.as_ref().filter(|typing| arrival.extra < typing.share) else {
            return;
        };
        let announces = match due {
            Due::Direct(index) => Due::TypingDirect(index),
            Due::Group(at) => Due::TypingGroup(at),
            _ => return,
        };
        let at_us = arrival.at_us.saturating_sub(seconds_us(typing.lead_s)).max(before_us);
        self.timers.add(start_us + at_us, announces);
    }

    pub(super) fn fire_typing_direct(&mut self, index: u32, intended_us: u64, now_us: u64) {
        let speaks = &self.clients[index as usize].speaks;
        let place = |arrival: Arrival| speaks.get(choose(arrival.choice, speaks.len()));
        if let Some(place) = self.traffic.direct[index as usize].next.and_then(place) {
            self.signal_typing(index, place.conversation, intended_us, now_us);
        }
    }

    pub(super) fn fire_typing_group(&mut self, at: u32, intended_us: u64, now_us: u64) {
        let members = &self.conversations[at as usize].members;
        let writer = |arrival: Arrival| members.get(choose(arrival.choice, members.len())).copied();
        if let Some(index) = self.traffic.group[at as usize].next.and_then(writer) {
            self.signal_typing(index, at, intended_us, now_us);
        }
    }

    fn signal_typing(&mut self, index: u32, at: u32, intended_us: u64, now_us: u64) {
        if !self.traffic.running {
            return;
        }
        let Some(session) = self.clients[index as usize].session.hubbub_mut() else {
            return self.meters.note_not_driven("typing signals", 1);
        };
        let Some(name) = self.conversations[at as usize].name else {
            return;
        };
        let signal = Signal { kind: SignalKind::Typing, body: encode(self.plan.run_id, intended_us) };
        // Who is not connected now tells nobody.
        if session.signal(as_duration(now_us), &name, signal).is_ok() {
            self.meters.counts.typing_sent += 1;
            self.touched.push(index);
        }
    }

    pub(super) fn handle_signal(&mut self, signal: &Signal, now_us: u64) {
        if signal.kind != SignalKind::Typing {
            return;
        }
        let Some(intended_us) = decode(&signal.body, self.plan.run_id) else {
            return;
        };
        self.meters.counts.typing_received += 1;
        if self.meters.measures(intended_us) {
            self.meters.latencies.typing.record(now_us.saturating_sub(intended_us));
        }
    }
}

fn encode(run_id: u64, intended_us: u64) -> Bytes {
    let mut body = BytesMut::with_capacity(BODY_BYTES);
    body.put_u64_le(run_id);
    body.put_u64_le(intended_us);
    body.freeze()
}

/// The intended time of a signal of the run `run_id`.
fn decode(body: &[u8], run_id: u64) -> Option<u64> {
    let (run, rest) = body.split_first_chunk::<8>()?;
    let intended = rest.first_chunk::<8>()?;
    (u64::from_le_bytes(*run) == run_id).then(|| u64::from_le_bytes(*intended))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_read_as_it_was_written_and_others_are_not() {
        let body = encode(7, 123_456);
        assert_eq!(body.len(), BODY_BYTES);
        assert_eq!(decode(&body, 7), Some(123_456));
        assert_eq!(decode(&body, 8), None);
        assert_eq!(decode(&body[..15], 7), None);
    }
}
