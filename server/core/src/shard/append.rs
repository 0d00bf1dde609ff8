//! Appending to a log: names and resends, the first message between two people, and the decision of an entry.
//!
//! A request that has to wait (for the store, for another partition) goes back to the front of its conversation's
//! queue, so that requests on one conversation are decided in the order in which they came.

use super::{PendingRead, Shard};
use crate::conversation::{Busy, HomeState, Log};
use crate::entry::Content;
use crate::ids::{Conversation, LogId, MessageId, MessageName, Seq, Timestamp, UserId};
use crate::message::{ConversationMessage, Message, UsersMessage};
use crate::partition::Gated;
use crate::records::{ConversationRecord, FoundEntry, GroupRecord, MembershipRecord, OutboxRow, Read, Role, Write};
use crate::request::{Action, Append, Caller, Refusal, Reply};
use std::collections::BTreeMap;

impl Shard {
    pub(super) fn append(&mut self, home: usize, caller: Caller, append: Box<Append>) {
        if self.storage_full {
            return self.refuse(caller, Refusal::StorageFull);
        }
        if self.pending_bytes >= self.settings.pending_bytes_max {
            return self.refuse(caller, Refusal::Overloaded);
        }
        match self.homes[home].state {
            HomeState::Ready(_) if append.resend => self.search(home, caller, append),
            HomeState::Ready(_) => self.perform(home, caller, append),
            _ => self.begin(home, caller, append),
        }
    }

    /// The conversation does not exist: some requests make it.
    fn begin(&mut self, home: usize, caller: Caller, append: Box<Append>) {
        match (self.homes[home].id, &append.action) {
            (Conversation::Direct { .. }, Action::Message { .. }) => {
                if self.homes[home].id.peer_of(caller.user).is_none() {
                    return self.refuse(caller, Refusal::UnknownConversation);
                }
                self.check_acquaintance(home, caller, append);
            }
            (Conversation::Group(_), Action::Create { members, .. }) => {
                let others = members.iter().copied().filter(|member| *member != caller.user).collect();
                self.check_users(home, caller, append, others);
            }
            (_, Action::Join(_)) => self.refuse(caller, Refusal::InviteInvalid),
            _ => self.refuse(caller, Refusal::UnknownConversation),
        }
    }

