//! A set of shards in 32 bytes.

use crate::ids::ShardId;

/// A set of shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShardSet([u64; 4]);

impl ShardSet {
    pub(crate) fn insert(&mut self, shard: ShardId) {
        self.0[usize::from(shard.0) / 64] |= 1 << (shard.0 % 64);
    }

    pub(crate) fn remove(&mut self, shard: ShardId) {
        self.0[usize::from(shard.0) / 64] &= !(1 << (shard.0 % 64));
    }

    pub(crate) fn contains(&self, shard: ShardId) -> bool {
        self.0[usize::from(shard.0) / 64] & 1 << (shard.0 % 64) != 0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = ShardId> {
        self.0.into_iter().enumerate().flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let bit = (bits != 0).then(|| bits.trailing_zeros())?;
                bits &= bits - 1;
                Some(ShardId(word as u16 * 64 + bit as u16))
            })
        })
    }
}
