//! File descriptors: how many this process may open, and who gets them.
//!
//! The soft limit is raised to the hard one at start. Then the store, the shards, a reserve and the connections divide
//! them, so that a crowd of clients can never leave the store without files.

use std::io;

use crate::config::{Config, Problem, Problems};

/// Kept free for logs, the metrics endpoint, reloads and whoever debugs a running process.
pub const DESCRIPTORS_SPARE: usize = 256;
/// A shard's own besides its listening sockets: its poller, its waker and one in reserve.
const DESCRIPTORS_PER_SHARD: usize = 3;
/// The store's share when nothing is configured: an eighth, within these bounds.
const STORE_FILES_LEAST: usize = 64;
const STORE_FILES_MOST: usize = 4_096;
/// A server for fewer connections than this is a mistake.
const CONNECTIONS_LEAST: usize = 16;

/// Who may have how many descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Division {
    /// All that this process may open.
    pub limit: usize,
    /// For files of the store.
    pub store_files: usize,
    /// For the shards themselves.
    pub shards: usize,
    /// For client connections.
    pub connections: usize,
    /// For client connections that have not logged in; part of `connections`.
    pub connections_unauthenticated: usize,
}

impl Division {
    /// Divides `limit` descriptors as the configuration asks.
    ///
    /// # Errors
    /// What is asked for exceeds the limit.
    pub fn new(config: &Config, limit: usize) -> Result<Self, Problems> {
        let shards = config.shards_count() * (DESCRIPTORS_PER_SHARD + config.listeners().len());
        let store_files = match config.storage.files_max {
            0 => (limit / 8).clamp(STORE_FILES_LEAST, STORE_FILES_MOST),
            files => files,
        };
        let left = limit.saturating_sub(DESCRIPTORS_SPARE + shards + store_files);
        let wanted = config.limits.connections_max;
        if left < wanted.max(CONNECTIONS_LEAST) {
            return Err(too_few(limit, wanted, left, store_files, shards));
        }
        let connections = if wanted == 0 { left } else { wanted };
        let connections_unauthenticated = match config.limits.connections_unauthenticated_max {
            0 => connections.div_ceil(2),
            strangers => strangers.min(connections),
        };
        Ok(Self { limit, store_files, shards, connections, connections_unauthenticated })
    }
}

impl std::fmt::Display for Division {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} descriptors: {} for connections (at most {} not logged in), {} for the store, {} for shards, {} spare",
            self.limit,
            self.connections,
            self.connections_unauthenticated,
            self.store_files,
            self.shards,
            self.limit - self.connections - self.store_files - self.shards,
        )
    }
}

fn too_few(limit: usize, wanted: usize, left: usize, store_files: usize, shards: usize) -> Problems {
    let needed = wanted.max(CONNECTIONS_LEAST) + store_files + shards + DESCRIPTORS_SPARE;
    let lower = match wanted {
        0 => "lower storage.files_max".to_owned(),
        _ => format!("lower limits.connections_max to at most {left}, lower storage.files_max"),
    };
    let text = format!(
        "this process may open {limit} files, and the store takes {store_files}, the shards {shards} and a reserve \
         {DESCRIPTORS_SPARE}, which leaves {left} for connections; {lower}, or raise the hard limit to {needed} \
         (`ulimit -Hn {needed}`, or LimitNOFILE={needed} in the systemd unit)"
    );
    Problems(vec![Problem::new("limits.connections_max", wanted, text)])
}

/// Raises the soft limit to the hard one and returns what this process may now open.
///
/// # Errors
/// The system call failed.
pub fn raise_limit() -> io::Result<usize> {
    let mut limit = open_files()?;
    if limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        set_open_files(&limit)?;
    }
    Ok(usize::try_from(limit.rlim_cur).unwrap_or(usize::MAX))
}

/// What this process may open now, without raising anything.
///
/// # Errors
/// The system call failed.
pub fn hard_limit() -> io::Result<usize> {
    Ok(usize::try_from(open_files()?.rlim_max).unwrap_or(usize::MAX))
}

#[allow(unsafe_code)]
fn open_files() -> io::Result<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a live, writable rlimit, which is all that getrlimit writes to.
    match unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } {
        0 => Ok(limit),
        _ => Err(io::Error::last_os_error()),
    }
}

#[allow(unsafe_code)]
fn set_open_files(limit: &libc::rlimit) -> io::Result<()> {
    // SAFETY: the pointer is to a live rlimit, which setrlimit only reads.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const *limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(connections: usize, files: usize) -> Config {
        let mut config = Config { shards: 2, ..Config::default() };
        config.limits.connections_max = connections;
        config.storage.files_max = files;
        config
    }

    #[test]
    fn descriptors_are_divided() {
        for (limit, connections, files, expected) in [
            (20_000, 0, 0, (2_500, 17_234)),
            (1_024, 0, 0, (128, 630)),
            (1 << 20, 0, 0, (4_096, 1_044_214)),
            (20_000, 10_000, 0, (2_500, 10_000)),
            (20_000, 0, 500, (500, 19_234)),
        ] {
            let division = Division::new(&config(connections, files), limit).unwrap();
            assert_eq!((division.store_files, division.connections), expected, "{limit} {connections} {files}");
            let used = division.store_files + division.connections + division.shards + DESCRIPTORS_SPARE;
            assert!(used <= limit);
        }
    }

    #[test]
    fn strangers_may_take_half_or_what_is_configured() {
        let mut config = config(1_001, 0);
        assert_eq!(Division::new(&config, 20_000).unwrap().connections_unauthenticated, 501);
        config.limits.connections_unauthenticated_max = 7;
        assert_eq!(Division::new(&config, 20_000).unwrap().connections_unauthenticated, 7);
    }

    #[test]
    fn too_few_are_refused_with_the_way_out() {
        for (limit, connections, files, hint) in
            [(1_024, 10_000, 0, "at most 630"), (256, 0, 0, "ulimit -Hn 346"), (1_024, 0, 1_000, "storage.files_max")]
        {
            let text = Division::new(&config(connections, files), limit).unwrap_err().to_string();
            assert!(text.contains(hint) && text.contains("LimitNOFILE"), "{text}");
        }
    }

    #[test]
    fn the_soft_limit_reaches_the_hard_one() {
        assert_eq!(raise_limit().unwrap(), hard_limit().unwrap());
        assert_eq!(usize::try_from(open_files().unwrap().rlim_cur).unwrap(), hard_limit().unwrap());
    }
}
