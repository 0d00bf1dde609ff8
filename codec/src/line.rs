//! What lies between a socket and a session, without IO: TLS, WebSocket, both or nothing.
//!
//! A [`Line`] is the client's end of one connection. Received bytes go in and frames come out, as
//! [`Session::handle_bytes`](crate::session::Session::handle_bytes) takes them; what
//! [`Session::poll_transmit`](crate::session::Session::poll_transmit) gives goes in and bytes for the socket come out. So a
//! session knows nothing of transports, and an event loop knows nothing but sockets:
//!
//! 1. on a fresh socket, write what [`Line::poll_transmit`] has, and give what is read to [`Line::handle_bytes`], until
//!    [`Line::is_open`]: then the session is connected;
//! 2. from then on the same, with [`Line::write`] for what the session wants to say;
//! 3. on an error, write [`Line::poll_transmit`] once more if it can be written, and close: the server learns why;
//! 4. when the socket has ended, [`Line::why_over`] says why.
//!
//! What came and is no whole record or message yet stays with the line: TLS must be shown it again before it says anything.
//!
//! Promises: an idle line holds keys and no buffers; nothing of what comes is kept beyond a frame and what the application has
//! not written; over TLS no byte of a frame leaves before the server has shown who it is.
//!
//! | file | owns |
//! |---|---|
//! | `tls` | TLS, by rustls |
//! | `web` | the request that opens a WebSocket, and its messages |
//! | `no_tls`, `no_web` | what stands for these in a build without them |
//! | `error` | what may go wrong, and the way out |

mod error;
#[cfg_attr(not(feature = "tls"), path = "line/no_tls.rs")]
mod tls;
#[cfg_attr(not(feature = "websocket"), path = "line/no_web.rs")]
mod web;

use bytes::{Bytes, BytesMut};

use crate::endpoint::Endpoint;
use crate::trust::Trust;
pub use error::LineError;
use tls::Tls;
use web::Web;

/// The client's end of a connection, between its socket and its session.
pub struct Line {
    host: Box<str>,
    tls: Option<Tls>,
    web: Option<Web>,
    /// What came and is no whole record of TLS, or no whole message without TLS.
    rest: BytesMut,
    /// Within TLS: what came and is no whole message of the WebSocket yet.
    opened: BytesMut,
    /// Within TLS: the request for a WebSocket, until it may leave.
    request: BytesMut,
    /// Something was received.
    is_answered: bool,
    output: BytesMut,
}

impl std::fmt::Debug for Line {
    /// Without what is queued for the wire: a login lies there.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("host", &self.host).field("is_open", &self.is_open()).finish_non_exhaustive()
    }
}

impl Line {
    /// For a socket that is connected to `endpoint`; `trust` is for those with TLS. A WebSocket message of more than
    /// `frame_bytes_max` bytes is an error.
    ///
    /// # Errors
    /// [`LineError::Name`] when the host cannot be in a certificate.
    ///
    /// # Panics
    /// Without `trust` for an endpoint with TLS.
    pub fn new(endpoint: &Endpoint, trust: Option<&Trust>, frame_bytes_max: usize) -> Result<Self, LineError> {
        let (transport, host) = (endpoint.transport(), endpoint.host());
        let tls = match transport.has_tls() {
            true => Some(Tls::new(host, trust.expect("an endpoint with TLS comes with whom to trust"))?),
            false => None,
        };
        let mut request = BytesMut::new();
        let web = transport.is_websocket().then(|| Web::new(endpoint, frame_bytes_max, &mut request));
        let mut line = Self {
            host: host.into(),
            tls,
            web,
            rest: BytesMut::new(),
            opened: BytesMut::new(),
            request,
            is_answered: false,
            output: BytesMut::new(),
        };
        match line.tls {
            // The first words of the handshake.
            Some(_) => line.handle_bytes(&mut BytesMut::new(), &mut BytesMut::new())?,
            None => line.output = std::mem::take(&mut line.request),
        }
        Ok(line)
    }

