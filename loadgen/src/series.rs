//! The run second by second: figures of all threads merged, and the server's beside them.

use std::collections::BTreeMap;

use crate::engine::plan::Plan;
use crate::engine::report::Second;
use crate::latency::Times;
use crate::report::result::{Quantiles, SeriesPhase, SeriesPoint};
use crate::server_figures::{Sample, ServerSecond};

mod sofar;

pub use sofar::SoFar;

/// Seconds kept; a longer run keeps the first ones (a day).
const SECONDS_MAX: u32 = 86_400;

/// All seconds of a run.
pub struct Series {
    threads: u32,
    ramp_s: f64,
    traffic_s: f64,
    /// Complete seconds, and how many threads have reported the others.
    points: BTreeMap<u32, Point>,
    samples: Vec<(f64, Sample)>,
    sofar: SoFar,
}

#[derive(Default)]
struct Point {
    point: SeriesPoint,
    reported: u32,
    /// Dropped once every thread has reported.
    times: Option<Box<PointTimes>>,
}

#[derive(Default)]
struct PointTimes {
    ack: Times,
    delivery: Times,
    fanout_last: Times,
    slip: Times,
}

impl Series {
    /// An empty series for so many threads.
    #[must_use]
    pub fn new(threads: u32, plan: &Plan) -> Self {
        Self {
            threads,
            ramp_s: plan.scenario.ramp_s,
            traffic_s: plan.scenario.ramp_s + plan.scenario.duration_s,
            points: BTreeMap::new(),
            samples: Vec::new(),
            sofar: SoFar::default(),
        }
    }

    /// Adds a second of one thread.
    pub fn add(&mut self, second: &Second) {
        self.sofar.add(second, self.phase(second.at_s) == SeriesPhase::Measured);
        if second.at_s >= SECONDS_MAX {
            return;
        }
        let point = self.points.entry(second.at_s).or_default();
        point.add(second);
        if point.reported >= self.threads {
            point.close();
        }
    }

    /// Only so many threads report from now on: others are lost.
    pub fn expect(&mut self, threads: u32) {
        self.threads = threads.max(1);
    }

    /// Adds a look at the server, `at_s` seconds after the start.
    pub fn add_sample(&mut self, at_s: f64, sample: Sample) {
        if self.samples.len() < SECONDS_MAX as usize {
            self.samples.push((at_s, sample));
        }
    }

    /// What the run has come to.
    #[must_use]
    pub fn sofar(&self) -> &SoFar {
        &self.sofar
    }

    /// The newest seconds that every thread has reported, the newest last.
    #[must_use]
    pub fn newest(&self, wanted: usize) -> Vec<&SeriesPoint> {
        let complete = self.points.values().rev().filter(|point| point.reported >= self.threads);
        let mut newest: Vec<_> = complete.take(wanted).map(|point| &point.point).collect();
        newest.reverse();
        newest
    }

    /// The newest look at the server: its CPU (1 is one core), memory, and what its metrics say.
    #[must_use]
    pub fn newest_server(&self) -> (Option<f64>, Option<u64>, Option<ServerSecond>) {
        let Some(at) = self.samples.len().checked_sub(1) else {
            return (None, None, None);
        };
        (self.cores_at(at), self.samples[at].1.rss_bytes, self.inside_at(at))
    }

    /// The server's CPU at the newest looks, the newest last, in thousandths of a core; 0 where it is not known.
    #[must_use]
    pub fn server_course(&self, wanted: usize) -> Vec<u64> {
        let from = self.samples.len().saturating_sub(wanted);
        (from..self.samples.len()).map(|at| (self.cores_at(at).unwrap_or(0.0) * 1e3) as u64).collect()
    }

    fn phase(&self, at_s: u32) -> SeriesPhase {
        match f64::from(at_s) {
            at_s if at_s >= self.traffic_s => SeriesPhase::Drain,
            at_s if at_s < self.ramp_s => SeriesPhase::Ramp,
            _ => SeriesPhase::Measured,
        }
    }

    fn cores_at(&self, at: usize) -> Option<f64> {
        cores(&self.samples[at.checked_sub(1)?], &self.samples[at])
    }

    /// What the server's metrics say since the last look that could read them: after a stall, that is longer ago.
    fn inside_at(&self, at: usize) -> Option<ServerSecond> {
        let (at_s, sample) = &self.samples[at];
        let (before_s, before) = self.samples[..at].iter().rev().find(|(_, sample)| sample.has_inside())?;
        sample.inside_since(before, at_s - before_s)
    }

    /// The whole series.
    #[must_use]
    pub fn points(mut self) -> Vec<SeriesPoint> {
        self.points.values_mut().for_each(Point::close);
        let points = std::mem::take(&mut self.points);
        points.into_values().map(|point| self.with_server(point.point)).collect()
    }

    fn with_server(&self, mut point: SeriesPoint) -> SeriesPoint {
        point.phase = self.phase(point.at_s);
        let at_s = f64::from(point.at_s);
        // The look that lies nearest to the end of this second.
        let at = self.samples.partition_point(|(sample_s, _)| *sample_s < at_s + 0.5);
        if self.samples.get(at).is_some_and(|(sample_s, _)| *sample_s < at_s + 2.0) {
            point.server_rss_bytes = self.samples[at].1.rss_bytes;
            point.server_cpu_cores = self.cores_at(at);
            point.server = self.inside_at(at);
        }
        point
    }
}

fn cores(before: &(f64, Sample), after: &(f64, Sample)) -> Option<f64> {
    let cpu_us = after.1.cpu_us_since(&before.1)? as f64;
    let wall_us = (after.0 - before.0) * 1e6;
    (wall_us > 0.0).then(|| cpu_us / wall_us)
}

/// Of one second, the thread with most of it.
fn greatest(known: Option<f64>, ns: u64) -> Option<f64> {
    Some(known.unwrap_or(0.0).max(ns as f64 / 1e9))
}

impl Point {
    fn add(&mut self, second: &Second) {
        self.reported += 1;
        let point = &mut self.point;
        point.at_s = second.at_s;
        point.offered += second.offered;
        point.accepted += second.accepted;
        point.delivered += second.delivered;
        point.connected += second.connected;
        point.errors += second.errors;
        let times = self.times.get_or_insert_default();
        second.ack.add_to(&mut times.ack);
        second.delivery.add_to(&mut times.delivery);
        second.fanout_last.add_to(&mut times.fanout_last);
        second.slip.add_to(&mut times.slip);
        point.generator_busiest = greatest(point.generator_busiest, second.cpu_ns);
        point.generator_waited = greatest(point.generator_waited, second.waited_ns);
    }

    fn close(&mut self) {
        let Some(times) = self.times.take() else {
            return;
        };
        self.point.ack = Quantiles::of(&times.ack);
        self.point.delivery = Quantiles::of(&times.delivery);
        self.point.fanout_last = Quantiles::of(&times.fanout_last);
        self.point.slip_us_p99 = times.slip.quantile(0.99);
    }
}
