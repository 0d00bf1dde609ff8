//! The life of a connection: `Hello` and `Login` in one write, keepalive, the end, and when to try again.
//!
//! Promises: nothing but the handshake is written before the login is answered; a session that was replaced or refused
//! for good does not connect by itself.

use std::time::Duration;

use super::backoff::backoff;
use super::credentials::{Credentials, Secret, SessionToken};
use super::event::{Ending, Event};
use super::limits::Limits;
use super::refusal::ProtocolError;
use super::timers::Timer;
use super::{Session, proto};
use crate::ids::UserId;
use crate::proto::bye::Reason;
use crate::proto::client_frame::Body;

/// The protocol version that this crate speaks.
const VERSION: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No connection; the next attempt is due then.
    Down { reconnect_at: Duration },
    /// Connected; `Hello` and `Login` are on the wire.
    Opening,
    /// Logged in.
    Ready,
    /// The connection is of no more use.
    Closing,
    /// No connection, and none wanted.
    Stopped,
}

/// The connection, and what is to follow it.
#[derive(Debug)]
pub(super) struct Link {
    state: State,
    /// What follows this connection is not another one.
    stop: bool,
    /// Why not, when that is in order.
    ending: Option<Ending>,
    /// Attempts since the last login.
    failures: u32,
    /// There was a connection before.
    connected_before: bool,
    /// The server's word on when to come back.
    retry_after: Option<Duration>,
    bye: Option<Box<proto::Bye>>,
}

impl Link {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            state: State::Down { reconnect_at: now },
            stop: false,
            ending: None,
            failures: 0,
            connected_before: false,
            retry_after: None,
            bye: None,
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        matches!(self.state, State::Opening | State::Ready | State::Closing)
    }

    /// What the server says still counts.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.state, State::Opening | State::Ready)
    }

    pub(super) fn close(&mut self) {
        if self.is_connected() {
            self.state = State::Closing;
        }
    }

    /// Comes back no earlier than this; `None` leaves that to the backoff.
    pub(super) fn retry_after(&mut self, retry_after: Option<Duration>) {
        self.retry_after = retry_after;
    }

    /// Does not come back by itself.
    pub(super) fn stop(&mut self) {
        self.stop = true;
    }
}

impl Session {
    /// The connection stands: opens the session on it. Bytes left over from an earlier connection are void.
    pub fn handle_connected(&mut self, now: Duration) {
        if self.link.is_connected() || self.link.state == State::Stopped {
            return;
        }
        self.link.state = State::Opening;
        self.link.retry_after = None;
        self.stats.reconnects += u64::from(self.link.connected_before);
        self.link.connected_before = true;
        self.timers.set(Timer::Reply, now + self.config.reply_timeout);
        let hello = proto::Hello {
            version_min: VERSION,
            version_max: VERSION,
            client_name: self.config.client_name.to_string(),
            client_version: self.config.client_version.to_string(),
        };
        let login = proto::Login {
            method: Some(self.config.credentials.to_method()),
            device_id: self.config.device_id.0,
            device_name: self.config.device_name.to_string(),
            platform: self.config.platform.to_string(),
            want_session_token: self.config.want_session_token,
        };
        for body in [Body::Hello(hello), Body::Login(login)] {
            let request_id = self.next_request_id;
            self.next_request_id += 1;
            self.write(now, request_id, body);
        }
    }

    /// The connection is gone, or could not be made.
    pub fn handle_disconnected(&mut self, now: Duration) {
        if self.link.state == State::Stopped {
            return;
        }
        self.timers.clear_all();
        self.transmit.clear();
        self.outbox.disconnect();
        self.forget_repairs();
        self.syncing = None;
        let bye = self.link.bye.take().map(|bye| *bye);
        if self.link.is_connected() {
            self.events.push_back(Event::Disconnected { bye });
        }
        self.events.extend(self.link.ending.take().map(Event::Ended));
        self.link.state = if self.link.stop {
            State::Stopped
        } else {
            self.link.failures = self.link.failures.saturating_add(1);
            let (min, max) = (self.config.backoff_min, self.config.backoff_max);
            let wait =
                self.link.retry_after.take().unwrap_or_else(|| backoff(self.link.failures, min, max, &mut self.random));
            State::Down { reconnect_at: now + wait }
        };
    }

    /// [`Session::handle_disconnected`], for a reason that the application is told.
    pub fn handle_unreachable(&mut self, now: Duration, why: String) {
        self.events.push_back(Event::Unreachable { why });
        self.handle_disconnected(now);
    }

    /// When to connect; `None` while connected, and when the session has stopped.
    #[must_use]
    pub fn reconnect_at(&self) -> Option<Duration> {
        match self.link.state {
            State::Down { reconnect_at } => Some(reconnect_at),
            _ => None,
        }
    }

