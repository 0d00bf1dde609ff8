//! `report.html`: one page for people, with nothing to fetch. The verdict comes first; a run that has no performance result
//! shows none. A small script shows values under the pointer; without it the page is whole.

use std::fmt::Write;

use super::format::{count, number};
use super::result::RunResult;
use super::standing::{Standing, headline};
use super::summary::{ledger_words, protocol_words, verdict_words};
use super::table::Table;
use super::{curves, fanout, returns, tables, timeline};
use crate::certify::Verdict;

/// The whole page.
#[must_use]
pub fn page(result: &RunResult) -> String {
    let title = format!("Hubbub load report: {}", result.scenario);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <title>{}</title><style>{}</style></head><body><main>",
        escape(&title),
        include_str!("report.css"),
    );
    html += &head(result);
    html += &key_figures(result);
    html += &side_by_side(&[tables::thresholds(result), tables::disturbances(result)]);
    html += &timeline::timeline(result);
    html += &curves::curves(result);
    html += &fanout::by_size(result);
    html += &tables::latencies(result).to_html();
    html += &returns::fanout(result).to_html();
    html += &side_by_side(&returns::all(result));
    html += &side_by_side(&[tables::ledger(result), tables::unit_costs(result), tables::generator(result)]);
    html += &faults(result);
    html += &tables::errors(result).to_html();
    html += &tables::workers(result).to_html();
    html += &environment(result);
    let _ = writeln!(html, "</main><script>{}</script></body></html>", include_str!("report.js"));
    html
}

/// Text as HTML.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// What was run, the run in one sentence, and what that stands on.
fn head(result: &RunResult) -> String {
    let class = match (Standing::of(result), result.is_good()) {
        (Standing::Servers, true) => "good",
        (Standing::Unclear, true) => "warn",
        _ => "bad",
    };
    format!(
        "<p class=\"soft\">{} · {} clients · {} s measured · {} · {}</p>\
         <h1 class=\"{class}\">{}</h1><div class=\"verdicts\">{}{}{}{}</div>",
        escape(&result.scenario),
        count(result.clients.into()),
        number(result.measured_s),
        escape(&server_words(result)),
        escape(&result.environment.started),
        escape(&headline(result)),
        ledger_card(result),
        verdict_card(result),
        thresholds_card(result),
        early_card(result),
    )
}

/// Which server it was, as far as it said.
fn server_words(result: &RunResult) -> String {
    if let Some(words) = protocol_words(result) {
        return words;
    }
    let (version, durability) = (&result.server.version, &result.server.durability);
    let version = version.as_ref().map_or_else(String::new, |version| format!(" {version}"));
    let durability = durability.as_ref().map_or_else(String::new, |mode| format!(", durability {mode}"));
    format!("Hubbub{version}{durability}")
}

fn card(class: &str, heading: &str, html: &str) -> String {
    format!("<div class=\"verdict {class}\"><b>{heading}</b>{html}</div>")
}

fn ledger_card(result: &RunResult) -> String {
    let (class, heading) = match result.ledger.closed {
        true => ("good", "Ledger closed"),
        false => ("bad", "Ledger not closed"),
    };
    card(class, heading, &sentence(&ledger_words(&result.ledger)))
}

fn verdict_card(result: &RunResult) -> String {
    let (class, heading) = match result.verdict {
        Verdict::Server if !result.ledger.closed => ("warn", "No performance result"),
        Verdict::Server => ("good", "The server was measured"),
        Verdict::Unclear => ("warn", "Unclear what was measured"),
        Verdict::Generator => ("bad", "The generator was the limit"),
    };
    if result.verdict == Verdict::Server {
        return card(class, heading, &sentence(&verdict_words(result)));
    }
    let reasons: String =
        result.verdict_reasons.iter().map(|reason| format!("<li>{}</li>", sentence(reason))).collect();
    card(class, heading, &format!("<ul>{reasons}</ul>"))
}

fn thresholds_card(result: &RunResult) -> String {
    let all = result.thresholds.len();
    let failed = result.thresholds.iter().filter(|threshold| !threshold.passed).count();
    match (all, failed) {
        (0, _) => card("none", "No thresholds", "Nothing was demanded of this run (see <code>--thresholds</code>)."),
        (1, 0) => card("good", "The threshold holds", &escape(&result.thresholds[0].text)),
        (all, 0) => card("good", &format!("All {all} thresholds hold"), "See below what was measured."),
        (all, failed) => card("bad", &format!("{failed} of {all} thresholds failed"), "See below what was measured."),
    }
}

fn early_card(result: &RunResult) -> String {
    result.ended_early.as_ref().map_or_else(String::new, |why| card("warn", "Ended early", &sentence(why)))
}

/// Text as a sentence; a word and a colon before it are said by the heading already.
fn sentence(words: &str) -> String {
    let rest = ["closed: ", "NOT CLOSED: ", "server: "].into_iter().find_map(|said| words.strip_prefix(said));
    let mut letters = rest.unwrap_or(words).chars();
    let first = letters.next().map_or_else(String::new, |letter| letter.to_uppercase().to_string());
    code(&escape(&format!("{first}{}.", letters.as_str())))
}

/// What stands between backquotes is what people type.
fn code(html: &str) -> String {
    let parts = html.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() }).collect()
}

fn key_figures(result: &RunResult) -> String {
    let standing = Standing::of(result);
    let void = if standing.is_void() { " void" } else { "" };
    let warning = standing.warning().map_or_else(String::new, |words| format!("<p class=\"warning\">{words}</p>"));
    let tiles: String = tables::key_figures(result)
        .into_iter()
        .map(|(label, value)| format!("<div class=\"tile\"><b>{}</b><span>{label}</span></div>", escape(&value)))
        .collect();
    format!("{warning}<div class=\"tiles{void}\">{tiles}</div>")
}

fn side_by_side(tables: &[Table]) -> String {
    let html: String = tables.iter().map(Table::to_html).collect();
    match html.is_empty() {
        true => html,
        false => format!("<div class=\"columns\">{html}</div>"),
    }
}

fn faults(result: &RunResult) -> String {
    if result.ledger.faults.is_empty() {
        return String::new();
    }
    let lines: String = result.ledger.faults.iter().map(|fault| escape(fault) + "\n").collect();
    format!("<h2>First faults</h2><div class=\"card\"><pre>{lines}</pre></div>")
}

fn environment(result: &RunResult) -> String {
    let environment = &result.environment;
    let sysctls: String = environment.sysctls.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    let folded = |title: &str, text: &str| {
        format!("<details><summary>{title}</summary><pre>{}</pre></details>", escape(text.trim_end()))
    };
    format!(
        "{}<div class=\"card\">{}{}</div>",
        tables::environment(result).to_html(),
        folded("Scenario as it was run, flags included", &environment.scenario),
        folded("Kernel settings", &sysctls),
    )
}
