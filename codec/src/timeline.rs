//! What a log amounts to: messages in their newest form, reactions, members.
//!
//! A pure structure: entries go in, in the order of their seqs, as a session reports them (or as
//! [`history_raw`](crate::session::Session::history_raw) reads them); the present form comes out. Promises: the same
//! entries give the same timeline on every device; an entry twice changes nothing; what refers to a message that is not
//! held changes nothing.
//!
//! ```
//! use hubbub_codec::ids::Seq;
//! use hubbub_codec::proto::{self, Entry, EventType, event::Event};
//! use hubbub_codec::timeline::Timeline;
//!
//! let edited = Event::MessageEdited(proto::MessageEdited { seq: 1, body: "at nine".into(), ..Default::default() });
//! let log = [
//!     Entry { seq: 1, sender: 10, event_type: EventType::User.into(), body: "at ten".into(), ..Default::default() },
//!     Entry {
//!         seq: 2,
//!         sender: 10,
//!         event_type: EventType::Application.into(),
//!         event: Some(proto::Event { event: Some(edited) }),
//!         ..Default::default()
//!     },
//! ];
//! let mut timeline = Timeline::default();
//! timeline.extend(&log);
//! assert_eq!(&timeline.message(Seq(1)).unwrap().body[..], b"at nine");
//! ```

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use crate::content::{Change, Content, GoneReason, Message, MutedUntil, NewBody, Retention, Role};
use crate::ids::{Seq, UserId};
use crate::proto;

/// One conversation as its entries make it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Timeline {
    head: Seq,
    messages: BTreeMap<Seq, TimelineMessage>,
    members: BTreeMap<UserId, TimelineMember>,
    /// Of members, past and present.
    mutes: BTreeMap<UserId, MutedUntil>,
    title: String,
    settings: proto::GroupSettings,
    retention: Option<Retention>,
    deleted: bool,
}

/// A message in its newest form.
#[derive(Clone, PartialEq)]
pub struct TimelineMessage {
    /// Who wrote it.
    pub sender: UserId,
    /// When it was decided: microseconds since the Unix epoch, UTC.
    pub time_us: i64,
    /// Chosen by the application; 0 for plain text.
    pub kind: u32,
    /// Of the newest edit; empty when it is gone.
    pub body: Bytes,
    /// Of the newest edit.
    pub content_type: String,
    /// The entry that this one answers.
    pub reply_to: Option<Seq>,
    /// The entry that records the newest edit.
    pub edited: Option<Seq>,
    /// Why the body is gone, when it is.
    pub gone: Option<GoneReason>,
    /// Who reacted with what.
    pub reactions: BTreeMap<String, BTreeSet<UserId>>,
}

/// A member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineMember {
    /// What the member may do.
    pub role: Role,
    /// The entry that made it a member.
    pub joined: Seq,
    /// Until when the member may not write.
    pub muted: MutedUntil,
}

