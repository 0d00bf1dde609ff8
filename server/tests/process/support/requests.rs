//! Requests in one line.

use super::Up;
use hubbub_codec::ids::{Conversation, GroupId, UserId};
use hubbub_codec::proto::{self, GroupSettings, MessageName, Role, history, login, send};

/// The first words.
pub(crate) fn hello() -> Up {
    Up::Hello(proto::Hello { version_min: 1, version_max: 1, client_name: "test".to_owned(), ..Default::default() })
}

/// A login with a token.
pub(crate) fn login(token: String, device_id: u64) -> Up {
    Up::Login(proto::Login { method: Some(login::Method::Jwt(token)), device_id, ..Default::default() })
}

/// The conversation of two users.
pub(crate) fn direct(a: u64, b: u64) -> Conversation {
    Conversation::direct(UserId(a), UserId(b)).expect("two users")
}

/// The conversation of a group.
pub(crate) fn group(id: u64) -> Conversation {
    Conversation::Group(GroupId(id))
}

/// A name for a message.
pub(crate) fn name(text: &str) -> Option<MessageName> {
    Some(MessageName { client_message_id: text.to_owned().into(), resend: false, after_seq: 0 })
}

/// The name of a message that may have been sent before, when the head was `after_seq`.
pub(crate) fn resent(text: &str, after_seq: u64) -> Option<MessageName> {
    Some(MessageName { client_message_id: text.to_owned().into(), resend: true, after_seq })
}

/// A message to a user; its text is its name, too.
pub(crate) fn to_user(user: u64, text: &str) -> Up {
    Up::Send(message(send::To::User(user), name(text), text))
}

/// A message to a group; its text is its name, too.
pub(crate) fn to_group(group: u64, text: &str) -> Up {
    Up::Send(message(send::To::Group(group), name(text), text))
}

/// A message.
pub(crate) fn message(to: send::To, name: Option<MessageName>, text: &str) -> proto::Send {
    proto::Send { to: Some(to), name, body: text.to_owned().into(), ..Default::default() }
}

/// Makes a group with further members.
pub(crate) fn create_group(title: &str, members: &[u64]) -> Up {
    Up::CreateGroup(proto::CreateGroup {
        name: name(title),
        title: title.to_owned(),
        members: members.to_vec(),
        settings: None,
    })
}

/// Adds members.
pub(crate) fn add_members(group: u64, request: &str, members: &[u64]) -> Up {
    Up::AddMembers(proto::AddMembers { name: name(request), group, members: members.to_vec() })
}

/// Removes members.
pub(crate) fn remove_members(group: u64, request: &str, members: &[u64]) -> Up {
    Up::RemoveMembers(proto::RemoveMembers { name: name(request), group, members: members.to_vec() })
}

/// Leaves a group.
pub(crate) fn leave(group: u64, request: &str) -> Up {
    Up::Leave(proto::Leave { name: name(request), group })
}

/// A page of a group's members.
pub(crate) fn get_group(group: u64, members_after: u64, members_limit: u32) -> Up {
    Up::GetGroup(proto::GetGroup { group, members_after, members_limit })
}

/// Entries above a seq.
pub(crate) fn history_after(conversation: Conversation, after: u64, limit: u32) -> Up {
    let position = Some(history::Position::AfterSeq(after));
    Up::History(proto::History { conversation: Some(conversation.into()), position, limit, raw: false })
}

/// Entries below a seq.
pub(crate) fn history_before(conversation: Conversation, before: u64, limit: u32) -> Up {
    let position = Some(history::Position::BeforeSeq(before));
    Up::History(proto::History { conversation: Some(conversation.into()), position, limit, raw: false })
}

/// This device holds the log up to a seq.
pub(crate) fn delivered(conversation: Conversation, up_to_seq: u64) -> Up {
    Up::Delivered(proto::Delivered { conversation: Some(conversation.into()), up_to_seq })
}

/// The person has seen the log up to a seq.
pub(crate) fn read(conversation: Conversation, up_to_seq: u64) -> Up {
    Up::Read(proto::Read { conversation: Some(conversation.into()), up_to_seq })
}

