//! From replies and pushes to frames.

use super::decode::encode_page_mark;
use super::people;
use super::{conversation_to_codec, conversation_to_proto};
use bytes::Bytes;
use hubbub_codec::frame::{EntriesHead, append_frame, encode_entries_frame, encode_frame};
use hubbub_codec::ids as codec_ids;
use hubbub_codec::proto;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::server_frame::Body;
use hubbub_codec::proto::{ErrorCode, ServerFrame};
use hubbub_core::ids::{Conversation, LogId, Seq, Timestamp, UserId};
use hubbub_core::message::{ReceiptsPush, Run, Summary};
use hubbub_core::presence::UserPresence;
use hubbub_core::records::{GroupSettings, Page, Retention, Role};
use hubbub_core::request::{ConversationState, GroupInfo, MessageInfo, Refusal, Reply};
use hubbub_core::signal::{SignalKind, SignalPush};

use crate::invite;
use crate::metrics::FrameOut;

/// How long a client waits before it repeats what was refused for want of room, in milliseconds.
const RETRY_MS: u32 = 500;
/// The same when the disk is full.
const RETRY_FULL_MS: u32 = 5_000;
/// Conversations in one `Synced` frame.
const SYNCED_PAGE: usize = 100;

/// Appends the frames of a reply to `out`; more than one only for a long `Synced`, or for a long `Presence` (of which all
/// but the last are pushes). Tells their kind. No frame of presence is longer than `frame_bytes_max`.
pub fn reply_frame(request_id: u64, reply: Reply, frame_bytes_max: usize, out: &mut bytes::BytesMut) -> FrameOut {
    let (kind, body) = match reply {
        Reply::LoggedIn { .. } => unreachable!("encoded by logged_in_frame, which knows the user"),
        Reply::Done => (FrameOut::Done, Body::Done(proto::Done {})),
        Reply::Sent { conversation, seq, message_id, time, duplicate } => {
            let sent = proto::Sent {
                conversation: Some(conversation_to_proto(&conversation)),
                seq: seq.0,
                message_id: message_id.0,
                time_us: time.0,
                duplicate,
            };
            (FrameOut::Sent, Body::Sent(sent))
        }
        Reply::History { conversation, log_id, skip_from, page, floor, head } => {
            let head = EntriesHead {
                request_id,
                conversation: conversation_to_codec(&conversation),
                log_id: codec_ids::LogId(log_id.0),
                after_seq: codec_ids::Seq(page.after.0),
                skip_from_seq: skip_from.map(|seq| codec_ids::Seq(seq.0)),
                floor: codec_ids::Seq(floor.0),
                head: codec_ids::Seq(head.0),
            };
            out.extend_from_slice(&encode_entries_frame(&head, &[page.entries]));
            return FrameOut::Entries;
        }
        Reply::MessageInfo(info) => (FrameOut::MessageInfo, Body::MessageInfo(message_info(*info))),
        Reply::Profile(info) => (FrameOut::Profile, Body::Profile(people::profile(*info))),
        Reply::Devices(list) => (FrameOut::Devices, Body::Devices(people::devices(list))),
        Reply::Group(info) => (FrameOut::Group, Body::Group(group(*info))),
        Reply::Conversations { conversations, more } => {
            let last = conversations.last().filter(|_| more);
            let next = last.map(|last| encode_page_mark(&last.conversation).into());
            let conversations = conversations.into_iter().map(|listed| proto::Membership {
                conversation: Some(conversation_to_proto(&listed.conversation)),
                joined_seq: listed.membership.joined.0,
                state: listed.state.map(|told| state(*told)),
            });
            let page = proto::Conversations { conversations: conversations.collect(), next: next.unwrap_or_default() };
            (FrameOut::Conversations, Body::Conversations(page))
        }
        Reply::Invite { group, secret, expires, uses_max } => {
            let token = invite::token(group, &secret);
            let invite = proto::Invite { group: group.0, token, expires_us: expires.0, uses_max };
            (FrameOut::Invite, Body::Invite(invite))
        }
        Reply::Synced(states) => {
            synced(request_id, states, out);
            return FrameOut::Synced;
        }
        Reply::Presence(users) => {
            presence(request_id, &users, frame_bytes_max, out);
            return FrameOut::Presence;
        }
        Reply::Blocked(users) => {
            let users = users.into_iter().map(|user| user.0).collect();
            (FrameOut::Blocked, Body::Blocked(proto::Blocked { users }))
        }
        Reply::LogReset { conversation, log_id, floor, head } => {
            (FrameOut::Error, Body::Error(log_reset(&conversation, log_id, floor, head)))
        }
        Reply::Refused(refusal) => (FrameOut::Error, Body::Error(refused(&refusal))),
    };
    append_frame(&ServerFrame { request_id, body: Some(body) }, out);
    kind
}

