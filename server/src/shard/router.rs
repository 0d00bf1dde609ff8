//! What leaves this shard for others, and what happens when their lanes are full.
//!
//! The policies: a live run that does not fit becomes a mark (conversation, head), of which there is one for each
//! conversation and a bounded number in all; beyond that one mark stands for everything. Receipts and signals are
//! dropped and counted: the next receipts say more, and signals are for now only. Presence is dropped, too, and the core
//! is told once there is room again, so that it says the last state. Requests and answers wait in order; while too many wait, the shard stops reading
//! its clients, which is what produces them.

use super::Envelope;
use crate::mailbox::Mailbox;
use hubbub_core::ids::{Conversation, Seq, ShardId, UserId};
use hubbub_core::message::{Message, SessionMessage};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// Messages in one lane, when `shards` shards send to each other: less for each lane when there are many lanes.
#[must_use]
pub fn lane_messages_max(shards: usize) -> usize {
    const MAILBOX_MESSAGES: usize = 16_384;
    const LANE_LEAST: usize = 512;
    (MAILBOX_MESSAGES / shards.max(1)).max(LANE_LEAST)
}

/// Messages that wait for a lane before the shard stops reading its clients.
const BACKLOG_MAX: usize = 1_024;
/// Conversations of which runs were left out, before one mark stands for all.
const MARKS_MAX: usize = 4_096;

#[derive(Debug)]
struct Peer {
    mailbox: Arc<Mailbox<Envelope>>,
    backlog: VecDeque<Message>,
    marks: HashMap<Conversation, Seq>,
    all_marked: bool,
    /// The lowest user whose presence found no room.
    presence_lost: Option<UserId>,
    pushed: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Router {
    id: usize,
    peers: Vec<Peer>,
    /// Messages that found no room, ever.
    pub(super) refused: u64,
    /// Signals among them that were dropped, ever.
    pub(super) signals_dropped: u64,
}

impl Router {
    pub(super) fn new(id: usize, mailboxes: &[Arc<Mailbox<Envelope>>]) -> Router {
        let peers = mailboxes.iter().map(|mailbox| Peer {
            mailbox: mailbox.clone(),
            backlog: VecDeque::new(),
            marks: HashMap::new(),
            all_marked: false,
            presence_lost: None,
            pushed: false,
        });
        Router { id, peers: peers.collect(), refused: 0, signals_dropped: 0 }
    }

    /// Sends a message, or does with it what its kind asks for when there is no room.
    pub(super) fn send(&mut self, to: ShardId, message: Message) {
        let peer = &mut self.peers[usize::from(to.0)];
        let message = if peer.backlog.is_empty() {
            match peer.mailbox.push(self.id, Envelope::Message(message)) {
                Ok(()) => {
                    peer.pushed = true;
                    return;
                }
                Err(Envelope::Message(message)) => message,
                Err(Envelope::Parcel(_)) => unreachable!("what comes back is what was pushed"),
            }
        } else {
            message
        };
        self.refused += 1;
        self.signals_dropped += u64::from(message.is_signal());
        peer.keep(message);
    }

    /// Hands a connection over; gives it back when there is no room.
    pub(super) fn hand_over(&mut self, to: ShardId, parcel: Box<super::Parcel>) -> Result<(), Box<super::Parcel>> {
        let peer = &mut self.peers[usize::from(to.0)];
        match peer.mailbox.push(self.id, Envelope::Parcel(parcel)) {
            Ok(()) => {
                peer.pushed = true;
                Ok(())
            }
            Err(Envelope::Parcel(parcel)) => {
                self.refused += 1;
                Err(parcel)
            }
            Err(Envelope::Message(_)) => unreachable!("what comes back is what was pushed"),
        }
    }

    /// Sends what has waited, as far as there is room, and rings.
    pub(super) fn flush(&mut self) {
        let id = self.id;
        self.peers.iter_mut().for_each(|peer| peer.flush(id));
    }

    /// Whether anything waits for room.
    pub(super) fn has_backlog(&self) -> bool {
        self.peers.iter().any(Peer::has_backlog)
    }

    /// Messages and marks that wait for room.
    pub(super) fn backlog(&self) -> usize {
        self.peers.iter().map(|peer| peer.backlog.len() + peer.marks.len() + usize::from(peer.all_marked)).sum()
    }

    /// The shards to which presence was lost and to which there is room again; and from which user on.
    pub(super) fn take_presence_lost(&mut self) -> Vec<(ShardId, UserId)> {
        let regained = self.peers.iter_mut().enumerate().filter(|(_, peer)| !peer.has_backlog());
        regained.filter_map(|(shard, peer)| Some((ShardId(shard as u16), peer.presence_lost.take()?))).collect()
    }

    /// Whether so much waits that clients must not be read.
    pub(super) fn is_congested(&self) -> bool {
        self.peers.iter().any(|peer| peer.backlog.len() >= BACKLOG_MAX)
    }
}

impl Peer {
    fn has_backlog(&self) -> bool {
        !self.backlog.is_empty() || !self.marks.is_empty() || self.all_marked
    }

