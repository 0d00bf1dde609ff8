//! `capacity.html`: one page for people, with nothing to fetch and no script: the answer first, then the knee.

use std::collections::BTreeMap;

use super::load::Vary;
use super::point::Point;
use super::result::Capacity;
use super::search::{Ending, Outcome};
use super::words::{main_latency, outcome_word, row, warnings};
use crate::figures::Measure;
use crate::latency::Summary;
use crate::report::axis::{Axis, Scale};
use crate::report::format::{bytes, count, number, time_us};
use crate::report::html::escape;
use crate::report::plot::{Band, Limit, Line, Plot};
use crate::thresholds;

/// The whole page.
#[must_use]
pub fn page(capacity: &Capacity) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Hubbub capacity: {}</title><style>{}{}</style></head><body><main>{}{}{}{}{}</main></body></html>\n",
        escape(&capacity.scenario),
        include_str!("../report/report.css"),
        include_str!("page.css"),
        head(capacity),
        verdict(capacity),
        pictures(capacity),
        points(capacity),
        environment(capacity),
    )
}

fn head(capacity: &Capacity) -> String {
    let server = &capacity.server;
    let version = server.version.as_ref().map_or_else(String::new, |version| format!(" {}", escape(version)));
    let durability =
        server.durability.as_ref().map_or_else(String::new, |mode| format!(", durability {}", escape(mode)));
    format!(
        "<h1>Capacity of {}</h1><p class=\"soft\">Hubbub{version}{durability} · {} points in {} minutes · {}</p>",
        escape(&capacity.scenario),
        capacity.points.len(),
        number((capacity.took_s / 6.0).round() / 10.0),
        escape(&capacity.environment.started),
    )
}

