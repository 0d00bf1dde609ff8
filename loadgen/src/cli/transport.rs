//! Flags that say over which transports the clients come, and where the server is for each.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Context;
use clap::Args;
use hubbub_codec::endpoint::{Endpoint, Transport};
use hubbub_codec::trust::Trust;

use crate::engine::route::Route;

/// Where a server listens for each of [`Transport::ALL`] unless told otherwise.
const PORTS: [(Transport, u16); 4] =
    [(Transport::Tcp, 7400), (Transport::Tls, 7401), (Transport::WebSocket, 7402), (Transport::WebSocketTls, 7403)];

/// What carries the clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// Channels of a few trunks.
    Trunk,
    /// A connection each, so many parts over each transport.
    Mix(Vec<(Transport, u32)>),
}

/// How clients connect, unless they are in trunks.
#[derive(Debug, Clone, Args)]
pub struct TransportArgs {
    /// What carries the clients: a connection each over `tcp`, `tls`, `ws` (WebSocket) or `wss` (WebSocket within TLS), a mix
    /// such as `tcp=50,tls=30,wss=20`, or `trunk`: many clients over one connection, as gateways have them. TCP unless given,
    /// or what --server says.
    #[arg(long, value_name = "KIND")]
    pub transport: Option<Carrier>,

    /// The certificate to trust over TLS, in PEM: the server's own or its authority's. Unless given what this machine trusts.
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
}

impl FromStr for Carrier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "trunk" {
            return Ok(Self::Trunk);
        }
        let mut mix: Vec<(Transport, u32)> = Vec::new();
        for part in text.split(',') {
            let (name, weight) = part.split_once('=').unwrap_or((part, "1"));
            let transport = Transport::ALL.into_iter().find(|transport| transport.name() == name);
            let transport = transport.ok_or_else(|| format!("{name}: there are tcp, tls, ws, wss and trunk"))?;
            let weight = weight.parse().ok().filter(|weight| (1..=1_000_000).contains(weight));
            let weight = weight.ok_or_else(|| format!("{part}: write parts of the whole, such as {name}=30"))?;
            if mix.iter().any(|(there, _)| *there == transport) {
                return Err(format!("{name} is there twice"));
            }
            mix.push((transport, weight));
        }
        Ok(Self::Mix(mix))
    }
}

impl TransportArgs {
    /// Everybody comes in trunks.
    #[must_use]
    pub fn is_trunk(&self) -> bool {
        self.transport == Some(Carrier::Trunk)
    }

    /// The ways to the server that `servers` names; none stands for each on this machine, at its usual port.
    ///
    /// # Errors
    /// When the two do not fit, or a name has no address.
    pub fn routes(&self, servers: &[String]) -> anyhow::Result<Vec<Route>> {
        let mix = match &self.transport {
            Some(Carrier::Mix(mix)) => Some(mix),
            Some(Carrier::Trunk) | None => None,
        };
        let endpoints = match (mix, servers) {
            (mix, []) => usual(mix.map_or(&[(Transport::Tcp, 1)], Vec::as_slice)),
            (Some(mix), [server]) if mix.len() == 1 && !server.contains("://") => {
                vec![endpoint(Endpoint::new(mix[0].0, server), server)?]
            }
            (_, servers) => {
                servers.iter().map(|server| endpoint(server.parse(), server)).collect::<anyhow::Result<_>>()?
            }
        };
        let Some(mix) = mix else {
            return endpoints.iter().map(|endpoint| route(endpoint, 1)).collect();
        };
        let stranger = endpoints.iter().find(|there| mix.iter().all(|(wanted, _)| *wanted != there.transport()));
        if let Some(stranger) = stranger {
            anyhow::bail!("--server has {stranger}, but --transport has no {}", stranger.transport());
        }
        let found = |(wanted, weight): &(Transport, u32)| {
            let there = endpoints.iter().find(|endpoint| endpoint.transport() == *wanted);
            let there = there.with_context(|| {
                format!("--transport has {wanted}, but --server has no {wanted}://host:port; several are written with commas")
            });
            route(there?, *weight)
        };
        mix.iter().map(found).collect()
    }

    /// What is to be trusted, in PEM.
    ///
    /// # Errors
    /// When the file is no certificate.
    pub fn authority(&self) -> anyhow::Result<Option<String>> {
        let Some(file) = &self.tls_ca else { return Ok(None) };
        Trust::only_file(file).context("--tls-ca")?;
        let pem =
            std::fs::read_to_string(file).with_context(|| format!("--tls-ca {} cannot be read", file.display()))?;
        Ok(Some(pem))
    }
}

