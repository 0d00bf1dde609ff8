//! Requests about groups: from frames to the core's terms.

use super::decode::{Limits, group_action, invalid, named, over, users};
use crate::invite;
use hubbub_codec::proto;
use hubbub_core::ids::{Conversation, GroupId, UserId};
use hubbub_core::records::{GroupSettings, Role};
use hubbub_core::request::{Action, Mute, NewInvite, Refusal, Request};

const TITLE_BYTES_MAX: usize = 128;

const WEEK_SECONDS: u32 = 7 * 24 * 3_600;
const INVITE_SECONDS_MIN: u32 = 60;
const INVITE_SECONDS_MAX: u32 = 365 * 24 * 3_600;
const INVITE_USES_MAX: u32 = 100_000;

pub(super) fn creation(create: proto::CreateGroup, limits: &Limits) -> Result<Request, Refusal> {
    let members = match create.members.as_slice() {
        [] => Vec::new(),
        members => users(members, limits)?,
    };
    let named = named(create.name.as_ref(), Action::Leave)?;
    Ok(Request::CreateGroup {
        client_message_id: named.client_message_id,
        title: title(create.title)?,
        members,
        settings: create.settings.map(settings).unwrap_or_default(),
    })
}

pub(super) fn update(update: proto::UpdateGroup) -> Result<Request, Refusal> {
    let (title, settings) = (update.title.map(title).transpose()?, update.settings.map(settings));
    if title.is_none() && settings.is_none() {
        return invalid("update_group", "must change the title or the settings");
    }
    group_action(update.group, update.name.as_ref(), Action::UpdateGroup { title, settings })
}

fn title(title: String) -> Result<String, Refusal> {
    match title.len() {
        0 => invalid("title", "must be 1 to 128 bytes"),
        1..=TITLE_BYTES_MAX => Ok(title),
        bytes => over("title", "fixed", TITLE_BYTES_MAX, bytes),
    }
}

fn settings(settings: proto::GroupSettings) -> GroupSettings {
    let proto::GroupSettings { announcement_only, members_may_add } = settings;
    GroupSettings { announcement_only, members_may_add }
}

pub(super) fn role(set: &proto::SetRole) -> Result<Request, Refusal> {
    let role = match set.role() {
        proto::Role::Member => Role::Member,
        proto::Role::Admin => Role::Admin,
        proto::Role::Owner => Role::Owner,
        proto::Role::Unspecified => return invalid("role", "must be MEMBER, ADMIN or OWNER"),
    };
    group_action(set.group, set.name.as_ref(), Action::SetRole { member: member(set.member)?, role })
}

pub(super) fn mute(mute: &proto::MuteMember) -> Result<Request, Refusal> {
    let how = match mute.seconds {
        0 => Mute::Lift,
        u32::MAX => Mute::UntilLifted,
        seconds => Mute::Seconds(seconds),
    };
    group_action(mute.group, mute.name.as_ref(), Action::MuteMember { member: member(mute.member)?, mute: how })
}

fn member(id: u64) -> Result<UserId, Refusal> {
    if id == 0 { invalid("member", "names user 0, who is nobody") } else { Ok(UserId(id)) }
}

pub(super) fn invite(create: &proto::CreateInvite) -> Result<Request, Refusal> {
    let valid_seconds = match create.valid_seconds {
        0 => WEEK_SECONDS,
        seconds @ INVITE_SECONDS_MIN..=INVITE_SECONDS_MAX => seconds,
        _ => return invalid("valid_seconds", "must be 60 to 31,536,000, or 0 for a week"),
    };
    if create.uses_max > INVITE_USES_MAX {
        return over("uses_max", "fixed", INVITE_USES_MAX as usize, create.uses_max as usize);
    }
    let secret = invite::new_secret();
    let invite = NewInvite { secret, hash: invite::hash(&secret), valid_seconds, uses_max: create.uses_max };
    Ok(Request::CreateInvite { group: GroupId(create.group), invite })
}

pub(super) fn join(join: &proto::JoinGroup) -> Result<Request, Refusal> {
    let Some((group, secret)) = invite::parse(&join.token) else {
        return invalid("token", "must be what `Invite.token` says");
    };
    let append = named(join.name.as_ref(), Action::Join(invite::hash(&secret)))?;
    Ok(Request::Append { conversation: Conversation::Group(group), append })
}

#[cfg(test)]
mod tests {
    use super::super::request;
    use super::*;
    use hubbub_codec::proto::client_frame::Body;

    fn name() -> Option<proto::MessageName> {
        Some(proto::MessageName { client_message_id: "a".into(), resend: false, after_seq: 0 })
    }

    fn decode(body: Body) -> Result<Request, Refusal> {
        request(body, UserId(1), &Limits { body_bytes_max: 10, users_max: 3, signal_bytes_max: 10 })
    }

    #[test]
    fn requests_out_of_shape_name_their_field() {
        let long = || "x".repeat(TITLE_BYTES_MAX + 1);
        let update =
            |title, settings| Body::UpdateGroup(proto::UpdateGroup { name: name(), group: 1, title, settings });
        let role = |member, role| Body::SetRole(proto::SetRole { name: name(), group: 1, member, role });
        let invite =
            |valid_seconds, uses_max| Body::CreateInvite(proto::CreateInvite { group: 1, valid_seconds, uses_max });
        let token = "hubi1_AAAA".to_owned();
        for (body, field) in [
            (update(None, None), "update_group"),
            (update(Some(String::new()), None), "title"),
            (update(Some(long()), None), "title"),
            (role(2, 0), "role"),
            (role(2, 77), "role"),
            (role(0, 1), "member"),
            (Body::SetRole(proto::SetRole { name: None, group: 1, member: 2, role: 1 }), "name"),
            (Body::MuteMember(proto::MuteMember { name: name(), group: 1, member: 0, seconds: 1 }), "member"),
            (Body::DeleteGroup(proto::DeleteGroup { name: None, group: 1 }), "name"),
            (invite(59, 0), "valid_seconds"),
            (invite(INVITE_SECONDS_MAX + 1, 0), "valid_seconds"),
            (invite(60, INVITE_USES_MAX + 1), "uses_max"),
            (Body::JoinGroup(proto::JoinGroup { name: name(), token }), "token"),
            (
                Body::ListConversations(proto::ListConversations {
                    limit: 101,
                    with_states: true,
                    ..Default::default()
                }),
                "limit",
            ),
        ] {
            match decode(body) {
                Err(Refusal::Invalid { field: found, .. } | Refusal::Limit { field: found, .. }) => {
                    assert_eq!(found, field);
                }
                other => panic!("{field}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_invitation_lasts_a_week_unless_it_says_otherwise() {
        let ask = |valid_seconds| match decode(Body::CreateInvite(proto::CreateInvite {
            group: 1,
            valid_seconds,
            uses_max: 0,
        })) {
            Ok(Request::CreateInvite { invite, .. }) => invite.valid_seconds,
            other => panic!("{other:?}"),
        };
        assert_eq!([ask(0), ask(60), ask(INVITE_SECONDS_MAX)], [604_800, 60, 31_536_000]);
    }
}
