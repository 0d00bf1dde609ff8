//! What an entry says, as types: a message, a change that the service recorded, or nothing any more.
//!
//! Never fails: what this version does not know is [`Content::Unknown`] or [`Change::Unknown`], and the entry itself
//! stays in the application's hands.

use bytes::Bytes;

use crate::ids::{Seq, UserId};
use crate::proto;
use crate::proto::event::Event;

/// What an entry says. Bodies share the memory of the entry.
///
/// ```
/// use hubbub_codec::content::Content;
/// use hubbub_codec::proto::{Entry, EventType};
///
/// let entry = Entry { seq: 1, event_type: EventType::User.into(), body: "hello".into(), ..Default::default() };
/// let Content::Message(message) = Content::of(&entry) else { panic!("not a message") };
/// assert_eq!(&message.body[..], b"hello");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A person wrote it.
    Message(Message),
    /// The service recorded a change.
    Change(Change),
    /// It was a message; its body is gone.
    Gone(GoneReason),
    /// An entry of a type that this version does not know.
    Unknown,
}

/// What a person wrote.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Chosen by the application; 0 for plain text.
    pub kind: u32,
    /// Opaque to the server.
    pub body: Bytes,
    /// A media type; empty means `text/plain; charset=utf-8`.
    pub content_type: String,
    /// The entry that this one answers.
    pub reply_to: Option<Seq>,
}

/// What an edit puts in the place of a message's body.
#[derive(Clone, PartialEq, Eq)]
pub struct NewBody {
    /// Opaque to the server.
    pub body: Bytes,
    /// As in a message.
    pub content_type: String,
}

/// Why a body is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GoneReason {
    /// Its sender or an admin took it back.
    Revoked,
    /// The conversation's retention.
    Expired,
    /// A reason that this version does not know.
    Unknown,
}

/// A change that a log records. The entry's `sender` made it.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// The first entry of a group.
    GroupCreated {
        /// Its title.
        title: String,
        /// Its first owner.
        owner: UserId,
        /// All first members, the owner included.
        members: Vec<UserId>,
        /// What they may do.
        settings: proto::GroupSettings,
    },
    /// These are members from here on.
    MembersAdded(Vec<UserId>),
    /// These are members no longer.
    MembersRemoved(Vec<UserId>),
    /// A member left.
    MemberLeft {
        /// Who.
        member: UserId,
        /// The owner from here on, when the owner left.
        new_owner: Option<UserId>,
    },
    /// Title and settings from here on.
    GroupUpdated {
        /// The title.
        title: String,
        /// The settings.
        settings: proto::GroupSettings,
    },
    /// A member has a role from here on.
    RoleChanged {
        /// Who.
        member: UserId,
        /// Which.
        role: Role,
        /// With `Owner`: who was it before, and is an admin from here on.
        previous_owner: Option<UserId>,
    },
    /// A member may not write for a while, or may again.
    MemberMuted {
        /// Who.
        member: UserId,
        /// For how long.
        until: MutedUntil,
    },
    /// Somebody came by an invitation.
    MemberJoined {
        /// Who.
        member: UserId,
        /// Who made the invitation.
        invited_by: UserId,
    },
    /// Everybody has left.
    GroupDeleted,
    /// A message has a new body.
    Edited {
        /// Which one.
        seq: Seq,
        /// The new one.
        new: NewBody,
    },
    /// A message was taken back.
    Revoked {
        /// Which one.
        seq: Seq,
    },
    /// The sender reacted to a message, or took that back.
    Reacted {
        /// Which one.
        seq: Seq,
        /// With what.
        emoji: String,
        /// Taken back.
        removed: bool,
    },
    /// How long the log is kept from here on.
    RetentionChanged(Retention),
    /// A change that this version does not know.
    Unknown,
}

/// What a member may do in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Write and read.
    Member,
    /// Also manage members below it.
    Admin,
    /// Everything. A group has one.
    Owner,
}

/// Until when a member may not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MutedUntil {
    /// May write.
    NotMuted,
    /// Microseconds since the Unix epoch, UTC.
    TimeUs(i64),
    /// Until it is lifted.
    UntilLifted,
}

/// How long a conversation keeps its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Retention {
    /// As the server has it.
    #[default]
    ServerDefault,
    /// For good.
    Forever,
    /// For so many seconds (60 to 315,360,000) after they were sent.
    TtlSeconds(u64),
    /// Until every device of every member holds them.
    UntilDelivered,
}

impl NewBody {
    /// A plain text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { body: Bytes::from(text.into()), content_type: String::new() }
    }
}

impl Content {
    /// What `entry` says.
    #[must_use]
    pub fn of(entry: &proto::Entry) -> Self {
        use proto::EventType;
        match entry.event_type() {
            EventType::User => Self::Message(Message {
                kind: entry.kind,
                body: entry.body.clone(),
                content_type: entry.content_type.clone(),
                reply_to: (entry.reply_to_seq > 0).then_some(Seq(entry.reply_to_seq)),
            }),
            EventType::Application => Self::Change(entry.event.as_ref().map_or(Change::Unknown, Change::of)),
            EventType::Gone => Self::Gone(GoneReason::of(entry.gone_reason())),
            EventType::Unspecified => Self::Unknown,
        }
    }
}

