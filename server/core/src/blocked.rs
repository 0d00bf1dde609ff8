//! A direct conversation in which one has blocked the other: what is refused, and which marks stay as they were shown.

use crate::conversation::Log;
use crate::ids::{Conversation, MessageId, Seq, UserId};
use crate::message::ReceiptsPush;
use crate::records::BlockFlag;

impl Log {
    /// Whether one has blocked the other.
    pub(crate) fn is_blocked(&self) -> bool {
        self.record.blocks.as_ref().is_some_and(|blocks| blocks.in_force())
    }

    /// Takes note of a decision. `None` when a newer one is known; else whether this ends the last block.
    pub(crate) fn apply_block(
        &mut self,
        conversation: &Conversation,
        user: UserId,
        blocked: bool,
        version: MessageId,
    ) -> Option<bool> {
        let Conversation::Direct { low, high } = *conversation else { return None };
        let marks = (self.cursors.of(low), self.cursors.of(high));
        let blocks = self.record.blocks.get_or_insert_default();
        let before = blocks.in_force();
        let flag = if user == low { &mut blocks.by_low } else { &mut blocks.by_high };
        if version <= flag.version {
            return None;
        }
        *flag = BlockFlag { blocked, version };
        if !before && blocks.in_force() {
            (blocks.low_marks, blocks.high_marks) = marks;
        }
        Some(before && !blocks.in_force())
    }

    /// The other user's marks as a user of a direct conversation may see them: blocked ones stay as they were.
    pub(crate) fn peer_marks(&self, conversation: &Conversation, user: UserId) -> (Seq, Seq) {
        conversation.peer_of(user).map_or((Seq(0), Seq(0)), |peer| self.marks_shown(conversation, peer))
    }

    /// A user's durable marks as others may see them.
    pub(crate) fn marks_shown(&self, conversation: &Conversation, user: UserId) -> (Seq, Seq) {
        match (&self.record.blocks, conversation) {
            (Some(blocks), Conversation::Direct { low, .. }) if blocks.in_force() => {
                if user == *low {
                    blocks.low_marks
                } else {
                    blocks.high_marks
                }
            }
            _ => self.cursors.of(user),
        }
    }

    /// Both users' durable marks.
    pub(crate) fn receipts_of_both(&self, conversation: Conversation) -> ReceiptsPush {
        let users = match conversation {
            Conversation::Direct { low, high } => vec![low, high],
            Conversation::Group(_) => Vec::new(),
        };
        let receipts = users.into_iter().map(|user| {
            let (delivered, read) = self.cursors.of(user);
            (user, delivered, read)
        });
        ReceiptsPush { conversation, receipts: receipts.collect() }
    }
}
