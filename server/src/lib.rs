//! The Hubbub server: IO and wiring around the pure core and the store.
//!
//! `serve` starts everything; `shard` is the thread that serves clients; `commit` and `readers` are the threads that
//! touch the disk; `edge` is what lies between a socket and frames; `wire` is the border between frames and the core; `auth`
//! says who somebody is.

pub mod addresses;
pub mod announce;
pub mod auth;
pub mod cli;
pub mod commit;
pub mod compact;
pub mod config;
pub mod descriptors;
pub mod disk_space;
pub mod edge;
mod endpoint;
pub mod file_watch;
pub mod invite;
pub mod listener;
pub mod logging;
pub mod mailbox;
pub mod metrics;
pub mod node;
#[cfg(feature = "planted-faults")]
pub mod planted;
pub mod probes;
pub mod process;
pub mod readers;
pub mod serve;
pub mod shard;
mod sync;
pub mod wire;
