//! Which server a client is for, and its connections.

use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::endpoint::{Endpoint, EndpointError};
use crate::line::{Line, LineError};
use crate::trust::Trust;

/// How long a connection may take to be made, its handshakes included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Room made in the read buffer, in bytes.
pub(super) const READ_BYTES: usize = 16 * 1024;

/// A server, and whose certificates it may show. Read from an address, or made from one that is read already.
///
/// ```
/// use hubbub_codec::client::Server;
///
/// let server: Server = "chat.example:7400".parse()?;
/// # Ok::<(), hubbub_codec::endpoint::EndpointError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Server {
    endpoint: Endpoint,
    trust: Option<Trust>,
}

/// A connection whose handshakes are done.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) line: Line,
    /// Room to read into.
    pub(super) input: BytesMut,
    /// Frames, the last one perhaps not whole.
    pub(super) frames: BytesMut,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The socket could not be connected, or failed.
    #[error("{server} cannot be reached: {error}")]
    Io {
        /// The server.
        server: String,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The handshakes took longer than 10 seconds.
    #[error("{server} did not answer within 10 seconds")]
    TimedOut {
        /// The server.
        server: String,
    },
    /// TLS or WebSocket did not come about.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The machine's certificates of authorities cannot be used.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Trust(#[from] crate::trust::TrustError),
}

impl Server {
    /// Believes these certificates, instead of those that the machine trusts.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn trusting(self, trust: Trust) -> Self {
        Self { trust: Some(trust), ..self }
    }

    /// Where it is.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Connects, to `address` (`host:port`) when the server has sent there, and goes through the handshakes.
    pub(super) async fn connect(
        &mut self,
        address: Option<&str>,
        frame_bytes_max: usize,
    ) -> Result<Connection, ConnectError> {
        let moved = address.and_then(|address| self.endpoint.moved_to(address).ok());
        let endpoint = moved.unwrap_or_else(|| self.endpoint.clone());
        if endpoint.transport().has_tls() && self.trust.is_none() {
            self.trust = platform()?;
        }
        let line = Line::new(&endpoint, self.trust.as_ref(), frame_bytes_max)?;
        match timeout(CONNECT_TIMEOUT, open(&endpoint, line)).await {
            Ok(opened) => opened,
            Err(_) => Err(ConnectError::TimedOut { server: endpoint.to_string() }),
        }
    }
}

/// What the machine trusts; read when it is needed first.
#[cfg(feature = "tls")]
fn platform() -> Result<Option<Trust>, ConnectError> {
    Ok(Some(Trust::platform()?))
}

#[cfg(not(feature = "tls"))]
fn platform() -> Result<Option<Trust>, ConnectError> {
    Ok(None)
}

async fn open(endpoint: &Endpoint, line: Line) -> Result<Connection, ConnectError> {
    let in_words = |error| ConnectError::Io { server: endpoint.to_string(), error };
    let stream = TcpStream::connect((endpoint.host(), endpoint.port())).await.map_err(in_words)?;
    // A message is one small write; waiting for more of them only delays it. A failure delays it, and no more.
    let _ = stream.set_nodelay(true);
    let mut connection = Connection { stream, line, input: BytesMut::new(), frames: BytesMut::new() };
    loop {
        connection.write_all().await.map_err(in_words)?;
        if connection.line.is_open() {
            return Ok(connection);
        }
        connection.input.reserve(READ_BYTES);
        let read = connection.stream.read_buf(&mut connection.input).await.map_err(in_words)?;
        if read == 0 {
            return Err(connection.line.why_over().into());
        }
        let taken = connection.line.handle_bytes(&mut connection.input, &mut connection.frames);
        if let Err(error) = taken {
            // The server may learn why; it is over in any case.
            let _ = connection.write_all().await;
            return Err(error.into());
        }
    }
}

impl Connection {
    /// Writes what the line has to say.
    pub(super) async fn write_all(&mut self) -> io::Result<()> {
        while let Some(output) = self.line.poll_transmit() {
            self.stream.write_all(&output).await?;
        }
        Ok(())
    }
}

impl From<Endpoint> for Server {
    fn from(endpoint: Endpoint) -> Self {
        Self { endpoint, trust: None }
    }
}

impl From<SocketAddr> for Server {
    /// Plain TCP.
    fn from(address: SocketAddr) -> Self {
        Endpoint::from(address).into()
    }
}

impl FromStr for Server {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        text.parse().map(|endpoint: Endpoint| endpoint.into())
    }
}
