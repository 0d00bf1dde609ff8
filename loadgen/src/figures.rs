//! Every figure of a result that has a name: what thresholds demand, and what comparisons put side by side. A figure is read
//! from `result.json`, so results of older and newer versions of this program can be read alike; what is missing there was
//! not measured.

use std::sync::LazyLock;

use serde_json::Value;

use crate::report::format;

/// What is timed, as named in `latency_us`.
pub const LATENCIES: [(&str, &str); 8] = [
    ("ack", "intended send to the sender's acknowledgement"),
    ("delivery", "intended send to each recipient"),
    ("fanout_first", "intended send to the first recipient in a group"),
    ("fanout_median", "intended send to the middle recipient in a group"),
    ("fanout_last", "intended send to the last recipient in a group"),
    ("login", "start of connecting to logged in"),
    ("synced", "start of connecting to everything caught up with"),
    ("presence", "a change of presence to each watcher"),
];

/// What is told of each of them.
pub const QUANTILES: [&str; 6] = ["p50", "p90", "p99", "p999", "max", "mean"];

/// What a figure counts; values are in microseconds, bytes, pieces, pieces per second, cores, or parts of 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Microseconds.
    Time,
    /// Bytes.
    Bytes,
    /// Pieces.
    Count,
    /// Pieces per second.
    Rate,
    /// 1 is one core.
    Cores,
    /// Parts of 1.
    Share,
}

impl Measure {
    /// A value for people.
    #[must_use]
    pub fn words(self, value: f64) -> String {
        match self {
            Self::Time => format::time_us(value),
            Self::Bytes => format::bytes(value),
            Self::Count | Self::Cores => format::number(value),
            Self::Rate => format!("{}/s", format::number(value)),
            Self::Share => format!("{}%", format::number(value * 100.0)),
        }
    }
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Latencies, costs, faults.
    Lower,
    /// Rates.
    Higher,
}

/// A named figure.
#[derive(Debug, PartialEq, Eq)]
pub struct Figure {
    /// As thresholds and comparisons name it.
    pub name: String,
    /// In words.
    pub about: String,
    /// What it counts.
    pub measure: Measure,
    /// Which way is better.
    pub better: Better,
    source: Source,
    /// What a count is a part of, where that makes sense.
    whole: Option<&'static [&'static str]>,
}

/// Where a figure is found: JSON pointers.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// A number.
    At(String),
    /// A number of seconds.
    SecondsAt(&'static str),
    /// Numbers that are added.
    Sum(&'static [&'static str]),
    /// The numbers of an object, added.
    Entries(&'static str),
    /// One number over another.
    Ratio(&'static str, &'static str),
}

/// Faults of copies are parts of these.
const COPIES: &[&str] = &["/ledger/copies_due"];

/// Faults of sends are parts of these; where nothing was sent, of the logins.
const SENDS: &[&str] = &["/counts/offered", "/counts/logins"];

/// All figures.
pub static FIGURES: LazyLock<Vec<Figure>> = LazyLock::new(|| latencies().chain(others()).collect());

fn latencies() -> impl Iterator<Item = Figure> {
    let all = LATENCIES.into_iter().flat_map(|(kind, about)| QUANTILES.map(|quantile| (kind, about, quantile)));
    all.map(|(kind, about, quantile)| {
        Figure::new(&format!("{kind}_{quantile}"), about, Measure::Time, &format!("/latency_us/{kind}/{quantile}"))
    })
}

fn others() -> impl Iterator<Item = Figure> {
    rates().into_iter().chain(faults()).chain(costs()).chain(generator())
}

fn rates() -> [Figure; 4] {
    let rate =
        |name, about, pointer| Figure { better: Better::Higher, ..Figure::new(name, about, Measure::Rate, pointer) };
    let accepted = "sends acknowledged, of those that the schedule wanted";
    [
        rate("offered_rate", "sends that the schedule wanted", "/rates/offered_per_s"),
        rate("accepted_rate", "sends acknowledged", "/rates/accepted_per_s"),
        rate("delivered_rate", "copies at recipients", "/rates/delivered_per_s"),
        Figure {
            measure: Measure::Share,
            source: Source::Ratio("/rates/accepted_per_s", "/rates/offered_per_s"),
            ..rate("accepted_share", accepted, "")
        },
    ]
}

