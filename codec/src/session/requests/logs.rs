//! Reading logs beside the cursor, and how long they are kept.

use std::time::Duration;

use bytes::Bytes;

use super::super::refusal::SendRefused;
use super::super::reply::RequestId;
use super::super::{Session, proto};
use crate::content::Retention;
use crate::ids::Conversation;
use crate::proto::client_frame::Body;
use crate::proto::history::Position;

impl Session {
    /// Reads a part of a log: `limit` (1 to 200; 0 means 50) entries after or before a seq. Answered by
    /// [`Reply::History`](super::super::Reply::History); the cursor does not move. Edited messages come in their newest form, with their reactions counted.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn history(
        &mut self,
        now: Duration,
        conversation: &Conversation,
        position: Position,
        limit: u32,
    ) -> Result<RequestId, SendRefused> {
        let history =
            proto::History { conversation: Some((*conversation).into()), position: Some(position), limit, raw: false };
        self.request(now, Body::History(history))
    }

    /// [`Session::history`] of the entries as they were written: for a [`Timeline`](crate::timeline::Timeline).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn history_raw(
        &mut self,
        now: Duration,
        conversation: &Conversation,
        position: Position,
        limit: u32,
    ) -> Result<RequestId, SendRefused> {
        let (conversation, position) = (Some((*conversation).into()), Some(position));
        self.request(now, Body::History(proto::History { conversation, position, limit, raw: true }))
    }

    /// A page of this user's conversations: `after` is `Conversations.next` of the page before (empty from the start),
    /// `limit` 1 to 1,000 (0 means 100). Answered by [`Reply::Conversations`](super::super::Reply::Conversations).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn list_conversations(&mut self, now: Duration, after: Bytes, limit: u32) -> Result<RequestId, SendRefused> {
        self.request(now, Body::ListConversations(proto::ListConversations { after, limit, with_states: false }))
    }

    /// [`Session::list_conversations`] with the state of each: head, marks, unread. `limit` is at most 100 then.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn list_conversations_with_states(
        &mut self,
        now: Duration,
        after: Bytes,
        limit: u32,
    ) -> Result<RequestId, SendRefused> {
        self.request(now, Body::ListConversations(proto::ListConversations { after, limit, with_states: true }))
    }

    /// Changes how long a conversation keeps its messages. Answered by [`Reply::Done`](super::super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn set_retention(
        &mut self,
        now: Duration,
        conversation: &Conversation,
        retention: Retention,
    ) -> Result<RequestId, SendRefused> {
        let (conversation, name) = (Some((*conversation).into()), Some(self.new_name()));
        let request = proto::SetRetention { conversation, name, retention: Some(retention.into()) };
        self.request(now, Body::SetRetention(request))
    }
}
