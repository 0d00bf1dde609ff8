//! The core's own encoding of an entry against the protocol's generated code.

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::append_entry_field;
use hubbub_codec::proto;
use hubbub_core::entry::{Content, Entry};
use hubbub_core::ids::{ClientMessageId, DeviceId, MessageId, MessageName, Seq, Timestamp, UserId};
use hubbub_core::records::{GroupSettings, MutedUntil, Role};
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
    ]
}

proptest! {
    #[test]
    fn the_core_encodes_entries_as_the_protocol_does(
        ids in any::<[u64; 5]>(),
        time in any::<i64>(),
        name in proptest::collection::vec(any::<u8>(), 1..=16),
        content in content(),
    ) {
        let [seq, message_id, sender, device, ordinal] = ids;
        let entry = Entry {
            seq: Seq(seq),
            message_id: MessageId(message_id),
            name: MessageName {
                sender: UserId(sender),
                device: DeviceId(device),
                client_message_id: ClientMessageId::new(&name).unwrap(),
            },
            time: Timestamp(time),
            ordinal,
            content,
        };
        let (mut ours, mut theirs) = (BytesMut::new(), BytesMut::new());
        entry.encode(&mut ours);
        append_entry_field(&to_proto(&entry), &mut theirs);
        prop_assert_eq!(ours, theirs);
    }
}
