//! The bounded lanes between shards, with the policies of the real router: runs without room become marks, receipts
//! are dropped, everything else waits in order.

use hubbub_core::ids::{Conversation, Seq, ShardId, UserId};
use hubbub_core::message::{Message, SessionMessage};
use std::collections::{BTreeMap, VecDeque};

/// Conversations of which runs were left out, before one mark stands for all.
const MARKS_MAX: usize = 3;

/// From one shard to another.
#[derive(Debug)]
pub struct Lane {
    from: ShardId,
    room: usize,
    queue: VecDeque<Message>,
    backlog: VecDeque<Message>,
    marks: BTreeMap<Conversation, Seq>,
    all_marked: bool,
    presence_lost: Option<UserId>,
    dropped: u64,
}

impl Lane {
    /// An empty lane with room for so many messages.
    #[must_use]
    pub fn new(from: usize, room: usize) -> Lane {
        let (queue, backlog) = (VecDeque::new(), VecDeque::new());
        Lane {
            from: ShardId(from as u16),
            room,
            queue,
            backlog,
            marks: BTreeMap::new(),
            all_marked: false,
            presence_lost: None,
            dropped: 0,
        }
    }

    /// Sends, or does what the kind of the message asks for when there is no room.
    pub fn send(&mut self, message: Message) {
        if self.backlog.is_empty() && self.queue.len() < self.room {
            self.queue.push_back(message);
        } else if let Some((conversation, head)) = message.as_run() {
            if self.marks.len() < MARKS_MAX || self.marks.contains_key(&conversation) {
                self.marks.insert(conversation, head);
            } else {
                self.all_marked = true;
                self.marks.clear();
            }
        } else if !message.is_droppable() {
            self.backlog.push_back(message);
        } else if let Some(user) = message.presence_of() {
            self.presence_lost = Some(self.presence_lost.map_or(user, |lost| lost.min(user)));
        } else {
            self.dropped += 1;
        }
    }

    /// Moves what has waited, as far as there is room.
    pub fn flush(&mut self) {
        while self.queue.len() < self.room {
            let next = self.backlog.pop_front().or_else(|| self.next_mark());
            let Some(message) = next else { return };
            self.queue.push_back(message);
        }
    }

    fn next_mark(&mut self) -> Option<Message> {
        if std::mem::take(&mut self.all_marked) {
            return Some(Message::ToSession(SessionMessage::AllBehind(self.from)));
        }
        let (conversation, head) = self.marks.pop_first()?;
        Some(Message::ToSession(SessionMessage::Behind(conversation, head)))
    }

    /// Messages for which there was no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The oldest message.
    pub fn pop(&mut self) -> Option<Message> {
        self.queue.pop_front()
    }

    /// From which user on presence was lost, once there is room again.
    pub fn take_presence_lost(&mut self) -> Option<UserId> {
        if self.backlog.is_empty() { self.presence_lost.take() } else { None }
    }

    /// Whether nothing is in it, waits for it, or is marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.backlog.is_empty() && self.marks.is_empty() && !self.all_marked
    }

    /// Whether there is a message to take.
    #[must_use]
    pub fn has_message(&self) -> bool {
        !self.queue.is_empty()
    }
}
