//! The search for the highest load that holds: what to try next, from what became of the loads tried so far. No clock, no
//! server, no randomness: the same outcomes lead to the same questions.
//!
//! Loads are *levels* of a geometric scale: one level up is one search step (5%) more. The search
//!
//! 1. climbs by jumps from level 0 until a level fails (or descends, when level 0 fails),
//! 2. bisects until a passing and a failing level are neighbours,
//! 3. confirms: the passing level must pass `confirm` times in a row, and the failing one must fail again at least once in
//!    as many repetitions. A level that passed and then failed counts as failing; one that failed and then passed
//!    `confirm` times in a row counts as passing; then the interval is open again, and bisected again.
//!
//! An outcome that says nothing ([`Outcome::Unmeasured`]: the generator was the limit) is asked for once more, and twice more
//! for each outcome that the level has already; then the level is a barrier, above which there is no answer.
//!
//! INVARIANT: a level is judged at most `2 × confirm` times and tried in vain at most twice for each of these and two more,
//! so the search ends.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A level that could not be measured so often is not tried again.
const UNMEASURED_MAX: usize = 2;

/// So many unmeasurable levels below each other, and nothing else seen: it is not the load that is too high.
const BARRIERS_MAX: usize = 3;

/// What became of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The service level and the ledger held.
    Passed,
    /// One of them did not.
    Failed,
    /// It did not hold, and the generator was the limit, or may have been: neither.
    Unmeasured,
}

/// How to search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The highest level that may be tried.
    pub top: i32,
    /// The lowest.
    pub bottom: i32,
    /// Levels between two loads of the climb.
    pub jump: i32,
    /// How often a passing level must pass in a row.
    pub confirm: usize,
    /// Loads tried at most.
    pub points_max: usize,
}

/// Why a load is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// To find a level that fails.
    Climb,
    /// To find a level that passes, as the first one failed.
    Descend,
    /// To halve the interval.
    Bisect,
    /// To see it again.
    Confirm,
    /// Because it could not be measured the first time.
    Again,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try this level.
    Try(i32, Phase),
    /// The search is over.
    Done(Answer),
}

/// Why the search is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Neighbours: one passes, one fails, both confirmed.
    Confirmed,
    /// The highest allowed load passes.
    TopPasses,
    /// The lowest allowed load fails.
    BottomFails,
    /// Above the passing load the generator was the limit.
    GeneratorLimited,
    /// The number of points was not enough.
    PointsSpent,
    /// Somebody ended it.
    Interrupted,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Why it is one.
    pub ending: Ending,
    /// The highest level that passes: confirmed, unless the points were spent or it was interrupted.
    pub passes: Option<i32>,
    /// The lowest level that fails, likewise.
    pub fails: Option<i32>,
}

/// What is known of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Passes,
    PassedOnce,
    Fails,
    FailedOnce,
    Barrier,
    Unknown,
}

impl State {
    fn is_good(self) -> bool {
        matches!(self, Self::Passes | Self::PassedOnce)
    }

    fn is_bad(self) -> bool {
        matches!(self, Self::Fails | Self::FailedOnce | Self::Barrier)
    }
}

/// A search.
#[derive(Debug, Clone)]
pub struct Search {
    rules: Rules,
    tried: BTreeMap<i32, Vec<Outcome>>,
}

