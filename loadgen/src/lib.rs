//! The Hubbub load harness: open-loop load from real client sessions, a ledger that accounts for every accepted message
//! at every recipient, and reports that say whether they may be believed.
//!
//! | module | owns |
//! |---|---|
//! | [`cli`] | the command line, and what a run is asked for |
//! | [`scenario`], [`population`], [`schedule`], [`distributions`], [`disturbance`] | what is to happen, from a seed alone |
//! | [`body`], [`ledger`], [`latency`] | what is written into messages, and what is made of it |
//! | [`mqtt`] | a client session for other brokers |
//! | [`engine`], [`workers`] | threads that drive client sessions, over processes and machines |
//! | [`run`], [`series`] | one run from start to end, and second by second |
//! | [`server_figures`], [`host`], [`environment`] | the server's CPU and memory, the machine, what a result stands on |
//! | [`certify`] | whether the generator was the limit |
//! | [`figures`], [`thresholds`] | the names of figures, and what is demanded of them |
//! | [`capacity`] | the highest load that holds a service level |
//! | [`planner`] | unit costs, and what a population needs |
//! | [`compare`], [`statistics`] | results side by side, and what a difference is worth |
//! | [`progress`], [`report`] | what people and programs see |

pub mod body;
pub mod capacity;
pub mod certify;
pub mod cli;
pub mod clock;
pub mod compare;
pub mod distributions;
pub mod disturbance;
pub mod engine;
pub mod environment;
pub mod figures;
pub mod host;
pub mod latency;
pub mod ledger;
pub mod mqtt;
pub mod planner;
pub mod population;
pub mod progress;
pub mod report;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod series;
pub mod server_figures;
pub mod statistics;
pub mod thresholds;
pub mod workers;
