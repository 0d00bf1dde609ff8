//! Puts the same load on the server and on the floor, and reads from `/proc` what each used for it.
//!
//! | module | what it is |
//! |---|---|
//! | [`plan`] | what is measured against what, and for how long |
//! | [`target`] | a server or a floor: started on a fresh directory, stopped when dropped |
//! | [`engine`] | the clients: one thread, one event loop, closed loops of sends |
//! | [`workload`] | one measured point |
//! | [`holders`] | processes that hold idle connections |
//! | `harness` | what the load harness costs |
//! | `scrape` | what it costs to show metrics |
//! | [`statistics`], [`report`] | medians, intervals, tables |
//!
//! The clients are cheap on purpose (prebuilt frames, no decoding of bodies, no timers of their own), because they
//! share the machine with what is measured. Only the CPU of the measured process counts.

mod client;
pub mod engine;
mod harness;
pub mod holders;
pub mod plan;
mod process;
pub mod report;
mod scan;
mod scrape;
pub mod statistics;
pub mod target;
mod users;
pub mod workload;
