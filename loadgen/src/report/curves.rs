//! Percentile curves and fan-out completion: what is not over time.

use super::axis::{Axis, Scale};
use super::format::time_us;
use super::plot::{Line, Plot};
use super::result::RunResult;

/// Name, style class, and points of a curve.
type Curve<'a> = (&'a str, &'static str, &'a [(f64, u64)]);

/// All plots that have something to show.
#[must_use]
pub fn curves(result: &RunResult) -> String {
    let curves = &result.curves;
    let figures = [
        plot(
            "Latency by percentile",
            "each step to the right is ten times rarer",
            &[("delivered", "c1", &curves.delivery), ("acknowledged", "c3", &curves.ack)],
        ),
        plot(
            "Fan-out by percentile",
            "until the first, the middle, the last of the group had it",
            &[
                ("last", "c2", &curves.fanout_last),
                ("middle", "c1", &curves.fanout_median),
                ("first", "c3", &curves.fanout_first),
            ],
        ),
    ]
    .concat();
    match figures.is_empty() {
        true => String::new(),
        false => format!("<h2>Percentiles</h2><div class=\"plots\">{figures}</div>"),
    }
}

fn plot(title: &str, note: &str, curves: &[Curve<'_>]) -> String {
    let lines: Vec<Line> = curves
        .iter()
        .filter(|(_, _, points)| !points.is_empty())
        .map(|&(name, class, points)| Line {
            name: name.to_owned(),
            class,
            filled: false,
            points: points.iter().map(|(quantile, us)| (*quantile, Some(*us as f64))).collect(),
        })
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    let points = || lines.iter().flat_map(|line| &line.points);
    let x = Axis::around(Scale::Tail, points().map(|point| point.0));
    let y = Axis::around(Scale::Log, points().filter_map(|point| point.1));
    let label = |quantile: f64| format!("{}%", (quantile * 1e9).round() / 1e7);
    let plot = Plot {
        x_ticks: x.ticks(9).into_iter().map(|quantile| (quantile, label(quantile))).collect(),
        x_title: "share of all values at or below",
        ..Plot::new(title, note, (x, y), time_us, lines)
    };
    plot.to_html(None)
}
