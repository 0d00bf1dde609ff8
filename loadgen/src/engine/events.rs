//! What sessions say, into ledger and histograms.

use hubbub_codec::ids::{Conversation as ConversationName, Seq};
use hubbub_codec::proto::{Entry, EventType};
use hubbub_codec::session::{Event, Source};

use super::client::{Link, Membership};
use super::peer::{PeerEvent, SendTicket};
use super::thread::Thread;
use super::timers::Due;
use crate::body::{Header, Parsed, parse};
use crate::clock::{now_us, seconds_us};
use crate::ledger::book::Book;
use crate::ledger::conversation::How;
use crate::ledger::slot::{Content, Fanout, MessageName};
use crate::population::Kind;
use crate::schedule::{StreamKind, draw, exponential};

/// A server's limit on what one user may send makes a run slow and says nothing about the server: it must be seen.
pub(super) const PUT_OFF: &str = "put off by a limit of the server on rates (RateLimited): see `Limits` in the README";

impl Thread {
    pub(super) fn handle_event(&mut self, index: u32, event: PeerEvent, now_us: u64) {
        match event {
            PeerEvent::Hubbub(event) => self.handle_hubbub_event(index, event, now_us),
            PeerEvent::Mqtt(event) => self.handle_mqtt_event(index, event, now_us),
        }
    }

    fn handle_hubbub_event(&mut self, index: u32, event: Event, now_us: u64) {
        match event {
            Event::Entries { conversation, entries, source, .. } => {
                self.handle_entries(index, &conversation, &entries, source, now_us);
            }
            Event::Sent { id, seq, duplicate, .. } => {
                self.handle_sent(index, SendTicket::Hubbub(id), seq, duplicate, now_us);
            }
            Event::SendFailed { id, error } => {
                self.meters.note_error(format!("send refused: {:?}", error.code()));
                self.handle_refused(index, SendTicket::Hubbub(id), now_us);
            }
            Event::LoggedIn { .. } => self.handle_logged_in(index),
            Event::Synced(_) => self.handle_synced(index),
            Event::Reply { request, reply } => self.handle_reply(index, request, reply, now_us),
            Event::RequestFailed { error, .. } => self.fail(format!(
                "the server refused what the scenario needs: {} ({:?} {})",
                error.message,
                error.code(),
                error.field
            )),
            Event::FatalError { error } | Event::CredentialsNeeded { error } => self.handle_fatal(&error),
            Event::LogReset { conversation, .. } => self.handle_reset(index, &conversation),
            Event::Disconnected { bye } => {
                if let Some(bye) = bye {
                    self.meters.note_error(format!("bye: {:?}", bye.reason()));
                }
            }
            Event::Presence(users) => self.handle_presence(index, &users, now_us),
            Event::Signalled { signal, .. } => self.handle_signal(&signal, now_us),
            Event::WatchEnded { error, .. } => self.meters.note_error(format!("watch refused: {:?}", error.code())),
            Event::Receipts { .. }
            | Event::ConversationChanged { .. }
            | Event::RingTimeout { .. }
            | Event::Ended(_)
            | Event::Unreachable { .. }
            | Event::Pong { .. } => {}
        }
    }

    pub(super) fn handle_logged_in(&mut self, index: u32) {
        let client = &mut self.clients[index as usize];
        client.permit = None;
        self.meters.counts.logins += 1;
        let took_us = now_us().saturating_sub(client.connecting_since_us);
        self.meters.latencies.login.record(took_us);
        if let Some((comeback, _)) = client.comeback {
            self.meters.note_comeback_login(comeback, took_us);
        }
        self.stand(index, Link::LoggedIn);
        self.note_come(index);
    }

    pub(super) fn handle_synced(&mut self, index: u32) {
        self.stand(index, Link::Synced);
        let client = &mut self.clients[index as usize];
        client.away_until_us = 0;
        client.asked |= client.asking;
        let now_us = now_us();
        self.meters.latencies.synced.record(now_us.saturating_sub(client.connecting_since_us));
        if let Some((comeback, since_us)) = client.comeback.take() {
            self.meters.note_comeback(comeback, now_us.saturating_sub(since_us));
        }
    }

    /// The session will not connect again, and without it the ledger cannot close.
    fn handle_fatal(&mut self, error: &hubbub_codec::proto::Error) {
        use hubbub_codec::proto::ErrorCode::{TokenExpired, TokenInvalid};
        let way_out = match error.code() {
            TokenInvalid => "; is --secret-file the server's own `token-secret`?",
            TokenExpired => "; do the clocks of the two machines agree?",
            _ => "",
        };
        self.fail(format!("the server refused a login: {} ({:?}){way_out}", error.message, error.code()));
    }

    pub(super) fn fail(&mut self, reason: String) {
        self.meters.note_error(reason.clone());
        self.tell(super::report::Report::Failed { reason });
    }

    fn handle_reset(&mut self, index: u32, name: &ConversationName) {
        if let Some(Membership { conversation, .. }) = self.membership(index, name)
            && let Some(book) = &mut self.conversations[conversation as usize].ledger
            && let Some(ledger) = book.numbered_mut()
        {
            ledger.note_reset(&mut self.meters.account);
        }
    }

