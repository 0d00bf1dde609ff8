//! Accepting connections: from a listening socket to a place in the shard, or a word why there is none.

use super::Shard;
use super::connection::Socket;
use crate::addresses::TooMany;
use crate::edge::http::Http;
use crate::edge::layers::Layers;
use crate::metrics::{AcceptFailure, CloseReason, HttpStatus, Refusal, Transport};
use crate::wire;
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::error::Action;
use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant, SystemTime};
use tokio::net::{TcpListener, TcpStream};
use tracing::warn;

/// How long a client waits that was turned away for want of room.
pub(super) const TURNED_AWAY_MS: u32 = 1_000;
/// How long accepting pauses at first when the process has no descriptor left, and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(10);
const PAUSE_MOST: Duration = Duration::from_secs(1);
/// Trouble that goes on is told so often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Accepts connections until aborted.
pub(super) async fn accept_loop(shard: Rc<RefCell<Shard>>, transport: Transport, listener: TcpListener) {
    let mut trouble = Trouble::default();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                trouble.pause = PAUSE_FIRST;
                shard.borrow_mut().accept(transport, stream, peer.ip());
            }
            Err(error) => {
                let kind = AcceptFailure::of(&error);
                shard.borrow_mut().counters.accept_failed(kind);
                if let Some(pause) = trouble.pause_after(kind, &error) {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

/// What went wrong of late.
struct Trouble {
    pause: Duration,
    told: Option<Instant>,
    untold: u32,
}

impl Default for Trouble {
    fn default() -> Trouble {
        Trouble { pause: PAUSE_FIRST, told: None, untold: 0 }
    }
}

impl Trouble {
    /// How long to wait: a connection that is already gone says nothing about the next, while without descriptors the next
    /// fails as well until somebody goes.
    fn pause_after(&mut self, kind: AcceptFailure, error: &io::Error) -> Option<Duration> {
        if kind == AcceptFailure::Connection {
            return None;
        }
        self.untold += 1;
        if self.told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            warn!("cannot accept connections for the moment ({} times): {error}", self.untold);
            (self.told, self.untold) = (Some(Instant::now()), 0);
        }
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE_MOST);
        Some(pause)
    }
}

impl Shard {
    fn accept(&mut self, transport: Transport, stream: TcpStream, peer: IpAddr) {
        self.counters.connections_accepted += 1;
        let edge = &self.node.edge;
        let is_proxy = edge.trusted.contains(peer);
        // A proxy's own address says nothing; that of its client comes with its header.
        let place = if is_proxy { Ok(None) } else { edge.addresses.admit(peer) };
        let full = self.node.connections.load(Relaxed) >= self.node.connections_max
            || self.node.strangers.load(Relaxed) >= self.node.strangers_max;
        let place = match place {
            Ok(place) if !full => place,
            Ok(_) => return self.turn_away(transport, &stream, CloseReason::Overloaded),
            Err(TooMany) => return self.turn_away(transport, &stream, CloseReason::AddressLimit),
        };
        let Ok(layers) = self.layers_for(transport, is_proxy) else {
            self.counters.closed(CloseReason::IoError);
            return;
        };
        // Without it every small frame would wait for the acknowledgement of the one before.
        let _ = stream.set_nodelay(true);
        self.node.connections.fetch_add(1, Relaxed);
        self.node.strangers.fetch_add(1, Relaxed);
        let id = self.add(stream, layers, place);
        let login_ticks = self.limits.login;
        self.look_by(id, self.deadlines.now() + login_ticks);
    }

    fn turn_away(&mut self, transport: Transport, stream: &TcpStream, reason: CloseReason) {
        self.counters.closed(reason);
        self.counters.refused(Refusal::Overloaded);
        if transport == Transport::Tcp {
            // A fresh socket has room for it; if not, closing says enough.
            let _ = stream.try_write(&turned_away(reason));
        } else if transport == Transport::Http {
            self.counters.http_answered(HttpStatus::Unavailable);
            let (head, body) = Http::overloaded(SystemTime::now()).into_bytes();
            let _ = stream.try_write(&[head, body].concat());
        }
    }

    /// The layers of a connection that begins.
    fn layers_for(&self, transport: Transport, is_proxy: bool) -> Result<Option<Box<Layers>>, rustls::Error> {
        let tls = self.node.edge.tls.as_ref();
        let config = match transport {
            Transport::Tls => tls.map(|tls| tls.frames()),
            Transport::Https => tls.map(|tls| tls.http()),
            Transport::Tcp | Transport::Http => None,
        };
        if transport == Transport::Tcp && !is_proxy {
            return Ok(None);
        }
        Layers::new(transport, config, is_proxy).map(|layers| Some(Box::new(layers)))
    }
}

/// The last frame for a connection that there is no room for.
pub(super) fn turned_away(reason: CloseReason) -> bytes::Bytes {
    let message = match reason {
        CloseReason::AddressLimit => TooMany.to_string(),
        _ => "the server has as many connections as it may; try again shortly".to_owned(),
    };
    wire::error_frame(0, Action::Retry, ErrorCode::Overloaded, TURNED_AWAY_MS, message)
}

impl Socket {
    /// Which kind of listener it came by.
    pub(super) fn transport(&self) -> Transport {
        self.layers.as_ref().map_or(Transport::Tcp, |layers| layers.transport())
    }
}