fn frame(request_id: u64, body: Body) -> Bytes {
    encode_frame(&ServerFrame { request_id, body: Some(body) })
}

fn synced(request_id: u64, states: Vec<ConversationState>, out: &mut bytes::BytesMut) {
    let mut states = states.into_iter().map(state).peekable();
    loop {
        let conversations = states.by_ref().take(SYNCED_PAGE).collect();
        let more = states.peek().is_some();
        let body = Some(Body::Synced(proto::Synced { conversations, more }));
        append_frame(&ServerFrame { request_id, body }, out);
        if !more {
            return;
        }
    }
}

/// What a frame holds besides one user's presence and its status, at most.
const PRESENCE_OVERHEAD_BYTES: usize = 64;

fn presence(request_id: u64, users: &[UserPresence], frame_bytes_max: usize, out: &mut bytes::BytesMut) {
    let mut rest = users;
    loop {
        let mut bytes = PRESENCE_OVERHEAD_BYTES;
        let fits = rest.iter().take_while(|presence| {
            bytes += PRESENCE_OVERHEAD_BYTES + presence.status.len();
            bytes <= frame_bytes_max
        });
        // One alone always fits into the smallest frame that can be configured.
        let count = fits.count().max(1).min(rest.len());
        let (part, more) = rest.split_at(count);
        let users = part.iter().map(user_presence).collect();
        let number = if more.is_empty() { request_id } else { 0 };
        let body = Some(Body::Presence(proto::Presence { users }));
        append_frame(&ServerFrame { request_id: number, body }, out);
        rest = more;
        if rest.is_empty() {
            return;
        }
    }
}

fn user_presence(presence: &UserPresence) -> proto::UserPresence {
    proto::UserPresence {
        user: presence.user.0,
        online: presence.online,
        last_active_us: presence.last_active.0,
        status: presence.status.to_string(),
    }
}

fn state(state: ConversationState) -> proto::ConversationState {
    proto::ConversationState {
        conversation: Some(conversation_to_proto(&state.conversation)),
        log_id: state.log_id.0,
        head: state.head.0,
        floor: state.floor.0,
        delivered: state.delivered.0,
        read: state.read.0,
        unread: state.unread,
        member_count: state.member_count as u32,
        name: state.title,
        peer_delivered: state.peer.0.0,
        peer_read: state.peer.1.0,
        member: state.member,
        role: state.role.map_or(proto::Role::Unspecified, role).into(),
        muted_until_us: state.muted_until.0,
        retention: state.retention.map(retention),
        blocked: state.blocked,
    }
}

fn group(info: GroupInfo) -> proto::Group {
    let members = info.members.into_iter().map(|member| proto::Member {
        user: member.user.0,
        role: role(member.role).into(),
        joined_seq: member.joined.0,
        muted_until_us: member.muted_until.0,
    });
    let GroupSettings { announcement_only, members_may_add } = info.settings;
    proto::Group {
        group: info.group.0,
        title: info.title,
        owner: info.owner.0,
        member_count: info.member_count as u32,
        members: members.collect(),
        more: info.more,
        log_id: info.log_id.0,
        head: info.head.0,
        floor: info.floor.0,
        duplicate: info.duplicate,
        settings: Some(proto::GroupSettings { announcement_only, members_may_add }),
        retention: Some(retention(info.retention)),
    }
}

