//! Receipts of groups: counts for the authors, pushed at most so often, and who holds one message and has read it.
//!
//! Each author is told about their own messages only: a summary says when people read, which is nobody else's matter. It
//! goes to the author's shard alone, as one droppable message for all authors there; a session that missed one gets
//! it when its author's next session becomes live, with the next change, or by asking.

use super::{PendingRead, Shard};
use crate::conversation::Log;
use crate::ids::{Conversation, Seq, UserId};
use crate::machine::Effect;
use crate::message::{Message, SessionMessage, SummariesPush};
use crate::recent::{ENTRIES_RECALLED_MAX, sees};
use crate::records::Read;
use crate::request::{Caller, InfoQuery, MessageInfo, Refusal, Reply};
use crate::sessions::User;
use std::collections::BTreeMap;

/// Milliseconds in a second.
const SECOND_MS: u64 = 1_000;

impl Shard {
    // ---- At the home ----

    /// Marks are durable: takes note of them, and of how they change the counts of a group's messages.
    pub(super) fn commit_marks(&mut self, home: usize, receipts: &[(UserId, Seq, Seq)]) {
        let log = self.homes[home].log_mut().expect("only logs have marks");
        let mut changed = false;
        for &(user, delivered, read) in receipts {
            let from = log.cursors.of(user);
            log.cursors.commit(user, delivered, read);
            changed |= log.count_marks(user, from, log.cursors.of(user));
        }
        self.tell_authors(home, changed);
    }

    /// Has changed counts pushed; reads who wrote what, where that must be known first.
    fn tell_authors(&mut self, home: usize, changed: bool) {
        if let Some(up_to) = self.homes[home].log_mut().and_then(Log::recall_up_to) {
            let conversation = self.homes[home].id;
            let read = Read::Authors { conversation, up_to, entries_max: ENTRIES_RECALLED_MAX };
            self.read(PendingRead::Recall(conversation, up_to), read);
        }
        if changed {
            self.queue_summaries(home);
        }
    }

    /// Who wrote the messages before those that are known; `None` when it could not be read.
    pub(super) fn recalled(&mut self, conversation: Conversation, up_to: Seq, authors: Option<&[(Seq, UserId)]>) {
        let Some(&home) = self.home_by_id.get(&conversation) else { return };
        if self.homes[home].log_mut().is_some_and(|log| log.recalled(up_to, authors)) {
            self.queue_summaries(home);
        }
    }

    /// A session of a user has become live: it may have missed what became of its user's messages.
    pub(super) fn renew_summaries(&mut self, home: usize, user: UserId) {
        let changed = self.homes[home].log_mut().is_some_and(|log| log.renew_summaries(user));
        self.tell_authors(home, changed);
    }

    fn queue_summaries(&mut self, home: usize) {
        let recent = self.homes[home].log_mut().and_then(|log| log.recent.as_mut()).expect("only groups have counts");
        if !std::mem::replace(&mut recent.queued, true) {
            self.summaries.push(home);
        }
    }

    /// With each tick: pushes what changed, of each group at most so often.
    pub(super) fn push_summaries(&mut self) {
        let mut queued = std::mem::take(&mut self.summaries);
        queued.retain(|&home| !self.push_summaries_of(home));
        self.summaries.append(&mut queued);
    }

    /// True when it was time to.
    fn push_summaries_of(&mut self, home: usize) -> bool {
        let (now, interval_ms) = (self.now, SECOND_MS / u64::from(self.settings.summary_pushes_per_second.max(1)));
        let place = &mut self.homes[home];
        let (conversation, followers) = (place.id, place.followers);
        let recent = place.log_mut().and_then(|log| log.recent.as_mut()).expect("only groups are queued");
        if !recent.is_due(now, interval_ms) {
            return false;
        }
        let mut by_shard = BTreeMap::<_, Vec<_>>::new();
        for (author, summary) in recent.take_changed(now, interval_ms) {
            let shard = self.slots.shard_of_user(author);
            if followers.contains(shard) {
                by_shard.entry(shard).or_default().push((author, summary));
            }
        }
        for (shard, mut summaries) in by_shard {
            summaries.sort_unstable_by_key(|(author, summary)| (*author, summary.seq));
            let push = SummariesPush { conversation, summaries };
            self.send(shard, Message::ToSession(SessionMessage::Summaries(push)));
        }
        true
    }

    // ---- At the sessions ----

    /// Tells the live sessions of each author about the author's messages.
    pub(super) fn handle_summaries(&mut self, push: SummariesPush) {
        let Some(index) = self.subscriptions.find(&push.conversation) else { return };
        for own in push.summaries.chunk_by(|one, next| one.0 == next.0) {
            let start = self.out.targets.len();
            let Some(User::Ready(user)) = self.users.get(&own[0].0) else { continue };
            for id in user.sessions() {
                let live = self.subscriptions.get(id.index, index).is_some_and(|subscription| subscription.live);
                if live && self.sessions.get(id).is_some_and(|session| !session.lagging) {
                    self.out.targets.push(id);
                }
            }
            let end = self.out.targets.len();
            if end > start {
                let summaries = own.iter().map(|(_, summary)| *summary).collect();
                self.out.effects.push(Effect::PushSummaries(push.conversation, summaries, start as u32..end as u32));
            }
        }
    }

    // ---- One message ----

    /// Asks who wrote the message, which must be the caller.
    pub(super) fn message_info(&mut self, home: usize, caller: Caller, query: InfoQuery) {
        let place = &self.homes[home];
        let conversation = place.id;
        let known = place.log().and_then(|log| Some((log, log.visible_spans(caller.user)?)));
        let Some((log, spans)) = known else { return self.refuse(caller, Refusal::UnknownConversation) };
        if query.seq <= log.record.floor || query.seq > log.committed || !sees(spans, query.seq) {
            return self.refuse(caller, Refusal::UnknownMessage(query.seq));
        }
        let read = Read::Authors { conversation, up_to: query.seq, entries_max: 1 };
        self.read(PendingRead::MessageInfo(conversation, caller, query), read);
    }

    pub(super) fn answer_message_info(
        &mut self,
        conversation: Conversation,
        caller: Caller,
        query: InfoQuery,
        author: Option<UserId>,
    ) {
        match author {
            Some(author) if author == caller.user => {}
            Some(_) => return self.refuse(caller, Refusal::Forbidden("only its author may ask about a message")),
            None => return self.refuse(caller, Refusal::UnknownMessage(query.seq)),
        }
        // The log may have been dropped from memory since the read was asked for.
        let home = self.home_by_id.get(&conversation).copied();
        let known = home.and_then(|home| Some((home, self.homes[home].log()?)));
        let Some((home, log)) = known else { return self.refuse(caller, Refusal::ReadFailed) };
        let could = |after| {
            let present = log.members.iter_after(after);
            present
                .filter(|(user, member)| *user != caller.user && sees(&member.spans, query.seq))
                .map(|(user, _)| *user)
        };
        let mut page: Vec<UserId> = could(query.members_after).take(query.members_limit + 1).collect();
        let more = page.len() > query.members_limit;
        page.truncate(query.members_limit);
        let marks = |user: UserId| {
            let (delivered, read) = log.marks_shown(&conversation, user);
            (user, delivered, read)
        };
        let info = MessageInfo {
            conversation,
            summary: log.summary_of(&conversation, query.seq, caller.user),
            member_count: could(UserId(0)).count(),
            receipts: page.into_iter().map(marks).collect(),
            more,
        };
        // Who is a member may not be durable yet.
        self.reply_gated(self.homes[home].partition, caller.reply_to, Reply::MessageInfo(Box::new(info)));
    }
}
