//! Blocks between users: decided and kept at the blocker's home, in force where their direct conversation lives.
//!
//! A block is a row of the blocker and a fact for the home of the direct conversation, in one batch. The answer leaves
//! when that home has confirmed, so from then on nothing passes; a conversation that is made later asks both users'
//! homes first. Presence is hidden at the moment of the decision. Groups are not concerned.

use super::{PendingRead, Shard};
use crate::conversation::{Busy, HomeState};
use crate::ids::{Conversation, MessageId, PartitionId, ShardId, UserId};
use crate::message::{ConversationMessage, Message, ReceiptsPush, UsersMessage};
use crate::partition::Gated;
use crate::presence::View;
use crate::records::{BlockRecord, Fact, Owner, Read, Write};
use crate::request::{Append, Caller, Refusal, Reply};
use crate::sessions::User;
use std::collections::BTreeMap;

/// A block that waits to hear whether its users exist.
#[derive(Debug)]
pub(super) struct BlockCheck {
    caller: Caller,
    users: Vec<UserId>,
    /// Partitions that have not answered.
    waiting: usize,
    missing: Vec<UserId>,
}

/// A decided change that waits until it is in force.
#[derive(Debug)]
pub(super) struct BlockWait {
    caller: Caller,
    /// Rows that are not confirmed.
    rows: Vec<MessageId>,
}

impl Shard {
    // ---- At the blocker's home ----

    pub(super) fn block(&mut self, caller: Caller, mut users: Vec<UserId>) {
        if self.storage_full {
            return self.refuse(caller, Refusal::StorageFull);
        }
        if users.contains(&caller.user) {
            return self.refuse(caller, Refusal::Invalid { field: "users", why: "names yourself" });
        }
        users.sort_unstable();
        users.dedup();
        if let Err(refusal) = self.check_block_limit(caller.user, &users) {
            return self.refuse(caller, refusal);
        }
        let mut by_partition: BTreeMap<PartitionId, Vec<UserId>> = BTreeMap::new();
        for &user in &users {
            by_partition.entry(self.slots.partition_of_user(user)).or_default().push(user);
        }
        let waiting = by_partition.len();
        let check = self.block_checks.insert(BlockCheck { caller, users, waiting, missing: Vec::new() });
        for (partition, users) in by_partition {
            let message = UsersMessage::FindStrangers { partition, users, shard: self.id, check };
            self.send(self.slots.shard_of(partition), Message::ToUsers(message));
        }
    }

    fn check_block_limit(&self, user: UserId, users: &[UserId]) -> Result<(), Refusal> {
        let Some(User::Ready(ready)) = self.users.get(&user) else { return Ok(()) };
        let got = ready.blocked.len() + users.iter().filter(|user| !ready.blocked.contains(user)).count();
        let limit = self.settings.blocked_users_max;
        if got <= limit {
            return Ok(());
        }
        Err(Refusal::Limit { field: "users", setting: "fixed", limit: limit as u64, got: got as u64 })
    }

    /// Which of these users have no account? As [`Shard::find_missing`], for a block.
    pub(super) fn find_strangers(
        &mut self,
        partition: PartitionId,
        mut users: Vec<UserId>,
        shard: ShardId,
        check: usize,
    ) {
        users.retain(|user| !matches!(self.users.get(user), Some(User::Ready(_))));
        if users.is_empty() {
            let message = Message::ToUsers(UsersMessage::Strangers { check, users });
            return self.send_gated(partition, shard, message);
        }
        self.read_gated(partition, PendingRead::Strangers(shard, check), Read::MissingUsers(users));
    }

    /// One partition's answer.
    pub(super) fn strangers_found(&mut self, number: usize, mut users: Vec<UserId>) {
        let Some(check) = self.block_checks.get_mut(number) else { return };
        check.missing.append(&mut users);
        check.waiting -= 1;
        if check.waiting > 0 {
            return;
        }
        let check = self.block_checks.remove(number);
        match check.missing.first() {
            None => self.decide_block(check.caller, &check.users),
            Some(UserId(0)) => self.refuse(check.caller, Refusal::ReadFailed),
            Some(&user) => self.refuse(check.caller, Refusal::UnknownUser(user)),
        }
    }

    fn decide_block(&mut self, caller: Caller, users: &[UserId]) {
        // Another request may have been decided since this one was checked.
        if let Err(refusal) = self.check_block_limit(caller.user, users) {
            return self.refuse(caller, refusal);
        }
        self.decide_blocks(caller, users, true);
    }

    pub(super) fn unblock(&mut self, caller: Caller, mut users: Vec<UserId>) {
        if self.storage_full {
            return self.refuse(caller, Refusal::StorageFull);
        }
        let Some(User::Ready(ready)) = self.users.get(&caller.user) else { return };
        users.sort_unstable();
        users.dedup();
        // What the user asked before and is still being checked would be decided after this.
        for (_, check) in self.block_checks.iter_mut().filter(|(_, check)| check.caller.user == caller.user) {
            check.users.retain(|user| users.binary_search(user).is_err());
        }
        users.retain(|user| ready.blocked.contains(user));
        self.decide_blocks(caller, &users, false);
    }