fn verdict(capacity: &Capacity) -> String {
    let class = match capacity.answer.ending {
        Ending::Confirmed | Ending::TopPasses => "good",
        Ending::BottomFails => "bad",
        _ => "warn",
    };
    let words = &capacity.answer.words;
    let (answer, rest) = words.split_once(": ").unwrap_or((words, ""));
    let rules = &capacity.rules;
    let warnings: String =
        warnings(capacity).iter().map(|words| format!("<div class=\"verdict warn\">{}</div>", escape(words))).collect();
    format!(
        "<div class=\"verdicts\"><div class=\"verdict {class}\"><b>{}</b>{}</div>\
         <div class=\"verdict plain\"><b>{}</b>and a closed ledger, for {} s at each load; the interval is {}% wide</div>{warnings}</div>",
        escape(&capitalised(answer)),
        escape(&capitalised(rest)),
        escape(&capacity.slo.join(", ")),
        number(rules.hold_s),
        number(rules.step * 100.0),
    )
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn pictures(capacity: &Capacity) -> String {
    let figures = [latency(capacity), throughput(capacity), cpu(capacity), memory(capacity)].concat();
    format!("<h2>The knee</h2><div class=\"plots\">{figures}</div>")
}

/// A value for each load: the middle one, where a load was tried several times.
fn by_load(capacity: &Capacity, value: impl Fn(&Point) -> Option<f64>) -> Vec<(f64, Option<f64>)> {
    let mut loads: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for point in &capacity.points {
        let values = loads.entry(point.load.size(capacity.vary).round() as u64).or_default();
        values.extend(value(point));
    }
    loads
        .into_iter()
        .filter_map(|(load, mut values)| {
            values.sort_by(f64::total_cmp);
            Some((load as f64, Some(*values.get(values.len() / 2)?)))
        })
        .collect()
}

fn line(capacity: &Capacity, name: &str, class: &'static str, value: impl Fn(&Point) -> Option<f64>) -> Line {
    Line { name: name.to_owned(), class, filled: false, points: by_load(capacity, value) }
}

/// Each point for itself, as a dot.
fn dots(
    capacity: &Capacity,
    outcome: Outcome,
    name: &str,
    class: &'static str,
    value: impl Fn(&Point) -> Option<f64>,
) -> Line {
    let mut loads: Vec<_> = capacity
        .points
        .iter()
        .filter(|point| point.outcome == outcome)
        .filter_map(|point| Some((point.load.size(capacity.vary), value(point)?)))
        .collect();
    loads.sort_by(|a, b| a.0.total_cmp(&b.0));
    // A point without a value after each keeps them apart.
    let points = loads.into_iter().flat_map(|(load, value)| [(load, Some(value)), (load, None)]).collect();
    Line { name: name.to_owned(), class, filled: false, points }
}

/// The three outcomes, as dots on a line.
fn outcomes(capacity: &Capacity, value: impl Fn(&Point) -> Option<f64> + Copy) -> [Line; 3] {
    [
        dots(capacity, Outcome::Passed, "passed", "pass", value),
        dots(capacity, Outcome::Failed, "failed", "fail", value),
        dots(capacity, Outcome::Unmeasured, "neither", "neither", value),
    ]
}

fn plot(
    capacity: &Capacity,
    (title, note): (&str, &str),
    (y_scale, y_format): (Scale, fn(f64) -> String),
    limit: Option<Limit>,
    lines: Vec<Line>,
) -> String {
    let lines: Vec<Line> = lines.into_iter().filter(|line| line.points.iter().any(|point| point.1.is_some())).collect();
    if lines.is_empty() {
        return String::new();
    }
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = Axis::around(Scale::Linear, points().map(|point| point.0));
    let y = Axis::around(y_scale, points().filter_map(|point| point.1).chain(limit.iter().map(|limit| limit.at)));
    let knee = capacity.answer.passes.zip(capacity.answer.fails);
    let band = knee.map(|(passes, fails)| Band {
        from: passes.size(capacity.vary),
        to: fails.size(capacity.vary),
        class: "knee",
        label: "knee".to_owned(),
        more: String::new(),
    });
    let plot = Plot {
        x_ticks: x.ticks(6).into_iter().map(|load| (load, number(load))).collect(),
        x_title: match capacity.vary {
            Vary::Rate => "messages offered per second",
            Vary::Clients => "clients",
        },
        bands: band.into_iter().collect(),
        names_bands: true,
        limit,
        ..Plot::new(title, note, (x, y), y_format, lines)
    };
    plot.to_html(None)
}

/// The demand on the latency that is shown: its limit as a level line.
fn limit(capacity: &Capacity) -> Option<Limit> {
    let parsed = thresholds::parse(&capacity.slo.join(",")).ok()?;
    let found = parsed.into_iter().find(|threshold| threshold.figure.measure == Measure::Time)?;
    Some(Limit { at: found.limit.base(), label: found.to_string() })
}

fn latency(capacity: &Capacity) -> String {
    let figure = |figure: fn(&Summary) -> u64| move |point: &Point| main_latency(point).map(|all| figure(all) as f64);
    let p99 = figure(|summary| summary.p99);
    let mut lines = vec![
        line(capacity, "99.9%", "c4", figure(|summary| summary.p999)),
        line(capacity, "99%", "c2", p99),
        line(capacity, "50%", "c1", figure(|summary| summary.p50)),
    ];
    lines.extend(outcomes(capacity, p99));
    let sent = capacity.points.iter().any(|point| point.latency_us.delivery.is_some());
    let title = if sent { "Delivery latency by load" } else { "Login latency by load" };
    let note = "the middle run of each load; dots are single runs at 99%";
    plot(capacity, (title, note), (Scale::Log, time_us), limit(capacity), lines)
}

fn throughput(capacity: &Capacity) -> String {
    if capacity.points.iter().all(|point| point.rates.offered_per_s == 0.0) {
        return String::new();
    }
    let accepted = |point: &Point| point.verdict.map(|_| point.rates.accepted_per_s);
    let mut lines = vec![
        line(capacity, "offered", "c5", |point| point.verdict.map(|_| point.rates.offered_per_s)),
        line(capacity, "accepted", "c1", accepted),
        line(capacity, "delivered", "c3", |point| point.verdict.map(|_| point.rates.delivered_per_s)),
    ];
    lines.extend(outcomes(capacity, accepted));
    let text = ("Offered against delivered", "per second; dots are single runs");
    plot(capacity, text, (Scale::Linear, number), None, lines)
}

fn cpu(capacity: &Capacity) -> String {
    let lines = vec![
        Line { filled: true, ..line(capacity, "server", "c2", |point| point.server_cpu_cores) },
        line(capacity, "generator", "c5", |point| point.generator_cpu_cores),
    ];
    plot(capacity, ("CPU", "1 is one core"), (Scale::Linear, number), None, lines)
}

fn memory(capacity: &Capacity) -> String {
    let resident = |point: &Point| point.server_rss_bytes.map(|rss| rss as f64 / 1_048_576.0);
    let format: fn(f64) -> String = |mebibytes| format!("{} MiB", number(mebibytes));
    let lines = vec![Line { filled: true, ..line(capacity, "resident", "c4", resident) }];
    let note = "resident; it also grows with what earlier points left in caches";
    plot(capacity, ("Server memory", note), (Scale::Linear, format), None, lines)
}

fn points(capacity: &Capacity) -> String {
    let heads = [
        "point",
        "outcome",
        "phase",
        capacity.vary.unit(),
        "offered/s",
        "accepted/s",
        "delivered/s",
        "50%",
        "99%",
        "99.9%",
        "cores",
        "memory",
        "why",
    ];
    let heads: String = heads.map(|head| format!("<th>{head}</th>")).concat();
    let rows: String = capacity
        .points
        .iter()
        .map(|point| {
            let cells = row(point, capacity.vary);
            let class = outcome_word(point.outcome).to_lowercase();
            let shown = cells.iter().enumerate().map(|(at, cell)| match at {
                1 => format!("<td class=\"outcome {class}\">{}</td>", escape(cell)),
                _ if at + 1 == cells.len() => format!("<td class=\"why\">{}</td>", escape(cell)),
                _ => format!("<td>{}</td>", escape(cell)),
            });
            format!("<tr>{}</tr>", shown.collect::<String>())
        })
        .collect();
    format!(
        "<h2>Points</h2><div class=\"card\"><table class=\"numbers points\"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

fn environment(capacity: &Capacity) -> String {
    let (environment, rules) = (&capacity.environment, &capacity.rules);
    let revision = environment.revision.as_ref().map_or_else(String::new, |revision| format!(" ({revision})"));
    let search = format!(
        "climb ×{}, then halved to {}%, {} confirmations, up to ×{}, {} points at most; each point is a run with fresh users",
        number(rules.growth),
        number(rules.step * 100.0),
        rules.confirm,
        number(rules.factor_max),
        rules.points_max
    );
    let scenario = escape(&environment.scenario);
    let rows = [
        ("Command", Some(format!("<code>{}</code>", escape(&environment.command_line.join(" "))))),
        ("Search", Some(search)),
        ("Harness", Some(escape(&format!("{}{revision}", environment.version)))),
        ("Seed", Some(environment.seed.to_string())),
        ("Threads, processes", Some(format!("{}, {}", environment.threads, environment.processes))),
        ("Kernel", Some(escape(&environment.kernel))),
        ("CPU", environment.cpu_model.as_deref().map(escape)),
        ("Cores", Some(count(environment.cores as u64))),
        ("Memory", environment.memory_bytes.map(|memory| bytes(memory as f64))),
        ("Scenario", Some(format!("<details><summary>at factor 1</summary><pre>{scenario}</pre></details>"))),
    ];
    let rows: String = rows
        .into_iter()
        .filter_map(|(label, value)| Some(format!("<tr><th>{label}</th><td>{}</td></tr>", value?)))
        .collect();
    format!("<h2>Environment</h2><div class=\"card\"><table class=\"environment\"><tbody>{rows}</tbody></table></div>")
}
