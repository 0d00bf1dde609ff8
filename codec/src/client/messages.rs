//! Messages and logs, as futures.

use bytes::Bytes;

use super::{Client, RequestError};
use crate::content::{NewBody, Retention};
use crate::ids::{Conversation, Seq, UserId};
use crate::proto;
use crate::proto::history::Position;
use crate::session::{Reply, Sent, Session};

impl Client {
    /// Replaces the body of one's own message; see [`Session::edit`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn edit(&self, conversation: Conversation, seq: Seq, new: NewBody) -> Result<Sent, RequestError> {
        match self.request(move |session: &mut Session, now| session.edit(now, &conversation, seq, new)).await? {
            Reply::Sent(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Takes a message back, for everybody; see [`Session::revoke`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn revoke(&self, conversation: Conversation, seq: Seq) -> Result<Sent, RequestError> {
        match self.request(move |session: &mut Session, now| session.revoke(now, &conversation, seq)).await? {
            Reply::Sent(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Reacts to a message; see [`Session::react`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn react(
        &self,
        conversation: Conversation,
        seq: Seq,
        emoji: impl Into<String>,
    ) -> Result<Sent, RequestError> {
        let emoji = emoji.into();
        match self.request(move |session: &mut Session, now| session.react(now, &conversation, seq, &emoji)).await? {
            Reply::Sent(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Takes a reaction back; see [`Session::unreact`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unreact(
        &self,
        conversation: Conversation,
        seq: Seq,
        emoji: impl Into<String>,
    ) -> Result<Sent, RequestError> {
        let emoji = emoji.into();
        match self.request(move |session: &mut Session, now| session.unreact(now, &conversation, seq, &emoji)).await? {
            Reply::Sent(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Who holds one's own message and who has read it; see [`Session::message_info`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn message_info(
        &self,
        conversation: Conversation,
        seq: Seq,
        members_after: UserId,
        limit: u32,
    ) -> Result<proto::MessageInfo, RequestError> {
        match self
            .request(move |session: &mut Session, now| {
                session.message_info(now, &conversation, seq, members_after, limit)
            })
            .await?
        {
            Reply::MessageInfo(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Reads a part of a log; see [`Session::history`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn history(
        &self,
        conversation: Conversation,
        position: Position,
        limit: u32,
    ) -> Result<proto::Entries, RequestError> {
        match self
            .request(move |session: &mut Session, now| session.history(now, &conversation, position, limit))
            .await?
        {
            Reply::History(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Reads a part of a log as it was written; see [`Session::history_raw`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn history_raw(
        &self,
        conversation: Conversation,
        position: Position,
        limit: u32,
    ) -> Result<proto::Entries, RequestError> {
        match self
            .request(move |session: &mut Session, now| session.history_raw(now, &conversation, position, limit))
            .await?
        {
            Reply::History(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Changes how long a conversation keeps its messages; see [`Session::set_retention`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn set_retention(&self, conversation: Conversation, retention: Retention) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.set_retention(now, &conversation, retention)).await
    }

    /// A page of this user's conversations; see [`Session::list_conversations`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn list_conversations(&self, after: Bytes, limit: u32) -> Result<proto::Conversations, RequestError> {
        match self.request(move |session: &mut Session, now| session.list_conversations(now, after, limit)).await? {
            Reply::Conversations(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// A page of this user's conversations with the state of each; see [`Session::list_conversations_with_states`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn list_conversations_with_states(
        &self,
        after: Bytes,
        limit: u32,
    ) -> Result<proto::Conversations, RequestError> {
        match self
            .request(move |session: &mut Session, now| session.list_conversations_with_states(now, after, limit))
            .await?
        {
            Reply::Conversations(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }
}
