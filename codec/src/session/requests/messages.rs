//! Messages, and what is done to them later. All of it is named, and stored once however often it is sent again.

use std::time::Duration;

use super::super::message::{OutgoingMessage, Recipient};
use super::super::refusal::SendRefused;
use super::super::reply::{RequestId, SendId};
use super::super::{Session, proto};
use crate::content::NewBody;
use crate::ids::{ClientMessageId, Conversation, Seq, UserId};
use crate::proto::client_frame::Body;
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

    /// Replaces the body of one's own message. Answered by [`Reply::Sent`](super::super::Reply::Sent) for the entry
    /// that records it, or refused: `TOO_OLD`, `UNKNOWN_MESSAGE`, `FORBIDDEN`.
    ///
    /// ```no_run
    /// # use hubbub_codec::{content::NewBody, ids::{Conversation, Seq}, session::{SendRefused, Session}};
    /// # fn example(s: &mut Session, now: std::time::Duration, chat: Conversation) -> Result<(), SendRefused> {
    /// s.edit(now, &chat, Seq(7), NewBody::text("at nine, not at ten"))?;
    /// s.react(now, &chat, Seq(8), "👍")?;
    /// s.revoke(now, &chat, Seq(9))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn edit(
        &mut self,
        now: Duration,
        conversation: &Conversation,
        seq: Seq,
        new: NewBody,
    ) -> Result<RequestId, SendRefused> {
        let edit = proto::Edit {
            conversation: Some((*conversation).into()),
            name: Some(self.new_name()),
            seq: seq.0,
            body: new.body,
            content_type: new.content_type,
        };
        self.request(now, Body::Edit(edit))
    }

    /// Takes a message back, for everybody. Answered by [`Reply::Sent`](super::super::Reply::Sent).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn revoke(&mut self, now: Duration, conversation: &Conversation, seq: Seq) -> Result<RequestId, SendRefused> {
        let (conversation, name) = (Some((*conversation).into()), Some(self.new_name()));
        self.request(now, Body::Revoke(proto::Revoke { conversation, name, seq: seq.0 }))
    }

    /// Reacts to a message with an emoji (1 to 32 bytes). Answered by [`Reply::Sent`](super::super::Reply::Sent).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn react(
        &mut self,
        now: Duration,
        conversation: &Conversation,
        seq: Seq,
        emoji: &str,
    ) -> Result<RequestId, SendRefused> {
        self.set_reaction(now, conversation, seq, emoji, false)
    }

    /// Takes a reaction back. Answered by [`Reply::Sent`](super::super::Reply::Sent).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn unreact(
        &mut self,
        now: Duration,
        conversation: &Conversation,
        seq: Seq,
        emoji: &str,
    ) -> Result<RequestId, SendRefused> {
        self.set_reaction(now, conversation, seq, emoji, true)
    }

    /// Who holds one's own message and who has read it: a page of the members with an id above `members_after` (0 from
    /// the start), `limit` of them (1 to 1,000; 0 means 100). Answered by
    /// [`Reply::MessageInfo`](super::super::Reply::MessageInfo).
    ///
    /// # Errors
    /// [`SendRefused`]; nothing is queued.
    pub fn message_info(
        &mut self,
        now: Duration,
        conversation: &Conversation,
        seq: Seq,
        members_after: UserId,
        limit: u32,
    ) -> Result<RequestId, SendRefused> {
        let request = proto::GetMessageInfo {
            conversation: Some((*conversation).into()),
            seq: seq.0,
            members_after: members_after.0,
            members_limit: limit,
        };
        self.request(now, Body::GetMessageInfo(request))
    }

    fn set_reaction(
        &mut self,
        now: Duration,
        conversation: &Conversation,
        seq: Seq,
        emoji: &str,
        remove: bool,
    ) -> Result<RequestId, SendRefused> {
        let (conversation, name) = (Some((*conversation).into()), Some(self.new_name()));
        let react = proto::React { conversation, name, seq: seq.0, emoji: emoji.to_owned(), remove };
        self.request(now, Body::React(react))
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
}