fn faults() -> [Figure; 11] {
    let of = |whole, name, about, pointer| Figure {
        whole: Some(whole),
        ..Figure::new(name, about, Measure::Count, pointer)
    };
    let copies = |name, about, pointer| of(COPIES, name, about, pointer);
    let sends = |name, about, pointer| of(SENDS, name, about, pointer);
    let loss = Source::Sum(&["/ledger/lost", "/ledger/pending"]);
    [
        Figure { source: loss, ..copies("loss", "copies of accepted messages that did not arrive", "") },
        copies("duplicates", "copies handed out or stored twice", "/ledger/duplicated"),
        copies("reorders", "copies out of order", "/ledger/reordered"),
        copies("gaps", "numbers passed over", "/ledger/gaps"),
        copies("corrupt", "copies damaged or misplaced", "/ledger/corrupt"),
        copies("repaired_gaps", "gaps closed by client sessions", "/ledger/repaired_gaps"),
        copies("dropped_duplicates", "copies sent again, and dropped by client sessions", "/ledger/dropped_duplicates"),
        sends("unacknowledged", "sends never acknowledged", "/ledger/unacknowledged"),
        sends("refused", "sends refused for good", "/ledger/refused"),
        sends("disconnects", "connections that ended unasked", "/counts/disconnects"),
        Figure { source: Source::Entries("/errors"), ..sends("errors", "errors of all kinds", "") },
    ]
}

fn costs() -> [Figure; 8] {
    use Measure::{Bytes, Cores, Time};
    let drain = Figure::new("drain", "end of traffic to the ledger closed", Time, "");
    [
        Figure { source: Source::SecondsAt("/drain_s"), ..drain },
        Figure::new("server_cpu_cores", "CPU of the server", Cores, "/server/cpu_cores"),
        Figure::new("server_cpu_per_delivery", "CPU for each copy", Time, "/server/cpu_us_per_delivery"),
        Figure::new("server_cpu_per_send", "CPU for each accepted send", Time, "/server/cpu_us_per_send"),
        Figure::new(
            "server_cpu_per_client_second",
            "CPU for each client and second",
            Time,
            "/server/cpu_us_per_client_second",
        ),
        Figure::new("server_cpu_per_login", "CPU for each login", Time, "/server/cpu_us_per_login"),
        Figure::new("server_rss", "resident memory of the server", Bytes, "/server/rss_bytes"),
        Figure::new("server_rss_per_client", "its growth over the clients", Bytes, "/server/rss_bytes_per_client"),
    ]
}

fn generator() -> [Figure; 6] {
    use Measure::{Bytes, Cores, Time};
    let late = "lateness of the generator's sends";
    [
        Figure::new("slip_p50", late, Time, "/generator/schedule_slip_us_p50"),
        Figure::new("slip_p99", late, Time, "/generator/schedule_slip_us_p99"),
        Figure::new("slip_max", late, Time, "/generator/schedule_slip_us_max"),
        Figure::new("generator_cpu_cores", "CPU of the generator", Cores, "/generator/cpu_share"),
        Figure::new(
            "generator_cpu_per_delivery",
            "the generator's CPU for each copy",
            Time,
            "/generator/cpu_us_per_delivery",
        ),
        Figure::new("generator_rss", "resident memory of the generator", Bytes, "/generator/rss_bytes"),
    ]
}

/// The figure of this name; `deliver_p99` is `delivery_p99`.
#[must_use]
pub fn figure(name: &str) -> Option<&'static Figure> {
    let full = name.strip_prefix("deliver_").map(|quantile| format!("delivery_{quantile}"));
    let name = full.as_deref().unwrap_or(name);
    FIGURES.iter().find(|figure| figure.name == name)
}

