//! What the tests share: a server process, a client that speaks raw frames, and waiting with a deadline.

mod accounts;
mod frames;
mod gateway;
mod groups;
mod load;
mod logs;
mod own_server;
mod prometheus;
mod reader;
mod requests;
mod server;
mod tls;
mod transports;
mod web;

use std::time::{Duration, Instant};

pub(crate) use accounts::*;
pub(crate) use frames::{Down, Raw, Up};
pub(crate) use gateway::{Gateway, expired_trunk_token, trunk_secret_file, trunk_token};
pub(crate) use groups::*;
pub(crate) use load::{load, load_over_trunks, request, request_over_trunks, run_load, small};
pub(crate) use logs::*;
pub(crate) use own_server::*;
pub(crate) use prometheus::Prometheus;
pub(crate) use reader::Reader;
pub(crate) use requests::*;
pub(crate) use server::{Server, Setup, hubbub, scrape};
pub(crate) use tls::{Certificate, proxy_header};
pub(crate) use transports::{Transport, over_each_transport};
pub(crate) use web::*;

/// How long anything may take. Far more than it does: machines that test are busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Looks again and again until `look` finds something.
///
/// # Panics
/// When it has not within [`DEADLINE`].
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// [`wait_for`] something to be true.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    wait_for(what, || is_so().then_some(()));
}
