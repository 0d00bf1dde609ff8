//! TLS and WebSocket without IO, in pieces of one byte: nothing is lost, nothing is kept, nothing panics.
#![cfg(all(feature = "tls", feature = "websocket"))]

mod counting;

use std::io::{Read, Write};
use std::sync::Arc;

use bytes::BytesMut;
use counting::live_bytes;
use hubbub_codec::endpoint::Endpoint;
use hubbub_codec::line::{Line, LineError};
use hubbub_codec::trust::Trust;
use hubbub_codec::websocket::{CloseCode, Mask};
use hubbub_codec::websocket::{
    End, Incoming, Reader, SUBPROTOCOL, append_close, append_message, append_ping, handshake,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// A client's line and a server of TLS, in memory.
struct Pair {
    line: Line,
    server: ServerConnection,
    frames: BytesMut,
}

/// A server configuration, and what trusts it. Messages of its handshake come in records of a few bytes.
fn server(versions: &[&'static rustls::SupportedProtocolVersion]) -> (Arc<ServerConfig>, Trust) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.max_fragment_size = Some(70);
    (Arc::new(config), Trust::only(pem.as_bytes()).unwrap())
}

fn pair(address: &str, config: &Arc<ServerConfig>, trust: &Trust) -> Pair {
    let endpoint: Endpoint = address.parse().unwrap();
    let line = Line::new(&endpoint, Some(trust), 65_536).unwrap();
    let server = ServerConnection::new(Arc::clone(config)).unwrap();
    Pair { line, server, frames: BytesMut::new() }
}

impl Pair {
    /// What the client has said, to the server's TLS.
    fn up(&mut self) {
        while let Some(bytes) = self.line.poll_transmit() {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                self.server.read_tls(&mut rest).unwrap();
                self.server.process_new_packets().unwrap();
            }
        }
    }

    /// What the server has said, a byte at a time; after each the client says something, once it may.
    fn down(&mut self, says: Option<&[u8]>) -> Result<(), LineError> {
        let mut bytes = Vec::new();
        while self.server.wants_write() {
            self.server.write_tls(&mut bytes).unwrap();
        }
        for byte in bytes {
            self.line.handle_bytes(&mut BytesMut::from(&[byte][..]), &mut self.frames)?;
            if let Some(says) = says.filter(|_| self.line.is_open()) {
                self.line.write(says)?;
            }
        }
        Ok(())
    }

    fn received(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        let _ = self.server.reader().read_to_end(&mut all);
        all
    }

    fn shake_hands(&mut self, says: Option<&[u8]>) {
        for _ in 0..10 {
            self.up();
            self.down(says).unwrap();
        }
    }
}

const FRAME: [u8; 7] = [0, 0, 0, 3, b'a', b'b', b'c'];

#[test]
fn tls_goes_on_whatever_the_pieces_are_and_whenever_something_is_said() {
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        let (config, trust) = server(versions);
        let mut pair = pair("tls://localhost:1", &config, &trust);
        // Also in the middle of the tickets, which come in several records each.
        pair.shake_hands(Some(&FRAME));
        assert!(pair.line.is_open());
        let said = pair.received();
        assert_eq!(said, FRAME.repeat(said.len() / FRAME.len()), "whole frames only");
        let large: Vec<u8> = (0..100_000).map(|n| n as u8).collect();
        pair.server.writer().write_all(&large[..60_000]).unwrap();
        pair.down(None).unwrap();
        pair.server.writer().write_all(&large[60_000..]).unwrap();
        pair.down(None).unwrap();
        assert_eq!(pair.frames, large[..]);
        pair.line.write(&large[..10_000]).unwrap();
        pair.up();
        assert_eq!(pair.received(), large[..10_000]);
        pair.line.close();
        pair.up();
        assert_eq!(pair.server.reader().read(&mut [0]).unwrap(), 0, "a goodbye");
    }
}

