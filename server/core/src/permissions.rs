//! Who may do what in a conversation.
//!
//! Each rule is one function that answers with the refusal; who asks is asked to be a present member first. In a
//! direct conversation everybody may write and nobody may change who belongs to it.

use crate::conversation::{Log, Members};
use crate::ids::{Timestamp, UserId};
use crate::records::{ConversationRecord, GroupSettings, MemberRecord, Role};
use crate::request::Refusal;

const OWNER_ONLY: Refusal = Refusal::Forbidden("only the owner of the group may do this");
const ADMINS_ONLY: Refusal = Refusal::Forbidden("only the owner and admins of the group may do this");
const ADMINS_WRITE: Refusal = Refusal::Forbidden("only the owner and admins may write in this group");
const ABOVE: Refusal = Refusal::Forbidden("admins may do this to members only, and the owner to everybody else");

impl Log {
    /// Whether a user may write: whatever becomes an entry or a signal of the conversation.
    ///
    /// # Errors
    /// `UnknownConversation` for whoever is no member, `Forbidden` for members where only admins write, `Muted`, and
    /// `Blocked` between two people of whom one has blocked the other.
    pub(crate) fn may_write(&self, user: UserId, now: Timestamp) -> Result<(), Refusal> {
        let member = self.member(user)?;
        if self.is_blocked() {
            return Err(Refusal::Blocked);
        }
        if member.role == Role::Member && self.record.settings().announcement_only {
            return Err(ADMINS_WRITE);
        }
        match member.muted_until.remaining_ms(now) {
            None => Ok(()),
            Some(retry_after_ms) => Err(Refusal::Muted { retry_after_ms }),
        }
    }

    /// Whether a user may add members and make invitations.
    pub(crate) fn may_add(&self, user: UserId) -> Result<(), Refusal> {
        let member = self.member(user)?;
        if member.role == Role::Member && !self.record.settings().members_may_add { Err(ADMINS_ONLY) } else { Ok(()) }
    }

    /// Whether a user may change title, settings and invitations.
    pub(crate) fn may_administer(&self, user: UserId) -> Result<(), Refusal> {
        if self.member(user)?.role >= Role::Admin { Ok(()) } else { Err(ADMINS_ONLY) }
    }

    /// Whether a user may give roles and delete the group.
    pub(crate) fn may_rule(&self, user: UserId) -> Result<(), Refusal> {
        if self.member(user)?.role == Role::Owner { Ok(()) } else { Err(OWNER_ONLY) }
    }

    /// Whether a user may remove and mute these members: whoever is above them, and an admin at least.
    pub(crate) fn may_judge(&self, user: UserId, members: &[UserId]) -> Result<(), Refusal> {
        self.may_administer(user)?;
        let role = self.member(user)?.role;
        let above = |member: &UserId| self.members.present(*member).is_none_or(|member| member.role < role);
        if members.iter().all(above) { Ok(()) } else { Err(ABOVE) }
    }

    /// The row of a present member.
    ///
    /// # Errors
    /// `UnknownConversation` for whoever is none.
    pub(crate) fn member(&self, user: UserId) -> Result<&MemberRecord, Refusal> {
        self.members.present(user).ok_or(Refusal::UnknownConversation)
    }
}

impl ConversationRecord {
    /// What the members of a group may do.
    #[must_use]
    pub fn settings(&self) -> GroupSettings {
        self.group.as_deref().map_or_else(GroupSettings::default, |group| group.settings)
    }
}

impl Members {
    /// Who becomes the owner when there is none: the admin of longest standing, else the member of longest standing
    /// (the lower id among equals).
    pub(crate) fn heir(&self) -> Option<UserId> {
        let standing = |member: &MemberRecord| member.spans.last().map(|span| span.joined);
        let present = self.iter_after(UserId(0));
        present.min_by_key(|(user, member)| (member.role < Role::Admin, standing(member), *user)).map(|(user, _)| *user)
    }
}
