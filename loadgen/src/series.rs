//! The run second by second: figures of all threads merged, and the server's beside them.

use std::collections::BTreeMap;

use crate::engine::plan::Plan;
use crate::engine::report::Second;
use crate::latency::Times;
use crate::report::result::{Quantiles, SeriesPhase, SeriesPoint};
use crate::server_figures::Sample;

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
        }
    }

    /// Adds a second of one thread.
    pub fn add(&mut self, second: &Second) {
        if second.at_s >= SECONDS_MAX {
            return;
        }
        let point = self.points.entry(second.at_s).or_default();
        point.add(second);
        if point.reported >= self.threads {
            point.close();
        }
    }

    /// Adds a look at the server, `at_s` seconds after the start.
    pub fn add_sample(&mut self, at_s: f64, sample: Sample) {
        if self.samples.len() < SECONDS_MAX as usize {
            self.samples.push((at_s, sample));
        }
    }

    /// The newest second that every thread has reported.
    #[must_use]
    pub fn newest(&self) -> Option<&SeriesPoint> {
        self.points.values().rev().find(|point| point.reported >= self.threads).map(|point| &point.point)
    }

    /// The server's CPU (1 is one core) and memory between the last two looks.
    #[must_use]
    pub fn newest_server(&self) -> (Option<f64>, Option<u64>) {
        let cpu = self.samples.last_chunk::<2>().and_then(|[before, after]| cores(before, after));
        (cpu, self.samples.last().and_then(|(_, sample)| sample.rss_bytes))
    }

    /// The whole series.
    #[must_use]
    pub fn points(mut self) -> Vec<SeriesPoint> {
        self.points.values_mut().for_each(Point::close);
        let mut points: Vec<_> = self.points.into_values().map(|point| point.point).collect();
        for point in &mut points {
            let at_s = f64::from(point.at_s);
            point.phase = match at_s {
                at_s if at_s >= self.traffic_s => SeriesPhase::Drain,
                at_s if at_s < self.ramp_s => SeriesPhase::Ramp,
                _ => SeriesPhase::Measured,
            };
            // The look that lies nearest to the end of this second, and the one before it.
            let at = self.samples.partition_point(|(sample_s, _)| *sample_s < at_s + 0.5);
            if let Some(after) = self.samples.get(at).filter(|(sample_s, _)| *sample_s < at_s + 2.0) {
                point.server_rss_bytes = after.1.rss_bytes;
                point.server_cpu_cores = at.checked_sub(1).and_then(|before| cores(&self.samples[before], after));
            }
        }
        points
    }
}

fn cores(before: &(f64, Sample), after: &(f64, Sample)) -> Option<f64> {
    let cpu_us = after.1.cpu_us_since(&before.1)? as f64;
    let wall_us = (after.0 - before.0) * 1e6;
    (wall_us > 0.0).then(|| cpu_us / wall_us)
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
