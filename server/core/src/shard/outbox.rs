//! The two ends of the outbox: the home that decides a fact sends it, the home that must learn it confirms.
//!
//! A row is written with the change it reports, sent once that is durable, applied idempotently, and deleted when
//! confirmed; after a crash what is left is sent again. Each kind of fact is one arm of [`Shard::learn`].

use super::Shard;
use crate::conversation::Busy;
use crate::ids::{Conversation, MessageId, PartitionId, UserId};
use crate::message::{ConversationMessage, Message, UsersMessage};
use crate::records::{Fact, OutboxRow, Owner, Write};
use std::collections::BTreeMap;

impl Shard {
    /// Remembers a fact in the open batch of its owner's partition.
    pub(super) fn put_fact(&mut self, fact: Fact) -> OutboxRow {
        let (partition, now) = (self.slots.partition_of_owner(&fact.owner()), self.now);
        let row = OutboxRow { n: self.partition(partition).next_id(now), fact };
        self.write(partition, Write::PutOutbox(row.clone()));
        row
    }

    /// Sends rows of a partition's open batch to those who must learn them, once they are durable.
    pub(super) fn send_facts_gated(&mut self, owner: PartitionId, rows: Vec<OutboxRow>) {
        for (partition, rows) in self.by_learner(rows) {
            self.send_gated(owner, self.slots.shard_of(partition), Message::Learn { partition, rows });
        }
    }

    /// Sends durable rows again.
    pub(super) fn send_facts(&mut self, rows: Vec<OutboxRow>) {
        for (partition, rows) in self.by_learner(rows) {
            self.send(self.slots.shard_of(partition), Message::Learn { partition, rows });
        }
    }

    fn by_learner(&self, rows: Vec<OutboxRow>) -> BTreeMap<PartitionId, Vec<OutboxRow>> {
        let mut by_learner = BTreeMap::new();
        for row in rows {
            let partition = self.slots.partition_of_learner(&row.fact);
            by_learner.entry(partition).or_insert_with(Vec::new).push(row);
        }
        by_learner
    }

    /// Takes facts in, in their order, and confirms them once that is durable.
    pub(super) fn learn(&mut self, partition: PartitionId, rows: Vec<OutboxRow>) {
        let mut confirmed: BTreeMap<Owner, Vec<MessageId>> = BTreeMap::new();
        for row in rows {
            let (owner, n) = (row.owner(), row.n);
            match row.fact {
                // The conversation may have to be read first, so it confirms by itself.
                Fact::Block { user, peer, blocked, version } => {
                    if let Some(conversation) = Conversation::direct(user, peer) {
                        let message = ConversationMessage::LearnBlock { user, blocked, version, row: n };
                        self.send_home(conversation, message);
                    }
                    continue;
                }
                Fact::Membership { conversation, user, membership } => {
                    self.learn_membership(partition, user, conversation, membership);
                }
            }
            confirmed.entry(owner).or_default().push(n);
        }
        for (owner, rows) in confirmed {
            self.confirm_gated(partition, owner, rows);
        }
    }

    /// Tells an owner that rows have been learned, once everything decided so far in the learner's partition is durable.
    pub(super) fn confirm_gated(&mut self, learner: PartitionId, owner: Owner, rows: Vec<MessageId>) {
        let shard = self.slots.shard_of(self.slots.partition_of_owner(&owner));
        let message = match owner {
            Owner::Conversation(id) => Message::ToConversation(id, ConversationMessage::Confirm(rows)),
            Owner::User(id) => Message::ToUsers(UsersMessage::Confirm(id, rows)),
        };
        self.send_gated(learner, shard, message);
    }

    /// At a conversation's home: the rows have served.
    pub(super) fn conversation_facts_confirmed(&mut self, home: usize, rows: &[MessageId]) {
        let place = &mut self.homes[home];
        let owner = Owner::Conversation(place.id);
        if let Some(Busy::Creating { waiting }) = &mut place.busy {
            waiting.retain(|n| !rows.contains(n));
            if waiting.is_empty() {
                place.busy = None;
            }
        }
        self.forget_facts(owner, rows);
    }

    /// At a user's home: the rows have served.
    pub(super) fn user_facts_confirmed(&mut self, user: UserId, rows: &[MessageId]) {
        self.blocks_confirmed(user, rows);
        self.forget_facts(Owner::User(user), rows);
    }

    fn forget_facts(&mut self, owner: Owner, rows: &[MessageId]) {
        let partition = self.slots.partition_of_owner(&owner);
        for &n in rows {
            self.write(partition, Write::DeleteOutbox(owner, n));
        }
    }
}
