//! Why a line cannot be used, in words that say how to go on.

/// Why a connection is of no use: what came is not what the transport asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The name cannot be in a certificate.
    #[error("{0} is no name that a certificate can be for: connect by a DNS name or an IP address")]
    Name(String),
    /// Nobody who is trusted has signed the certificate.
    #[error(
        "{0} has a certificate of an authority that is not trusted here: trust the authority's certificate, or the server's own, if it is yours"
    )]
    UnknownAuthority(String),
    /// The certificate is somebody else's.
    #[error(
        "{host} has a certificate for {names}: connect by a name that is in it, or give the server a certificate with this one"
    )]
    OtherName {
        /// What was connected to.
        host: String,
        /// What the certificate is for.
        names: String,
    },
    /// Too late, or too early.
    #[error("the certificate of {0} is not valid now: renew it there, or set the clock here")]
    NotValidNow(String),
    /// Something else is wrong with the certificate.
    #[error("the certificate of {host} is not accepted: {why}")]
    Certificate {
        /// What was connected to.
        host: String,
        /// As the TLS library says it.
        why: String,
    },
    /// The answer to the TLS handshake was something else.
    #[error(
        "{0} does not speak TLS on this port: use the port of its TLS listener, or tcp:// or ws:// for a plaintext one"
    )]
    NoTls(String),
    /// Plaintext was expected.
    #[error("{0} speaks TLS on this port: use tls:// or wss://")]
    OnlyTls(String),
    /// Frames were expected.
    #[error("{0} speaks HTTP on this port: use ws:// or wss://, or the port of its listener for frames")]
    OnlyHttp(String),
    /// An HTTP answer was expected.
    #[error("{0} does not speak HTTP on this port: use the port of its HTTP listener, or tcp:// or tls:// for frames")]
    NoHttp(String),
    /// TLS failed for another reason.
    #[error("TLS with {host} failed: {why}")]
    Tls {
        /// What was connected to.
        host: String,
        /// As the TLS library says it.
        why: String,
    },
    /// The server did not open a WebSocket.
    #[error("the server opened no WebSocket: HTTP {status} {text}")]
    Refused {
        /// The status of the HTTP answer.
        status: u16,
        /// The beginning of what it said.
        text: String,
    },
    /// It says that it did, but not to this request, or not for this protocol.
    #[error("the server opened a WebSocket of another kind: {0}; is the path that of a Hubbub server (/ws)?")]
    OtherWebSocket(&'static str),
    /// What came breaks the rules of WebSocket.
    #[error("the server sent {0}")]
    Fault(#[from] crate::websocket::Fault),
    /// The server closed the WebSocket.
    #[error("the server closed the WebSocket: {code} {reason}")]
    Closed {
        /// As RFC 6455 counts them; 1005 for none.
        code: u16,
        /// For people.
        reason: String,
    },
    /// The connection ended in the middle of the handshake.
    #[error("{host} ended the connection in the middle of {of}: is this the port for it?")]
    Ended {
        /// What was connected to.
        host: String,
        /// Of what.
        of: &'static str,
    },
    /// The connection ended.
    #[error("the server closed the connection")]
    Over,
}
