//! Users' sides of memberships: what a conversation's home decides, the user's home stores and shows.

use super::{PendingRead, Shard};
use crate::ids::{Conversation, PartitionId, Seq, UserId};
use crate::machine::Effect;
use crate::message::{ConversationMessage, Message, SessionMessage, Start};
use crate::records::{Fact, MembershipRecord, OutboxRow, Read, Write};
use crate::request::SessionId;
use crate::sessions::User;

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
            Some(User::Loading(loading)) => loading.changed.push((conversation, membership)),
            // Whoever logs in from here on reads what was just written.
            None => return,
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
}
