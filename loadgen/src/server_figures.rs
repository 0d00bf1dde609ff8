//! The server's CPU and memory: from its metrics endpoint, and from `/proc` when it runs on this machine.
//!
//! Nothing here fails a run: what cannot be read is `None`, and a report says "not measured".

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::exposition::Page;
use self::inside::Inside;
pub use self::inside::ServerSecond;
use crate::host;

pub mod exposition;
mod inside;

/// Where a server publishes its metrics unless told otherwise.
pub const METRICS_DEFAULT: &str = "http://127.0.0.1:7480/metrics";

/// How long a scrape may take.
const SCRAPE_TIMEOUT: Duration = Duration::from_millis(500);

/// The longest metrics page that is read.
const PAGE_BYTES_MAX: u64 = 4 << 20;

/// Where to look.
#[derive(Debug, Clone)]
pub struct Probe {
    metrics: Option<String>,
    pid: Option<u32>,
    pid_is_given: bool,
    is_local: bool,
    /// Labels of `hubbub_info`, once they were seen.
    pub info: BTreeMap<String, String>,
    /// Where the CPU figures come from, for the report.
    pub source: Source,
}

/// Where figures come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nowhere.
    #[default]
    NotMeasured,
    /// The metrics endpoint.
    Metrics,
    /// `/proc` of the server's process.
    Proc,
}

/// The server at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// Its process, when known; figures of two processes are not compared.
    pub pid: Option<u32>,
    /// CPU time since it began, in microseconds.
    pub cpu_us: Option<u64>,
    /// Resident memory, in bytes.
    pub rss_bytes: Option<u64>,
    /// `hubbub_sends_total`.
    pub sends: Option<u64>,
    /// `hubbub_entries_delivered_total`.
    pub entries_delivered: Option<u64>,
    /// `hubbub_connections`.
    pub connections: Option<u64>,
    /// Everything else that its metrics say; `None` when they could not be read.
    inside: Option<Arc<Inside>>,
}

impl Sample {
    /// CPU time since `earlier`, in microseconds; `None` when either is unknown or the process is another one.
    #[must_use]
    pub fn cpu_us_since(&self, earlier: &Self) -> Option<u64> {
        if self.pid != earlier.pid {
            return None;
        }
        self.cpu_us?.checked_sub(earlier.cpu_us?)
    }

    /// Whether its metrics could be read.
    #[must_use]
    pub fn has_inside(&self) -> bool {
        self.inside.is_some()
    }

    /// What its metrics say about the time since `earlier`, `elapsed_s` ago; `None` when they could not be read then or now.
    #[must_use]
    pub fn inside_since(&self, earlier: &Self, elapsed_s: f64) -> Option<ServerSecond> {
        let (now, before) = (self.inside.as_ref()?, earlier.inside.as_ref()?);
        (elapsed_s > 0.0 && self.pid == earlier.pid).then(|| now.since(before, elapsed_s))
    }
}

impl Probe {
    /// Looks at `metrics` (a plain `http://` address) and, when `is_local`, at the process `pid` or the one that the
    /// metrics name.
    #[must_use]
    pub fn new(metrics: Option<String>, pid: Option<u32>, is_local: bool) -> Self {
        Self { metrics, pid, pid_is_given: pid.is_some(), is_local, info: BTreeMap::new(), source: Source::NotMeasured }
    }

    /// From now on looks here, and only here: a server that was started again has another process and other metrics.
    pub fn follow(&mut self, metrics: Option<String>, pid: Option<u32>) {
        (self.metrics, self.pid, self.pid_is_given) = (metrics, pid, true);
    }

    /// Reads everything there is now.
    pub fn sample(&mut self) -> Sample {
        let page = self.metrics.as_deref().and_then(|url| fetch(url).ok());
        let mut sample = page.as_deref().map(read_page).unwrap_or_default();
        if let Some(page) = &page {
            self.source = Source::Metrics;
            if let Some(info) = Page(page).labels("hubbub_info") {
                self.info = info;
            }
        }
        if !self.pid_is_given && self.is_local {
            self.pid = sample.pid.or(self.pid);
        }
        if let Some(pid) = self.pid
            && let Some(cpu_us) = host::process_cpu_us(pid)
        {
            self.source = Source::Proc;
            sample.pid = Some(pid);
            sample.cpu_us = Some(cpu_us);
            sample.rss_bytes = host::process_rss_bytes(pid);
        }
        sample
    }
}

fn read_page(text: &str) -> Sample {
    let page = Page(text);
    Sample {
        pid: page.whole("process_pid").and_then(|pid| u32::try_from(pid).ok()),
        cpu_us: page.sum("process_cpu_seconds_total").map(|seconds| (seconds * 1e6) as u64),
        rss_bytes: page.whole("process_resident_memory_bytes"),
        sends: page.whole("hubbub_sends_total"),
        entries_delivered: page.whole("hubbub_entries_delivered_total"),
        connections: page.whole("hubbub_connections"),
        inside: Some(Arc::new(Inside::of(page))),
    }
}

/// Reads a page by HTTP/1.0, which needs no more than one request and one end.
fn fetch(url: &str) -> std::io::Result<String> {
    let invalid = || std::io::Error::from(std::io::ErrorKind::InvalidInput);
    let rest = url.strip_prefix("http://").ok_or_else(invalid)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, "metrics"));
    let address = host.to_socket_addrs()?.next().ok_or_else(invalid)?;
    let mut stream = TcpStream::connect_timeout(&address, SCRAPE_TIMEOUT)?;
    stream.set_read_timeout(Some(SCRAPE_TIMEOUT))?;
    stream.set_write_timeout(Some(SCRAPE_TIMEOUT))?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(PAGE_BYTES_MAX).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(invalid)?;
    match head.split_ascii_whitespace().nth(1) {
        Some("200") => Ok(body.to_owned()),
        _ => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP hubbub_sends_total Sends.\n\
        hubbub_info{durability=\"fsync\",version=\"0.1.0\",shards=\"2\"} 1\n\
        hubbub_sends_total{shard=\"0\"} 5\nhubbub_sends_total{shard=\"1\"} 7\nhubbub_sends_total_extra 1000\n\
        process_cpu_seconds_total 1.25\nprocess_resident_memory_bytes 1.5e6\nprocess_pid 42\n";

    #[test]
    fn figures_are_summed_over_labels_and_told_from_longer_names() {
        let sample = read_page(PAGE);
        assert_eq!((sample.sends, sample.cpu_us, sample.rss_bytes), (Some(12), Some(1_250_000), Some(1_500_000)));
        assert_eq!((sample.pid, sample.connections), (Some(42), None));
    }

    #[test]
    fn the_server_says_what_it_is() {
        let info = Page(PAGE).labels("hubbub_info").unwrap();
        assert_eq!((info["durability"].as_str(), info["shards"].as_str()), ("fsync", "2"));
    }

    #[test]
    fn figures_of_two_processes_are_not_compared() {
        let sample = |pid, cpu_us| Sample { pid: Some(pid), cpu_us: Some(cpu_us), ..Sample::default() };
        assert_eq!(sample(1, 50).cpu_us_since(&sample(1, 20)), Some(30));
        assert_eq!(sample(2, 50).cpu_us_since(&sample(1, 20)), None);
    }

    #[test]
    fn without_an_endpoint_there_are_no_figures_and_no_error() {
        let mut probe = Probe::new(Some("http://127.0.0.1:1/metrics".into()), None, true);
        assert_eq!(probe.sample(), Sample::default());
        assert_eq!(probe.source, Source::NotMeasured);
    }
}
