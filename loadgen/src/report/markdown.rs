//! `summary.md`: the run for an issue or a chat: verdict, key figures, latencies, ledger, environment.

use std::fmt::Write;

use super::result::RunResult;
use super::standing::{Standing, headline};
use super::summary::{ledger_words, verdict_words};
use super::table::Table;
use super::{returns, tables};

/// The whole text.
#[must_use]
pub fn summary(result: &RunResult) -> String {
    let standing = Standing::of(result);
    let mut text = format!("## {}: {}\n\n", plain(&result.scenario), plain(&headline(result)));
    let _ = writeln!(text, "- **Ledger** {}", plain(&ledger_words(&result.ledger)));
    let _ = writeln!(text, "- **Verdict** {}", plain(&verdict_words(result)));
    if let Some(why) = &result.ended_early {
        let _ = writeln!(text, "- **Ended early** {}", plain(why));
    }
    if let Some(warning) = standing.warning() {
        let _ = writeln!(text, "\n> **{warning}**");
    }
    text.push('\n');
    let strike = if standing.is_void() { "~~" } else { "" };
    let figures = tables::key_figures(result);
    let pairs = figures.into_iter().map(|(label, value)| (label, Some(format!("{strike}{value}{strike}"))));
    let parts = [
        Table::of_pairs("Key figures", pairs.collect()),
        tables::thresholds(result),
        tables::disturbances(result),
        tables::latencies(result),
        returns::fanout(result),
        tables::ledger(result),
        tables::unit_costs(result),
        tables::errors(result),
        tables::workers(result),
        tables::environment(result),
    ];
    parts.iter().chain(&returns::all(result)).for_each(|table| text += &table.to_markdown());
    let faults: String = result.ledger.faults.iter().take(10).map(|fault| format!("- {}\n", plain(fault))).collect();
    if !faults.is_empty() {
        text += &format!("### First faults\n\n{faults}\n");
    }
    let scenario = result.environment.scenario.trim_end();
    text + &format!("<details><summary>Scenario as it was run</summary>\n\n```toml\n{scenario}\n```\n\n</details>\n")
}

/// One line that starts no markup of its own.
fn plain(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
}
