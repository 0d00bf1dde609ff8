//! What a group is called, what its members may do, and what one of them may do: title, settings, roles and mutes.
//!
//! Each change is one entry, decided with the rows that it changes; what would change nothing is done without one.

use super::Shard;
use super::append::name_of;
use crate::entry::Content;
use crate::ids::UserId;
use crate::records::{MemberRecord, MutedUntil, Role, Write};
use crate::request::{Action, Append, Caller, Mute, Refusal};

const NO_MEMBER: Refusal = Refusal::Invalid { field: "member", why: "is no member of this group" };
const OWNER_STAYS: Refusal =
    Refusal::Forbidden("the owner's role changes only by giving another member the role OWNER");

impl Shard {
    pub(super) fn update_group(&mut self, home: usize, caller: Caller, append: Append) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        let Action::UpdateGroup { title, settings } = append.action else { unreachable!() };
        if let Err(refusal) = log.may_administer(caller.user) {
            return self.refuse(caller, refusal);
        }
        let (old_title, old_settings) = (&log.record.title, log.record.settings());
        let (title, settings) = (title.unwrap_or_else(|| old_title.clone()), settings.unwrap_or(old_settings));
        if (&title, settings) != (old_title, old_settings) {
            let name = name_of(&caller, append.client_message_id);
            self.decide(home, name, Content::GroupUpdated { title: title.clone(), settings });
            self.change_record(home, |record| {
                record.title = title;
                if settings != old_settings {
                    record.group.get_or_insert_default().settings = settings;
                }
            });
        }
        self.done(home, caller);
    }

    pub(super) fn set_role(&mut self, home: usize, caller: Caller, append: Append) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        let Action::SetRole { member, role } = append.action else { unreachable!() };
        if let Err(refusal) = log.may_rule(caller.user) {
            return self.refuse(caller, refusal);
        }
        let Some(row) = log.members.present(member) else { return self.refuse(caller, NO_MEMBER) };
        if row.role == role {
            return self.done(home, caller);
        }
        if row.role == Role::Owner {
            return self.refuse(caller, OWNER_STAYS);
        }
        let previous_owner = (role == Role::Owner).then_some(caller.user);
        let name = name_of(&caller, append.client_message_id);
        self.decide(home, name, Content::RoleChanged { member, role, previous_owner });
        self.change_member(home, member, |row| row.role = role);
        if let Some(previous) = previous_owner {
            self.change_member(home, previous, |row| row.role = Role::Admin);
            self.change_record(home, |record| record.owner = member);
        }
        self.done(home, caller);
    }

    pub(super) fn mute_member(&mut self, home: usize, caller: Caller, append: Append) {
        let now = self.now;
        let log = self.homes[home].log().expect("the caller has seen the log");
        let Action::MuteMember { member, mute } = append.action else { unreachable!() };
        if let Err(refusal) = log.may_administer(caller.user) {
            return self.refuse(caller, refusal);
        }
        let Some(row) = log.members.present(member) else { return self.refuse(caller, NO_MEMBER) };
        if let Err(refusal) = log.may_judge(caller.user, &[member]) {
            return self.refuse(caller, refusal);
        }
        let until = match mute {
            Mute::Lift => MutedUntil::NO,
            Mute::Seconds(seconds) => MutedUntil::after_seconds(now, seconds),
            Mute::UntilLifted => MutedUntil::UNTIL_LIFTED,
        };
        if row.muted_until != until {
            let name = name_of(&caller, append.client_message_id);
            self.decide(home, name, Content::MemberMuted { member, until });
            self.change_member(home, member, |row| row.muted_until = until);
        }
        self.done(home, caller);
    }

    /// Changes a present member's row in the open batch. An owner is never muted.
    pub(super) fn change_member(&mut self, home: usize, user: UserId, change: impl FnOnce(&mut MemberRecord)) {
        let log = self.homes[home].log_mut().expect("members belong to logs");
        let row = log.members.present_mut(user).expect("the caller has seen the member");
        change(row);
        if row.role == Role::Owner {
            row.muted_until = MutedUntil::NO;
        }
        self.write_member(home, user);
    }

    /// Writes a past or present member's row in the open batch.
    pub(super) fn write_member(&mut self, home: usize, user: UserId) {
        let place = &self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        let log = place.log().expect("members belong to logs");
        let row = log.members.get(user).expect("the caller has seen the member").clone();
        self.write(partition, Write::PutMember(conversation, user, row));
    }
}
