//! Messages of a session until the broker has acknowledged them.
//!
//! Promises: a packet id is in use once at a time; never more messages on the wire than the window; what was on the wire
//! when a connection broke goes out again in its old order and under its old id, before anything that waited.

use std::collections::VecDeque;

use bytes::Bytes;

/// A message that is not acknowledged.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The sender's name for it.
    pub ticket: u64,
    /// Which conversation.
    pub key: u64,
    /// The body.
    pub payload: Bytes,
}

/// What is to be written next.
#[derive(Debug)]
pub struct Step {
    /// Under which id.
    pub packet_id: u16,
    /// Its name.
    pub ticket: u64,
    /// Which conversation.
    pub key: u64,
    /// The body.
    pub payload: Bytes,
    /// It was on the wire before, in an earlier connection.
    pub repeated: bool,
}

#[derive(Debug)]
struct InFlight {
    packet_id: u16,
    /// It is on the wire of this connection.
    written: bool,
    message: Outgoing,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Outbox {
    /// In the order in which they were first written.
    in_flight: VecDeque<InFlight>,
    waiting: VecDeque<Outgoing>,
    last_packet_id: u16,
}

impl Outbox {
    /// Messages that are not acknowledged.
    #[must_use]
    pub fn len(&self) -> usize {
        self.in_flight.len() + self.waiting.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes a message.
    pub fn push(&mut self, message: Outgoing) {
        self.waiting.push_back(message);
    }

    /// An id that nothing in flight has.
    pub fn next_packet_id(&mut self) -> u16 {
        loop {
            self.last_packet_id = self.last_packet_id.wrapping_add(1);
            let id = self.last_packet_id;
            if id != 0 && self.in_flight.iter().all(|sent| sent.packet_id != id) {
                return id;
            }
        }
    }

    /// The next message to be written while at most `window` are on the wire.
    pub fn next(&mut self, window: u16) -> Option<Step> {
        let written = self.in_flight.iter().take_while(|sent| sent.written).count();
        if written >= usize::from(window) {
            return None;
        }
        if let Some(sent) = self.in_flight.get_mut(written) {
            sent.written = true;
            return Some(Step::of(sent, true));
        }
        let message = self.waiting.pop_front()?;
        let packet_id = self.next_packet_id();
        let sent = InFlight { packet_id, written: true, message };
        let step = Step::of(&sent, false);
        self.in_flight.push_back(sent);
        if self.waiting.is_empty() {
            // An idle session keeps no queue.
            self.waiting = VecDeque::new();
        }
        Some(step)
    }

    /// The broker has answered; the ticket, if it is the answer to something.
    pub fn acknowledge(&mut self, packet_id: u16) -> Option<u64> {
        let at = self.in_flight.iter().position(|sent| sent.written && sent.packet_id == packet_id)?;
        let sent = self.in_flight.remove(at)?;
        if self.in_flight.is_empty() {
            self.in_flight = VecDeque::new();
        }
        Some(sent.message.ticket)
    }

    /// The connection is gone: what was on its wire is to be written again.
    pub fn disconnect(&mut self) {
        self.in_flight.iter_mut().for_each(|sent| sent.written = false);
    }
}

impl Step {
    fn of(sent: &InFlight, repeated: bool) -> Self {
        let Outgoing { ticket, key, payload } = sent.message.clone();
        Self { packet_id: sent.packet_id, ticket, key, payload, repeated }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(messages: u64) -> Outbox {
        let mut outbox = Outbox::default();
        (0..messages).for_each(|ticket| outbox.push(Outgoing { ticket, key: 1, payload: Bytes::new() }));
        outbox
    }

    fn drain(outbox: &mut Outbox, window: u16) -> Vec<(u16, u64, bool)> {
        std::iter::from_fn(|| outbox.next(window)).map(|step| (step.packet_id, step.ticket, step.repeated)).collect()
    }

    #[test]
    fn no_more_is_on_the_wire_than_the_window() {
        let mut outbox = outbox(5);
        assert_eq!(drain(&mut outbox, 3), [(1, 0, false), (2, 1, false), (3, 2, false)]);
        assert_eq!(outbox.acknowledge(2), Some(1));
        assert_eq!(drain(&mut outbox, 3), [(4, 3, false)]);
        assert_eq!(outbox.len(), 4);
    }

    #[test]
    fn an_answer_counts_once_and_only_for_what_was_asked() {
        let mut outbox = outbox(2);
        drain(&mut outbox, 1);
        assert_eq!((outbox.acknowledge(1), outbox.acknowledge(1), outbox.acknowledge(7)), (Some(0), None, None));
    }

    #[test]
    fn what_was_on_the_wire_goes_out_again_first_in_order_and_under_its_id() {
        let mut outbox = outbox(5);
        drain(&mut outbox, 3);
        outbox.acknowledge(2);
        outbox.disconnect();
        assert_eq!(outbox.acknowledge(1), None, "an answer from before counts for nothing");
        assert_eq!(drain(&mut outbox, 1), [(1, 0, true)], "a smaller window holds for what is repeated, too");
        assert_eq!(drain(&mut outbox, 3), [(3, 2, true), (4, 3, false)]);
    }

    #[test]
    fn ids_begin_anew_after_the_last_and_pass_over_zero_and_those_in_use() {
        let mut outbox = outbox(1);
        drain(&mut outbox, 1);
        assert_eq!(outbox.next_packet_id(), 2);
        (3..=u16::MAX).for_each(|id| assert_eq!(outbox.next_packet_id(), id));
        assert_eq!(outbox.next_packet_id(), 2, "0 is no id, and 1 is in use");
    }
}
