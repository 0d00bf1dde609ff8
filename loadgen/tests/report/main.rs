//! What people see of a result, read as a program would: nothing here looks at a picture. One property per file.

mod markdown;
mod old_files;
mod panels;
mod self_contained;
mod sparse;
mod special_parts;
mod standing;
mod well_formed;

use hubbub_loadgen::certify::Verdict;
use hubbub_loadgen::disturbance::{Action, Disturbed};
use hubbub_loadgen::report::html::page;
use hubbub_loadgen::report::result::{Quantiles, RunResult, SeriesPhase, SeriesPoint};
use hubbub_loadgen::server_figures::ServerSecond;
use hubbub_loadgen::thresholds::Outcome;
use roxmltree::{Document, Node};

/// A result as the first version of the harness wrote it, of a real run.
const FIRST_VERSION: &str = include_str!("results/first_version.json");

/// What that file says.
fn first_version() -> RunResult {
    serde_json::from_str(FIRST_VERSION).unwrap()
}

/// A result in which everything was measured, and much happened.
fn full() -> RunResult {
    let mut result = first_version();
    result.verdict = Verdict::Server;
    result.verdict_reasons.clear();
    result.latency_us.fanout_last = result.latency_us.delivery;
    result.curves.fanout_last = result.curves.delivery.clone();
    result.series = (0..40).map(second).collect();
    result.disturbances = [(10.0, Action::Kill, Some(0.8)), (20.5, Action::Stop, None)]
        .map(|(at_s, action, recovered_s)| Disturbed {
            at_s,
            action,
            down_s: 2.0,
            synced_before: 100,
            synced_least: 3,
            recovered_s,
        })
        .into();
    let outcome = |text: &str, passed| Outcome {
        text: text.to_owned(),
        measured: Some(15.5),
        passed,
        words: "15.5 ms".to_owned(),
    };
    result.thresholds = vec![outcome("delivery_p99<100ms", true), outcome("loss=0", true)];
    result.errors.insert("disconnected: <reset> & gone".to_owned(), 12);
    result
}

fn second(at_s: u32) -> SeriesPoint {
    let wave = u64::from(at_s % 7);
    let quantiles = Some(Quantiles { p50: 700 + wave, p99: 9_000 + wave, p999: 20_000, max: 30_000 + 5_000 * wave });
    SeriesPoint {
        at_s,
        phase: match at_s {
            0..5 => SeriesPhase::Ramp,
            5..35 => SeriesPhase::Measured,
            _ => SeriesPhase::Drain,
        },
        offered: 500 + wave,
        accepted: 490 + wave,
        delivered: 1_000 + wave,
        connected: 100 - u32::from(at_s == 11),
        errors: u64::from(at_s == 11),
        ack: quantiles,
        delivery: quantiles,
        fanout_last: quantiles,
        slip_us_p99: Some(300 + wave),
        server_cpu_cores: Some(0.1 * wave as f64),
        server_rss_bytes: Some((30 + wave) << 20),
        server: (at_s != 20).then(|| inside(wave as f64)),
        generator_busiest: Some(0.2 + wave as f64 / 100.0),
        generator_waited: Some(0.1),
    }
}

fn inside(wave: f64) -> ServerSecond {
    ServerSecond {
        shard_busy: vec![0.1 + wave / 100.0, 0.2],
        commits_per_s: Some(400.0),
        commit_us_p50: Some(900.0 + wave),
        commit_us_p99: Some(4_000.0 + wave),
        commit_entries_mean: Some(3.0 + wave),
        commit_entries_p99: Some(9.0 + wave),
        mailbox_depth_max: Some(wave as u64),
        sessions: Some(100),
        ..ServerSecond::default()
    }
}

/// A result in which almost nothing was measured.
fn sparse() -> RunResult {
    let mut result = first_version();
    result.series.clear();
    result.curves = Default::default();
    result.latency_us = Default::default();
    result.server = Default::default();
    result.counts = Default::default();
    result
}

/// The page without its first line, which no XML reader takes, read by `look`.
fn read_page<T>(result: &RunResult, look: impl FnOnce(Node<'_, '_>) -> T) -> T {
    let html = page(result);
    let body = html.strip_prefix("<!doctype html>\n").unwrap();
    let document = Document::parse(body).unwrap_or_else(|error| panic!("{error}"));
    look(document.root_element())
}

/// All elements of a name.
fn all<'a, 'input>(root: Node<'a, 'input>, name: &str) -> Vec<Node<'a, 'input>> {
    root.descendants().filter(|node| node.has_tag_name(name)).collect()
}

/// Everything that is written below a node.
fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect()
}

/// Whether one of its classes is `class`.
fn has_class(node: &Node<'_, '_>, class: &str) -> bool {
    node.attribute("class").is_some_and(|classes| classes.split(' ').any(|one| one == class))
}
