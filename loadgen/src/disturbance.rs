//! What a scenario does to the server while clients talk: from its tables and the seed to a list of moments.
//!
//! Pure. Who carries it out is `run::keeper`. Times count from the start of the traffic, the ramp included, as
//! the seconds of the series do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::{SECOND_US, seconds_us};
use crate::schedule::draw;

/// Distinguishes these draws from those of the streams of [`crate::schedule`].
const STREAM: u64 = 0x6469_7374;

/// Most moments of one run; further repetitions do not happen.
const MOMENTS_MAX: usize = 10_000;

/// What is done to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// SIGKILL, and a start after `restart_after_s`.
    Kill,
    /// SIGSTOP, and SIGCONT after `for_s`.
    Stop,
    /// SIGTERM, its end, and a start at once.
    Restart,
    /// SIGTERM: the server's own orderly stop; it is started again `restart_after_s` after its end.
    Drain,
}

impl Action {
    /// What happens, as a sentence goes on after "the server is".
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Kill => "killed",
            Self::Stop => "stopped",
            Self::Restart => "restarted",
            Self::Drain => "drained",
        }
    }
}

/// A `[[disturbance]]` of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disturbance {
    /// When, in seconds from the start of the traffic (the ramp included).
    pub at_s: f64,
    /// What.
    pub action: Action,
    /// `kill` and `drain`: seconds from the server's end to its next start.
    #[serde(default)]
    pub restart_after_s: f64,
    /// `stop`: for how many seconds.
    #[serde(default)]
    pub for_s: f64,
    /// Again and again, with so many seconds from one begin to the next.
    pub every_s: Option<f64>,
    /// Each time up to so many seconds later, drawn from the seed.
    #[serde(default)]
    pub jitter_s: f64,
}

/// One time that something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// When, in microseconds from the start of the traffic.
    pub at_us: u64,
    /// How long the server stays away, in microseconds, beyond what its end and its start take.
    pub pause_us: u64,
    /// What, by its place in the scenario (first in, first out among equal times).
    place: usize,
}

impl Moment {
    /// What is done.
    #[must_use]
    pub fn action(&self, disturbances: &[Disturbance]) -> Action {
        disturbances[self.place].action
    }
}

impl Disturbance {
    /// The first value that cannot be carried out: its key, itself, and what it must be.
    #[must_use]
    pub fn problem(&self) -> Option<(&'static str, f64, &'static str)> {
        let time = |value: f64| (0.0..=1e6).contains(&value);
        let checks = [
            (time(self.at_s), "disturbance.at_s", self.at_s, "seconds, 0 or more"),
            (time(self.restart_after_s), "disturbance.restart_after_s", self.restart_after_s, "seconds, 0 or more"),
            (time(self.for_s), "disturbance.for_s", self.for_s, "seconds, 0 or more"),
            (
                self.action != Action::Stop || self.for_s > 0.0,
                "disturbance.for_s",
                self.for_s,
                "how many seconds a `stop` lasts, more than 0",
            ),
            (
                self.every_s.is_none_or(|every| every >= 0.1 && time(every)),
                "disturbance.every_s",
                self.every_s.unwrap_or(0.0),
                "seconds, at least 0.1",
            ),
            (time(self.jitter_s), "disturbance.jitter_s", self.jitter_s, "seconds, 0 or more"),
        ];
        checks.into_iter().find_map(|(good, key, value, way_out)| (!good).then_some((key, value, way_out)))
    }

    /// How long the server stays away on purpose.
    fn pause_us(&self) -> u64 {
        match self.action {
            Action::Stop => seconds_us(self.for_s),
            Action::Kill | Action::Drain => seconds_us(self.restart_after_s),
            Action::Restart => 0,
        }
    }

    fn moments(&self, place: usize, seed: u64, end_us: u64) -> impl Iterator<Item = Moment> {
        let at_us = move |number: u64| {
            let late = self.jitter_s * draw(seed, [STREAM, place as u64, number]);
            seconds_us(self.at_s + self.every_s.unwrap_or(0.0) * number as f64 + late)
        };
        let times = if self.every_s.is_some() { MOMENTS_MAX as u64 } else { 1 };
        let begins_in_time =
            move |number: &u64| seconds_us(self.at_s + self.every_s.unwrap_or(0.0) * *number as f64) < end_us;
        (0..times).take_while(begins_in_time).map(at_us).filter(move |at_us| *at_us < end_us).map(move |at_us| Moment {
            at_us,
            pause_us: self.pause_us(),
            place,
        })
    }
}

