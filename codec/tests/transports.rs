//! The client over each transport, against a scripted server on a real socket; and what it says when it cannot.
#![cfg(all(feature = "tokio", feature = "tls", feature = "websocket"))]

mod scripted;

use std::time::Duration;

use hubbub_codec::client::{Client, Events, Server, register};
use hubbub_codec::endpoint::{Endpoint, Transport};
use hubbub_codec::ids::{DeviceId, UserId};
use hubbub_codec::registration::NewAccount;
use hubbub_codec::session::{Event, OutgoingMessage, Recipient, SessionConfig};
use hubbub_codec::trust::Trust;
use scripted::{ANSWERS, Certificate, Scripted};

const PEER: UserId = UserId(20);

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), work).await.expect("in time")
}

fn connect(server: Server) -> (Client, Events) {
    let mut config = SessionConfig::new("token", DeviceId(1));
    config.backoff_min = Duration::from_millis(1);
    config.backoff_max = Duration::from_millis(5);
    Client::connect(server, config)
}

/// What is wrong with the connection, in the client's words.
async fn trouble(server: Server) -> String {
    let (_client, mut events) = connect(server);
    match within(events.next()).await {
        Some(Event::Unreachable { why }) => why,
        other => panic!("{other:?}"),
    }
}

fn endpoint(transport: Transport, port: u16) -> Endpoint {
    Endpoint::new(transport, &format!("localhost:{port}")).unwrap()
}

/// The same for every transport: messages of every size, a lost connection in the middle, the end.
async fn talk(transport: Transport) {
    let certificate = Certificate::of("localhost");
    let scripted = Scripted::start(transport, &certificate);
    let server = Server::from(endpoint(transport, scripted.port)).trusting(certificate.trust());
    let (client, mut events) = connect(server);
    for (n, bytes) in [1, 100, 126, 5_000, 60_000].into_iter().enumerate() {
        let message = OutgoingMessage { body: vec![b'x'; bytes].into(), ..OutgoingMessage::default() };
        let sent = within(client.send(Recipient::User(PEER), message)).await.unwrap();
        assert_eq!(sent.seq.0, n as u64 + 1);
    }
    scripted.hang_up();
    let sent = within(client.send(Recipient::User(PEER), OutgoingMessage::text("again"))).await.unwrap();
    assert_eq!(sent.seq.0, 6);
    assert!(within(client.stats()).await.unwrap().reconnects >= 1);
    within(client.close()).await;
    while let Some(event) = within(events.next()).await {
        assert!(!matches!(event, Event::Unreachable { .. }), "{event:?}");
    }
    assert_eq!(scripted.bodies(), [1, 100, 126, 5_000, 60_000, 5]);
}

#[tokio::test]
async fn a_client_talks_over_tcp() {
    talk(Transport::Tcp).await;
}

#[tokio::test]
async fn a_client_talks_over_tls() {
    talk(Transport::Tls).await;
}

#[tokio::test]
async fn a_client_talks_over_a_websocket() {
    talk(Transport::WebSocket).await;
}

#[tokio::test]
async fn a_client_talks_over_a_websocket_within_tls() {
    talk(Transport::WebSocketTls).await;
}

#[tokio::test]
async fn an_account_is_made_over_each_transport() {
    for transport in Transport::ALL {
        let certificate = Certificate::of("localhost");
        let scripted = Scripted::start(transport, &certificate);
        let server = Server::from(endpoint(transport, scripted.port)).trusting(certificate.trust());
        let account = NewAccount::new("Ann", "ann@example.org", "a long password");
        let made = within(register(server, account)).await;
        assert_eq!(made.unwrap(), UserId(77), "{transport}");
    }
}

#[tokio::test]
async fn a_certificate_is_checked_and_the_words_say_the_way_out() {
    let (one, other) = (Certificate::of("localhost"), Certificate::of("elsewhere.example"));
    for transport in [Transport::Tls, Transport::WebSocketTls] {
        let scripted = Scripted::start(transport, &one);
        let at = |port| Server::from(endpoint(transport, port));
        let words = trouble(at(scripted.port).trusting(other.trust())).await;
        assert!(words.contains("not trusted here") && words.contains("trust the authority's"), "{words}");
        let by_number = Endpoint::new(transport, &format!("127.0.0.1:{}", scripted.port)).unwrap();
        let words = trouble(Server::from(by_number).trusting(one.trust())).await;
        assert!(words.contains("127.0.0.1 has a certificate for") && words.contains("localhost"), "{words}");
        let foreign = Scripted::start(transport, &other);
        let words = trouble(at(foreign.port).trusting(other.trust())).await;
        assert!(words.contains("elsewhere.example"), "{words}");
        assert_eq!((scripted.bodies(), foreign.bodies()), (vec![], vec![]), "nothing was said to either");
    }
}

#[tokio::test]
async fn a_wrong_port_is_told_from_a_wrong_server() {
    use Transport::{Tcp, Tls, WebSocket, WebSocketTls};
    let certificate = Certificate::of("localhost");
    for (spoken, there, words) in [
        (Tls, Tcp, "does not speak TLS"),
        (Tls, WebSocket, "does not speak TLS"),
        (WebSocketTls, Tcp, "does not speak TLS"),
        (Tcp, Tls, "speaks TLS on this port: use tls://"),
        (WebSocket, Tls, "speaks TLS on this port"),
        (Tcp, WebSocket, "speaks HTTP on this port: use ws://"),
        (WebSocket, Tcp, "does not speak HTTP"),
    ] {
        let scripted = Scripted::start(there, &certificate);
        let server = Server::from(endpoint(spoken, scripted.port)).trusting(certificate.trust());
        let said = trouble(server).await;
        assert!(said.contains(words), "{spoken} at {there}: {said}");
    }
}

#[tokio::test]
async fn an_answer_that_opens_no_websocket_is_shown() {
    let certificate = Certificate::of("localhost");
    for (answer, words) in ANSWERS {
        for transport in [Transport::WebSocket, Transport::WebSocketTls] {
            let scripted = Scripted::answering(transport, &certificate, answer);
            let server = Server::from(endpoint(transport, scripted.port)).trusting(certificate.trust());
            let said = trouble(server).await;
            assert!(said.contains(words), "{answer:?}: {said}");
        }
    }
}

#[tokio::test]
async fn trouble_is_told_once_and_trying_goes_on() {
    let certificate = Certificate::of("localhost");
    let port = Scripted::start(Transport::Tls, &certificate).close();
    let (_client, mut events) = connect(Server::from(endpoint(Transport::Tls, port)).trusting(certificate.trust()));
    let first = within(events.next()).await;
    assert!(matches!(&first, Some(Event::Unreachable { why }) if why.contains("cannot be reached")), "{first:?}");
    let _scripted = Scripted::start_at(Transport::Tls, &certificate, port);
    let next = within(events.next()).await;
    assert!(matches!(next, Some(Event::LoggedIn { .. })), "{next:?}");
}

#[test]
fn what_is_no_certificate_is_not_trusted() {
    for wrong in [&b""[..], b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = Trust::only(wrong).unwrap_err().to_string();
        assert!(error.contains("-----BEGIN CERTIFICATE-----"), "{error}");
    }
}
