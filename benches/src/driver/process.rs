//! What Linux says a process has used, from `/proc`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// What a process has used at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    /// CPU time of its living threads, user and system, in nanoseconds.
    pub(super) cpu_ns: u64,
    /// Resident memory, in bytes.
    pub(super) rss_bytes: u64,
    /// When this was read.
    pub(super) at: Instant,
}

impl Used {
    /// Reads the figures of a process.
    ///
    /// The CPU time is the sum of `schedstat` over the threads, in nanoseconds, because `stat` counts hundredths of a
    /// second. Threads that ended are missing from it; neither the server nor the floor ends one while it serves.
    ///
    /// # Errors
    /// The process is gone, or this is not Linux.
    pub(super) fn read(pid: u32) -> anyhow::Result<Used> {
        let process = Path::new("/proc").join(pid.to_string());
        let mut cpu_ns = 0;
        for thread in fs::read_dir(process.join("task")).with_context(|| format!("process {pid} is gone"))? {
            cpu_ns += first_number(&thread?.path().join("schedstat"), 0)?;
        }
        let pages = first_number(&process.join("statm"), 1)?;
        Ok(Used { cpu_ns, rss_bytes: pages * PAGE_BYTES, at: Instant::now() })
    }

    /// CPU microseconds since an earlier moment.
    pub(super) fn cpu_us_since(&self, earlier: &Used) -> f64 {
        self.cpu_ns.saturating_sub(earlier.cpu_ns) as f64 / 1e3
    }

    /// Time since an earlier moment.
    pub(super) fn wall_since(&self, earlier: &Used) -> Duration {
        self.at - earlier.at
    }
}

/// On x86-64 and on arm64 as distributions build it.
const PAGE_BYTES: u64 = 4_096;

fn first_number(path: &Path, field: usize) -> anyhow::Result<u64> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let number = text.split_ascii_whitespace().nth(field).context("a short line")?;
    Ok(number.parse()?)
}
