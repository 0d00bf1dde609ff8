//! Which users talk to each other: chosen by the shard that they are homed on.

use hubbub_core::ids::UserId;
use hubbub_core::slots::SlotTable;

use crate::floor::PARTITIONS;

/// Where the two users of a pair live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Placement {
    /// On one shard; the pairs are spread over the shards.
    Same,
    /// On two shards; half of the conversations live with their senders, half with their receivers.
    Across,
}

/// Gives out user ids, each once.
pub(super) struct Users {
    table: SlotTable,
    next: u64,
}

impl Users {
    /// Ids from `first` on, for a server with so many shards.
    pub(super) fn new(first: u64, shards: u16) -> Users {
        Users { table: SlotTable::even(PARTITIONS, shards), next: first }
    }

    /// The next user, wherever they live.
    pub(super) fn any(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// A pair (sender, receiver), the `n`th of many. A conversation lives with its lower user.
    pub(super) fn pair(&mut self, n: usize, placement: Placement) -> (u64, u64) {
        let shards = usize::from(self.table.shards());
        let lower_home = n % shards;
        let upper_home = match placement {
            Placement::Same => lower_home,
            Placement::Across => (lower_home + 1) % shards,
        };
        let lower = self.on(lower_home);
        let upper = self.on(upper_home);
        if (n / shards).is_multiple_of(2) { (lower, upper) } else { (upper, lower) }
    }

    fn on(&mut self, shard: usize) -> u64 {
        loop {
            let user = self.any();
            if usize::from(self.table.shard_of_user(UserId(user)).0) == shard {
                return user;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn pairs_live_where_they_should_and_nobody_twice() {
        let table = SlotTable::even(PARTITIONS, 2);
        let shard = |user| table.shard_of_user(UserId(user));
        let mut seen = HashSet::new();
        let mut users = Users::new(1, 2);
        for placement in [Placement::Same, Placement::Across] {
            let pairs: Vec<_> = (0..64).map(|n| users.pair(n, placement)).collect();
            assert!(pairs.iter().all(|&(a, b)| (shard(a) == shard(b)) == (placement == Placement::Same)));
            assert!(pairs.iter().all(|&(a, b)| seen.insert(a) && seen.insert(b)));
            let with_sender = pairs.iter().filter(|&&(sender, receiver)| sender < receiver).count();
            assert_eq!(with_sender, 32);
            assert_eq!(pairs.iter().filter(|&&(a, _)| shard(a).0 == 0).count(), 32);
        }
    }
}