fn role(role: Role) -> proto::Role {
    match role {
        Role::Member => proto::Role::Member,
        Role::Admin => proto::Role::Admin,
        Role::Owner => proto::Role::Owner,
    }
}

fn retention(retention: Retention) -> proto::Retention {
    use proto::retention::Mode;
    let (mode, ttl_seconds) = match retention {
        Retention::Forever => (Mode::Forever, 0),
        Retention::Ttl { seconds } => (Mode::Ttl, u64::from(seconds)),
        Retention::UntilDelivered => (Mode::UntilDelivered, 0),
    };
    proto::Retention { mode: mode.into(), ttl_seconds }
}

// ---- Errors ----

/// A refusal as the protocol says it: action, code, and after how many milliseconds to try again.
pub fn refusal_parts(refusal: &Refusal) -> (Action, ErrorCode, u32) {
    match refusal {
        Refusal::UnknownUser(_) => (Action::FixRequest, ErrorCode::UnknownUser, 0),
        Refusal::UnknownConversation => (Action::FixRequest, ErrorCode::UnknownConversation, 0),
        Refusal::Forbidden(_) => (Action::GiveUp, ErrorCode::Forbidden, 0),
        Refusal::Muted { retry_after_ms } => {
            (Action::GiveUp, ErrorCode::Muted, u32::try_from(*retry_after_ms).unwrap_or(u32::MAX))
        }
        Refusal::InviteInvalid => (Action::GiveUp, ErrorCode::InviteInvalid, 0),
        Refusal::Invalid { .. } | Refusal::BeyondHead { .. } => (Action::FixRequest, ErrorCode::Invalid, 0),
        Refusal::Limit { .. } => (Action::FixRequest, ErrorCode::LimitExceeded, 0),
        Refusal::RateLimited { retry_after_ms, .. } => (Action::Retry, ErrorCode::RateLimited, *retry_after_ms),
        Refusal::Overloaded => (Action::Retry, ErrorCode::Overloaded, RETRY_MS),
        Refusal::StorageFull => (Action::Retry, ErrorCode::StorageFull, RETRY_FULL_MS),
        Refusal::ResendUnknown => (Action::GiveUp, ErrorCode::ResendUnknown, 0),
        Refusal::TooOld { .. } => (Action::GiveUp, ErrorCode::TooOld, 0),
        Refusal::UnknownMessage(_) => (Action::FixRequest, ErrorCode::UnknownMessage, 0),
        Refusal::TokenInvalid => (Action::Reauthenticate, ErrorCode::TokenInvalid, 0),
        Refusal::TokenExpired => (Action::Reauthenticate, ErrorCode::TokenExpired, 0),
        Refusal::DeviceRevoked => (Action::Reauthenticate, ErrorCode::DeviceRevoked, 0),
        Refusal::WrongCredentials => (Action::Reauthenticate, ErrorCode::WrongCredentials, 0),
        Refusal::WrongPassword => (Action::FixRequest, ErrorCode::WrongCredentials, 0),
        Refusal::EmailTaken => (Action::FixRequest, ErrorCode::EmailTaken, 0),
        Refusal::TooManyDevices { .. } => (Action::FixRequest, ErrorCode::LimitExceeded, 0),
        Refusal::Rule { .. } => (Action::FixRequest, ErrorCode::Invalid, 0),
        Refusal::Unlucky => (Action::Retry, ErrorCode::Internal, RETRY_MS),
        Refusal::ReadFailed => (Action::Retry, ErrorCode::Internal, RETRY_MS),
        Refusal::Blocked => (Action::GiveUp, ErrorCode::Blocked, 0),
        Refusal::DeviceReplaced => (Action::Retry, ErrorCode::Forbidden, RETRY_MS),
    }
}

