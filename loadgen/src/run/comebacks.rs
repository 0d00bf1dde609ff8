//! What a run says of those who came back together, and of presence, from merged parts.

use crate::engine::plan::Plan;
use crate::engine::report::Counts;
use crate::latency::Latencies;
use crate::report::comebacks::{Offline, Peak, Storm};
use crate::report::result::SeriesPoint;

/// The storm, if the scenario has one that happened.
pub(super) fn storm(plan: &Plan, counts: &Counts, latencies: &Latencies, series: &[SeriesPoint]) -> Option<Storm> {
    let storm = plan.scenario.storm.as_ref().filter(|_| counts.dropped > 0)?;
    Some(Storm::new(counts.dropped, latencies, peak(series, plan.scenario.ramp_s + storm.at_s)))
}

/// The return of those who were away, if the scenario has one.
pub(super) fn offline(plan: &Plan, counts: &Counts, latencies: &Latencies, series: &[SeriesPoint]) -> Option<Offline> {
    let offline = plan.scenario.offline.as_ref()?;
    Some(Offline::new(counts.returned, latencies, peak(series, plan.scenario.ramp_s + offline.return_at_s)))
}

/// The server's peaks from the second on in which this moment lies.
fn peak(series: &[SeriesPoint], from_s: f64) -> Peak {
    let points = || series.iter().filter(|point| f64::from(point.at_s) >= from_s.floor());
    Peak {
        cpu_cores: points().filter_map(|point| point.server_cpu_cores).reduce(f64::max),
        rss_bytes: points().filter_map(|point| point.server_rss_bytes).max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_looked_for_from_the_moment_on() {
        let point = |at_s, cores| SeriesPoint {
            at_s,
            server_cpu_cores: Some(cores),
            server_rss_bytes: Some(u64::from(at_s)),
            ..SeriesPoint::default()
        };
        let series = [point(0, 3.0), point(1, 0.5), point(2, 1.5), point(3, 1.0)];
        let peak = peak(&series, 1.7);
        assert_eq!((peak.cpu_cores, peak.rss_bytes), (Some(1.5), Some(3)));
    }
}
