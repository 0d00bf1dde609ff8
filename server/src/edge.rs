//! What lies between a socket and frames: who is behind a proxy, TLS, then HTTP and WebSocket.
//!
//! Nothing here does IO, waits or knows a shard: bytes go in, bytes come out. A shard drives it with its own reads and
//! writes (`shard/reading`, `shard/writing`), so a connection with layers has no task and no idle buffer either.

pub mod certificate;
pub mod http;
pub mod layers;
mod page;
pub mod proxy;
pub mod tls;
pub mod trusted;
pub mod web;
pub mod websocket;

use std::sync::Arc;

use crate::addresses::Addresses;
use certificate::TlsServer;
use http::Site;
use trusted::Trusted;

/// What all connections share of it.
#[derive(Debug)]
pub struct Edge {
    /// The certificate, where there are listeners with TLS.
    pub tls: Option<Arc<TlsServer>>,
    /// What browsers are served.
    pub site: Site,
    /// Proxies that say where their clients are.
    pub trusted: Trusted,
    /// How many connections each address has.
    pub addresses: Arc<Addresses>,
}
