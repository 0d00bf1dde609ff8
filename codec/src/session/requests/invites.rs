//! Invitations to groups.

use std::time::Duration;

use super::super::refusal::SendRefused;
use super::super::reply::RequestId;
use super::super::{Session, proto};
use crate::ids::GroupId;
use crate::proto::client_frame::Body;

/// For how long and how many an invitation is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InviteTerms {
    /// 60 to 31,536,000 (a year); 0 means a week.
    pub valid_seconds: u32,
    /// How many may join by it, at most 100,000; 0: no limit but the group's size.
    pub uses_max: u32,
}

impl Session {
    /// Makes an invitation; whoever may add members may. Answered by [`Reply::Invite`](super::super::Reply::Invite). It
    /// has no name: one whose answer was lost with the connection is made again, and the first one expires unused.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn create_invite(
        &mut self,
        now: Duration,
        group: GroupId,
        terms: InviteTerms,
    ) -> Result<RequestId, SendRefused> {
        let InviteTerms { valid_seconds, uses_max } = terms;
        self.request(now, Body::CreateInvite(proto::CreateInvite { group: group.0, valid_seconds, uses_max }))
    }

    /// Voids all invitations of a group; the owner and admins may. Answered by
    /// [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn revoke_invites(&mut self, now: Duration, group: GroupId) -> Result<RequestId, SendRefused> {
        self.request(now, Body::RevokeInvites(proto::RevokeInvites { group: group.0 }))
    }

    /// Joins a group by an invitation. Answered by [`Reply::Group`](super::super::Reply::Group), for a member too.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn join_group(&mut self, now: Duration, token: impl Into<String>) -> Result<RequestId, SendRefused> {
        let request = proto::JoinGroup { name: Some(self.new_name()), token: token.into() };
        self.request(now, Body::JoinGroup(request))
    }
}
