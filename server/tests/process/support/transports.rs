//! The same property over every transport, from one body: a function that takes the transport, and a test for each.

use super::{Certificate, Server, Setup};
use hubbub_codec::client;
use hubbub_codec::endpoint::Endpoint;
pub(crate) use hubbub_codec::endpoint::Transport;
use hubbub_codec::line::Line;
use hubbub_codec::trust::Trust;
use std::net::SocketAddr;

/// Makes a test of each function, in a module for each transport: `direct::tls::messages_go_both_ways`.
macro_rules! over_each_transport {
    ($($property:ident),+ $(,)?) => {
        over_each_transport! { @ tcp Tcp $($property)+ }
        over_each_transport! { @ tls Tls $($property)+ }
        over_each_transport! { @ websocket WebSocket $($property)+ }
        over_each_transport! { @ websocket_tls WebSocketTls $($property)+ }
    };
    (@ $name:ident $transport:ident $($property:ident)+) => {
        mod $name {
            $(
                #[test]
                fn $property() {
                    super::$property($crate::support::Transport::$transport);
                }
            )+
        }
    };
}
pub(crate) use over_each_transport;

impl Setup {
    /// Clients come over this transport, by whatever a test says of the server: `Raw::connect` and what is made of it, and
    /// [`Server::for_clients`].
    pub(crate) fn over(self, transport: Transport) -> Setup {
        let setup = match transport {
            Transport::Tcp => return self,
            Transport::Tls => self.config("tls.listen = \"127.0.0.1:0\""),
            // It listens there in any case.
            Transport::WebSocket => self,
            Transport::WebSocketTls => self.config("http.tls_listen = \"127.0.0.1:0\""),
        };
        setup.shows(Certificate::new()).comes_over(transport)
    }
}

impl Server {
    /// Where clients connect over the transport of the test.
    pub(crate) fn address(&self) -> SocketAddr {
        match self.transport() {
            Transport::Tcp => Some(self.clients),
            Transport::Tls => self.tls,
            Transport::WebSocket => Some(self.http),
            Transport::WebSocketTls => self.https,
        }
        .expect("it listens there")
    }

    /// The server, for the client library.
    pub(crate) fn for_clients(&self) -> client::Server {
        let server = client::Server::from(self.endpoint());
        match self.trust() {
            Some(trust) => server.trusting(trust),
            None => server,
        }
    }

    /// A fresh line to it; `None` for plain TCP, where there is nothing between.
    pub(crate) fn line(&self) -> Option<Line> {
        let endpoint = self.endpoint();
        let line = || Line::new(&endpoint, self.trust().as_ref(), 1 << 24).expect("a good name");
        (endpoint.transport() != Transport::Tcp).then(line)
    }

    fn endpoint(&self) -> Endpoint {
        let address = format!("localhost:{}", self.address().port());
        Endpoint::new(self.transport(), &address).expect("a good address")
    }

    fn trust(&self) -> Option<Trust> {
        self.certificate().map(|shown| Trust::only_file(&shown.file()).expect("a certificate"))
    }
}
