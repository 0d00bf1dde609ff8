//! Development only: a seeded simulator of shards, store, network and clients.
//!
//! - [`store`] is a store in plain maps, with what was made durable and nothing else.

pub mod store;
