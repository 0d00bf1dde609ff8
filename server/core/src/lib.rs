//! The pure machine of a Hubbub shard: `(state, input, now) -> effects`.
//!
//! A [`Shard`] owns whole partitions: the logs of the conversations homed there, and the sessions of the users homed
//! there. Time, ids and answers of the store arrive as arguments; there is no socket, disk, clock, thread, randomness
//! or logging in this crate, so that everything it does can be tested as data and replayed from a seed.
//!
//! - [`machine`] is the interface: [`machine::Input`] goes in, [`machine::Effect`] comes out.
//! - [`request`] is what clients ask and are answered, [`question`] what is asked before there is a session, [`message`] what shards say to each other.
//! - [`records`] is what the store keeps, [`entry`] the one encoding of a log entry.
//! - [`slots`] says who lives where, [`bucket`] how often something may happen.
//!
//! Nothing is shown before it is durable: see `partition.rs`, the only place that decides it.

pub mod account;
mod blocked;
pub mod bucket;
mod budget;
mod conversation;
mod devices;
pub mod entry;
mod holders;
pub mod ids;
pub mod machine;
pub mod message;
mod partition;
mod permissions;
pub mod presence;
pub mod question;
mod recent;
pub mod records;
pub mod request;
mod rings;
mod sessions;
pub mod settings;
mod shard;
pub mod signal;
pub mod slots;
mod state;
mod subscriptions;
mod sweep;
mod watches;

pub use shard::Shard;
