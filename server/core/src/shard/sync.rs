//! Sessions that follow logs: `Sync`, the paced pulling of pages, and the answer when all have caught up.

use super::Shard;
use crate::ids::{Conversation, LogId, Seq};
use crate::machine::Effect;
use crate::message::{ConversationMessage, Next, Pull, PullAnswer, PullPage, Start};
use crate::records::{MembershipRecord, Page};
use crate::request::{ConversationState, Reply, ReplyTo, SessionId, SyncCursor};
use crate::sessions::{SyncRun, User};
use crate::subscriptions::FollowedIndex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

impl MembershipRecord {
    /// Whether a session that was sent all up to a position has more to come: a membership that is open, or was since.
    fn has_begun_after(&self, position: Start) -> bool {
        self.member || !matches!(position, Start::Cursor(seq, _) if self.joined <= seq)
    }
}

impl Shard {
    pub(super) fn sync(&mut self, id: SessionId, request_id: u64, cursors: &[SyncCursor], include_others: bool) {
        let Some(session) = self.sessions.get(id) else { return };
        session.follows_all |= include_others;
        let mut starts: Vec<(Conversation, Start)> = Vec::with_capacity(cursors.len());
        starts.extend(cursors.iter().map(|cursor| (cursor.conversation, Start::Cursor(cursor.seq, cursor.log_id))));
        if include_others {
            self.start_others(id, cursors, &mut starts);
        }
        let number = self.begin_sync(id, request_id);
        for (conversation, start) in starts {
            self.forget_states(id, &conversation);
            let index = self.subscribe(id, conversation, start);
            self.wait_in_sync(id, index, number);
            self.want_page(id, index);
        }
        self.finish_sync(id, number);
    }

    /// Adds the user's conversations that no sync of the session has named.
    fn start_others(&mut self, id: SessionId, cursors: &[SyncCursor], starts: &mut Vec<(Conversation, Start)>) {
        let Some(session) = self.sessions.get(id) else { return };
        let ended: BTreeMap<Conversation, Start> = session.ended.take().into_iter().flat_map(|ended| *ended).collect();
        let Some(User::Ready(ready)) = self.users.get(&session.user) else { return };
        let named: BTreeSet<Conversation> = cursors.iter().map(|cursor| cursor.conversation).collect();
        let others = ready.memberships.iter().filter(|(conversation, _)| !named.contains(*conversation));
        let others: Vec<_> = others.map(|(conversation, membership)| (*conversation, *membership)).collect();
        for (conversation, membership) in others {
            let start = match ended.get(&conversation) {
                // It was named and had ended: there is more only if it has begun again, even if that is over, too.
                Some(start) if !membership.has_begun_after(*start) => continue,
                Some(start) => *start,
                None => Start::Delivered,
            };
            if !self.goes_on(id, &conversation) {
                starts.push((conversation, start));
            }
        }
    }

    fn begin_sync(&mut self, id: SessionId, request_id: u64) -> usize {
        let session = self.sessions.get(id).expect("the caller has seen the session");
        let syncs = session.syncs.get_or_insert_default();
        self.syncs_open += 1;
        let run = Some(SyncRun { request_id, remaining: 0 });
        match syncs.runs.iter().position(Option::is_none) {
            Some(number) => {
                syncs.runs[number] = run;
                number
            }
            None => {
                syncs.runs.push(run);
                syncs.runs.len() - 1
            }
        }
    }

    /// What older syncs would say of a conversation that is named again is said by the newer one.
    fn forget_states(&mut self, id: SessionId, conversation: &Conversation) {
        if let Some(syncs) = self.sessions.get(id).and_then(|session| session.syncs.as_mut()) {
            syncs.states.remove(conversation);
        }
    }

    fn wait_in_sync(&mut self, id: SessionId, index: FollowedIndex, number: usize) {
        let session = self.sessions.get(id).expect("the caller has seen the session");
        let syncs = session.syncs.as_mut().expect("a sync was begun");
        // A conversation named again belongs to the newer sync.
        if let Some((older, _)) = syncs.waiting.insert(index, (number, None)) {
            if let Some(Some(run)) = syncs.runs.get_mut(older) {
                run.remaining -= 1;
            }
            if older != number {
                self.finish_sync(id, older);
            }
        }
        let session = self.sessions.get(id).expect("the caller has seen the session");
        if let Some(Some(run)) = session.syncs.as_mut().and_then(|syncs| syncs.runs.get_mut(number)) {
            run.remaining += 1;
        }
    }

    fn subscribe(&mut self, id: SessionId, conversation: Conversation, start: Start) -> FollowedIndex {
        let home = self.slots.shard_of_conversation(&conversation);
        self.subscriptions.follow(id.index, conversation, home, start)
    }