    fn handle_sent(&mut self, index: u32, id: SendTicket, seq: Seq, duplicate: bool, now_us: u64) {
        let Some(pending) = self.clients[index as usize].take_pending(id) else {
            return;
        };
        let conversation = &mut self.conversations[pending.conversation as usize];
        if let Some(ledger) = conversation.ledger.as_mut().and_then(Book::numbered_mut) {
            ledger.note_sent(pending.name, seq.0, pending.judged && !duplicate, &mut self.meters.account);
        }
        self.meters.note_ack(pending.intended_us, now_us);
        self.send_next_of_loop(index, pending.conversation, now_us);
    }

    pub(super) fn handle_refused(&mut self, index: u32, id: SendTicket, now_us: u64) {
        let Some(pending) = self.clients[index as usize].take_pending(id) else {
            return;
        };
        if let Some(ledger) = &mut self.conversations[pending.conversation as usize].ledger {
            ledger.note_refused(pending.name, &mut self.meters.account);
        }
        self.send_next_of_loop(index, pending.conversation, now_us);
    }

    fn handle_entries(&mut self, index: u32, name: &ConversationName, entries: &[Entry], source: Source, now_us: u64) {
        let Some(membership) = self.membership(index, name) else {
            return;
        };
        for entry in entries {
            self.handle_entry(index, membership, entry, source, now_us);
        }
    }

    fn handle_entry(&mut self, index: u32, place: Membership, entry: &Entry, source: Source, now_us: u64) {
        let conversation = &mut self.conversations[place.conversation as usize];
        let Some(ledger) = conversation.ledger.as_mut().and_then(Book::numbered_mut) else {
            return;
        };
        let (content, header) = judge(entry, self.plan.run_id, conversation.key.into());
        let took_us = header.map(|header| now_us.saturating_sub(header.intended_us));
        let how = match source {
            Source::Live => How::Live(took_us.filter(|_| conversation.kind == Kind::Group)),
            Source::CatchUp | Source::Repair => How::OnSync,
        };
        let fanout = ledger.note_arrival(place.member, entry.seq, content, how, &mut self.meters.account);
        let Some(header) = header else {
            return;
        };
        let awaited = !self.clients[index as usize].is_away();
        let is_anothers = self.note_copy(index, place, &header, fanout, awaited, now_us);
        if is_anothers && source == Source::Live {
            self.perhaps_look(index, place.conversation, entry.seq, now_us);
        }
    }

    /// A whole copy of a message is there: what it means for the figures. Who stayed away on purpose has not been kept
    /// waiting (not `awaited`). Returns whether somebody else wrote it.
    pub(super) fn note_copy(
        &mut self,
        index: u32,
        place: Membership,
        header: &Header,
        fanout: Option<Fanout>,
        awaited: bool,
        now_us: u64,
    ) -> bool {
        if let Some(fanout) = fanout {
            let users = self.conversations[place.conversation as usize].size;
            self.meters.note_fanout(header.intended_us, users, fanout);
        }
        if header.sender == place.member {
            return false;
        }
        self.meters.counts.delivered += 1;
        if awaited {
            self.meters.note_delivery(header.intended_us, now_us);
            self.note_stayed(index, header.intended_us, now_us);
        }
        true
    }

    /// Some received messages make a person look at the conversation, some time later.
    pub(super) fn perhaps_look(&mut self, index: u32, conversation: u32, seq: u64, now_us: u64) {
        let client = &mut self.clients[index as usize];
        let Some(reads) = self.plan.scenario.reads.as_ref().filter(|_| client.looks_at.is_none()) else {
            return;
        };
        let number = u64::from(self.first_client + index);
        let name = |purpose| [number, seq, (StreamKind::Reads as u64) << 32 | purpose];
        if draw(self.plan.seed, name(1)) < reads.share {
            client.looks_at = Some(conversation);
            let think_us = seconds_us(reads.think_s * exponential(draw(self.plan.seed, name(2))));
            self.timers.add(now_us + think_us, Due::Read(index));
        }
    }

    /// Where a client's place is in a conversation of this run.
    pub(super) fn membership(&self, index: u32, name: &ConversationName) -> Option<Membership> {
        let memberships = &self.clients[index as usize].memberships;
        let is_it = |place: &&Membership| self.conversations[place.conversation as usize].name.as_ref() == Some(name);
        memberships.iter().find(is_it).copied()
    }
}

/// What an entry is to the ledger, and its header when it is a message of this run in the right conversation.
fn judge(entry: &Entry, run_id: u64, conversation: u64) -> (Content, Option<Header>) {
    if entry.event_type() != EventType::User {
        return (Content::Other, None);
    }
    judge_body(&entry.body, run_id, conversation)
}

/// The same of a body.
pub(super) fn judge_body(body: &[u8], run_id: u64, conversation: u64) -> (Content, Option<Header>) {
    match parse(body, run_id) {
        Parsed::Whole(header) if header.conversation == conversation => {
            let name = MessageName { sender: header.sender, counter: header.counter };
            (Content::Message(name), Some(header))
        }
        Parsed::Whole(_) | Parsed::Damaged => (Content::Corrupt, None),
        Parsed::Foreign => (Content::Other, None),
    }
}
