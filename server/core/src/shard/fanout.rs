//! From a commit to the sessions: runs to the shards that follow, and to each session that is live there.

use super::Shard;
use crate::ids::{Conversation, Seq, ShardId};
use crate::machine::Effect;
use crate::message::{ConversationMessage, Message, ReceiptsPush, Removed, Run, SessionMessage, Start};
use crate::request::SessionId;
use crate::subscriptions::FollowedIndex;

impl Shard {
    /// At the home: a block is durable.
    pub(super) fn release_run(&mut self, home: usize, run: Run, ordinal: u64) {
        let place = &mut self.homes[home];
        place.gated -= 1;
        place.log_mut().expect("only logs have runs").commit_up_to(run.last, ordinal);
        for shard in place.followers.iter() {
            self.send(shard, Message::ToSession(SessionMessage::Run(run.clone())));
        }
    }

    /// At the sessions: entries that were just committed.
    pub(super) fn handle_run(&mut self, run: Run) {
        let Some(index) = self.subscriptions.find(&run.conversation) else {
            let message = ConversationMessage::Unfollow(self.id);
            return self.send_home(run.conversation, message);
        };
        let start = self.out.targets.len();
        let mut behind = Vec::new();
        for subscription in &mut self.subscriptions.followed(index).subscriptions {
            if !subscription.live {
                continue;
            }
            let sent = subscription.sent_up_to().expect("live sessions know where they are");
            if sent.next() == run.first {
                subscription.move_to(run.last, run.log_id);
                let id = self.sessions.at(subscription.session).id;
                self.out.targets.push(id);
            } else if sent < run.last {
                behind.push(subscription.session);
            }
        }
        let end = self.out.targets.len();
        self.counters.deliveries += (end - start) as u64 * (run.last.0 - run.first.0 + 1);
        let (removed, last) = (run.removed.clone(), run.last);
        if end > start {
            self.out.effects.push(Effect::PushRun(run, start as u32..end as u32));
            self.settle_run(index, start..end);
        }
        for session in behind {
            self.fall_behind(session, index);
        }
        if let Some(removed) = removed {
            self.end_removed(index, &removed, last);
        }
    }

    /// Ends the subscriptions of users who were removed by the entry at `seq`.
    fn end_removed(&mut self, index: FollowedIndex, removed: &Removed, seq: Seq) {
        let sessions = &self.subscriptions.followed(index).subscriptions;
        let gone: Vec<u32> = sessions
            .iter()
            .filter(|sub| sub.live && sub.sent_up_to() >= Some(seq))
            .map(|sub| sub.session)
            .filter(|&session| removed.contains(self.sessions.at(session).user))
            .collect();
        for session in gone {
            let id = self.sessions.at(session).id;
            self.end_subscription(id, index);
        }
    }

    /// A session has missed something: from now on it pulls.
    fn fall_behind(&mut self, session: u32, index: FollowedIndex) {
        let Some(subscription) = self.subscriptions.get(session, index) else { return };
        subscription.live = false;
        self.counters.resyncs += 1;
        let id = self.sessions.at(session).id;
        self.want_page(id, index);
    }

    /// Runs up to `head` were left out.
    pub(super) fn handle_behind(&mut self, conversation: Conversation, head: Seq) {
        if let Some(index) = self.subscriptions.find(&conversation) {
            self.set_behind(index, head);
        }
    }

    /// Runs of conversations of one home were left out.
    pub(super) fn handle_all_behind(&mut self, home: ShardId) {
        let of_home = self.subscriptions.iter().filter(|(_, followed)| followed.home == home);
        let indexes: Vec<FollowedIndex> = of_home.map(|(index, _)| index).collect();
        for index in indexes {
            self.set_behind(index, Seq(u64::MAX));
        }
    }

    fn set_behind(&mut self, index: FollowedIndex, head: Seq) {
        let subscriptions = &self.subscriptions.followed(index).subscriptions;
        let behind: Vec<u32> = subscriptions
            .iter()
            .filter(|sub| sub.live && sub.sent_up_to() < Some(head))
            .map(|sub| sub.session)
            .collect();
        for session in behind {
            self.fall_behind(session, index);
        }
    }

    /// The edge did not queue a push: the session stands where it stood before.
    pub(super) fn handle_full(&mut self, id: SessionId, conversation: Conversation, position: Start) {
        let Some(session) = self.sessions.get(id) else { return };
        session.lagging = true;
        let Some(index) = self.subscriptions.find(&conversation) else { return };
        let Some(subscription) = self.subscriptions.get(id.index, index) else { return };
        subscription.set_back_to(position);
        self.counters.resyncs += 1;
    }

    /// A lagging session has room: it continues each log from where it stopped.
    pub(super) fn handle_drained(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(id) else { return };
        session.lagging = false;
        let places: Vec<FollowedIndex> =
            self.subscriptions.of_session(id.index).iter().map(|place| place.followed).collect();
        for index in places {
            self.want_page(id, index);
        }
        self.want_queued(id);
        self.refresh_presence(id);
    }

    // ---- Receipts ----

    /// At the home: marks are durable.
    pub(super) fn release_receipts(&mut self, home: usize, mut receipts: ReceiptsPush) {
        let place = &mut self.homes[home];
        place.gated -= 1;
        self.commit_marks(home, &receipts.receipts);
        // In groups they are counted for the authors.
        let place = &self.homes[home];
        let Some(log) = place.log().filter(|log| !log.is_blocked()) else { return };
        if matches!(place.id, Conversation::Direct { .. }) {
            // Marks that were gated before may have risen above what these were when a block ended.
            for (user, delivered, read) in &mut receipts.receipts {
                (*delivered, *read) = log.cursors.of(*user);
            }
            for shard in place.followers.iter() {
                self.send(shard, Message::ToSession(SessionMessage::Receipts(receipts.clone())));
            }
        }
    }

    /// At the sessions: marks that were just committed.
    pub(super) fn handle_receipts(&mut self, receipts: ReceiptsPush) {
        self.raise_listed_marks(&receipts);
        let Some(index) = self.subscriptions.find(&receipts.conversation) else { return };
        let start = self.out.targets.len();
        for subscription in &mut self.subscriptions.followed(index).subscriptions {
            let session = self.sessions.at(subscription.session);
            if let Some(syncs) = &mut session.syncs {
                syncs.raise_marks(session.user, &receipts);
            }
            if subscription.live && !session.lagging {
                self.out.targets.push(session.id);
            } else {
                // It is told of the marks when it has caught up.
                subscription.live = false;
            }
        }
        let end = self.out.targets.len();
        if end > start {
            self.out.effects.push(Effect::PushReceipts(receipts, start as u32..end as u32));
        }
    }
}
