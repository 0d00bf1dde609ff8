//! What the server says, and whose business it is.
//!
//! Promises: an answer reaches the request that it fits, once; what fits nothing is an error of the server.

use std::time::Duration;

use super::event::{Ending, Event};
use super::refusal::ProtocolError;
use super::reply::{Reply, RequestId, SendId, Sent};
use super::{Session, proto, tracks};
use crate::ids::{Conversation, LogId, MessageId, Seq, UserId};
use crate::proto::{client_frame, server_frame};

impl Session {
    pub(super) fn dispatch(
        &mut self,
        now: Duration,
        request_id: u64,
        body: server_frame::Body,
    ) -> Result<(), ProtocolError> {
        use server_frame::Body;
        match body {
            Body::Welcome(welcome) => return self.handle_welcome(&welcome),
            Body::LoggedIn(logged_in) => return self.handle_logged_in(now, logged_in),
            Body::Pong(pong) => return self.handle_pong(&pong),
            Body::Error(error) => return self.handle_error(now, request_id, error),
            Body::Bye(bye) => {
                self.handle_bye(bye);
                return Ok(());
            }
            _ if !self.is_ready() => {
                return Err(ProtocolError::Unexpected("something before the login"));
            }
            _ => {}
        }
        match body {
            Body::Synced(synced) if self.is_sync(request_id) => self.handle_synced(request_id, synced),
            Body::Entries(run) if request_id == 0 => self.handle_entries(now, run),
            Body::Entries(run) => self.handle_history(now, request_id, run),
            Body::Receipts(receipts) => self.handle_receipts(receipts),
            Body::ConversationChanged(changed) => self.handle_changed(&changed),
            Body::Signalled(signalled) => self.handle_signalled(signalled),
            Body::Presence(presence) => self.handle_presence(request_id, presence.users),
            Body::Sent(sent) => self.handle_sent(request_id, &sent),
            Body::Done(_) if request_id == 0 => Ok(()),
            Body::Done(_) => self.handle_reply(request_id, Reply::Done),
            Body::Group(group) => self.handle_group(request_id, group),
            body => match reply_of(body) {
                Some(reply) => self.handle_reply(request_id, reply),
                None => Err(ProtocolError::Unexpected("a frame of another part of the protocol")),
            },
        }
    }

    fn handle_history(&mut self, now: Duration, request_id: u64, run: proto::Entries) -> Result<(), ProtocolError> {
        let Some(conversation) = self.take_repair(request_id) else {
            // Also the answer to a repair that a reset has made void.
            if self.outbox.find(request_id).is_none() {
                return Ok(());
            }
            let named = Conversation::try_from(&run.conversation)?;
            self.note_head(named, LogId(run.log_id), run.head)?;
            return self.handle_reply(request_id, Reply::History(run));
        };
        tracks::check_contiguous(&run)?;
        if Conversation::try_from(&run.conversation)? != conversation {
            return Err(ProtocolError::Unexpected("history of another conversation"));
        }
        let log_id = self.tracks.get(&conversation).map(|track| track.log_id);
        if log_id.is_some_and(|known| known.0 != 0 && known.0 != run.log_id) {
            let (floor, head) = (Seq(run.floor), Seq(run.head));
            self.reset_log(conversation, LogId(run.log_id), floor, head)?;
            self.sync_again(conversation);
            return Ok(());
        }
        self.handle_repair(now, conversation, run)
    }

    fn handle_receipts(&mut self, receipts: proto::Receipts) -> Result<(), ProtocolError> {
        self.events.push_back(Event::Receipts {
            conversation: Conversation::try_from(&receipts.conversation)?,
            receipts: receipts.receipts,
            summaries: receipts.summaries,
        });
        Ok(())
    }

    fn handle_changed(&mut self, changed: &proto::ConversationChanged) -> Result<(), ProtocolError> {
        self.events.push_back(Event::ConversationChanged {
            conversation: Conversation::try_from(&changed.conversation)?,
            member: changed.member,
        });
        Ok(())
    }

    fn handle_sent(&mut self, request_id: u64, sent: &proto::Sent) -> Result<(), ProtocolError> {
        let conversation = Conversation::try_from(&sent.conversation)?;
        let (seq, message_id) = (Seq(sent.seq), MessageId(sent.message_id));
        let sent = Sent { conversation, seq, message_id, time_us: sent.time_us, duplicate: sent.duplicate };
        let asked = self.outbox.find(request_id).and_then(|frame| frame.body.as_ref());
        let is_send = matches!(asked, Some(client_frame::Body::Send(_)));
        if asked.is_some() {
            self.note_head(conversation, LogId(0), seq.0)?;
        }
        if !is_send {
            return self.handle_reply(request_id, Reply::Sent(sent));
        }
        self.outbox.complete(request_id);
        let Sent { conversation, seq, message_id, time_us, duplicate } = sent;
        let id = SendId(request_id);
        self.events.push_back(Event::Sent { id, conversation, seq, message_id, time_us, duplicate });
        Ok(())
    }

    fn handle_group(&mut self, request_id: u64, group: proto::Group) -> Result<(), ProtocolError> {
        let named = Conversation::Group(group.group.into());
        if self.outbox.find(request_id).is_some() {
            self.note_head(named, LogId(group.log_id), group.head)?;
        }
        self.handle_reply(request_id, Reply::Group(group))
    }

    pub(super) fn handle_reply(&mut self, request_id: u64, reply: Reply) -> Result<(), ProtocolError> {
        let asked = self.outbox.find(request_id).and_then(|frame| frame.body.as_ref());
        if !asked.is_some_and(|asked| reply.answers(asked)) {
            return Err(ProtocolError::Unexpected("a reply that nothing asked for"));
        }
        if matches!(asked, Some(client_frame::Body::Logout(_))) {
            self.end(Ending::LoggedOut);
        }
        self.outbox.complete(request_id);
        self.events.push_back(Event::Reply { request: RequestId(request_id), reply });
        Ok(())
    }
}

/// The replies that need nothing but to be handed on.
fn reply_of(body: server_frame::Body) -> Option<Reply> {
    use server_frame::Body;
    Some(match body {
        Body::Conversations(page) => Reply::Conversations(page),
        Body::MessageInfo(info) => Reply::MessageInfo(info),
        Body::Invite(invite) => Reply::Invite(invite),
        Body::Profile(profile) => Reply::Profile(Box::new(profile)),
        Body::Devices(devices) => Reply::Devices(devices.devices),
        Body::Blocked(blocked) => Reply::Blocked(blocked.users.into_iter().map(UserId).collect()),
        _ => return None,
    })
}
