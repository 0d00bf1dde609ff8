//! What a refusal leads to: a later try, an event, or the end.
//!
//! Promises: a request that appends is sent again when it was refused for now; any other is reported, for the
//! application to judge. The server's `action` decides; a code decides only where it says more than that.

use std::time::Duration;

use super::credentials::are_refused_by;
use super::event::{Ending, Event};
use super::refusal::ProtocolError;
use super::reply::{Reply, RequestId, SendId};
use super::{RETRY_PAUSE_MIN, Session, proto};
use crate::ids::{Conversation, LogId, Seq};
use crate::proto::ErrorCode;
use crate::proto::client_frame::Body;
use crate::proto::error::Action;

impl Session {
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
        // A mute lasts longer than a queue should wait.
        let retry = error.action() == Action::Retry && error.code() != ErrorCode::Muted;
        let rate_limited = error.code() == ErrorCode::RateLimited;
        self.stats.rate_limited += u64::from(rate_limited);
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
        } else if retry && self.outbox.is_resendable(request_id) {
            self.outbox.retry_at(request_id, retry_at, rate_limited);
        } else {
            let own = self.outbox.is_own(request_id);
            if let Some(body) = self.outbox.complete(request_id).and_then(|frame| frame.body) {
                self.request_failed(request_id, &body, own, error);
            }
        }
        Ok(())
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

    fn request_failed(&mut self, request_id: u64, body: &Body, own: bool, error: proto::Error) {
        let error = Box::new(error);
        if let Body::Watch(watch) = body {
            let users = self.forget_watched(&watch.users);
            if own {
                self.events.push_back(Event::WatchEnded { users, error });
                return;
            }
        }
        self.events.push_back(match body {
            Body::Send(_) => Event::SendFailed { id: SendId(request_id), error },
            _ => Event::RequestFailed { request: RequestId(request_id), error },
        });
    }

    /// The connection ends after this; whether another may follow is the error's `action`. An action that this version
    /// does not know is tried again, with backoff.
    fn connection_refused(&mut self, error: proto::Error) {
        if are_refused_by(&error) {
            self.credentials_refused(error);
        } else {
            match error.action() {
                Action::Retry | Action::Unspecified | Action::Reauthenticate => {
                    let retry_after = Duration::from_millis(error.retry_after_ms.into());
                    self.link.retry_after(Some(retry_after).filter(|wait| !wait.is_zero()));
                }
                Action::FixRequest | Action::GiveUp => {
                    self.link.stop();
                    self.events.push_back(Event::FatalError { error: Box::new(error) });
                }
            }
        }
        self.link.close();
    }

    /// The credentials are void. A session token is, too, when the logout of an earlier connection was done and its
    /// answer was lost.
    fn credentials_refused(&mut self, error: proto::Error) {
        if let Some(original) = self.fallback.take() {
            self.config.credentials = *original;
            self.link.retry_after(Some(Duration::ZERO));
        } else if let Some(request_id) = self.outbox.take_attempted_logout() {
            let request = RequestId(request_id);
            self.events.push_back(Event::Reply { request, reply: Reply::Done });
            self.end(Ending::LoggedOut);
        } else {
            self.link.stop();
            self.events.push_back(Event::CredentialsNeeded { error: Box::new(error) });
        }
    }
}
