//! Which requests append to a log, to which one, and under which name.
//!
//! Promises: a request has a name exactly when a resend of it must be recognised; requests of one lane keep their order.

use crate::ids::{Conversation, GroupId, UserId};
use crate::proto::MessageName;
use crate::proto::client_frame::Body;
use crate::proto::send::To;

/// The conversation whose order a request belongs to; `me` is who sends it.
pub(super) fn lane(body: &Body, me: UserId) -> Option<Conversation> {
    let named = |conversation: &Option<_>| Conversation::try_from(conversation).ok();
    let group = |group: u64| Some(Conversation::Group(GroupId(group)));
    match body {
        Body::Send(send) => match *send.to.as_ref()? {
            To::User(user) => Conversation::direct(me, user.into()),
            To::Group(id) => group(id),
        },
        Body::Edit(request) => named(&request.conversation),
        Body::Revoke(request) => named(&request.conversation),
        Body::React(request) => named(&request.conversation),
        Body::SetRetention(request) => named(&request.conversation),
        Body::AddMembers(request) => group(request.group),
        Body::RemoveMembers(request) => group(request.group),
        Body::Leave(request) => group(request.group),
        Body::UpdateGroup(request) => group(request.group),
        Body::SetRole(request) => group(request.group),
        Body::MuteMember(request) => group(request.group),
        Body::DeleteGroup(request) => group(request.group),
        _ => None,
    }
}

/// The name in a request that appends or creates.
pub(super) fn name_mut(body: &mut Body) -> Option<&mut MessageName> {
    match body {
        Body::Send(request) => request.name.as_mut(),
        Body::Edit(request) => request.name.as_mut(),
        Body::Revoke(request) => request.name.as_mut(),
        Body::React(request) => request.name.as_mut(),
        Body::SetRetention(request) => request.name.as_mut(),
        Body::CreateGroup(request) => request.name.as_mut(),
        Body::JoinGroup(request) => request.name.as_mut(),
        Body::AddMembers(request) => request.name.as_mut(),
        Body::RemoveMembers(request) => request.name.as_mut(),
        Body::Leave(request) => request.name.as_mut(),
        Body::UpdateGroup(request) => request.name.as_mut(),
        Body::SetRole(request) => request.name.as_mut(),
        Body::MuteMember(request) => request.name.as_mut(),
        Body::DeleteGroup(request) => request.name.as_mut(),
        _ => None,
    }
}
