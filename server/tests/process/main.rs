//! The server as its users meet it: the real binary, real sockets, a real disk. One property in each file.
//!
//! Nothing here sleeps to wait or asserts a time: each step waits for what it needs, up to a generous deadline.
//! `cargo test --release -p hubbub-server --test process direct` runs one file.

mod support;

mod announcement;
mod bad_input;
mod blocks;
mod clean_stop;
mod config_cli;
mod dashboards;
mod delete_group;
mod devices;
mod direct;
mod durability;
mod edits;
mod group;
mod group_receipts;
mod halfway;
mod invites;
mod jwt;
mod kill;
mod limits;
mod lists;
mod load_chaos;
mod load_large_group;
mod load_mixed;
mod load_offline;
mod load_own_server;
mod load_presence;
mod load_stall;
mod load_storm;
mod load_trunk;
mod login_storm;
mod metrics;
mod mute;
mod own_devices;
mod passwords;
mod port_in_use;
mod presence;
mod profiles;
mod python_client;
mod rates;
mod reactions;
mod register;
mod resend;
mod resume;
mod retention;
mod revocations;
mod roles;
mod secrets;
mod session_tokens;
mod signals;
mod sigterm;
mod silent_crowd;
mod slow_consumer;
mod storage_full;
mod store_version;
mod tls;
mod trunk;
mod trunk_bad_input;
mod trunk_lost;
mod trunk_slow_channel;
mod typed_calls;
