//! A server that answers what clients say first, over any transport; in threads, with a TLS of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use hubbub_codec::endpoint::Transport;
use hubbub_codec::frame::{decode_frame_mut, encode_frame};
use hubbub_codec::ids::{Conversation, UserId};
use hubbub_codec::proto::{self, ClientFrame, ServerFrame, client_frame::Body as Up, server_frame::Body as Down};
use hubbub_codec::trust::Trust;
use hubbub_codec::websocket::{End, Incoming, Reader, SUBPROTOCOL, append_message, handshake};
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// HTTP answers that open nothing, and what is said of them.
pub(crate) const ANSWERS: [(&str, &str); 5] = [
    ("HTTP/1.1 403 Forbidden\r\nContent-Length: 21\r\n\r\nthis origin may not\r\n", "HTTP 403 this origin may not"),
    ("HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404 Not Found"),
    ("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", "not to this request"),
    ("\r\r\r\r no such thing", "does not speak HTTP"),
    ("", "in the middle of the request for a WebSocket"),
];

/// A certificate of its own making.
pub(crate) struct Certificate {
    pem: String,
    config: Arc<ServerConfig>,
}

impl Certificate {
    pub(crate) fn of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (pem, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let chain = vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap());
        Self { pem, config }
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::only(self.pem.as_bytes()).unwrap()
    }
}

#[derive(Default)]
struct Shared {
    /// Instead of opening a WebSocket.
    answer: Option<&'static str>,
    /// Lengths of what was stored, by number.
    bodies: Mutex<Vec<usize>>,
    accounts: AtomicU64,
    connections: Mutex<Vec<TcpStream>>,
    is_closed: AtomicBool,
}

/// The server; its threads end with the process.
pub(crate) struct Scripted {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

impl Scripted {
    pub(crate) fn start(transport: Transport, certificate: &Certificate) -> Self {
        Self::start_with(transport, certificate, 0, None)
    }

    pub(crate) fn start_at(transport: Transport, certificate: &Certificate, port: u16) -> Self {
        Self::start_with(transport, certificate, port, None)
    }

    /// One whose answer to requests for a WebSocket is this.
    pub(crate) fn answering(transport: Transport, certificate: &Certificate, answer: &'static str) -> Self {
        Self::start_with(transport, certificate, 0, Some(answer))
    }

    fn start_with(transport: Transport, certificate: &Certificate, port: u16, answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { answer, ..Shared::default() });
        let (config, told) = (Arc::clone(&certificate.config), Arc::clone(&shared));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if told.is_closed.load(Ordering::Relaxed) {
                    return;
                }
                told.connections.lock().unwrap().push(stream.try_clone().unwrap());
                let (config, told) = (Arc::clone(&config), Arc::clone(&told));
                std::thread::spawn(move || {
                    let end = stream.try_clone().unwrap();
                    serve(transport, stream, config, &told);
                    let _ = end.shutdown(Shutdown::Both);
                });
            }
        });
        Self { port, shared }
    }

    /// Ends every connection.
    pub(crate) fn hang_up(&self) {
        for stream in self.shared.connections.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Listens no more; the port is free.
    pub(crate) fn close(self) -> u16 {
        self.shared.is_closed.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {}
        self.port
    }

    pub(crate) fn bodies(&self) -> Vec<usize> {
        self.shared.bodies.lock().unwrap().clone()
    }
}

trait Both: Read + Write {}
impl<T: Read + Write> Both for T {}

/// A connection after its handshakes.
struct Connection {
    stream: Box<dyn Both>,
    input: BytesMut,
    /// With a WebSocket.
    reader: Option<Reader>,
}

