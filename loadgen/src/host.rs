//! What Linux says about processes and threads, read from `/proc`. Every figure is optional: nothing here fails a run.

use std::fs;

mod troubles;

pub use troubles::Troubles;

/// CPU time and waiting time of a thread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ThreadTime {
    /// Nanoseconds on a CPU.
    pub cpu_ns: u64,
    /// Nanoseconds runnable, waiting for a CPU (run-queue delay).
    pub waited_ns: u64,
}

impl ThreadTime {
    /// What passed since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            cpu_ns: self.cpu_ns.saturating_sub(earlier.cpu_ns),
            waited_ns: self.waited_ns.saturating_sub(earlier.waited_ns),
        }
    }
}

/// The calling thread's times since it began.
#[must_use]
pub fn this_thread() -> ThreadTime {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    parse_schedstat(&text).unwrap_or_default()
}

fn parse_schedstat(text: &str) -> Option<ThreadTime> {
    let mut numbers = text.split_ascii_whitespace().map(str::parse);
    Some(ThreadTime { cpu_ns: numbers.next()?.ok()?, waited_ns: numbers.next()?.ok()? })
}

/// CPU time of a whole process since it began, in microseconds. `None` when there is no such process here.
#[must_use]
pub fn process_cpu_us(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = parse_stat_ticks(&text)?;
    Some(ticks * 1_000_000 / rustix::param::clock_ticks_per_second().max(1))
}

/// User and system ticks; the command name before them may hold spaces and brackets.
fn parse_stat_ticks(text: &str) -> Option<u64> {
    let (_, after_name) = text.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Resident memory of a process, in bytes.
#[must_use]
pub fn process_rss_bytes(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// What a process is called, as `/proc` has it.
#[must_use]
pub fn process_name(pid: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(text.trim().to_owned())
}

/// How many descriptors this process may have open.
#[must_use]
pub fn descriptors_max() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(1_024)
}

/// The value of a `Key: value` line of a file such as `/proc/meminfo`.
#[must_use]
pub fn line_value(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_brackets_do_not_confuse_the_ticks() {
        let text = "17 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 33 0 0 20 0 1";
        assert_eq!(parse_stat_ticks(text), Some(283));
        assert_eq!(parse_stat_ticks("nothing"), None);
    }

    #[test]
    fn schedstat_is_cpu_then_waiting() {
        assert_eq!(parse_schedstat("273 526 98\n"), Some(ThreadTime { cpu_ns: 273, waited_ns: 526 }));
        assert_eq!(parse_schedstat(""), None);
    }

    #[test]
    fn this_process_has_figures() {
        let pid = std::process::id();
        assert!(process_rss_bytes(pid).is_some_and(|bytes| bytes > 0));
        assert!(process_cpu_us(pid).is_some());
        assert!(descriptors_max() > 0);
    }
}
