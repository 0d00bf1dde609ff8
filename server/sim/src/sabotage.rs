//! Faults put into the server on purpose, one at a time, to show that the checks find them.
//!
//! Each stands for a bug that a real server could have. They are done at the borders of the core: to what it emits, to
//! what it is told of the store, and to what the store keeps.

use crate::dice::Dice;
use bytes::BytesMut;
use hubbub_core::entry::Entries;
use hubbub_core::ids::{Conversation, Seq, Timestamp};
use hubbub_core::machine::Effect;
use hubbub_core::message::{Message, SessionMessage};
use hubbub_core::records::{Batch, Page, Read, ReadResult, Role, StoredConversation, Write};
use hubbub_core::request::Reply;

/// A fault of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The core is told that a batch is durable before it is.
    CommitEarly,
    /// A crash takes an acked entry with it.
    LoseAcked,
    /// A search for a resend's name finds nothing.
    ForgetNames,
    /// Two entries of a push change places.
    SwapEntries,
    /// A push is lost, and the session is not set behind.
    LosePush,
    /// A page leaves out its first entry.
    LeaveOut,
    /// Marks are shown lower than before.
    LowerMarks,
    /// Marks are shown higher than they are stored.
    RaiseMarks,
    /// Removed members are not told from others when entries are pushed.
    ShowRemoved,
    /// An answer gets lost, and the connection lives.
    LoseReply,
    /// A fact for another partition gets lost.
    LoseFact,
    /// A sync counts one unread entry too many.
    MiscountUnread,
    /// The body of what was revoked or has expired stays on the disk.
    KeepBody,
    /// An edit is recorded in the log, and not shown.
    ForgetEdit,
    /// Authors are told that one more has their message.
    RaiseCounts,
    /// Whoever is read from the disk is an admin.
    Promote,
    /// A push of presence is lost, and nobody knows.
    LosePresence,
    /// Each push of presence comes three times.
    RepeatPresence,
    /// Presence is told with an older time of the last activity.
    LowerActivity,
    /// What a user says of themselves is not stored.
    LoseStatus,
    /// Whoever blocks is shown to those they have blocked, when the disk is asked.
    ShowBlocker,
    /// A conversation that is read from the disk has forgotten who has blocked whom.
    PassMessages,
    /// Who has blocked whom is not asked when somebody signals.
    PassSignals,
    /// Marks are read from the disk as if nobody had blocked anybody.
    PassMarks,
    /// A block is answered, and not stored at the blocker's home.
    LoseBlock,
}

impl Sabotage {
    /// All of them, each with words of the checks that may find it.
    pub const ALL: &[(Sabotage, &[&str])] = &[
        (
            Sabotage::CommitEarly,
            &["means that it is durable", "is shown is durable", "is durable", "are durable", "both homes know"],
        ),
        (Sabotage::LoseAcked, &["an acked message is"]),
        (Sabotage::ForgetNames, &["is stored once"]),
        (Sabotage::SwapEntries, &["are contiguous"]),
        (Sabotage::LosePush, &["and should hold", "does not come to rest", "is sent"]),
        (Sabotage::LeaveOut, &["jumps over", "and should hold"]),
        (Sabotage::LowerMarks, &["never go back"]),
        (Sabotage::RaiseMarks, &["are durable when shown"]),
        (Sabotage::ShowRemoved, &["may see", "may not see"]),
        (Sabotage::LoseReply, &["does not come to rest"]),
        (Sabotage::LoseFact, &["every home knows", "when both homes know of it", "does not come to rest"]),
        (Sabotage::MiscountUnread, &["unread of"]),
        (Sabotage::KeepBody, &["is gone"]),
        (Sabotage::ForgetEdit, &["in its newest form", "the edit of"]),
        (Sabotage::RaiseCounts, &["is durable when shown"]),
        (Sabotage::Promote, &["was not allowed", "are those of its log"]),
        (Sabotage::LosePresence, &["is told of"]),
        (Sabotage::RepeatPresence, &["times at most"]),
        (Sabotage::LowerActivity, &["was active at"]),
        (Sabotage::LoseStatus, &["is durable when"]),
        (Sabotage::ShowBlocker, &["has blocked", "is told of"]),
        (Sabotage::PassMessages, &["is blocked, and Entry"]),
        (Sabotage::PassSignals, &["is blocked, and a signal passes"]),
        (Sabotage::PassMarks, &["is blocked, and marks pass"]),
        (Sabotage::LoseBlock, &["is stored as it was answered"]),
    ];

