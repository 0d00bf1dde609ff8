//! What the application asked for and the server has not answered, in the order in which it was asked.
//!
//! Promises: a request stays here until it is answered, over any number of connections; what was on the wire before is
//! sent again as a resend, with the head known at its first attempt; and no request of a conversation is put on the
//! wire while an earlier one of it waits here. Never holds more than its bound.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::Recipient;
use crate::ids::GroupId;
use crate::proto::{ClientFrame, MessageName, client_frame::Body};

/// The conversations that an earlier request holds back, while the outbox is walked.
type Held = Vec<Recipient>;

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
        self.push_item(frame, false);
    }

    /// Queues a request that an earlier run of the application may have put on the wire: a resend from the start.
    pub(super) fn push_attempted(&mut self, frame: ClientFrame) {
        self.push_item(frame, true);
    }

    fn push_item(&mut self, frame: ClientFrame, attempted: bool) {
        self.waiting += 1;
        self.items.push_back(Item { frame, state: State::Queued, attempted });
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = &ClientFrame> {
        self.items.iter().map(|item| &item.frame)
    }

    /// Puts what may go on the wire, at most `room` requests: `write` gets each frame and whether it is a resend.
    /// `head_of` says which head is known of a conversation. Returns the next time at which there is more to do.
    pub(super) fn transmit(
        &mut self,
        now: Duration,
        mut room: usize,
        head_of: impl Fn(Recipient) -> u64,
        mut write: impl FnMut(&ClientFrame, bool),
    ) -> Option<Duration> {
        let mut held = Held::new();
        let mut next_retry: Option<Duration> = None;
        for item in self.items.iter_mut().filter(|item| item.state != State::InFlight) {
            let lane = lane(&item.frame);
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
            item.name_attempt(&head_of);
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
    /// stored (the server may have failed halfway), and a search too many costs less than a message twice.
    pub(super) fn retry_at(&mut self, request_id: u64, at: Duration) {
        if let Some(found) = self.position(request_id) {
            self.items[found].state = State::RetryAt(at);
            self.in_flight -= 1;
            self.waiting += 1;
        }
    }

    /// The connection is gone: whatever was on the wire is to be sent again, in the same order.
    pub(super) fn disconnect(&mut self) {
        for item in &mut self.items {
            item.state = State::Queued;
        }
        self.waiting = self.items.len();
        self.in_flight = 0;
    }

    /// A log began anew: an earlier resend may be stored anywhere in it, so all of it is to be searched.
    pub(super) fn forget_after_seq(&mut self, recipient: Recipient) {
        for item in &mut self.items {
            if lane(&item.frame) == Some(recipient)
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
    /// Writes into the frame's name whether this is a resend; at the first attempt, also after which head.
    fn name_attempt(&mut self, head_of: impl Fn(Recipient) -> u64) {
        let lane = lane(&self.frame);
        let Some(name) = self.frame.body.as_mut().and_then(name_mut) else {
            return;
        };
        name.resend = self.attempted;
        if !self.attempted {
            name.after_seq = lane.map_or(0, head_of);
        }
    }
}

/// The conversation whose order a request belongs to.
fn lane(frame: &ClientFrame) -> Option<Recipient> {
    use crate::proto::send::To;
    let group = |group: u64| Some(Recipient::Group(GroupId(group)));
    match frame.body.as_ref()? {
        Body::Send(send) => match *send.to.as_ref()? {
            To::User(user) => Some(Recipient::User(user.into())),
            To::Group(id) => group(id),
        },
        Body::AddMembers(request) => group(request.group),
        Body::RemoveMembers(request) => group(request.group),
        Body::Leave(request) => group(request.group),
        _ => None,
    }
}

fn name_mut(body: &mut Body) -> Option<&mut MessageName> {
    match body {
        Body::Send(request) => request.name.as_mut(),
        Body::CreateGroup(request) => request.name.as_mut(),
        Body::AddMembers(request) => request.name.as_mut(),
        Body::RemoveMembers(request) => request.name.as_mut(),
        Body::Leave(request) => request.name.as_mut(),
        _ => None,
    }
}
