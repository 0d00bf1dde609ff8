//! Carries out what the core has decided.

use super::Shard;
use crate::metrics::{CloseReason, FrameOut, Refusal};
use crate::wire;
use hubbub_codec::proto::bye::Reason;
use hubbub_core::ids::Seq;
use hubbub_core::machine::{self, Effect, Input, Output, ReadToken};
use hubbub_core::message::Start;
use hubbub_core::records::Read;
use hubbub_core::request::{Reply, SessionId};
use hubbub_store::Tier;
use tracing::error;

impl Shard {
    /// Carries out all effects, and those that follow from them.
    pub(super) fn carry_out(&mut self) {
        while self.core.has_output() {
            self.carried_out = super::now();
            let mut output = self.core.take_output(std::mem::take(&mut self.spare));
            let targets = std::mem::take(&mut output.targets);
            for effect in output.effects.drain(..) {
                self.carry_out_one(effect, &targets);
            }
            output.targets = targets;
            self.reuse(output);
        }
    }

    fn reuse(&mut self, mut output: Output) {
        output.clear();
        self.spare = output;
    }

    fn carry_out_one(&mut self, effect: Effect, targets: &[SessionId]) {
        match effect {
            Effect::Reply { session, request_id, reply } => self.reply(session, request_id, reply),
            Effect::Answer { request_id: ticket, answer, .. } => self.answered(ticket, answer),
            Effect::PushRun(run, range) => {
                let frame = wire::run_frame(&run);
                let before = Start::Cursor(Seq(run.first.0 - 1), run.log_id);
                self.distributions().fanout.record((range.end - range.start).into());
                for &session in &targets[range.start as usize..range.end as usize] {
                    #[cfg(not(feature = "planted-faults"))]
                    self.push_entries(session, run.conversation, before, &frame);
                    #[cfg(feature = "planted-faults")]
                    self.push_planted(session, run.conversation, before, &frame);
                }
            }
            Effect::PushPage { session, conversation, log_id, from, start, page } => {
                let frame = wire::page_frame(&conversation, log_id, from, &page);
                self.push_entries(session, conversation, start, &frame);
            }
            Effect::PushReceipts(receipts, range) => {
                let frame = wire::receipts_frame(&receipts);
                for &session in &targets[range.start as usize..range.end as usize] {
                    self.push_hint(session, FrameOut::Receipts, &frame);
                }
            }
            Effect::PushPresence(users, range) => {
                let frame = wire::presence_frames(&users, self.limits.frame_bytes_max);
                for &session in &targets[range.start as usize..range.end as usize] {
                    self.push_presence(session, &frame);
                }
            }
            Effect::PushSignal(push, range) => {
                let frame = wire::signal_frame(&push);
                for &session in &targets[range.start as usize..range.end as usize] {
                    self.push_signal(session, &frame);
                }
            }
            Effect::PushSummaries(conversation, summaries, range) => {
                let frame = wire::summaries_frame(&conversation, &summaries);
                for &session in &targets[range.start as usize..range.end as usize] {
                    self.push_hint(session, FrameOut::Receipts, &frame);
                }
            }
            Effect::PushMembership(session, conversation, member) => {
                let frame = wire::membership_frame(&conversation, member);
                self.push_hint(session, FrameOut::ConversationChanged, &frame);
            }
            Effect::Close(session, reason) => self.close_session(session, reason),
            Effect::Forward(shard, message) => self.router.send(shard, message),
            Effect::Read(token, read) => self.read_store(token, read),
        }
    }

    fn reply(&mut self, session: SessionId, request_id: u64, reply: Reply) {
        #[cfg(feature = "planted-faults")]
        if self.is_unanswered(session, request_id) {
            return;
        }
        let id = (session.index, session.generation);
        if let Reply::LoggedIn { created, token_expires } = reply {
            return self.logged_in(session, request_id, created, token_expires);
        }
        let Some(connection) = self.connection(id) else { return };
        if connection.stage.is_over() {
            return;
        }
        let answers = request_id != 0 && !matches!(reply, Reply::LogReset { .. });
        if answers && connection.in_progress > 0 {
            connection.in_progress -= 1;
            self.wake(id);
        }
        match &reply {
            Reply::Refused(refusal) => {
                let (_, code, _) = wire::refusal_parts(refusal);
                self.counters.refused(Refusal::from_code(code.into()));
                refusal.setting().into_iter().for_each(|setting| self.counters.pressure.limited(setting));
            }
            Reply::Sent { time, duplicate: false, .. } => {
                let since_us = self.carried_out.0.saturating_sub(time.0).max(0);
                self.distributions().ack.record(since_us as f64 / 1e6);
            }
            Reply::LogReset { .. } => self.counters.refused(Refusal::LogReset),
            _ => {}
        }
        self.queue_reply(session.index, request_id, reply);
    }

    fn close_session(&mut self, session: SessionId, reason: machine::CloseReason) {
        let id = (session.index, session.generation);
        if self.connection(id).is_none_or(|connection| connection.stage.is_over()) {
            return;
        }
        let reason = match reason {
            machine::CloseReason::Replaced => {
                self.queue(session.index, FrameOut::Bye, wire::bye_frame(Reason::Replaced, 0));
                CloseReason::Replaced
            }
            machine::CloseReason::Revoked => {
                self.queue(session.index, FrameOut::Bye, wire::bye_frame(Reason::Revoked, 0));
                CloseReason::Revoked
            }
            machine::CloseReason::LoggedOut => CloseReason::LoggedOut,
            machine::CloseReason::LoginRefused => {
                self.charge_failure(id);
                CloseReason::LoginRefused
            }
        };
        self.close_after_writing(id, reason);
    }

    /// From the cache here, or from the disk by the pool.
    fn read_store(&mut self, token: ReadToken, read: Read) {
        // A search may walk thousands of entries, and so may retention: never here.
        let cached = match read {
            Read::FindName { .. } | Read::Expired(_) | Read::Walk(_) => Ok(None),
            _ => self.store.read(&read, Tier::Cached),
        };
        let input = match cached {
            Ok(Some(result)) => Input::Loaded(token, result),
            Ok(None) if self.reader.submit(token, read) => return,
            Ok(None) => {
                self.counters.pressure.totals.reads_refused += 1;
                Input::LoadFailed(token)
            }
            Err(error) => {
                error!("the store cannot be read: {error}");
                Input::LoadFailed(token)
            }
        };
        self.core.handle(input, super::now());
    }
}
