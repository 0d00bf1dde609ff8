//! The commit thread: gathers batches of all shards into one write and one sync.
//!
//! A shard hands over jobs and goes on; the thread takes everything that waits, makes it durable at once, and puts the
//! outcome of each job into its shard's box. While it waits for the disk the next jobs gather, so under load many
//! messages share a sync. If a commit fails, memory is ahead of disk: the process ends, loudly.

use crate::mailbox::Bell;
use crate::metrics::CommitCounters;
use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use crossbeam::queue::ArrayQueue;
use hubbub_core::ids::PartitionId;
use hubbub_core::records::{Batch, Write};
use hubbub_store::commit_log::{Ack, CommitLog, Outcome};
use hubbub_store::{CommitError, Sync};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tracing::error;

/// Most jobs of one shard under way: one at the disk, one behind it. The rest gathers in the shard.
pub const JOBS_PER_SHARD_MAX: usize = 2;
/// Most jobs merged into one write.
const MERGE_MAX: usize = 256;
const PUBLISH_PERIOD: Duration = Duration::from_secs(1);

/// Batches of one shard, in order.
struct Job {
    shard: usize,
    batches: Vec<Batch>,
    since: Instant,
}

/// Where a shard finds what became durable.
#[derive(Debug)]
pub struct CommittedBox {
    committed: ArrayQueue<Vec<(PartitionId, u64)>>,
}

impl CommittedBox {
    fn new() -> CommittedBox {
        // A place for each job, reserved when the job is handed over.
        CommittedBox { committed: ArrayQueue::new(JOBS_PER_SHARD_MAX) }
    }

    /// The positions of the oldest job that became durable.
    pub fn pop(&self) -> Option<Vec<(PartitionId, u64)>> {
        self.committed.pop()
    }
}

/// A shard's end of the commit thread.
#[derive(Clone, Debug)]
pub struct Committer {
    jobs: Sender<Job>,
    shard: usize,
    committed: Arc<CommittedBox>,
}

impl Committer {
    /// Hands batches over; at most [`JOBS_PER_SHARD_MAX`] may be under way.
    pub fn submit(&self, batches: Vec<Batch>) {
        let job = Job { shard: self.shard, batches, since: Instant::now() };
        // The channel has a place for every job that may be under way, and its thread outlives the shards.
        self.jobs.try_send(job).expect("jobs are bounded, and the commit thread outlives the shards");
    }

    /// What became durable.
    #[must_use]
    pub fn committed(&self) -> &CommittedBox {
        &self.committed
    }
}

/// The running thread. It ends when all [`Committer`]s are dropped.
#[derive(Debug)]
pub struct CommitThread {
    thread: JoinHandle<()>,
}

impl CommitThread {
    /// Starts it for the shards whose bells are given, in order.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start<L>(log: L, sync: Sync, bells: Vec<Arc<Bell>>) -> std::io::Result<(CommitThread, Vec<Committer>)>
    where
        L: CommitLog + Send + 'static,
    {
        let (jobs, waiting) = bounded(bells.len() * JOBS_PER_SHARD_MAX);
        let boxes: Vec<_> = bells.iter().map(|_| Arc::new(CommittedBox::new())).collect();
        let committers = boxes.iter().enumerate().map(|(shard, committed)| Committer {
            jobs: jobs.clone(),
            shard,
            committed: committed.clone(),
        });
        let committers = committers.collect();
        let desks = boxes.into_iter().zip(bells).collect();
        let mut worker = Worker { log, sync, desks, counters: CommitCounters::register(), acks: Vec::new() };
        let thread = std::thread::Builder::new().name("commit".to_owned()).spawn(move || worker.run(&waiting))?;
        Ok((CommitThread { thread }, committers))
    }

    /// Waits for its end.
    pub fn join(self) {
        let _ = self.thread.join(); // A panic there has already ended the process.
    }
}

type Desk = (Arc<CommittedBox>, Arc<Bell>);

struct Worker<L> {
    log: L,
    sync: Sync,
    desks: Vec<Desk>,
    counters: CommitCounters,
    acks: Vec<Ack>,
}

impl<L: CommitLog> Worker<L> {
    fn run(&mut self, waiting: &Receiver<Job>) {
        let mut published = Instant::now();
        loop {
            match waiting.recv_timeout(PUBLISH_PERIOD) {
                Ok(first) => self.commit(first, waiting),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.counters.publish(),
            }
            if published.elapsed() >= PUBLISH_PERIOD {
                self.counters.publish();
                published = Instant::now();
            }
        }
    }

    /// Commits a job with all that wait behind it.
    fn commit(&mut self, first: Job, waiting: &Receiver<Job>) {
        let mut positions = vec![(first.shard, positions_of(&first.batches))];
        let mut batches = first.batches;
        self.counters.queued(first.since.elapsed());
        for job in waiting.try_iter().take(MERGE_MAX - 1) {
            self.counters.queued(job.since.elapsed());
            positions.push((job.shard, positions_of(&job.batches)));
            batches.extend(job.batches);
        }
        let begun = Instant::now();
        self.acks.clear();
        if let Err(error) = self.log.append(&batches, &mut self.acks) {
            end_process(&error);
        }
        check_outcomes(&self.acks);
        self.counters.committed(entries_in(&batches), begun.elapsed());
        if self.sync == Sync::Yes {
            self.counters.synced();
        }
        for (shard, positions) in positions {
            let (committed, bell) = &self.desks[shard];
            committed.committed.push(positions).expect("each job has its place");
            bell.ring();
        }
    }
}

fn positions_of(batches: &[Batch]) -> Vec<(PartitionId, u64)> {
    batches.iter().map(|batch| (batch.partition, batch.position)).collect()
}

/// How many entries batches hold.
#[must_use]
pub fn entries_in(batches: &[Batch]) -> u64 {
    let writes = batches.iter().flat_map(|batch| &batch.writes);
    writes.map(|write| if let Write::PutBlock(_, block) = write { u64::from(block.count) } else { 0 }).sum()
}

/// A local log knows what became of every batch; anything but `Committed` means that somebody else owns the data.
pub fn check_outcomes(acks: &[Ack]) {
    if let Some(ack) = acks.iter().find(|ack| ack.outcome != Outcome::Committed) {
        error!("batch {} of partition {} was not committed: {:?}", ack.position, ack.partition, ack.outcome);
        std::process::abort();
    }
}

/// What was decided cannot be made durable: nothing of it was visible, and nothing more may become so.
pub fn end_process(error: &CommitError) -> ! {
    error!("a commit failed, and memory is ahead of disk: {error}");
    error!("the server stops; every acknowledged message is safe. Make room or repair the disk, then start it again");
    std::process::abort();
}

#[cfg(test)]
mod tests;
