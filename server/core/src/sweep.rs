//! How far a log has been looked through for what its conversation need not keep any more.

use crate::holders::Round;
use crate::ids::{Seq, Timestamp};

/// When a log was looked through for what retention takes away.
#[derive(Debug)]
pub(crate) struct Sweep {
    pub(crate) at: Timestamp,
    /// The head then.
    pub(crate) head: Seq,
    /// The store has been asked, or the members' homes.
    pub(crate) under_way: bool,
    /// Of a log that kept entries until they were delivered: who has been asked about.
    pub(crate) round: Option<Box<Round>>,
}

impl Sweep {
    /// Never.
    pub(crate) fn new() -> Sweep {
        Sweep { at: Timestamp(0), head: Seq(0), under_way: false, round: None }
    }

    /// There is nothing more to do for a while.
    pub(crate) fn rest(&mut self, now: Timestamp, head: Seq) {
        // What came after the members were asked has not been looked at.
        let begun = self.round.as_mut().and_then(|round| round.restart());
        (self.at, self.head) = (now, begun.unwrap_or(head));
    }

    /// It is to be looked through soon.
    pub(crate) fn start_over(&mut self) {
        self.at = Timestamp(0);
    }
}
