//! A store that is opened again is the same store.

use crate::fixture::{Scribe, block, group, open, options, outbox_row, page, page_after};
use hubbub_core::ids::{PartitionId, Seq};
use hubbub_core::records::{MembershipRecord, Write};
use hubbub_store::{Durability, Options, Store, Sync};

fn writes(first: u64) -> Vec<Write> {
    let membership = MembershipRecord { joined: Seq(1), version: Seq(2), member: true };
    let outbox = |id| outbox_row(group(id), first, 3, membership);
    (1..=50).flat_map(|id| [Write::PutBlock(group(id), block(first, 4, 100)), Write::PutOutbox(outbox(id))]).collect()
}

#[test]
fn everything_is_found_again() {
    for durability in [Durability::Fsync, Durability::Os, Durability::None] {
        let directory = tempfile::tempdir().unwrap();
        let options = || Options { durability, ..options(directory.path()) };
        let store = Store::open(options()).unwrap();
        let mut scribe = Scribe::new(&store);
        for first in (1..=200).step_by(4) {
            store.commit(&scribe.batches(writes(first)), Sync::Yes).unwrap();
        }
        let seen = |store: &Store| {
            let pages: Vec<_> = (1..=50).map(|id| page(store, &page_after(group(id), 0))).collect();
            let partitions = (0..16).map(PartitionId);
            let outbox: Vec<_> = partitions.clone().map(|p| store.outbox(p).unwrap()).collect();
            let states: Vec<_> = partitions.map(|p| store.partition_state(p)).collect();
            (pages, outbox, states, store.node_id(), store.log_epoch(), store.slots())
        };
        let before = seen(&store);
        assert_eq!(before.0[0].last, Seq(200));
        store.close().unwrap();
        drop(store);
        assert!(seen(&Store::open(options()).unwrap()) == before, "{durability:?}");
    }
}

#[test]
fn the_division_into_partitions_stays_that_of_the_first_start() {
    let directory = tempfile::tempdir().unwrap();
    let divided = |partitions| Options { partitions, ..options(directory.path()) };
    let slots = Store::open(divided(8)).unwrap().slots();
    let highest = slots.iter().max().copied();
    assert_eq!(highest, Some(PartitionId(7)));
    assert_eq!(Store::open(divided(32)).unwrap().slots(), slots);
}

#[test]
fn positions_continue() {
    let directory = tempfile::tempdir().unwrap();
    for first in 1..=5 {
        let store = open(directory.path());
        Scribe::new(&store).commit(&store, [Write::PutBlock(group(1), block(first, 1, 10))]);
    }
    let store = open(directory.path());
    let partition = Scribe::new(&store).partition_of(&Write::PutBlock(group(1), block(1, 1, 10)));
    assert_eq!(store.partition_state(partition).position, 5);
    assert_eq!(page(&store, &page_after(group(1), 0)).last, Seq(5));
}
