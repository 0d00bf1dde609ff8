//! One client of the driver: a socket, how far it has come, and its closed loop of sends.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::{Buf, BytesMut};
use hubbub_codec::frame::{append_frame, encode_frame};
use hubbub_codec::proto::client_frame::Body;
use hubbub_codec::proto::{self, ClientFrame, Conversation};
use mio::net::TcpStream;
use socket2::{Domain, Socket, Type};

/// Connections from one source address; above it the kernel's search for a free port is what is measured.
const CONNECTIONS_PER_SOURCE: usize = 4_000;
/// Every send has this number; the server only counts them.
const SEND_REQUEST_ID: u64 = 1;
/// Requests of which the reply is looked at.
pub(super) const REQUEST_ID: u64 = 2;
/// Entries after which a client says that it holds them; otherwise at the next tick of the engine.
const DELIVERED_ENTRIES: u64 = 64;

/// How far a client has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Greeting,
    LoggingIn,
    Syncing,
    Ready,
}

/// A sender's closed loop.
#[derive(Debug)]
struct Loop {
    /// A whole `Send` frame, whose name is overwritten for each message.
    frame: Vec<u8>,
    name_at: usize,
    sent: u64,
    in_flight: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) stream: TcpStream,
    pub(super) stage: Stage,
    pub(super) dirty: bool,
    /// Entries received, ever.
    pub(super) received: u64,
    /// Stands in the engine's list of those who owe a `Delivered`.
    pub(super) owes: bool,
    unacknowledged: u64,
    last_seq: u64,
    user: u64,
    token: String,
    conversation: Option<Conversation>,
    sending: Option<Loop>,
    out: BytesMut,
    pub(super) unread: Vec<u8>,
}

impl Client {
    /// Begins to connect, as the `n`th client of the machine.
    pub(super) fn connect(address: SocketAddr, n: usize, user: u64, token: String) -> io::Result<Client> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.bind(&source(n).into())?;
        match socket.connect(&address.into()) {
            Err(error) if error.raw_os_error() != Some(IN_PROGRESS) => return Err(error),
            _ => {}
        }
        Ok(Client {
            stream: TcpStream::from_std(socket.into()),
            stage: Stage::Connecting,
            dirty: false,
            received: 0,
            owes: false,
            unacknowledged: 0,
            last_seq: 0,
            user,
            token,
            conversation: None,
            sending: None,
            out: BytesMut::new(),
            unread: Vec::new(),
        })
    }

    // ---- Opening ----

    pub(super) fn hello(&mut self) {
        self.stage = Stage::Greeting;
        let client_name = "hubbub-bench".to_owned();
        self.request(Body::Hello(proto::Hello { version_min: 1, version_max: 1, client_name, ..Default::default() }));
    }

    /// The next step after the server's answer; `true` when the client is ready.
    pub(super) fn advance(&mut self) -> bool {
        match self.stage {
            Stage::Greeting => {
                self.stage = Stage::LoggingIn;
                let jwt = std::mem::take(&mut self.token);
                let method = Some(proto::login::Method::Jwt(jwt));
                self.request(Body::Login(proto::Login { method, device_id: self.user, ..Default::default() }));
            }
            Stage::LoggingIn => {
                self.stage = Stage::Syncing;
                self.request(Body::Sync(proto::Sync { cursors: Vec::new(), include_others: true }));
            }
            Stage::Syncing => {
                self.stage = Stage::Ready;
                return true;
            }
            Stage::Connecting | Stage::Ready => {}
        }
        false
    }

    // ---- Talking ----

    /// Whom this client acknowledges entries of.
    pub(super) fn talk_in(&mut self, conversation: Conversation) {
        self.conversation = Some(conversation);
        (self.unacknowledged, self.received, self.last_seq) = (0, 0, 0);
    }

    /// What this client's loop sends, and to whom.
    pub(super) fn prepare_sends(&mut self, to: proto::send::To, body_bytes: usize) {
        const NAME: &[u8; 8] = b"\xfe\xedNAME\xfe\xed";
        let name = proto::MessageName { client_message_id: NAME[..].into(), ..Default::default() };
        let body = vec![b'x'; body_bytes].into();
        let send = proto::Send { to: Some(to), name: Some(name), body, ..Default::default() };
        let frame = ClientFrame { request_id: SEND_REQUEST_ID, body: Some(Body::Send(send)) };
        let frame = encode_frame(&frame).to_vec();
        let name_at = frame.windows(NAME.len()).position(|window| window == NAME).expect("the name is in the frame");
        self.sending = Some(Loop { frame, name_at, sent: 0, in_flight: 0 });
    }

    pub(super) fn is_sender(&self) -> bool {
        self.sending.is_some()
    }

    /// Sends until `goal` messages are in flight; tells how many were sent.
    pub(super) fn top_up(&mut self, goal: u64) -> u64 {
        let Some(sending) = &mut self.sending else { return 0 };
        let more = goal.saturating_sub(sending.in_flight);
        for _ in 0..more {
            sending.sent += 1;
            let name = &mut sending.frame[sending.name_at..][..8];
            name.copy_from_slice(&sending.sent.to_be_bytes());
            self.out.extend_from_slice(&sending.frame);
        }
        sending.in_flight += more;
        more
    }

    pub(super) fn acknowledged(&mut self) {
        if let Some(sending) = &mut self.sending {
            sending.in_flight -= 1;
        }
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.sending.as_ref().map_or(0, |sending| sending.in_flight)
    }

    /// Takes entries in; `true` when it is time to say so.
    pub(super) fn receive(&mut self, count: u64, last: u64) -> bool {
        self.received += count;
        self.unacknowledged += count;
        self.last_seq = self.last_seq.max(last);
        self.unacknowledged >= DELIVERED_ENTRIES
    }

    /// Says `Delivered` if anything was received since the last time.
    pub(super) fn acknowledge(&mut self) {
        let Some(conversation) = self.conversation.filter(|_| self.unacknowledged > 0) else { return };
        self.unacknowledged = 0;
        let delivered = proto::Delivered { conversation: Some(conversation), up_to_seq: self.last_seq };
        append_frame(&ClientFrame { request_id: 0, body: Some(Body::Delivered(delivered)) }, &mut self.out);
    }

    /// Queues a request whose reply will be looked at.
    pub(super) fn request(&mut self, body: Body) {
        append_frame(&ClientFrame { request_id: REQUEST_ID, body: Some(body) }, &mut self.out);
    }

    // ---- The socket ----

    /// Reads once; `None` when there is nothing.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.stream.read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => Ok(Some(read)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes what is queued, as far as the socket takes it; the rest leaves when the socket is writable again.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.out.is_empty() {
            match self.stream.write(&self.out) {
                Ok(written) => self.out.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// `EINPROGRESS` on Linux.
const IN_PROGRESS: i32 = 115;

/// The source address of the `n`th client.
fn source(n: usize) -> SocketAddr {
    let host = n / CONNECTIONS_PER_SOURCE;
    let address = Ipv4Addr::new(127, 0, 1 + (host / 250) as u8, 1 + (host % 250) as u8);
    SocketAddr::new(IpAddr::V4(address), 0)
}
