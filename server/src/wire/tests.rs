//! The core's own encoding of an entry against the protocol's generated code.

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::append_entry_field;
use hubbub_codec::proto;
use hubbub_core::entry::{Content, Entry, Fate, GoneReason, Overlay, put_overlaid, rewrite};
use hubbub_core::ids::{ClientMessageId, DeviceId, MessageId, MessageName, Seq, Timestamp, UserId};
use hubbub_core::records::{Block, EditRecord, GroupSettings, MutedUntil, ReactionCount, Retention, Role};
use proptest::prelude::*;

fn to_proto(entry: &Entry) -> proto::Entry {
    let users = |users: &[UserId]| users.iter().map(|user| user.0).collect();
    let mut shown = proto::Entry {
        seq: entry.seq.0,
        message_id: entry.message_id.0,
        sender: entry.name.sender.0,
        device_id: entry.name.device.0,
        client_message_id: Bytes::copy_from_slice(entry.name.client_message_id.as_bytes()),
        time_us: entry.time.0,
        ordinal: entry.ordinal,
        event_type: proto::EventType::Application.into(),
        ..proto::Entry::default()
    };
    use proto::event::Event;
    let event = match &entry.content {
        Content::User { kind, body, content_type, reply_to } => {
            shown.event_type = proto::EventType::User.into();
            shown.kind = *kind;
            shown.body = body.clone();
            shown.content_type.clone_from(content_type);
            shown.reply_to_seq = reply_to.0;
            return shown;
        }
        Content::GroupCreated { title, owner, members, settings: chosen } => {
            let settings = (*chosen != GroupSettings::default()).then(|| settings(*chosen));
            let (name, members) = (title.clone(), users(members));
            Event::GroupCreated(proto::GroupCreated { name, owner: owner.0, members, settings })
        }
        Content::MembersAdded(members) => Event::MembersAdded(proto::MembersAdded { members: users(members) }),
        Content::MembersRemoved(members) => Event::MembersRemoved(proto::MembersRemoved { members: users(members) }),
        Content::MemberLeft { member, new_owner } => {
            let new_owner = new_owner.map_or(0, |user| user.0);
            Event::MemberLeft(proto::MemberLeft { member: member.0, new_owner })
        }
        Content::GroupUpdated { title, settings: chosen } => {
            Event::GroupUpdated(proto::GroupUpdated { title: title.clone(), settings: Some(settings(*chosen)) })
        }
        Content::RoleChanged { member, role, previous_owner } => {
            let role = match role {
                Role::Member => proto::Role::Member,
                Role::Admin => proto::Role::Admin,
                Role::Owner => proto::Role::Owner,
            };
            let previous_owner = previous_owner.map_or(0, |user| user.0);
            Event::RoleChanged(proto::RoleChanged { member: member.0, role: role.into(), previous_owner })
        }
        Content::MemberMuted { member, until } => {
            Event::MemberMuted(proto::MemberMuted { member: member.0, until_us: until.0 })
        }
        Content::MemberJoined { member, invited_by } => {
            Event::MemberJoined(proto::MemberJoined { member: member.0, invited_by: invited_by.0 })
        }
        Content::GroupDeleted => Event::GroupDeleted(proto::GroupDeleted {}),
        Content::MessageEdited { seq, body, content_type } => Event::MessageEdited(proto::MessageEdited {
            seq: seq.0,
            body: body.clone(),
            content_type: content_type.clone(),
        }),
        Content::MessageRevoked(seq) => Event::MessageRevoked(proto::MessageRevoked { seq: seq.0 }),
        Content::MessageReacted { seq, emoji, removed } => {
            Event::MessageReacted(proto::MessageReacted { seq: seq.0, emoji: emoji.clone(), removed: *removed })
        }
        Content::RetentionChanged(retention) => {
            use proto::retention::Mode;
            let (mode, ttl_seconds) = match retention {
                None => (Mode::Default, 0),
                Some(Retention::Forever) => (Mode::Forever, 0),
                Some(Retention::Ttl { seconds }) => (Mode::Ttl, u64::from(*seconds)),
                Some(Retention::UntilDelivered) => (Mode::UntilDelivered, 0),
            };
            let retention = Some(proto::Retention { mode: mode.into(), ttl_seconds });
            Event::RetentionChanged(proto::RetentionChanged { retention })
        }
    };
    shown.event = Some(proto::Event { event: Some(event) });
    shown
}

