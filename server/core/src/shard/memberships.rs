//! Users' sides of memberships: what a conversation's home decides, the user's home stores, shows and lists.

use super::{PendingRead, Shard};
use crate::ids::{Conversation, PartitionId, Seq, UserId};
use crate::machine::Effect;
use crate::message::{ConversationMessage, Message, SessionMessage, Start};
use crate::records::{Fact, MembershipRecord, OutboxRow, Read, Write};
use crate::request::{Caller, Reply, SessionId};
use crate::sessions::User;
use std::ops::Bound;

impl Shard {
    /// At the conversation's home: remembers a membership for the user's home in the open batch.
    pub(super) fn put_membership(&mut self, home: usize, user: UserId, membership: MembershipRecord) -> OutboxRow {
        let conversation = self.homes[home].id;
        self.put_fact(Fact::Membership { conversation, user, membership })
    }

    /// At the user's home: stores a membership, and tells the user's sessions once it is durable.
    pub(super) fn learn_membership(
        &mut self,
        partition: PartitionId,
        user: UserId,
        conversation: Conversation,
        membership: MembershipRecord,
    ) {
        self.write(partition, Write::PutMembership(user, conversation, membership));
        match self.users.get_mut(&user) {
            Some(User::Ready(user)) => user.apply(conversation, membership),
            Some(User::Loading { changed, .. }) => changed.push((conversation, membership)),
            None => {}
        }
        let change = SessionMessage::MembershipChanged(user, conversation, membership);
        self.send_gated(partition, self.id, Message::ToSession(change));
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
