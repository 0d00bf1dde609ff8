//! What people see while it runs: a live line on a terminal, one plain line a second elsewhere. It writes to standard
//! error; standard output is for the summary.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::engine::plan::Plan;
use crate::engine::report::Setup;
use crate::report::format::{bytes, count, number, time_us};
use crate::report::result::SeriesPoint;
use crate::series::Series;

/// How often a terminal is written to.
const REDRAW: Duration = Duration::from_millis(100);

/// How often plain lines are written.
const PLAIN: Duration = Duration::from_secs(1);

/// The view of a run.
pub struct Progress {
    view: View,
    shown: Option<Instant>,
}

enum View {
    Quiet,
    Plain,
    Live(ProgressBar),
}

impl Progress {
    /// A live view on a terminal, plain lines elsewhere, nothing when `quiet`.
    ///
    /// # Panics
    /// Never: the template is a constant.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let view = match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => View::Quiet,
            (false, false) => View::Plain,
            (false, true) => {
                let style = ProgressStyle::with_template("{prefix:>9.bold} {bar:24.cyan/dim} {msg}");
                View::Live(ProgressBar::new(1_000).with_style(style.expect("the template is valid")))
            }
        };
        Self { view, shown: None }
    }

    /// One line that stays.
    pub fn say(&self, words: &str) {
        match &self.view {
            View::Quiet => {}
            View::Plain => eprintln!("{words}"),
            View::Live(bar) => bar.println(words),
        }
    }

    /// How far the setup is.
    pub fn show_setup(&mut self, setups: &[Setup], clients: u32) {
        if !self.is_due() {
            return;
        }
        let sum = |field: fn(&Setup) -> u32| setups.iter().map(field).sum::<u32>();
        let synced = sum(|setup| setup.synced);
        let (open, conversations) = (sum(|setup| setup.opened), sum(|setup| setup.conversations));
        let part = match synced < clients {
            true => f64::from(synced) / f64::from(clients.max(1)),
            false => f64::from(open) / f64::from(conversations.max(1)),
        };
        let words = match synced < clients {
            true => format!("{} of {} clients logged in", count(synced.into()), count(clients.into())),
            false => format!("{} of {} conversations open", count(open.into()), count(conversations.into())),
        };
        self.show(if synced < clients { "connect" } else { "open" }, part, &words);
    }

    /// The newest second.
    pub fn show_traffic(&mut self, series: &Series, plan: &Plan, elapsed_us: u64) {
        if !self.is_due() {
            return;
        }
        let phase = match elapsed_us {
            elapsed if elapsed < plan.ramp_us() => "ramp",
            elapsed if elapsed < plan.traffic_us() => "measure",
            _ => "drain",
        };
        let part = elapsed_us as f64 / plan.traffic_us().max(1) as f64;
        let words = series.newest(1).first().map_or_else(String::new, |point| traffic_words(point, series));
        self.show(phase, part.min(1.0), &words);
    }

    /// Takes the live line away.
    pub fn finish(&self) {
        if let View::Live(bar) = &self.view {
            bar.finish_and_clear();
        }
    }

    fn is_due(&mut self) -> bool {
        let pause = match self.view {
            View::Quiet => return false,
            View::Plain => PLAIN,
            View::Live(_) => REDRAW,
        };
        let due = self.shown.is_none_or(|shown| shown.elapsed() >= pause);
        if due {
            self.shown = Some(Instant::now());
        }
        due
    }

    fn show(&self, phase: &'static str, part: f64, words: &str) {
        match &self.view {
            View::Quiet => {}
            View::Plain => eprintln!("{phase:>8} {:>3.0}%  {words}", part * 100.0),
            View::Live(bar) => {
                bar.set_prefix(phase);
                bar.set_position((part * 1_000.0) as u64);
                bar.set_message(words.to_owned());
            }
        }
    }
}

fn traffic_words(point: &SeriesPoint, series: &Series) -> String {
    let mut words = format!(
        "{} clients · {}/s offered, {} acked, {} delivered",
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
