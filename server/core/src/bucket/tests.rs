//! What the bucket promises, for any rate, any requests and any clock.

use super::*;
use proptest::prelude::*;

/// Steps: microseconds that pass, units that are asked for.
fn steps(units_max: u64) -> impl Strategy<Value = Vec<(i64, u64)>> {
    proptest::collection::vec((prop_oneof![Just(0), 0..2_000i64, 0..5_000_000i64], 1..=units_max), 1..200)
}

const BEGIN: i64 = 1_700_000_000_000_000;

proptest! {
    #[test]
    fn never_more_than_a_burst_and_what_the_rate_allows(
        per_second in 1..20_000_000u64, burst in 100..10_000_000u64, steps in steps(100),
    ) {
        let rate = Rate::per_second(per_second, burst);
        let (mut bucket, mut now) = (Bucket::default(), BEGIN);
        let mut admitted: Vec<(i64, u64)> = Vec::new();
        for (passed, units) in steps {
            now += passed;
            if let Ok(next) = bucket.admit(units, &rate, Timestamp(now)) {
                bucket = next;
                admitted.push((now, units));
            }
        }
        // In every stretch of time, not only since the beginning.
        for first in 0..admitted.len() {
            let mut sum = 0;
            for (count, &(at, units)) in admitted[first..].iter().enumerate() {
                sum += u128::from(units);
                let ns = u128::try_from(at - admitted[first].0).unwrap() * 1_000 + count as u128 + 2;
                let allowed = u128::from(burst) + (ns * u128::from(per_second)).div_ceil(1_000_000_000);
                prop_assert!(sum <= allowed, "{sum} of {allowed}");
            }
        }
    }

    #[test]
    fn a_refusal_says_exactly_how_long_to_wait(
        per_minute in 1..100_000_000u64, burst in 100..100_000u64, steps in steps(100),
    ) {
        let rate = Rate::per_minute(per_minute, burst);
        let (mut bucket, mut now) = (Bucket::default(), BEGIN);
        for (passed, units) in steps {
            now += passed;
            match bucket.admit(units, &rate, Timestamp(now)) {
                Ok(next) => bucket = next,
                Err(RetryAfterMs(ms)) => {
                    let then = |ms: u32| Timestamp(now + i64::from(ms) * 1_000);
                    prop_assert!(bucket.admit(units, &rate, then(ms)).is_ok(), "{ms} ms are not enough");
                    prop_assert!(bucket.admit(units, &rate, then(ms - 1)).is_err(), "{ms} ms are too long");
                }
            }
        }
    }

    #[test]
    fn a_burst_is_admitted_at_once_and_again_when_it_is_full(
        per_second in 1..100_000u64, burst in 1..3_000u64,
    ) {
        let rate = Rate::per_second(per_second, burst);
        let (mut bucket, mut now) = (Bucket::default(), Timestamp(BEGIN));
        for _ in 0..2 {
            prop_assert!(bucket.is_full(now));
            for _ in 0..burst {
                bucket = bucket.admit(1, &rate, now).unwrap();
            }
            prop_assert!(bucket.admit(1, &rate, now).is_err());
            prop_assert!(!bucket.is_full(now));
            now = Timestamp(now.0 + (u128::from(burst) * 1_000_000).div_ceil(u128::from(per_second)) as i64);
            // What is refused is not charged; rounding is a nanosecond for each request.
            now = Timestamp(now.0 + 1);
        }
    }

    #[test]
    fn a_clock_that_steps_back_costs_a_burst_at_most(back in 0..10_000_000_000i64) {
        let rate = Rate::per_second(10, 100);
        let bucket = Bucket::default().admit(60, &rate, Timestamp(BEGIN)).unwrap();
        let earlier = Timestamp(BEGIN - back);
        let wait = bucket.admit(100, &rate, earlier).unwrap_err();
        prop_assert!(wait.0 <= 10_000, "{wait:?}");
    }
}

#[test]
fn no_limit_admits_everything() {
    let mut bucket = Bucket::default();
    for rate in [Rate::UNLIMITED, Rate::per_second(0, 5), Rate::per_minute(0, 0)] {
        for _ in 0..1_000 {
            bucket = bucket.admit(u64::MAX, &rate, Timestamp(BEGIN)).unwrap();
        }
    }
    assert!(bucket.is_full(Timestamp(BEGIN)));
}

#[test]
fn extremes_do_not_overflow() {
    for rate in [Rate::per_second(1, u64::MAX), Rate::per_minute(1, 1), Rate::per_second(u64::MAX, u64::MAX)] {
        for now in [0, BEGIN, i64::MAX, i64::MIN] {
            let _ = Bucket::default().admit(u64::MAX, &rate, Timestamp(now));
            let _ = Bucket { full_at_ns: i64::MAX }.admit(1, &rate, Timestamp(now));
            let _ = Bucket { full_at_ns: i64::MIN }.is_full(Timestamp(now));
        }
    }
}
