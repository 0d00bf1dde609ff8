//! How far another machine's monotonic clock is from ours, from round trips.
//!
//! The other machine reads its clock between our sending and our receiving; halfway is the best guess, and half of the
//! round trip is how wrong it may be. The best round trip counts. As the two clocks drift apart, it is trusted less the
//! older it is, so that a newer one replaces it.

/// How fast two quartz clocks may part, in microseconds for each second: 100 ppm, twice what a cheap one is allowed.
const DRIFT_US_PER_S: u64 = 100;

/// The best that is known of another clock.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ClockOffset(Option<RoundTrip>);

#[derive(Debug, Clone, Copy)]
struct RoundTrip {
    offset_us: i64,
    half_us: u64,
    at_us: u64,
}

impl RoundTrip {
    fn uncertainty_us(&self, now_us: u64) -> u64 {
        self.half_us + now_us.saturating_sub(self.at_us) * DRIFT_US_PER_S / 1_000_000
    }
}

impl ClockOffset {
    /// Takes a round trip: sent and received by our clock, `theirs_us` read by the other in between. One that ends before
    /// it began is not one.
    pub(super) fn add(&mut self, sent_us: u64, theirs_us: u64, received_us: u64) {
        let Some(trip_us) = received_us.checked_sub(sent_us) else {
            return;
        };
        let middle_us = sent_us + trip_us / 2;
        let trip = RoundTrip {
            offset_us: theirs_us.wrapping_sub(middle_us).cast_signed(),
            half_us: trip_us.div_ceil(2),
            at_us: sent_us,
        };
        if self.0.is_none_or(|best| trip.half_us <= best.uncertainty_us(received_us)) {
            self.0 = Some(trip);
        }
    }

    /// Our time as the other clock shows it.
    pub(super) fn theirs(&self, ours_us: u64) -> u64 {
        ours_us.saturating_add_signed(self.0.map_or(0, |best| best.offset_us))
    }

    /// Their time as our clock shows it.
    pub(super) fn ours(&self, theirs_us: u64) -> u64 {
        theirs_us.saturating_add_signed(self.0.map_or(0, |best| best.offset_us.saturating_neg()))
    }

    /// How wrong [`ClockOffset::theirs`] may be; `None` before the first round trip.
    pub(super) fn uncertainty_us(&self, now_us: u64) -> Option<u64> {
        self.0.map(|best| best.uncertainty_us(now_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_shortest_round_trip_counts() {
        let mut clock = ClockOffset::default();
        assert_eq!((clock.theirs(5), clock.uncertainty_us(5)), (5, None));
        clock.add(1_000, 51_900, 2_000);
        clock.add(3_000, 53_010, 3_020);
        clock.add(4_000, 54_700, 5_000);
        assert_eq!((clock.theirs(10_000), clock.uncertainty_us(3_020)), (60_000, Some(10)));
        clock.add(7_000, 1, 6_999);
        assert_eq!((clock.theirs(10_000), clock.ours(60_000)), (60_000, 10_000));
    }

    #[test]
    fn an_old_round_trip_gives_way_to_a_longer_new_one() {
        let mut clock = ClockOffset::default();
        clock.add(0, 1_000_005, 10);
        // A minute later the clocks have parted by up to 6 ms, and the other one is 2 ms ahead of what was measured.
        let minute_us = 60_000_000;
        assert_eq!(clock.uncertainty_us(minute_us + 10), Some(6_005));
        clock.add(minute_us, minute_us + 1_002_500, minute_us + 1_000);
        assert_eq!(clock.theirs(minute_us), minute_us + 1_002_000);
        assert_eq!(clock.uncertainty_us(minute_us + 1_000), Some(500));
    }

    proptest! {
        /// Whatever the delays on the way, the truth is within the uncertainty.
        #[test]
        fn a_skewed_clock_is_found_within_the_uncertainty(
            skew_us in -1_000_000_000_i64..1_000_000_000,
            drift_ppm in -90_i64..90,
            trips in prop::collection::vec((1_u64..2_000_000, 0_u64..50_000, 0_u64..50_000), 1..40),
        ) {
            let begin_us = 2_000_000_000_u64;
            let truth = |at_us: u64| {
                let passed_us = (at_us - begin_us).cast_signed();
                at_us.checked_add_signed(skew_us + passed_us * drift_ppm / 1_000_000).unwrap()
            };
            let (mut clock, mut now_us) = (ClockOffset::default(), begin_us);
            for (pause_us, there_us, back_us) in trips {
                let sent_us = now_us + pause_us;
                now_us = sent_us + there_us + back_us;
                clock.add(sent_us, truth(sent_us + there_us), now_us);
            }
            let wrong_us = clock.theirs(now_us).abs_diff(truth(now_us));
            // One for each division.
            prop_assert!(wrong_us <= clock.uncertainty_us(now_us).unwrap() + 3, "{wrong_us} {clock:?}");
        }
    }
}
