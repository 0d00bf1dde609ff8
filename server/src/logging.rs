//! The log: for people, on standard error, filtered by `--log` or `RUST_LOG`.
//!
//! No secret and no message body is ever logged, at any level.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// What is logged when nobody asks for something else.
const FILTER: &str = "info";

/// Starts the log. `filter` comes before the environment; both are in the syntax of `RUST_LOG`, such as `debug` or
/// `info,hubbub_server::shard=trace`.
///
/// # Errors
/// The filter cannot be understood, or a log was started before.
pub fn init(filter: Option<&str>) -> anyhow::Result<()> {
    let filter = parse(filter, std::env::var("RUST_LOG").ok().as_deref())?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .try_init()
        .map_err(anyhow::Error::from_boxed)
}

fn parse(flag: Option<&str>, variable: Option<&str>) -> Result<EnvFilter, ParseError> {
    let asked = flag.or(variable).filter(|text| !text.is_empty());
    EnvFilter::builder().parse(asked.unwrap_or(FILTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_comes_before_the_environment() {
        for (flag, variable, expected) in [
            (None, None, "info"),
            (None, Some(""), "info"),
            (None, Some("warn"), "warn"),
            (Some("debug"), Some("warn"), "debug"),
        ] {
            assert_eq!(parse(flag, variable).unwrap().to_string(), expected);
        }
        assert!(parse(Some("info,=="), None).is_err());
    }
}
