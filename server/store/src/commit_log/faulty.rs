//! A log that misbehaves, for tests: everything that a log on other machines may do to its owner, from one seed.
//!
//! It never breaks a log's promises: `Committed` is true, `Fenced` is final, and everything else is `Unknown`.

use super::{Ack, CommitLog, LoggedBatch, Outcome, TailError};
use crate::commit::CommitError;
use hubbub_core::ids::PartitionId;
use hubbub_core::records::Batch;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use std::collections::HashSet;

/// How often each fault happens, in thousandths of the batches; together at most 1,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The batch is lost, and its outcome unknown.
    pub lost: u32,
    /// The batch is appended, and its outcome unknown all the same.
    pub ack_lost: u32,
    /// The outcome is unknown, and the batch arrives later, perhaps after it was sent again.
    pub late: u32,
    /// The outcome becomes known only after some polls, and out of order.
    pub delayed: u32,
}

enum Fate {
    Lost,
    AckLost,
    Late,
    Delayed,
    Good,
}

/// Most polls that a delayed outcome or a late batch waits.
const WAIT_POLLS_MAX: u32 = 5;

/// A log with faults.
pub struct Faulty<L> {
    inner: L,
    faults: Faults,
    random: StdRng,
    fenced: HashSet<PartitionId>,
    late: Vec<(u32, Batch)>,
    delayed: Vec<(u32, Ack)>,
}

impl<L: CommitLog> Faulty<L> {
    /// `inner` with faults; the same seed and calls give the same faults.
    pub fn new(inner: L, faults: Faults, seed: u64) -> Faulty<L> {
        Faulty {
            inner,
            faults,
            random: StdRng::seed_from_u64(seed),
            fenced: HashSet::new(),
            late: Vec::new(),
            delayed: Vec::new(),
        }
    }

    /// From now on somebody else owns the partition.
    pub fn fence(&mut self, partition: PartitionId) {
        self.fenced.insert(partition);
    }

    /// Batches and outcomes that are still under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.late.len() + self.delayed.len()
    }

    fn fate(&mut self) -> Fate {
        let Faults { lost, ack_lost, late, delayed } = self.faults;
        let roll = self.random.random_range(0..1000);
        match roll {
            _ if roll < lost => Fate::Lost,
            _ if roll < lost + ack_lost => Fate::AckLost,
            _ if roll < lost + ack_lost + late => Fate::Late,
            _ if roll < lost + ack_lost + late + delayed => Fate::Delayed,
            _ => Fate::Good,
        }
    }

    /// Appends one batch and says what became of it.
    fn append_one(&mut self, batch: &Batch) -> Result<Outcome, CommitError> {
        if self.fenced.contains(&batch.partition) {
            return Ok(Outcome::Fenced);
        }
        match self.inner.append(std::slice::from_ref(batch), &mut Vec::new()) {
            Ok(()) => Ok(Outcome::Committed),
            // The one before it was lost, or it is there already.
            Err(CommitError::OutOfOrder { .. }) => Ok(Outcome::Unknown),
            Err(error) => Err(error),
        }
    }

    fn deliver_late(&mut self) {
        for (_, batch) in due(&mut self.late) {
            // Nobody waits for it: it fits, or it does not.
            let _ = self.append_one(&batch);
        }
    }

    fn wait(&mut self) -> u32 {
        self.random.random_range(1..=WAIT_POLLS_MAX)
    }
}

/// Counts down and takes out what has waited long enough.
fn due<T>(waiting: &mut Vec<(u32, T)>) -> Vec<(u32, T)> {
    waiting.iter_mut().for_each(|(polls, _)| *polls -= 1);
    waiting.extract_if(.., |(polls, _)| *polls == 0).collect()
}

impl<L: CommitLog> CommitLog for Faulty<L> {
    fn append(&mut self, batches: &[Batch], acks: &mut Vec<Ack>) -> Result<(), CommitError> {
        for batch in batches {
            let wait = self.wait();
            match self.fate() {
                Fate::Lost => acks.push(Ack::of(batch, Outcome::Unknown)),
                Fate::AckLost => {
                    self.append_one(batch)?;
                    acks.push(Ack::of(batch, Outcome::Unknown));
                }
                Fate::Late => {
                    self.late.push((wait, batch.clone()));
                    acks.push(Ack::of(batch, Outcome::Unknown));
                }
                Fate::Delayed => {
                    let outcome = self.append_one(batch)?;
                    self.delayed.push((wait, Ack::of(batch, outcome)));
                }
                Fate::Good => acks.push(Ack::of(batch, self.append_one(batch)?)),
            }
        }
        Ok(())
    }

    fn poll(&mut self, acks: &mut Vec<Ack>) {
        self.deliver_late();
        let mut known: Vec<Ack> = due(&mut self.delayed).into_iter().map(|(_, ack)| ack).collect();
        known.shuffle(&mut self.random);
        acks.append(&mut known);
        self.inner.poll(acks);
    }

    fn tail(&self, partition: PartitionId, from: u64, batches_max: usize) -> Result<Vec<LoggedBatch>, TailError> {
        self.inner.tail(partition, from, batches_max)
    }

    fn trim(&mut self, partition: PartitionId, up_to: u64) {
        self.inner.trim(partition, up_to);
    }
}
