//! What the application asks for; here what all requests have in common.
//!
//! Promises: a request that was taken is answered by exactly one event, however often the connection breaks (unless the
//! session is stopped for good); one that was refused has left nothing behind.
//!
//! | file | owns |
//! |---|---|
//! | `messages` | send, edit, revoke, react, message info |
//! | `logs` | history, the list of conversations, retention |
//! | `groups`, `invites` | groups, their members and roles; joining |
//! | `accounts` | logout, profile, password, devices, status, blocks |

mod accounts;
mod groups;
mod invites;
mod logs;
mod messages;

use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use super::refusal::SendRefused;
use super::reply::RequestId;
use super::{Session, proto};
use crate::ids::UserId;
use crate::proto::ClientFrame;
use crate::proto::client_frame::Body;

pub use accounts::{ProfileChange, StatusChange, Visibility};
pub use groups::{GroupChange, Mute};
pub use invites::InviteTerms;
pub use messages::Unanswered;

impl Session {
    pub(super) fn request(&mut self, now: Duration, body: Body) -> Result<RequestId, SendRefused> {
        self.enqueue(now, body).map(RequestId)
    }

    fn enqueue(&mut self, now: Duration, body: Body) -> Result<u64, SendRefused> {
        let frame = self.check(body)?;
        let request_id = frame.request_id;
        self.outbox.push(frame);
        self.pump(now);
        Ok(request_id)
    }

    /// Gives a request its id, unless it may not be queued.
    fn check(&mut self, body: Body) -> Result<ClientFrame, SendRefused> {
        let queued_max = usize::from(self.config.sends_queued_max);
        if self.is_stopped() {
            return Err(SendRefused::Stopped);
        }
        if self.outbox.len() >= queued_max {
            return Err(SendRefused::QueueFull { max: queued_max });
        }
        let (length, max) = (message_bytes(&body), self.limits.body_bytes_max());
        if length > max {
            return Err(SendRefused::BodyTooLong { length, max });
        }
        let frame = ClientFrame { request_id: self.next_request_id, body: Some(body) };
        // A resend is longer by its mark and `after_seq`.
        let length = frame.encoded_len() + 16;
        if length > self.limits.frame_bytes_max() {
            return Err(SendRefused::FrameTooLong { length, max: self.limits.frame_bytes_max() });
        }
        self.next_request_id += 1;
        Ok(frame)
    }

    /// A name that no other run of this device has given: its random prefix, then the number of the request.
    fn new_name(&self) -> proto::MessageName {
        let mut name = [0; 12];
        name[..8].copy_from_slice(&self.name_prefix.to_be_bytes());
        name[8..].copy_from_slice(&(self.next_request_id as u32).to_be_bytes());
        proto::MessageName { client_message_id: Bytes::copy_from_slice(&name), resend: false, after_seq: 0 }
    }
}

/// The length of a message's body, in bytes.
fn message_bytes(body: &Body) -> usize {
    match body {
        Body::Send(send) => send.body.len(),
        Body::Edit(edit) => edit.body.len(),
        _ => 0,
    }
}

fn numbers(users: &[UserId]) -> Vec<u64> {
    users.iter().map(|user| user.0).collect()
}
