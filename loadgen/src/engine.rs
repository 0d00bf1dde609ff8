//! The engine: threads that drive client sessions. Each thread is a single-threaded runtime with everything of its
//! communities in it: sessions, sockets, schedule, ledger, histograms. Nothing is shared but [`Control`], and nothing is
//! waited for but sockets and the clock.
//!
//! | file | owns |
//! |---|---|
//! | `plan` | what a thread is told |
//! | `report` | what a thread tells |
//! | `thread` | the loop: turns, phases, the end |
//! | `timers` | what is due when, and one timerfd to sleep on |
//! | `connect` | pacing, source addresses, a connection's life |
//! | `peer` | the session of a client, whatever protocol it speaks |
//! | `client` | a session and what it waits for |
//! | `route` | over which transports, and the handshakes there |
//! | `wire` | a client's end of its connection |
//! | `mqtt` | who MQTT's sessions are, and what they say |
//! | `trunks`, `trunk_end` | many clients over one connection |
//! | `standing` | how many clients stand where |
//! | `events` | what a session says, into ledger and histograms |
//! | `setup` | what happens before the clock runs |
//! | `groups` | making groups |
//! | `traffic` | sends, reads and reconnects by the schedule |
//! | `typing` | signals before some of the sends |
//! | `presence` | watch lists, and what watchers see |
//! | `comeback` | who is away from the start, the return of all of them, and the storm |
//! | `drain` | waiting for the ledger to close, and asking for what is missing |

mod census;
mod client;
mod comeback;
mod connect;
mod drain;
mod events;
mod groups;
mod meters;
mod mqtt;
mod peer;
pub mod plan;
mod presence;
pub mod report;
pub mod route;
mod setup;
mod standing;
mod thread;
mod timers;
mod traffic;
mod trunk_end;
mod trunks;
mod typing;
mod wire;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub use thread::spawn;

/// What a run says to its threads.
#[derive(Debug, Default)]
pub struct Control {
    /// When the traffic starts, in microseconds of the run's clock; 0 until that is known.
    start_us: AtomicU64,
    /// The traffic is to end now.
    stop: AtomicBool,
    /// Everything is to end now.
    abandon: AtomicBool,
}

impl Control {
    /// Sets the start of the traffic.
    pub fn start_at(&self, start_us: u64) {
        self.start_us.store(start_us, Ordering::Release);
    }

    /// Ends the traffic; the drain follows.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Ends everything without waiting for the ledger.
    pub fn abandon(&self) {
        self.abandon.store(true, Ordering::Release);
    }

    fn start(&self) -> Option<u64> {
        Some(self.start_us.load(Ordering::Acquire)).filter(|start_us| *start_us > 0)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.is_abandoned()
    }

    fn is_abandoned(&self) -> bool {
        self.abandon.load(Ordering::Acquire)
    }
}
