//! Who leaves a group: removed members, leavers, and everybody when it ends.
//!
//! A departure ends a block: the run that tells of it is the last that those who have left are sent.

use super::Shard;
use super::append::name_of;
use crate::entry::Content;
use crate::ids::{Conversation, MessageName, Seq, UserId};
use crate::message::Removed;
use crate::records::{ConversationRecord, MembershipRecord, OutboxRow, Role, Write};
use crate::request::{Action, Append, Caller, Refusal};

impl Shard {
    pub(super) fn remove_members(&mut self, home: usize, caller: Caller, append: Append) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        let Action::RemoveMembers(mut users) = append.action else { unreachable!() };
        if let Err(refusal) = log.may_administer(caller.user) {
            return self.refuse(caller, refusal);
        }
        if users.contains(&caller.user) {
            let why = "names yourself; use Leave";
            return self.refuse(caller, Refusal::Invalid { field: "members", why });
        }
        if let Err(refusal) = log.may_judge(caller.user, &users) {
            return self.refuse(caller, refusal);
        }
        users.sort_unstable();
        users.dedup();
        users.retain(|user| log.members.present(*user).is_some());
        if !users.is_empty() {
            let name = name_of(&caller, append.client_message_id);
            let log = self.homes[home].log_mut().expect("the caller has seen the log");
            let left = log.after_next();
            users.iter().for_each(|user| log.members.leave(*user, left));
            self.part(home, name, Content::MembersRemoved(users.clone()), users);
        }
        self.done(home, caller);
    }

    pub(super) fn leave(&mut self, home: usize, caller: Caller, append: Append) {
        let place = &mut self.homes[home];
        if let Conversation::Direct { .. } = place.id {
            return self.refuse(caller, Refusal::Forbidden("a direct conversation cannot be left"));
        }
        let log = place.log_mut().expect("the caller has seen the log");
        let leaver = caller.user;
        let owned = log.record.owner == leaver;
        let left = log.after_next();
        log.members.leave(leaver, left);
        // Whom the group goes to is decided among those who stay.
        let new_owner = owned.then(|| log.members.heir()).flatten();
        let name = name_of(&caller, append.client_message_id);
        self.part(home, name, Content::MemberLeft { member: leaver, new_owner }, vec![leaver]);
        if owned {
            self.hand_over(home, new_owner);
        }
        self.done(home, caller);
    }

    /// Everybody leaves. That is one fact of the conversation, not one of each member's row; only the users' sides are
    /// many.
    pub(super) fn delete_group(&mut self, home: usize, caller: Caller, append: Append) {
        let log = self.homes[home].log_mut().expect("the caller has seen the log");
        if let Err(refusal) = log.may_rule(caller.user) {
            return self.refuse(caller, refusal);
        }
        let ended = log.after_next();
        let members = log.members.leave_all(ended);
        let name = name_of(&caller, append.client_message_id);
        let seq = self.decide_removal(home, name, Content::GroupDeleted, Removed::Everybody);
        self.change_record(home, |record| {
            record.owner = UserId(0);
            let group = record.group.get_or_insert_default();
            group.invites.clear();
            group.ended = Some(ended);
        });
        let rows: Vec<OutboxRow> = members.into_iter().map(|user| self.put_departure(home, user, seq)).collect();
        self.send_facts_gated(self.homes[home].partition, rows);
        self.done(home, caller);
    }

    /// Writes memberships that were just ended, after the entry that says so. The users ascend.
    fn part(&mut self, home: usize, name: MessageName, content: Content, users: Vec<UserId>) {
        // The members at the removal must be noted in the block that holds its entry, so before it can be closed.
        let seq = self.decide_removal(home, name, content, Removed::Users(users.as_slice().into()));
        let mut rows = Vec::with_capacity(users.len());
        for user in users {
            self.write_member(home, user);
            rows.push(self.put_departure(home, user, seq));
        }
        self.send_facts_gated(self.homes[home].partition, rows);
    }

    fn put_departure(&mut self, home: usize, user: UserId, seq: Seq) -> OutboxRow {
        let log = self.homes[home].log().expect("members belong to logs");
        let spans = &log.members.get(user).expect("they were members").spans;
        let joined = spans.last().expect("members have spans").joined;
        self.put_membership(home, user, MembershipRecord { joined, version: seq, member: false })
    }

    fn decide_removal(&mut self, home: usize, name: MessageName, content: Content, removed: Removed) -> Seq {
        // Whoever is removed must be noted in the run that holds the entry: it may not end just before it.
        if self.homes[home].log().is_some_and(|log| log.block_lacks_room(content.entry_bytes_max())) {
            self.close_block(home);
        }
        let log = self.homes[home].log_mut().expect("members belong to logs");
        log.note_removed_by_next(removed);
        let (seq, _) = self.decide(home, name, content);
        // The run ends here, so that whoever was removed gets nothing after it.
        self.close_block(home);
        seq
    }

    /// The owner has left: to the heir, or nobody is left and nobody can come back.
    fn hand_over(&mut self, home: usize, new_owner: Option<UserId>) {
        if let Some(user) = new_owner {
            self.change_member(home, user, |member| member.role = Role::Owner);
        }
        self.change_record(home, |record| {
            record.owner = new_owner.unwrap_or_default();
            if let (None, Some(group)) = (new_owner, &mut record.group) {
                group.invites.clear();
            }
        });
    }

    /// Changes the conversation's record in the open batch.
    pub(super) fn change_record(&mut self, home: usize, change: impl FnOnce(&mut ConversationRecord)) {
        let place = &mut self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        let record = &mut place.log_mut().expect("conversations have logs").record;
        change(record);
        let record = record.clone();
        self.write(partition, Write::PutConversation(conversation, record));
    }
}
