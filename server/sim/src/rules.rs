//! Who may do what, judged from the log alone: each entry must have been allowed by the entries before it.
//!
//! The server decides by what it has stored; this is the other way to know. Resends and limits are no concern here.

use hubbub_codec::content::{Change, Content, MutedUntil, Role};
use hubbub_codec::ids::UserId;
use hubbub_codec::proto;
use hubbub_codec::timeline::Timeline;

/// Why an operation on the log should not be there, if so.
#[must_use]
pub fn objection_to_operation(before: &Timeline, entry: &proto::Entry) -> Option<&'static str> {
    let sender = UserId(entry.sender);
    let administers = before.members().get(&sender).is_some_and(|member| member.role >= Role::Admin);
    let kept = |seq| before.message(seq).filter(|message| message.gone.is_none());
    let Content::Change(change) = Content::of(entry) else { return None };
    let (allowed, rule) = match change {
        Change::Edited { seq, .. } => {
            (kept(seq).is_some_and(|message| message.sender == sender), "only what one wrote is edited")
        }
        Change::Revoked { seq } => {
            let may = kept(seq).is_some_and(|message| administers || message.sender == sender);
            (may, "its sender may not take this message back")
        }
        Change::Reacted { seq, emoji, removed } => {
            let users = kept(seq).map(|message| message.reactions.get(&emoji).is_some_and(|all| all.contains(&sender)));
            (users == Some(removed), "it changes nothing")
        }
        _ => (true, ""),
    };
    (!allowed).then_some(rule)
}

/// Why a group's next entry should not be there, if so.
#[must_use]
pub fn objection(before: &Timeline, entry: &proto::Entry) -> Option<&'static str> {
    let sender = UserId(entry.sender);
    let member = before.members().get(&sender);
    let role = member.map(|member| member.role);
    let administers = role >= Some(Role::Admin);
    let below = |user: &UserId| before.members().get(user).is_none_or(|member| Some(member.role) < role);
    let (allowed, rule) = match Content::of(entry) {
        Content::Change(Change::GroupCreated { .. }) => (entry.seq == 1, "a group is made once"),
        Content::Change(Change::MemberJoined { member: joined, .. }) => (
            member.is_none() && joined == sender,
            "whoever joins by an invitation is no member, and joins as themselves",
        ),
        _ if member.is_none() => (false, "its sender is no member"),
        Content::Message(_) => (may_write(before, sender, entry.time_us), "its sender may not write"),
        Content::Change(change) => match change {
            Change::MembersAdded(_) => {
                (administers || before.settings().members_may_add, "its sender may not add members")
            }
            Change::MembersRemoved(users) => {
                (administers && users.iter().all(below), "its sender may not remove these members")
            }
            Change::MemberLeft { member, .. } => (member == sender, "everybody leaves for themselves"),
            Change::GroupUpdated { .. } => (administers, "its sender may not change the group"),
            Change::RoleChanged { .. } | Change::GroupDeleted => {
                (role == Some(Role::Owner), "its sender does not own the group")
            }
            Change::RetentionChanged(_) => (administers, "its sender may not choose the retention"),
            Change::MemberMuted { member, .. } => {
                (administers && below(&member), "its sender may not mute this member")
            }
            _ => (true, ""),
        },
        _ => (true, ""),
    };
    (!allowed).then_some(rule)
}

/// Whether a user may write in a group now.
#[must_use]
pub fn may_write(before: &Timeline, sender: UserId, time_us: i64) -> bool {
    let Some(member) = before.members().get(&sender) else { return false };
    let muted = match member.muted {
        MutedUntil::NotMuted => false,
        MutedUntil::TimeUs(until) => until > time_us,
        MutedUntil::UntilLifted => true,
    };
    !muted && (member.role >= Role::Admin || !before.settings().announcement_only)
}