/// Asks for presence, now and from now on.
pub(crate) fn watch(users: &[u64]) -> Up {
    Up::Watch(proto::Watch { users: users.to_vec() })
}

/// Blocks users.
pub(crate) fn block(users: &[u64]) -> Up {
    Up::Block(proto::Block { users: users.to_vec() })
}

/// Blocks users no more.
pub(crate) fn unblock(users: &[u64]) -> Up {
    Up::Unblock(proto::Unblock { users: users.to_vec() })
}

/// A signal in a conversation.
pub(crate) fn signal(conversation: Conversation, kind: proto::SignalKind, call_id: u64, body: &str) -> Up {
    let body = body.to_owned().into();
    Up::Signal(proto::Signal { conversation: Some(conversation.into()), kind: kind.into(), body, call_id })
}

/// Where a client stands.
pub(crate) fn cursor(conversation: Conversation, log_id: u32, seq: u64) -> proto::Cursor {
    proto::Cursor { conversation: Some(conversation.into()), log_id, seq }
}

/// Changes a group's title and settings.
pub(crate) fn update_group(group: u64, request: &str, title: Option<&str>, settings: Option<GroupSettings>) -> Up {
    let title = title.map(ToOwned::to_owned);
    Up::UpdateGroup(proto::UpdateGroup { name: name(request), group, title, settings })
}

/// Gives a member a role.
pub(crate) fn set_role(group: u64, request: &str, member: u64, role: Role) -> Up {
    Up::SetRole(proto::SetRole { name: name(request), group, member, role: role.into() })
}

/// Takes a member's word for so many seconds.
pub(crate) fn mute(group: u64, request: &str, member: u64, seconds: u32) -> Up {
    Up::MuteMember(proto::MuteMember { name: name(request), group, member, seconds })
}

/// Ends a group.
pub(crate) fn delete_group(group: u64, request: &str) -> Up {
    Up::DeleteGroup(proto::DeleteGroup { name: name(request), group })
}

/// Makes an invitation for so many, valid for a week.
pub(crate) fn create_invite(group: u64, uses_max: u32) -> Up {
    Up::CreateInvite(proto::CreateInvite { group, valid_seconds: 0, uses_max })
}

/// Joins by an invitation.
pub(crate) fn join_group(request: &str, token: &str) -> Up {
    Up::JoinGroup(proto::JoinGroup { name: name(request), token: token.to_owned() })
}

/// A page of the caller's conversations with their states.
pub(crate) fn list_with_states(after: bytes::Bytes, limit: u32) -> Up {
    Up::ListConversations(proto::ListConversations { after, limit, with_states: true })
}

/// Gives a message a new body; the text is the request's name, too.
pub(crate) fn edit(conversation: Conversation, seq: u64, text: &str) -> Up {
    let conversation = Some(conversation.into());
    let (name, body) = (name(text), text.to_owned().into());
    Up::Edit(proto::Edit { conversation, name, seq, body, content_type: "text/new".to_owned() })
}

/// Takes a message back.
pub(crate) fn revoke(conversation: Conversation, request: &str, seq: u64) -> Up {
    Up::Revoke(proto::Revoke { conversation: Some(conversation.into()), name: name(request), seq })
}

/// Reacts to a message, or takes that back.
pub(crate) fn react(conversation: Conversation, request: &str, seq: u64, emoji: &str, remove: bool) -> Up {
    let conversation = Some(conversation.into());
    Up::React(proto::React { conversation, name: name(request), seq, emoji: emoji.to_owned(), remove })
}

/// Changes how long a conversation keeps its messages.
pub(crate) fn set_retention(
    conversation: Conversation,
    request: &str,
    mode: proto::retention::Mode,
    ttl_seconds: u64,
) -> Up {
    let retention = Some(proto::Retention { mode: mode.into(), ttl_seconds });
    Up::SetRetention(proto::SetRetention { conversation: Some(conversation.into()), name: name(request), retention })
}

/// The whole log, in its newest form or as it was written.
pub(crate) fn whole(conversation: Conversation, raw: bool) -> Up {
    let position = Some(history::Position::AfterSeq(0));
    Up::History(proto::History { conversation: Some(conversation.into()), position, limit: 200, raw })
}
