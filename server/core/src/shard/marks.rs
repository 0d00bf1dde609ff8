//! Delivered and read marks: gathered for a tick at the session's shard, raised and stored at the conversation's home.

use super::Shard;
use crate::ids::{Conversation, Seq};
use crate::message::{ConversationMessage, Mark, ReceiptsPush};
use crate::partition::Gated;
use crate::records::Write;
use crate::request::{Caller, Refusal, Reply};

impl Shard {
    /// A client's mark: forwarded at once when it wants an answer, else with the next tick.
    pub(super) fn mark(&mut self, caller: Caller, conversation: Conversation, delivered: Seq, read: Seq) {
        if caller.reply_to.request_id != 0 {
            let reply_to = Some(caller.reply_to);
            let mark = Mark { user: caller.user, device: caller.device, delivered, read, reply_to };
            return self.send_home(conversation, ConversationMessage::Mark(mark));
        }
        let waiting = self.marks.entry((conversation, caller.user, caller.device)).or_default();
        *waiting = (waiting.0.max(delivered), waiting.1.max(read));
        if self.marks.len() >= self.settings.marks_waiting_max {
            self.flush_marks();
        }
    }

    pub(super) fn flush_marks(&mut self) {
        let mut marks = std::mem::take(&mut self.marks);
        for ((conversation, user, device), (delivered, read)) in marks.drain() {
            let mark = Mark { user, device, delivered, read, reply_to: None };
            self.send_home(conversation, ConversationMessage::Mark(mark));
        }
        self.marks = marks;
    }

    /// At the home: marks rise to what the device says, and no higher than the head.
    pub(super) fn apply_mark(&mut self, home: usize, mark: Mark) {
        let now = self.now;
        let place = &mut self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        let known = place.log_mut().filter(|log| log.members.get(mark.user).is_some());
        let Some(log) = known else { return self.refuse_mark(mark, Refusal::UnknownConversation) };
        let got = mark.delivered.max(mark.read);
        if got > log.committed {
            let head = log.committed;
            return self.refuse_mark(mark, Refusal::BeyondHead { head, got });
        }
        if let Some((device, record)) = log.cursors.raise(mark.user, mark.device, mark.delivered, mark.read, now) {
            let (delivered, read) = log.cursors.decided(mark.user);
            place.gated += 1;
            self.write(partition, Write::PutCursor(conversation, mark.user, device, record));
            let receipts = ReceiptsPush { conversation, receipts: vec![(mark.user, delivered, read)] };
            self.gate(partition, Gated::Receipts(home, receipts));
        }
        if let Some(to) = mark.reply_to {
            self.reply_gated(partition, to, Reply::Done);
        }
    }

    fn refuse_mark(&mut self, mark: Mark, refusal: Refusal) {
        if let Some(to) = mark.reply_to {
            self.reply_now(to, Reply::Refused(refusal));
        }
    }
}
