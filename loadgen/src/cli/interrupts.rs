//! Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts them: the first ends the traffic and still closes the ledger; the second ends everything.
pub fn count_interrupts(interrupts: Arc<AtomicU32>) {
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
            return;
        };
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                interrupts.fetch_add(1, Ordering::Relaxed);
            }
        });
    });
}
