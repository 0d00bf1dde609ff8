//! Plain lines, one every few seconds: for logs, pipes, and terminals that are too small.

use std::io::Write;
use std::time::{Duration, Instant};

use super::{Moment, Stage, View, phase, setup_words};
use crate::report::format::{bytes, count, number, time_us};
use crate::series::Series;

/// How often a line is written.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Plain {
    shown: Option<Instant>,
}

impl View for Plain {
    fn say(&mut self, words: &str) {
        write_line(words);
    }

    fn show(&mut self, moment: &Moment<'_>) {
        if self.shown.is_some_and(|shown| shown.elapsed() < PAUSE) {
            return;
        }
        self.shown = Some(Instant::now());
        write_line(&line(moment));
    }
}

/// A reader that went away is no reason to end a run.
pub(super) fn write_line(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn line(moment: &Moment<'_>) -> String {
    let (word, part, words) = match moment.stage {
        Stage::Setup(setups) => setup_words(setups, moment.plan.scenario.clients),
        Stage::Traffic { series, elapsed_us } => {
            let (word, part) = phase(moment.plan, elapsed_us);
            (word, part, traffic(series))
        }
    };
    format!("{word:>8} {:>3.0}%  {words}", part * 100.0)
}

fn traffic(series: &Series) -> String {
    let newest = series.newest(1);
    let Some(point) = newest.first() else {
        return String::new();
    };
    let mut words = format!(
        "{} clients · {}/s offered, {} accepted, {} delivered",
        count(point.connected.into()),
        count(point.offered),
        count(point.accepted),
        count(point.delivered)
    );
    if let Some(delivery) = point.delivery {
        let [p50, p99] = [delivery.p50, delivery.p99].map(|us| time_us(us as f64));
        words += &format!(" · p50 {p50} p99 {p99}");
    }
    if let (Some(cores), rss, _) = series.newest_server() {
        words += &format!(" · server {} cores", number(cores));
        words += &rss.map_or_else(String::new, |rss| format!(" {}", bytes(rss as f64)));
    }
    if point.errors > 0 {
        words += &format!(" · {} errors", count(point.errors));
    }
    words
}
