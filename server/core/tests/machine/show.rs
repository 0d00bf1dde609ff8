//! What a session is sent, as one short line each, so that tests can state it as data.

use hubbub_codec::proto;
use hubbub_core::entry::Entries;
use hubbub_core::ids::Conversation;
use hubbub_core::machine::{CloseReason, Effect};
use hubbub_core::message::{Run, Summary};
use hubbub_core::presence::UserPresence;
use hubbub_core::question::Answer;
use hubbub_core::records::{MutedUntil, Page, Retention, Role};
use hubbub_core::request::{
    ConversationState, DeviceInfo, GroupInfo, GroupMember, ListedConversation, MessageInfo, Refusal, Reply,
};
use hubbub_core::signal::SignalPush;
use prost::Message as _;

/// `dm` for a direct conversation, `group` for a group: tests use few, and know which.
fn conversation(conversation: &Conversation) -> &'static str {
    match conversation {
        Conversation::Direct { .. } => "dm",
        Conversation::Group(_) => "group",
    }
}

/// `1:a 2:b`: seqs and the client's names. `1:a=new` was edited, `1:a[+2]` has two reactions, `1:a(gone)` no body.
fn entries(encoded: &[u8]) -> String {
    let mut line = String::new();
    for encoded in Entries::new(encoded) {
        let entry = proto::Entries::decode(encoded).expect("an entry").entries.remove(0);
        line += &format!(" {}:{}", entry.seq, String::from_utf8_lossy(&entry.client_message_id));
        if entry.edited.is_some() {
            line += &format!("={}", String::from_utf8_lossy(&entry.body));
        }
        for count in &entry.reactions {
            line += &format!("[{}{}]", count.emoji, count.count);
        }
        if entry.event_type() == proto::EventType::Gone {
            assert!(entry.body.is_empty() && entry.event.is_none());
            line += "(gone)";
        }
    }
    line
}

pub(crate) fn run(run: &Run) -> String {
    format!("run {}{}", conversation(&run.conversation), entries(&run.entries))
}

fn skip(page: &Page, from: u64) -> String {
    if page.after.0 == from { String::new() } else { format!(" skip {from}..{}", page.after) }
}

fn state(state: &ConversationState) -> String {
    let mut line = format!(" {} head {}", conversation(&state.conversation), state.head);
    if !state.member {
        line += " (no member)";
    }
    if state.read.0 > 0 {
        line += &format!(" read {}", state.read);
    }
    if state.unread > 0 {
        line += &format!(" unread {}", state.unread);
    }
    if let Some(role) = state.role.filter(|role| *role != Role::Member) {
        line += &format!(" {role:?}");
    }
    if state.muted_until != MutedUntil::NO {
        line += " muted";
    }
    if state.blocked {
        line += " blocked";
    }
    if state.peer.0.0 > 0 {
        line += &format!(" peer {} {}", state.peer.0, state.peer.1);
    }
    match state.retention {
        Some(Retention::Ttl { seconds }) => line += &format!(" ttl {seconds}"),
        Some(Retention::UntilDelivered) => line += " until delivered",
        Some(Retention::Forever) | None => {}
    }
    line
}

fn group(info: &GroupInfo) -> String {
    let member = |member: &GroupMember| {
        let muted = if member.muted_until == MutedUntil::NO { "" } else { " muted" };
        format!("{} {:?} {}{muted}", member.user, member.role, member.joined)
    };
    let members: Vec<String> = info.members.iter().map(member).collect();
    let more = if info.more { ", more" } else { "" };
    let duplicate = if info.duplicate { " (duplicate)" } else { "" };
    format!(
        "group of {} by {}, head {}: {}{more}{duplicate}",
        info.member_count,
        info.owner,
        info.head,
        members.join(", ")
    )
}

/// `2: 1 0`: a message, how many hold it and have read it.
fn summary(summary: &Summary) -> String {
    format!("{}: {} {}", summary.seq, summary.delivered, summary.read)
}

fn message_info(info: &MessageInfo) -> String {
    let receipts = info.receipts.iter().map(|(user, delivered, read)| format!("{user}: {delivered} {read}"));
    let more = if info.more { ", more" } else { "" };
    format!("info {} of {} ({}{more})", summary(&info.summary), info.member_count, list(receipts))
}

fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

fn refusal(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Invalid { field, .. } | Refusal::Limit { field, .. } => {
            let name = format!("{refusal:?}");
            format!("{} {field}", name.split([' ', '{']).next().unwrap_or_default())
        }
        other => {
            let name = format!("{other:?}");
            name.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
        }
    }
}

/// In microseconds.
pub(crate) const DAY_US: i64 = 24 * 3_600 * 1_000_000;

