//! When to connect again, and the session's one source of randomness.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, and good enough for jitter and names.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The wait before attempt number `failures` (from 1): doubles from `min` to `max`, of which a random half is taken
/// off, so that clients that were cut off together do not come back together.
pub(super) fn backoff(failures: u32, min: Duration, max: Duration, random: &mut Random) -> Duration {
    let doubled = min.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let half = doubled.min(max) / 2;
    let half_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX - 1);
    half + Duration::from_micros(random.next() % (half_us + 1))
}
