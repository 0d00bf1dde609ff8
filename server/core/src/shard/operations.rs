//! Operations on the log itself: a message is edited, revoked or reacted to, the conversation's retention is chosen.
//!
//! Each becomes one entry, named and deduplicated like a message, so that every device learns of it in the same order.
//! What it is about is looked at first, behind everything decided before; the request waits at the front meanwhile.

use super::append::name_of;
use super::{PendingRead, Shard};
use crate::conversation::Busy;
use crate::entry::{Content, EntryKind, Fate, GoneReason, rewrite};
use crate::ids::{Conversation, Seq, Timestamp, UserId};
use crate::message::ConversationMessage;
use crate::records::{
    EDITS_MAX, EditRecord, Purpose, REACTION_KINDS_MAX, REACTIONS_PER_USER_MAX, ReactionCount, Read, Retention, Target,
    TargetRequest, Write,
};
use crate::request::{Action, Append, Caller, Refusal, Reply};

const NOT_YOURS_TO_EDIT: Refusal = Refusal::Forbidden("only its sender may edit a message");
const NOT_YOURS_TO_REVOKE: Refusal =
    Refusal::Forbidden("only its sender, and the owner and admins of the group, may take a message back");

impl Shard {
    /// Reads what the request is about; the request waits at the front.
    pub(super) fn look(&mut self, home: usize, caller: Caller, append: Box<Append>) {
        let (seq, purpose) = match &append.action {
            Action::Edit { seq, .. } => (*seq, Purpose::Edit),
            Action::React { seq, remove: false, .. } => (*seq, Purpose::React(caller.user)),
            Action::React { seq, emoji, .. } => (*seq, Purpose::TakeBack(caller.user, emoji.clone())),
            Action::Revoke(seq) => (*seq, Purpose::Revoke),
            _ => unreachable!("other requests are about no entry"),
        };
        let log = self.homes[home].log().expect("the caller has seen the log");
        // Taking back what one wrote is not writing.
        let may = if let Purpose::Revoke = purpose { Ok(()) } else { log.may_write(caller.user, self.now) };
        if let Err(refusal) = may {
            return self.refuse(caller, refusal);
        }
        if !log.shows(caller.user, seq) {
            return self.refuse(caller, Refusal::UnknownMessage(seq));
        }
        let place = &mut self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        place.busy = Some(Busy::Looking);
        place.parked.push_front(ConversationMessage::Append(caller, append));
        let request = TargetRequest { conversation, seq, purpose };
        self.read_gated(partition, PendingRead::Target(conversation), Read::Target(Box::new(request)));
    }

    /// What the request at the front is about; the outer `None` when the store could not be read.
    pub(super) fn target_found(&mut self, conversation: Conversation, answer: Option<Option<Box<Target>>>) {
        let Some(&home) = self.home_by_id.get(&conversation) else { return };
        self.homes[home].busy = None;
        let Some(ConversationMessage::Append(caller, append)) = self.homes[home].parked.pop_front() else {
            unreachable!("the looking request is at the front");
        };
        match answer {
            None => self.refuse(caller, Refusal::ReadFailed),
            Some(target) => {
                if let Err(refusal) = self.operate(home, caller, *append, target) {
                    self.refuse(caller, refusal);
                }
            }
        }
        self.resume(home);
    }

    fn operate(
        &mut self,
        home: usize,
        caller: Caller,
        append: Append,
        target: Option<Box<Target>>,
    ) -> Result<(), Refusal> {
        let (Action::Edit { seq, .. } | Action::React { seq, .. } | Action::Revoke(seq)) = append.action else {
            unreachable!("other requests are about no entry");
        };
        let target = target.filter(|target| target.kind == EntryKind::User).ok_or(Refusal::UnknownMessage(seq))?;
        match append.action {
            Action::Edit { .. } => self.edit(home, caller, append, *target),
            Action::React { .. } => self.react(home, caller, append, *target),
            _ => self.revoke(home, caller, &append, *target),
        }
    }

    // ---- Edits ----

    fn edit(&mut self, home: usize, caller: Caller, append: Append, target: Target) -> Result<(), Refusal> {
        let name = name_of(&caller, append.client_message_id);
        let Action::Edit { seq, body, content_type } = append.action else { unreachable!() };
        if sender(&target) != Some(caller.user) {
            return Err(NOT_YOURS_TO_EDIT);
        }
        self.check_age(&target, self.settings.edit_age_max_ms, "messages.edit_age_max_s")?;
        let mut seqs = target.edits;
        if seqs.len() >= EDITS_MAX {
            let (limit, got) = (EDITS_MAX as u64, seqs.len() as u64 + 1);
            return Err(Refusal::Limit { field: "edits", setting: "fixed", limit, got });
        }
        let content = Content::MessageEdited { seq, body: body.clone(), content_type: content_type.clone() };
        seqs.push(self.decide_operation(home, caller, name, content));
        let edit = EditRecord { seqs, time: self.now, body, content_type };
        self.note_overlay(home);
        let (conversation, partition) = (self.homes[home].id, self.homes[home].partition);
        self.write(partition, Write::PutEdit(conversation, seq, Box::new(edit)));
        Ok(())
    }

    fn check_age(&self, target: &Target, limit_ms: u64, setting: &'static str) -> Result<(), Refusal> {
        let age_ms = age_ms(self.now, target.header.time);
        if age_ms < limit_ms { Ok(()) } else { Err(Refusal::TooOld { setting, limit_s: limit_ms / 1_000 }) }
    }

