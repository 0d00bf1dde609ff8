//! How much the ledgers of a thread remember, and how much they may.
//!
//! What counts is each message that is not settled, and each fault that still has to be judged. When the room is full the
//! thread ends its traffic: what is under way is still accounted for. Only what would need more than twice the room is
//! not, and a ledger with anything unaccounted for never closes.

use super::slot::Slot;

/// Bytes of slots that all ledgers of a run may need together, unless told otherwise: 27 million messages.
pub const LEDGER_BYTES_DEFAULT: u64 = 1 << 30;

/// A count with a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    held: u64,
    most: u64,
    max: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self::of_bytes(LEDGER_BYTES_DEFAULT)
    }
}

impl Room {
    /// Room for as many slots as so many bytes hold; at least one.
    #[must_use]
    pub fn of_bytes(bytes: u64) -> Self {
        Self { held: 0, most: 0, max: (bytes / size_of::<Slot>() as u64).max(1) }
    }

    /// Takes room for `count` more; false when there is none, even in the reserve.
    pub fn take(&mut self, count: u64) -> bool {
        let wanted = self.held.saturating_add(count);
        if wanted > self.max.saturating_mul(2) {
            return false;
        }
        self.held = wanted;
        self.most = self.most.max(wanted);
        true
    }

    /// Gives room back.
    pub fn give_back(&mut self, count: u64) {
        debug_assert!(self.held >= count, "nothing is given back that was not taken");
        self.held = self.held.saturating_sub(count);
    }

    /// What is held now.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// The most that was ever held.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.most
    }

    /// What may be held.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.max
    }

    /// Whether nothing more should be begun.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.held >= self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_full_before_the_reserve_is_used_up() {
        let mut room = Room::of_bytes(10 * size_of::<Slot>() as u64);
        assert!(room.take(9) && !room.is_full());
        assert!(room.take(1) && room.is_full());
        assert!(room.take(10), "what is under way has a reserve");
        assert!(!room.take(1) && room.held() == 20);
        room.give_back(15);
        assert!(!room.is_full());
        assert_eq!((room.held(), room.most(), room.max()), (5, 20, 10));
    }

    #[test]
    fn a_gibibyte_is_27_million_messages() {
        assert_eq!(Room::default().max() / 100_000, 268);
    }
}
