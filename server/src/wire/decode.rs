//! From a client's frame to a request.

use super::{groups, people};
use hubbub_codec::proto;
use hubbub_codec::proto::client_frame::Body;
use hubbub_core::ids::{ClientMessageId, Conversation, DeviceId, GroupId, LogId, Seq, UserId};
use hubbub_core::records::{PagePosition, Retention};
use hubbub_core::request::{Action, Append, InfoQuery, Refusal, Request, StatusChange, SyncCursor};
use hubbub_core::signal::{Signal, SignalKind};

/// The limits that the shape of a request is held against.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest `Send.body`.
    pub body_bytes_max: usize,
    /// Longest `Signal.body`.
    pub signal_bytes_max: usize,
    /// Most users in one request, so that the entry that records it fits into a frame.
    pub users_max: usize,
}

const SYNC_CURSORS_MAX: usize = 1_000;
const CONTENT_TYPE_BYTES_MAX: usize = 64;
const EMOJI_BYTES_MAX: usize = 32;
const TTL_SECONDS: std::ops::RangeInclusive<u64> = 60..=315_360_000;
const STATUS_BYTES_MAX: usize = 128;
/// Users in one `Watch` or `Unwatch`.
const WATCH_USERS_MAX: usize = 1_000;
/// Users in one `Block` or `Unblock`.
const BLOCK_USERS_MAX: usize = 100;
const HISTORY_DEFAULT: u32 = 50;
const HISTORY_MAX: u32 = 200;
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1_000;
const STATES_PAGE_MAX: u32 = 100;

/// Length of a page mark: a tag and two ids.
const PAGE_MARK_BYTES: usize = 17;

/// Turns the body of a frame into a request of `user`.
///
/// # Errors
/// The field that is missing or out of its range. Bodies that open a connection are `Invalid`, too.
pub fn request(body: Body, user: UserId, limits: &Limits) -> Result<Request, Refusal> {
    match body {
        Body::Send(send) => message(send, user, limits),
        Body::Delivered(mark) => {
            let conversation = conversation(mark.conversation.as_ref())?;
            Ok(Request::Mark { conversation, delivered: positive(mark.up_to_seq)?, read: Seq(0) })
        }
        Body::Read(mark) => {
            let conversation = conversation(mark.conversation.as_ref())?;
            let read = positive(mark.up_to_seq)?;
            Ok(Request::Mark { conversation, delivered: read, read })
        }
        Body::Watch(watch) => Ok(Request::Watch(people(&watch.users, WATCH_USERS_MAX)?)),
        Body::Unwatch(unwatch) if unwatch.all => Ok(Request::Unwatch(None)),
        Body::Unwatch(unwatch) => Ok(Request::Unwatch(Some(people(&unwatch.users, WATCH_USERS_MAX)?))),
        Body::SetStatus(set) => status(set),
        Body::Block(block) => Ok(Request::Block(people(&block.users, BLOCK_USERS_MAX)?)),
        Body::Unblock(unblock) => Ok(Request::Unblock(people(&unblock.users, BLOCK_USERS_MAX)?)),
        Body::ListBlocked(_) => Ok(Request::ListBlocked),
        Body::Signal(sent) => signal(sent, limits),
        Body::Sync(sync) => synced(&sync),
        Body::History(history) => part(&history),
        Body::CreateGroup(create) => groups::creation(create, limits),
        Body::AddMembers(add) => {
            let members = users(&add.members, limits)?;
            group_action(add.group, add.name.as_ref(), Action::AddMembers(members))
        }
        Body::RemoveMembers(remove) => {
            let members = users(&remove.members, limits)?;
            group_action(remove.group, remove.name.as_ref(), Action::RemoveMembers(members))
        }
        Body::Leave(leave) => group_action(leave.group, leave.name.as_ref(), Action::Leave),
        Body::UpdateGroup(update) => groups::update(update),
        Body::SetRole(set) => groups::role(&set),
        Body::MuteMember(mute) => groups::mute(&mute),
        Body::DeleteGroup(delete) => group_action(delete.group, delete.name.as_ref(), Action::DeleteGroup),
        Body::CreateInvite(create) => groups::invite(&create),
        Body::RevokeInvites(revoke) => Ok(Request::RevokeInvites(GroupId(revoke.group))),
        Body::JoinGroup(join) => groups::join(&join),
        Body::Logout(logout) => Ok(Request::LogOut { all_devices: logout.all_devices }),
        Body::GetProfile(get) => Ok(people::get_profile(&get, user)),
        Body::UpdateProfile(update) => people::update_profile(update),
        Body::ListDevices(_) => Ok(Request::ListDevices),
        Body::RenameDevice(rename) => people::rename_device(rename),
        Body::RevokeDevice(revoke) => Ok(Request::RevokeDevice(DeviceId(revoke.device_id))),
        Body::GetMessageInfo(get) => message_info(&get),
        Body::GetGroup(get) => Ok(Request::GetGroup {
            group: GroupId(get.group),
            members_after: UserId(get.members_after),
            members_limit: limit(get.members_limit, PAGE_DEFAULT, PAGE_MAX, "members_limit")?,
        }),
        Body::ListConversations(list) => Ok(Request::ListConversations {
            after: page_mark(&list.after)?,
            limit: limit(list.limit, PAGE_DEFAULT, if list.with_states { STATES_PAGE_MAX } else { PAGE_MAX }, "limit")?,
            with_states: list.with_states,
        }),
        Body::Edit(edit) => edited(edit, limits),
        Body::Revoke(revoke) => {
            let action = Action::Revoke(message_seq(revoke.seq)?);
            log_operation(revoke.conversation.as_ref(), revoke.name.as_ref(), action)
        }
        Body::React(react) => reaction(react),
        Body::SetRetention(set) => {
            let action = Action::SetRetention(retention(set.retention.as_ref())?);
            log_operation(set.conversation.as_ref(), set.name.as_ref(), action)
        }
        Body::Hello(_) | Body::Login(_) | Body::Ping(_) | Body::Register(_) | Body::OpenTrunk(_) => {
            invalid("body", "is not allowed after login")
        }
        Body::ChangePassword(_) => invalid("body", "is for the edge, which has passwords compared and hashed"),
    }
}