    /// The conversation exists, and this is no resend (or was searched for in vain).
    fn perform(&mut self, home: usize, caller: Caller, append: Box<Append>) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        match &append.action {
            Action::Create { .. } => self.group_exists(home, caller, &append),
            Action::Join(_) => self.join_group(home, caller, &append),
            Action::Message { reply_to, .. } => match log.may_write(caller.user, self.now) {
                Err(refusal) => self.refuse(caller, refusal),
                Ok(()) if *reply_to > log.head => {
                    self.refuse(caller, Refusal::Invalid { field: "reply_to_seq", why: "is beyond the head" });
                }
                Ok(()) => self.append_message(home, caller, *append),
            },
            _ if log.members.present(caller.user).is_none() => self.refuse(caller, Refusal::UnknownConversation),
            Action::AddMembers(_) => self.add_members(home, caller, append),
            Action::RemoveMembers(_) => self.remove_members(home, caller, *append),
            Action::Leave => self.leave(home, caller, *append),
            Action::UpdateGroup { .. } => self.update_group(home, caller, *append),
            Action::SetRole { .. } => self.set_role(home, caller, *append),
            Action::MuteMember { .. } => self.mute_member(home, caller, *append),
            Action::DeleteGroup => self.delete_group(home, caller, *append),
            Action::Edit { .. } | Action::Revoke(_) | Action::React { .. } => self.look(home, caller, append),
            Action::SetRetention(_) => self.set_retention(home, caller, &append),
        }
    }

    fn append_message(&mut self, home: usize, caller: Caller, append: Append) {
        let Action::Message { kind, body, content_type, reply_to } = append.action else { unreachable!() };
        let name = name_of(&caller, append.client_message_id);
        let content = Content::User { kind, body, content_type, reply_to };
        let (seq, message_id) = self.decide(home, name, content);
        let now = self.now;
        let log = self.homes[home].log_mut().expect("an entry was just decided");
        // A person has read up to what they write; it is stored, and then shown, with their next mark.
        log.cursors.raise(caller.user, caller.device, Seq(0), seq, now);
        let conversation = self.homes[home].id;
        let sent = Reply::Sent { conversation, seq, message_id, time: now, duplicate: false };
        self.reply_gated(self.homes[home].partition, caller.reply_to, sent);
    }

    /// Decides an entry: gives it its number and id, and puts it into the open block.
    pub(super) fn decide(&mut self, home: usize, name: MessageName, content: Content) -> (Seq, MessageId) {
        let now = self.now;
        let partition = self.homes[home].partition;
        let id = self.partition(partition).next_id(now);
        let log = self.homes[home].log().expect("only logs get entries");
        if log.block_lacks_room(content.entry_bytes_max()) {
            self.close_block(home);
        }
        let log = self.homes[home].log_mut().expect("only logs get entries");
        let before = log.block_bytes();
        let (seq, first) = log.append(id, name, now, content);
        let bytes = log.block_bytes() - before;
        let full = log.block_is_full();
        self.counters.entries += 1;
        self.pending_bytes += bytes;
        let partition = self.partition(partition);
        partition.add_bytes(bytes);
        if first {
            partition.touch(home);
        }
        if full {
            self.close_block(home);
        }
        (seq, id)
    }

    /// Closes a conversation's open block, if it has one: stored with the open batch, sent when that is durable.
    pub(super) fn close_block(&mut self, home: usize) {
        let place = &mut self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        let log = place.log_mut().expect("only logs have blocks");
        let Some((block, run)) = log.close_block(conversation) else { return };
        place.gated += 1;
        let ordinal = block.last_ordinal;
        self.write(partition, Write::PutBlock(conversation, block));
        self.gate(partition, Gated::Run(home, run, ordinal));
    }

    // ---- Resends ----

    /// Looks for a resend's name: among what is not committed, then in the log.
    fn search(&mut self, home: usize, caller: Caller, append: Box<Append>) {
        let name = name_of(&caller, append.client_message_id);
        let place = &mut self.homes[home];
        let log = place.log().expect("the caller has seen the log");
        // A seq beyond the head is one of another life of this log, and says nothing about this one.
        let after = if append.after > log.head { Seq(0) } else { append.after };
        if let Some(found) = log.find_uncommitted(&name, after) {
            return self.answer_duplicate(home, caller, &append, found);
        }
        if after >= log.committed {
            return self.perform(home, caller, append);
        }
        if log.committed.0 - after.0 > self.settings.dedup_entries_max {
            return self.refuse(caller, Refusal::ResendUnknown);
        }
        let (conversation, up_to) = (place.id, log.committed);
        place.busy = Some(Busy::Searching);
        place.parked.push_front(ConversationMessage::Append(caller, append));
        let read = Read::FindName { conversation, after, up_to, name };
        self.read(PendingRead::FindName(conversation), read);
    }

    /// The answer to a search; `None` when the store could not be read.
    pub(super) fn name_searched(
        &mut self,
        conversation: Conversation,
        answer: Option<(Option<FoundEntry>, Option<Timestamp>)>,
    ) {
        let Some(&home) = self.home_by_id.get(&conversation) else { return };
        self.homes[home].busy = None;
        let Some(ConversationMessage::Append(caller, append)) = self.homes[home].parked.pop_front() else {
            unreachable!("the searching request is at the front");
        };
        let oldest_allowed = Timestamp(self.now.0 - 1_000 * self.settings.dedup_age_max_ms as i64);
        let dropped = self.homes[home].log().map_or(Seq(0), |log| log.record.history().dropped);
        match answer {
            Some((Some(found), _)) => self.answer_duplicate(home, caller, &append, found),
            // What retention has removed cannot be searched.
            Some((None, _)) if append.after < dropped => self.refuse(caller, Refusal::ResendUnknown),
            Some((None, Some(oldest))) if oldest < oldest_allowed => self.refuse(caller, Refusal::ResendUnknown),
            Some((None, _)) => self.perform(home, caller, append),
            None => self.refuse(caller, Refusal::ReadFailed),
        }
        self.resume(home);
    }

    /// Repeats the answer to the first attempt, once that is durable.
    fn answer_duplicate(&mut self, home: usize, caller: Caller, append: &Append, found: FoundEntry) {
        self.counters.duplicates += 1;
        let reply = match append.action {
            Action::Join(_) => return self.answer_group(home, caller, true),
            Action::Message { .. } | Action::Edit { .. } | Action::Revoke(_) | Action::React { .. } => Reply::Sent {
                conversation: self.homes[home].id,
                seq: found.seq,
                message_id: found.message_id,
                time: found.time,
                duplicate: true,
            },
            _ => Reply::Done,
        };
        self.reply_gated(self.homes[home].partition, caller.reply_to, reply);
    }

    // ---- Users of other partitions ----

    /// Asks the users' homes whether they exist; the request waits at the front.
    pub(super) fn check_users(&mut self, home: usize, caller: Caller, append: Box<Append>, users: Vec<UserId>) {
        let conversation = self.homes[home].id;
        let mut by_partition = BTreeMap::new();
        for user in users {
            by_partition.entry(self.slots.partition_of_user(user)).or_insert_with(Vec::new).push(user);
        }
        let place = &mut self.homes[home];
        place.parked.push_front(ConversationMessage::Append(caller, append));
        if by_partition.is_empty() {
            return self.users_exist(home);
        }
        place.busy = Some(Busy::Checking { waiting: by_partition.len(), missing: Vec::new() });
        for (partition, users) in by_partition {
            let message = UsersMessage::FindMissing { partition, users, conversation };
            self.send(self.slots.shard_of(partition), Message::ToUsers(message));
        }
    }

    /// One partition's answer.
    pub(super) fn users_checked(&mut self, home: usize, mut answer: Vec<UserId>) {
        let Some(Busy::Checking { waiting, missing }) = &mut self.homes[home].busy else { return };
        missing.append(&mut answer);
        *waiting -= 1;
        if *waiting > 0 {
            return;
        }
        let missing = missing.first().copied();
        self.homes[home].busy = None;
        match missing {
            None => self.users_exist(home),
            Some(user) => {
                let Some(ConversationMessage::Append(caller, _)) = self.homes[home].parked.pop_front() else {
                    unreachable!("the checking request is at the front");
                };
                let refusal = if user == UserId(0) { Refusal::ReadFailed } else { Refusal::UnknownUser(user) };
                self.refuse(caller, refusal);
            }
        }
    }

    /// All users of the request at the front exist.
    fn users_exist(&mut self, home: usize) {
        let Some(ConversationMessage::Append(caller, append)) = self.homes[home].parked.pop_front() else {
            unreachable!("the checking request is at the front");
        };
        match &append.action {
            Action::Create { .. } => self.begin_group(home, caller, *append),
            _ => self.members_exist(home, caller, *append),
        }
    }

    /// Makes a direct conversation; the first message waits until both users' homes know of it.
    pub(super) fn begin_direct(&mut self, home: usize, caller: Caller, append: Box<Append>) {
        let Conversation::Direct { low, high } = self.homes[home].id else { unreachable!() };
        self.make_log(home, String::new(), UserId(0), None, None);
        let rows = self.join(home, &[low, high], Seq(1), Seq(0), |_| Role::Member);
        let place = &mut self.homes[home];
        place.busy = Some(Busy::Creating { waiting: rows.iter().map(|row| row.n).collect() });
        place.parked.push_front(ConversationMessage::Append(caller, append));
        self.send_facts_gated(self.homes[home].partition, rows);
    }

    /// Makes an empty log in the open batch.
    pub(super) fn make_log(
        &mut self,
        home: usize,
        title: String,
        owner: UserId,
        created_by: Option<MessageName>,
        group: Option<Box<GroupRecord>>,
    ) {
        let (now, epoch) = (self.now, self.settings.log_epoch);
        let partition = self.homes[home].partition;
        let id = self.partition(partition).next_id(now).0;
        let record = ConversationRecord {
            title,
            owner,
            created_by,
            created: now,
            log_id: LogId((id ^ id >> 32) as u32 | 1),
            floor: Seq(0),
            notified_up_to: Seq(0),
            group,
            history: None,
            blocks: None,
        };
        self.write(partition, Write::PutConversation(self.homes[home].id, record.clone()));
        self.homes[home].state = HomeState::Ready(Box::new(Log::new(record, epoch)));
    }

    /// Makes users, none of whom is present, members in the open batch; returns the rows for the users' homes.
    pub(super) fn join(
        &mut self,
        home: usize,
        users: &[UserId],
        joined: Seq,
        version: Seq,
        role: impl Fn(UserId) -> Role,
    ) -> Vec<OutboxRow> {
        self.homes[home].log_mut().expect("members belong to logs").members.join(users, joined, role);
        let mut rows = Vec::with_capacity(users.len());
        for &user in users {
            self.write_member(home, user);
            rows.push(self.put_membership(home, user, MembershipRecord { joined, version, member: true }));
        }
        rows
    }
}

pub(super) fn name_of(caller: &Caller, client_message_id: crate::ids::ClientMessageId) -> MessageName {
    MessageName { sender: caller.user, device: caller.device, client_message_id }
}
