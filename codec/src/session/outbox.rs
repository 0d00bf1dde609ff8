//! What the application asked for and the server has not answered, in the order in which it was asked.
//!
//! Promises: a request stays here until it is answered, over any number of connections; what was on the wire before is
//! sent again as a resend, with the head known at its first attempt; and no request of a conversation is put on the
//! wire while an earlier one of it waits here. Never holds more than its bound.

use std::collections::VecDeque;
use std::time::Duration;

use super::lanes::{lane, name_mut};
use crate::ids::{Conversation, UserId};
use crate::proto::{ClientFrame, client_frame::Body};

/// The conversations that an earlier request holds back, while the outbox is walked.
type Held = Vec<Conversation>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// To go out as soon as there is room.
    Queued,
    /// On the wire.
    InFlight,
    /// Refused for now; to go out again at this time.
    RetryAt(Duration),
}

/// One request; its id is the frame's `request_id`, on every connection.
#[derive(Debug)]
struct Item {
    frame: ClientFrame,
    state: State,
    /// It was on the wire before, so it may have been stored.
    attempted: bool,
    /// The session's own, of which the application does not know; it ends with its connection.
    own: bool,
}

/// The requests of one session.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    items: VecDeque<Item>,
    in_flight: usize,
    /// INVARIANT: the number of items that are not in flight.
    waiting: usize,
}

impl Outbox {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn has_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Queues a new request.
    pub(super) fn push(&mut self, frame: ClientFrame) {
        self.push_item(frame, false, false);
    }

    /// Queues a request of the session's own, for this connection only.
    pub(super) fn push_own(&mut self, frame: ClientFrame) {
        self.push_item(frame, false, true);
    }

    /// Queues a request that an earlier run of the application may have put on the wire: a resend from the start.
    pub(super) fn push_attempted(&mut self, frame: ClientFrame) {
        self.push_item(frame, true, false);
    }

    fn push_item(&mut self, frame: ClientFrame, attempted: bool, own: bool) {
        self.waiting += 1;
        self.items.push_back(Item { frame, state: State::Queued, attempted, own });
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = &ClientFrame> {
        self.items.iter().map(|item| &item.frame)
    }

    /// Puts what may go on the wire, at most `room` requests: `write` gets each frame and whether it is a resend.
    /// `me` is who sends, `head_of` says which head is known of a conversation. Returns the next time at which there is more to do.
    pub(super) fn transmit(
        &mut self,
        now: Duration,
        mut room: usize,
        me: UserId,
        head_of: impl Fn(&Conversation) -> u64,
        mut write: impl FnMut(&ClientFrame, bool),
    ) -> Option<Duration> {
        let mut held = Held::new();
        let mut next_retry: Option<Duration> = None;
        for item in self.items.iter_mut().filter(|item| item.state != State::InFlight) {
            let lane = item.lane(me);
            if lane.is_some_and(|lane| held.contains(&lane)) {
                continue;
            }
            if let State::RetryAt(at) = item.state
                && at > now
            {
                next_retry = Some(next_retry.map_or(at, |earlier| earlier.min(at)));
                held.extend(lane);
                continue;
            }
            if room == 0 {
                break;
            }
            room -= 1;
            item.name_attempt(lane.as_ref().map_or(0, &head_of));
            write(&item.frame, item.attempted);
            item.attempted = true;
            item.state = State::InFlight;
            self.in_flight += 1;
            self.waiting -= 1;
        }
        next_retry
    }

    /// The request that a reply answers, if it is on the wire.
    pub(super) fn find(&self, request_id: u64) -> Option<&ClientFrame> {
        let at = self.position(request_id)?;
        Some(&self.items[at].frame)
    }

    /// Whether a request on the wire may be sent again after a refusal for now: it is named, so that it is stored once,
    /// or it is the session's own.
    pub(super) fn is_resendable(&mut self, request_id: u64) -> bool {
        let Some(at) = self.position(request_id) else {
            return false;
        };
        let item = &mut self.items[at];
        item.own || item.frame.body.as_mut().and_then(name_mut).is_some()
    }

    /// Whether a request on the wire is the session's own.
    pub(super) fn is_own(&self, request_id: u64) -> bool {
        self.position(request_id).is_some_and(|at| self.items[at].own)
    }

    /// Takes a `Logout` that may have been done already.
    pub(super) fn take_attempted_logout(&mut self) -> Option<u64> {
        let is_logout = |item: &Item| item.attempted && matches!(item.frame.body, Some(Body::Logout(_)));
        let at = self.items.iter().position(is_logout)?;
        let item = self.items.remove(at)?;
        if item.state == State::InFlight {
            self.in_flight -= 1
        } else {
            self.waiting -= 1
        }
        Some(item.frame.request_id)
    }

    /// The server has answered for good.
    pub(super) fn complete(&mut self, request_id: u64) -> Option<ClientFrame> {
        let at = self.position(request_id)?;
        self.in_flight -= 1;
        let item = self.items.remove(at)?;
        if self.items.is_empty() {
            self.items = VecDeque::new();
        }
        Some(item.frame)
    }

    /// The server has refused it for now. It goes out again as a resend: a refusal does not say that nothing was
    /// stored (the server may have failed halfway), and a search too many costs less than a message twice. Unless the
    /// refusal came `unhandled`, of a limit: then this attempt has left nothing behind, and does not count.
    pub(super) fn retry_at(&mut self, request_id: u64, at: Duration, unhandled: bool) {
        if let Some(found) = self.position(request_id) {
            let item = &mut self.items[found];
            item.state = State::RetryAt(at);
            if unhandled && let Some(name) = item.frame.body.as_mut().and_then(name_mut) {
                item.attempted = name.resend;
            }
            self.in_flight -= 1;
            self.waiting += 1;
        }
    }

    /// The connection is gone: whatever was on the wire is to be sent again, in the same order.
    pub(super) fn disconnect(&mut self) {
        self.items.retain(|item| !item.own);
        for item in &mut self.items {
            item.state = State::Queued;
        }
        self.waiting = self.items.len();
        self.in_flight = 0;
    }

    /// A log began anew: an earlier resend may be stored anywhere in it, so all of it is to be searched.
    pub(super) fn forget_after_seq(&mut self, conversation: Conversation, me: UserId) {
        for item in &mut self.items {
            if item.lane(me) == Some(conversation)
                && let Some(name) = item.frame.body.as_mut().and_then(name_mut)
            {
                name.after_seq = 0;
            }
        }
    }

    fn position(&self, request_id: u64) -> Option<usize> {
        self.items.iter().position(|item| item.frame.request_id == request_id && item.state == State::InFlight)
    }
}

impl Item {
    fn lane(&self, me: UserId) -> Option<Conversation> {
        lane(self.frame.body.as_ref()?, me)
    }

    /// Writes into the frame's name whether this is a resend; at the first attempt, also after which head.
    fn name_attempt(&mut self, head: u64) {
        let Some(name) = self.frame.body.as_mut().and_then(name_mut) else {
            return;
        };
        name.resend = self.attempted;
        if !self.attempted {
            name.after_seq = head;
        }
    }
}