pub(super) fn invalid<T>(field: &'static str, why: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Invalid { field, why })
}

pub(super) fn over<T>(field: &'static str, setting: &'static str, limit: usize, got: usize) -> Result<T, Refusal> {
    Err(Refusal::Limit { field, setting, limit: limit as u64, got: got as u64 })
}

fn message(send: proto::Send, user: UserId, limits: &Limits) -> Result<Request, Refusal> {
    let conversation = match send.to {
        Some(proto::send::To::User(to)) => match Conversation::direct(user, UserId(to)) {
            Some(conversation) => conversation,
            None => return invalid("send.to", "must be another user"),
        },
        Some(proto::send::To::Group(group)) => Conversation::Group(GroupId(group)),
        None => return invalid("send.to", "is missing"),
    };
    if send.body.len() > limits.body_bytes_max {
        return over("send.body", "limits.body_bytes_max", limits.body_bytes_max, send.body.len());
    }
    if send.content_type.len() > CONTENT_TYPE_BYTES_MAX {
        return over("send.content_type", "fixed", CONTENT_TYPE_BYTES_MAX, send.content_type.len());
    }
    let action = Action::Message {
        kind: send.kind,
        body: send.body,
        content_type: send.content_type,
        reply_to: Seq(send.reply_to_seq),
    };
    Ok(Request::Append { conversation, append: named(send.name.as_ref(), action)? })
}

pub(super) fn named(name: Option<&proto::MessageName>, action: Action) -> Result<Append, Refusal> {
    let Some(name) = name else { return invalid("name", "is missing") };
    let Some(client_message_id) = ClientMessageId::new(&name.client_message_id) else {
        return invalid("name.client_message_id", "must be 1 to 16 bytes");
    };
    Ok(Append { client_message_id, resend: name.resend, after: Seq(name.after_seq), action })
}

fn log_operation(
    of: Option<&proto::Conversation>,
    name: Option<&proto::MessageName>,
    action: Action,
) -> Result<Request, Refusal> {
    Ok(Request::Append { conversation: conversation(of)?, append: named(name, action)? })
}

