//! `capacity`: the highest load at which a service level *and* the ledger hold.
//!
//! [`search`] decides which load is tried next, [`load`] makes a scenario of it, [`point`] judges the run; this file
//! connects them. Every point is a run of its own with fresh users: nothing that an overload left behind is carried into
//! the next point, and the setup is paid each time. What does not hold while the generator was, or may have been, the limit
//! is no failure of the server: see [`point`].

pub mod estimate;
pub mod load;
pub mod page;
pub mod point;
pub mod result;
pub mod search;
pub mod words;

use std::time::Instant;

use crate::environment::Environment;
use crate::report::result::{Kind, RunResult};
use crate::scenario::Scenario;
use crate::thresholds::{Threshold, display};
use load::{Load, Vary, scaled};
use point::{Point, Tried};
use result::{Answer, Capacity, Rules, SCHEMA_VERSION, Server};
use search::{Ending, Next, Search};

/// Descending from the scenario's load ends at this part of it.
pub const FACTOR_MIN: f64 = 0.01;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The load at factor 1; its measured phase is the hold time.
    pub scenario: Scenario,
    /// What grows.
    pub vary: Vary,
    /// The service level.
    pub slo: Vec<Threshold>,
    /// How to search.
    pub rules: Rules,
    /// Of the first point; each further one has the next.
    pub seed: u64,
}

impl Question {
    /// The scenario at `factor` times its load, with the service level as its thresholds.
    fn scenario_at(&self, factor: f64) -> Scenario {
        let thresholds = Some(display(&self.slo));
        Scenario { thresholds, duration_s: self.rules.hold_s, ..scaled(&self.scenario, self.vary, factor) }
    }

    /// The factor of a level of the search.
    fn factor(&self, level: i32) -> f64 {
        (1.0 + self.rules.step).powi(level).min(self.rules.factor_max)
    }

    /// The search's rules, in levels.
    #[must_use]
    pub fn search_rules(&self) -> search::Rules {
        let levels = |factor: f64| factor.ln() / (1.0 + self.rules.step).ln();
        search::Rules {
            top: levels(self.rules.factor_max).ceil() as i32,
            bottom: levels(FACTOR_MIN).floor() as i32,
            jump: (levels(self.rules.growth).round() as i32).max(1),
            confirm: self.rules.confirm,
            points_max: self.rules.points_max,
        }
    }
}

/// What a search needs from outside.
pub trait World {
    /// Runs one scenario.
    ///
    /// # Errors
    /// When it cannot be set up.
    fn run(&mut self, scenario: Scenario, seed: u64) -> anyhow::Result<RunResult>;

    /// Hears of each point.
    fn point(&mut self, point: &Point, vary: Vary);

    /// Whether somebody wants the search to end.
    fn is_interrupted(&self) -> bool;
}

/// Searches.
///
/// # Errors
/// When the first point cannot be set up, or two in a row although as much could be before: then it is not the load that
/// is wrong.
pub fn measure(question: &Question, world: &mut impl World) -> anyhow::Result<Capacity> {
    let begun = Instant::now();
    let mut search = Search::new(question.search_rules());
    let mut points: Vec<Point> = Vec::new();
    let mut seen = Seen::default();
    let answer = loop {
        let (level, phase) = match search.next() {
            Next::Try(level, phase) => (level, phase),
            Next::Done(answer) => break answer,
        };
        let scenario = question.scenario_at(question.factor(level));
        let tried = Tried {
            number: points.len() + 1,
            phase,
            load: Load::of(&scenario, question.factor(level)),
            seed: question.seed.wrapping_add(points.len() as u64),
        };
        let ran = world.run(scenario, tried.seed);
        if world.is_interrupted() {
            break search.give_up(Ending::Interrupted);
        }
        let point = match ran {
            Ok(result) => seen.take(Point::of(tried, &result), result),
            Err(error) if is_not_the_load(&points, tried.load) => return Err(error),
            Err(error) => Point::refused(tried, &error),
        };
        search.record(level, point.outcome);
        world.point(&point, question.vary);
        points.push(point);
    };
    let load = |level| Load::of(&question.scenario_at(question.factor(level)), question.factor(level));
    let mut capacity = Capacity {
        kind: Kind::Capacity,
        schema_version: SCHEMA_VERSION,
        scenario: question.scenario.name.clone(),
        vary: question.vary,
        slo: question.slo.iter().map(Threshold::to_string).collect(),
        answer: Answer {
            ending: answer.ending,
            passes: answer.passes.map(load),
            fails: answer.fails.map(load),
            words: String::new(),
        },
        rules: question.rules.clone(),
        points,
        took_s: begun.elapsed().as_secs_f64(),
        server: seen.server,
        environment: Environment {
            scenario: question.scenario_at(1.0).to_toml(),
            ..seen.environment.unwrap_or_else(Environment::of_this_machine)
        },
    };
    capacity.answer.words = capacity.words();
    Ok(capacity)
}

/// Whether a load that could not be set up was no more than one that could, and the point before failed likewise.
fn is_not_the_load(points: &[Point], load: Load) -> bool {
    let set_up = |point: &&Point| point.verdict.is_some();
    let highest = points.iter().filter(set_up).map(|point| point.load.factor).fold(0.0, f64::max);
    points.last().is_none_or(|last| last.verdict.is_none() && load.factor <= highest)
}

/// What all runs have in common, from the first of them.
#[derive(Default)]
struct Seen {
    environment: Option<Environment>,
    server: Server,
}

impl Seen {
    fn take(&mut self, point: Point, result: RunResult) -> Point {
        if self.environment.is_none() {
            self.server = Server { version: result.server.version, durability: result.server.durability };
            self.environment = Some(result.environment);
        }
        point
    }
}

#[cfg(test)]
mod tests;
