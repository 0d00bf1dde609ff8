//! A null relay: the cheapest honest way to pass Hubbub's frames from one client to another.
//!
//! It has the server's threads (one single-threaded runtime each, `SO_REUSEPORT`, a connection moves to its user's
//! thread after login), the server's mailboxes between them, and the server's turns: read every connection that is
//! ready, then write once to each socket. It decodes what it must to pass a message on, and answers every frame that
//! the driver sends. It keeps nothing, numbers nothing densely, checks no token and no membership, and drops
//! `Delivered` and `Read`. Conventions that stand for decisions: the user is the one whose number is the device id;
//! a group is whatever `CreateGroup` listed.

mod connection;
mod frames;
mod lanes;
mod reading;
mod relay;

use std::net::SocketAddr;
use std::sync::{Arc, RwLock};

use hubbub_core::slots::SlotTable;
use hubbub_server::listener;
use hubbub_server::mailbox::Mailbox;

use lanes::Handed;
use relay::{Relay, Shared};

/// As the server's default, so that a user has the same thread in both.
pub const PARTITIONS: u16 = 16;
/// Messages between two threads, as in the server.
const LANE_MESSAGES_MAX: usize = 8_192;

/// Relays on `threads` threads until the process is killed. Prints the bound address first.
///
/// # Errors
/// The address cannot be bound, or a thread not be started.
pub fn run(listen: SocketAddr, threads: u16) -> anyhow::Result<()> {
    hubbub_server::descriptors::raise_limit()?;
    let listeners = listener::bind(listen, usize::from(threads))?;
    let address = listeners[0].local_addr()?;
    let shared = Arc::new(Shared {
        slots: SlotTable::even(PARTITIONS, threads),
        mailboxes: (0..threads).map(|_| Mailbox::<Handed>::new(usize::from(threads), LANE_MESSAGES_MAX)).collect(),
        groups: RwLock::default(),
    });
    let mut running = Vec::new();
    for (id, listener) in listeners.into_iter().enumerate() {
        let shared = shared.clone();
        let thread = std::thread::Builder::new().name(format!("floor-{id}"));
        running.push(thread.spawn(move || Relay::run(id, listener, shared))?);
    }
    println!("{address}");
    for thread in running {
        thread.join().map_err(|_| anyhow::anyhow!("a thread of the floor panicked"))??;
    }
    Ok(())
}