impl Search {
    /// Begins at level 0.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self { rules, tried: BTreeMap::new() }
    }

    /// Takes what became of a level.
    pub fn record(&mut self, level: i32, outcome: Outcome) {
        self.tried.entry(level).or_default().push(outcome);
    }

    /// Loads tried so far.
    #[must_use]
    pub fn points(&self) -> usize {
        self.tried.values().map(Vec::len).sum()
    }

    /// What to do now.
    #[must_use]
    pub fn next(&self) -> Next {
        let (good, bad) = self.interval();
        let wanted = self.wanted(good, bad);
        match wanted {
            Next::Try(..) if self.points() >= self.rules.points_max => Next::Done(self.give_up(Ending::PointsSpent)),
            wanted => wanted,
        }
    }

    /// What can be said when the search ends before its end.
    #[must_use]
    pub fn give_up(&self, ending: Ending) -> Answer {
        let (passes, bad) = self.interval();
        Answer { ending, passes, fails: bad.filter(|level| self.state(*level) != State::Barrier) }
    }

    /// The lowest level that does not pass, and the highest below it that does.
    fn interval(&self) -> (Option<i32>, Option<i32>) {
        let bad = self.tried.keys().copied().find(|level| self.state(*level).is_bad());
        let below = self.tried.keys().copied().rev().filter(|level| bad.is_none_or(|bad| *level < bad));
        let good = below.into_iter().find(|level| self.state(*level).is_good());
        (good, bad)
    }

    fn wanted(&self, good: Option<i32>, bad: Option<i32>) -> Next {
        let Rules { top, bottom, jump, .. } = self.rules;
        if let Some(level) = self.tried.keys().copied().find(|level| self.state(*level) == State::Unknown) {
            return Next::Try(level, Phase::Again);
        }
        match (good, bad) {
            (None, None) => Next::Try(0.clamp(bottom, top), Phase::Climb),
            (Some(good), None) if good < top => Next::Try((good + jump).min(top), Phase::Climb),
            (Some(good), None) => self.confirm(good).unwrap_or_else(|| done(Ending::TopPasses, Some(good), None)),
            (None, Some(_)) if self.lowest_are_barriers() => done(Ending::GeneratorLimited, None, None),
            (None, Some(bad)) if bad > bottom => Next::Try((bad - jump).max(bottom), Phase::Descend),
            (None, Some(bad)) => self.confirm(bad).unwrap_or_else(|| self.conclude(None, bad, Ending::BottomFails)),
            (Some(good), Some(bad)) if bad - good > 1 => Next::Try(good + (bad - good) / 2, Phase::Bisect),
            (Some(good), Some(bad)) => self
                .confirm(good)
                .or_else(|| self.confirm(bad))
                .unwrap_or_else(|| self.conclude(Some(good), bad, Ending::Confirmed)),
        }
    }

    fn lowest_are_barriers(&self) -> bool {
        let mut lowest = self.tried.keys().take(BARRIERS_MAX);
        self.tried.len() >= BARRIERS_MAX && lowest.all(|level| self.state(*level) == State::Barrier)
    }

    /// Another try, where one is owed.
    fn confirm(&self, level: i32) -> Option<Next> {
        let owed = matches!(self.state(level), State::PassedOnce | State::FailedOnce);
        owed.then_some(Next::Try(level, Phase::Confirm))
    }

    fn conclude(&self, good: Option<i32>, bad: i32, ending: Ending) -> Next {
        match self.state(bad) {
            State::Barrier => done(Ending::GeneratorLimited, good, None),
            _ => done(ending, good, Some(bad)),
        }
    }

    fn state(&self, level: i32) -> State {
        let outcomes = self.tried.get(&level).map_or(&[][..], Vec::as_slice);
        let judged = || outcomes.iter().copied().filter(|outcome| *outcome != Outcome::Unmeasured);
        let unmeasured = outcomes.len() - judged().count();
        let in_a_row = judged().rev().take_while(|outcome| *outcome == Outcome::Passed).count();
        match judged().next() {
            _ if judged().skip(1).any(|outcome| outcome == Outcome::Failed) => State::Fails,
            _ if in_a_row >= self.rules.confirm => State::Passes,
            // What was judged before is worth more tries.
            _ if unmeasured >= UNMEASURED_MAX * (1 + judged().count()) => State::Barrier,
            None => State::Unknown,
            Some(Outcome::Failed) => State::FailedOnce,
            Some(_) => State::PassedOnce,
        }
    }
}

fn done(ending: Ending, passes: Option<i32>, fails: Option<i32>) -> Next {
    Next::Done(Answer { ending, passes, fails })
}

#[cfg(test)]
mod tests;
