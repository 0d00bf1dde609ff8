//! What Linux says about processes and threads, read from `/proc`. Every figure is optional: nothing here fails a run.

use std::fs;
use std::net::SocketAddr;

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
    // A process that has ended and was not waited for has none; its memory is not 0, there is none to speak of.
    (pages > 0).then(|| pages * rustix::param::page_size() as u64)
}

/// What a process is called, as `/proc` has it.
#[must_use]
pub fn process_name(pid: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some(text.trim().to_owned())
}

/// The process that listens on a TCP port of this machine; `None` when there is none, or it is somebody else's.
#[must_use]
pub fn listener_pid(address: SocketAddr) -> Option<u32> {
    if !address.ip().is_loopback() {
        return None;
    }
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    let inodes: Vec<String> = tables.iter().flat_map(|table| listening_inodes(table, address.port())).collect();
    let links: Vec<String> = inodes.iter().map(|inode| format!("socket:[{inode}]")).collect();
    let processes = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut processes = processes.filter(|_| !links.is_empty());
    processes.find(|pid: &u32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut targets = descriptors.filter_map(|descriptor| fs::read_link(descriptor.path()).ok());
        targets.any(|target| links.iter().any(|link| target.as_os_str() == link.as_str()))
    })
}

/// The sockets of a table of the kernel that listen on `port`.
fn listening_inodes(table: &str, port: u16) -> impl Iterator<Item = String> {
    const LISTEN: &str = "0A";
    let port = format!(":{port:04X}");
    table.lines().skip(1).filter_map(move |line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, _remote, state) = (fields.next()?, fields.next()?, fields.next()?);
        (local.ends_with(&port) && state == LISTEN).then(|| fields.nth(5).map(str::to_owned)).flatten()
    })
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
    fn a_listener_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listener_pid(address), Some(std::process::id()));
        drop(listener);
        assert_eq!(listener_pid(address), None);
    }

    #[test]
    fn this_process_has_figures() {
        let pid = std::process::id();
        assert!(process_rss_bytes(pid).is_some_and(|bytes| bytes > 0));
        assert!(process_cpu_us(pid).is_some());
        assert!(descriptors_max() > 0);
    }
}
