//! The run second by second: panels one below the other on one time axis, with the phases and what was done to the server
//! shaded in all of them. What did not change is said in a line, and so is what was not measured: no panel is empty.

use std::fmt::Write;

use super::axis::{Axis, Scale};
use super::format::{bytes, number, time_us};
use super::html::escape;
use super::plot::{Band, Limit, Line, Plot};
use super::result::{Quantiles, RunResult, SeriesPhase, SeriesPoint};
use super::seconds::{self, Merge};
use crate::server_figures::ServerSecond;

/// More shards than this are shown as the busiest and the median.
const SHARDS_SHOWN_MAX: usize = 4;

/// A figure over time.
struct Panel {
    title: &'static str,
    note: &'static str,
    scale: Scale,
    format: fn(f64) -> String,
    lines: Vec<Line>,
    /// Said when there is nothing to draw.
    absent: &'static str,
    /// The name of the threshold that it is held against.
    figure: &'static str,
}

/// Panels that belong together.
struct Group {
    title: &'static str,
    panels: Vec<Panel>,
}

/// All panels with their headings, and the data of the read-out.
#[must_use]
pub fn timeline(result: &RunResult) -> String {
    if result.series.is_empty() {
        return String::new();
    }
    let stage = Stage::new(result);
    let mut html = "<h2>Over time</h2>".to_owned();
    html += &stage.about(result);
    let _ = write!(html, "<div class=\"timeline\" data-end=\"{}\">", stage.end_s);
    let mut shown = Vec::new();
    for group in [clients(result), load(result), server(result), generator(result)] {
        let _ = write!(html, "<h3 class=\"group\">{}</h3>", group.title);
        let mut names_bands = true;
        for panel in group.panels {
            html += &stage.draw(panel, result, &mut names_bands, &mut shown);
        }
    }
    html += "</div>";
    html + &read_out(&shown)
}

/// What all panels share.
struct Stage {
    end_s: f64,
    x: Axis,
    ticks: Vec<(f64, String)>,
    bands: Vec<Band>,
}

impl Stage {
    fn new(result: &RunResult) -> Self {
        let end_s = result.series.last().map_or(1.0, |last| f64::from(last.at_s) + 1.0);
        Self { end_s, x: Axis::exactly(0.0, end_s), ticks: seconds::ticks(end_s), bands: bands(result, end_s) }
    }

    fn about(&self, result: &RunResult) -> String {
        let step = seconds::step(result.series.len());
        let mut words =
            "Seconds from the start of the traffic; a value belongs to the second in which it arrived.".to_owned();
        if step > 1 {
            let _ =
                write!(words, " Each point is {step} seconds: the worst of latencies and depths, the mean of rates.");
        }
        if !result.disturbances.is_empty() {
            words += " Red: the server was disturbed, by the numbers in the table of disturbances.";
        }
        format!("<p class=\"soft\">{words}</p>")
    }

    fn draw(&self, panel: Panel, result: &RunResult, names_bands: &mut bool, shown: &mut Vec<Shown>) -> String {
        let values = || panel.lines.iter().flat_map(|line| line.points.iter().filter_map(|point| point.1));
        let said = match (values().next(), constant(values())) {
            (None, _) => Some(panel.absent.to_owned()),
            (_, Some(always)) if panel.scale == Scale::Linear => Some(constant_words(always, panel.format)),
            _ => None,
        };
        if let Some(words) = said {
            let (title, words) = (escape(panel.title), escape(&words));
            return format!("<p class=\"said\"><b>{title}</b> {words}</p>");
        }
        let limit = limit(result, panel.figure);
        let y = Axis::around(panel.scale, values().chain(limit.iter().map(|limit| limit.at)));
        let lines = panel.lines.into_iter().filter(|line| line.points.iter().any(|point| point.1.is_some())).collect();
        let plot = Plot {
            height: if panel.scale == Scale::Log { 170.0 } else { 96.0 },
            x_ticks: self.ticks.clone(),
            bands: self.bands.clone(),
            names_bands: *names_bands,
            limit,
            ..Plot::new(panel.title, panel.note, (self.x, y), panel.format, lines)
        };
        *names_bands = false;
        let html = plot.to_html(Some(shown.len()));
        shown.push(Shown { format: panel.format, lines: plot.lines });
        html
    }
}

/// The one value of a figure that never changed.
fn constant(mut values: impl Iterator<Item = f64>) -> Option<f64> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

fn constant_words(always: f64, format: fn(f64) -> String) -> String {
    match always {
        0.0 => "none in any second".to_owned(),
        always => format!("{} in every second", format(always)),
    }
}

/// A demand of the run on this figure, in the unit of its axis.
fn limit(result: &RunResult, figure: &str) -> Option<Limit> {
    let demand = result.thresholds.iter().find(|outcome| {
        let rest = outcome.text.strip_prefix(figure);
        !figure.is_empty() && rest.is_some_and(|rest| rest.starts_with('<'))
    })?;
    let parsed = crate::thresholds::parse(&demand.text).ok()?;
    Some(Limit { at: parsed.first()?.limit.base(), label: demand.text.clone() })
}

