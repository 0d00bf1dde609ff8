//! A thread that looks once a second whether the files of the keys have changed.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{RecvTimeoutError, Sender, bounded};

use super::{KeyFiles, TokenVerifier};

/// How long a changed file goes unnoticed, at most, but for the time to read it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The running thread.
#[derive(Debug)]
pub struct KeyWatch {
    /// Nothing is ever sent: that it is gone ends the thread.
    running: Sender<()>,
    thread: JoinHandle<()>,
}

impl KeyWatch {
    /// Starts the thread.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(mut files: KeyFiles, verifier: Arc<TokenVerifier>) -> io::Result<KeyWatch> {
        let (running, stopped) = bounded::<()>(0);
        let thread = std::thread::Builder::new().name("token-keys".to_owned()).spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK_EVERY) {
                files.refresh(&verifier);
            }
        })?;
        Ok(KeyWatch { running, thread })
    }

    /// Ends it and waits for its end.
    pub fn stop(self) {
        drop(self.running);
        let _ = self.thread.join(); // A panic there has already ended the process.
    }
}