#[test]
fn a_websocket_within_tls_goes_on_in_pieces_answers_pings_and_knows_the_end() {
    let (config, trust) = server(&[&rustls::version::TLS13]);
    let mut pair = pair("wss://localhost:1/chat", &config, &trust);
    pair.shake_hands(None);
    assert!(!pair.line.is_open(), "the request is on its way");
    let head = String::from_utf8(pair.received()).unwrap();
    assert!(head.starts_with("GET /chat HTTP/1.1\r\nHost: localhost:1\r\n"), "{head}");
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = handshake::accept(key);
    let answer = format!(
        "HTTP/1.1 101 Fine\r\nconnection: upgrade\r\nupgrade: WebSocket\r\nsec-websocket-accept: {accept}\r\n\
         sec-websocket-protocol: {SUBPROTOCOL}\r\n\r\n"
    );
    pair.server.writer().write_all(answer.as_bytes()).unwrap();
    pair.down(None).unwrap();
    assert!(pair.line.is_open() && pair.frames.is_empty());
    let mut messages = BytesMut::new();
    append_message(b"abc", None, &mut messages);
    append_ping(b"there?", None, &mut messages);
    append_message(b"abc", None, &mut messages);
    append_close(CloseCode::GOING_AWAY, "later", None, &mut messages);
    pair.server.writer().write_all(&messages).unwrap();
    pair.down(None).unwrap();
    assert_eq!(pair.frames, FRAME.repeat(2)[..]);
    assert!(pair.line.is_over());
    assert_eq!(pair.line.why_over(), LineError::Closed { code: 1001, reason: "later".to_owned() });
    pair.up();
    let mut received = BytesMut::from(&pair.received()[..]);
    let mut reader = Reader::new(End::Server);
    let mut next = || reader.take(&mut received, 65_536).unwrap();
    assert!(matches!(next(), Some(Incoming::Pong(payload)) if payload == "there?"));
    assert!(matches!(next(), Some(Incoming::Close(Some(close))) if close.code == CloseCode::NORMAL));
}

#[test]
fn every_message_has_a_mask_of_its_own() {
    let mut line = Line::new(&"ws://localhost:1".parse().unwrap(), None, 65_536).unwrap();
    let head = String::from_utf8(line.poll_transmit().unwrap().to_vec()).unwrap();
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = handshake::accept(key);
    let answer = format!(
        "HTTP/1.1 101 Fine\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\
         Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    );
    line.handle_bytes(&mut BytesMut::from(answer.as_bytes()), &mut BytesMut::new()).unwrap();
    line.write(&FRAME.repeat(3)).unwrap();
    let bytes = line.poll_transmit().unwrap();
    let masks: Vec<[u8; 4]> = bytes.chunks(9).map(|message| *message[2..].first_chunk().unwrap()).collect();
    assert_eq!(masks.len(), 3);
    assert!(masks[0] != masks[1] && masks[1] != masks[2] && masks[0] != masks[2]);
    for message in bytes.chunks(9) {
        let mut payload = message[6..].to_vec();
        Mask(*message[2..].first_chunk().unwrap()).apply(&mut payload);
        assert_eq!(payload, b"abc");
    }
}

#[test]
fn an_idle_line_holds_keys_and_no_buffers() {
    let (config, trust) = server(&[&rustls::version::TLS13]);
    let trust = trust.without_resumption();
    let mut pairs: Vec<Pair> = Vec::new();
    // The first one brings what all of them share.
    for _ in 0..2 {
        let mut pair = pair("tls://localhost:1", &config, &trust);
        pair.shake_hands(Some(&FRAME));
        pairs.push(pair);
    }
    let Pair { line, .. } = pairs.pop().unwrap();
    let before = live_bytes();
    drop(line);
    let held = before - live_bytes();
    eprintln!("{held} bytes");
    assert!(held < 6 * 1024, "{held} bytes");
}