fn bands(result: &RunResult, end_s: f64) -> Vec<Band> {
    let phase = |phase, label: &str| {
        let mut of_phase = result.series.iter().filter(|point| point.phase == phase).map(|point| f64::from(point.at_s));
        let from = of_phase.next()?;
        let to = (of_phase.next_back().unwrap_or(from) + 1.0).min(end_s);
        let class = if phase == SeriesPhase::Measured { "phase measured" } else { "phase" };
        Some(Band { from, to, class, label: label.to_owned(), more: String::new() })
    };
    let phases = [(SeriesPhase::Ramp, "ramp"), (SeriesPhase::Measured, "measured"), (SeriesPhase::Drain, "drain")];
    let disturbed = result.disturbances.iter().zip(1..).map(|(disturbed, number)| Band {
        from: disturbed.at_s,
        to: (disturbed.at_s + disturbed.down_s).min(end_s),
        class: "disturbed",
        label: format!("{number}"),
        more: disturbed.action.words().to_owned(),
    });
    phases.into_iter().filter_map(|(of, label)| phase(of, label)).chain(disturbed).collect()
}

/// A line of the series; long runs have several seconds in a point.
fn line(
    result: &RunResult,
    name: &str,
    class: &'static str,
    merge: Merge,
    value: impl Fn(&SeriesPoint) -> Option<f64>,
) -> Line {
    let points = seconds::merged(&result.series, merge, value);
    Line { name: name.to_owned(), class, filled: false, points }
}

fn filled(line: Line) -> Line {
    Line { filled: true, ..line }
}

/// Name, style class, and which of the quantiles.
type Figure = (&'static str, &'static str, fn(Quantiles) -> u64);

fn quantiles(result: &RunResult, of: fn(&SeriesPoint) -> Option<Quantiles>) -> Vec<Line> {
    let figures: [Figure; 4] = [
        ("max", "c5", |quantiles| quantiles.max),
        ("99.9%", "c4", |quantiles| quantiles.p999),
        ("99%", "c2", |quantiles| quantiles.p99),
        ("50%", "c1", |quantiles| quantiles.p50),
    ];
    let lines = figures.into_iter().map(|(name, class, figure)| {
        line(result, name, class, Merge::Worst, move |point| of(point).map(|quantiles| figure(quantiles) as f64))
    });
    lines.collect()
}

fn clients(result: &RunResult) -> Group {
    let latency = |title, note, figure, of, absent| Panel {
        title,
        note,
        scale: Scale::Log,
        format: time_us,
        lines: quantiles(result, of),
        absent,
        figure,
    };
    let mut panels = vec![
        latency(
            "Delivery",
            "intended send to each recipient",
            "delivery_p99",
            |point| point.delivery,
            "nothing was delivered",
        ),
        latency(
            "Acknowledgement",
            "intended send to the sender's answer",
            "ack_p99",
            |point| point.ack,
            "nothing was sent",
        ),
    ];
    if result.latency_us.fanout_last.is_some() {
        panels.push(latency(
            "Fan-out",
            "intended send to the last of the group",
            "fanout_last_p99",
            |point| point.fanout_last,
            "",
        ));
    }
    Group { title: "What clients saw", panels }
}

/// A panel with an axis from 0.
fn from_zero(
    title: &'static str,
    note: &'static str,
    format: fn(f64) -> String,
    lines: Vec<Line>,
    absent: &'static str,
) -> Panel {
    Panel { title, note, scale: Scale::Linear, format, lines, absent, figure: "" }
}

fn load(result: &RunResult) -> Group {
    let rate = |name, class, of: fn(&SeriesPoint) -> u64| {
        line(result, name, class, Merge::Mean, move |point| Some(of(point) as f64))
    };
    let connected = |point: &SeriesPoint| Some(f64::from(point.connected));
    Group {
        title: "Load",
        panels: vec![
            from_zero(
                "Messages per second",
                "offered by the schedule, accepted by the server",
                number,
                vec![
                    filled(rate("accepted", "c1", |point| point.accepted)),
                    rate("offered", "c5", |point| point.offered),
                ],
                "",
            ),
            from_zero(
                "Copies per second",
                "delivered to recipients other than the sender",
                number,
                vec![filled(rate("delivered", "c3", |point| point.delivered))],
                "",
            ),
            from_zero(
                "Clients logged in",
                "at the end of each second",
                number,
                vec![filled(line(result, "clients", "c1", Merge::Least, connected))],
                "",
            ),
            from_zero(
                "Errors per second",
                "of all kinds",
                number,
                vec![filled(rate("errors", "c2", |point| point.errors))],
                "",
            ),
        ],
    }
}

const NO_METRICS: &str = "not measured: the server's metrics could not be read (see --metrics)";

