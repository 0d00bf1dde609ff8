//! Threads that read from the store what is not in its cache, so that no shard ever waits for a disk.

use crate::mailbox::Bell;
use crossbeam::channel::{Receiver, Sender, bounded};
use crossbeam::queue::ArrayQueue;
use hubbub_core::machine::ReadToken;
use hubbub_core::records::{Read, ReadResult};
use hubbub_store::{Store, Tier};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use tracing::error;

/// A read of a shard.
struct Job {
    shard: usize,
    token: ReadToken,
    read: Read,
    since: Instant,
}

/// What a read has come to.
#[derive(Debug)]
pub struct Answer {
    /// Whose.
    pub token: ReadToken,
    /// `None` when the store could not be read.
    pub result: Option<ReadResult>,
    /// When it was asked.
    pub since: Instant,
}

/// A shard's end of the pool.
#[derive(Clone, Debug)]
pub struct Reader {
    jobs: Sender<Job>,
    shard: usize,
    answers: Arc<ArrayQueue<Answer>>,
    under_way: usize,
}

impl Reader {
    /// Asks; the bell rings when the answer is there. `false` when as many reads wait as may.
    pub fn submit(&mut self, token: ReadToken, read: Read) -> bool {
        let job = Job { shard: self.shard, token, read, since: Instant::now() };
        let room = self.under_way < self.answers.capacity();
        let accepted = room && self.jobs.try_send(job).is_ok();
        self.under_way += usize::from(accepted);
        accepted
    }

    /// The oldest answer.
    pub fn pop(&mut self) -> Option<Answer> {
        let answer = self.answers.pop()?;
        self.under_way -= 1;
        Some(answer)
    }

    /// Reads that have not been answered.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way
    }
}

/// The running threads. They end when all [`Reader`]s are dropped.
#[derive(Debug)]
pub struct ReaderPool {
    threads: Vec<JoinHandle<()>>,
}

type Desk = (Arc<ArrayQueue<Answer>>, Arc<Bell>);

impl ReaderPool {
    /// Starts `threads` threads for the shards whose bells are given; at most `queue_max` reads wait.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(
        store: &Store,
        threads: usize,
        queue_max: usize,
        bells: Vec<Arc<Bell>>,
    ) -> std::io::Result<(ReaderPool, Vec<Reader>)> {
        let (jobs, waiting) = bounded(queue_max);
        let answers_max = queue_max + threads;
        let desks: Vec<Desk> = bells.into_iter().map(|bell| (Arc::new(ArrayQueue::new(answers_max)), bell)).collect();
        let readers = desks.iter().enumerate().map(|(shard, (answers, _))| Reader {
            jobs: jobs.clone(),
            shard,
            answers: answers.clone(),
            under_way: 0,
        });
        let readers = readers.collect();
        let desks = Arc::new(desks);
        let threads = (0..threads).map(|n| {
            let (store, waiting, desks) = (store.clone(), waiting.clone(), desks.clone());
            std::thread::Builder::new().name(format!("read-{n}")).spawn(move || run(&store, &waiting, &desks))
        });
        Ok((ReaderPool { threads: threads.collect::<Result<_, _>>()? }, readers))
    }

    /// Waits for their end.
    pub fn join(self) {
        for thread in self.threads {
            let _ = thread.join(); // A panic there has already ended the process.
        }
    }
}

fn run(store: &Store, waiting: &Receiver<Job>, desks: &[Desk]) {
    for job in waiting {
        let result = match store.read(&job.read, Tier::Any) {
            Ok(Some(result)) => Some(result),
            Ok(None) => unreachable!("a read of any tier has an answer"),
            Err(error) => {
                error!("the store cannot be read: {error}");
                None
            }
        };
        let (answers, bell) = &desks[job.shard];
        let answer = Answer { token: job.token, result, since: job.since };
        answers.push(answer).expect("each read under way has its place");
        bell.ring();
    }
}