fn serve(transport: Transport, stream: TcpStream, config: Arc<ServerConfig>, shared: &Shared) -> Option<()> {
    let stream: Box<dyn Both> = match transport.has_tls() {
        true => Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), stream)),
        false => Box::new(stream),
    };
    let mut connection = Connection { stream, input: BytesMut::new(), reader: None };
    if transport.is_websocket() {
        connection.open_websocket(shared.answer)?;
    }
    while let Some(payload) = connection.next() {
        let Ok(frame) = ClientFrame::decode(payload) else { break };
        if let Some(body) = answer(frame.body?, shared) {
            connection.say(&ServerFrame { request_id: frame.request_id, body: Some(body) })?;
        }
    }
    Some(())
}

fn answer(body: Up, shared: &Shared) -> Option<Down> {
    Some(match body {
        Up::Hello(_) => Down::Welcome(proto::Welcome { version: 1, registration: true, ..Default::default() }),
        Up::Login(_) => Down::LoggedIn(proto::LoggedIn { user_id: 10, ..Default::default() }),
        Up::Register(_) => {
            shared.accounts.fetch_add(1, Ordering::Relaxed);
            Down::Registered(proto::Registered { user_id: 77 })
        }
        Up::Sync(_) => Down::Synced(proto::Synced::default()),
        Up::Send(send) => {
            let mut bodies = shared.bodies.lock().unwrap();
            bodies.push(send.body.len());
            let conversation = Some(Conversation::direct(UserId(10), UserId(20)).unwrap().into());
            Down::Sent(proto::Sent { conversation, seq: bodies.len() as u64, ..Default::default() })
        }
        _ => return None,
    })
}

impl Connection {
    /// Whether there was more.
    fn fill(&mut self) -> bool {
        let mut part = [0; 8_192];
        loop {
            match self.stream.read(&mut part) {
                Ok(0) => return false,
                Ok(count) => {
                    self.input.extend_from_slice(&part[..count]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    // Why not may wait to be said.
                    let _ = self.stream.flush();
                    return false;
                }
            }
        }
    }

    fn next(&mut self) -> Option<BytesMut> {
        loop {
            match &mut self.reader {
                None => match decode_frame_mut(&mut self.input, 1 << 20) {
                    Ok(Some(payload)) => return Some(BytesMut::from(&payload[..])),
                    Ok(None) => {}
                    Err(_) => return self.give_up(),
                },
                Some(reader) => match reader.take(&mut self.input, 1 << 20).unwrap() {
                    Some(Incoming::Message(payload)) => return Some(BytesMut::from(&payload[..])),
                    Some(Incoming::Close(_)) => return None,
                    Some(_) => continue,
                    None => {}
                },
            }
            if !self.fill() {
                return None;
            }
        }
    }

    /// What a Hubbub server says to what is no frame: why, as a frame.
    fn give_up(&mut self) -> Option<BytesMut> {
        self.say(&ServerFrame { request_id: 0, body: Some(Down::Error(proto::Error::default())) });
        None
    }

    fn say(&mut self, frame: &ServerFrame) -> Option<()> {
        let bytes = match self.reader {
            None => encode_frame(frame).to_vec(),
            Some(_) => {
                let mut message = BytesMut::new();
                append_message(&frame.encode_to_vec(), None, &mut message);
                message.to_vec()
            }
        };
        self.stream.write_all(&bytes).and_then(|()| self.stream.flush()).ok()
    }

    fn open_websocket(&mut self, answer: Option<&str>) -> Option<()> {
        let end = loop {
            if let Some(at) = self.input.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.input.is_empty() && !self.input.starts_with(b"G") || !self.fill() {
                let _ = self.stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
                return None;
            }
        };
        let head = String::from_utf8(self.input.split_to(end).to_vec()).unwrap();
        assert!(head.starts_with("GET /ws HTTP/1.1\r\nHost: localhost:"), "{head}");
        if let Some(answer) = answer {
            self.stream.write_all(answer.as_bytes()).and_then(|()| self.stream.flush()).ok()?;
            return None;
        }
        let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
        let accept = handshake::accept(key);
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
        );
        self.reader = Some(Reader::new(End::Server));
        self.stream.write_all(answer.as_bytes()).and_then(|()| self.stream.flush()).ok()
    }
}
