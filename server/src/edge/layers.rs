//! The layers of one connection, between its socket and its frames, from the outside in: who is behind a proxy, TLS, then
//! HTTP and WebSocket.
//!
//! A connection over plain TCP has none of this. Bytes that do not make sense yet, and bytes that the socket has not
//! taken, wait here; both are bounded, by a record and by what a shard seals at once, and both are gone when a connection
//! is idle. The value holds no task and no socket, so it moves with its connection to another shard.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::BytesMut;
use rustls::ServerConfig;

use super::proxy::{self, HeaderFault, Origin};
use super::tls::{Tls, TlsFault};
use super::web::Web;
use crate::metrics::{TlsHandshake, Transport};

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Its TLS is broken.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// Its proxy does not say whom it brings.
    #[error(transparent)]
    Header(#[from] HeaderFault),
}

/// What a shard has to know of what came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// The TLS handshake is over, and how it went.
    pub handshake: Option<TlsHandshake>,
    /// Its proxy has said whom it brings.
    pub origin: Option<Origin>,
}

/// See the module.
pub struct Layers {
    transport: Transport,
    /// A proxy has yet to say whom it brings.
    awaits_header: bool,
    tls: Option<Box<Tls>>,
    /// What makes frames of a browser's bytes. It takes them where it likes: [`Layers::take`] ends before it.
    web: Option<Web>,
    /// Where the client is, when its socket does not say.
    address: Option<IpAddr>,
    /// Read, and a part of something that is not whole.
    rest: Vec<u8>,
    /// For the socket, which has not taken it yet.
    unsent: Vec<u8>,
    /// A fault was found: nothing is understood or said any more.
    broken: bool,
}

impl Layers {
    /// Of a connection that begins: whether its proxy says first whom it brings, and with what TLS follows, if it does.
    ///
    /// # Errors
    /// The configuration of TLS is not sound.
    pub fn new(
        transport: Transport,
        tls: Option<&Arc<ServerConfig>>,
        behind_proxy: bool,
    ) -> Result<Layers, rustls::Error> {
        let web = match transport {
            Transport::Tcp | Transport::Tls => None,
            Transport::Http => Some(Web::new(false)),
            Transport::Https => Some(Web::new(true)),
        };
        Ok(Layers {
            transport,
            awaits_header: behind_proxy,
            tls: tls.map(Tls::new).transpose()?.map(Box::new),
            web,
            address: None,
            rest: Vec::new(),
            unsent: Vec::new(),
            broken: false,
        })
    }

    /// What makes frames of a browser's bytes, if it came by a listener for browsers.
    pub fn web(&self) -> Option<&Web> {
        self.web.as_ref()
    }

    /// See [`Layers::web`].
    pub fn web_mut(&mut self) -> Option<&mut Web> {
        self.web.as_mut()
    }

    /// Which kind of listener the connection came by.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Where the client is, when its socket does not say.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whether what is said does not go out as it is.
    pub fn seals(&self) -> bool {
        self.tls.is_some() || !self.is_through()
    }

    /// Whether frames can pass.
    pub fn is_through(&self) -> bool {
        !self.broken && !self.awaits_header && self.tls.as_ref().is_none_or(|tls| tls.is_established())
    }

    /// Whether TLS was begun and neither agreed on nor found broken.
    pub fn is_handshaking(&self) -> bool {
        !self.broken && !self.awaits_header && self.tls.as_ref().is_some_and(|tls| !tls.is_established())
    }

    /// Whether the client has said in good order that it will say no more.
    pub fn is_over(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_over())
    }

    // ---- Inward ----

    /// What belongs in front of what is read next.
    pub fn rest(&self) -> &[u8] {
        &self.rest
    }

    /// Takes [`Layers::rest`] with what was read behind it, and appends what it holds for frames to `plain`. Afterwards
    /// there may be more to send.
    ///
    /// # Errors
    /// The connection cannot go on; what is to be sent says why, where there is a way to say it.
    pub fn take(&mut self, came: &mut [u8], plain: &mut BytesMut) -> Result<News, Fault> {
        let mut news = News::default();
        let mut used = 0;
        if self.awaits_header {
            let header = proxy::parse(came).inspect_err(|_| self.broken = true)?;
            let Some((origin, length)) = header else {
                self.keep_rest(came);
                return Ok(news);
            };
            (self.awaits_header, used, news.origin) = (false, length, Some(origin));
            if let Origin::Client(address) = origin {
                self.address = Some(address);
            }
        }
        let came = &mut came[used..];
        let used = match &mut self.tls {
            Some(tls) => {
                let before = tls.is_established();
                let opened = tls.open(came, plain, &mut self.unsent);
                let used = opened.inspect_err(|_| self.broken = true)?;
                news.handshake = tls.handshake().filter(|_| !before && tls.is_established());
                used
            }
            None => {
                plain.extend_from_slice(came);
                came.len()
            }
        };
        self.keep_rest(&came[used..]);
        Ok(news)
    }

    fn keep_rest(&mut self, rest: &[u8]) {
        if rest.is_empty() {
            self.rest = Vec::new();
        } else {
            self.rest.clear();
            self.rest.extend_from_slice(rest);
        }
    }

    // ---- Outward ----

    /// What the socket has not taken yet. It goes before anything else.
    pub fn unsent(&self) -> &[u8] {
        &self.unsent
    }

    /// The socket has taken the first bytes of [`Layers::unsent`].
    pub fn note_sent(&mut self, bytes: usize) {
        if bytes == self.unsent.len() {
            self.unsent = Vec::new();
        } else {
            self.unsent.drain(..bytes);
        }
    }

    /// The socket has not taken this, which was sealed last. Nothing else may be unsent.
    pub fn keep_unsent(&mut self, sealed: &[u8]) {
        self.unsent.extend_from_slice(sealed);
    }

    /// Appends bytes of frames, as they go over the wire, to `out`.
    ///
    /// # Errors
    /// It cannot be said now.
    pub fn seal(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        match &mut self.tls {
            Some(tls) => tls.seal(&mut self.rest, plain, out)?,
            None => out.extend_from_slice(plain),
        }
        Ok(())
    }

    /// Appends what ends the connection in good order to `out`, if that was not said yet.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if !self.broken
            && let Some(tls) = &mut self.tls
        {
            tls.close(&mut self.rest, out);
        }
    }
}

impl std::fmt::Debug for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layers").field("transport", &self.transport).field("tls", &self.tls).finish_non_exhaustive()
    }
}
