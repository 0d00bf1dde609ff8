//! Groups, their members and their roles. Every change is named, and becomes an entry of the group's log.

use std::time::Duration;

use super::super::refusal::SendRefused;
use super::super::reply::RequestId;
use super::super::{Session, proto};
use super::numbers;
use crate::content::Role;
use crate::ids::{GroupId, UserId};
use crate::proto::client_frame::Body;

/// What is to change of a group; the default changes nothing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroupChange {
    /// 1 to 128 bytes.
    pub title: Option<String>,
    /// All of them.
    pub settings: Option<proto::GroupSettings>,
}

/// Whether a member may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mute {
    /// Not for so many seconds; 0 lifts it.
    ForSeconds(u32),
    /// Not until it is lifted.
    UntilLifted,
    /// It may again.
    Lift,
}

impl Session {
    /// Makes a group with this user as its owner. Answered by [`Reply::Group`](super::super::Reply::Group).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn create_group(
        &mut self,
        now: Duration,
        title: impl Into<String>,
        members: &[UserId],
    ) -> Result<RequestId, SendRefused> {
        self.create_group_with(now, title, members, proto::GroupSettings::default())
    }

    /// [`Session::create_group`] with settings.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn create_group_with(
        &mut self,
        now: Duration,
        title: impl Into<String>,
        members: &[UserId],
        settings: proto::GroupSettings,
    ) -> Result<RequestId, SendRefused> {
        let request = proto::CreateGroup {
            name: Some(self.new_name()),
            title: title.into(),
            members: numbers(members),
            settings: Some(settings),
        };
        self.request(now, Body::CreateGroup(request))
    }

    /// Adds users to a group; the owner and admins may, or whom the settings allow. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn add_members(&mut self, now: Duration, group: GroupId, members: &[UserId]) -> Result<RequestId, SendRefused> {
        let request = proto::AddMembers { name: Some(self.new_name()), group: group.0, members: numbers(members) };
        self.request(now, Body::AddMembers(request))
    }

    /// Removes users from a group; the owner and admins may, or whom the settings allow. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn remove_members(
        &mut self,
        now: Duration,
        group: GroupId,
        members: &[UserId],
    ) -> Result<RequestId, SendRefused> {
        let request = proto::RemoveMembers { name: Some(self.new_name()), group: group.0, members: numbers(members) };
        self.request(now, Body::RemoveMembers(request))
    }

    /// Leaves a group. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn leave(&mut self, now: Duration, group: GroupId) -> Result<RequestId, SendRefused> {
        let request = proto::Leave { name: Some(self.new_name()), group: group.0 };
        self.request(now, Body::Leave(request))
    }

    /// A group and a page of its members: those with an id above `members_after` (0 from the start), `limit` of them
    /// (1 to 1,000; 0 means 100). Answered by [`Reply::Group`](super::super::Reply::Group).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn get_group(
        &mut self,
        now: Duration,
        group: GroupId,
        members_after: UserId,
        limit: u32,
    ) -> Result<RequestId, SendRefused> {
        let request = proto::GetGroup { group: group.0, members_after: members_after.0, members_limit: limit };
        self.request(now, Body::GetGroup(request))
    }

    /// Changes a group's title or settings; the owner and admins may. Answered by
    /// [`Reply::Done`](super::super::Reply::Done).
    ///
    /// ```no_run
    /// # use hubbub_codec::{content::Role, ids::{GroupId, UserId}};
    /// # use hubbub_codec::session::{GroupChange, InviteTerms, Mute, SendRefused, Session};
    /// # fn example(s: &mut Session, now: std::time::Duration, group: GroupId) -> Result<(), SendRefused> {
    /// s.update_group(now, group, GroupChange { title: Some("Friends".into()), ..Default::default() })?;
    /// s.set_role(now, group, UserId(20), Role::Admin)?;
    /// s.mute_member(now, group, UserId(30), Mute::ForSeconds(600))?;
    /// s.create_invite(now, group, InviteTerms::default())?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn update_group(
        &mut self,
        now: Duration,
        group: GroupId,
        change: GroupChange,
    ) -> Result<RequestId, SendRefused> {
        let GroupChange { title, settings } = change;
        let request = proto::UpdateGroup { name: Some(self.new_name()), group: group.0, title, settings };
        self.request(now, Body::UpdateGroup(request))
    }

    /// Gives a member a role; the owner may, and hands the group over with `Owner`. Answered by
    /// [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn set_role(
        &mut self,
        now: Duration,
        group: GroupId,
        member: UserId,
        role: Role,
    ) -> Result<RequestId, SendRefused> {
        let role = proto::Role::from(role).into();
        let request = proto::SetRole { name: Some(self.new_name()), group: group.0, member: member.0, role };
        self.request(now, Body::SetRole(request))
    }

    /// Takes a member's word, or gives it back; the owner and admins may, for those below them. Answered by
    /// [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn mute_member(
        &mut self,
        now: Duration,
        group: GroupId,
        member: UserId,
        mute: Mute,
    ) -> Result<RequestId, SendRefused> {
        let seconds = match mute {
            // The greatest number means "until it is lifted".
            Mute::ForSeconds(seconds) => seconds.min(u32::MAX - 1),
            Mute::UntilLifted => u32::MAX,
            Mute::Lift => 0,
        };
        let request = proto::MuteMember { name: Some(self.new_name()), group: group.0, member: member.0, seconds };
        self.request(now, Body::MuteMember(request))
    }

    /// Ends a group: everybody leaves; the owner may. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn delete_group(&mut self, now: Duration, group: GroupId) -> Result<RequestId, SendRefused> {
        let request = proto::DeleteGroup { name: Some(self.new_name()), group: group.0 };
        self.request(now, Body::DeleteGroup(request))
    }
}
