//! Where a server is, and what carries the frames there: `tls://chat.example:7443`.
//!
//! Promises: what a build cannot speak it does not accept; a name with a transport in it is never taken for another one.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// The path of the WebSocket unless an address names another one.
const PATH_DEFAULT: &str = "/ws";

/// What carries the frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Transport {
    /// `tcp://`: a TCP connection, in plain sight.
    #[default]
    Tcp,
    /// `tls://`: the same within TLS.
    Tls,
    /// `ws://`: a WebSocket, in plain sight.
    WebSocket,
    /// `wss://`: a WebSocket within TLS.
    WebSocketTls,
}

/// A server's address with its transport. Written and read as `transport://host:port`, for WebSockets with a path
/// (`/ws` unless given); without a transport it is TCP.
///
/// ```
/// use hubbub_codec::endpoint::{Endpoint, Transport};
///
/// let endpoint: Endpoint = "chat.example:7400".parse()?;
/// assert_eq!((endpoint.transport(), endpoint.host(), endpoint.port()), (Transport::Tcp, "chat.example", 7400));
/// assert_eq!(endpoint.to_string(), "tcp://chat.example:7400");
/// # Ok::<(), hubbub_codec::endpoint::EndpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    transport: Transport,
    /// Without the brackets of IPv6.
    host: String,
    port: u16,
    /// Empty without a WebSocket.
    path: String,
}

/// Why something is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Another word before `://`.
    #[error("{0}:// is no transport: write tcp://, tls://, ws:// or wss://")]
    Transport(String),
    /// A transport that this build does not have.
    #[error("this build cannot speak {0}://: build hubbub-codec with the features `tls` and `websocket`")]
    NotBuilt(&'static str),
    /// No host, or no number of a port after it.
    #[error("{0} is no address: write host:port, such as chat.example:7400 or [::1]:7400")]
    Address(String),
    /// A path where nothing has one, or with more in it than a path.
    #[error("{0} is no path here: only ws:// and wss:// have one, of visible characters without ? and #")]
    Path(String),
}

impl Transport {
    /// All of them, plain TCP first.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Tls, Self::WebSocket, Self::WebSocketTls];

    /// As addresses name it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::WebSocket => "ws",
            Self::WebSocketTls => "wss",
        }
    }

    /// Nobody between can read it.
    #[must_use]
    pub const fn has_tls(self) -> bool {
        matches!(self, Self::Tls | Self::WebSocketTls)
    }

    /// It begins with an HTTP request.
    #[must_use]
    pub const fn is_websocket(self) -> bool {
        matches!(self, Self::WebSocket | Self::WebSocketTls)
    }

    const fn is_built(self) -> bool {
        (cfg!(feature = "tls") || !self.has_tls()) && (cfg!(feature = "websocket") || !self.is_websocket())
    }
}

impl Endpoint {
    /// A server that `transport` reaches at `address` (`host:port`); a WebSocket at `/ws`.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn new(transport: Transport, address: &str) -> Result<Self, EndpointError> {
        if !transport.is_built() {
            return Err(EndpointError::NotBuilt(transport.name()));
        }
        let wrong = || EndpointError::Address(address.to_owned());
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = |host: &str| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        let has_others = |host: &str| host.contains(['/', '@', '?', '#', '[', ']', '\\']);
        let is_name = is_host(host) && !host.contains(':') && !has_others(host);
        let is_good = bare.map_or(is_name, |bare| bare.parse::<std::net::Ipv6Addr>().is_ok());
        let port = port.parse().ok().filter(|_| is_good).ok_or_else(wrong)?;
        let path = if transport.is_websocket() { PATH_DEFAULT.to_owned() } else { String::new() };
        Ok(Self { transport, host: bare.unwrap_or(host).to_owned(), port, path })
    }

    /// What carries the frames.
    #[must_use]
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The name or IP address, an IPv6 address without brackets. With TLS, what the certificate must be for.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the WebSocket is; empty for the others.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// `host:port`, as name resolution and HTTP want it.
    #[must_use]
    pub fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }

    /// The same transport and path at another `host:port`, to which a server's `Bye` sends.
    ///
    /// # Errors
    /// [`EndpointError::Address`].
    pub fn moved_to(&self, address: &str) -> Result<Self, EndpointError> {
        Ok(Self { path: self.path.clone(), ..Self::new(self.transport, address)? })
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let Some((name, rest)) = text.split_once("://") else {
            return Self::new(Transport::Tcp, text);
        };
        let transport = Transport::ALL.into_iter().find(|transport| transport.name() == name);
        let transport = transport.ok_or_else(|| EndpointError::Transport(name.to_owned()))?;
        let (address, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let endpoint = Self::new(transport, address)?;
        let is_path = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?' && byte != b'#');
        match path {
            "" => Ok(endpoint),
            _ if transport.is_websocket() && is_path => Ok(Self { path: path.to_owned(), ..endpoint }),
            "/" => Ok(endpoint),
            _ => Err(EndpointError::Path(path.to_owned())),
        }
    }
}

impl From<SocketAddr> for Endpoint {
    /// Plain TCP.
    fn from(address: SocketAddr) -> Self {
        Self { transport: Transport::Tcp, host: address.ip().to_string(), port: address.port(), path: String::new() }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.transport, self.authority(), self.path)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        text.parse()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (mut all, built) =
            (vec!["tcp://chat.example:7400", "tcp://[::1]:7400", "tcp://127.0.0.1:1"], |of: Transport| of.is_built());
        all.extend(["tls://chat.example:7443"].into_iter().filter(|_| built(Transport::Tls)));
        all.extend(["ws://[::1]:80/ws", "ws://a.b:1/x/y"].into_iter().filter(|_| built(Transport::WebSocket)));
        for text in all {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        assert_eq!(parse("h:1").unwrap(), parse("tcp://h:1/").unwrap());
        let address: SocketAddr = "[::1]:7".parse().unwrap();
        assert_eq!(Endpoint::from(address), parse("[::1]:7").unwrap());
    }

    #[test]
    fn what_is_no_address_is_refused_and_the_words_say_what_is() {
        for text in
            ["", "host", "host:", ":1", "host:70000", "a b:1", "tcp://", "::1:7400", "a@b:1", "[a]:1", "tcp://h:1:2"]
        {
            let error = parse(text).unwrap_err();
            assert!(matches!(error, EndpointError::Address(_)), "{text}: {error}");
        }
        assert!(parse("http://h:1").unwrap_err().to_string().contains("wss://"));
        assert!(matches!(parse("tcp://h:1/ws"), Err(EndpointError::Path(_))));
    }

    #[cfg(feature = "websocket")]
    #[test]
    fn a_websocket_has_a_path_and_keeps_it_when_it_moves() {
        let endpoint = parse("ws://h:1/chat").unwrap();
        assert_eq!((endpoint.path(), parse("ws://h:1").unwrap().path()), ("/chat", "/ws"));
        assert_eq!(endpoint.moved_to("other:2").unwrap().to_string(), "ws://other:2/chat");
        assert!(endpoint.moved_to("tcp://other:2").is_err(), "nobody is sent to another transport");
        assert!(matches!(parse("ws://h:1/a b\r\nx"), Err(EndpointError::Path(_))));
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn what_is_not_built_says_which_feature_it_needs() {
        assert!(parse("tls://h:1").unwrap_err().to_string().contains("`tls`"));
    }
}
