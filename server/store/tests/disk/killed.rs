//! What a killed process leaves: the directory of a live store, copied, is opened as if after `kill -9`.

use crate::fixture::{Scribe, block, copy, group, options, page, page_after, try_copy};
use hubbub_core::ids::{PartitionId, Seq};
use hubbub_core::records::Write;
use hubbub_store::{Durability, Options, Store, Sync};
use std::path::Path;

fn write(store: &Store, scribe: &mut Scribe, blocks: std::ops::Range<u64>) {
    for first in blocks {
        let writes = (1..=20).map(|id| Write::PutBlock(group(id), block(first, 1, 300)));
        store.commit(&scribe.batches(writes), Sync::No).unwrap();
    }
}

fn heads(store: &Store) -> Vec<u64> {
    (1..=20).map(|id| page(store, &page_after(group(id), 0)).last.0).collect()
}

#[test]
fn a_killed_process_loses_nothing_committed() {
    for durability in [Durability::Os, Durability::Fsync] {
        let directory = tempfile::tempdir().unwrap();
        let (live, left) = (directory.path().join("live"), directory.path().join("left"));
        let store = Store::open(Options { durability, ..options(&live) }).unwrap();
        write(&store, &mut Scribe::new(&store), 1..301);
        copy(&live, &left);
        let found = Store::open(Options { durability, ..options(&left) }).unwrap();
        assert_eq!(heads(&found), vec![300; 20]);
        let partitions = || (0..16).map(PartitionId);
        assert!(partitions().all(|p| found.partition_state(p) == store.partition_state(p)));
        assert_eq!((found.log_epoch(), found.node_id()), (1, store.node_id()));
    }
}

/// Without a log a suffix is lost: rows and positions of the same commits, and nothing in the middle.
#[test]
fn without_a_log_a_suffix_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (live, left) = (directory.path().join("live"), directory.path().join("left"));
    let unlogged = |path| Options { write_buffer_bytes: 64 << 20, ..unlogged(path) };
    let store = Store::open(unlogged(&live)).unwrap();
    let mut scribe = Scribe::new(&store);
    write(&store, &mut scribe, 1..101);
    store.flush().unwrap();
    write(&store, &mut scribe, 101..201);
    copy(&live, &left);
    let found = Store::open(unlogged(&left)).unwrap();
    assert_eq!(heads(&found), vec![100; 20]);
    let used = |p: &PartitionId| store.partition_state(*p).position > 0;
    assert!((0..16).map(PartitionId).filter(used).all(|p| found.partition_state(p).position == 100));
    assert_eq!(found.log_epoch(), 2);
}

/// However small the memory and however often RocksDB writes files, positions and rows agree.
#[test]
fn without_a_log_rows_and_positions_agree_at_any_moment() {
    let directory = tempfile::tempdir().unwrap();
    let live = directory.path().join("live");
    let store = Store::open(unlogged(&live)).unwrap();
    let mut scribe = Scribe::new(&store);
    let group_of = |p: PartitionId| {
        (1..=20).find(|&id| Scribe::new(&store).partition_of(&Write::PutBlock(group(id), block(1, 1, 1))) == p)
    };
    for round in 0..5 {
        write(&store, &mut scribe, 1 + round * 100..101 + round * 100);
        let left = directory.path().join(format!("left {round}"));
        let found = (0..50).find_map(|_| picture(&live, &left)).expect("a picture of the directory");
        for partition in (0..16).map(PartitionId) {
            let Some(id) = group_of(partition) else { continue };
            let head = page(&found, &page_after(group(id), 0)).last;
            assert_eq!(head, Seq(found.partition_state(partition).position), "{partition}");
        }
    }
}

/// A file that RocksDB makes or removes during the copy makes it no picture of a crash: then it is `None`.
fn picture(live: &Path, left: &Path) -> Option<Store> {
    let _ = std::fs::remove_dir_all(left);
    try_copy(live, left).ok()?;
    Store::open(unlogged(left)).ok()
}

fn unlogged(path: &Path) -> Options {
    Options { durability: Durability::None, write_buffer_bytes: 256 << 10, ..options(path) }
}
