//! How clients reach the server: over which transports, where each of them is, and how many of the clients take it.
//!
//! What lies between a socket and a session is the client library's [`Line`]; an idle client owns its keys, and no buffer.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use anyhow::Context;
use bytes::BytesMut;
use hubbub_codec::endpoint::{Endpoint, Transport};
use hubbub_codec::line::Line;
use hubbub_codec::trust::Trust;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

/// Longest message of a WebSocket that is taken, in bytes: above what servers announce.
const FRAME_BYTES_MAX: usize = 1 << 20;

/// Room for one read of a handshake.
const HANDSHAKE_BYTES: usize = 4 * 1024;

/// One way to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// As people write it: `tls://chat.example:7401`. The name in it is what a certificate must be for.
    pub endpoint: String,
    /// Where that is.
    pub address: SocketAddr,
    /// So many parts of the clients take it, of the sum over all routes.
    pub weight: u32,
}

/// What a plan's routes are called together: `tls`, or `tcp=50,wss=50`.
#[must_use]
pub fn name(routes: &[Route]) -> String {
    let transport = |route: &Route| route.endpoint.split_once("://").map_or("tcp", |(name, _)| name).to_owned();
    match routes {
        [] => Transport::Tcp.name().to_owned(),
        [only] => transport(only),
        several => several.iter().fold(String::new(), |mut text, route| {
            let comma = if text.is_empty() { "" } else { "," };
            let _ = write!(text, "{comma}{}={}", transport(route), route.weight);
            text
        }),
    }
}

/// The routes of a thread's clients.
#[derive(Debug, Default)]
pub(super) struct Routes {
    roads: Vec<(Endpoint, SocketAddr, u32)>,
    trust: Option<Trust>,
}

impl Routes {
    /// Ready to use; `authority` is the certificate to trust (PEM), else it is what this machine trusts.
    ///
    /// # Errors
    /// When an address is none, or nothing can be trusted.
    pub(super) fn of(routes: &[Route], authority: Option<&str>) -> anyhow::Result<Self> {
        let road = |route: &Route| Ok((route.endpoint.parse()?, route.address, route.weight.max(1)));
        let roads: Vec<(Endpoint, SocketAddr, u32)> = routes.iter().map(road).collect::<anyhow::Result<_>>()?;
        let needs_trust = roads.iter().any(|(endpoint, ..)| endpoint.transport().has_tls());
        let trust = needs_trust.then(|| trust(authority)).transpose()?;
        Ok(Self { roads, trust })
    }

    /// Where a client of the run connects to; `None`: to the plan's server, over plain TCP.
    pub(super) fn address(&self, client: u32) -> Option<SocketAddr> {
        self.road(client).map(|(_, address, _)| *address)
    }

    /// A fresh line for a client; `None`: over plain TCP there is nothing between.
    pub(super) fn line(&self, client: u32) -> Option<io::Result<Box<Line>>> {
        let (endpoint, ..) = self.road(client).filter(|(endpoint, ..)| endpoint.transport() != Transport::Tcp)?;
        let line = Line::new(endpoint, self.trust.as_ref(), FRAME_BYTES_MAX);
        Some(line.map(Box::new).map_err(io::Error::other))
    }

    /// The same client takes the same road in every life, and neighbours take different ones.
    fn road(&self, client: u32) -> Option<&(Endpoint, SocketAddr, u32)> {
        let all = self.roads.iter().map(|(.., weight)| u64::from(*weight)).sum::<u64>();
        // Multiplied, so that even a few clients are spread; the factor has nothing in common with small sums.
        let mut at = (u64::from(client) * 7_919).checked_rem(all)?;
        self.roads.iter().find(|(.., weight)| {
            let is_here = at < u64::from(*weight);
            at = at.wrapping_sub(u64::from(*weight));
            is_here
        })
    }
}

/// Each connection makes a whole handshake: tickets are for a client that comes back, and many share this thread.
fn trust(authority: Option<&str>) -> anyhow::Result<Trust> {
    let trust = match authority {
        Some(pem) => Trust::only(pem.as_bytes()).context("--tls-ca")?,
        None => Trust::platform().context("give --tls-ca with the server's certificate, or its authority's")?,
    };
    Ok(trust.without_resumption())
}

/// Goes through the handshakes on a fresh socket; what came after them are the first frames.
pub(super) async fn shake_hands(stream: &TcpStream, line: &mut Line) -> io::Result<BytesMut> {
    let (mut received, mut frames) = (BytesMut::new(), BytesMut::new());
    loop {
        write(stream, line).await?;
        if line.is_open() {
            return Ok(frames);
        }
        stream.readable().await?;
        received.reserve(HANDSHAKE_BYTES);
        match stream.try_read_buf(&mut received) {
            Ok(0) => return Err(io::Error::other(line.why_over())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Err(error) = line.handle_bytes(&mut received, &mut frames) {
            // The server may learn why; it is over in any case.
            let _ = write(stream, line).await;
            return Err(io::Error::other(error));
        }
    }
}

async fn write(stream: &TcpStream, line: &mut Line) -> io::Result<()> {
    while let Some(bytes) = line.poll_transmit() {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            stream.writable().await?;
            match stream.try_write(rest) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(endpoint: &str, weight: u32) -> Route {
        Route { endpoint: endpoint.to_owned(), address: "127.0.0.1:1".parse().unwrap(), weight }
    }

    #[test]
    fn clients_are_spread_by_the_weights_and_stay_where_they_are() {
        let plan = [route("tcp://h:1", 50), route("ws://h:2", 30), route("ws://h:3", 20)];
        let routes = Routes::of(&plan, None).unwrap();
        let mut counts = [0; 3];
        for client in 0..1_000 {
            let port = routes.road(client).unwrap().0.port();
            counts[usize::from(port) - 1] += 1;
            assert_eq!(routes.road(client).unwrap().0.port(), port);
        }
        assert_eq!(counts, [500, 300, 200]);
        let first: std::collections::BTreeSet<u16> = (0..10).map(|n| routes.road(n).unwrap().0.port()).collect();
        assert_eq!(first.len(), 3, "also of a few clients some take each");
        assert_eq!(name(&plan), "tcp=50,ws=30,ws=20");
        assert_eq!((name(&plan[1..2]), name(&[])), ("ws".to_owned(), "tcp".to_owned()));
        assert!(Routes::default().address(3).is_none() && Routes::default().line(3).is_none());
    }

    #[test]
    fn what_cannot_be_trusted_is_refused_before_anybody_connects() {
        let error = Routes::of(&[route("tls://h:1", 1)], Some("nonsense")).unwrap_err();
        assert!(format!("{error:#}").contains("--tls-ca"), "{error:#}");
    }
}