fn settings(settings: GroupSettings) -> proto::GroupSettings {
    let GroupSettings { announcement_only, members_may_add } = settings;
    proto::GroupSettings { announcement_only, members_may_add }
}

fn any_settings() -> impl Strategy<Value = GroupSettings> {
    any::<[bool; 2]>()
        .prop_map(|[announcement_only, members_may_add]| GroupSettings { announcement_only, members_may_add })
}

fn any_role() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Member), Just(Role::Admin), Just(Role::Owner)]
}

fn users() -> impl Strategy<Value = Vec<UserId>> {
    proptest::collection::vec(any::<u64>().prop_map(UserId), 0..20)
}

fn retention() -> impl Strategy<Value = Option<Retention>> {
    let ttl = any::<u32>().prop_map(|seconds| Some(Retention::Ttl { seconds }));
    prop_oneof![Just(None), Just(Some(Retention::Forever)), ttl, Just(Some(Retention::UntilDelivered))]
}

fn content() -> impl Strategy<Value = Content> {
    let body = proptest::collection::vec(any::<u8>(), 0..400);
    prop_oneof![
        (any::<u32>(), body, ".{0,20}", any::<u64>()).prop_map(|(kind, body, content_type, reply_to)| Content::User {
            kind,
            body: body.into(),
            content_type,
            reply_to: Seq(reply_to),
        }),
        (".{0,20}", any::<u64>(), users(), any_settings()).prop_map(|(title, owner, members, settings)| {
            Content::GroupCreated { title, owner: UserId(owner), members, settings }
        }),
        users().prop_map(Content::MembersAdded),
        users().prop_map(Content::MembersRemoved),
        (any::<u64>(), proptest::option::of(1u64..))
            .prop_map(|(member, owner)| Content::MemberLeft { member: UserId(member), new_owner: owner.map(UserId) }),
        (".{0,20}", any_settings()).prop_map(|(title, settings)| Content::GroupUpdated { title, settings }),
        (any::<u64>(), any_role(), proptest::option::of(1u64..)).prop_map(|(member, role, previous)| {
            Content::RoleChanged { member: UserId(member), role, previous_owner: previous.map(UserId) }
        }),
        (any::<u64>(), any::<i64>())
            .prop_map(|(member, until)| Content::MemberMuted { member: UserId(member), until: MutedUntil(until) }),
        any::<[u64; 2]>()
            .prop_map(|[member, by]| Content::MemberJoined { member: UserId(member), invited_by: UserId(by) }),
        Just(Content::GroupDeleted),
        (any::<u64>(), proptest::collection::vec(any::<u8>(), 0..400), ".{0,20}").prop_map(
            |(seq, body, content_type)| Content::MessageEdited { seq: Seq(seq), body: body.into(), content_type }
        ),
        any::<u64>().prop_map(|seq| Content::MessageRevoked(Seq(seq))),
        (any::<u64>(), ".{0,8}", any::<bool>()).prop_map(|(seq, emoji, removed)| Content::MessageReacted {
            seq: Seq(seq),
            emoji,
            removed
        }),
        retention().prop_map(Content::RetentionChanged),
    ]
}

fn entry(ids: [u64; 5], time: i64, name: &[u8], content: Content) -> Entry {
    let [seq, message_id, sender, device, ordinal] = ids;
    Entry {
        seq: Seq(seq),
        message_id: MessageId(message_id),
        name: MessageName {
            sender: UserId(sender),
            device: DeviceId(device),
            client_message_id: ClientMessageId::new(name).unwrap(),
        },
        time: Timestamp(time),
        ordinal,
        content,
    }
}

fn encoded(entry: &proto::Entry) -> BytesMut {
    let mut bytes = BytesMut::new();
    append_entry_field(entry, &mut bytes);
    bytes
}