fn edited(edit: proto::Edit, limits: &Limits) -> Result<Request, Refusal> {
    if edit.body.len() > limits.body_bytes_max {
        return over("edit.body", "limits.body_bytes_max", limits.body_bytes_max, edit.body.len());
    }
    if edit.content_type.len() > CONTENT_TYPE_BYTES_MAX {
        return over("edit.content_type", "fixed", CONTENT_TYPE_BYTES_MAX, edit.content_type.len());
    }
    let action = Action::Edit { seq: message_seq(edit.seq)?, body: edit.body, content_type: edit.content_type };
    log_operation(edit.conversation.as_ref(), edit.name.as_ref(), action)
}

fn reaction(react: proto::React) -> Result<Request, Refusal> {
    if react.emoji.is_empty() {
        return invalid("react.emoji", "must be 1 to 32 bytes");
    }
    if react.emoji.len() > EMOJI_BYTES_MAX {
        return over("react.emoji", "fixed", EMOJI_BYTES_MAX, react.emoji.len());
    }
    let action = Action::React { seq: message_seq(react.seq)?, emoji: react.emoji, remove: react.remove };
    log_operation(react.conversation.as_ref(), react.name.as_ref(), action)
}

fn message_seq(seq: u64) -> Result<Seq, Refusal> {
    if seq == 0 { invalid("seq", "must be at least 1") } else { Ok(Seq(seq)) }
}

/// `None` is the server's default.
fn retention(retention: Option<&proto::Retention>) -> Result<Option<Retention>, Refusal> {
    let Some(retention) = retention else { return invalid("retention", "is missing") };
    match proto::retention::Mode::try_from(retention.mode) {
        Ok(proto::retention::Mode::Default) => Ok(None),
        Ok(proto::retention::Mode::Forever) => Ok(Some(Retention::Forever)),
        Ok(proto::retention::Mode::UntilDelivered) => Ok(Some(Retention::UntilDelivered)),
        Ok(proto::retention::Mode::Ttl) if TTL_SECONDS.contains(&retention.ttl_seconds) => {
            Ok(Some(Retention::Ttl { seconds: retention.ttl_seconds as u32 }))
        }
        Ok(proto::retention::Mode::Ttl) => invalid("retention.ttl_seconds", "must be 60 to 315,360,000 (ten years)"),
        Err(_) => invalid("retention.mode", "is none that this server knows"),
    }
}

pub(super) fn group_action(group: u64, name: Option<&proto::MessageName>, action: Action) -> Result<Request, Refusal> {
    Ok(Request::Append { conversation: Conversation::Group(GroupId(group)), append: named(name, action)? })
}

pub(super) fn users(ids: &[u64], limits: &Limits) -> Result<Vec<UserId>, Refusal> {
    if ids.is_empty() {
        return invalid("members", "is empty");
    }
    if ids.contains(&0) {
        return invalid("members", "names user 0, who is nobody");
    }
    if ids.len() > limits.users_max {
        return over("members", "limits.frame_bytes_max", limits.users_max, ids.len());
    }
    Ok(ids.iter().map(|&id| UserId(id)).collect())
}

fn synced(sync: &proto::Sync) -> Result<Request, Refusal> {
    if sync.cursors.len() > SYNC_CURSORS_MAX {
        return over("sync.cursors", "fixed", SYNC_CURSORS_MAX, sync.cursors.len());
    }
    let cursors = sync.cursors.iter().map(|cursor| {
        let conversation = conversation(cursor.conversation.as_ref())?;
        Ok(SyncCursor { conversation, log_id: LogId(cursor.log_id), seq: Seq(cursor.seq) })
    });
    Ok(Request::Sync { cursors: cursors.collect::<Result<_, _>>()?, include_others: sync.include_others })
}

/// Users who are named to be watched or blocked.
fn people(ids: &[u64], most: usize) -> Result<Vec<UserId>, Refusal> {
    match ids {
        [] => invalid("users", "is empty"),
        ids if ids.contains(&0) => invalid("users", "names user 0, who is nobody"),
        ids if ids.len() > most => over("users", "fixed", most, ids.len()),
        ids => Ok(ids.iter().map(|&id| UserId(id)).collect()),
    }
}