    fn keep(&mut self, message: Message) {
        if let Some((conversation, head)) = message.as_run() {
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
        }
    }

    fn flush(&mut self, id: usize) {
        while let Some(message) = self.backlog.pop_front() {
            if let Some(message) = self.try_push(id, message) {
                self.backlog.push_front(message);
                break;
            }
        }
        if self.backlog.is_empty() {
            self.flush_marks(id);
        }
        if std::mem::take(&mut self.pushed) {
            self.mailbox.bell().ring();
        }
    }

    fn flush_marks(&mut self, id: usize) {
        if self.all_marked {
            let message = Message::ToSession(SessionMessage::AllBehind(ShardId(id as u16)));
            self.all_marked = self.try_push(id, message).is_some();
        }
        while let Some((&conversation, &head)) = self.marks.iter().next() {
            let message = Message::ToSession(SessionMessage::Behind(conversation, head));
            if self.try_push(id, message).is_some() {
                return;
            }
            self.marks.remove(&conversation);
        }
    }

    /// Gives the message back when there is no room.
    fn try_push(&mut self, id: usize, message: Message) -> Option<Message> {
        match self.mailbox.push(id, Envelope::Message(message)) {
            Ok(()) => {
                self.pushed = true;
                None
            }
            Err(Envelope::Message(message)) => Some(message),
            Err(Envelope::Parcel(_)) => unreachable!("what comes back is what was pushed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use hubbub_core::ids::UserId;
    use hubbub_core::ids::{GroupId, LogId};
    use hubbub_core::message::{ConversationMessage, PresencePush, Run};
    use hubbub_core::presence::UserPresence;

    fn conversation(n: u64) -> Conversation {
        Conversation::Group(GroupId(n))
    }

    fn run(n: u64, last: u64) -> Message {
        let (first, last) = (Seq(last), Seq(last));
        let run =
            Run { conversation: conversation(n), log_id: LogId(1), first, last, entries: Bytes::new(), removed: None };
        Message::ToSession(SessionMessage::Run(run))
    }

    fn request(n: u64) -> Message {
        Message::ToConversation(conversation(n), ConversationMessage::Unfollow(ShardId(0)))
    }

    fn drain(mailbox: &Mailbox<Envelope>) -> Vec<Message> {
        std::iter::from_fn(|| mailbox.pop(0))
            .map(|envelope| match envelope {
                Envelope::Message(message) => message,
                Envelope::Parcel(_) => panic!("no parcels here"),
            })
            .collect()
    }

    #[test]
    fn runs_without_room_become_one_mark_and_requests_keep_their_order() {
        let mailbox = Arc::new(Mailbox::new(2, 2));
        let mut router = Router::new(0, &[Arc::new(Mailbox::new(2, 2)), mailbox.clone()]);
        let to = ShardId(1);
        for message in [request(1), request(2), request(3), run(7, 1), request(4), run(7, 2)] {
            router.send(to, message);
        }
        assert!(router.has_backlog() && !router.is_congested());
        assert_eq!(drain(&mailbox), [request(1), request(2)]);
        router.flush();
        assert_eq!(drain(&mailbox), [request(3), request(4)]);
        router.flush();
        assert_eq!(drain(&mailbox), [Message::ToSession(SessionMessage::Behind(conversation(7), Seq(2)))]);
        assert!(!router.has_backlog());
    }

    #[test]
    fn lost_presence_is_told_once_there_is_room() {
        let mailbox = Arc::new(Mailbox::new(1, 1));
        let mut router = Router::new(0, std::slice::from_ref(&mailbox));
        let presence = |user| {
            let presence = UserPresence::hidden(UserId(user));
            let push = PresencePush { presence, only: None, except: Box::default() };
            Message::ToSession(SessionMessage::Presence(Box::new(push)))
        };
        router.send(ShardId(0), request(1));
        router.send(ShardId(0), request(2));
        for user in [7, 3, 5] {
            router.send(ShardId(0), presence(user));
        }
        assert_eq!(router.take_presence_lost(), []);
        drain(&mailbox);
        router.flush();
        assert_eq!(router.take_presence_lost(), [(ShardId(0), UserId(3))]);
        assert_eq!(router.take_presence_lost(), []);
        assert_eq!(drain(&mailbox), [request(2)]);
    }

    #[test]
    fn too_many_marks_become_one_for_all() {
        let mailbox = Arc::new(Mailbox::new(1, 1));
        let mut router = Router::new(0, std::slice::from_ref(&mailbox));
        for n in 0..=MARKS_MAX as u64 + 1 {
            router.send(ShardId(0), run(n, 1));
        }
        drain(&mailbox);
        router.flush();
        assert_eq!(drain(&mailbox), [Message::ToSession(SessionMessage::AllBehind(ShardId(0)))]);
    }
}