    /// Lets a session follow a conversation outside of any sync.
    pub(super) fn follow(&mut self, id: SessionId, conversation: Conversation, start: Start) {
        let index = self.subscribe(id, conversation, start);
        self.want_page(id, index);
    }

    // ---- Pulling ----

    /// Asks for the next page, now or when fewer pages of the session are under way.
    pub(super) fn want_page(&mut self, id: SessionId, index: FollowedIndex) {
        let pulls_max = self.settings.pulls_per_session_max as u32;
        let shard = self.id;
        let Some(session) = self.sessions.get(id) else { return };
        let Some(subscription) = self.subscriptions.get(id.index, index) else { return };
        if subscription.live || subscription.ended || subscription.pulling || subscription.queued || session.lagging {
            return;
        }
        if session.pulling >= pulls_max {
            subscription.queued = true;
            session.queue.get_or_insert_default().push_back(index);
            return;
        }
        subscription.pulling = true;
        session.pulling += 1;
        let with_state = session.wants_state(index);
        let pull = Pull { user: session.user, shard, session: id, start: subscription.position, with_state };
        let conversation = self.subscriptions.followed(index).id;
        self.send_home(conversation, ConversationMessage::Pull(pull));
    }

    pub(super) fn want_queued(&mut self, id: SessionId) {
        while let Some(session) = self.sessions.get(id) {
            if session.lagging || session.pulling >= self.settings.pulls_per_session_max as u32 {
                return;
            }
            let Some(index) = session.queue.as_mut().and_then(|queue| queue.pop_front()) else {
                session.queue = None;
                return;
            };
            if let Some(subscription) = self.subscriptions.get(id.index, index) {
                subscription.queued = false;
                self.want_page(id, index);
            }
        }
    }

    /// A page has come.
    pub(super) fn handle_page(&mut self, page: PullPage) {
        let id = page.session;
        let Some(session) = self.sessions.get(id) else { return self.unfollow_page(&page) };
        session.pulling = session.pulling.saturating_sub(1);
        if let Some(index) = self.subscriptions.find(&page.conversation) {
            self.take_page(id, index, page);
        } else {
            self.unfollow_page(&page);
        }
        self.want_queued(id);
    }

    /// A page has come for a session that does not follow any more: the home may have begun to send runs.
    fn unfollow_page(&mut self, page: &PullPage) {
        let live = matches!(page.answer, PullAnswer::Page { next: Next::Live, .. });
        if live && self.subscriptions.find(&page.conversation).is_none() {
            self.send_home(page.conversation, ConversationMessage::Unfollow(self.id));
        }
    }

    fn take_page(&mut self, id: SessionId, index: FollowedIndex, page: PullPage) {
        let session = self.sessions.get(id).expect("the caller has seen the session");
        let Some(subscription) = self.subscriptions.get(id.index, index) else { return };
        subscription.pulling = false;
        let answered = matches!(page.answer, PullAnswer::Page { .. } | PullAnswer::NotAMember);
        if subscription.position != page.start || (answered && page.state.is_none() && session.wants_state(index)) {
            // The session was set back, started anew or named in a sync meanwhile.
            return self.want_page(id, index);
        }
        if let Some(state) = page.state {
            self.note_state(id, index, state);
        }
        match page.answer {
            PullAnswer::Page { log_id, from, page, next } => self.take_entries(id, index, log_id, from, page, next),
            PullAnswer::Reset { log_id, floor, head } => {
                let reset = Reply::LogReset { conversation: page.conversation, log_id, floor, head };
                let request_id = self.sync_request_of(id, index);
                self.reply_here(ReplyTo { shard: self.id, session: id, request_id }, reset);
                if let Some(subscription) = self.subscriptions.get(id.index, index) {
                    subscription.position = Start::Tail;
                }
                self.want_page(id, index);
            }
            PullAnswer::NotAMember => {
                self.sync_reached(id, index, None);
                self.unfollow(id, index);
            }
            PullAnswer::Failed => self.retries.push((id, index)),
        }
    }

    fn take_entries(&mut self, id: SessionId, index: FollowedIndex, log_id: LogId, from: Seq, page: Page, next: Next) {
        let Some(subscription) = self.subscriptions.get(id.index, index) else { return };
        // A client that named no cursor holds nothing.
        let start = subscription.position;
        let held = match start {
            Start::Cursor(seq, _) => seq,
            Start::Since(_) | Start::Delivered | Start::Tail => Seq(0),
        };
        let last = page.last.max(from);
        subscription.move_to(last, log_id);
        subscription.live = next == Next::Live;
        let conversation = self.subscriptions.followed(index).id;
        if last > held {
            self.counters.deliveries += page.last.0 - page.after.0;
            self.out.effects.push(Effect::PushPage { session: id, conversation, log_id, from: held, start, page });
        }
        match next {
            Next::Live => self.settling.push((id, index)),
            Next::More => {
                self.settling.push((id, index));
                self.want_page(id, index);
            }
            Next::Ended => self.end_subscription(id, index),
        }
    }

