//! When things happen: open-loop arrivals computed from the seed alone.
//!
//! Each stream (a client's messages, a group's messages, a client's reconnects) is its own arrival process; together
//! they make the total. Every draw is a hash of (seed, stream, number), so a stream needs 24 bytes, and neither threads
//! nor processes nor the server change what it will do.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::scenario::Arrivals;

/// What a stream does. Part of every draw, so streams of one client are independent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum StreamKind {
    /// One-to-one messages of a client.
    Direct = 1,
    /// Messages to a group.
    Group = 2,
    /// Reconnects of a client.
    Churn = 3,
    /// Read marks of a client.
    Reads = 4,
    /// Who is away from the start.
    Away = 5,
    /// How large groups are.
    GroupSize = 6,
    /// Whose connections drop in a storm.
    Storm = 7,
    /// Who comes and goes at all.
    Churners = 8,
    /// Whom a client watches.
    Watches = 9,
    /// Sizes of messages without a schedule.
    Sizes = 10,
}

/// What a draw is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
enum Purpose {
    Gap = 1,
    Choice = 2,
    Extra = 3,
    Size = 4,
    SizeToo = 5,
}

/// How fast streams of one kind run, and for how long. Times are microseconds from the start of the traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// The run's seed.
    pub seed: u64,
    /// How arrivals are spread.
    pub arrivals: Arrivals,
    /// Full rate of one stream.
    pub per_second: f64,
    /// The rate rises evenly from 0 up to here.
    pub ramp_us: u64,
    /// Nothing is scheduled from here on.
    pub end_us: u64,
}

/// One arrival process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stream {
    /// Its name: kind, and the number of the client or conversation.
    kind: StreamKind,
    name: u64,
    /// Arrivals so far.
    number: u32,
    /// Arrivals due at the full rate; the process in units of its own mean gap.
    work: f64,
}

/// One arrival.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arrival {
    /// When, from the start of the traffic.
    pub at_us: u64,
    /// A number from 0 to 1 to choose with (a recipient, a sender).
    pub choice: f64,
    /// Another one.
    pub extra: f64,
}

impl Stream {
    /// A stream by its name.
    #[must_use]
    pub fn new(kind: StreamKind, name: u64) -> Self {
        Self { kind, name, number: 0, work: 0.0 }
    }

    /// The next arrival; `None` when the schedule is over.
    pub fn next(&mut self, pace: &Pace) -> Option<Arrival> {
        if pace.per_second <= 0.0 {
            return None;
        }
        self.work += match (pace.arrivals, self.number) {
            (Arrivals::Constant, 1..) => 1.0,
            // Streams do not march in step.
            (Arrivals::Constant, 0) => self.draw(pace, Purpose::Gap),
            (Arrivals::Poisson, _) => exponential(self.draw(pace, Purpose::Gap)),
        };
        let at_us = pace.time_of(self.work);
        let arrival =
            Arrival { at_us, choice: self.draw(pace, Purpose::Choice), extra: self.draw(pace, Purpose::Extra) };
        self.number += 1;
        (at_us < pace.end_us).then_some(arrival)
    }

    /// Two numbers from 0 to 1 for the size of the message of the last arrival.
    #[must_use]
    pub fn size_draws(&self, seed: u64) -> [f64; 2] {
        let number = self.number.saturating_sub(1);
        [Purpose::Size, Purpose::SizeToo].map(|purpose| draw(seed, self.name_of(number, purpose)))
    }

    fn draw(&self, pace: &Pace, purpose: Purpose) -> f64 {
        draw(pace.seed, self.name_of(self.number, purpose))
    }

    fn name_of(&self, number: u32, purpose: Purpose) -> [u64; 3] {
        [self.name, u64::from(number), u64::from(self.kind as u32) << 32 | purpose as u64]
    }
}

impl Pace {
    /// When `work` arrivals of a stream are due: the inverse of the area under the rate.
    fn time_of(&self, work: f64) -> u64 {
        let mean_gap_us = 1e6 / self.per_second;
        let ramp_us = self.ramp_us as f64;
        let done_in_ramp = ramp_us / mean_gap_us / 2.0;
        let at_us = match work < done_in_ramp {
            true => (2.0 * ramp_us * work * mean_gap_us).sqrt(),
            false => work * mean_gap_us + ramp_us / 2.0,
        };
        at_us as u64
    }
}

