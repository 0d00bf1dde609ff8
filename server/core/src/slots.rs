//! Which slot, partition and shard a user or a conversation lives on.
//!
//! The slot function is fixed forever, because stored keys begin with the slot. The slot table is stored with the
//! data; only the division of partitions over shards may change from one start to the next.

use crate::account::Email;
use crate::ids::{Conversation, PartitionId, ShardId, Slot, UserId};
use crate::records::{Fact, Owner};
use xxhash_rust::xxh3::xxh3_64;

/// How many slots there are.
pub const SLOTS: usize = 256;

/// The slot of an id: XXH3-64 (seed 0) of its 8 big-endian bytes, modulo 256.
#[must_use]
pub fn slot_of_id(id: u64) -> Slot {
    Slot((xxh3_64(&id.to_be_bytes()) % SLOTS as u64) as u8)
}

/// The slot of a user.
#[must_use]
pub fn slot_of_user(user: UserId) -> Slot {
    slot_of_id(user.0)
}

/// The slot of a conversation: that of its group id, or of the lower user of two.
#[must_use]
pub fn slot_of_conversation(conversation: &Conversation) -> Slot {
    match *conversation {
        Conversation::Direct { low, .. } => slot_of_id(low.0),
        Conversation::Group(group) => slot_of_id(group.0),
    }
}

/// The slot of an e-mail address: XXH3-64 (seed 0) of its bytes, modulo 256.
#[must_use]
pub fn slot_of_email(email: &Email) -> Slot {
    Slot((xxh3_64(email.as_str().as_bytes()) % SLOTS as u64) as u8)
}

/// The slot of whoever decides a fact.
#[must_use]
pub fn slot_of_owner(owner: &Owner) -> Slot {
    match owner {
        Owner::Conversation(conversation) => slot_of_conversation(conversation),
        Owner::User(user) => slot_of_user(*user),
    }
}

/// The slot of whoever must learn a fact.
#[must_use]
pub fn slot_of_learner(fact: &Fact) -> Slot {
    match fact {
        Fact::Membership { user, .. } => slot_of_user(*user),
        Fact::Block { user, peer, .. } => slot_of_user(*user.min(peer)),
    }
}

/// Slots to partitions, partitions to shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotTable {
    partition_of_slot: Box<[PartitionId; SLOTS]>,
    partitions: u16,
    shards: u16,
}

impl SlotTable {
    /// An even division. `partitions` is 1 to 256; `shards` is 1 to `partitions`.
    ///
    /// # Panics
    /// When either is out of its range; `Config::validate` checks first.
    #[must_use]
    pub fn even(partitions: u16, shards: u16) -> SlotTable {
        let slots = std::array::from_fn(|slot| PartitionId(slot as u16 % partitions.max(1)));
        SlotTable::from_slots(slots, shards)
    }

    /// The division that a store carries, over `shards` shards.
    ///
    /// # Panics
    /// When `shards` is 0 or above the number of partitions.
    #[must_use]
    pub fn from_slots(slots: [PartitionId; SLOTS], shards: u16) -> SlotTable {
        let partitions = slots.iter().map(|p| p.0).max().unwrap_or(0) + 1;
        assert!((1..=SLOTS as u16).contains(&partitions), "partitions out of range");
        assert!((1..=partitions).contains(&shards), "shards out of range");
        SlotTable { partition_of_slot: Box::new(slots), partitions, shards }
    }

    /// The partition of every slot, by slot number.
    #[must_use]
    pub fn slots(&self) -> &[PartitionId; SLOTS] {
        &self.partition_of_slot
    }

    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> u16 {
        self.partitions
    }

    /// How many shards there are.
    #[must_use]
    pub fn shards(&self) -> u16 {
        self.shards
    }

    /// The partition that holds a slot.
    #[must_use]
    pub fn partition_of_slot(&self, slot: Slot) -> PartitionId {
        self.partition_of_slot[slot.0 as usize]
    }

    /// The partition a user is homed in.
    #[must_use]
    pub fn partition_of_user(&self, user: UserId) -> PartitionId {
        self.partition_of_slot(slot_of_user(user))
    }

    /// The partition a conversation is homed in.
    #[must_use]
    pub fn partition_of_conversation(&self, conversation: &Conversation) -> PartitionId {
        self.partition_of_slot(slot_of_conversation(conversation))
    }

    /// The partition that an address is homed in.
    #[must_use]
    pub fn partition_of_email(&self, email: &Email) -> PartitionId {
        self.partition_of_slot(slot_of_email(email))
    }

    /// The partition whose outbox holds a fact.
    #[must_use]
    pub fn partition_of_owner(&self, owner: &Owner) -> PartitionId {
        self.partition_of_slot(slot_of_owner(owner))
    }

    /// The partition that must learn a fact.
    #[must_use]
    pub fn partition_of_learner(&self, fact: &Fact) -> PartitionId {
        self.partition_of_slot(slot_of_learner(fact))
    }

    /// The shard that owns a partition.
    #[must_use]
    pub fn shard_of(&self, partition: PartitionId) -> ShardId {
        ShardId(partition.0 % self.shards)
    }

    /// The shard a user is homed on.
    #[must_use]
    pub fn shard_of_user(&self, user: UserId) -> ShardId {
        self.shard_of(self.partition_of_user(user))
    }

    /// The shard a conversation is homed on.
    #[must_use]
    pub fn shard_of_conversation(&self, conversation: &Conversation) -> ShardId {
        self.shard_of(self.partition_of_conversation(conversation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The slot function is part of the format on disk: these never change.
    #[test]
    fn slots_are_what_they_always_were() {
        let vectors: Vec<(u64, u8)> =
            [0, 1, 2, 42, 1_000_000, u64::MAX].iter().map(|&id| (id, slot_of_id(id).0)).collect();
        assert_eq!(vectors, [(0, 217), (1, 243), (2, 28), (42, 172), (1_000_000, 90), (u64::MAX, 19)]);
    }

    /// So is that of addresses.
    #[test]
    fn slots_of_addresses_are_what_they_always_were() {
        let slots = ["ada@example.org", "a@b.cd"].map(|email| slot_of_email(&Email::new(email)).0);
        assert_eq!(slots, [60, 251]);
    }

    #[test]
    fn a_direct_conversation_lives_with_its_lower_user() {
        let table = SlotTable::even(16, 2);
        let conversation = Conversation::direct(UserId(9), UserId(4)).unwrap();
        assert_eq!(table.partition_of_conversation(&conversation), table.partition_of_user(UserId(4)));
    }

    #[test]
    fn an_even_table_uses_every_partition_and_shard() {
        let table = SlotTable::even(16, 3);
        let mut shards: Vec<u16> = (0..16).map(|p| table.shard_of(PartitionId(p)).0).collect();
        shards.sort_unstable();
        shards.dedup();
        assert_eq!((table.partitions(), shards), (16, vec![0, 1, 2]));
    }
}
