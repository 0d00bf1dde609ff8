//! An owner that reads back what it does not know and resends loses nothing and doubles nothing, whatever the log does.

use crate::fixture::{Scribe, block, group, open, page, page_after};
use hubbub_core::ids::Seq;
use hubbub_core::records::{Batch, Write};
use hubbub_store::commit_log::{Ack, CommitLog, Faults, Faulty, Local, MemoryLog, Outcome};
use hubbub_store::{Store, Sync};

const MESSAGES: u64 = 300;

/// Appends one batch until it is known to be in the log.
fn persist<L: CommitLog>(log: &mut Faulty<L>, batch: &Batch) {
    for _ in 0..1000 {
        let mut acks = Vec::new();
        log.append(std::slice::from_ref(batch), &mut acks).unwrap();
        while acks.is_empty() {
            log.poll(&mut acks);
        }
        assert_eq!((acks[0].partition, acks[0].position, acks.len()), (batch.partition, batch.position, 1));
        match acks[0].outcome {
            Outcome::Committed => return,
            Outcome::Fenced => panic!("nobody fenced"),
            Outcome::Unknown if is_there(log, batch) => return,
            Outcome::Unknown => {}
        }
    }
    panic!("no progress");
}

fn is_there<L: CommitLog>(log: &Faulty<L>, batch: &Batch) -> bool {
    let found = log.tail(batch.partition, batch.position, 1).unwrap();
    found.first().is_some_and(|found| found.position == batch.position && found.last_id == batch.last_id)
}

fn check(store: &Store, inner: impl CommitLog, seed: u64) {
    let faults = Faults { lost: 100, ack_lost: 100, late: 100, delayed: 200 };
    let mut log = Faulty::new(inner, faults, seed);
    let mut scribe = Scribe::new(store);
    for first in 1..=MESSAGES {
        for batch in scribe.batches([1, 2, 3].map(|id| Write::PutBlock(group(id), block(first, 1, 20)))) {
            persist(&mut log, &batch);
        }
    }
    let mut acks = Vec::new();
    while log.under_way() > 0 {
        log.poll(&mut acks);
    }
    assert_eq!(acks, [], "each batch has one ack");
    for id in 1..=3 {
        let page = page(store, &page_after(group(id), 0));
        assert_eq!((page.after, page.last), (Seq(0), Seq(MESSAGES)), "seed {seed}");
    }
    let partition = scribe.partition_of(&Write::PutBlock(group(1), block(1, 1, 1)));
    let tail = log.tail(partition, 1, usize::MAX).unwrap();
    assert!(tail.iter().map(|batch| batch.position).eq(1..=store.partition_state(partition).position));
}

#[test]
fn nothing_is_lost_or_doubled_in_memory() {
    for seed in 0..20 {
        let store = Store::memory(16);
        check(&store, MemoryLog::new(store.clone(), usize::MAX), seed);
    }
}

#[test]
fn nothing_is_lost_or_doubled_on_disk() {
    for seed in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        check(&store, Local::new(store.clone(), Sync::No), seed);
    }
}

#[test]
fn each_fault_happens() {
    let unknown = |faults| {
        let store = Store::memory(1);
        let mut log = Faulty::new(MemoryLog::new(store.clone(), 10), faults, 9);
        let batch = Scribe::new(&store).batches([Write::PutBlock(group(1), block(1, 1, 1))]);
        let mut acks = Vec::new();
        log.append(&batch, &mut acks).unwrap();
        let at_once = (acks.first().map(|ack| ack.outcome), store.partition_state(batch[0].partition).position);
        while log.under_way() > 0 {
            log.poll(&mut acks);
        }
        (at_once, acks[0].outcome, store.partition_state(batch[0].partition).position)
    };
    let none = Faults::default();
    use Outcome::{Committed, Unknown};
    assert_eq!(unknown(none), ((Some(Committed), 1), Committed, 1));
    assert_eq!(unknown(Faults { lost: 1000, ..none }), ((Some(Unknown), 0), Unknown, 0));
    assert_eq!(unknown(Faults { ack_lost: 1000, ..none }), ((Some(Unknown), 1), Unknown, 1));
    assert_eq!(unknown(Faults { late: 1000, ..none }), ((Some(Unknown), 0), Unknown, 1));
    assert_eq!(unknown(Faults { delayed: 1000, ..none }), ((None, 1), Committed, 1));
}

#[test]
fn a_fenced_partition_takes_nothing_and_others_go_on() {
    let store = Store::memory(16);
    let mut log = Faulty::new(MemoryLog::new(store.clone(), 10), Faults::default(), 1);
    let batches = Scribe::new(&store).batches((1..=30).map(|id| Write::PutBlock(group(id), block(1, 1, 1))));
    log.fence(batches[0].partition);
    let mut acks: Vec<Ack> = Vec::new();
    log.append(&batches, &mut acks).unwrap();
    let outcomes: Vec<Outcome> = acks.iter().map(|ack| ack.outcome).collect();
    assert_eq!(outcomes[0], Outcome::Fenced);
    assert!(outcomes.len() > 8 && outcomes[1..].iter().all(|&outcome| outcome == Outcome::Committed));
    assert_eq!(store.partition_state(batches[0].partition).position, 0);
    assert_eq!(store.partition_state(batches[1].partition).position, 1);
}