fn refused(refusal: &Refusal) -> proto::Error {
    let (action, code, retry_after_ms) = refusal_parts(refusal);
    let field = match refusal {
        Refusal::Invalid { field, .. } | Refusal::Limit { field, .. } | Refusal::Rule { field, .. } => *field,
        Refusal::TooManyDevices { .. } => "login.device_id",
        Refusal::WrongPassword => "change_password.old_password",
        Refusal::EmailTaken => "register.email",
        Refusal::RateLimited { setting, .. } => setting,
        Refusal::BeyondHead { .. } => "up_to_seq",
        Refusal::UnknownMessage(_) | Refusal::TooOld { .. } => "seq",
        _ => "",
    };
    proto::Error {
        action: action.into(),
        code: code.into(),
        message: refusal.to_string(),
        retry_after_ms,
        field: field.to_owned(),
        log_reset: None,
    }
}

fn log_reset(conversation: &Conversation, log_id: LogId, floor: Seq, head: Seq) -> proto::Error {
    proto::Error {
        action: Action::FixRequest.into(),
        code: ErrorCode::LogReset.into(),
        message: "the cursor belongs to another life of this log, or is beyond its head: start anew".to_owned(),
        retry_after_ms: 0,
        field: "sync.cursors".to_owned(),
        log_reset: Some(proto::LogReset {
            conversation: Some(conversation_to_proto(conversation)),
            log_id: log_id.0,
            floor: floor.0,
            head: head.0,
        }),
    }
}

/// An error that the edge itself has found.
#[must_use]
pub fn error_frame(request_id: u64, action: Action, code: ErrorCode, retry_after_ms: u32, message: String) -> Bytes {
    let error =
        proto::Error { action: action.into(), code: code.into(), message, retry_after_ms, ..proto::Error::default() };
    frame(request_id, Body::Error(error))
}

// ---- Frames of the edge ----

/// The reply to a `Login`: the session token that was made for it (or nothing), and when the one in use ends.
#[must_use]
pub fn logged_in_frame(
    request_id: u64,
    user: UserId,
    created: bool,
    session_token: &str,
    token_expires: Option<Timestamp>,
) -> Bytes {
    let logged_in = proto::LoggedIn {
        user_id: user.0,
        created,
        session_token: session_token.to_owned(),
        session_token_expires_us: token_expires.map_or(0, |time| time.0),
    };
    frame(request_id, Body::LoggedIn(logged_in))
}

/// The reply to a `Register`.
#[must_use]
pub fn registered_frame(request_id: u64, user: UserId) -> Bytes {
    frame(request_id, Body::Registered(proto::Registered { user_id: user.0 }))
}

/// The reply to a `Hello`.
#[must_use]
pub fn welcome_frame(request_id: u64, welcome: proto::Welcome) -> Bytes {
    frame(request_id, Body::Welcome(welcome))
}

/// The reply to `OpenTrunk`.
#[must_use]
pub fn trunk_opened_frame(request_id: u64, opened: proto::TrunkOpened) -> Bytes {
    frame(request_id, Body::TrunkOpened(opened))
}

/// The reply to a `Ping`.
#[must_use]
pub fn pong_frame(request_id: u64, nonce: u64, server_time_us: i64) -> Bytes {
    frame(request_id, Body::Pong(proto::Pong { nonce, server_time_us }))
}

/// A farewell.
#[must_use]
pub fn bye_frame(reason: proto::bye::Reason, retry_after_ms: u32) -> Bytes {
    frame(0, Body::Bye(proto::Bye { reason: reason.into(), retry_after_ms, target: String::new() }))
}

// ---- Pushes ----

/// Entries that were just committed; the same bytes for everybody.
#[must_use]
pub fn run_frame(run: &Run) -> Bytes {
    entries(&run.conversation, run.log_id, Seq(run.first.0 - 1), None, &run.entries)
}

/// A page for a session that has had the log up to `from`.
#[must_use]
pub fn page_frame(conversation: &Conversation, log_id: LogId, from: Seq, page: &Page) -> Bytes {
    entries(conversation, log_id, page.after, Some(from), &page.entries)
}