fn status(set: proto::SetStatus) -> Result<Request, Refusal> {
    let invisible = match set.visibility() {
        proto::set_status::Visibility::Unspecified if set.visibility != 0 => {
            return invalid("visibility", "is not known here");
        }
        proto::set_status::Visibility::Unspecified => None,
        proto::set_status::Visibility::Visible => Some(false),
        proto::set_status::Visibility::Invisible => Some(true),
    };
    if let Some(status) = &set.status
        && status.len() > STATUS_BYTES_MAX
    {
        return over("status", "fixed", STATUS_BYTES_MAX, status.len());
    }
    Ok(Request::SetStatus(StatusChange { invisible, status: set.status.map(String::into_boxed_str) }))
}

fn signal(sent: proto::Signal, limits: &Limits) -> Result<Request, Refusal> {
    let kind = match sent.kind() {
        proto::SignalKind::Typing => SignalKind::Typing,
        proto::SignalKind::TypingStopped => SignalKind::TypingStopped,
        proto::SignalKind::CallOffer => SignalKind::CallOffer,
        proto::SignalKind::CallAnswer => SignalKind::CallAnswer,
        proto::SignalKind::CallCandidate => SignalKind::CallCandidate,
        proto::SignalKind::CallHangUp => SignalKind::CallHangUp,
        proto::SignalKind::Custom => SignalKind::Custom,
        proto::SignalKind::CallRingTimeout => return invalid("signal.kind", "is for the server to send"),
        proto::SignalKind::Unspecified => return invalid("signal.kind", "is missing or not known here"),
    };
    let of_call = !matches!(kind, SignalKind::Typing | SignalKind::TypingStopped | SignalKind::Custom);
    if of_call && sent.call_id == 0 {
        return invalid("signal.call_id", "must not be 0 in the kinds of calls");
    }
    if sent.body.len() > limits.signal_bytes_max {
        return over("signal.body", "limits.signal_bytes_max", limits.signal_bytes_max, sent.body.len());
    }
    let conversation = conversation(sent.conversation.as_ref())?;
    let signal = Box::new(Signal { kind, body: sent.body, call_id: sent.call_id });
    Ok(Request::Signal { conversation, signal })
}

fn part(history: &proto::History) -> Result<Request, Refusal> {
    let position = match history.position {
        Some(proto::history::Position::AfterSeq(after)) => PagePosition::After(Seq(after)),
        Some(proto::history::Position::BeforeSeq(0)) => return invalid("before_seq", "must be at least 1"),
        Some(proto::history::Position::BeforeSeq(before)) => PagePosition::Before(Seq(before)),
        None => return invalid("history.position", "is missing"),
    };
    Ok(Request::History {
        conversation: conversation(history.conversation.as_ref())?,
        position,
        limit: limit(history.limit, HISTORY_DEFAULT, HISTORY_MAX, "history.limit")?,
        raw: history.raw,
    })
}

fn message_info(get: &proto::GetMessageInfo) -> Result<Request, Refusal> {
    if get.seq == 0 {
        return invalid("seq", "must be at least 1");
    }
    let query = InfoQuery {
        seq: Seq(get.seq),
        members_after: UserId(get.members_after),
        members_limit: limit(get.members_limit, PAGE_DEFAULT, PAGE_MAX, "members_limit")?,
    };
    Ok(Request::MessageInfo { conversation: conversation(get.conversation.as_ref())?, query })
}

fn positive(seq: u64) -> Result<Seq, Refusal> {
    if seq == 0 { invalid("up_to_seq", "must be at least 1") } else { Ok(Seq(seq)) }
}

fn limit(asked: u32, default: u32, max: u32, field: &'static str) -> Result<usize, Refusal> {
    match asked {
        0 => Ok(default as usize),
        asked if asked <= max => Ok(asked as usize),
        asked => over(field, "fixed", max as usize, asked as usize),
    }
}

fn conversation(conversation: Option<&proto::Conversation>) -> Result<Conversation, Refusal> {
    match conversation.and_then(|conversation| conversation.kind.as_ref()) {
        None => invalid("conversation", "is missing"),
        Some(proto::conversation::Kind::Group(group)) => Ok(Conversation::Group(GroupId(*group))),
        Some(proto::conversation::Kind::Direct(direct)) if direct.low != 0 && direct.low < direct.high => {
            Ok(Conversation::Direct { low: UserId(direct.low), high: UserId(direct.high) })
        }
        Some(_) => invalid("conversation.direct", "must name two users, the lower one first"),
    }
}

