//! MQTT sessions in the engine: who they are, and what they say, into ledger and histograms.
//!
//! An MQTT broker has no logs: a message that was intended before its recipient began to connect counts as caught up
//! with, and `Ready` (the session is resumed, or all topics are subscribed to) stands for `Synced`.

use std::rc::Rc;

use bytes::Bytes;

use super::client::Membership;
use super::events::judge_body;
use super::peer::SendTicket;
use super::plan::{Plan, Protocol};
use super::thread::{Conversation, Thread};
use crate::clock::{as_duration, now_us};
use crate::ledger::conversation::How;
use crate::ledger::slot::Content;
use crate::mqtt::session::{Event, MqttSession};
use crate::mqtt::{Config, Login};
use crate::population::Kind;

/// A broker that forgets a session forgets what waited in it; the ledger says whether something did.
const SESSION_LOST: &str = "the broker had forgotten the session of a client";

/// What the sessions of a thread are told; `None` when they are not MQTT's. `password` may be empty.
pub(super) fn config(plan: &Plan, password: &[u8]) -> Option<Rc<Config>> {
    let Protocol::Mqtt { version, user } = &plan.protocol else {
        return None;
    };
    let password = String::from_utf8_lossy(password).into_owned();
    let login = user.clone().map(|user| Login { user, password });
    Some(Rc::new(Config::new(*version, plan.run_id, login)))
}

/// The session of client number `client`, which has these places.
pub(super) fn session(
    config: &Rc<Config>,
    client: u32,
    memberships: &[Membership],
    conversations: &[Conversation],
) -> MqttSession {
    let key = |place: &Membership| u64::from(conversations[place.conversation as usize].key);
    MqttSession::new(Rc::clone(config), client, memberships.iter().map(key).collect(), as_duration(now_us()))
}

impl Thread {
    pub(super) fn handle_mqtt_event(&mut self, index: u32, event: Event, now_us: u64) {
        match event {
            Event::LoggedIn => self.handle_logged_in(index),
            Event::Ready => {
                let client = &mut self.clients[index as usize];
                if client.is_away() {
                    client.excused_until_us = client.connecting_since_us;
                }
                self.handle_synced(index);
            }
            Event::SessionLost => self.meters.note_error(SESSION_LOST),
            Event::Acknowledged { ticket } => self.handle_acknowledged(index, ticket, now_us),
            Event::PublishRefused { ticket, reason } => {
                self.meters.note_error(format!("send refused: {reason}"));
                self.handle_refused(index, SendTicket::Mqtt(ticket), now_us);
            }
            Event::Repeated { ticket } => self.handle_repeated(index, ticket),
            Event::Message { key, payload, again } => self.handle_message(index, key, &payload, again, now_us),
            Event::Goodbye(reason) => self.meters.note_error(format!("the broker closed: {reason}")),
            Event::Fatal(reason) => self.fail(format!("the broker refused a client: {reason}")),
        }
    }

    fn handle_acknowledged(&mut self, index: u32, ticket: u64, now_us: u64) {
        let Some(pending) = self.clients[index as usize].take_pending(SendTicket::Mqtt(ticket)) else {
            return;
        };
        let book = self.conversations[pending.conversation as usize].ledger.as_mut();
        if let Some(ledger) = book.and_then(|book| book.unnumbered_mut()) {
            ledger.note_sent(pending.name, &mut self.meters.account);
        }
        self.meters.note_ack(pending.intended_us, now_us);
        self.send_next_of_loop(index, pending.conversation, now_us);
    }

    fn handle_repeated(&mut self, index: u32, ticket: u64) {
        let pending = &self.clients[index as usize].pending;
        let Some(repeated) = pending.iter().find(|pending| pending.id == SendTicket::Mqtt(ticket)) else {
            return;
        };
        let book = self.conversations[repeated.conversation as usize].ledger.as_mut();
        if let Some(ledger) = book.and_then(|book| book.unnumbered_mut()) {
            ledger.note_repeated(repeated.name);
        }
    }

    fn handle_message(&mut self, index: u32, key: u64, payload: &Bytes, again: bool, now_us: u64) {
        let client = &self.clients[index as usize];
        let is_it = |place: &&Membership| u64::from(self.conversations[place.conversation as usize].key) == key;
        let Some(place) = client.memberships.iter().find(is_it).copied() else {
            return;
        };
        let conversation = &mut self.conversations[place.conversation as usize];
        let Some(ledger) = conversation.ledger.as_mut().and_then(|book| book.unnumbered_mut()) else {
            return;
        };
        let (content, header) = judge_body(payload, self.plan.run_id, key);
        let caught_up = header.is_some_and(|header| header.intended_us < client.connecting_since_us);
        let how = match (caught_up, header) {
            (true, _) | (_, None) => How::OnSync,
            (false, Some(header)) => {
                let took_us = now_us.saturating_sub(header.intended_us);
                How::Live(Some(took_us).filter(|_| conversation.kind == Kind::Group))
            }
        };
        let fanout = ledger.note_arrival(place.member, content, again, how, &mut self.meters.account);
        let (Some(header), Content::Message(name)) = (header, content) else {
            return;
        };
        let awaited = header.intended_us >= client.excused_until_us;
        let is_anothers = self.note_copy(index, place, &header, fanout, awaited, now_us);
        if is_anothers && !caught_up {
            let draw = u64::from(name.sender) << 32 | u64::from(name.counter);
            self.perhaps_look(index, place.conversation, draw, now_us);
        }
    }
}