impl Change {
    /// The change that `event` describes.
    #[must_use]
    pub fn of(event: &proto::Event) -> Self {
        match &event.event {
            None => Self::Unknown,
            Some(Event::GroupCreated(made)) => Self::GroupCreated {
                title: made.name.clone(),
                owner: made.owner.into(),
                members: users(&made.members),
                settings: made.settings.unwrap_or_default(),
            },
            Some(Event::MembersAdded(added)) => Self::MembersAdded(users(&added.members)),
            Some(Event::MembersRemoved(removed)) => Self::MembersRemoved(users(&removed.members)),
            Some(Event::MemberLeft(left)) => {
                Self::MemberLeft { member: left.member.into(), new_owner: user(left.new_owner) }
            }
            Some(Event::GroupUpdated(now)) => {
                Self::GroupUpdated { title: now.title.clone(), settings: now.settings.unwrap_or_default() }
            }
            Some(Event::RoleChanged(changed)) => match Role::of(changed.role()) {
                None => Self::Unknown,
                Some(role) => Self::RoleChanged {
                    member: changed.member.into(),
                    role,
                    previous_owner: user(changed.previous_owner),
                },
            },
            Some(Event::MemberMuted(muted)) => {
                Self::MemberMuted { member: muted.member.into(), until: MutedUntil::of(muted.until_us) }
            }
            Some(Event::MemberJoined(joined)) => {
                Self::MemberJoined { member: joined.member.into(), invited_by: joined.invited_by.into() }
            }
            Some(Event::GroupDeleted(_)) => Self::GroupDeleted,
            Some(Event::MessageEdited(edited)) => Self::Edited {
                seq: edited.seq.into(),
                new: NewBody { body: edited.body.clone(), content_type: edited.content_type.clone() },
            },
            Some(Event::MessageRevoked(revoked)) => Self::Revoked { seq: revoked.seq.into() },
            Some(Event::MessageReacted(reacted)) => {
                Self::Reacted { seq: reacted.seq.into(), emoji: reacted.emoji.clone(), removed: reacted.removed }
            }
            Some(Event::RetentionChanged(changed)) => {
                Retention::of(&changed.retention.unwrap_or_default()).map_or(Self::Unknown, Self::RetentionChanged)
            }
        }
    }
}

impl GoneReason {
    fn of(wire: proto::GoneReason) -> Self {
        match wire {
            proto::GoneReason::Revoked => Self::Revoked,
            proto::GoneReason::Expired => Self::Expired,
            proto::GoneReason::Unspecified => Self::Unknown,
        }
    }
}

impl Role {
    /// `None` for a role that this version does not know.
    #[must_use]
    pub fn of(wire: proto::Role) -> Option<Self> {
        match wire {
            proto::Role::Member => Some(Self::Member),
            proto::Role::Admin => Some(Self::Admin),
            proto::Role::Owner => Some(Self::Owner),
            proto::Role::Unspecified => None,
        }
    }
}

impl From<Role> for proto::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Admin => Self::Admin,
            Role::Owner => Self::Owner,
        }
    }
}

impl MutedUntil {
    /// From `muted_until_us` and `until_us` of the wire.
    #[must_use]
    pub fn of(until_us: i64) -> Self {
        match until_us {
            0 => Self::NotMuted,
            ..0 => Self::UntilLifted,
            _ => Self::TimeUs(until_us),
        }
    }
}

impl Retention {
    /// `None` for a mode that this version does not know.
    #[must_use]
    pub fn of(wire: &proto::Retention) -> Option<Self> {
        use proto::retention::Mode;
        Some(match Mode::try_from(wire.mode).ok()? {
            Mode::Default => Self::ServerDefault,
            Mode::Forever => Self::Forever,
            Mode::Ttl => Self::TtlSeconds(wire.ttl_seconds),
            Mode::UntilDelivered => Self::UntilDelivered,
        })
    }
}

impl From<Retention> for proto::Retention {
    fn from(retention: Retention) -> Self {
        use proto::retention::Mode;
        let (mode, ttl_seconds) = match retention {
            Retention::ServerDefault => (Mode::Default, 0),
            Retention::Forever => (Mode::Forever, 0),
            Retention::TtlSeconds(seconds) => (Mode::Ttl, seconds),
            Retention::UntilDelivered => (Mode::UntilDelivered, 0),
        };
        Self { mode: mode.into(), ttl_seconds }
    }
}

impl std::fmt::Debug for Message {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message(kind {}, {} bytes, {:?})", self.kind, self.body.len(), self.content_type)
    }
}

impl std::fmt::Debug for NewBody {
    /// Without the body.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewBody({} bytes, {:?})", self.body.len(), self.content_type)
    }
}

fn users(ids: &[u64]) -> Vec<UserId> {
    ids.iter().copied().map(UserId).collect()
}

fn user(id: u64) -> Option<UserId> {
    (id != 0).then_some(UserId(id))
}
