//! What is wrong with a scenario, and the way out.

use crate::thresholds::ThresholdError;

/// Why a scenario cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Neither a built-in scenario nor a file.
    #[error(
        "there is no scenario `{name}`: name one of {known} or a TOML file (`hubbub-load scenarios show direct` prints one to start from)"
    )]
    Unknown {
        /// As asked for.
        name: String,
        /// The built-in names.
        known: String,
    },
    /// The file is not a scenario.
    #[error("{name} is not a scenario: {reason}")]
    Syntax {
        /// The file.
        name: String,
        /// What the TOML reader says.
        reason: String,
    },
    /// A value that cannot be run.
    #[error("{key} = {value}: {way_out}")]
    Value {
        /// The key at fault.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        way_out: &'static str,
    },
    /// Thresholds that cannot be read.
    #[error("thresholds: {0}")]
    Thresholds(#[from] ThresholdError),
}

/// Passes a good value.
pub(super) fn check(
    good: bool,
    key: &'static str,
    value: impl std::fmt::Display,
    way_out: &'static str,
) -> Result<(), ScenarioError> {
    match good {
        true => Ok(()),
        false => Err(ScenarioError::Value { key, value: value.to_string(), way_out }),
    }
}

/// A time in seconds, 0 or more.
pub(super) fn check_seconds(key: &'static str, value: f64) -> Result<(), ScenarioError> {
    check((0.0..=1e6).contains(&value), key, value, "seconds, 0 to 1,000,000")
}

/// A part of a whole.
pub(super) fn check_share(key: &'static str, value: f64) -> Result<(), ScenarioError> {
    check((0.0..=1.0).contains(&value), key, value, "a share, 0 to 1")
}

/// So many in a time.
pub(super) fn check_rate(key: &'static str, value: f64) -> Result<(), ScenarioError> {
    check((0.0..=1e9).contains(&value), key, value, "0 or more")
}
