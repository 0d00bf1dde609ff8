//! Delivered and read marks: gathered for a tick at the session's shard, raised and stored at the conversation's home.

use super::Shard;
use crate::ids::{Conversation, DeviceId, Seq, UserId};
use crate::message::{ConversationMessage, Mark, ReceiptsPush};
use crate::partition::Gated;
use crate::records::{CursorRecord, Write};
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
        let mut marks: Vec<_> = self.marks.drain().collect();
        // The map's order differs from run to run; what the machine does must not.
        marks.sort_unstable_by_key(|(key, _)| *key);
        for ((conversation, user, device), (delivered, read)) in marks {
            let mark = Mark { user, device, delivered, read, reply_to: None };
            self.send_home(conversation, ConversationMessage::Mark(mark));
        }
    }

    /// A mark's conversation could not be read: whoever wants an answer is refused and may say it again; what nobody
    /// hears of comes again with a later tick, as long as there is room.
    pub(super) fn postpone_mark(&mut self, conversation: Conversation, mark: Mark, refusal: Refusal) {
        if let Some(to) = mark.reply_to {
            return self.reply_now(to, Reply::Refused(refusal));
        }
        if self.marks.len() < self.settings.marks_waiting_max {
            let waiting = self.marks.entry((conversation, mark.user, mark.device)).or_default();
            *waiting = (waiting.0.max(mark.delivered), waiting.1.max(mark.read));
        }
    }

    /// At the home: marks rise to what the device says, and no higher than the head.
    pub(super) fn apply_mark(&mut self, home: usize, mark: Mark) {
        let now = self.now;
        let place = &mut self.homes[home];
        let partition = place.partition;
        let head = place.log().and_then(|log| Some(log.visible_head(log.visible_spans(mark.user)?)));
        let Some(head) = head else { return self.refuse_mark(mark, Refusal::UnknownConversation) };
        let got = mark.delivered.max(mark.read);
        if got > head {
            return self.refuse_mark(mark, Refusal::BeyondHead { head, got });
        }
        let log = place.log_mut().expect("only logs have a head");
        log.cursors.raise(mark.user, mark.device, mark.delivered, mark.read, now);
        self.write_marks(home, mark.user);
        if let Some(to) = mark.reply_to {
            self.reply_gated(partition, to, Reply::Done);
        }
    }

    /// Writes what has changed of a user's marks, and shows it when that is durable.
    fn write_marks(&mut self, home: usize, user: UserId) {
        let place = &mut self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        let log = place.log_mut().expect("only logs have marks");
        let (delivered, read) = log.cursors.decided(user);
        let mut changed = false;
        while let Some((device, record)) = self.unwritten_mark(home, user) {
            changed = true;
            self.write(partition, Write::PutCursor(conversation, user, device, record));
        }
        if changed {
            self.homes[home].gated += 1;
            let receipts = ReceiptsPush { conversation, receipts: vec![(user, delivered, read)] };
            self.gate(partition, Gated::Receipts(home, receipts));
        }
    }

    fn unwritten_mark(&mut self, home: usize, user: UserId) -> Option<(DeviceId, CursorRecord)> {
        self.homes[home].log_mut()?.cursors.take_unwritten(user)
    }

    fn refuse_mark(&mut self, mark: Mark, refusal: Refusal) {
        if let Some(to) = mark.reply_to {
            self.reply_now(to, Reply::Refused(refusal));
        }
    }
}