fn usual(mix: &[(Transport, u32)]) -> Vec<Endpoint> {
    let port =
        |wanted: Transport| PORTS.iter().find(|(transport, _)| *transport == wanted).map_or(7400, |(_, port)| *port);
    let usual = |(transport, _): &(Transport, u32)| {
        // A certificate is for a name rather than for a number.
        let host = if transport.has_tls() { "localhost" } else { "127.0.0.1" };
        Endpoint::new(*transport, &format!("{host}:{}", port(*transport))).expect("a good address")
    };
    mix.iter().map(usual).collect()
}

fn endpoint<E: std::error::Error + Send + Sync + 'static>(
    endpoint: Result<Endpoint, E>,
    text: &str,
) -> anyhow::Result<Endpoint> {
    endpoint.with_context(|| format!("--server {text}"))
}

fn route(endpoint: &Endpoint, weight: u32) -> anyhow::Result<Route> {
    let authority = endpoint.authority();
    let addresses = authority.to_socket_addrs().with_context(|| format!("--server {authority}: write host:port"))?;
    let addresses: Vec<SocketAddr> = addresses.collect();
    // A server on this machine listens on IPv4 unless it is told otherwise.
    let address = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
    let address = *address.with_context(|| format!("--server {authority} has no address"))?;
    Ok(Route { endpoint: endpoint.to_string(), address, weight })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(transport: Option<&str>, servers: &[&str]) -> anyhow::Result<Vec<(String, u32)>> {
        let transport = transport.map(|text| text.parse().unwrap());
        let servers: Vec<String> = servers.iter().map(|server| (*server).to_owned()).collect();
        let routes = TransportArgs { transport, tls_ca: None }.routes(&servers)?;
        Ok(routes.into_iter().map(|route| (route.endpoint, route.weight)).collect())
    }

    fn one(transport: Option<&str>, servers: &[&str]) -> String {
        let routes = routes(transport, servers).unwrap();
        assert_eq!((routes.len(), routes[0].1), (1, 1));
        routes[0].0.clone()
    }

    #[test]
    fn a_transport_and_an_address_say_where_to_go_each_in_its_way() {
        assert_eq!(one(None, &[]), "tcp://127.0.0.1:7400");
        assert_eq!(one(None, &["localhost:1"]), "tcp://localhost:1");
        assert_eq!(one(Some("tls"), &["localhost:1"]), "tls://localhost:1");
        assert_eq!(one(None, &["wss://localhost:1"]), "wss://localhost:1/ws");
        assert_eq!(one(Some("ws"), &["ws://localhost:1/x"]), "ws://localhost:1/x");
        assert_eq!(one(Some("wss"), &[]), "wss://localhost:7403/ws");
    }

    #[test]
    fn a_mix_has_an_address_for_each() {
        let mixed = routes(Some("tcp=50,tls=30,wss=20"), &["wss://localhost:3", "localhost:1", "tls://localhost:2"]);
        let expected = [("tcp://localhost:1", 50), ("tls://localhost:2", 30), ("wss://localhost:3/ws", 20)];
        assert_eq!(mixed.unwrap(), expected.map(|(endpoint, weight)| (endpoint.to_owned(), weight)));
        assert_eq!(routes(Some("tcp=2,ws=1"), &[]).unwrap()[1].0, "ws://127.0.0.1:7402/ws");
        let error = routes(Some("tcp=1,tls=1"), &["localhost:1"]).unwrap_err().to_string();
        assert!(error.contains("no tls://host:port"), "{error}");
        let error = routes(Some("tls"), &["ws://localhost:1"]).unwrap_err().to_string();
        assert!(error.contains("--transport has no ws"), "{error}");
    }

    #[test]
    fn what_is_no_transport_is_refused_with_those_that_are() {
        for (wrong, words) in
            [("udp", "tcp, tls, ws, wss and trunk"), ("tls=0", "tls=30"), ("ws,ws", "twice"), ("", "trunk")]
        {
            let error = wrong.parse::<Carrier>().unwrap_err();
            assert!(error.contains(words), "{wrong}: {error}");
        }
        assert!(routes(None, &["http://localhost:1"]).is_err());
    }
}