    /// The connection is of no more use: close it, without waiting for what is still to be written.
    #[must_use]
    pub fn should_close(&self) -> bool {
        self.link.state == State::Closing
    }

    /// Logged in, on a connection that stands.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.link.state == State::Ready
    }

    /// Logged out, replaced, revoked, or refused for good: this session will not connect by itself.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.link.stop
    }

    /// Logs in with these from the next connection on, and lets a stopped session connect again.
    pub fn set_credentials(&mut self, now: Duration, credentials: impl Into<Credentials>) {
        self.config.credentials = credentials.into();
        self.fallback = None;
        self.link.stop = false;
        self.link.ending = None;
        if self.link.state == State::Stopped {
            self.link.state = State::Down { reconnect_at: now };
        }
    }

    /// Asks for a sign of life, answered by `Event::Pong`. Nothing happens without a login.
    pub fn ping(&mut self, now: Duration, nonce: u64) {
        if self.is_ready() {
            let request_id = self.next_request_id;
            self.next_request_id += 1;
            self.write(now, request_id, Body::Ping(proto::Ping { nonce }));
            self.timers.set_earliest(Timer::Reply, now + self.config.reply_timeout);
        }
    }

    pub(super) fn handle_welcome(&mut self, welcome: &proto::Welcome) -> Result<(), ProtocolError> {
        if self.link.state != State::Opening || welcome.version != VERSION {
            return Err(ProtocolError::Unexpected("Welcome"));
        }
        self.limits = Limits::from_welcome(welcome);
        Ok(())
    }

    pub(super) fn handle_logged_in(&mut self, now: Duration, logged_in: proto::LoggedIn) -> Result<(), ProtocolError> {
        let user_id = UserId(logged_in.user_id);
        if self.link.state != State::Opening || self.user_id.is_some_and(|known| known != user_id) {
            return Err(ProtocolError::Unexpected("LoggedIn"));
        }
        self.user_id = Some(user_id);
        self.link.state = State::Ready;
        self.link.failures = 0;
        self.timers.clear(Timer::Reply);
        self.timers.set(Timer::Keepalive, now + self.limits.keepalive());
        let created = logged_in.created;
        let session_token = self.adopt_session_token(logged_in);
        self.events.push_back(Event::LoggedIn { user_id, created, session_token });
        self.begin_sync();
        let room = self.limits.requests_in_progress_max();
        self.transmit_syncs(now, room);
        self.repeat_marks(now);
        self.watch_again();
        Ok(())
    }

    /// Later logins use the session token: it costs the server no password hash, and the password can be forgotten. A
    /// JWT is kept for when the session token is refused.
    fn adopt_session_token(&mut self, logged_in: proto::LoggedIn) -> Option<SessionToken> {
        if logged_in.session_token.is_empty() {
            return None;
        }
        let secret = Secret::from(logged_in.session_token);
        let used = std::mem::replace(&mut self.config.credentials, Credentials::SessionToken(secret.clone()));
        if matches!(used, Credentials::Jwt(_)) {
            self.fallback = Some(Box::new(used));
        }
        Some(SessionToken { secret, expires_us: logged_in.session_token_expires_us })
    }

    /// The server closes, and says whether to come back.
    pub(super) fn handle_bye(&mut self, bye: proto::Bye) {
        match bye.reason() {
            Reason::Replaced => self.end(Ending::Replaced),
            Reason::Revoked => self.end(Ending::Revoked),
            Reason::Unspecified | Reason::Drain | Reason::Idle => {}
        }
        self.link.retry_after = Some(Duration::from_millis(bye.retry_after_ms.into()));
        self.link.bye = Some(Box::new(bye));
        self.link.close();
    }

    /// The session stops with its connection. The first reason counts.
    pub(super) fn end(&mut self, ending: Ending) {
        self.link.stop = true;
        self.link.ending.get_or_insert(ending);
        self.link.close();
    }

    pub(super) fn handle_pong(&mut self, pong: &proto::Pong) -> Result<(), ProtocolError> {
        if self.link.state != State::Ready {
            return Err(ProtocolError::Unexpected("Pong"));
        }
        self.timers.clear(Timer::Reply);
        self.events.push_back(Event::Pong { nonce: pong.nonce, server_time_us: pong.server_time_us });
        Ok(())
    }

    /// Pings a line on which nothing was sent for long.
    pub(super) fn ping_silence(&mut self, now: Duration) {
        self.ping(now, 0);
    }

    pub(super) fn note_written(&mut self, now: Duration) {
        if self.is_ready() {
            self.timers.set(Timer::Keepalive, now + self.limits.keepalive());
        }
    }
}
