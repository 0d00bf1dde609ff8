//! What an application entry records, as the `Event` message of the public protocol.

use super::Content;
use super::wire::{BYTES, put_bytes_field, put_fixed64_field, put_key, put_users_field, put_varint, put_varint_field};
use crate::records::{GroupSettings, Retention, Role};
use bytes::{BufMut, BytesMut};

impl Content {
    /// The `Event` message of an application entry; empty for a person's message.
    pub(super) fn event(&self) -> BytesMut {
        let mut inner = BytesMut::new();
        let number = match self {
            Content::User { .. } => return inner,
            Content::GroupCreated { title, owner, members, settings } => {
                put_bytes_field(&mut inner, 1, title.as_bytes());
                put_fixed64_field(&mut inner, 2, owner.0);
                put_users_field(&mut inner, 3, members);
                if *settings != GroupSettings::default() {
                    put_settings(&mut inner, 4, *settings);
                }
                1
            }
            Content::MembersAdded(members) => {
                put_users_field(&mut inner, 1, members);
                2
            }
            Content::MembersRemoved(members) => {
                put_users_field(&mut inner, 1, members);
                3
            }
            Content::MemberLeft { member, new_owner } => {
                put_fixed64_field(&mut inner, 1, member.0);
                put_fixed64_field(&mut inner, 2, new_owner.map_or(0, |user| user.0));
                4
            }
            Content::GroupUpdated { title, settings } => {
                put_bytes_field(&mut inner, 1, title.as_bytes());
                put_settings(&mut inner, 2, *settings);
                5
            }
            Content::RoleChanged { member, role, previous_owner } => {
                put_fixed64_field(&mut inner, 1, member.0);
                put_varint_field(&mut inner, 2, role_number(*role));
                put_fixed64_field(&mut inner, 3, previous_owner.map_or(0, |user| user.0));
                6
            }
            Content::MemberMuted { member, until } => {
                put_fixed64_field(&mut inner, 1, member.0);
                put_varint_field(&mut inner, 2, until.0 as u64);
                7
            }
            Content::MemberJoined { member, invited_by } => {
                put_fixed64_field(&mut inner, 1, member.0);
                put_fixed64_field(&mut inner, 2, invited_by.0);
                8
            }
            Content::GroupDeleted => 9,
            Content::MessageEdited { seq, body, content_type } => {
                put_varint_field(&mut inner, 1, seq.0);
                put_bytes_field(&mut inner, 2, body);
                put_bytes_field(&mut inner, 3, content_type.as_bytes());
                10
            }
            Content::MessageRevoked(seq) => {
                put_varint_field(&mut inner, 1, seq.0);
                11
            }
            Content::MessageReacted { seq, emoji, removed } => {
                put_varint_field(&mut inner, 1, seq.0);
                put_bytes_field(&mut inner, 2, emoji.as_bytes());
                put_varint_field(&mut inner, 3, u64::from(*removed));
                12
            }
            Content::RetentionChanged(retention) => {
                let (mode, ttl_seconds) = match retention {
                    None => (0, 0),
                    Some(Retention::Forever) => (1, 0),
                    Some(Retention::Ttl { seconds }) => (2, u64::from(*seconds)),
                    Some(Retention::UntilDelivered) => (3, 0),
                };
                let mut said = BytesMut::new();
                put_varint_field(&mut said, 1, mode);
                put_varint_field(&mut said, 2, ttl_seconds);
                // It is there even when it says nothing but the default.
                put_key(&mut inner, 1, BYTES);
                put_varint(&mut inner, said.len() as u64);
                inner.extend_from_slice(&said);
                13
            }
        };
        let mut event = BytesMut::with_capacity(inner.len() + 6);
        event.put_u8((number << 3 | BYTES) as u8);
        put_varint(&mut event, inner.len() as u64);
        event.extend_from_slice(&inner);
        event
    }
}

/// A `GroupSettings` message, present even when it says nothing.
fn put_settings(out: &mut BytesMut, number: u32, settings: GroupSettings) {
    let mut inner = BytesMut::with_capacity(4);
    put_varint_field(&mut inner, 1, u64::from(settings.announcement_only));
    put_varint_field(&mut inner, 2, u64::from(settings.members_may_add));
    put_key(out, number, BYTES);
    put_varint(out, inner.len() as u64);
    out.extend_from_slice(&inner);
}

/// A role's number in the protocol.
fn role_number(role: Role) -> u64 {
    match role {
        Role::Member => 1,
        Role::Owner => 2,
        Role::Admin => 3,
    }
}
