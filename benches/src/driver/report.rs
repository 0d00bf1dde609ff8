//! Results as a table for people and as JSON for programs.

use std::fmt::Write as _;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::plan::{Key, Plan, Results};
use super::statistics::{interval, median};
use super::target::Kind;
use super::workload::{BODY_BYTES, Placement, Point};

/// What is to be reached, with `durability = "os"` and within one shard.
enum Goal {
    /// At most so many times the floor.
    Times(f64),
    /// At most so much.
    Value(f64),
}

fn goal(key: Key) -> Option<Goal> {
    let direct = |in_flight| Point::Direct { placement: Placement::Same, in_flight };
    match key {
        Key { threads: 2.., .. } => None,
        Key { point, .. } if point == direct(1) => Some(Goal::Times(1.8)),
        Key { point, .. } if point == direct(8) => Some(Goal::Times(3.0)),
        Key { point, .. } if point == direct(64) => Some(Goal::Value(2.0)),
        Key { point: Point::Group { members: 1_000, senders: 8 }, .. } => Some(Goal::Times(1.5)),
        Key { point: Point::IdleBytes, .. } => Some(Goal::Value(3_072.0)),
        _ => None,
    }
}

/// The tables, in Markdown. `before` is what [`machine`] said before the measurement.
#[must_use]
pub fn markdown(plan: &Plan, before: &Machine, results: &Results) -> String {
    let after = machine();
    let mut text = format!(
        "Medians of {} rounds, {} s for each point, on {} x {}, Linux {}. Load average of the machine before: {}, after: {}\n\
         (the measurement itself makes about 2; more is somebody else's work, and noise).\n\n",
        plan.rounds,
        plan.times.window.as_secs_f32(),
        before.cpus,
        before.cpu,
        before.kernel,
        before.load_average,
        after.load_average,
    );
    for threads in [1, 2] {
        let is_shown = |key: &&Key| key.threads == threads && key.kind == Kind::Os && !key.point.is_beside();
        let servers = results.0.keys().filter(is_shown);
        let rows: String = servers.map(|&key| against_floor(results, key)).collect();
        if !rows.is_empty() {
            let plural = if threads == 1 { "thread" } else { "threads" };
            let _ = write!(
                text,
                "### Durability `os`, {threads} {plural}\n\n\
                 | server CPU (or memory) for | floor | hubbub | times the floor (95%) | goal | a second, floor and hubbub |\n\
                 |---|--:|--:|--:|--:|--:|\n{rows}\n"
            );
        }
    }
    text.push_str(&against_older(results));
    let points: Vec<Key> = results.0.keys().filter(|key| key.kind == Kind::Fsync).copied().collect();
    if !points.is_empty() {
        text.push_str(
            "### Durabilities, 1 thread\n\n\
             | server CPU for | `none` | `os` | `fsync` | `fsync` as a multiple of `os` (95%) | goal |\n\
             |---|--:|--:|--:|--:|--:|\n",
        );
        points.iter().for_each(|&key| text.push_str(&durabilities(results, key)));
    }
    text.push_str(&of_harness(results));
    text.push_str(&of_scrapes(results));
    text
}

/// The server as a multiple of an older one, when there was one.
fn against_older(results: &Results) -> String {
    let rows: String = results
        .0
        .keys()
        .filter(|key| key.kind == Kind::Older)
        .map(|&older| {
            let now = Key { kind: Kind::Os, ..older };
            let times = multiple(&results.ratios(now, older));
            let (threads, point) = (older.threads, older.point);
            format!("| {point} | {threads} | {} | {} | {times} |\n", value(results, older), value(results, now))
        })
        .collect();
    if rows.is_empty() {
        return rows;
    }
    format!(
        "### Against the older server, in the same run\n\n\
         | server CPU (or memory) for | threads | older | now | times the older (95%) |\n\
         |---|--:|--:|--:|--:|\n{rows}\n"
    )
}

/// What the load harness costs.
fn of_harness(results: &Results) -> String {
    let key = |point| Key { threads: 1, point, kind: Kind::Os };
    let [direct, server, bytes] = [Point::HarnessDirect, Point::HarnessServer, Point::HarnessBytes].map(key);
    if !results.0.contains_key(&direct) {
        return String::new();
    }
    format!(
        "\n### The load harness, beside a server of 1 thread\n\n\
         | harness CPU (or memory) for | server | harness | times the server (95%) | goal |\n\
         |---|--:|--:|--:|--:|\n\
         | a message of `direct`, 8 in flight | {} | {} | {} | ≤ 2x |\n\
         | an idle client, memory | | {} | | ≤ 6144 B |\n\n",
        value(results, server),
        value(results, direct),
        multiple(&results.ratios(direct, server)),
        value(results, bytes),
    )
}

/// What it costs to show metrics.
fn of_scrapes(results: &Results) -> String {
    let row = |point: Point, goal| {
        let key = Key { threads: 2, point, kind: Kind::Os };
        results.0.contains_key(&key).then(|| format!("| {point} | {} | {goal} |\n", value(results, key)))
    };
    let rows = [(Point::ScrapeMedian, ""), (Point::ScrapeSlowest, "< 50 ms"), (Point::ScrapeCpu, "< 1 %")];
    let rows: String = rows.into_iter().filter_map(|(point, goal)| row(point, goal)).collect();
    if rows.is_empty() {
        return rows;
    }
    format!(
        "\n### Metrics, of a server of 2 threads with 15,000 sessions under load\n\n| | | goal |\n|---|--:|--:|\n{rows}\n"
    )
}

