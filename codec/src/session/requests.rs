//! What the application asks for.
//!
//! Promises: a request that was taken is answered by exactly one event, however often the connection breaks (unless the
//! session is stopped for good); one that was refused has left nothing behind.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;

use super::event::{OutgoingMessage, Recipient, RequestId, SendId, SendRefused};
use super::{Session, proto};
use crate::ids::{ClientMessageId, Conversation, GroupId, Seq, UserId};
use crate::proto::ClientFrame;
use crate::proto::client_frame::Body;
use crate::proto::history::Position;
use crate::proto::send::To;

/// A send without its answer, for clients that keep unanswered sends over a restart (see [`Session::resume_send`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Unanswered {
    /// As returned by `send`.
    pub id: SendId,
    /// To whom.
    pub to: Recipient,
    /// What.
    pub message: OutgoingMessage,
    /// Its name, which a resend must repeat.
    pub name: ClientMessageId,
    /// The head that was known at the first attempt; 0 before it, which is always right and only searches more.
    pub after_seq: Seq,
}

impl Session {
    /// Sends a message: now, or after the next login. Answered by `Event::Sent` or `Event::SendFailed`.
    ///
    /// Messages to one recipient are put on the wire in this order, over reconnects too, and what the server refuses
    /// for now holds back what is behind it. Only what was on the wire already may then overtake it; see
    /// `SessionConfig::sends_in_flight_max` for those who cannot have that.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn send(&mut self, now: Duration, to: Recipient, message: OutgoingMessage) -> Result<SendId, SendRefused> {
        let send = self.new_send(to, message);
        self.enqueue(now, Body::Send(send)).map(SendId)
    }

    /// Sends a message that an earlier run of the application has not seen answered, under its old name. It is stored
    /// once, whether it had arrived or not; the server may also answer that it cannot know (`RESEND_UNKNOWN`).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn resume_send(
        &mut self,
        now: Duration,
        to: Recipient,
        message: OutgoingMessage,
        name: ClientMessageId,
        after_seq: Seq,
    ) -> Result<SendId, SendRefused> {
        let mut send = self.new_send(to, message);
        send.name = Some(proto::MessageName { client_message_id: name.into(), resend: true, after_seq: after_seq.0 });
        let frame = self.check(Body::Send(send))?;
        let id = SendId(frame.request_id);
        self.outbox.push_attempted(frame);
        self.pump(now);
        Ok(id)
    }

    /// The sends without an answer, in order.
    pub fn unanswered(&self) -> impl Iterator<Item = Unanswered> {
        self.outbox.frames().filter_map(|frame| {
            let Some(Body::Send(send)) = &frame.body else {
                return None;
            };
            let name = send.name.as_ref()?;
            Some(Unanswered {
                id: SendId(frame.request_id),
                to: match *send.to.as_ref()? {
                    To::User(user) => Recipient::User(user.into()),
                    To::Group(group) => Recipient::Group(group.into()),
                },
                message: OutgoingMessage {
                    kind: send.kind,
                    body: send.body.clone(),
                    content_type: send.content_type.clone(),
                    reply_to_seq: Seq(send.reply_to_seq),
                },
                name: ClientMessageId::try_from(&name.client_message_id).ok()?,
                after_seq: Seq(name.after_seq),
            })
        })
    }

    /// Reads a part of a log: `limit` (1 to 200; 0 means 50) entries after or before a seq. Answered by
    /// [`Reply::History`](super::Reply::History); the cursor does not move.
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

    /// Makes a group with this user as its owner. Answered by [`Reply::Group`](super::Reply::Group).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn create_group(
        &mut self,
        now: Duration,
        title: impl Into<String>,
        members: &[UserId],
    ) -> Result<RequestId, SendRefused> {
        let request = proto::CreateGroup {
            name: Some(self.new_name()),
            title: title.into(),
            members: numbers(members),
            settings: None,
        };
        self.request(now, Body::CreateGroup(request))
    }

    /// Adds users to a group that this user owns. Answered by [`Reply::Done`](super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn add_members(&mut self, now: Duration, group: GroupId, members: &[UserId]) -> Result<RequestId, SendRefused> {
        let request = proto::AddMembers { name: Some(self.new_name()), group: group.0, members: numbers(members) };
        self.request(now, Body::AddMembers(request))
    }

    /// Removes users from a group that this user owns. Answered by [`Reply::Done`](super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn remove_members(
        &mut self,
        now: Duration,
        group: GroupId,
        members: &[UserId],
    ) -> Result<RequestId, SendRefused> {
        let request = proto::RemoveMembers { name: Some(self.new_name()), group: group.0, members: numbers(members) };
        self.request(now, Body::RemoveMembers(request))
    }

    /// Leaves a group. Answered by [`Reply::Done`](super::Reply::Done).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn leave(&mut self, now: Duration, group: GroupId) -> Result<RequestId, SendRefused> {
        let request = proto::Leave { name: Some(self.new_name()), group: group.0 };
        self.request(now, Body::Leave(request))
    }

    /// A group and a page of its members: those with an id above `members_after` (0 from the start), `limit` of them
    /// (1 to 1,000; 0 means 100). Answered by [`Reply::Group`](super::Reply::Group).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn get_group(
        &mut self,
        now: Duration,
        group: GroupId,
        members_after: UserId,
        limit: u32,
    ) -> Result<RequestId, SendRefused> {
        let request = proto::GetGroup { group: group.0, members_after: members_after.0, members_limit: limit };
        self.request(now, Body::GetGroup(request))
    }

    /// A page of this user's conversations: `after` is `Conversations.next` of the page before (empty from the start),
    /// `limit` 1 to 1,000 (0 means 100). Answered by [`Reply::Conversations`](super::Reply::Conversations).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn list_conversations(&mut self, now: Duration, after: Bytes, limit: u32) -> Result<RequestId, SendRefused> {
        self.request(now, Body::ListConversations(proto::ListConversations { after, limit, with_states: false }))
    }

    fn request(&mut self, now: Duration, body: Body) -> Result<RequestId, SendRefused> {
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
        if let Body::Send(send) = &body
            && send.body.len() > self.limits.body_bytes_max
        {
            return Err(SendRefused::BodyTooLong { length: send.body.len(), max: self.limits.body_bytes_max });
        }
        let frame = ClientFrame { request_id: self.next_request_id, body: Some(body) };
        // A resend is longer by its mark and `after_seq`.
        let length = frame.encoded_len() + 16;
        if length > self.limits.frame_bytes_max {
            return Err(SendRefused::FrameTooLong { length, max: self.limits.frame_bytes_max });
        }
        self.next_request_id += 1;
        Ok(frame)
    }

    fn new_send(&mut self, to: Recipient, message: OutgoingMessage) -> proto::Send {
        proto::Send {
            to: Some(match to {
                Recipient::User(user) => To::User(user.0),
                Recipient::Group(group) => To::Group(group.0),
            }),
            name: Some(self.new_name()),
            kind: message.kind,
            body: message.body,
            content_type: message.content_type,
            reply_to_seq: message.reply_to_seq.0,
        }
    }

    /// A name that no other run of this device has given: its random prefix, then the number of the request.
    fn new_name(&self) -> proto::MessageName {
        let mut name = [0; 12];
        name[..8].copy_from_slice(&self.name_prefix.to_be_bytes());
        name[8..].copy_from_slice(&(self.next_request_id as u32).to_be_bytes());
        proto::MessageName { client_message_id: Bytes::copy_from_slice(&name), resend: false, after_seq: 0 }
    }
}

fn numbers(users: &[UserId]) -> Vec<u64> {
    users.iter().map(|user| user.0).collect()
}
