//! Free space of the disk that holds the data directory, and whether it is too little to accept messages.
//!
//! The probes thread samples once a second; shards read two atomics and never ask the system themselves.

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Once full, the disk counts as full until it has this much more room than the limit (an eighth of it), so that
/// clients are not refused and admitted by turns.
const RECOVERY_SHARE: u64 = 8;

/// What was last seen of the disk.
#[derive(Debug)]
pub struct FreeSpace {
    path: CString,
    free_bytes_min: u64,
    size_bytes: AtomicU64,
    free_bytes: AtomicU64,
    full: AtomicBool,
}

impl FreeSpace {
    /// Takes the first sample of the disk under `dir`.
    ///
    /// # Errors
    /// The directory is not there or the system does not say.
    pub fn new(dir: &Path, free_bytes_min: u64) -> io::Result<Self> {
        let space = Self {
            path: CString::new(dir.as_os_str().as_bytes())?,
            free_bytes_min,
            size_bytes: AtomicU64::new(0),
            free_bytes: AtomicU64::new(0),
            full: AtomicBool::new(false),
        };
        space.sample()?;
        Ok(space)
    }

    /// Whether messages are to be refused.
    pub fn is_full(&self) -> bool {
        self.full.load(Relaxed)
    }

    /// Free bytes at the last sample.
    pub fn free_bytes(&self) -> u64 {
        self.free_bytes.load(Relaxed)
    }

    /// Size of the disk at the last sample, in bytes.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes.load(Relaxed)
    }

    /// Looks at the disk; `Some` with the new state when the disk became full or has room again.
    ///
    /// # Errors
    /// The system does not say; what was known stays.
    pub fn sample(&self) -> io::Result<Option<bool>> {
        let (size_bytes, free_bytes) = bytes_at(&self.path)?;
        self.size_bytes.store(size_bytes, Relaxed);
        Ok(self.note(free_bytes))
    }

    fn note(&self, free_bytes: u64) -> Option<bool> {
        self.free_bytes.store(free_bytes, Relaxed);
        let was_full = self.is_full();
        let enough = if was_full {
            self.free_bytes_min.saturating_add(self.free_bytes_min / RECOVERY_SHARE)
        } else {
            self.free_bytes_min
        };
        let full = free_bytes < enough;
        self.full.store(full, Relaxed);
        (full != was_full).then_some(full)
    }
}

/// The size of a disk, and bytes that a process without privileges may still write.
#[allow(unsafe_code)]
fn bytes_at(path: &CString) -> io::Result<(u64, u64)> {
    let mut stat = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends in a NUL and the pointer is to writable memory of statvfs's size.
    if unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: statvfs returned 0, so it has filled the whole structure.
    let stat = unsafe { stat.assume_init() };
    Ok((stat.f_blocks.saturating_mul(stat.f_frsize), stat.f_bavail.saturating_mul(stat.f_frsize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_disk_has_room_for_a_byte_and_not_for_everything() {
        let dir = tempfile::tempdir().unwrap();
        let space = FreeSpace::new(dir.path(), 1).unwrap();
        assert!(!space.is_full() && space.free_bytes() > 0 && space.size_bytes() >= space.free_bytes());
        assert!(FreeSpace::new(dir.path(), u64::MAX).unwrap().is_full());
        assert!(FreeSpace::new(&dir.path().join("nothing"), 1).is_err());
    }

    #[test]
    fn a_full_disk_needs_some_room_more_to_recover() {
        let space = FreeSpace::new(Path::new("/"), 1).unwrap();
        let space = FreeSpace { free_bytes_min: 800, ..space };
        for (free, change, full) in [
            (800, None, false),
            (799, Some(true), true),
            (850, None, true),
            (899, None, true),
            (900, Some(false), false),
            (801, None, false),
        ] {
            assert_eq!((space.note(free), space.is_full(), space.free_bytes()), (change, full, free), "{free}");
        }
    }
}