fn against_floor(results: &Results, key: Key) -> String {
    let floor = Key { kind: Kind::Floor, ..key };
    let ratios = results.ratios(key, floor);
    let goal = match goal(key) {
        None => String::new(),
        Some(Goal::Times(times)) => format!("≤ {times}x"),
        Some(Goal::Value(value)) => format!("≤ {value} {}", key.point.unit()),
    };
    let rates = match (rate(results, floor), rate(results, key)) {
        (Some(floor), Some(server)) => format!("{floor:.0}k, {server:.0}k"),
        _ => String::new(),
    };
    let (floor, server) = (value(results, floor), value(results, key));
    format!("| {} | {floor} | {server} | {} | {goal} | {rates} |\n", key.point, multiple(&ratios))
}

fn durabilities(results: &Results, fsync: Key) -> String {
    let of = |kind| Key { kind, ..fsync };
    let ratios = results.ratios(fsync, of(Kind::Os));
    let goal = match fsync.point {
        Point::Direct { in_flight: 16.., .. } => "≤ 1.3x",
        _ => "",
    };
    let [none, os, fsync_value] = [Kind::None, Kind::Os, Kind::Fsync].map(|kind| value(results, of(kind)));
    format!("| {} | {none} | {os} | {fsync_value} | {} | {goal} |\n", fsync.point, multiple(&ratios))
}

fn value(results: &Results, key: Key) -> String {
    match median(&results.values(key)) {
        None => "–".to_owned(),
        Some(value) if value < 100.0 => format!("{value:.2} {}", key.point.unit()),
        Some(value) => format!("{value:.0} {}", key.point.unit()),
    }
}

/// Thousands a second.
fn rate(results: &Results, key: Key) -> Option<f64> {
    let rates: Vec<f64> = results.0.get(&key)?.iter().map(|sample| sample.rate / 1e3).collect();
    median(&rates).filter(|rate| *rate > 0.0)
}

fn multiple(ratios: &[f64]) -> String {
    match (median(ratios), interval(ratios)) {
        (Some(middle), Some((low, high))) => format!("{middle:.2} ({low:.2} to {high:.2})"),
        _ => String::new(),
    }
}

/// Puts the tables where they stand in a document: between its two marks.
///
/// # Errors
/// The marks are not there.
pub fn replace_tables(document: &str, tables: &str) -> anyhow::Result<String> {
    let (head, rest) = document.split_once(TABLES_BEGIN).context("the document has no mark where tables begin")?;
    let (_, tail) = rest.split_once(TABLES_END).context("the document has no mark where tables end")?;
    Ok(format!("{head}{TABLES_BEGIN}\n\n{}\n\n{TABLES_END}{tail}", tables.trim()))
}

const TABLES_BEGIN: &str = "<!-- tables: hubbub-bench --write -->";
const TABLES_END: &str = "<!-- end of tables -->";

/// Everything, sample by sample.
#[must_use]
pub fn json(plan: &Plan, before: &Machine, results: &Results) -> Value {
    let series = results.0.iter().map(|(key, samples)| {
        let ratios = results.ratios(*key, Key { kind: Kind::Floor, ..*key });
        json!({
            "target": key.kind.to_string(),
            "threads": key.threads,
            "point": key.point.to_string(),
            "unit": key.point.unit(),
            "median": median(&results.values(*key)),
            "values": results.values(*key),
            "rates": samples.iter().map(|sample| sample.rate).collect::<Vec<_>>(),
            "cpus": samples.iter().map(|sample| sample.cpus).collect::<Vec<_>>(),
            "times_floor": { "median": median(&ratios), "interval_95": interval(&ratios), "values": ratios },
        })
    });
    json!({
        "schema": 1,
        "conditions": {
            "rounds": plan.rounds,
            "pairs": plan.pairs,
            "body_bytes": BODY_BYTES,
            "window_ms": plan.times.window.as_millis() as u64,
            "cpu": before.cpu,
            "cpus": before.cpus,
            "kernel": before.kernel,
            "load_average_before": before.load_average,
            "load_average_after": machine().load_average,
        },
        "series": series.collect::<Vec<_>>(),
    })
}

/// Where something was measured, and how busy it was there.
#[derive(Clone, Debug)]
pub struct Machine {
    cpu: String,
    cpus: usize,
    kernel: String,
    load_average: String,
}

/// What this machine says of itself now.
#[must_use]
pub fn machine() -> Machine {
    let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let model = text("/proc/cpuinfo").lines().find_map(|line| {
        let (name, model) = line.split_once(':')?;
        (name.trim() == "model name").then(|| model.trim().to_owned())
    });
    Machine {
        cpu: model.unwrap_or_else(|| "an unknown CPU".to_owned()),
        cpus: std::thread::available_parallelism().map_or(0, usize::from),
        kernel: text("/proc/sys/kernel/osrelease"),
        load_average: text("/proc/loadavg").split_ascii_whitespace().next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_replace_those_that_stood_there() {
        let document = format!("a\n{TABLES_BEGIN}\nold\n{TABLES_END}\nz\n");
        let replaced = replace_tables(&document, "new\n").unwrap();
        assert_eq!(replaced, format!("a\n{TABLES_BEGIN}\n\nnew\n\n{TABLES_END}\nz\n"));
        assert_eq!(replace_tables(&replaced, "new\n").unwrap(), replaced);
        assert!(replace_tables("nothing", "new").is_err());
    }
}
