//! The plots of a report: which figures go into which picture.

use super::axis::Scale;
use super::format::{number, time_us};
use super::plot::{Band, Line, Plot};
use super::result::{Quantiles, RunResult, SeriesPhase, SeriesPoint};

/// All plots that have something to show.
pub(super) fn pictures(result: &RunResult) -> String {
    let figures: String = [
        latency_over_time(result),
        percentile_curves(result),
        throughput(result),
        copies(result),
        fanout_curves(result),
        server_cpu(result),
        server_memory(result),
        connections(result),
    ]
    .concat();
    match figures.is_empty() {
        true => String::new(),
        false => format!("<h2>Over time</h2><div class=\"plots\">{figures}</div>"),
    }
}

fn line<'a>(
    result: &RunResult,
    name: &'a str,
    class: &'static str,
    value: impl Fn(&SeriesPoint) -> Option<f64>,
) -> Line<'a> {
    let points = result.series.iter().map(|point| (f64::from(point.at_s) + 0.5, value(point))).collect();
    Line { name, class, filled: false, points }
}

fn over_time<'a>(
    result: &RunResult,
    title: &'a str,
    note: &'a str,
    y: (Scale, fn(f64) -> String),
    lines: Vec<Line<'a>>,
) -> String {
    Plot {
        title,
        note,
        x_label: "seconds from the start of the traffic",
        x_scale: Scale::Linear,
        x_range: result.series.last().map(|last| (0.0, f64::from(last.at_s) + 1.0)),
        y_scale: y.0,
        x_format: number,
        y_format: y.1,
        bands: bands(result),
        lines,
    }
    .to_html()
}

/// What was not measured is shaded.
fn bands(result: &RunResult) -> Vec<Band> {
    let of = |phase, label| {
        let mut seconds =
            result.series.iter().filter(move |point| point.phase == phase).map(|point| f64::from(point.at_s));
        let from = seconds.next()?;
        let to = seconds.next_back().unwrap_or(from) + 1.0;
        Some(Band { from, to, label })
    };
    [of(SeriesPhase::Ramp, "ramp"), of(SeriesPhase::Drain, "drain")].into_iter().flatten().collect()
}

fn latency_over_time(result: &RunResult) -> String {
    let delivery = |figure: fn(Quantiles) -> u64| {
        move |point: &SeriesPoint| point.delivery.map(|quantiles| figure(quantiles) as f64)
    };
    over_time(
        result,
        "Delivery latency",
        "From the intended send to each recipient, by the second of arrival.",
        (Scale::Log, time_us),
        vec![
            line(result, "max", "c5", delivery(|quantiles| quantiles.max)),
            line(result, "99.9%", "c4", delivery(|quantiles| quantiles.p999)),
            line(result, "99%", "c2", delivery(|quantiles| quantiles.p99)),
            line(result, "50%", "c1", delivery(|quantiles| quantiles.p50)),
        ],
    )
}

/// Name, style class, and points of a curve.
type Curve<'a> = (&'a str, &'static str, &'a [(f64, u64)]);

fn quantiles<'a>(title: &'a str, note: &'a str, curves: &[Curve<'a>]) -> String {
    let lines = curves.iter().map(|&(name, class, points)| Line {
        name,
        class,
        filled: false,
        points: points.iter().map(|(quantile, us)| (*quantile, Some(*us as f64))).collect(),
    });
    Plot {
        title,
        note,
        x_label: "share of all values at or below",
        x_scale: Scale::Tail,
        x_range: None,
        y_scale: Scale::Log,
        x_format: |quantile| format!("{}%", (quantile * 1e9).round() / 1e7),
        y_format: time_us,
        bands: Vec::new(),
        lines: lines.collect(),
    }
    .to_html()
}

fn percentile_curves(result: &RunResult) -> String {
    let curves = &result.curves;
    quantiles(
        "Latency by percentile",
        "Each step to the right is ten times rarer; the line ends at the largest value.",
        &[("delivered", "c1", &curves.delivery), ("acknowledged", "c3", &curves.ack)],
    )
}

fn fanout_curves(result: &RunResult) -> String {
    let curves = &result.curves;
    quantiles(
        "Fan-out completion",
        "From the intended send until the first, the middle and the last member of the group had it.",
        &[
            ("last", "c2", &curves.fanout_last),
            ("middle", "c1", &curves.fanout_median),
            ("first", "c3", &curves.fanout_first),
        ],
    )
}

fn throughput(result: &RunResult) -> String {
    if result.counts.offered == 0 {
        return String::new();
    }
    over_time(
        result,
        "Messages per second",
        "What the schedule wanted, and what the server acknowledged.",
        (Scale::Linear, number),
        vec![
            line(result, "offered", "c5", |point| Some(point.offered as f64)),
            Line { filled: true, ..line(result, "accepted", "c1", |point| Some(point.accepted as f64)) },
        ],
    )
}

fn copies(result: &RunResult) -> String {
    if result.counts.offered == 0 {
        return String::new();
    }
    over_time(
        result,
        "Copies delivered per second",
        "At recipients other than the sender.",
        (Scale::Linear, number),
        vec![Line { filled: true, ..line(result, "delivered", "c3", |point| Some(point.delivered as f64)) }],
    )
}

fn server_cpu(result: &RunResult) -> String {
    over_time(
        result,
        "Server CPU",
        "1 is one core.",
        (Scale::Linear, number),
        vec![Line { filled: true, ..line(result, "cores", "c2", |point| point.server_cpu_cores) }],
    )
}

fn server_memory(result: &RunResult) -> String {
    over_time(
        result,
        "Server memory",
        "Resident.",
        (Scale::Linear, |mebibytes| format!("{} MiB", number(mebibytes))),
        vec![Line { filled: true, ..line(result, "resident", "c4", |point| point.server_rss_bytes.map(mebibytes)) }],
    )
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

/// Only where something happened.
fn connections(result: &RunResult) -> String {
    let all = result.series.iter().all(|point| point.connected == result.clients && point.errors == 0);
    if all {
        return String::new();
    }
    over_time(
        result,
        "Clients logged in",
        "At the end of each second.",
        (Scale::Linear, number),
        vec![
            Line { filled: true, ..line(result, "logged in", "c1", |point| Some(f64::from(point.connected))) },
            line(result, "errors in this second", "c2", |point| Some(point.errors as f64)),
        ],
    )
}
