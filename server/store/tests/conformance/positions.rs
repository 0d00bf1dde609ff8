//! Each partition's batches are dense and in order, and a refused commit leaves nothing.

use crate::fixture::{Scribe, block, each_store, group, page, page_after};
use hubbub_core::ids::{MessageId, PartitionId, Seq};
use hubbub_core::records::{Batch, PartitionState, Write};
use hubbub_store::{CommitError, Store, Sync};

fn head(store: &Store, id: u64) -> Seq {
    page(store, &page_after(group(id), 0)).last
}

#[test]
fn positions_are_dense_in_each_partition() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let write = |first| Write::PutBlock(group(1), block(first, 1, 10));
        let batches: Vec<Batch> = (1..=3).flat_map(|first| scribe.batches([write(first)])).collect();
        let partition = batches[0].partition;
        let refused = |batch: &Batch, expected| {
            let position = batch.position;
            let error = CommitError::OutOfOrder { partition, position, expected };
            assert_eq!(store.commit(std::slice::from_ref(batch), Sync::No), Err(error.clone()));
            assert_eq!(store.commit_unless_stalled(std::slice::from_ref(batch)), Err(error));
        };
        refused(&batches[1], 1);
        store.commit(&batches[..1], Sync::No).unwrap();
        refused(&batches[0], 2);
        refused(&batches[2], 2);
        store.commit_unless_stalled(&batches[1..]).unwrap();
        assert_eq!(store.partition_state(partition), PartitionState { position: 3, last_id: batches[2].last_id });
        assert_eq!(head(store, 1), Seq(3));
    });
}

#[test]
fn a_commit_is_whole_or_not_at_all() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let good = scribe.batches([Write::PutBlock(group(1), block(1, 1, 10))]).remove(0);
        let elsewhere = PartitionId((good.partition.0 + 1) % 16);
        let misplaced = Write::PutBlock(group(1), block(2, 1, 10));
        let bad = scribe.batch(elsewhere, vec![misplaced]);
        let mut gap = good.clone();
        gap.position = 3;
        let unknown = Batch { partition: PartitionId(16), position: 1, ..good.clone() };
        for second in [bad, gap, unknown] {
            let error = store.commit(&[good.clone(), second], Sync::Yes).unwrap_err();
            assert!(!matches!(error, CommitError::Io(_)), "{error}");
            assert_eq!(store.partition_state(good.partition), PartitionState::default());
            assert_eq!(head(store, 1), Seq(0));
        }
        store.commit(&[good], Sync::Yes).unwrap();
        assert_eq!(head(store, 1), Seq(1));
    });
}

#[test]
fn batches_of_one_partition_may_share_a_commit() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let first = scribe.batches((1..=20).map(|id| Write::PutBlock(group(id), block(1, 1, 10))));
        let second = scribe.batches((1..=20).map(|id| Write::PutBlock(group(id), block(2, 5, 10))));
        let all = [first, second.clone()].concat();
        store.commit(&all, Sync::Yes).unwrap();
        assert!((1..=20).all(|id| head(store, id) == Seq(6)));
        for batch in second {
            assert_eq!(store.partition_state(batch.partition), PartitionState { position: 2, last_id: batch.last_id });
        }
        assert_eq!(store.partition_state(PartitionId(999)), PartitionState::default());
        assert_eq!(store.partition_state(PartitionId(999)).last_id, MessageId(0));
    });
}

#[test]
fn a_closed_store_takes_no_commit_and_still_reads() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        scribe.commit(store, [Write::PutBlock(group(1), block(1, 1, 10))]);
        store.close().unwrap();
        store.close().unwrap();
        let next = scribe.batches([Write::PutBlock(group(1), block(2, 1, 10))]);
        assert_eq!(store.commit(&next, Sync::No), Err(CommitError::Closed));
        assert_eq!(head(store, 1), Seq(1));
    });
}
