//! Invitations: whoever holds the secret of one may join.
//!
//! The core knows a secret only by its hash and carries the secret itself back to who made the invitation. Invitations
//! are no entries: nobody but their holders need to know of them. Removing a member voids none.

use super::Shard;
use super::append::name_of;
use crate::entry::Content;
use crate::ids::{Conversation, GroupId};
use crate::records::{INVITES_MAX, InviteHash, InviteRecord, Role};
use crate::request::{Action, Append, Caller, NewInvite, Refusal, Reply};

impl Shard {
    pub(super) fn create_invite(&mut self, home: usize, caller: Caller, invite: NewInvite) {
        match self.group_for(home, |log| log.may_add(caller.user)) {
            Err(refusal) => self.refuse(caller, refusal),
            Ok(group) => self.make_invite(home, caller, group, invite),
        }
    }

    fn make_invite(&mut self, home: usize, caller: Caller, group: GroupId, invite: NewInvite) {
        if self.storage_full {
            return self.refuse(caller, Refusal::StorageFull);
        }
        let now = self.now;
        let expires = now.plus_ms(u64::from(invite.valid_seconds) * 1_000);
        let record = InviteRecord { hash: invite.hash, expires, uses_left: invite.uses_max, by: caller.user };
        let log = self.homes[home].log().expect("the caller has seen the log");
        let invites = log.record.group.iter().flat_map(|group| &group.invites);
        let usable = invites.filter(|invite| invite.expires > now).count();
        if usable >= INVITES_MAX {
            let (limit, got) = (INVITES_MAX as u64, usable as u64 + 1);
            return self.refuse(caller, Refusal::Limit { field: "invites", setting: "fixed", limit, got });
        }
        self.change_record(home, |record_of| {
            let invites = &mut record_of.group.get_or_insert_default().invites;
            invites.retain(|invite| invite.expires > now);
            invites.push(record);
        });
        let made = Reply::Invite { group, secret: invite.secret, expires, uses_max: invite.uses_max };
        self.reply_gated(self.homes[home].partition, caller.reply_to, made);
    }

    pub(super) fn revoke_invites(&mut self, home: usize, caller: Caller) {
        if let Err(refusal) = self.group_for(home, |log| log.may_administer(caller.user)) {
            return self.refuse(caller, refusal);
        }
        let log = self.homes[home].log().expect("the caller has seen the log");
        if log.record.group.as_ref().is_some_and(|group| !group.invites.is_empty()) {
            self.change_record(home, |record| record.group.get_or_insert_default().invites.clear());
        }
        self.done(home, caller);
    }

    /// The group that lives here, if it allows this.
    fn group_for(
        &self,
        home: usize,
        allows: impl FnOnce(&crate::conversation::Log) -> Result<(), Refusal>,
    ) -> Result<GroupId, Refusal> {
        let place = &self.homes[home];
        match (place.id, place.log()) {
            (Conversation::Group(group), Some(log)) => allows(log).map(|()| group),
            _ => Err(Refusal::UnknownConversation),
        }
    }

    /// A member is answered as if it had just joined; anybody else needs a valid invitation.
    pub(super) fn join_group(&mut self, home: usize, caller: Caller, append: &Append) {
        let Action::Join(hash) = append.action else { unreachable!() };
        let log = self.homes[home].log().expect("the caller has seen the log");
        if log.members.present(caller.user).is_some() {
            self.counters.duplicates += 1;
            return self.answer_group(home, caller, true);
        }
        let Some(invite) = self.valid_invite(home, hash) else { return self.refuse(caller, Refusal::InviteInvalid) };
        let log = self.homes[home].log().expect("the caller has seen the log");
        if let Err(refusal) = self.check_size(log.members.count() + 1) {
            return self.refuse(caller, refusal);
        }
        let name = name_of(&caller, append.client_message_id);
        let (seq, _) = self.decide(home, name, Content::MemberJoined { member: caller.user, invited_by: invite.by });
        let rows = self.join(home, &[caller.user], seq, seq, |_| Role::Member);
        self.use_invite(home, invite);
        self.send_facts_gated(self.homes[home].partition, rows);
        self.answer_group(home, caller, false);
    }

    fn valid_invite(&self, home: usize, hash: InviteHash) -> Option<InviteRecord> {
        let group = self.homes[home].log()?.record.group.as_deref()?;
        group.invites.iter().find(|invite| invite.hash == hash && invite.expires > self.now).copied()
    }

    /// Counts one use of an invitation; the last one voids it.
    fn use_invite(&mut self, home: usize, used: InviteRecord) {
        if used.uses_left == 0 {
            return;
        }
        self.change_record(home, |record| {
            let invites = &mut record.group.get_or_insert_default().invites;
            invites.retain_mut(|invite| {
                if invite.hash == used.hash {
                    invite.uses_left -= 1;
                }
                invite.hash != used.hash || invite.uses_left > 0
            });
        });
    }
}
