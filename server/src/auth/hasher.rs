//! Threads that hash passwords, so that no shard ever waits for one and a storm of logins leaves messages alone.
//!
//! They run at low priority. A bounded number of jobs waits; beyond it a job is refused at once, with the time after
//! which there should be room. A shard pops its answers in its turn; its bell rings for each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::channel::{Receiver, Sender, bounded};
use crossbeam::queue::ArrayQueue;
use tracing::error;

use super::password::{self, Password, PasswordError, PasswordHash};
use crate::mailbox::Bell;

/// How much nicer the threads are than the rest (nice(2)).
const NICENESS: i32 = 10;
/// What a hash is taken to need before one was measured, in microseconds.
const FIRST_GUESS_US: u64 = 50_000;
/// How much a new measurement counts against those before it: one part in so many.
const SMOOTHING: u64 = 8;
/// Nobody is told to come back sooner or later than this, in milliseconds.
const RETRY_MS: std::ops::RangeInclusive<u64> = 100..=60_000;

/// A shard's own name for a job; any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashTicket(pub u64);

/// What is to be done. The password is overwritten once it is.
#[derive(Debug)]
pub enum HashJob {
    /// Make what is kept of a password.
    Hash(Password),
    /// Compare a password with what is kept of one. `None` when there is nothing to compare it with: that takes as
    /// long, and the answer is `Verified(false)`.
    Verify(Password, Option<PasswordHash>),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashOutcome {
    /// What to keep.
    Hashed(PasswordHash),
    /// Whether the password is right.
    Verified(bool),
    /// It could not be done (no memory, an unusable hash in the store); the log says why.
    Failed,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashAnswer {
    /// To which job.
    pub ticket: HashTicket,
    /// What came of it.
    pub outcome: HashOutcome,
    /// When the job was handed over.
    pub since: Instant,
}

/// As many jobs wait as may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be checked; try again in {retry_after_ms} ms")]
pub struct Busy {
    /// After how many milliseconds those that wait now should be done.
    pub retry_after_ms: u32,
}

struct Waiting {
    shard: usize,
    ticket: HashTicket,
    job: HashJob,
    since: Instant,
}

/// A shard's end of the pool.
pub struct Hasher {
    jobs: Sender<Waiting>,
    shard: usize,
    answers: Arc<ArrayQueue<HashAnswer>>,
    under_way: usize,
    pace: Arc<Pace>,
}

impl Hasher {
    /// Hands a job over; the bell rings when its answer is there.
    ///
    /// # Errors
    /// As many jobs wait as may: this one was not taken, and its password is gone.
    pub fn try_submit(&mut self, ticket: HashTicket, job: HashJob) -> Result<(), Busy> {
        let waiting = Waiting { shard: self.shard, ticket, job, since: Instant::now() };
        let room = self.under_way < self.answers.capacity();
        if !room || self.jobs.try_send(waiting).is_err() {
            return Err(Busy { retry_after_ms: self.pace.retry_after_ms(self.jobs.len()) });
        }
        self.under_way += 1;
        Ok(())
    }

    /// The oldest answer.
    pub fn pop(&mut self) -> Option<HashAnswer> {
        let answer = self.answers.pop()?;
        self.under_way -= 1;
        Some(answer)
    }

    /// Jobs of this shard that have not been answered.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// Jobs of all shards that wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").field("shard", &self.shard).field("under_way", &self.under_way).finish_non_exhaustive()
    }
}

/// How fast the pool is.
struct Pace {
    threads: u64,
    hash_us: AtomicU64,
}

impl Pace {
    fn new(threads: usize) -> Pace {
        Pace { threads: threads.max(1) as u64, hash_us: AtomicU64::new(FIRST_GUESS_US) }
    }

    /// Takes a measurement in. Two threads at once may lose one of theirs, which does no harm.
    fn took(&self, time: Duration) {
        let time_us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX / SMOOTHING);
        let before = self.hash_us.load(Ordering::Relaxed);
        self.hash_us.store((before * (SMOOTHING - 1)).saturating_add(time_us) / SMOOTHING, Ordering::Relaxed);
    }

    /// When `waiting` jobs, and those in the threads' hands, should be done.
    fn retry_after_ms(&self, waiting: usize) -> u32 {
        let rounds = (waiting as u64 + self.threads).div_ceil(self.threads);
        let time_ms = rounds.saturating_mul(self.hash_us.load(Ordering::Relaxed)).div_ceil(1_000);
        time_ms.clamp(*RETRY_MS.start(), *RETRY_MS.end()) as u32
    }
}

/// The running threads. They end when all [`Hasher`]s are dropped, after what waits is done.
#[derive(Debug)]
pub struct HasherPool {
    threads: Vec<JoinHandle<()>>,
}

type Desk = (Arc<ArrayQueue<HashAnswer>>, Arc<Bell>);

impl HasherPool {
    /// Starts `threads` threads (`auth.hash_threads`) for the shards whose bells are given; at most `queue_max` jobs
    /// wait (`auth.hash_queue_max`).
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(
        threads: usize,
        queue_max: usize,
        bells: Vec<Arc<Bell>>,
    ) -> std::io::Result<(HasherPool, Vec<Hasher>)> {
        let (jobs, waiting) = bounded(queue_max);
        let answers_max = queue_max + threads;
        let pace = Arc::new(Pace::new(threads));
        let desks: Vec<Desk> = bells.into_iter().map(|bell| (Arc::new(ArrayQueue::new(answers_max)), bell)).collect();
        let hashers = desks.iter().enumerate().map(|(shard, (answers, _))| Hasher {
            jobs: jobs.clone(),
            shard,
            answers: answers.clone(),
            under_way: 0,
            pace: pace.clone(),
        });
        let hashers = hashers.collect();
        let desks = Arc::new(desks);
        let threads = (0..threads).map(|n| {
            let (waiting, desks, pace) = (waiting.clone(), desks.clone(), pace.clone());
            std::thread::Builder::new().name(format!("hash-{n}")).spawn(move || run(&waiting, &desks, &pace))
        });
        Ok((HasherPool { threads: threads.collect::<Result<_, _>>()? }, hashers))
    }

    /// Waits for their end.
    pub fn join(self) {
        for thread in self.threads {
            let _ = thread.join(); // A panic there has already ended the process.
        }
    }
}

fn run(waiting: &Receiver<Waiting>, desks: &[Desk], pace: &Pace) {
    be_nice();
    for Waiting { shard, ticket, job, since } in waiting {
        let begun = Instant::now();
        let outcome = work(&job).unwrap_or_else(|error| {
            error!("{error}");
            HashOutcome::Failed
        });
        pace.took(begun.elapsed());
        let (answers, bell) = &desks[shard];
        answers.push(HashAnswer { ticket, outcome, since }).expect("each job under way has its place");
        bell.ring();
    }
}

fn work(job: &HashJob) -> Result<HashOutcome, PasswordError> {
    match job {
        HashJob::Hash(password) => password::hash(password).map(HashOutcome::Hashed),
        HashJob::Verify(password, kept) => password::verify(password, kept.as_ref()).map(HashOutcome::Verified),
    }
}

/// Lets every other thread go first. Where that is not permitted, this one is as important as they are.
#[allow(unsafe_code)]
fn be_nice() {
    // SAFETY: nice has no memory to touch; on Linux it changes the calling thread alone.
    let _ = unsafe { libc::nice(NICENESS) };
}

#[cfg(test)]
mod tests;
