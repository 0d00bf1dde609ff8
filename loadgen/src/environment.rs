//! What a result stands on: versions, machine, kernel settings, and the command that repeats it. No secrets.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::host;

/// Kernel settings that change results.
const SYSCTLS: [&str; 9] = [
    "fs.nr_open",
    "kernel.sched_autogroup_enabled",
    "net.core.rmem_max",
    "net.core.somaxconn",
    "net.core.wmem_max",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_wmem",
];

/// Everything about the machine and the command.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// When the run began, UTC.
    pub started: String,
    /// Version of this harness.
    pub version: String,
    /// Git revision that it was built from; `None` when built outside a checkout.
    pub revision: Option<String>,
    /// Kernel release.
    pub kernel: String,
    /// CPU model.
    pub cpu_model: Option<String>,
    /// CPUs that may be used.
    pub cores: usize,
    /// Memory of the machine, in bytes.
    pub memory_bytes: Option<u64>,
    /// Descriptors that a process may open.
    pub descriptors_max: u64,
    /// Kernel settings that change results.
    pub sysctls: BTreeMap<String, String>,
    /// As it was called.
    pub command_line: Vec<String>,
    /// The server's address.
    pub server: String,
    /// Decides population and schedule.
    pub seed: u64,
    /// In every message of this run.
    pub run_id: String,
    /// The first user id.
    pub first_user: u64,
    /// Generator threads in all.
    pub threads: u32,
    /// Generator processes.
    pub processes: u32,
    /// The scenario as it was run, flags included (TOML).
    pub scenario: String,
}

impl Environment {
    /// The machine and the command; the fields of the run are left for the caller.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self {
            started: utc_now(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: option_env!("HUBBUB_REVISION").map(str::to_owned),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            cpu_model: host::line_value("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: memory_bytes(),
            descriptors_max: host::descriptors_max(),
            sysctls: SYSCTLS.into_iter().filter_map(|name| Some((name.to_owned(), sysctl(name)?))).collect(),
            command_line: std::env::args().collect(),
            server: String::new(),
            seed: 0,
            run_id: String::new(),
            first_user: 0,
            threads: 0,
            processes: 0,
            scenario: String::new(),
        }
    }
}

fn memory_bytes() -> Option<u64> {
    let text = host::line_value("/proc/meminfo", "MemTotal")?;
    let kib: u64 = text.strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn sysctl(name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok()?;
    Some(text.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
}

fn utc_now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    utc(seconds)
}

/// `YYYY-MM-DD hh:mm:ss UTC`. The date follows "chrono-Compatible Low-Level Date Algorithms" (H. Hinnant), `civil_from_days`.
fn utc(unix_seconds: u64) -> String {
    let (days, second) = (unix_seconds / 86_400 + 719_468, unix_seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(1_795_478_399), "2026-11-23 23:59:59 UTC");
    }

    #[test]
    fn this_machine_says_what_it_is() {
        let environment = Environment::of_this_machine();
        assert!(environment.cores > 0 && !environment.kernel.is_empty());
        assert!(environment.memory_bytes.is_some_and(|bytes| bytes > 1 << 20));
    }
}
