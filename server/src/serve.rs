//! Runs the server. Not wired yet.

use crate::config::Config;

/// Runs until the process is told to stop.
///
/// # Errors
/// Always, until the parts are wired together.
pub fn run(_config: Config) -> anyhow::Result<()> {
    anyhow::bail!("not wired yet")
}
