//! One timer wheel for all connections of a shard; nothing per connection but a number.
//!
//! A connection stands in the slot of its next deadline, or of an earlier one that has moved away since: when a slot
//! comes up its connections are asked anew. A deadline is therefore kept to within two ticks, and moving one into the
//! future costs nothing.

use hubbub_core::ids::Timestamp;

/// Time in ticks since the shard began.
pub(super) type Ticks = u32;

/// Ticks in a second.
pub(super) const TICKS_PER_SECOND: u64 = 10;

/// Milliseconds in a tick.
pub(super) const TICK_MS: u64 = 1_000 / TICKS_PER_SECOND;

const SLOTS: usize = 1_024;

/// Milliseconds in ticks, rounded up.
pub(super) fn ticks(ms: u64) -> Ticks {
    (ms * TICKS_PER_SECOND).div_ceil(1_000).min(u64::from(u32::MAX / 2)) as Ticks
}

/// See the module. A connection is named by its index and generation.
#[derive(Debug)]
pub(super) struct Deadlines {
    slots: Vec<Vec<(u32, u32)>>,
    now: Ticks,
}

impl Deadlines {
    pub(super) fn new() -> Deadlines {
        Deadlines { slots: vec![Vec::new(); SLOTS], now: 0 }
    }

    /// The present tick.
    pub(super) fn now(&self) -> Ticks {
        self.now
    }

    /// The present tick as a time for limits of rates: it starts at 0, and lags behind the clock by up to a tick.
    pub(super) fn coarse_time(&self) -> Timestamp {
        Timestamp(i64::from(self.now) * 1_000 * TICK_MS as i64)
    }

    /// Asks for a look at a connection at a tick; tells when that will really be (not later).
    pub(super) fn schedule(&mut self, connection: (u32, u32), at: Ticks) -> Ticks {
        let at = at.clamp(self.now + 1, self.now + SLOTS as Ticks - 1);
        self.slots[at as usize % SLOTS].push(connection);
        at
    }

    /// Goes on by a tick; the connections to look at.
    pub(super) fn advance(&mut self) -> Vec<(u32, u32)> {
        self.now += 1;
        std::mem::take(&mut self.slots[self.now as usize % SLOTS])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_come_up_at_their_tick_or_before_a_far_one() {
        let mut deadlines = Deadlines::new();
        assert_eq!(deadlines.schedule((1, 0), 0), 1);
        assert_eq!(deadlines.schedule((2, 0), 5), 5);
        let far = deadlines.schedule((3, 0), 1_000_000);
        assert!(far < 1_024);
        let mut seen = Vec::new();
        for tick in 1..=far {
            seen.extend(deadlines.advance().into_iter().map(|(index, _)| (tick, index)));
        }
        assert_eq!(seen, [(1, 1), (5, 2), (far, 3)]);
    }

    #[test]
    fn milliseconds_round_up() {
        assert_eq!([0, 1, 100, 101, 10_000].map(ticks), [0, 1, 1, 2, 100]);
    }
}
