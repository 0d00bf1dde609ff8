use super::*;
use hubbub_core::ids::{MessageId, Timestamp};
use hubbub_store::commit_log::{LoggedBatch, TailError};
use std::sync::mpsc;

/// A log that makes nothing durable until it is allowed to.
struct Withheld {
    /// Tells which positions are being made durable.
    begun: mpsc::Sender<Vec<u64>>,
    /// One allowance for each append.
    allowed: mpsc::Receiver<()>,
}

impl CommitLog for Withheld {
    fn append(&mut self, batches: &[Batch], acks: &mut Vec<Ack>) -> Result<(), CommitError> {
        self.begun.send(batches.iter().map(|batch| batch.position).collect()).unwrap();
        self.allowed.recv().unwrap();
        acks.extend(batches.iter().map(|batch| Ack {
            partition: batch.partition,
            position: batch.position,
            outcome: Outcome::Committed,
        }));
        Ok(())
    }

    fn poll(&mut self, _: &mut Vec<Ack>) {}

    fn tail(&self, _: PartitionId, _: u64, _: usize) -> Result<Vec<LoggedBatch>, TailError> {
        Ok(Vec::new())
    }

    fn trim(&mut self, _: PartitionId, _: u64) {}
}

fn batch(position: u64) -> Batch {
    Batch { partition: PartitionId(3), position, last_id: MessageId(0), time: Timestamp(0), writes: Vec::new() }
}

/// Waits until the bell has rung and takes what is there.
fn committed(committer: &Committer, bell: &Bell) -> Vec<(PartitionId, u64)> {
    let waiting = std::thread::current();
    let waker = std::task::Waker::from(Arc::new(Unpark(waiting)));
    let mut cx = std::task::Context::from_waker(&waker);
    loop {
        if let Some(positions) = committer.committed().pop() {
            return positions;
        }
        if bell.poll_rung(&mut cx).is_pending() {
            std::thread::park();
        }
    }
}

struct Unpark(std::thread::Thread);

impl std::task::Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn nothing_counts_as_committed_before_the_log_says_so() {
    let (begun, begins) = mpsc::channel();
    let (allow, allowed) = mpsc::channel();
    let bells = [Arc::new(Bell::new()), Arc::new(Bell::new())];
    let log = Withheld { begun, allowed };
    let (thread, committers) = CommitThread::start(log, Sync::Yes, bells.to_vec()).unwrap();
    committers[0].submit(vec![batch(1), batch(2)]);
    assert_eq!(begins.recv().unwrap(), [1, 2]);
    // While that is at the disk, more gathers, of both shards.
    committers[1].submit(vec![batch(3)]);
    committers[0].submit(vec![batch(4)]);
    assert_eq!((committers[0].committed().pop(), committers[1].committed().pop()), (None, None));
    allow.send(()).unwrap();
    assert_eq!(committed(&committers[0], &bells[0]), [(PartitionId(3), 1), (PartitionId(3), 2)]);
    // What gathered is one append, and has not been allowed.
    assert_eq!(begins.recv().unwrap(), [3, 4]);
    assert_eq!((committers[0].committed().pop(), committers[1].committed().pop()), (None, None));
    allow.send(()).unwrap();
    assert_eq!(committed(&committers[0], &bells[0]), [(PartitionId(3), 4)]);
    assert_eq!(committed(&committers[1], &bells[1]), [(PartitionId(3), 3)]);
    drop(committers);
    thread.join();
}
