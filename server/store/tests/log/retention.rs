//! A log that no longer reaches back says so, and where it starts.

use crate::fixture::{Scribe, block, group, options};
use hubbub_core::ids::PartitionId;
use hubbub_core::records::Write;
use hubbub_store::commit_log::{CommitLog, Local, MemoryLog, TailError};
use hubbub_store::{Durability, Options, Store, Sync};

fn append(
    log: &mut impl CommitLog,
    store: &Store,
    blocks: std::ops::RangeInclusive<u64>,
    body_bytes: usize,
) -> PartitionId {
    let mut scribe = Scribe::new(store);
    let write = |first| Write::PutBlock(group(1), block(first, 1, body_bytes));
    for first in blocks {
        log.append(&scribe.batches([write(first)]), &mut Vec::new()).unwrap();
    }
    scribe.partition_of(&write(1))
}

fn oldest(log: &impl CommitLog, partition: PartitionId) -> u64 {
    match log.tail(partition, 1, 1) {
        Ok(_) => 1,
        Err(TailError::Trimmed { oldest }) => oldest,
        Err(other) => panic!("{other}"),
    }
}

fn check_trim(mut log: impl CommitLog, store: &Store) {
    let partition = append(&mut log, store, 1..=10, 10);
    assert_eq!(oldest(&log, partition), 1);
    log.trim(partition, 4);
    log.trim(partition, 2);
    assert_eq!(oldest(&log, partition), 5);
    let positions: Vec<u64> = log.tail(partition, 5, 99).unwrap().iter().map(|batch| batch.position).collect();
    assert_eq!(positions, [5, 6, 7, 8, 9, 10]);
    log.trim(partition, 99);
    assert_eq!(log.tail(partition, 10, 1), Err(TailError::Trimmed { oldest: 11 }));
    assert_eq!(log.tail(partition, 11, 1), Ok(vec![]));
    append(&mut log, store, 11..=11, 10);
    assert_eq!(log.tail(partition, 11, 1).unwrap().len(), 1);
}

#[test]
fn trimmed_batches_are_gone() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(options(directory.path())).unwrap();
    check_trim(Local::new(store.clone(), Sync::No), &store);
    let store = Store::memory(16);
    check_trim(MemoryLog::new(store.clone(), 1000), &store);
}

#[test]
fn memory_keeps_the_last_batches() {
    let store = Store::memory(16);
    let mut log = MemoryLog::new(store.clone(), 4);
    let partition = append(&mut log, &store, 1..=10, 10);
    assert_eq!(oldest(&log, partition), 7);
}

fn small(path: &std::path::Path, wal_keep_bytes: u64) -> Options {
    Options { write_buffer_bytes: 128 << 10, wal_keep_bytes, ..options(path) }
}

#[test]
fn rocksdb_drops_old_logs_and_the_tail_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(small(directory.path(), 0)).unwrap();
    let mut log = Local::new(store.clone(), Sync::No);
    // Written until it happens, since flushes run beside the writes.
    let mut written = 0;
    let partition = loop {
        let partition = append(&mut log, &store, written + 1..=written + 100, 5_000);
        written += 100;
        if oldest(&log, partition) > 1 {
            break partition;
        }
        assert!(written < 20_000, "the log keeps everything");
    };
    // What is left is dense up to the head.
    let mut from = oldest(&log, partition);
    assert!(from <= written);
    while from <= written {
        match log.tail(partition, from, 50) {
            Ok(batches) => {
                assert!(batches.iter().zip(from..).all(|(batch, position)| batch.position == position));
                from += batches.len() as u64;
            }
            // A flush went by.
            Err(TailError::Trimmed { oldest }) => from = oldest,
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn kept_logs_reach_back_over_flushes_and_restarts() {
    let directory = tempfile::tempdir().unwrap();
    for run in 0..3 {
        let store = Store::open(small(directory.path(), 256 << 20)).unwrap();
        let mut log = Local::new(store.clone(), Sync::No);
        let partition = append(&mut log, &store, run * 400 + 1..=run * 400 + 400, 5_000);
        let batches = log.tail(partition, 1, usize::MAX).unwrap();
        assert!(batches.iter().map(|batch| batch.position).eq(1..=run * 400 + 400));
        store.close().unwrap();
    }
}

#[test]
fn without_a_log_there_is_no_tail() {
    let directory = tempfile::tempdir().unwrap();
    let unlogged = Options { durability: Durability::None, ..options(directory.path()) };
    for store in [Store::open(unlogged).unwrap(), Store::memory(16)] {
        let mut log = Local::new(store.clone(), Sync::No);
        let partition = append(&mut log, &store, 1..=10, 10);
        assert_eq!(oldest(&log, partition), 11);
    }
}

/// Batches that were committed without a log are a hole, and a tail never crosses it.
#[test]
fn a_hole_ends_a_tail() {
    let directory = tempfile::tempdir().unwrap();
    let kept = |durability| Options { durability, wal_keep_bytes: 64 << 20, ..options(directory.path()) };
    let mut partition = PartitionId(0);
    for (durability, blocks) in [(Durability::Os, 1..=5), (Durability::None, 6..=10), (Durability::Os, 11..=15)] {
        let store = Store::open(kept(durability)).unwrap();
        partition = append(&mut Local::new(store.clone(), Sync::No), &store, blocks, 10);
        store.close().unwrap();
    }
    let log = Local::new(Store::open(kept(Durability::Os)).unwrap(), Sync::No);
    let positions: Vec<u64> = log.tail(partition, 1, 99).unwrap().iter().map(|batch| batch.position).collect();
    assert_eq!(positions, [1, 2, 3, 4, 5]);
    assert_eq!(log.tail(partition, 6, 99), Err(TailError::Trimmed { oldest: 11 }));
    assert_eq!(log.tail(partition, 11, 99).unwrap().len(), 5);
}