    /// What becomes of an effect; nothing when it gets lost.
    pub(crate) fn spoil(self, mut effect: Effect, dice: &mut Dice) -> Option<Effect> {
        match (self, &mut effect) {
            (Sabotage::SwapEntries, Effect::PushRun(run, _)) => run.entries = swapped(&run.entries).freeze(),
            (Sabotage::LosePush, Effect::PushRun(..)) if dice.per_mille(50) => return None,
            (Sabotage::LeaveOut, Effect::PushPage { page, .. }) => leave_out(page),
            (Sabotage::LowerMarks, Effect::PushReceipts(push, _)) if dice.per_mille(300) => {
                push.receipts.iter_mut().for_each(|(_, delivered, _)| *delivered = Seq(delivered.0 / 2));
            }
            (Sabotage::RaiseMarks, Effect::PushReceipts(push, _)) => {
                push.receipts.iter_mut().for_each(|(_, delivered, _)| *delivered = delivered.next());
            }
            (Sabotage::ShowRemoved, Effect::Forward(_, Message::ToSession(SessionMessage::Run(run)))) => {
                run.removed = None;
            }
            (Sabotage::RaiseCounts, Effect::PushSummaries(_, summaries, _)) => {
                summaries.iter_mut().for_each(|summary| summary.delivered += 1);
            }
            (Sabotage::LosePresence, Effect::PushPresence(..)) if dice.per_mille(200) => return None,
            (Sabotage::LowerActivity, Effect::PushPresence(users, _)) if dice.per_mille(300) => {
                let active = users.iter_mut().filter(|user| user.last_active > Timestamp(0));
                active.for_each(|user| user.last_active.0 -= 1_000_000);
            }
            (Sabotage::LoseReply, Effect::Reply { .. }) if dice.per_mille(5) => return None,
            (Sabotage::LoseFact, Effect::Forward(_, Message::Learn { .. })) if dice.per_mille(100) => return None,
            (Sabotage::MiscountUnread, Effect::Reply { reply: Reply::Synced(states), .. }) => {
                states.iter_mut().for_each(|state| state.unread += 1);
            }
            _ => {}
        }
        Some(effect)
    }

    /// What becomes of the store's answer.
    pub(crate) fn spoil_read(self, read: &Read, result: ReadResult) -> ReadResult {
        match (self, read, result) {
            (Sabotage::ForgetNames, Read::FindName { .. }, ReadResult::FindName { oldest, .. }) => {
                ReadResult::FindName { found: None, oldest }
            }
            (Sabotage::Promote, _, ReadResult::Conversation(Some(mut stored))) => {
                let members = stored.members.iter_mut().filter(|(_, member)| member.role == Role::Member);
                members.for_each(|(_, member)| member.role = Role::Admin);
                ReadResult::Conversation(Some(stored))
            }
            (Sabotage::ShowBlocker, _, ReadResult::Presence(mut stored)) => {
                stored.iter_mut().for_each(|user| user.blocks = false);
                ReadResult::Presence(stored)
            }
            (Sabotage::PassMessages, _, ReadResult::Conversation(Some(mut stored))) => {
                stored.record.blocks = None;
                ReadResult::Conversation(Some(stored))
            }
            (Sabotage::PassMarks, Read::Conversation(id), ReadResult::Conversation(Some(mut stored))) => {
                show_marks(id, &mut stored);
                ReadResult::Conversation(Some(stored))
            }
            (_, _, result) => result,
        }
    }

    /// What becomes of a batch before it is durable.
    pub(crate) fn spoil_batch(self, batch: &mut Batch) {
        batch.writes.retain(|write| {
            !matches!(
                (self, write),
                (Sabotage::KeepBody, Write::RewriteBlock(..))
                    | (Sabotage::ForgetEdit, Write::PutEdit(..))
                    | (Sabotage::LoseStatus, Write::PutPresence(..))
                    | (Sabotage::LoseBlock, Write::PutBlocked(..))
            )
        });
    }
}

/// The marks of both at which a block has begun are those of now.
fn show_marks(id: &Conversation, stored: &mut StoredConversation) {
    let (Some(blocks), Conversation::Direct { low, .. }) = (&mut stored.record.blocks, id) else { return };
    for (user, _, cursor) in &stored.cursors {
        let marks = if user == low { &mut blocks.low_marks } else { &mut blocks.high_marks };
        *marks = (marks.0.max(cursor.delivered), marks.1.max(cursor.read));
    }
}

fn swapped(encoded: &[u8]) -> BytesMut {
    let mut entries: Vec<&[u8]> = Entries::new(encoded).collect();
    if entries.len() > 1 {
        entries.swap(0, 1);
    }
    entries.into_iter().fold(BytesMut::new(), |mut out, entry| {
        out.extend_from_slice(entry);
        out
    })
}

fn leave_out(page: &mut Page) {
    let first = Entries::new(&page.entries).next().map_or(0, <[u8]>::len);
    if first > 0 {
        page.after = page.after.next();
        page.entries = page.entries.slice(first..);
    }
}
