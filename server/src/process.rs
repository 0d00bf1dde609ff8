//! What this process itself uses, as the kernel says in `/proc/self`: CPU, memory, open files, threads, age; and how
//! much memory it may use.

use std::fs;
use std::io;

/// One look at the process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// CPU time used in user and system mode by all threads, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// Virtual memory, in bytes.
    pub virtual_bytes: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub open_fds: u64,
    /// When the process began, in seconds since the Unix epoch.
    pub start_time_seconds: f64,
}

impl Usage {
    /// Reads it now.
    ///
    /// # Errors
    /// `/proc` cannot be read or does not look as proc(5) describes it.
    pub fn now() -> io::Result<Self> {
        let ticks_per_second = system_value(libc::_SC_CLK_TCK)?;
        let stat = fs::read_to_string("/proc/self/stat")?;
        let boot_seconds = boot_time(&fs::read_to_string("/proc/stat")?).ok_or(io::ErrorKind::InvalidData)?;
        let stat = Stat::parse(&stat).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self {
            cpu_seconds: stat.cpu_ticks as f64 / ticks_per_second as f64,
            resident_bytes: stat.resident_pages * system_value(libc::_SC_PAGESIZE)?,
            virtual_bytes: stat.virtual_bytes,
            threads: stat.threads,
            open_fds: open_fds()?,
            start_time_seconds: boot_seconds as f64 + stat.start_ticks as f64 / ticks_per_second as f64,
        })
    }
}

/// The fields of proc_pid_stat(5) that matter here.
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The second field, the program's name in parentheses, may hold blanks and parentheses itself.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // `rest` starts at field 3 of the manual page.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

/// Since Linux 6.2 the directory's size says it; before, its entries have to be read, which takes milliseconds for
/// thousands of connections.
fn open_fds() -> io::Result<u64> {
    match fs::metadata("/proc/self/fd")?.len() {
        0 => Ok((fs::read_dir("/proc/self/fd")?.count() as u64).saturating_sub(1)), // Without the one that reads it.
        open => Ok(open),
    }
}

/// Memory that this process may use, in bytes: the limit of its control group if it has one (cgroup v2), and never more
/// than the machine has. `None` when the kernel does not say.
#[must_use]
pub fn memory_limit_bytes() -> Option<u64> {
    let machine = memory_total(&fs::read_to_string("/proc/meminfo").ok()?);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    // "0::/system.slice/hubbub.service"; the limits of the groups above it hold, too.
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let limits = std::path::Path::new(own).ancestors().filter_map(|group| {
        let file = std::path::Path::new("/sys/fs/cgroup").join(group).join("memory.max");
        fs::read_to_string(file).ok()?.trim().parse().ok()
    });
    limits.chain(machine).min()
}

fn memory_total(text: &str) -> Option<u64> {
    let kilobytes: u64 =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1_024)
}

fn boot_time(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("btime ")).and_then(|seconds| seconds.trim().parse().ok())
}

#[allow(unsafe_code)]
fn system_value(name: libc::c_int) -> io::Result<u64> {
    // SAFETY: sysconf takes a number, touches no memory of ours and returns -1 for what it does not know.
    u64::try_from(unsafe { libc::sysconf(name) }).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_about_this_process() {
        let usage = Usage::now().unwrap();
        assert!(usage.resident_bytes > 100_000 && usage.open_fds >= 3, "{usage:?}");
        assert!(usage.virtual_bytes > usage.resident_bytes && usage.threads >= 1, "{usage:?}");
        assert!(memory_limit_bytes().unwrap() > usage.resident_bytes);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        assert!(usage.start_time_seconds <= now + 1.0 && usage.start_time_seconds > now - 86_400.0, "{usage:?}");
    }

    #[test]
    fn open_files_are_counted() {
        let files: Vec<_> = (0..300).map(|_| fs::File::open("/proc/self/stat").unwrap()).collect();
        assert!(Usage::now().unwrap().open_fds >= files.len() as u64);
    }

    #[test]
    fn names_with_blanks_and_parentheses_do_not_confuse() {
        let text =
            "7 (a) (b c) S 1 7 7 0 -1 4194560 100 0 0 0 11 22 0 0 20 0 5 0 9876 1000000 321 18446744073709551615 1";
        assert_eq!(
            Stat::parse(text),
            Some(Stat { cpu_ticks: 33, threads: 5, start_ticks: 9876, virtual_bytes: 1_000_000, resident_pages: 321 })
        );
        assert_eq!(Stat::parse("7 (a) S 1"), None);
    }
}
