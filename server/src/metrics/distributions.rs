//! Histograms that count in place: a bucket is a number that is added to, so that a thousand samples of one bucket cost as
//! much as one, and nothing gathers until somebody scrapes.
//!
//! The exporter's own histograms keep every sample until then, which at hundreds of thousands of messages a second
//! would cost more than what they measure. Everything else is the exporter's.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};
use metrics_exporter_prometheus::PrometheusRecorder;
use parking_lot::Mutex;

use super::names::{Kind, METRICS};

/// One distribution. Only its counts are exact together; the sum may be a sample ahead or behind.
struct Distribution {
    bounds: &'static [f64],
    /// Samples of each bucket; the last one is above all bounds.
    counts: Vec<AtomicU64>,
    /// The bits of an `f64`.
    sum: AtomicU64,
}

impl HistogramFn for Distribution {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.counts[self.bounds.partition_point(|bound| *bound < value)].fetch_add(count as u64, Relaxed);
        let more = |bits| Some((f64::from_bits(bits) + value * count as f64).to_bits());
        let _ = self.sum.fetch_update(Relaxed, Relaxed, more); // It never gives up.
    }
}

/// All distributions by name.
#[derive(Clone, Default)]
pub(super) struct Distributions(Arc<Mutex<BTreeMap<String, Arc<Distribution>>>>);

impl Distributions {
    fn register(&self, name: &str) -> Histogram {
        let bounds = METRICS.iter().find_map(|metric| match metric.kind {
            Kind::Histogram(bounds) if metric.name == name => Some(bounds),
            _ => None,
        });
        let bounds = bounds.expect("every histogram is listed with its bounds");
        let make = || {
            let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
            Arc::new(Distribution { bounds, counts, sum: AtomicU64::new(0f64.to_bits()) })
        };
        Histogram::from_arc(self.0.lock().entry(name.to_owned()).or_insert_with(make).clone())
    }

    /// Adds all of them to a page in Prometheus' text format.
    pub(super) fn render(&self, page: &mut String) {
        for (name, distribution) in self.0.lock().iter() {
            let help = METRICS.iter().find(|metric| metric.name == name).map_or("", |metric| metric.help);
            let _ = write!(page, "# HELP {name} {help}\n# TYPE {name} histogram\n");
            distribution.render(name, page);
            page.push('\n');
        }
    }
}

impl Distribution {
    fn render(&self, name: &str, page: &mut String) {
        let mut so_far = 0;
        let bounds = self.bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&self.counts) {
            so_far += count.load(Relaxed);
            let _ = writeln!(page, "{name}_bucket{{le=\"{bound}\"}} {so_far}");
        }
        let sum = f64::from_bits(self.sum.load(Relaxed));
        let _ = write!(page, "{name}_sum {sum}\n{name}_count {so_far}\n");
    }
}

/// The exporter's recorder with distributions of our own.
pub(super) struct Recorder {
    pub(super) exporter: PrometheusRecorder,
    pub(super) distributions: Distributions,
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.exporter.describe_counter(key, unit, help);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, help: SharedString) {
        self.exporter.describe_gauge(key, unit, help);
    }

    /// The list of metrics describes them.
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.exporter.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.exporter.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.distributions.register(key.name())
    }
}