/// The known name that is most like `name`, when one is alike.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let scored = FIGURES.iter().map(|figure| (strsim::damerau_levenshtein(name, &figure.name), figure));
    let (distance, figure) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len() / 2).then_some(figure.name.as_str())
}

/// All names, the latencies gathered, for an error message or a manual.
#[must_use]
pub fn names() -> String {
    let kinds = LATENCIES.map(|(kind, _)| kind).join("|");
    let others: Vec<_> = others().map(|figure| figure.name).collect();
    format!("{kinds} with _{}; {}", QUANTILES.join("|_"), others.join(", "))
}

impl Figure {
    /// One number, the lower the better.
    fn new(name: &str, about: &str, measure: Measure, pointer: &str) -> Self {
        let source = Source::At(pointer.to_owned());
        Self { name: name.to_owned(), about: about.to_owned(), measure, better: Better::Lower, source, whole: None }
    }

    /// Its value in a result; `None` when it was not measured.
    #[must_use]
    pub fn read(&self, result: &Value) -> Option<f64> {
        match &self.source {
            Source::At(pointer) => result.pointer(pointer)?.as_f64(),
            Source::SecondsAt(pointer) => Some(result.pointer(pointer)?.as_f64()? * 1e6),
            Source::Sum(pointers) => pointers.iter().map(|pointer| result.pointer(pointer)?.as_f64()).sum(),
            Source::Entries(pointer) => {
                Some(result.pointer(pointer)?.as_object()?.values().filter_map(Value::as_f64).sum())
            }
            Source::Ratio(part, whole) => {
                let whole = result.pointer(whole)?.as_f64().filter(|whole| *whole > 0.0)?;
                Some(result.pointer(part)?.as_f64()? / whole)
            }
        }
    }

    /// Whether its value can be told as a part of something.
    #[must_use]
    pub fn has_share(&self) -> bool {
        self.measure == Measure::Share || self.whole.is_some()
    }

    /// Its value as a part of 1: of all copies, or of all sends (logins when nothing was sent).
    #[must_use]
    pub fn read_share(&self, result: &Value) -> Option<f64> {
        let value = self.read(result)?;
        let Some(whole) = self.whole else {
            return Some(value);
        };
        let whole = whole.iter().filter_map(|pointer| result.pointer(pointer)?.as_f64()).find(|whole| *whole > 0.0);
        match whole {
            Some(whole) => Some(value / whole),
            None => (value == 0.0).then_some(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn figures_are_read_from_where_they_are() {
        let result = json!({
            "latency_us": {"ack": {"p99": 1500}, "delivery": null}, "drain_s": 0.5,
            "ledger": {"lost": 2, "pending": 3, "copies_due": 1000, "corrupt": 0},
            "errors": {"a": 1, "b": 4}, "counts": {"offered": 0, "logins": 50},
            "rates": {"accepted_per_s": 90.0, "offered_per_s": 100.0},
        });
        let read = |name| figure(name).unwrap().read(&result);
        assert_eq!((read("ack_p99"), read("deliver_p99"), read("presence_p99")), (Some(1500.0), None, None));
        assert_eq!((read("drain"), read("loss"), read("errors")), (Some(500_000.0), Some(5.0), Some(5.0)));
        assert_eq!((read("accepted_share"), read("server_rss")), (Some(0.9), None));
        let share = |name| figure(name).unwrap().read_share(&result);
        assert_eq!((share("loss"), share("errors"), share("corrupt")), (Some(0.005), Some(0.1), Some(0.0)));
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_noise_is_not() {
        assert_eq!(nearest("ack_p98"), Some("ack_p90"));
        assert_eq!(nearest("duplicate"), Some("duplicates"));
        assert_eq!(nearest("zzzz"), None);
    }

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<_> = FIGURES.iter().map(|figure| &figure.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
