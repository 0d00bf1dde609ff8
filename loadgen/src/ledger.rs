//! The ledger: every accepted message is accounted for at every recipient.
//!
//! One [`ConversationLedger`](conversation::ConversationLedger) for each conversation takes three kinds of facts: a
//! member sent its counter c; the server acknowledged it at seq s; a member's device was handed the entry s with this
//! content. An entry is *settled*, and forgotten, when all members have it and its sender has its acknowledgement. What
//! cannot be settled by the end is judged then. The ledger trusts neither the server nor the client session: it counts
//! duplicates, gaps and order from what the session handed out.
//!
//! Memory: [`slot::Slot`] (40 bytes) for each message that is not settled yet, however many recipients it has; for each
//! (conversation, member) 32 bytes as a recipient, 40 as a sender and 8 for its user; nothing for a message once it is
//! settled. [`room::Room`] bounds the first.

pub mod book;
pub mod conversation;
pub mod fault;
pub mod ranges;
pub mod room;
pub mod slot;
pub mod unnumbered;

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;

use fault::Fault;
use room::Room;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most faults described one by one; further ones are only counted.
pub const FAULTS_DESCRIBED_MAX: usize = 100;

/// What the ledger says. A *copy* is one message at one member's device; the sender's own is one of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Totals {
    /// Messages for which `Sent` was received.
    pub accepted: u64,
    /// Copies that accepted messages must have: one for each member.
    pub copies_due: u64,
    /// Copies of accepted messages that arrived whole and in their place.
    pub delivered: u64,
    /// Of these: pushed as they happened.
    pub delivered_live: u64,
    /// Of these: caught up with, after a reconnect, a lag or a gap.
    pub delivered_on_sync: u64,
    /// Copies that did not arrive whole, although the recipient was seen to have come to the end of the log.
    /// `delivered + lost + pending` is always `copies_due`.
    pub lost: u64,
    /// Copies that had not arrived when the run ended, at recipients that could not be asked.
    pub pending: u64,
    /// Copies handed out again, or stored a second time.
    pub duplicated: u64,
    /// Copies out of order: a smaller seq after a greater one, or a sender's later message before its earlier one.
    pub reordered: u64,
    /// Numbers that were passed over when a later entry was handed out.
    pub gaps: u64,
    /// Copies whose content was damaged, or was in the wrong conversation, or was never sent.
    pub corrupt: u64,
    /// Sends that were never acknowledged; each may be stored once or not at all.
    pub unacknowledged: u64,
    /// Of these: those that were found in the log.
    pub unacknowledged_stored: u64,
    /// Sends that the server refused for good.
    pub refused: u64,
    /// Logs that began anew during the run; what they held cannot be accounted for.
    pub log_resets: u64,
    /// What the ledger had no room for.
    #[serde(default)]
    pub unaccounted: u64,
    /// Copies handed out again as "at least once" allows: of a message that its sender put on the wire again, or marked by
    /// the server as sent before. Only where the server numbers nothing (MQTT); no fault.
    #[serde(default)]
    pub redelivered: u64,
}

impl Totals {
    /// Whether every accepted message is accounted for and nothing else was seen.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        let faults = [
            self.lost,
            self.pending,
            self.duplicated,
            self.reordered,
            self.gaps,
            self.corrupt,
            self.log_resets,
            self.unaccounted,
        ];
        faults.iter().all(|count| *count == 0) && self.delivered == self.copies_due
    }

    /// Adds the figures of another part of the population.
    pub fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.copies_due += other.copies_due;
        self.delivered += other.delivered;
        self.delivered_live += other.delivered_live;
        self.delivered_on_sync += other.delivered_on_sync;
        self.lost += other.lost;
        self.pending += other.pending;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.gaps += other.gaps;
        self.corrupt += other.corrupt;
        self.unacknowledged += other.unacknowledged;
        self.unacknowledged_stored += other.unacknowledged_stored;
        self.refused += other.refused;
        self.log_resets += other.log_resets;
        self.unaccounted += other.unaccounted;
        self.redelivered += other.redelivered;
    }
}

/// The account of a thread, a process or a run: totals, and the first faults one by one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Account {
    /// The figures.
    pub totals: Totals,
    /// The first [`FAULTS_DESCRIBED_MAX`] faults.
    pub faults: Vec<Fault>,
    /// What the ledgers of the account remember; of a thread.
    #[serde(skip)]
    pub room: Room,
}

impl Account {
    /// Notes a fault, while there is room.
    pub fn describe(&mut self, fault: impl FnOnce() -> Fault) {
        if self.faults.len() < FAULTS_DESCRIBED_MAX {
            self.faults.push(fault());
        }
    }

    /// Adds another part.
    pub fn add(&mut self, other: Self) {
        self.totals.add(&other.totals);
        let room = FAULTS_DESCRIBED_MAX.saturating_sub(self.faults.len());
        self.faults.extend(other.faults.into_iter().take(room));
    }
}
