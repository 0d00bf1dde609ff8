//! How often one address may try to log in.
//!
//! A bucket for each address refills with `limits.address_logins_per_minute` and holds `limits.address_logins_burst`.
//! It is charged for logins that need a password hash, for registrations, and for failed logins of any kind; never for
//! a login with a good token, so people behind one address do not lock each other out. It spares the threads that hash
//! passwords and makes guessing slow.
//!
//! An IPv6 address counts with all of its /64, which is what one customer has. The number of addresses that are
//! remembered is bounded; the one that has been quiet for longest, whose bucket is the fullest, goes first.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use lru::LruCache;
use parking_lot::Mutex;

use crate::addresses::Source;
use crate::config::Limits;

/// Most addresses that are remembered, over all parts.
pub const ADDRESSES_MAX: usize = 65_536;
/// Parts with a lock each, so that shards do not meet.
const PARTS: usize = 16;

/// An address has tried too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many logins from this address; try again in {retry_after_ms} ms")]
pub struct TooMany {
    /// After how many milliseconds one more is admitted.
    pub retry_after_ms: u32,
}

/// The moment at which a bucket will be full again says all about it.
type FullAt = Instant;

/// See the module.
pub struct Attempts {
    /// How long one login takes to refill; zero when there is no limit.
    refill: Duration,
    /// How long an empty bucket takes to be full.
    refill_all: Duration,
    pick: RandomState,
    parts: Box<[Mutex<LruCache<Source, FullAt>>]>,
}

impl Attempts {
    /// With the configured limits, and all buckets full.
    #[must_use]
    pub fn new(limits: &Limits) -> Attempts {
        Self::with_capacity(limits, ADDRESSES_MAX / PARTS)
    }

    fn with_capacity(limits: &Limits, part_max: usize) -> Attempts {
        let refill = match limits.address_logins_per_minute {
            0 => Duration::ZERO,
            per_minute => Duration::from_secs(60) / per_minute,
        };
        let part_max = NonZeroUsize::new(part_max).expect("a part has room");
        Attempts {
            refill,
            refill_all: refill * limits.address_logins_burst,
            pick: RandomState::new(),
            parts: (0..PARTS).map(|_| Mutex::new(LruCache::new(part_max))).collect(),
        }
    }

    /// Takes one login from the bucket of an address. Call it before a password is hashed, or after a token was refused.
    ///
    /// # Errors
    /// The bucket is empty; nothing was taken.
    pub fn admit(&self, address: IpAddr, now: Instant) -> Result<(), TooMany> {
        if self.refill.is_zero() {
            return Ok(());
        }
        let source = Source::of(address);
        let mut part = self.parts[self.pick.hash_one(source) as usize % PARTS].lock();
        let full_at = part.get_or_insert_mut(source, || now);
        let then_full_at = (*full_at).max(now) + self.refill;
        let latest = now + self.refill_all;
        if then_full_at > latest {
            return Err(TooMany { retry_after_ms: ms_up(then_full_at - latest) });
        }
        *full_at = then_full_at;
        Ok(())
    }

    /// How many addresses are remembered.
    #[must_use]
    pub fn addresses(&self) -> usize {
        self.parts.iter().map(|part| part.lock().len()).sum()
    }
}

impl std::fmt::Debug for Attempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempts").field("refill", &self.refill).finish_non_exhaustive()
    }
}

/// Whole milliseconds, rounded up.
fn ms_up(time: Duration) -> u32 {
    u32::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(per_minute: u32, burst: u32) -> Attempts {
        attempts_of(per_minute, burst, ADDRESSES_MAX / PARTS)
    }

    fn attempts_of(per_minute: u32, burst: u32, part_max: usize) -> Attempts {
        let limits = Limits { address_logins_per_minute: per_minute, address_logins_burst: burst, ..Limits::default() };
        Attempts::with_capacity(&limits, part_max)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_is_admitted_and_then_the_rate() {
        let (attempts, start, address) = (attempts(60, 30), Instant::now(), ip("192.0.2.1"));
        (0..30).for_each(|_| attempts.admit(address, start).unwrap());
        assert_eq!(attempts.admit(address, start), Err(TooMany { retry_after_ms: 1_000 }));
        let soon = start + Duration::from_millis(999);
        assert_eq!(attempts.admit(address, soon), Err(TooMany { retry_after_ms: 1 }));
        let then = start + Duration::from_secs(1);
        assert_eq!(attempts.admit(address, then), Ok(()), "what it was told is true");
        assert_eq!(attempts.admit(address, then), Err(TooMany { retry_after_ms: 1_000 }));
        let quiet = start + Duration::from_secs(3_600);
        (0..30).for_each(|_| attempts.admit(address, quiet).unwrap());
        assert!(attempts.admit(address, quiet).is_err(), "a bucket holds no more than a burst");
    }

    #[test]
    fn asking_in_vain_costs_nothing() {
        let (attempts, start, address) = (attempts(60, 1), Instant::now(), ip("192.0.2.1"));
        attempts.admit(address, start).unwrap();
        (0..1_000).for_each(|_| assert!(attempts.admit(address, start).is_err()));
        assert_eq!(attempts.admit(address, start + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn addresses_do_not_pay_for_each_other_but_a_network_of_one_customer_does() {
        let (attempts, now) = (attempts(60, 1), Instant::now());
        attempts.admit(ip("192.0.2.1"), now).unwrap();
        attempts.admit(ip("192.0.2.2"), now).unwrap();
        assert!(attempts.admit(ip("::ffff:192.0.2.1"), now).is_err(), "the same address, written in another way");
        attempts.admit(ip("2001:db8:0:1::1"), now).unwrap();
        assert!(attempts.admit(ip("2001:db8:0:1:ffff::9"), now).is_err());
        attempts.admit(ip("2001:db8:0:2::1"), now).unwrap();
    }

    #[test]
    fn zero_switches_it_off() {
        let (attempts, now) = (attempts(0, 1), Instant::now());
        (0..1_000).for_each(|_| attempts.admit(ip("192.0.2.1"), now).unwrap());
        assert_eq!(attempts.addresses(), 0);
    }

    #[test]
    fn a_crowd_takes_a_bounded_place_and_pushes_out_who_was_quiet_for_longest() {
        let (attempts, now) = (attempts_of(60, 1, 8), Instant::now());
        let busy = ip("192.0.2.1");
        attempts.admit(busy, now).unwrap();
        for n in 0..10_000u32 {
            let _ = attempts.admit(IpAddr::V4((0x0a00_0000 + n).into()), now);
            assert!(attempts.admit(busy, now).is_err(), "who goes on trying is remembered");
        }
        assert!(attempts.addresses() <= 8 * PARTS);
    }
}
