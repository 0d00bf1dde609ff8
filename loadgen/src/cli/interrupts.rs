//! Ctrl-C, and SIGTERM and SIGHUP, which are taken for it, so that a run ends in its order and gives the terminal back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// Counts them: the first ends the traffic and still closes the ledger; the second ends everything.
pub fn count_interrupts(interrupts: Arc<AtomicU32>) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            let (Ok(mut terminate), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
            else {
                return;
            };
            loop {
                tokio::select! {
                    heard = tokio::signal::ctrl_c() => if heard.is_err() { return },
                    _ = terminate.recv() => {}
                    _ = hangup.recv() => {}
                }
                interrupts.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
}
