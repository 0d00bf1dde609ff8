//! What a run must show to be good: `delivery_p99<100ms,ack_p99<50ms,loss=0,errors<1%`.
//!
//! ```text
//! thresholds = threshold { "," threshold }
//! threshold  = name operator number [ unit ]
//! operator   = "<" | "<=" | ">" | ">=" | "="
//! unit       = "us" | "ms" | "s" | "B" | "KiB" | "MiB" | "GiB" | "%" | "/s"
//! ```
//!
//! Names are those of [`crate::figures`]. A threshold about something that was not measured fails, and says so: silence is
//! no proof.

pub mod parse;
pub mod quantity;

use std::cmp::Ordering;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::figures::Figure;
pub use parse::{ThresholdError, parse};
use quantity::{Quantity, Unit};

/// How the measured value must lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `=`
    Equal,
}

/// The operators as they are written, the longer before those that begin them.
const OPERATORS: [(&str, Operator); 5] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("=", Operator::Equal),
];

impl Operator {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Equal => order.is_eq(),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = OPERATORS.iter().find(|(_, operator)| operator == self);
        f.write_str(found.map_or("", |(text, _)| text))
    }
}

/// One demand.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// What is looked at.
    pub figure: &'static Figure,
    /// How it must lie.
    pub operator: Operator,
    /// To what.
    pub limit: Quantity,
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.figure.name, self.operator, self.limit)
    }
}

/// What became of a demand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// The demand.
    pub text: String,
    /// What was measured, in the unit that the text names; `None`: nothing was.
    pub measured: Option<f64>,
    /// Whether it holds.
    pub passed: bool,
    /// For people: what was measured, or why nothing was.
    pub words: String,
}

impl Threshold {
    /// Holds the demand against a result (`result.json`).
    #[must_use]
    pub fn judge(&self, result: &Value) -> Outcome {
        let value = match self.limit.unit {
            Unit::Percent => self.figure.read_share(result),
            _ => self.figure.read(result),
        };
        let words = match value {
            Some(value) if self.limit.unit == Unit::Percent => crate::figures::Measure::Share.words(value),
            Some(value) => self.figure.measure.words(value),
            None => format!("{} was not measured", self.figure.name),
        };
        let order = value.and_then(|value| value.partial_cmp(&self.limit.base()));
        Outcome {
            text: self.to_string(),
            measured: value.map(|value| value / self.limit.unit.factor()),
            passed: order.is_some_and(|order| self.operator.holds(order)),
            words,
        }
    }
}

/// Holds all demands against a result.
#[must_use]
pub fn judge(thresholds: &[Threshold], result: &Value) -> Vec<Outcome> {
    thresholds.iter().map(|threshold| threshold.judge(result)).collect()
}

/// Thresholds as they are written.
#[must_use]
pub fn display(thresholds: &[Threshold]) -> String {
    thresholds.iter().map(Threshold::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::FIGURES;
    use proptest::prelude::*;
    use serde_json::json;

    fn outcomes(text: &str) -> Vec<(Option<f64>, bool)> {
        let result = json!({
            "latency_us": {"delivery": {"p99": 83_200}, "ack": {"p99": 50_000}},
            "ledger": {"lost": 0, "pending": 0, "copies_due": 0},
            "errors": {"a": 3}, "counts": {"offered": 200}, "server": {"rss_bytes": 3 << 20},
        });
        judge(&parse(text).unwrap(), &result).into_iter().map(|outcome| (outcome.measured, outcome.passed)).collect()
    }

    #[test]
    fn measured_values_are_told_in_the_unit_of_the_demand() {
        assert_eq!(outcomes("deliver_p99<100ms, errors<=1.5%"), [(Some(83.2), true), (Some(1.5), true)]);
        assert_eq!(outcomes("server_rss<2MiB,errors=3"), [(Some(3.0), false), (Some(3.0), true)]);
    }

    #[test]
    fn edges_belong_to_the_operators_that_name_them() {
        for (operator, holds) in [("<", false), ("<=", true), ("=", true), (">=", true), (">", false)] {
            assert_eq!(outcomes(&format!("ack_p99{operator}50ms")), [(Some(50.0), holds)], "{operator}");
        }
    }

    #[test]
    fn what_was_not_measured_fails_and_says_so() {
        let outcome = &judge(&parse("presence_p99<1s").unwrap(), &json!({}))[0];
        assert_eq!((outcome.passed, outcome.measured), (false, None));
        assert_eq!(outcome.words, "presence_p99 was not measured");
    }

    #[test]
    fn no_loss_of_nothing_is_no_loss() {
        assert_eq!(outcomes("loss=0,loss<0.1%"), [(Some(0.0), true), (Some(0.0), true)]);
    }

    fn any_threshold() -> impl Strategy<Value = Threshold> {
        let figure = (0..FIGURES.len()).prop_map(|at| &FIGURES[at]);
        let operator = (0..OPERATORS.len()).prop_map(|at| OPERATORS[at].1);
        (figure, operator, 0.0..1e12, any::<prop::sample::Index>()).prop_map(|(figure, operator, value, unit)| {
            let units: Vec<_> = Unit::of(figure).collect();
            Threshold { figure, operator, limit: Quantity { value, unit: *unit.get(&units) } }
        })
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_parsed_again(thresholds in prop::collection::vec(any_threshold(), 1..6)) {
            prop_assert_eq!(parse(&display(&thresholds)).unwrap(), thresholds);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            if let Err(error) = parse(&text) {
                prop_assert!(!error.to_string().is_empty());
            }
        }
    }
}
