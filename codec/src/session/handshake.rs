//! The life of a connection: `Hello` and `Login` in one write, keepalive, the end, and when to try again.
//!
//! Promises: nothing but the handshake is written before the login is answered; a session that was replaced or refused
//! for good does not connect by itself.

use std::time::Duration;

use super::backoff::backoff;
use super::event::{Event, ProtocolError};
use super::timers::Timer;
use super::{RETRY_PAUSE_MIN, RequestId, SendId, Session, proto};
use crate::frame::FRAME_BYTES_MAX_DEFAULT;
use crate::ids::{Conversation, LogId, Seq, UserId};
use crate::proto::client_frame::Body;
use crate::proto::error::Action;

/// The protocol version that this crate speaks.
const VERSION: u32 = 1;

/// The keepalive of a server that names none, in milliseconds.
const KEEPALIVE_MS_DEFAULT: u32 = 240_000;

/// The requests in progress that a server allows which names no number.
const REQUESTS_IN_PROGRESS_DEFAULT: usize = 64;

/// What the server allows, as far as a client has to mind it; the defaults hold until `Welcome`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) frame_bytes_max: usize,
    pub(super) body_bytes_max: usize,
    pub(super) requests_in_progress_max: usize,
    pub(super) keepalive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes_max: FRAME_BYTES_MAX_DEFAULT,
            body_bytes_max: FRAME_BYTES_MAX_DEFAULT - 1024,
            requests_in_progress_max: REQUESTS_IN_PROGRESS_DEFAULT,
            keepalive: Duration::from_millis(KEEPALIVE_MS_DEFAULT.into()),
        }
    }
}

impl Limits {
    /// A field that the server left at 0 keeps its default.
    fn from_welcome(welcome: &proto::Welcome) -> Self {
        let said = |value: u32, default: usize| match value {
            0 => default,
            value => value as usize,
        };
        let limits = welcome.limits.unwrap_or_default();
        let default = Self::default();
        let keepalive_ms = match welcome.keepalive_ms {
            0 => KEEPALIVE_MS_DEFAULT,
            keepalive_ms => keepalive_ms,
        };
        Self {
            frame_bytes_max: said(limits.frame_bytes_max, default.frame_bytes_max),
            body_bytes_max: said(limits.body_bytes_max, default.body_bytes_max),
            requests_in_progress_max: said(limits.requests_in_progress_max, default.requests_in_progress_max),
            keepalive: Duration::from_millis(keepalive_ms.into()),
        }
    }
}

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
    /// Attempts since the last login.
    failures: u32,
    connections: u64,
    /// The server's word on when to come back.
    retry_after: Option<Duration>,
    bye: Option<Box<proto::Bye>>,
}

impl Link {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            state: State::Down { reconnect_at: now },
            stop: false,
            failures: 0,
            connections: 0,
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

