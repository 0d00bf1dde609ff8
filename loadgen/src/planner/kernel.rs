//! What the kernel of this machine holds for sockets: from `/proc/slabinfo` (root may read it) and `/proc/net/sockstat`.
//! Both ends of a loopback connection are in it, and every other connection of the machine.

use std::fs;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::statistics::median;

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// Looks before anything begins: what is just being given back must not count as taken.
const LOOKS_BEFORE: usize = 5;

/// What a connection at the server's end takes where it was not measured, in bytes.
pub const ASSUMED_BYTES: f64 = 3_900.0;

/// Objects of a connection, one of each at each end.
const CACHES: [&str; 4] = ["TCP", "sock_inode_cache", "filp", "eventpoll_epi"];

/// A page, in bytes, as `sockstat` counts.
const PAGE_BYTES: u64 = 4_096;

/// Bytes in use now; `None` when the kernel does not tell.
#[must_use]
pub fn socket_bytes() -> Option<u64> {
    let slabs = slab_bytes(&fs::read_to_string("/proc/slabinfo").ok()?)?;
    Some(slabs + buffer_bytes(&fs::read_to_string("/proc/net/sockstat").ok()?).unwrap_or(0))
}

/// Looks at it while something runs.
pub struct Watch {
    before: u64,
    /// Its end is the end of the looking.
    end: Sender<()>,
    looking: JoinHandle<Vec<f64>>,
}

impl Watch {
    /// Begins; `None` when the kernel does not tell.
    #[must_use]
    pub fn begin() -> Option<Self> {
        let look = |at| {
            std::thread::sleep(PAUSE * u32::from(at > 0));
            socket_bytes()
        };
        let before = (0..LOOKS_BEFORE).map(look).min()??;
        let (end, ended) = channel::<()>();
        let looking = std::thread::spawn(move || {
            let mut looks = Vec::new();
            while ended.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
                looks.extend(socket_bytes().map(|bytes| bytes as f64));
            }
            looks
        });
        Some(Self { before, end, looking })
    }

    /// How much more than before was held in the middle of the time, when everything stood.
    #[must_use]
    pub fn grown(self) -> Option<f64> {
        drop(self.end);
        let looks = self.looking.join().ok()?;
        let middle = looks.len() / 3..looks.len() - looks.len() / 3;
        Some((median(&looks[middle])? - self.before as f64).max(0.0))
    }
}

fn slab_bytes(text: &str) -> Option<u64> {
    let sizes = text.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        CACHES.contains(&words.next()?).then_some(())?;
        let active: u64 = words.next()?.parse().ok()?;
        Some(active * words.nth(1)?.parse::<u64>().ok()?)
    });
    sizes.reduce(|sum, bytes| sum + bytes)
}

fn buffer_bytes(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:"))?;
    let mut words = line.split_ascii_whitespace().skip_while(|word| *word != "mem");
    Some(words.nth(1)?.parse::<u64>().ok()? * PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_in_use_count_by_their_size() {
        let text = "# name            <active_objs> <num_objs> <objsize>\n\
            TCPv6                 26     26   2496   13\nTCP                  100    117   2368   13\nfilp  10 21 192 21\n";
        assert_eq!(slab_bytes(text), Some(100 * 2_368 + 10 * 192));
        assert_eq!(slab_bytes("nothing here"), None);
    }

    #[test]
    fn buffers_are_counted_in_pages() {
        assert_eq!(buffer_bytes("sockets: used 5\nTCP: inuse 4 orphan 0 tw 5 alloc 4 mem 38\n"), Some(38 * 4_096));
    }
}