    // ---- What follows once the edge has taken a push ----

    /// Everything there will be was pushed.
    pub(super) fn end_subscription(&mut self, id: SessionId, index: FollowedIndex) {
        let Some(subscription) = self.subscriptions.get(id.index, index) else { return };
        (subscription.live, subscription.ended) = (false, true);
        self.settling.push((id, index));
    }

    /// A run was pushed to these targets: those that sync may be done with its conversation.
    pub(super) fn settle_run(&mut self, index: FollowedIndex, targets: Range<usize>) {
        if self.syncs_open == 0 {
            return;
        }
        for at in targets {
            let id = self.out.targets[at];
            if self.sessions.get(id).is_some_and(|session| session.syncs.is_some()) {
                self.settling.push((id, index));
            }
        }
    }

    /// Draws the conclusions from what was pushed, after all of it was carried out: what the edge refused was set
    /// back, and is neither synced nor over.
    pub(super) fn settle(&mut self) {
        if self.settling.is_empty() || self.has_output() {
            return;
        }
        let mut settling = std::mem::take(&mut self.settling);
        for (id, index) in settling.drain(..) {
            if self.sessions.get(id).is_none() {
                continue;
            }
            let Some(subscription) = self.subscriptions.get(id.index, index) else { continue };
            if subscription.ended {
                let position = subscription.position;
                self.sync_reached(id, index, None);
                self.note_ended(id, index, position);
                self.unfollow(id, index);
            } else if let Start::Cursor(seq, _) = subscription.position {
                self.sync_reached(id, index, Some(seq));
            }
        }
        self.settling = settling;
    }

    /// A session that has not asked for everything yet may do so when the conversation has begun again: then it goes on
    /// from where it was.
    fn note_ended(&mut self, id: SessionId, index: FollowedIndex, position: Start) {
        let conversation = self.subscriptions.followed(index).id;
        let session = self.sessions.get(id).expect("the caller has seen the session");
        if !session.follows_all {
            let ended = session.ended.get_or_insert_default();
            ended.retain(|(ended, _)| *ended != conversation);
            ended.push((conversation, position));
        }
    }

    /// Ends a subscription; with the last one of its conversation, the home need not send runs any more.
    fn unfollow(&mut self, id: SessionId, index: FollowedIndex) {
        if let Some(conversation) = self.subscriptions.unfollow(id.index, index) {
            self.send_home(conversation, ConversationMessage::Unfollow(self.id));
        }
    }

    // ---- The end of a sync ----

    fn sync_request_of(&mut self, id: SessionId, index: FollowedIndex) -> u64 {
        let syncs = self.sessions.get(id).and_then(|session| session.syncs.as_ref());
        let run = syncs.and_then(|syncs| syncs.runs.get(syncs.waiting.get(&index)?.0)?.as_ref());
        run.map_or(0, |run| run.request_id)
    }

    /// The first page of a conversation tells how far the sync has to go.
    fn note_state(&mut self, id: SessionId, index: FollowedIndex, state: ConversationState) {
        let Some(syncs) = self.sessions.get(id).and_then(|session| session.syncs.as_mut()) else { return };
        let Some((number, target)) = syncs.waiting.get_mut(&index) else { return };
        *target = Some(state.head);
        syncs.states.insert(state.conversation, (*number, state));
    }

    /// A session has been sent a conversation up to a seq (`None`: all there will be).
    fn sync_reached(&mut self, id: SessionId, index: FollowedIndex, reached: Option<Seq>) {
        let Some(syncs) = self.sessions.get(id).and_then(|session| session.syncs.as_mut()) else { return };
        let Some(&(number, target)) = syncs.waiting.get(&index) else { return };
        let done = match reached {
            None => true,
            Some(reached) => target.is_some_and(|target| reached >= target),
        };
        if done {
            syncs.waiting.remove(&index);
            if let Some(Some(run)) = syncs.runs.get_mut(number) {
                run.remaining -= 1;
            }
            self.finish_sync(id, number);
        }
    }

    /// Answers a sync when nothing is left of it.
    fn finish_sync(&mut self, id: SessionId, number: usize) {
        let shard = self.id;
        let Some(session) = self.sessions.get(id) else { return };
        let Some(syncs) = session.syncs.as_mut() else { return };
        let Some(place) = syncs.runs.get_mut(number) else { return };
        let Some(run) = place.take_if(|run| run.remaining == 0) else { return };
        self.syncs_open -= 1;
        let states = syncs.take_states(number);
        if syncs.runs.iter().all(Option::is_none) {
            session.syncs = None;
        }
        let to = ReplyTo { shard, session: id, request_id: run.request_id };
        self.reply_here(to, Reply::Synced(states));
    }
}
