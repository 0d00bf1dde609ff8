//! `capacity.json`: its shape, documented in `capacity.schema.json`. Fields are only added; a change of meaning raises
//! [`SCHEMA_VERSION`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::{Load, Vary};
use super::point::Point;
use super::search::Ending;
use crate::environment::Environment;
use crate::report::format::number;
use crate::report::result::Kind;

/// The version of this shape.
pub const SCHEMA_VERSION: u32 = 1;

/// The answer of a search, with everything it stands on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// What this file holds: `capacity`.
    pub kind: Kind,
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The scenario's name.
    pub scenario: String,
    /// What grew from point to point.
    pub vary: Vary,
    /// The service level.
    pub slo: Vec<String>,
    /// The answer.
    pub answer: Answer,
    /// How it was searched.
    pub rules: Rules,
    /// All loads that were tried, in their order.
    pub points: Vec<Point>,
    /// How long the search took, in seconds.
    pub took_s: f64,
    /// What the server says of itself: version and durability.
    pub server: Server,
    /// The machine, the command, and the scenario at factor 1 with its seed.
    pub environment: Environment,
}

/// What the server says of itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// Its version.
    pub version: Option<String>,
    /// `fsync`, `os` or `none`.
    pub durability: Option<String>,
}

/// The highest load that holds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// Why the search ended.
    pub ending: Ending,
    /// The highest load that held: as often as `rules.confirm` in a row, unless the search ended before its end.
    pub passes: Option<Load>,
    /// The lowest load above it that did not, again and again.
    pub fails: Option<Load>,
    /// For people.
    pub words: String,
}

/// How the search was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rules {
    /// The width of the answer: 0.05 is 5%.
    pub step: f64,
    /// The climb's factor from point to point.
    pub growth: f64,
    /// How often the highest passing load passed in a row.
    pub confirm: usize,
    /// How long each load was held, in seconds.
    pub hold_s: f64,
    /// The highest load that would have been tried, times the scenario's.
    pub factor_max: f64,
    /// The most points.
    pub points_max: usize,
}

impl Capacity {
    /// The answer in words.
    #[must_use]
    pub fn words(&self) -> String {
        let size =
            |load: &Option<Load>| load.map(|load| format!("{} {}", number(load.size(self.vary)), self.vary.unit()));
        let (passes, fails) = (size(&self.answer.passes), size(&self.answer.fails));
        let Rules { confirm, hold_s, points_max, .. } = &self.rules;
        let held = format!("held {confirm} times in a row for {} s", number(*hold_s));
        match (self.answer.ending, passes, fails) {
            (Ending::Confirmed, Some(passes), Some(fails)) => format!("{passes}: {held}; {fails} did not hold"),
            (Ending::TopPasses, Some(passes), _) => {
                format!("at least {passes}: it {held}, and is the most that was allowed")
            }
            (Ending::GeneratorLimited, Some(passes), _) => {
                format!("at least {passes}: it {held}; the generator was the limit above")
            }
            (Ending::GeneratorLimited, None, _) => {
                "no answer: the generator was the limit at every load; see the verdicts of the points".to_owned()
            }
            (Ending::BottomFails, _, Some(fails)) => format!("less than {fails}: not even that held"),
            (Ending::PointsSpent, passes, fails) => {
                format!("no answer: {points_max} points were not enough; {}", unconfirmed(passes, fails))
            }
            (_, passes, fails) => format!("no answer: the search was ended; {}", unconfirmed(passes, fails)),
        }
    }
}

fn unconfirmed(passes: Option<String>, fails: Option<String>) -> String {
    match (passes, fails) {
        (None, None) => "no load could be judged".to_owned(),
        (Some(passes), None) => format!("so far {passes} held"),
        (None, Some(fails)) => format!("so far {fails} did not hold"),
        (Some(passes), Some(fails)) => format!("so far {passes} held and {fails} did not"),
    }
}