/// A number from 0 up to, but not including, 1.
#[must_use]
pub fn draw(seed: u64, name: [u64; 3]) -> f64 {
    let mut bytes = [0; 24];
    for (chunk, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(name) {
        *chunk = word.to_le_bytes();
    }
    // 53 bits are what a double holds.
    (xxh3_64_with_seed(&bytes, seed) >> 11) as f64 / (1_u64 << 53) as f64
}

/// An exponential gap of mean 1 from a uniform number below 1.
#[must_use]
pub fn exponential(uniform: f64) -> f64 {
    -(1.0 - uniform).ln()
}

/// Which of `count` things a number from 0 to 1 chooses; 0 for none.
#[must_use]
pub fn choose(choice: f64, count: usize) -> usize {
    ((choice * count as f64) as usize).min(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { seed: 42, arrivals: Arrivals::Poisson, per_second: 50.0, ramp_us: 4_000_000, end_us: 104_000_000 };

    fn all(pace: &Pace, name: u64) -> Vec<Arrival> {
        let mut stream = Stream::new(StreamKind::Direct, name);
        std::iter::from_fn(|| stream.next(pace)).collect()
    }

    #[test]
    fn the_same_seed_and_stream_give_the_same_schedule() {
        assert_eq!(all(&PACE, 7), all(&PACE, 7));
        assert_ne!(all(&PACE, 7), all(&PACE, 8));
        assert_ne!(all(&PACE, 7), all(&Pace { seed: 43, ..PACE }, 7));
    }

    #[test]
    fn the_schedule_of_a_seed_stays_what_it_was() {
        // Published results name their seed: a change here makes them unrepeatable.
        let first: Vec<u64> = all(&PACE, 7).iter().take(4).map(|arrival| arrival.at_us).collect();
        assert_eq!(first, FIRST_ARRIVALS);
    }

    const FIRST_ARRIVALS: [u64; 4] = [574_399, 708_583, 736_213, 766_054];

    #[test]
    fn sizes_of_messages_are_drawn_by_their_number() {
        let sizes = |seed| {
            let mut stream = Stream::new(StreamKind::Direct, 7);
            let mut next = || stream.next(&PACE).map(|_| stream.size_draws(seed));
            [next(), next()].map(Option::unwrap)
        };
        assert_eq!(sizes(42), sizes(42));
        assert_ne!(sizes(42)[0], sizes(42)[1]);
        assert_ne!(sizes(42), sizes(43));
    }

    #[test]
    fn the_rate_is_kept_and_the_ramp_is_half_of_it() {
        for arrivals in [Arrivals::Poisson, Arrivals::Constant] {
            let pace = Pace { arrivals, ..PACE };
            let all: Vec<Arrival> = (0..20).flat_map(|name| all(&pace, name)).collect();
            let (ramp, steady): (Vec<Arrival>, Vec<Arrival>) =
                all.into_iter().partition(|arrival| arrival.at_us < pace.ramp_us);
            assert!((steady.len() as f64 / (20.0 * 50.0 * 100.0) - 1.0).abs() < 0.02, "{}", steady.len());
            assert!((ramp.len() as f64 / (20.0 * 50.0 * 2.0) - 1.0).abs() < 0.10, "{}", ramp.len());
        }
    }

    #[test]
    fn poisson_gaps_vary_as_much_as_their_mean_and_constant_ones_not_at_all() {
        let spread = |arrivals| {
            let times: Vec<f64> =
                all(&Pace { arrivals, ramp_us: 0, ..PACE }, 1).iter().map(|a| a.at_us as f64).collect();
            let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt() / mean
        };
        assert!((spread(Arrivals::Poisson) - 1.0).abs() < 0.1);
        assert!(spread(Arrivals::Constant) < 0.001);
    }

    #[test]
    fn a_stream_without_a_rate_never_begins() {
        assert!(all(&Pace { per_second: 0.0, ..PACE }, 1).is_empty());
    }

    #[test]
    fn choices_stay_in_range() {
        assert_eq!((choose(0.0, 3), choose(0.999, 3), choose(0.5, 0)), (0, 2, 0));
    }
}