impl Timeline {
    /// Adds entries, in ascending order; those at or below the head are passed over.
    pub fn extend<'a>(&mut self, entries: impl IntoIterator<Item = &'a proto::Entry>) {
        for entry in entries {
            self.push(entry);
        }
    }

    /// Adds one entry.
    pub fn push(&mut self, entry: &proto::Entry) {
        let seq = Seq(entry.seq);
        if seq <= self.head {
            return;
        }
        self.head = seq;
        match Content::of(entry) {
            Content::Message(message) => drop(self.messages.insert(seq, TimelineMessage::new(entry, message))),
            // An edit whose message was revoked loses its body, too, and is no message for that.
            Content::Gone(_) if entry.event.is_some() => {}
            Content::Gone(reason) => drop(self.messages.insert(seq, TimelineMessage::gone(entry, reason))),
            Content::Change(change) => self.apply(seq, UserId(entry.sender), change),
            Content::Unknown => {}
        }
    }

    /// The newest entry that was added.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.head
    }

    /// The message `seq`, when it is one and is held.
    #[must_use]
    pub fn message(&self, seq: Seq) -> Option<&TimelineMessage> {
        self.messages.get(&seq)
    }

    /// All messages that are held, in order.
    pub fn messages(&self) -> impl DoubleEndedIterator<Item = (Seq, &TimelineMessage)> {
        self.messages.iter().map(|(seq, message)| (*seq, message))
    }

    /// The members of a group, by ascending id. Complete when the log was read from its first entry.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<UserId, TimelineMember> {
        &self.members
    }

    /// The title of a group.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// What a group's members may do.
    #[must_use]
    pub fn settings(&self) -> proto::GroupSettings {
        self.settings
    }

    /// How long the log is kept, when an entry has said so.
    #[must_use]
    pub fn retention(&self) -> Option<Retention> {
        self.retention
    }

    /// The group has ended.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Forgets messages up to `seq`, to bound memory; members, title and settings stay.
    pub fn forget_up_to(&mut self, seq: Seq) {
        self.messages.retain(|held, _| *held > seq);
    }

    fn apply(&mut self, seq: Seq, sender: UserId, change: Change) {
        match change {
            Change::GroupCreated { title, owner, members, settings } => {
                (self.title, self.settings) = (title, settings);
                self.join(seq, &members);
                self.set_role(owner, Role::Owner);
            }
            Change::MembersAdded(members) => self.join(seq, &members),
            Change::MemberJoined { member, .. } => self.join(seq, &[member]),
            Change::MembersRemoved(members) => self.members.retain(|user, _| !members.contains(user)),
            Change::MemberLeft { member, new_owner } => {
                self.members.remove(&member);
                if let Some(new_owner) = new_owner {
                    self.set_role(new_owner, Role::Owner);
                }
            }
            Change::GroupUpdated { title, settings } => (self.title, self.settings) = (title, settings),
            Change::RoleChanged { member, role, previous_owner } => {
                if let Some(previous_owner) = previous_owner {
                    self.set_role(previous_owner, Role::Admin);
                }
                self.set_role(member, role);
            }
            Change::MemberMuted { member, until } => self.mute(member, until),
            Change::GroupDeleted => {
                self.deleted = true;
                self.members.clear();
            }
            Change::Edited { seq: edited, new } => self.edit(edited, seq, new),
            Change::Revoked { seq } => {
                if let Some(message) = self.messages.get_mut(&seq) {
                    message.revoke();
                }
            }
            Change::Reacted { seq, emoji, removed } => self.react(seq, sender, emoji, removed),
            Change::RetentionChanged(retention) => self.retention = Some(retention),
            Change::Unknown => {}
        }
    }

    fn join(&mut self, joined: Seq, users: &[UserId]) {
        for user in users {
            let muted = self.mutes.get(user).copied().unwrap_or(MutedUntil::NotMuted);
            let new = TimelineMember { role: Role::Member, joined, muted };
            self.members.entry(*user).or_insert(new);
        }
    }

    /// A mute outlives leaving.
    fn mute(&mut self, user: UserId, until: MutedUntil) {
        match until {
            MutedUntil::NotMuted => drop(self.mutes.remove(&user)),
            _ => drop(self.mutes.insert(user, until)),
        }
        if let Some(member) = self.members.get_mut(&user) {
            member.muted = until;
        }
    }

    /// An owner is never muted.
    fn set_role(&mut self, user: UserId, role: Role) {
        if role == Role::Owner {
            self.mute(user, MutedUntil::NotMuted);
        }
        if let Some(member) = self.members.get_mut(&user) {
            member.role = role;
        }
    }

    fn edit(&mut self, seq: Seq, recorded: Seq, new: NewBody) {
        // A message that came from `History` may have newer edits in it than this one.
        if let Some(message) = self.messages.get_mut(&seq)
            && message.gone.is_none()
            && message.edited.is_none_or(|edited| edited < recorded)
        {
            (message.body, message.content_type) = (new.body, new.content_type);
            message.edited = Some(recorded);
        }
    }

    fn react(&mut self, seq: Seq, user: UserId, emoji: String, removed: bool) {
        let Some(message) = self.messages.get_mut(&seq).filter(|message| message.gone.is_none()) else {
            return;
        };
        if !removed {
            message.reactions.entry(emoji).or_default().insert(user);
        } else if let Some(users) = message.reactions.get_mut(&emoji) {
            users.remove(&user);
            if users.is_empty() {
                message.reactions.remove(&emoji);
            }
        }
    }
}

impl TimelineMessage {
    fn new(entry: &proto::Entry, message: Message) -> Self {
        Self {
            sender: entry.sender.into(),
            time_us: entry.time_us,
            kind: message.kind,
            body: message.body,
            content_type: message.content_type,
            reply_to: message.reply_to,
            edited: entry.edited.as_ref().map(|edited| Seq(edited.seq)),
            gone: None,
            reactions: BTreeMap::new(),
        }
    }

    fn gone(entry: &proto::Entry, reason: GoneReason) -> Self {
        let nothing = Message { kind: 0, body: Bytes::new(), content_type: String::new(), reply_to: None };
        Self { gone: Some(reason), ..Self::new(entry, nothing) }
    }

    fn revoke(&mut self) {
        self.gone.get_or_insert(GoneReason::Revoked);
        self.body = Bytes::new();
        self.content_type = String::new();
        self.edited = None;
        self.reactions.clear();
    }
}

impl std::fmt::Debug for TimelineMessage {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimelineMessage")
            .field("sender", &self.sender)
            .field("body_bytes", &self.body.len())
            .field("edited", &self.edited)
            .field("gone", &self.gone)
            .field("reactions", &self.reactions)
            .finish_non_exhaustive()
    }
}
