//! placeholder
use super::result::RunResult;
/// page
#[must_use]
pub fn page(_result: &RunResult) -> String {
    String::new()
}
