//! A thread that looks once a second whether files have changed.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{RecvTimeoutError, Sender, bounded};

/// How long a changed file goes unnoticed, at most, but for the time to read it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Whether a file may have changed: when it was written, how long it is, and which file it is.
pub type Stamp = (i64, i64, u64, u64, u64);

/// The stamp of a file as it is now; `None` when it is not there.
pub fn stamp(path: &Path) -> Option<Stamp> {
    let file = fs::metadata(path).ok()?;
    Some((file.mtime(), file.mtime_nsec(), file.size(), file.dev(), file.ino()))
}

/// The running thread.
#[derive(Debug)]
pub struct FileWatch {
    /// Nothing is ever sent: that it is gone ends the thread.
    running: Sender<()>,
    thread: JoinHandle<()>,
}

impl FileWatch {
    /// Starts a thread of this name that calls `look` once a second.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(name: &str, mut look: impl FnMut() + Send + 'static) -> io::Result<FileWatch> {
        let (running, stopped) = bounded::<()>(0);
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
                look();
            }
        })?;
        Ok(FileWatch { running, thread })
    }

    /// Ends it and waits for its end.
    pub fn stop(self) {
        drop(self.running);
        let _ = self.thread.join(); // A panic there has already ended the process.
    }
}