    /// Decides the entry that records an operation, and answers with it.
    fn decide_operation(
        &mut self,
        home: usize,
        caller: Caller,
        name: crate::ids::MessageName,
        content: Content,
    ) -> Seq {
        let (seq, message_id) = self.decide(home, name, content);
        let conversation = self.homes[home].id;
        let sent = Reply::Sent { conversation, seq, message_id, time: self.now, duplicate: false };
        self.reply_gated(self.homes[home].partition, caller.reply_to, sent);
        seq
    }

    /// From now on pages of this log look for overlays.
    fn note_overlay(&mut self, home: usize) {
        let log = self.homes[home].log().expect("an entry was just decided");
        if !log.record.history().overlaid {
            self.change_record(home, |record| record.history_mut().overlaid = true);
        }
    }

    // ---- Reactions ----

    fn react(&mut self, home: usize, caller: Caller, append: Append, target: Target) -> Result<(), Refusal> {
        let name = name_of(&caller, append.client_message_id);
        let Action::React { seq, emoji, remove } = append.action else { unreachable!() };
        let Target { mut own, mut counts, others, header, .. } = target;
        let (conversation, partition) = (self.homes[home].id, self.homes[home].partition);
        if own.contains(&emoji) != remove {
            let (message_id, time) = (header.message_id, header.time);
            let sent = Reply::Sent { conversation, seq, message_id, time, duplicate: true };
            self.reply_gated(partition, caller.reply_to, sent);
            return Ok(());
        }
        if remove {
            own.retain(|known| *known != emoji);
            ReactionCount::remove(&mut counts, &emoji, caller.user, &others);
        } else {
            check_room("emoji", own.len(), REACTIONS_PER_USER_MAX)?;
            if !counts.iter().any(|count| count.emoji == emoji) {
                check_room("emoji", counts.len(), REACTION_KINDS_MAX)?;
            }
            ReactionCount::add(&mut counts, &emoji, caller.user);
            own.push(emoji.clone());
        }
        self.decide_operation(home, caller, name, Content::MessageReacted { seq, emoji, removed: remove });
        self.note_overlay(home);
        self.write(partition, Write::PutReactions(conversation, seq, caller.user, own));
        self.write(partition, Write::PutReactionCounts(conversation, seq, counts));
        Ok(())
    }

    // ---- Revocations ----

    fn revoke(&mut self, home: usize, caller: Caller, append: &Append, target: Target) -> Result<(), Refusal> {
        let seq = target.header.seq;
        let place = &self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        let log = place.log().expect("the caller has seen the log");
        // Nobody is owner or admin of a direct conversation.
        if log.may_administer(caller.user).is_err() {
            if sender(&target) != Some(caller.user) {
                return Err(NOT_YOURS_TO_REVOKE);
            }
            self.check_age(&target, self.settings.revoke_age_max_ms, "messages.revoke_age_max_s")?;
        }
        let fate = |at: Seq| {
            if at == seq {
                Fate::Goes(GoneReason::Revoked)
            } else if target.edits.contains(&at) {
                Fate::Emptied(seq)
            } else {
                Fate::Stays
            }
        };
        for block in &target.blocks {
            self.rewrite_block(home, rewrite(block, fate));
        }
        self.write(partition, Write::DropOverlays(conversation, seq, seq));
        let name = name_of(&caller, append.client_message_id);
        self.decide_operation(home, caller, name, Content::MessageRevoked(seq));
        Ok(())
    }

    /// Puts a block without some of its bodies in the place of the stored one, in the open batch.
    pub(super) fn rewrite_block(&mut self, home: usize, block: crate::records::Block) {
        let (conversation, partition) = (self.homes[home].id, self.homes[home].partition);
        let bytes = block.entries.len();
        self.pending_bytes += bytes;
        self.partition(partition).add_bytes(bytes);
        self.write(partition, Write::RewriteBlock(conversation, block));
    }

    // ---- Retention ----

    pub(super) fn set_retention(&mut self, home: usize, caller: Caller, append: &Append) {
        let Action::SetRetention(retention) = append.action else { unreachable!() };
        let place = &mut self.homes[home];
        let is_group = matches!(place.id, Conversation::Group(_));
        let log = place.log_mut().expect("the caller has seen the log");
        if let Err(refusal) = log.may_administer(caller.user)
            && is_group
        {
            return self.refuse(caller, refusal);
        }
        if log.record.history().retention != retention {
            log.sweep.start_over();
            self.decide(home, name_of(&caller, append.client_message_id), Content::RetentionChanged(retention));
            self.change_record(home, |record| record.history_mut().retention = retention);
        }
        self.done(home, caller);
    }

    /// How long a conversation keeps bodies.
    pub(super) fn retention_of(&self, record: &crate::records::ConversationRecord) -> Retention {
        record.history().retention.unwrap_or(self.settings.retention.default)
    }
}

fn sender(target: &Target) -> Option<UserId> {
    target.header.name.map(|name| name.sender)
}

fn age_ms(now: Timestamp, time: Timestamp) -> u64 {
    u64::try_from(now.0.saturating_sub(time.0)).unwrap_or(0) / 1_000
}

fn check_room(field: &'static str, count: usize, limit: usize) -> Result<(), Refusal> {
    if count < limit {
        return Ok(());
    }
    Err(Refusal::Limit { field, setting: "fixed", limit: limit as u64, got: count as u64 + 1 })
}
