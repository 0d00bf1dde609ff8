//! Shards commit their own partitions at the same time; every batch arrives.

use crate::fixture::{Scribe, block, each_store, group, page, page_after};
use hubbub_core::ids::{PartitionId, Seq};
use hubbub_core::records::Write;
use hubbub_store::Sync;

#[test]
fn partitions_are_committed_side_by_side() {
    each_store(|store| {
        std::thread::scope(|scope| {
            for thread in 0..4u16 {
                let store = store.clone();
                scope.spawn(move || {
                    let mut scribe = Scribe::new(&store);
                    let own = |id: &u64| {
                        let write = Write::PutBlock(group(*id), block(1, 1, 1));
                        Scribe::new(&store).partition_of(&write).0 % 4 == thread
                    };
                    let groups: Vec<u64> = (1..=64).filter(own).collect();
                    for first in 1..=50 {
                        let writes = groups.iter().map(|&id| Write::PutBlock(group(id), block(first, 1, 50)));
                        let batches = scribe.batches(writes);
                        let sync = if first % 10 == 0 { Sync::Yes } else { Sync::No };
                        store.commit(&batches, sync).unwrap();
                    }
                });
            }
        });
        assert!((1..=64).all(|id| page(store, &page_after(group(id), 0)).last == Seq(50)));
        let used = (0..16).map(PartitionId).filter(|&p| store.partition_state(p).position > 0);
        assert!(used.clone().count() > 8);
        assert!(used.into_iter().all(|p| store.partition_state(p).position == 50));
    });
}