/// All moments before `end_us` in their order: the same for the same seed.
#[must_use]
pub fn moments(disturbances: &[Disturbance], seed: u64, end_us: u64) -> Vec<Moment> {
    let each = disturbances.iter().enumerate();
    let mut moments: Vec<Moment> =
        each.flat_map(|(place, disturbance)| disturbance.moments(place, seed, end_us)).collect();
    moments.sort_by_key(|moment| (moment.at_us, moment.place));
    moments.truncate(MOMENTS_MAX);
    moments
}

/// How many tables never come to anything in a traffic of this length, in microseconds.
#[must_use]
pub fn too_late(disturbances: &[Disturbance], end_us: u64) -> usize {
    disturbances.iter().filter(|disturbance| seconds_us(disturbance.at_s) >= end_us).count()
}

/// Something that was done to the server, for the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Disturbed {
    /// When it began, in seconds from the start of the traffic.
    pub at_s: f64,
    /// What.
    pub action: Action,
    /// How long no client could be served: from the signal until the server listens again, or goes on after a `stop`.
    pub down_s: f64,
    /// Sessions that were synced just before.
    pub synced_before: u32,
    /// The fewest that were synced from then until the recovery (or the end of the run).
    pub synced_least: u32,
    /// From the server's return until as many sessions were synced as before, in seconds, to about 0.1, without those who
    /// are away because the scenario says so; `None` when that was not seen before the run ended or the next disturbance
    /// began.
    pub recovered_s: Option<f64>,
}

impl Disturbed {
    /// In a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        let recovered = match self.recovered_s {
            Some(seconds) => format!("{} sessions synced again {seconds:.1} s later", self.synced_before),
            None => format!("not all of {} sessions were seen synced again", self.synced_before),
        };
        format!("{} at {:.1} s, back after {:.1} s, {recovered}", self.action.words(), self.at_s, self.down_s)
    }
}

/// Microseconds as the seconds of a [`Disturbed`].
#[must_use]
pub fn seconds(us: u64) -> f64 {
    us as f64 / SECOND_US as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at_s: f64, action: Action) -> Disturbance {
        Disturbance { at_s, action, restart_after_s: 0.0, for_s: 1.0, every_s: None, jitter_s: 0.0 }
    }

    fn times(disturbances: &[Disturbance], seed: u64, end_s: u64) -> Vec<u64> {
        moments(disturbances, seed, end_s * SECOND_US).iter().map(|moment| moment.at_us).collect()
    }

    #[test]
    fn moments_are_in_order_and_end_with_the_traffic() {
        let all = [at(9.0, Action::Kill), Disturbance { every_s: Some(4.0), ..at(1.0, Action::Stop) }];
        let found = moments(&all, 1, 10 * SECOND_US);
        assert_eq!(found.iter().map(|moment| moment.at_us / SECOND_US).collect::<Vec<_>>(), [1, 5, 9, 9]);
        assert_eq!(found.last().unwrap().action(&all), Action::Stop);
        assert_eq!((found[2].action(&all), found[0].pause_us), (Action::Kill, SECOND_US));
    }

    #[test]
    fn jitter_comes_from_the_seed() {
        let all = [Disturbance { every_s: Some(2.0), jitter_s: 1.0, ..at(1.0, Action::Restart) }];
        assert_eq!(times(&all, 7, 100), times(&all, 7, 100));
        assert_ne!(times(&all, 7, 100), times(&all, 8, 100));
        for (number, at_us) in (0..).zip(times(&all, 7, 100)) {
            let base_us = SECOND_US * (1 + 2 * number);
            assert!((base_us..=base_us + SECOND_US).contains(&at_us), "{number}: {at_us}");
        }
    }

    #[test]
    fn what_lies_after_the_traffic_does_not_happen_and_is_counted() {
        let all = [at(1.0, Action::Kill), at(30.0, Action::Kill)];
        assert_eq!((times(&all, 1, 20).len(), too_late(&all, 20 * SECOND_US)), (1, 1));
    }

    #[test]
    fn senseless_values_are_named() {
        assert_eq!(at(0.0, Action::Kill).problem(), None);
        let endless = Disturbance { for_s: 0.0, ..at(1.0, Action::Stop) };
        assert_eq!(endless.problem().map(|(key, ..)| key), Some("disturbance.for_s"));
        let hasty = Disturbance { every_s: Some(0.0), ..at(1.0, Action::Kill) };
        assert_eq!(hasty.problem().map(|(key, ..)| key), Some("disturbance.every_s"));
        assert!(at(-1.0, Action::Kill).problem().is_some());
    }
}
