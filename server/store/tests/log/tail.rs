//! What is read back is what was appended, from any position, in any portions.

use crate::fixture::{Scribe, block, group, name, open, options, outbox_row};
use hubbub_core::ids::{LogId, MessageId, PartitionId, Seq, Timestamp, UserId};
use hubbub_core::records::{AccountRecord, Batch, ConversationRecord, MembershipRecord, Owner, Write};
use hubbub_store::commit_log::{Ack, CommitLog, Faults, Faulty, Local, LoggedBatch, MemoryLog, Outcome, TailError};
use hubbub_store::{Options, Store, Sync};

/// Commits of several batches each, which touch every family.
fn commits(scribe: &mut Scribe) -> Vec<Vec<Batch>> {
    let membership = MembershipRecord { joined: Seq(1), version: Seq(2), member: true };
    let conversation = |n| ConversationRecord {
        title: format!("tea {n}"),
        owner: UserId(1),
        created_by: Some(name(n)),
        created: Timestamp(1),
        log_id: LogId(1),
        floor: Seq(0),
        notified_up_to: Seq(0),
        group: None,
        history: None,
        blocks: None,
    };
    let outbox = |n| outbox_row(group(n), n, n, membership);
    let writes = |n: u64| {
        let id = n % 23 + 1;
        vec![
            Write::PutBlock(group(id), block(n, 1, 40)),
            Write::PutConversation(group(id), conversation(n)),
            Write::PutOutbox(outbox(id)),
            Write::DeleteOutbox(Owner::Conversation(group(id)), MessageId(id)),
            Write::PutAccount(UserId(id), AccountRecord::bare(Timestamp(n as i64))),
            Write::DropBlocks(group(id), Seq(1), Seq(n / 2)),
            Write::DropOverlays(group(id), Seq(n), Seq(n + 300)),
            Write::PutReactions(group(id), Seq(n), UserId(n), vec![]),
            Write::PutReactions(group(id), Seq(n), UserId(n), vec!["+".to_owned()]),
        ]
    };
    let mut commit = |n| [scribe.batches(writes(n)), scribe.batches(writes(n + 7))].concat();
    (1..=120).map(&mut commit).collect()
}

fn read_all(log: &impl CommitLog, partition: PartitionId, portion: usize) -> Vec<LoggedBatch> {
    let mut read = Vec::new();
    loop {
        let batches = log.tail(partition, read.len() as u64 + 1, portion).unwrap();
        assert!(batches.len() <= portion.max(1));
        if batches.is_empty() {
            return read;
        }
        read.extend(batches);
    }
}

/// Appends to `log`, then compares it with the reference, which keeps what it was given.
fn check(store: &Store, mut log: impl CommitLog) {
    let mut reference = MemoryLog::new(Store::memory(16), usize::MAX);
    for batches in commits(&mut Scribe::new(store)) {
        let mut acks = Vec::new();
        log.append(&batches, &mut acks).unwrap();
        reference.append(&batches, &mut Vec::new()).unwrap();
        while acks.len() < batches.len() {
            log.poll(&mut acks);
        }
        for batch in &batches {
            let committed = Ack { partition: batch.partition, position: batch.position, outcome: Outcome::Committed };
            assert!(acks.contains(&committed), "{committed:?}");
        }
    }
    let mut busy = 0;
    for partition in (0..16).map(PartitionId) {
        let expected = read_all(&reference, partition, 1000);
        busy += usize::from(expected.len() > 5);
        for portion in [1, 3, 64] {
            assert_eq!(read_all(&log, partition, portion), expected);
        }
        let head = store.partition_state(partition).position;
        assert_eq!(head, expected.len() as u64);
        for from in [1, 2, head / 2, head].into_iter().filter(|from| (1..=head).contains(from)) {
            assert_eq!(
                log.tail(partition, from, 5).unwrap(),
                expected[from as usize - 1..].iter().take(5).cloned().collect::<Vec<_>>()
            );
        }
        assert_eq!(log.tail(partition, head + 1, 5), Ok(vec![]));
        assert_eq!(log.tail(partition, head + 2, 5), Err(TailError::Ahead { head }));
    }
    assert!(busy > 8);
}

#[test]
fn local() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(Options { wal_keep_bytes: 64 << 20, ..options(directory.path()) }).unwrap();
    check(&store, Local::new(store.clone(), Sync::No));
}

#[test]
fn memory() {
    let store = Store::memory(16);
    check(&store, MemoryLog::new(store.clone(), usize::MAX));
}

#[test]
fn memory_before_a_store_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    check(&store, MemoryLog::new(store.clone(), usize::MAX));
}

#[test]
fn delayed() {
    let store = Store::memory(16);
    let faults = Faults { delayed: 500, ..Faults::default() };
    check(&store, Faulty::new(MemoryLog::new(store.clone(), usize::MAX), faults, 1));
}
