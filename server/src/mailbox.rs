//! How shards hand messages to each other: bounded lock-free lanes, one for each sender, and one bell.
//!
//! A sender fills its lane and rings once for many messages; ringing a bell that has not been answered costs one
//! atomic operation and wakes nobody. Lanes keep the order of their sender. Nobody ever waits on a full lane: the
//! sender keeps what did not fit and decides what to do about it (`shard::router`).

use crate::sync::{AtomicBool, AtomicWaker, Ordering, Queue};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Wakes the owner of a mailbox.
#[derive(Debug)]
pub struct Bell {
    rung: AtomicBool,
    waker: AtomicWaker,
    /// When it was rung that is not answered; see [`micros`]. Nothing but metrics depends on it, so that it may be late
    /// by a moment: it is written after `rung` and ordered with nothing.
    rung_us: AtomicU64,
}

impl Bell {
    /// A silent bell.
    #[must_use]
    pub fn new() -> Bell {
        Bell { rung: AtomicBool::new(false), waker: AtomicWaker::new(), rung_us: AtomicU64::new(0) }
    }

    /// Makes the owner look, now or when it next waits. Call it after filling a lane.
    pub fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            self.rung_us.store(micros(), Ordering::Relaxed);
            self.waker.wake();
        }
    }

    /// Ready once the bell was rung since the last time; the owner then looks into every lane.
    pub fn poll_rung(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.rung.swap(false, Ordering::AcqRel) {
            return Poll::Ready(());
        }
        self.waker.register(cx.waker());
        // A ring between the look and the registration found no waker.
        if self.rung.swap(false, Ordering::AcqRel) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// How long the first ring waited that the owner has just answered; `None` when that was taken before.
    pub fn take_wait(&self) -> Option<Duration> {
        match self.rung_us.swap(0, Ordering::Relaxed) {
            0 => None,
            rung => Some(Duration::from_micros(micros().saturating_sub(rung))),
        }
    }

    /// How long a ring has waited by now for an answer; zero when none does.
    #[must_use]
    pub fn waiting(&self) -> Duration {
        let rung = self.rung_us.load(Ordering::Relaxed);
        let waits = self.rung.load(Ordering::Relaxed) && rung != 0;
        Duration::from_micros(if waits { micros().saturating_sub(rung) } else { 0 })
    }
}

/// Microseconds since this process first asked, from 1 on.
fn micros() -> u64 {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed().as_micros() as u64 + 1
}

impl Default for Bell {
    fn default() -> Bell {
        Bell::new()
    }
}

/// One shard's mailbox: a lane from each sender.
#[derive(Debug)]
pub struct Mailbox<T> {
    lanes: Box<[Queue<T>]>,
    bell: Arc<Bell>,
}

impl<T> Mailbox<T> {
    /// `senders` lanes of `capacity` messages each.
    #[must_use]
    pub fn new(senders: usize, capacity: usize) -> Mailbox<T> {
        Mailbox { lanes: (0..senders).map(|_| Queue::new(capacity)).collect(), bell: Arc::default() }
    }

    /// Puts a message into a sender's lane; gives it back when the lane is full. Does not ring.
    ///
    /// # Errors
    /// The message, when there is no room.
    pub fn push(&self, sender: usize, message: T) -> Result<(), T> {
        self.lanes[sender].push(message)
    }

    /// The oldest message of a sender.
    pub fn pop(&self, sender: usize) -> Option<T> {
        self.lanes[sender].pop()
    }

    /// How many lanes there are.
    #[must_use]
    pub fn senders(&self) -> usize {
        self.lanes.len()
    }

    /// Messages in all lanes, about.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.lanes.iter().map(Queue::len).sum()
    }

    /// The bell of the owner.
    pub fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }
}
