//! The Hubbub server: IO and wiring around the pure core and the store.

pub mod admin;
pub mod announce;
pub mod cli;
pub mod config;
pub mod descriptors;
pub mod disk_space;
pub mod logging;
pub mod metrics;
pub mod process;
pub mod secret;
pub mod serve;
pub mod token;