fn server(result: &RunResult) -> Group {
    let figure = |name, class, merge, of: fn(&ServerSecond) -> Option<f64>| {
        line(result, name, class, merge, move |point| of(point.server.as_ref()?))
    };
    let commit_us = vec![
        figure("99%", "c2", Merge::Worst, |server| server.commit_us_p99),
        figure("50%", "c1", Merge::Worst, |server| server.commit_us_p50),
    ];
    let batches = vec![
        figure("99%", "c2", Merge::Worst, |server| server.commit_entries_p99),
        figure("mean", "c1", Merge::Mean, |server| server.commit_entries_mean),
    ];
    let cpu = filled(line(result, "cores", "c2", Merge::Mean, |point| point.server_cpu_cores));
    let rss = filled(line(result, "resident", "c4", Merge::Worst, |point| point.server_rss_bytes.map(mebibytes)));
    let depth =
        filled(figure("deepest", "c3", Merge::Worst, |server| server.mailbox_depth_max.map(|depth| depth as f64)));
    Group {
        title: "Inside the server",
        panels: vec![
            from_zero("CPU", "1 is one core", number, vec![cpu], "not measured (see --metrics and --pid)"),
            from_zero("Shards", "part of the time in which they did not wait", percent, shards(result), NO_METRICS),
            from_zero("Memory", "resident", mebibytes_words, vec![rss], "not measured (see --metrics and --pid)"),
            Panel {
                title: "Commit",
                note: "time to make a batch durable, as exact as the server's buckets",
                scale: Scale::Log,
                format: time_us,
                lines: commit_us,
                absent: NO_METRICS,
                figure: "",
            },
            from_zero("Batch", "entries committed together", number, batches, NO_METRICS),
            from_zero("Mailbox", "messages in the deepest, looked at once a second", number, vec![depth], NO_METRICS),
        ],
    }
}

/// Round numbers on the axis are round in MiB.
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn mebibytes_words(mebibytes: f64) -> String {
    bytes(mebibytes * 1_048_576.0)
}

fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

fn shards(result: &RunResult) -> Vec<Line> {
    let busy = |point: &SeriesPoint| point.server.as_ref().map(|server| server.shard_busy.clone()).unwrap_or_default();
    let shards = result.series.iter().map(|point| busy(point).len()).max().unwrap_or(0);
    if shards <= SHARDS_SHOWN_MAX {
        let classes = ["c1", "c2", "c3", "c4"];
        let each = classes.into_iter().take(shards).enumerate();
        let of = |shard: usize| move |point: &SeriesPoint| busy(point).get(shard).copied();
        return each.map(|(at, class)| line(result, &format!("shard {at}"), class, Merge::Mean, of(at))).collect();
    }
    let sorted = move |point: &SeriesPoint| {
        let mut busy = busy(point);
        busy.sort_by(f64::total_cmp);
        busy
    };
    vec![
        line(result, "busiest", "c2", Merge::Mean, move |point| sorted(point).last().copied()),
        line(result, "median", "c1", Merge::Mean, move |point| sorted(point).get(shards / 2).copied()),
    ]
}

fn generator(result: &RunResult) -> Group {
    let slip = |point: &SeriesPoint| point.slip_us_p99.map(|us| us as f64);
    let cpu = vec![
        line(result, "busiest", "c1", Merge::Mean, |point| point.generator_busiest),
        line(result, "waiting", "c2", Merge::Mean, |point| point.generator_waited),
    ];
    Group {
        title: "The generator itself",
        panels: vec![
            Panel {
                title: "Lateness of sends",
                note: "behind the schedule",
                scale: Scale::Log,
                format: time_us,
                lines: vec![line(result, "99%", "c2", Merge::Worst, slip)],
                absent: "nothing was sent by a schedule",
                figure: "",
            },
            from_zero(
                "Threads",
                "of one core: the busiest; waiting for a CPU",
                percent,
                cpu,
                "not measured by the version that made this result",
            ),
        ],
    }
}

/// A panel that was drawn.
struct Shown {
    format: fn(f64) -> String,
    lines: Vec<Line>,
}

/// What the script shows under the pointer: for each panel and line, the values as they are written.
fn read_out(shown: &[Shown]) -> String {
    let longest = shown.iter().flat_map(|panel| &panel.lines).max_by_key(|line| line.points.len());
    let at: Vec<f64> = longest.map_or_else(Vec::new, |line| line.points.iter().map(|point| point.0).collect());
    let written = |panel: &Shown, line: &Line| -> Vec<String> {
        line.points.iter().map(|point| point.1.map_or_else(|| "–".to_owned(), panel.format)).collect()
    };
    let panels: Vec<Vec<Vec<String>>> =
        shown.iter().map(|panel| panel.lines.iter().map(|line| written(panel, line)).collect()).collect();
    let words: Vec<String> = at.iter().map(|at_s| seconds::clock(*at_s)).collect();
    let data = serde_json::json!({ "at": at, "words": words, "panels": panels }).to_string();
    // Within a script element `<` could end it, and as XML `&` would begin something.
    let data = data.replace('<', "\\u003c").replace('&', "\\u0026");
    format!("<script type=\"application/json\" id=\"seconds\">{data}</script>")
}
