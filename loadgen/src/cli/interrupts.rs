//! Ctrl-C, and SIGTERM, which is taken for it.

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
            let Ok(mut terminate) = signal(SignalKind::terminate()) else {
                return;
            };
            loop {
                tokio::select! {
                    heard = tokio::signal::ctrl_c() => if heard.is_err() { return },
                    _ = terminate.recv() => {}
                }
                interrupts.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
}
