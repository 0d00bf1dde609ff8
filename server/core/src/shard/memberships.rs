//! The two ends of the outbox: a conversation's home sends memberships, the users' homes store and confirm them.
//!
//! A row is written with the change it reports, sent once that is durable, applied idempotently, and deleted when
//! confirmed; after a crash what is left is sent again.

use super::{PendingRead, Shard};
use crate::conversation::Busy;
use crate::ids::{Conversation, MessageId, PartitionId, Seq, UserId};
use crate::machine::Effect;
use crate::message::{ConversationMessage, Message, SessionMessage, Start, UsersMessage};
use crate::records::{MembershipRecord, OutboxRow, Read, Write};
use crate::request::{Caller, Reply, SessionId};
use crate::sessions::User;
use std::collections::BTreeMap;
use std::ops::Bound;

impl Shard {
    /// Sends rows of the open batch to the users' homes, once they are durable.
    pub(super) fn send_memberships_gated(&mut self, home: usize, rows: &[OutboxRow]) {
        let owner = self.homes[home].partition;
        for (partition, rows) in self.by_partition(rows) {
            let message = Message::ToUsers(UsersMessage::Memberships { partition, rows });
            self.send_gated(owner, self.slots.shard_of(partition), message);
        }
    }

    /// Sends durable rows again.
    pub(super) fn send_memberships(&mut self, rows: &[OutboxRow]) {
        for (partition, rows) in self.by_partition(rows) {
            self.send(self.slots.shard_of(partition), Message::ToUsers(UsersMessage::Memberships { partition, rows }));
        }
    }

    fn by_partition(&self, rows: &[OutboxRow]) -> BTreeMap<PartitionId, Vec<OutboxRow>> {
        let mut by_partition = BTreeMap::new();
        for row in rows {
            let partition = self.slots.partition_of_user(row.user);
            by_partition.entry(partition).or_insert_with(Vec::new).push(row.clone());
        }
        by_partition
    }

    /// At the users' home: stores memberships, tells sessions, and confirms.
    pub(super) fn store_memberships(&mut self, partition: PartitionId, rows: Vec<OutboxRow>) {
        let mut confirmed: BTreeMap<Conversation, Vec<MessageId>> = BTreeMap::new();
        for row in &rows {
            self.write(partition, Write::PutMembership(row.user, row.conversation, row.membership));
            match self.users.get_mut(&row.user) {
                Some(User::Ready(user)) => user.apply(row.conversation, row.membership),
                Some(User::Loading { changed, .. }) => changed.push((row.conversation, row.membership)),
                None => {}
            }
            confirmed.entry(row.conversation).or_default().push(row.n);
        }
        for row in rows {
            let change = SessionMessage::MembershipChanged(row.user, row.conversation, row.membership);
            self.send_gated(partition, self.id, Message::ToSession(change));
        }
        for (conversation, rows) in confirmed {
            let home = self.slots.shard_of_conversation(&conversation);
            let message = Message::ToConversation(conversation, ConversationMessage::Confirm(rows));
            self.send_gated(partition, home, message);
        }
    }

    /// At the conversation's home: the rows have served.
    pub(super) fn memberships_confirmed(&mut self, home: usize, rows: &[MessageId]) {
        let place = &mut self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        if let Some(Busy::Creating { waiting }) = &mut place.busy {
            waiting.retain(|n| !rows.contains(n));
            if waiting.is_empty() {
                place.busy = None;
            }
        }
        for &n in rows {
            self.write(partition, Write::DeleteOutbox(conversation, n));
        }
    }

    /// At the users' home: which of them have no account?
    pub(super) fn find_missing(&mut self, partition: PartitionId, mut users: Vec<UserId>, conversation: Conversation) {
        users.retain(|user| !matches!(self.users.get(user), Some(User::Ready(_))));
        if users.is_empty() {
            // They exist once their accounts are durable.
            let home = self.slots.shard_of_conversation(&conversation);
            let message = Message::ToConversation(conversation, ConversationMessage::Missing(users));
            return self.send_gated(partition, home, message);
        }
        self.read_gated(partition, PendingRead::Missing(conversation), Read::MissingUsers(users));
    }

    /// A membership is durable: tell the user's sessions, and let those that follow everything begin to read it.
    pub(super) fn handle_membership_changed(
        &mut self,
        user: UserId,
        conversation: Conversation,
        membership: MembershipRecord,
    ) {
        let Some(User::Ready(ready)) = self.users.get(&user) else { return };
        let sessions: Vec<_> = ready.sessions().collect();
        for id in sessions {
            self.out.effects.push(Effect::PushMembership(id, conversation, membership.member));
            let follows_all = self.sessions.get(id).is_some_and(|session| session.follows_all);
            if membership.member && !self.goes_on(id, &conversation) && follows_all {
                // Not after the delivered mark: another device may have been quicker than this one.
                self.follow(id, conversation, Start::Since(Seq(membership.joined.0 - 1)));
            }
        }
    }

    /// Whether a session follows a conversation already; if that was about to end, it goes on.
    pub(super) fn goes_on(&mut self, id: SessionId, conversation: &Conversation) -> bool {
        let Some(index) = self.subscriptions.find(conversation) else { return false };
        let Some(subscription) = self.subscriptions.get(id.index, index) else { return false };
        if std::mem::take(&mut subscription.ended) {
            self.want_page(id, index);
        }
        true
    }

    pub(super) fn list_conversations(&mut self, caller: Caller, after: Option<Conversation>, limit: usize) {
        let Some(User::Ready(user)) = self.users.get(&caller.user) else { return };
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut memberships: Vec<_> = user
            .memberships
            .range((start, Bound::Unbounded))
            .filter(|(_, membership)| membership.member)
            .take(limit + 1)
            .map(|(conversation, membership)| (*conversation, *membership))
            .collect();
        let more = memberships.len() > limit;
        memberships.truncate(limit);
        self.reply_gated(
            self.slots.partition_of_user(caller.user),
            caller.reply_to,
            Reply::Conversations { memberships, more },
        );
    }
}
