//! Whom the application watches.
//!
//! Promises: the session watches them again after each login, until the application unwatches them or the server
//! refuses.

use std::time::Duration;

use super::event::Event;
use super::refusal::{ProtocolError, SendRefused};
use super::reply::{Reply, RequestId};
use super::{Session, proto};
use crate::ids::UserId;
use crate::proto::ClientFrame;
use crate::proto::client_frame::Body;

/// The most users of one `Watch`, by the protocol.
const WATCH_MAX: usize = 1_000;

impl Session {
    /// Watches users, at most 1,000 at a time and `Limits.watched_users_max` in all. Answered by
    /// [`Reply::Presence`]; changes follow as [`Event::Presence`], over reconnects too.
    ///
    /// ```no_run
    /// # use hubbub_codec::{ids::UserId, session::{Event, Reply, SendRefused, Session}};
    /// # fn example(session: &mut Session, now: std::time::Duration) -> Result<(), SendRefused> {
    /// session.watch(now, &[UserId(20), UserId(30)])?;
    /// while let Some(event) = session.poll_event() {
    ///     if let Event::Reply { reply: Reply::Presence(users), .. } | Event::Presence(users) = event {
    ///         for user in users {
    ///             println!("{}: {}", user.user, if user.online { "online" } else { "away" });
    ///         }
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn watch(&mut self, now: Duration, users: &[UserId]) -> Result<RequestId, SendRefused> {
        let watch = proto::Watch { users: users.iter().map(|user| user.0).collect() };
        let request = self.request(now, Body::Watch(watch))?;
        let mut watched = std::mem::take(&mut self.watched).into_vec();
        watched.extend(users);
        watched.sort_unstable();
        watched.dedup();
        self.watched = watched.into();
        Ok(request)
    }

    /// Watches users no longer. Answered by [`Reply::Done`].
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn unwatch(&mut self, now: Duration, users: &[UserId]) -> Result<RequestId, SendRefused> {
        let users: Vec<_> = users.iter().map(|user| user.0).collect();
        let request = self.request(now, Body::Unwatch(proto::Unwatch { users: users.clone(), all: false }))?;
        self.forget_watched(&users);
        Ok(request)
    }

    /// Watches nobody any more. Answered by [`Reply::Done`].
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn unwatch_all(&mut self, now: Duration) -> Result<RequestId, SendRefused> {
        let request = self.request(now, Body::Unwatch(proto::Unwatch { users: Vec::new(), all: true }))?;
        self.watched = Box::default();
        Ok(request)
    }

    /// Whom this session watches, by ascending id.
    #[must_use]
    pub fn watched(&self) -> &[UserId] {
        &self.watched
    }

    /// A new connection watches nobody: asks for all again. What the application has queued meanwhile goes out before,
    /// and what it says last still holds, because these are the users that it wants in the end.
    pub(super) fn watch_again(&mut self) {
        for users in self.watched.chunks(WATCH_MAX) {
            let watch = proto::Watch { users: users.iter().map(|user| user.0).collect() };
            let request_id = self.next_request_id;
            self.next_request_id += 1;
            self.outbox.push_own(ClientFrame { request_id, body: Some(Body::Watch(watch)) });
        }
    }

    /// Takes users off the list; returns them.
    pub(super) fn forget_watched(&mut self, users: &[u64]) -> Vec<UserId> {
        let mut gone: Vec<_> = users.iter().copied().map(UserId).collect();
        gone.sort_unstable();
        let watched = std::mem::take(&mut self.watched).into_vec();
        self.watched = watched.into_iter().filter(|user| gone.binary_search(user).is_err()).collect();
        gone
    }

    pub(super) fn handle_presence(
        &mut self,
        request_id: u64,
        users: Vec<proto::UserPresence>,
    ) -> Result<(), ProtocolError> {
        if request_id != 0 && !self.outbox.is_own(request_id) {
            return self.handle_reply(request_id, Reply::Presence(users));
        }
        if request_id != 0 {
            self.outbox.complete(request_id);
        }
        if !users.is_empty() {
            self.events.push_back(Event::Presence(users));
        }
        Ok(())
    }
}
