//! Sent, delivered or read: what has become of one's own messages.
//!
//! A pure structure that is fed with what the session reports. Promises: a status never goes back, in whatever order
//! and however often marks arrive; memory is a few numbers for each conversation, whatever its length.
//!
//! In a direct conversation the other person decides. In a group a message is delivered when every other member holds
//! it, and read when every other member has read it; the counts in [`Event::Receipts`](crate::session::Event::Receipts)
//! tell more.
//!
//! ```
//! use hubbub_codec::ids::{Conversation, Seq, UserId};
//! use hubbub_codec::proto::Receipt;
//! use hubbub_codec::statuses::{Status, Statuses};
//!
//! let (me, peer) = (UserId(10), UserId(20));
//! let chat = Conversation::direct(me, peer).unwrap();
//! let mut statuses = Statuses::new(me);
//! statuses.note_receipts(&chat, &[Receipt { user: peer.0, delivered: 5, read: 3 }]);
//! assert_eq!(statuses.of(&chat, Seq(3)), Status::Read);
//! assert_eq!(statuses.of(&chat, Seq(5)), Status::Delivered);
//! assert_eq!(statuses.of(&chat, Seq(6)), Status::Sent);
//! ```

use std::collections::BTreeMap;

use crate::ids::{Conversation, Seq, UserId};
use crate::proto;

/// What has become of a message that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The server has it.
    Sent,
    /// The others have it.
    Delivered,
    /// The others have read it.
    Read,
}

/// Up to where the others have a log.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    delivered: Seq,
    read: Seq,
}

/// The statuses of one user's messages.
#[derive(Debug, Clone)]
pub struct Statuses {
    me: UserId,
    marks: BTreeMap<Conversation, Marks>,
}

impl Statuses {
    /// Those of this user's messages, of which nothing is known yet.
    #[must_use]
    pub fn new(me: UserId) -> Self {
        Self { me, marks: BTreeMap::new() }
    }

    /// What has become of this user's message `seq`.
    #[must_use]
    pub fn of(&self, conversation: &Conversation, seq: Seq) -> Status {
        match self.marks.get(conversation) {
            Some(marks) if seq <= marks.read => Status::Read,
            Some(marks) if seq <= marks.delivered => Status::Delivered,
            _ => Status::Sent,
        }
    }

    /// The receipts of a direct conversation.
    pub fn note_receipts(&mut self, conversation: &Conversation, receipts: &[proto::Receipt]) {
        let Some(peer) = conversation.peer(self.me) else {
            return;
        };
        for receipt in receipts.iter().filter(|receipt| receipt.user == peer.0) {
            self.raise(conversation, Seq(receipt.delivered), Seq(receipt.read));
        }
    }

    /// The summaries of a group that has so many members besides this user.
    pub fn note_summaries(&mut self, conversation: &Conversation, summaries: &[proto::ReceiptSummary], others: u32) {
        for summary in summaries.iter().filter(|_| others > 0) {
            let seq = Seq(summary.seq);
            let up_to = |count| if count >= others { seq } else { Seq(0) };
            self.raise(conversation, up_to(summary.delivered_count), up_to(summary.read_count));
        }
    }

    /// What a sync says of a direct conversation ([`Event::Synced`](crate::session::Event::Synced)).
    pub fn note_state(&mut self, state: &proto::ConversationState) {
        if let Ok(conversation @ Conversation::Direct { .. }) = Conversation::try_from(&state.conversation) {
            self.raise(&conversation, Seq(state.peer_delivered), Seq(state.peer_read));
        }
    }

    /// The log began anew: its old numbers mean nothing any more.
    pub fn reset(&mut self, conversation: &Conversation) {
        self.marks.remove(conversation);
    }

    fn raise(&mut self, conversation: &Conversation, delivered: Seq, read: Seq) {
        let marks = self.marks.entry(*conversation).or_default();
        marks.read = marks.read.max(read);
        // Who has read it holds it.
        marks.delivered = marks.delivered.max(delivered).max(read);
    }
}