/// Where a page of conversations ended, in bytes that clients return as they are.
pub(super) fn encode_page_mark(conversation: &Conversation) -> Vec<u8> {
    let (tag, a, b) = match *conversation {
        Conversation::Direct { low, high } => (0, low.0, high.0),
        Conversation::Group(group) => (1, group.0, 0),
    };
    let mut mark = Vec::with_capacity(PAGE_MARK_BYTES);
    mark.push(tag);
    mark.extend_from_slice(&a.to_be_bytes());
    mark.extend_from_slice(&b.to_be_bytes());
    mark
}

fn page_mark(mark: &[u8]) -> Result<Option<Conversation>, Refusal> {
    if mark.is_empty() {
        return Ok(None);
    }
    let Ok(mark) = <&[u8; PAGE_MARK_BYTES]>::try_from(mark) else {
        return invalid("after", "must be `next` of the page before");
    };
    let number = |at: usize| u64::from_be_bytes(mark[at..at + 8].try_into().expect("eight bytes"));
    match mark[0] {
        0 => Ok(Some(Conversation::Direct { low: UserId(number(1)), high: UserId(number(9)) })),
        1 => Ok(Some(Conversation::Group(GroupId(number(1))))),
        _ => invalid("after", "must be `next` of the page before"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_marks_come_back() {
        for conversation in
            [Conversation::Group(GroupId(7)), Conversation::direct(UserId(3), UserId(u64::MAX)).unwrap()]
        {
            assert_eq!(page_mark(&encode_page_mark(&conversation)), Ok(Some(conversation)));
        }
        assert!(page_mark(b"nonsense").is_err());
    }

    #[test]
    fn requests_out_of_shape_name_their_field() {
        let limits = Limits { body_bytes_max: 10, signal_bytes_max: 10, users_max: 3 };
        let name = || Some(proto::MessageName { client_message_id: "a".into(), resend: false, after_seq: 0 });
        let send = |to, body: &'static str, name| {
            Body::Send(proto::Send { to, body: body.into(), name, ..proto::Send::default() })
        };
        let signal = |kind, call_id, body: &'static str| {
            Body::Signal(proto::Signal { conversation: None, kind, body: body.into(), call_id })
        };
        let to = Some(proto::send::To::User(2));
        for (body, field) in [
            (send(None, "", name()), "send.to"),
            (send(Some(proto::send::To::User(1)), "", name()), "send.to"),
            (send(to, "", None), "name"),
            (send(to, "12345678901", name()), "send.body"),
            (Body::Delivered(proto::Delivered::default()), "conversation"),
            (Body::AddMembers(proto::AddMembers { name: name(), ..Default::default() }), "members"),
            (Body::AddMembers(proto::AddMembers { name: name(), members: vec![1, 2, 3, 4], group: 1 }), "members"),
            (Body::CreateGroup(proto::CreateGroup { name: name(), ..Default::default() }), "title"),
            (Body::History(proto::History::default()), "history.position"),
            (Body::Watch(proto::Watch::default()), "users"),
            (Body::Watch(proto::Watch { users: vec![1; 1_001] }), "users"),
            (Body::Unwatch(proto::Unwatch::default()), "users"),
            (Body::Block(proto::Block { users: vec![1; 101] }), "users"),
            (Body::Unblock(proto::Unblock { users: vec![0] }), "users"),
            (Body::SetStatus(proto::SetStatus { visibility: 0, status: Some("x".repeat(129)) }), "status"),
            (Body::SetStatus(proto::SetStatus { visibility: 9, status: None }), "visibility"),
            (signal(0, 0, ""), "signal.kind"),
            (signal(8, 1, ""), "signal.kind"),
            (signal(99, 1, ""), "signal.kind"),
            (signal(3, 0, ""), "signal.call_id"),
            (signal(1, 0, "12345678901"), "signal.body"),
            (signal(1, 0, ""), "conversation"),
        ] {
            match request(body, UserId(1), &limits) {
                Err(Refusal::Invalid { field: found, .. } | Refusal::Limit { field: found, .. }) => {
                    assert_eq!(found, field);
                }
                other => panic!("{field}: {other:?}"),
            }
        }
    }
}