    pub(super) fn said_bye(&mut self, bye: proto::Bye) {
        self.stop |= bye.reason() == proto::bye::Reason::Replaced;
        self.retry_after = Some(Duration::from_millis(bye.retry_after_ms.into()));
        self.bye = Some(Box::new(bye));
        self.close();
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
        self.stats.reconnects += u64::from(self.link.connections > 0);
        self.link.connections += 1;
        self.timers.set(Timer::Reply, now + self.config.reply_timeout);
        let hello = proto::Hello {
            version_min: VERSION,
            version_max: VERSION,
            client_name: self.config.client_name.to_string(),
            client_version: self.config.client_version.to_string(),
        };
        let login = proto::Login {
            method: Some(proto::login::Method::Jwt(self.config.token.clone())),
            device_id: self.config.device_id.0,
            device_name: self.config.device_name.to_string(),
            platform: self.config.platform.to_string(),
            want_session_token: false,
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

    /// Replaced by another connection of the same device, or refused for good: this session will not connect by itself.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.link.stop
    }

    /// Logs in with this token from the next connection on, and lets a stopped session connect again.
    pub fn set_token(&mut self, now: Duration, token: String) {
        self.config.token = token;
        self.link.stop = false;
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

    pub(super) fn handle_logged_in(&mut self, now: Duration, logged_in: &proto::LoggedIn) -> Result<(), ProtocolError> {
        let user_id = UserId(logged_in.user_id);
        if self.link.state != State::Opening || self.user_id.is_some_and(|known| known != user_id) {
            return Err(ProtocolError::Unexpected("LoggedIn"));
        }
        self.user_id = Some(user_id);
        self.link.state = State::Ready;
        self.link.failures = 0;
        self.timers.clear(Timer::Reply);
        self.timers.set(Timer::Keepalive, now + self.limits.keepalive);
        self.events.push_back(Event::LoggedIn { user_id, created: logged_in.created });
        self.begin_sync();
        let room = self.limits.requests_in_progress_max;
        self.transmit_syncs(now, room);
        self.repeat_marks(now);
        Ok(())
    }

    pub(super) fn handle_pong(&mut self, pong: &proto::Pong) -> Result<(), ProtocolError> {
        if self.link.state != State::Ready {
            return Err(ProtocolError::Unexpected("Pong"));
        }
        self.timers.clear(Timer::Reply);
        self.events.push_back(Event::Pong { nonce: pong.nonce, server_time_us: pong.server_time_us });
        Ok(())
    }

    /// A refusal: of one request, or of the connection.
    pub(super) fn handle_error(
        &mut self,
        now: Duration,
        request_id: u64,
        error: proto::Error,
    ) -> Result<(), ProtocolError> {
        if self.is_ready()
            && let Some(reset) = &error.log_reset
        {
            // The server goes on with this log and the others of a sync by itself.
            let server_goes_on = request_id == 0 || self.is_sync(request_id);
            self.handle_log_reset(reset, !server_goes_on)?;
            if server_goes_on {
                return Ok(());
            }
        }
        if request_id == 0 || !self.is_ready() {
            self.connection_refused(error);
            return Ok(());
        }
        let retry = error.action() == Action::Retry;
        let retry_at = now + Duration::from_millis(error.retry_after_ms.into()).max(RETRY_PAUSE_MIN);
        if let Some(conversation) = self.take_repair(request_id) {
            if retry {
                self.postpone_repair(conversation, retry_at);
            } else {
                self.abandon_repair(conversation);
            }
        } else if self.is_sync(request_id) {
            // Without its sync the session would miss entries: begin again on a new connection.
            self.connection_refused(error);
        } else if retry {
            self.outbox.retry_at(request_id, retry_at);
        } else if let Some(frame) = self.outbox.complete(request_id) {
            self.request_failed(request_id, frame.body.as_ref(), error);
        }
        Ok(())
    }

    /// Pings a line on which nothing was sent for long.
    pub(super) fn ping_silence(&mut self, now: Duration) {
        self.ping(now, 0);
    }

    pub(super) fn note_written(&mut self, now: Duration) {
        if self.is_ready() {
            self.timers.set(Timer::Keepalive, now + self.limits.keepalive);
        }
    }

    fn handle_log_reset(&mut self, reset: &proto::LogReset, sync_again: bool) -> Result<(), ProtocolError> {
        let conversation = Conversation::try_from(&reset.conversation)?;
        let (floor, head) = (Seq(reset.floor), Seq(reset.head));
        self.reset_log(conversation, LogId(reset.log_id), floor, head)?;
        if sync_again {
            self.sync_again(conversation);
        }
        Ok(())
    }

    fn request_failed(&mut self, request_id: u64, body: Option<&Body>, error: proto::Error) {
        let error = Box::new(error);
        self.events.push_back(match body {
            Some(Body::Send(_)) => Event::SendFailed { id: SendId(request_id), error },
            _ => Event::RequestFailed { request: RequestId(request_id), error },
        });
    }

    /// The connection ends after this; whether another may follow is the error's `action`. An action that this version
    /// does not know is tried again, with backoff.
    fn connection_refused(&mut self, error: proto::Error) {
        match error.action() {
            Action::Retry | Action::Unspecified => {
                if error.retry_after_ms > 0 {
                    let retry_after = Duration::from_millis(error.retry_after_ms.into());
                    self.link.retry_after = Some(retry_after);
                }
            }
            Action::Reauthenticate | Action::FixRequest | Action::GiveUp => {
                self.link.stop = true;
                self.events.push_back(Event::FatalError { error: Box::new(error) });
            }
        }
        self.link.close();
    }
}