fn device(device: &DeviceInfo) -> String {
    let connected = if device.connected { ", connected" } else { "" };
    let current = if device.current { ", current" } else { "" };
    format!(" {} {:?}{connected}{current};", device.device, device.name)
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Registered(user) => format!("registered {user}"),
        Answer::Credentials(None) => "nobody".to_owned(),
        Answer::Credentials(Some(found)) => format!("credentials of {}", found.user),
        Answer::Refused(why) => format!("refused: {}", refusal(why)),
    }
}

/// `7 online "tea"` or `7 away since 12`: seconds of a time that begins at [`super::world::EPOCH`].
pub(crate) fn presence(users: &[UserPresence]) -> String {
    let one = |presence: &UserPresence| {
        let seconds = presence.last_active.0 / 1_000_000 - super::world::EPOCH_S;
        let since = if presence.last_active.0 == 0 { String::new() } else { format!(" since {seconds}") };
        let status = if presence.status.is_empty() { String::new() } else { format!(" {:?}", presence.status) };
        let state = if presence.online { " online".to_owned() } else { format!(" away{since}") };
        format!("{}{state}{status}", presence.user)
    };
    format!("presence {}", users.iter().map(one).collect::<Vec<_>>().join(", "))
}

pub(crate) fn reply(reply: &Reply) -> String {
    match reply {
        Reply::LoggedIn { created, token_expires } => {
            let created = if *created { ", created" } else { "" };
            let token = token_expires.map_or(String::new(), |time| format!(", token to day {}", time.0 / DAY_US));
            format!("logged in{created}{token}")
        }
        Reply::Profile(profile) => {
            let email = profile.email.as_ref().map_or(String::new(), |email| format!(" <{}>", email.as_str()));
            format!("profile {}{email} ({}) [{}]", profile.name, profile.about, profile.picture)
        }
        Reply::Devices(devices) => format!("devices{}", devices.iter().map(device).collect::<String>()),
        Reply::Done => "done".to_owned(),
        Reply::Sent { seq, duplicate: false, .. } => format!("sent {seq}"),
        Reply::Sent { seq, duplicate: true, .. } => format!("sent {seq} (duplicate)"),
        Reply::History { skip_from, page, head, floor, .. } => {
            let skip = skip_from.map_or(String::new(), |from| skip(page, from.0));
            let floor = if floor.0 > 0 { format!(", floor {floor}") } else { String::new() };
            format!("history{skip}{} (to {}, head {head}{floor})", entries(&page.entries), page.last)
        }
        Reply::Group(info) => group(info),
        Reply::Conversations { conversations, more } => {
            let told = |listed: &ListedConversation| match &listed.state {
                Some(told) => format!("[{}]", state(told).trim_start()),
                None => conversation(&listed.conversation).to_owned(),
            };
            let told: Vec<String> = conversations.iter().map(told).collect();
            format!("conversations {}{}", told.join(" "), if *more { ", more" } else { "" })
        }
        Reply::MessageInfo(info) => message_info(info),
        Reply::Invite { uses_max, .. } => format!("invite for {uses_max}"),
        Reply::Synced(states) => format!("synced{}", states.iter().map(state).collect::<Vec<_>>().join(",")),
        Reply::Presence(users) => presence(users),
        Reply::Blocked(users) => format!("blocked{}", users.iter().map(|user| format!(" {user}")).collect::<String>()),
        Reply::LogReset { head, .. } => format!("log reset, head {head}"),
        Reply::Refused(why) => format!("refused: {}", refusal(why)),
    }
}

/// An effect for one session; `None` when it is for none.
pub(crate) fn effect(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Reply { reply: said, .. } => reply(said),
        Effect::PushRun(pushed, _) => run(pushed),
        Effect::PushPage { conversation: id, from, page, .. } => {
            format!("page {}{}{}", conversation(id), skip(page, from.0), entries(&page.entries))
        }
        Effect::PushReceipts(push, _) => {
            let marks: Vec<String> =
                push.receipts.iter().map(|(user, delivered, read)| format!("{user}: {delivered} {read}")).collect();
            format!("receipts {}", marks.join(", "))
        }
        Effect::PushSummaries(_, summaries, _) => format!("summaries {}", list(summaries.iter().map(summary))),
        Effect::PushSignal(push, _) => {
            let SignalPush { from, device, signal, .. } = &**push;
            format!("signal {:?} of {from}/{device} call {}", signal.kind, signal.call_id)
        }
        Effect::PushPresence(users, _) => presence(users),
        Effect::PushMembership(_, id, member) => {
            format!("{} {}", if *member { "joined" } else { "left" }, conversation(id))
        }
        Effect::Close(_, CloseReason::Replaced) => "closed: replaced".to_owned(),
        Effect::Close(_, CloseReason::LoginRefused) => "closed: refused".to_owned(),
        Effect::Close(_, CloseReason::Revoked) => "closed: revoked".to_owned(),
        Effect::Close(_, CloseReason::LoggedOut) => "closed: logged out".to_owned(),
        Effect::Answer { answer: said, .. } => answer(said),
        Effect::Forward(..) | Effect::Read(..) => return None,
    })
}
