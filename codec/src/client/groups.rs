//! Groups, as futures.

use super::{Client, RequestError};
use crate::content::Role;
use crate::ids::{GroupId, UserId};
use crate::proto;
use crate::session::{GroupChange, InviteTerms, Mute, Reply, Session};

impl Client {
    /// Makes a group; see [`Session::create_group`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn create_group(
        &self,
        title: impl Into<String>,
        members: Vec<UserId>,
    ) -> Result<proto::Group, RequestError> {
        let title = title.into();
        match self.request(move |session: &mut Session, now| session.create_group(now, title, &members)).await? {
            Reply::Group(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Makes a group with settings; see [`Session::create_group_with`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn create_group_with(
        &self,
        title: impl Into<String>,
        members: Vec<UserId>,
        settings: proto::GroupSettings,
    ) -> Result<proto::Group, RequestError> {
        let title = title.into();
        match self
            .request(move |session: &mut Session, now| session.create_group_with(now, title, &members, settings))
            .await?
        {
            Reply::Group(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// A group and a page of its members; see [`Session::get_group`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn get_group(
        &self,
        group: GroupId,
        members_after: UserId,
        limit: u32,
    ) -> Result<proto::Group, RequestError> {
        match self
            .request(move |session: &mut Session, now| session.get_group(now, group, members_after, limit))
            .await?
        {
            Reply::Group(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Changes a group's title or settings; see [`Session::update_group`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn update_group(&self, group: GroupId, change: GroupChange) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.update_group(now, group, change)).await
    }

    /// Adds users to a group; see [`Session::add_members`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn add_members(&self, group: GroupId, members: Vec<UserId>) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.add_members(now, group, &members)).await
    }

    /// Removes users from a group; see [`Session::remove_members`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn remove_members(&self, group: GroupId, members: Vec<UserId>) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.remove_members(now, group, &members)).await
    }

    /// Gives a member a role; see [`Session::set_role`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn set_role(&self, group: GroupId, member: UserId, role: Role) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.set_role(now, group, member, role)).await
    }

    /// Takes a member's word, or gives it back; see [`Session::mute_member`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn mute_member(&self, group: GroupId, member: UserId, mute: Mute) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.mute_member(now, group, member, mute)).await
    }

    /// Leaves a group; see [`Session::leave`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn leave(&self, group: GroupId) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.leave(now, group)).await
    }

    /// Ends a group; see [`Session::delete_group`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn delete_group(&self, group: GroupId) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.delete_group(now, group)).await
    }

    /// Makes an invitation; see [`Session::create_invite`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn create_invite(&self, group: GroupId, terms: InviteTerms) -> Result<proto::Invite, RequestError> {
        match self.request(move |session: &mut Session, now| session.create_invite(now, group, terms)).await? {
            Reply::Invite(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Voids all invitations of a group; see [`Session::revoke_invites`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn revoke_invites(&self, group: GroupId) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.revoke_invites(now, group)).await
    }

    /// Joins a group by an invitation; see [`Session::join_group`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn join_group(&self, token: impl Into<String>) -> Result<proto::Group, RequestError> {
        let token = token.into();
        match self.request(move |session: &mut Session, now| session.join_group(now, token)).await? {
            Reply::Group(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }
}