    /// Writes the rows, tells the conversations' homes, and changes what is shown.
    fn decide_blocks(&mut self, caller: Caller, users: &[UserId], blocked: bool) {
        let (user, now) = (caller.user, self.now);
        let partition = self.slots.partition_of_user(user);
        let mut rows = Vec::with_capacity(users.len());
        for &peer in users {
            let Some(User::Ready(ready)) = self.users.get_mut(&user) else { return };
            ready.blocked.set(peer, blocked);
            let version = self.partition(partition).next_id(now);
            let write = match blocked {
                true => Write::PutBlocked(user, peer, BlockRecord { since: now, version }),
                false => Write::DeleteBlocked(user, peer),
            };
            self.write(partition, write);
            rows.push(self.put_fact(Fact::Block { user, peer, blocked, version }));
            if blocked {
                self.show_to(user, peer, View::Hidden);
                self.hide_watched(user, peer);
            } else {
                self.show_to(user, peer, View::Open);
                self.show_watched(user, peer);
            }
        }
        if rows.is_empty() {
            return self.reply_gated(partition, caller.reply_to, Reply::Done);
        }
        let wait = BlockWait { caller, rows: rows.iter().map(|row| row.n).collect() };
        self.block_waits.entry(user).or_default().push(wait);
        self.send_facts_gated(partition, rows);
    }

    /// Rows of a user have been learned: what waited for them is in force.
    pub(super) fn blocks_confirmed(&mut self, user: UserId, rows: &[MessageId]) {
        let Some(waits) = self.block_waits.get_mut(&user) else { return };
        waits.iter_mut().for_each(|wait| wait.rows.retain(|row| !rows.contains(row)));
        let done: Vec<BlockWait> = waits.extract_if(.., |wait| wait.rows.is_empty()).collect();
        if waits.is_empty() {
            self.block_waits.remove(&user);
        }
        done.into_iter().for_each(|wait| self.reply_now(wait.caller.reply_to, Reply::Done));
    }

    pub(super) fn list_blocked(&mut self, caller: Caller) {
        let Some(User::Ready(user)) = self.users.get(&caller.user) else { return };
        let blocked = user.blocked.iter().collect();
        self.reply_gated(self.slots.partition_of_user(caller.user), caller.reply_to, Reply::Blocked(blocked));
    }

    /// Does a user exist, and have they blocked the other of a direct conversation that is about to begin?
    pub(super) fn acquaint(&mut self, user: UserId, conversation: Conversation) {
        let Some(peer) = conversation.peer_of(user) else { return };
        let partition = self.slots.partition_of_user(user);
        match self.users.get(&user) {
            // They exist, and have decided, once that is durable.
            Some(User::Ready(ready)) => {
                let refusal = ready.blocked.contains(&peer).then_some(Refusal::Blocked);
                let message = Message::ToConversation(conversation, ConversationMessage::Acquainted(refusal));
                self.send_gated(partition, self.slots.shard_of_conversation(&conversation), message);
            }
            _ => {
                let read = Read::Acquaintance { user, peer };
                self.read_gated(partition, PendingRead::Acquaintance(conversation, user), read);
            }
        }
    }

    // ---- At the conversation's home ----

    /// Asks both users' homes whether they may talk; the first message waits at the front.
    pub(super) fn check_acquaintance(&mut self, home: usize, caller: Caller, append: Box<Append>) {
        let conversation = self.homes[home].id;
        let Conversation::Direct { low, high } = conversation else { unreachable!("only two people get acquainted") };
        let place = &mut self.homes[home];
        place.parked.push_front(ConversationMessage::Append(caller, append));
        place.busy = Some(Busy::Acquainting { waiting: 2, refusal: None });
        for user in [low, high] {
            let message = Message::ToUsers(UsersMessage::Acquaint(user, conversation));
            self.send(self.slots.shard_of_user(user), message);
        }
    }

    /// One home's answer.
    pub(super) fn acquainted(&mut self, home: usize, answer: Option<Refusal>) {
        let Some(Busy::Acquainting { waiting, refusal }) = &mut self.homes[home].busy else { return };
        *waiting -= 1;
        // That a user does not exist says more than that the other has blocked them.
        if matches!(answer, Some(Refusal::UnknownUser(_))) || refusal.is_none() {
            *refusal = answer.or(refusal.take());
        }
        if *waiting > 0 {
            return;
        }
        let refusal = refusal.take();
        self.homes[home].busy = None;
        let Some(ConversationMessage::Append(caller, append)) = self.homes[home].parked.pop_front() else {
            unreachable!("the first message is at the front");
        };
        match refusal {
            Some(refusal) => self.refuse(caller, refusal),
            None => self.begin_direct(home, caller, append),
        }
    }

    /// A user of this conversation has blocked the other, or not any more: in force from here on.
    pub(super) fn apply_block(&mut self, home: usize, user: UserId, blocked: bool, version: MessageId, row: MessageId) {
        let place = &mut self.homes[home];
        let (conversation, partition) = (place.id, place.partition);
        if let HomeState::Ready(log) = &mut place.state
            && let Some(ended) = log.apply_block(&conversation, user, blocked, version)
        {
            let record = log.record.clone();
            let receipts = ended.then(|| log.receipts_of_both(conversation));
            self.write(partition, Write::PutConversation(conversation, record));
            if let Some(receipts) = receipts {
                self.show_receipts_again(home, receipts);
            }
        }
        self.confirm_gated(partition, Owner::User(user), vec![row]);
    }

    fn show_receipts_again(&mut self, home: usize, receipts: ReceiptsPush) {
        let partition = self.homes[home].partition;
        self.homes[home].gated += 1;
        self.gate(partition, Gated::Receipts(home, receipts));
    }

    /// Facts whose conversation could not be read are tried again.
    pub(super) fn retry_blocks(&mut self) {
        for (conversation, message) in std::mem::take(&mut self.block_retries) {
            self.send_home(conversation, message);
        }
    }
}
