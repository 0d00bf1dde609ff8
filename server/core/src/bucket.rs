//! A token bucket in one number: how much of something may happen, with the time as an argument.
//!
//! It is the generic cell rate algorithm: instead of counting tokens and the time since they were counted, the bucket
//! keeps the moment at which it will be full again. Every admitted unit moves that moment on by what the unit takes at
//! the allowed rate; what would move it further ahead of now than a whole burst is refused.
//!
//! Promises: in any stretch of time no more than a burst and what the rate allows in that time is admitted (exact to
//! one nanosecond's worth for each call), a full bucket admits a whole burst at once, and whoever waits as long as a
//! refusal says is admitted, unless others came first. A clock that steps back costs at most one burst.

use crate::ids::Timestamp;

/// Binary digits behind the point in [`Rate::unit`].
const FRACTION_BITS: u32 = 20;
/// Longer times are cut to this: 73 years in nanoseconds, so that sums of a few still fit.
const LONGEST_NS: i64 = i64::MAX / 4;

/// How much may happen in the long run, and how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Nanoseconds for one unit, in fixed point, rounded up; 0: no limit.
    unit: u64,
    /// How far ahead of now a bucket may become full again.
    burst_ns: i64,
}

impl Rate {
    /// Everything is admitted.
    pub const UNLIMITED: Rate = Rate { unit: 0, burst_ns: 0 };

    /// So many units a second, of which `burst` may come at once. A request of more than `burst` units is never
    /// admitted. 0 units a second stand for no limit.
    #[must_use]
    pub fn per_second(units: u64, burst: u64) -> Rate {
        Rate::new(1_000_000_000, units, burst)
    }

    /// The same for a minute.
    #[must_use]
    pub fn per_minute(units: u64, burst: u64) -> Rate {
        Rate::new(60_000_000_000, units, burst)
    }

    fn new(period_ns: u64, units: u64, burst: u64) -> Rate {
        if units == 0 {
            return Rate::UNLIMITED;
        }
        let mut rate = Rate { unit: (period_ns << FRACTION_BITS).div_ceil(units), burst_ns: 0 };
        rate.burst_ns = rate.cost_ns(burst);
        rate
    }

    /// How long so many units take.
    fn cost_ns(&self, units: u64) -> i64 {
        let ns = (u128::from(units) * u128::from(self.unit)) >> FRACTION_BITS;
        i64::try_from(ns).map_or(LONGEST_NS, |ns| ns.min(LONGEST_NS))
    }
}

/// A refusal: the same request is admitted after so many milliseconds, at least 1, if nothing else comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfterMs(pub u32);

/// See the module. A new one is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// When it is full again, in nanoseconds since the epoch.
    full_at_ns: i64,
}

impl Bucket {
    /// The bucket after so many units at `now`. They are admitted by storing it, so several buckets can be asked
    /// before any is charged.
    ///
    /// # Errors
    /// It does not hold as many: how long to wait.
    pub fn admit(self, units: u64, rate: &Rate, now: Timestamp) -> Result<Bucket, RetryAfterMs> {
        if rate.unit == 0 {
            return Ok(self);
        }
        let now_ns = now.0.saturating_mul(1_000).clamp(0, i64::MAX / 2);
        // No further ahead than a burst: else a clock that stepped back would close it for as long.
        let full_at_ns = self.full_at_ns.clamp(now_ns, now_ns + rate.burst_ns) + rate.cost_ns(units);
        let early_ns = full_at_ns - rate.burst_ns - now_ns;
        if early_ns <= 0 {
            return Ok(Bucket { full_at_ns });
        }
        let wait_ms = (early_ns as u64).div_ceil(1_000_000);
        Err(RetryAfterMs(u32::try_from(wait_ms).unwrap_or(u32::MAX)))
    }

    /// Whether it holds a whole burst, and so need not be remembered.
    #[must_use]
    pub fn is_full(self, now: Timestamp) -> bool {
        self.full_at_ns <= now.0.saturating_mul(1_000)
    }
}

#[cfg(test)]
mod tests;
