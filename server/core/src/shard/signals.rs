//! Signals: from a session to the conversation's home, and from there to every session that follows it now.
//!
//! Nothing is stored and nothing waits for a commit, because nothing is revealed but the signal itself. Where there is
//! no room they are dropped: between shards, and at the socket.

use super::Shard;
use crate::ids::Conversation;
use crate::machine::Effect;
use crate::message::{Message, SessionMessage};
use crate::request::{Caller, Refusal, Reply};
use crate::signal::{Signal, SignalKind, SignalPush};

impl Shard {
    /// At the home: forwards a member's signal.
    pub(super) fn signal(&mut self, home: usize, caller: Caller, signal: Signal) {
        if let Err(refusal) = self.may_signal(home, &caller) {
            return self.answer_signal(caller, Reply::Refused(refusal));
        }
        let conversation = self.homes[home].id;
        if !self.follow_call(conversation, &caller, &signal) {
            return self.answer_signal(caller, Reply::Refused(Refusal::Overloaded));
        }
        let except = Some((caller.reply_to.shard, caller.reply_to.session));
        self.forward_signal(
            home,
            SignalPush { conversation, from: caller.user, device: caller.device, except, signal },
        );
        self.answer_signal(caller, Reply::Done);
    }

    /// Whoever may not write may not signal.
    fn may_signal(&self, home: usize, caller: &Caller) -> Result<(), Refusal> {
        let log = self.homes[home].log().ok_or(Refusal::UnknownConversation)?;
        log.may_write(caller.user, self.now)
    }

    /// Lets a call ring, or ring no more. False when there is no room for an offer.
    fn follow_call(&mut self, conversation: Conversation, caller: &Caller, signal: &Signal) -> bool {
        let call = (conversation, signal.call_id);
        match signal.kind {
            SignalKind::CallOffer => {
                let due = self.now.plus_ms(self.settings.ring_timeout_ms);
                return self.rings.begin(call, caller.user, caller.device, due);
            }
            SignalKind::CallAnswer | SignalKind::CallHangUp => self.rings.end(call),
            _ => {}
        }
        true
    }

    fn forward_signal(&mut self, home: usize, push: SignalPush) {
        for shard in self.homes[home].followers.iter() {
            self.send(shard, Message::ToSession(SessionMessage::Signal(Box::new(push.clone()))));
        }
    }

    /// Signals are the first to go.
    pub(super) fn drop_signal(&mut self) {
        self.counters.signals_dropped += 1;
    }

    pub(super) fn answer_signal(&mut self, caller: Caller, reply: Reply) {
        if caller.reply_to.request_id != 0 {
            self.reply_now(caller.reply_to, reply);
        }
    }

    /// Tells everybody of calls that nobody took in time.
    pub(super) fn time_out_rings(&mut self) {
        while let Some(((conversation, call_id), ring)) = self.rings.pop_due(self.now) {
            // What is not in memory is followed by nobody.
            let Some(&home) = self.home_by_id.get(&conversation) else { continue };
            let signal = Signal { kind: SignalKind::CallRingTimeout, body: bytes::Bytes::new(), call_id };
            let push = SignalPush { conversation, from: ring.caller, device: ring.device, except: None, signal };
            self.forward_signal(home, push);
        }
    }

    /// At the sessions: everybody who is up to date, save the sender.
    pub(super) fn handle_signal(&mut self, push: SignalPush) {
        let Some(index) = self.subscriptions.find(&push.conversation) else { return };
        let except = push.except.filter(|(shard, _)| *shard == self.id).map(|(_, session)| session);
        let start = self.out.targets.len();
        for subscription in &self.subscriptions.followed(index).subscriptions {
            let session = self.sessions.at(subscription.session);
            if subscription.live && !session.lagging && Some(session.id) != except {
                self.out.targets.push(session.id);
            }
        }
        let end = self.out.targets.len();
        if end > start {
            self.out.effects.push(Effect::PushSignal(Box::new(push), start as u32..end as u32));
        }
    }
}
