//! Presence and signals, as futures.

use super::{Client, RequestError};
use crate::ids::{Conversation, UserId};
use crate::proto;
use crate::session::{Reply, Session, Signal};

impl Client {
    /// Watches users, now and over reconnects; see [`Session::watch`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn watch(&self, users: Vec<UserId>) -> Result<Vec<proto::UserPresence>, RequestError> {
        match self.request(move |session: &mut Session, now| session.watch(now, &users)).await? {
            Reply::Presence(it) => Ok(it),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Watches users no longer; see [`Session::unwatch`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unwatch(&self, users: Vec<UserId>) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.unwatch(now, &users)).await
    }

    /// Watches nobody any more; see [`Session::unwatch_all`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn unwatch_all(&self) -> Result<(), RequestError> {
        self.done(move |session: &mut Session, now| session.unwatch_all(now)).await
    }

    /// Signals to whoever follows the conversation now, or drops it; see [`Session::signal`].
    ///
    /// # Errors
    /// [`RequestError::Closed`].
    pub async fn signal(&self, conversation: Conversation, signal: Signal) -> Result<(), RequestError> {
        self.tell(move |session, now| {
            // Without a connection there is nobody to signal to.
            let _ = session.signal(now, &conversation, signal);
        })
        .await
    }
}