fn entries(conversation: &Conversation, log_id: LogId, after: Seq, skip_from: Option<Seq>, entries: &Bytes) -> Bytes {
    let head = EntriesHead {
        request_id: 0,
        conversation: conversation_to_codec(conversation),
        log_id: codec_ids::LogId(log_id.0),
        after_seq: codec_ids::Seq(after.0),
        skip_from_seq: skip_from.map(|seq| codec_ids::Seq(seq.0)),
        floor: codec_ids::Seq(0),
        head: codec_ids::Seq(0),
    };
    encode_entries_frame(&head, std::slice::from_ref(entries))
}

/// Marks that were just committed.
#[must_use]
pub fn receipts_frame(push: &ReceiptsPush) -> Bytes {
    let receipts = proto::Receipts {
        conversation: Some(conversation_to_proto(&push.conversation)),
        receipts: push.receipts.iter().map(receipt).collect(),
        summaries: Vec::new(),
    };
    frame(0, Body::Receipts(receipts))
}

/// What became of messages of one author in a group.
#[must_use]
pub fn summaries_frame(conversation: &Conversation, summaries: &[Summary]) -> Bytes {
    let receipts = proto::Receipts {
        conversation: Some(conversation_to_proto(conversation)),
        receipts: Vec::new(),
        summaries: summaries.iter().map(summary).collect(),
    };
    frame(0, Body::Receipts(receipts))
}

fn receipt(&(user, delivered, read): &(UserId, Seq, Seq)) -> proto::Receipt {
    proto::Receipt { user: user.0, delivered: delivered.0, read: read.0 }
}

fn summary(summary: &Summary) -> proto::ReceiptSummary {
    proto::ReceiptSummary { seq: summary.seq.0, delivered_count: summary.delivered, read_count: summary.read }
}

fn message_info(info: MessageInfo) -> proto::MessageInfo {
    proto::MessageInfo {
        conversation: Some(conversation_to_proto(&info.conversation)),
        summary: Some(summary(&info.summary)),
        member_count: info.member_count as u32,
        receipts: info.receipts.iter().map(receipt).collect(),
        more: info.more,
    }
}

/// Presence that has changed: one after the other, usually one.
#[must_use]
pub fn presence_frames(users: &[UserPresence], frame_bytes_max: usize) -> Bytes {
    let mut frames = bytes::BytesMut::new();
    presence(0, users, frame_bytes_max, &mut frames);
    frames.freeze()
}

/// A signal.
#[must_use]
pub fn signal_frame(push: &SignalPush) -> Bytes {
    let signal = &push.signal;
    let signalled = proto::Signalled {
        conversation: Some(conversation_to_proto(&push.conversation)),
        from: push.from.0,
        from_device: push.device.0,
        kind: signal_kind(signal.kind).into(),
        body: signal.body.clone(),
        call_id: signal.call_id,
    };
    frame(0, Body::Signalled(signalled))
}

fn signal_kind(kind: SignalKind) -> proto::SignalKind {
    match kind {
        SignalKind::Typing => proto::SignalKind::Typing,
        SignalKind::TypingStopped => proto::SignalKind::TypingStopped,
        SignalKind::CallOffer => proto::SignalKind::CallOffer,
        SignalKind::CallAnswer => proto::SignalKind::CallAnswer,
        SignalKind::CallCandidate => proto::SignalKind::CallCandidate,
        SignalKind::CallHangUp => proto::SignalKind::CallHangUp,
        SignalKind::Custom => proto::SignalKind::Custom,
        SignalKind::CallRingTimeout => proto::SignalKind::CallRingTimeout,
    }
}

/// A membership that began or ended.
#[must_use]
pub fn membership_frame(conversation: &Conversation, member: bool) -> Bytes {
    let conversation = Some(conversation_to_proto(conversation));
    frame(0, Body::ConversationChanged(proto::ConversationChanged { conversation, member }))
}