    /// Frames may pass: all handshakes are done.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.tls.as_ref().is_none_or(Tls::is_open) && self.web.as_ref().is_none_or(Web::is_open)
    }

    /// The server has said that nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.web.as_ref().is_some_and(Web::is_closed)
    }

    /// Takes what was received, which leaves `received` empty with its room, and appends the frames in it to `frames`, with their
    /// lengths.
    ///
    /// # Errors
    /// [`LineError`] when the connection is of no use: close it. What is left to say is in [`Line::poll_transmit`].
    pub fn handle_bytes(&mut self, received: &mut BytesMut, frames: &mut BytesMut) -> Result<(), LineError> {
        let outcome = match self.rest.is_empty() {
            true => {
                let outcome = self.read(received, frames);
                self.rest.extend_from_slice(received);
                outcome
            }
            false => {
                let mut input = std::mem::take(&mut self.rest);
                input.extend_from_slice(received);
                let outcome = self.read(&mut input, frames);
                if !input.is_empty() {
                    self.rest = input;
                }
                outcome
            }
        };
        received.clear();
        if outcome.is_err() {
            self.close();
        }
        outcome
    }

    /// Says what a session wants to say: whole frames with their lengths. The line must be open.
    ///
    /// # Errors
    /// [`LineError::Tls`], when a key is used up.
    pub fn write(&mut self, frames: &[u8]) -> Result<(), LineError> {
        let Some(web) = &mut self.web else {
            return self.write_inner(frames);
        };
        let mut messages = BytesMut::with_capacity(frames.len() + frames.len() / 4);
        web.write(frames, &mut messages);
        self.write_inner(&messages)
    }

    /// The bytes for the socket: everything queued since the last call.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        (!self.output.is_empty()).then(|| std::mem::take(&mut self.output).freeze())
    }

    /// Says goodbye, as far as the transport has words for it.
    pub fn close(&mut self) {
        let mut goodbye = BytesMut::new();
        if let Some(web) = &mut self.web {
            web.close(&mut goodbye);
        }
        // A line that fails here is over in any case.
        let _ = self.write_inner(&goodbye);
        if let Some(tls) = &mut self.tls {
            tls.close(&mut self.rest, &mut self.output);
        }
    }

    /// Why it is over, when the socket has ended.
    #[must_use]
    pub fn why_over(&self) -> LineError {
        let host = &*self.host;
        if self.tls.as_ref().is_some_and(|tls| !tls.is_open()) {
            return LineError::Ended { host: host.to_owned(), of: "the TLS handshake" };
        }
        let input = if self.tls.is_some() { &self.opened } else { &self.rest };
        self.web.as_ref().map_or(LineError::Over, |web| web.why_over(host, input))
    }

    fn read(&mut self, input: &mut BytesMut, frames: &mut BytesMut) -> Result<(), LineError> {
        let host = &*self.host;
        let in_words = |error| Tls::in_words(host, &error);
        match (&mut self.tls, &mut self.web) {
            (None, None) => {
                if !self.is_answered {
                    check_first_words(host, input)?;
                    self.is_answered = !input.is_empty();
                }
                frames.unsplit(input.split());
            }
            (None, Some(web)) => web.read(host, input, frames, &mut self.output)?,
            (Some(tls), None) => tls.read(input, frames, &mut self.output).map_err(in_words)?,
            (Some(tls), Some(web)) => {
                tls.read(input, &mut self.opened, &mut self.output).map_err(in_words)?;
                let mut answer = match tls.is_open() {
                    true => std::mem::take(&mut self.request),
                    false => return Ok(()),
                };
                web.read(host, &mut self.opened, frames, &mut answer)?;
                if !answer.is_empty() {
                    tls.write(input, &answer, &mut self.output).map_err(in_words)?;
                }
                if self.opened.is_empty() {
                    // An idle line keeps no buffer.
                    self.opened = BytesMut::new();
                }
            }
        }
        Ok(())
    }

    fn write_inner(&mut self, bytes: &[u8]) -> Result<(), LineError> {
        match &mut self.tls {
            None => self.output.extend_from_slice(bytes),
            Some(tls) if tls.is_open() && !bytes.is_empty() => {
                tls.write(&mut self.rest, bytes, &mut self.output)
                    .map_err(|error| Tls::in_words(&self.host, &error))?;
            }
            Some(_) => {}
        }
        Ok(())
    }
}

/// Tells a server that speaks something else from one that speaks frames.
fn check_first_words(host: &str, input: &[u8]) -> Result<(), LineError> {
    match input {
        [0x15, 0x03, 0x00..=0x04, ..] => Err(LineError::OnlyTls(host.to_owned())),
        [b'H', b'T', b'T', b'P', ..] => Err(LineError::OnlyHttp(host.to_owned())),
        _ => Ok(()),
    }
}