/// The first entry of a block that holds `entry` alone, after it was rewritten.
fn rewritten(entry: &Entry, fate: Fate) -> Bytes {
    let mut entries = BytesMut::new();
    entry.encode(&mut entries);
    let block = Block { first: entry.seq, count: 1, last_ordinal: entry.ordinal, entries: entries.freeze() };
    rewrite(&block, |_| fate).entries
}

proptest! {
    #[test]
    fn the_core_encodes_entries_as_the_protocol_does(
        ids in any::<[u64; 5]>(),
        time in any::<i64>(),
        name in proptest::collection::vec(any::<u8>(), 1..=16),
        content in content(),
    ) {
        let entry = entry(ids, time, &name, content);
        let mut ours = BytesMut::new();
        entry.encode(&mut ours);
        prop_assert_eq!(ours, encoded(&to_proto(&entry)));
    }

    #[test]
    fn entries_without_bodies_are_as_the_protocol_says(
        ids in any::<[u64; 5]>(),
        time in any::<i64>(),
        name in proptest::collection::vec(any::<u8>(), 1..=16),
        content in content(),
    ) {
        let is_edit = matches!(content, Content::MessageEdited { .. });
        let entry = entry(ids, time, &name, content);
        let bare = |reason: proto::GoneReason| proto::Entry {
            event_type: proto::EventType::Gone.into(),
            gone_reason: reason.into(),
            ..proto::Entry { kind: 0, body: Bytes::new(), content_type: String::new(), reply_to_seq: 0, event: None, ..to_proto(&entry) }
        };
        prop_assert_eq!(rewritten(&entry, Fate::Goes(GoneReason::Revoked)), encoded(&bare(proto::GoneReason::Revoked)));
        prop_assert_eq!(rewritten(&entry, Fate::Goes(GoneReason::Expired)), encoded(&bare(proto::GoneReason::Expired)));
        if is_edit {
            let mut emptied = entry.clone();
            emptied.content = Content::MessageEdited { seq: Seq(5), body: Bytes::new(), content_type: String::new() };
            prop_assert_eq!(rewritten(&entry, Fate::Emptied(Seq(5))), encoded(&to_proto(&emptied)));
        }
    }

    #[test]
    fn entries_in_their_newest_form_are_as_the_protocol_says(
        ids in any::<[u64; 5]>(),
        time in any::<i64>(),
        name in proptest::collection::vec(any::<u8>(), 1..=16),
        content in content(),
        edit in proptest::option::of((any::<u64>(), any::<i64>(), proptest::collection::vec(any::<u8>(), 0..300), ".{0,20}")),
        counts in proptest::collection::vec((".{1,8}", 1u32.., proptest::collection::vec(1u64.., 0..4)), 0..25),
    ) {
        let entry = entry(ids, time, &name, content);
        let mut shown = to_proto(&entry);
        let edit = edit.map(|(seq, time, body, content_type)| EditRecord {
            seqs: vec![Seq(1), Seq(seq)],
            time: Timestamp(time),
            body: body.into(),
            content_type,
        });
        if let Some(edit) = &edit {
            shown.body = edit.body.clone();
            shown.content_type.clone_from(&edit.content_type);
            // A seq is never 0, nor is a time; here both may be, and say nothing then.
            let edited = proto::Edited { seq: edit.seqs[1].0, time_us: edit.time.0 };
            shown.edited = Some(edited).filter(|edited| *edited != proto::Edited::default());
        }
        let counts: Vec<ReactionCount> = counts
            .into_iter()
            .map(|(emoji, count, users)| ReactionCount { emoji, count, users: users.into_iter().map(UserId).collect() })
            .collect();
        shown.reactions = counts.iter().take(20).map(|count| proto::ReactionCount {
            emoji: count.emoji.clone(),
            count: count.count,
            users: count.users.iter().map(|user| user.0).collect(),
        }).collect();
        let (mut written, mut ours) = (BytesMut::new(), BytesMut::new());
        entry.encode(&mut written);
        put_overlaid(&written, Overlay { edit: edit.as_ref(), reactions: &counts }, usize::MAX / 2, &mut ours);
        prop_assert_eq!(ours, encoded(&shown));
    }
}
