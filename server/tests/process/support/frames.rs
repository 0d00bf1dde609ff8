//! A client that says exactly what the test says, and keeps what it has not been asked for.

use super::{DEADLINE, Server};
use bytes::BytesMut;
use hubbub_codec::frame::{decode_frame_mut, encode_frame};
use hubbub_codec::line::Line;
pub(crate) use hubbub_codec::proto::client_frame::Body as Up;
pub(crate) use hubbub_codec::proto::server_frame::Body as Down;
use hubbub_codec::proto::{self, ClientFrame, ServerFrame};
use prost::Message;
use rustls::{ClientConfig, ClientConnection};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

/// One connection.
pub(crate) struct Raw {
    /// The socket, for tests that write what is no frame.
    pub(crate) stream: TcpStream,
    /// The client's end of TLS over it.
    tls: Option<Box<ClientConnection>>,
    /// What lies between the socket and the frames over the transport of the test.
    line: Option<Box<Line>>,
    /// Frames, the last one perhaps not whole.
    input: BytesMut,
    last_id: u64,
    /// Frames that came while another one was waited for.
    kept: VecDeque<ServerFrame>,
}

impl Raw {
    /// Connects over the transport of the test, and says nothing.
    #[track_caller]
    pub(crate) fn connect(server: &Server) -> Raw {
        let stream = TcpStream::connect(server.address()).expect("the server accepts");
        Raw::reach(server, stream)
    }

    /// Takes a socket that is connected to the server, and goes through the handshakes of the transport of the test.
    #[track_caller]
    pub(crate) fn reach(server: &Server, stream: TcpStream) -> Raw {
        let mut raw = Raw::over(stream);
        raw.line = server.line().map(Box::new);
        raw.write_line().expect("the server takes a handshake");
        while raw.line.as_ref().is_some_and(|line| !line.is_open()) {
            assert_ne!(raw.fill().expect("the server answers a handshake"), 0, "{}", raw.why_over());
        }
        raw
    }

    /// Takes a connected socket.
    #[track_caller]
    pub(crate) fn over(stream: TcpStream) -> Raw {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Raw { stream, tls: None, line: None, input: BytesMut::new(), last_id: 0, kept: VecDeque::new() }
    }

    /// Takes a connected socket, and speaks TLS over it.
    #[track_caller]
    pub(crate) fn over_tls(stream: TcpStream, config: &Arc<ClientConfig>) -> Raw {
        let name = "localhost".try_into().unwrap();
        let tls = ClientConnection::new(config.clone(), name).expect("a client of TLS");
        Raw { tls: Some(Box::new(tls)), ..Raw::over(stream) }
    }

    /// The client's end of TLS, to drive it by hand.
    pub(crate) fn tls_mut(&mut self) -> &mut ClientConnection {
        self.tls.as_mut().expect("it speaks TLS")
    }

    /// What was agreed on; the handshake must be over.
    pub(crate) fn tls(&self) -> &ClientConnection {
        self.tls.as_ref().expect("it speaks TLS")
    }

    /// Connects and logs in.
    #[track_caller]
    pub(crate) fn login(server: &Server, user: u64, device: u64) -> Raw {
        let mut raw = Raw::connect(server);
        raw.log_in(server, user, device);
        raw
    }

    /// Says Hello and logs in.
    #[track_caller]
    pub(crate) fn log_in(&mut self, server: &Server, user: u64, device: u64) {
        self.hello();
        match self.ask(super::login(server.token(user), device)) {
            Down::LoggedIn(logged_in) => assert_eq!(logged_in.user_id, user),
            other => panic!("{other:?}"),
        }
    }

    /// Logs in, and syncs everything from the start: the states of the conversations.
    #[track_caller]
    pub(crate) fn login_and_sync(server: &Server, user: u64, device: u64) -> (Raw, Vec<proto::ConversationState>) {
        let mut raw = Raw::login(server, user, device);
        let states = raw.sync(Vec::new(), true);
        (raw, states)
    }

    /// Says Hello.
    #[track_caller]
    pub(crate) fn hello(&mut self) -> proto::Welcome {
        match self.ask(super::hello()) {
            Down::Welcome(welcome) => welcome,
            other => panic!("{other:?}"),
        }
    }

    /// Syncs, and waits until that is done.
    #[track_caller]
    pub(crate) fn sync(&mut self, cursors: Vec<proto::Cursor>, include_others: bool) -> Vec<proto::ConversationState> {
        match self.ask(Up::Sync(proto::Sync { cursors, include_others })) {
            Down::Synced(synced) => synced.conversations,
            other => panic!("{other:?}"),
        }
    }

    // ---- Writing ----

    /// Sends a request under a fresh number, which it returns.
    #[track_caller]
    pub(crate) fn say(&mut self, body: Up) -> u64 {
        self.last_id += 1;
        self.say_as(self.last_id, body);
        self.last_id
    }

    /// Sends a request under a number.
    #[track_caller]
    pub(crate) fn say_as(&mut self, request_id: u64, body: Up) {
        let frame = encode_frame(&ClientFrame { request_id, body: Some(body) });
        self.write_all(&frame).expect("the server takes a frame");
    }

    /// Writes bytes, whatever they are.
    pub(crate) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => {
                let mut stream = rustls::Stream::new(tls.as_mut(), &mut self.stream);
                stream.write_all(bytes)?;
                stream.flush()
            }
            None => {
                let Some(line) = &mut self.line else { return self.stream.write_all(bytes) };
                line.write(bytes).map_err(io::Error::other)?;
                self.write_line()
            }
        }
    }

    fn write_line(&mut self) -> io::Result<()> {
        while let Some(bytes) = self.line.as_mut().and_then(|line| line.poll_transmit()) {
            self.stream.write_all(&bytes)?;
        }
        Ok(())
    }

    // ---- Reading ----

    /// Reads whatever is there; 0 when the server has closed the connection.
    pub(crate) fn read_some(&mut self, part: &mut [u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => rustls::Stream::new(tls.as_mut(), &mut self.stream).read(part),
            None => self.stream.read(part),
        }
    }

    /// Reads into `input`; 0 when the server has closed the connection.
    fn fill(&mut self) -> io::Result<usize> {
        let mut part = [0; 16_384];
        let count = self.read_some(&mut part)?;
        match &mut self.line {
            None => self.input.extend_from_slice(&part[..count]),
            Some(line) => {
                let taken = line.handle_bytes(&mut BytesMut::from(&part[..count]), &mut self.input);
                taken.expect("the server keeps to the transport");
                // An answer (to a Close, say) that finds the server gone: what was read counts, and the next read ends.
                let _ = self.write_line();
            }
        }
        Ok(count)
    }

    fn why_over(&self) -> String {
        self.line.as_ref().map(|line| line.why_over().to_string()).unwrap_or_default()
    }

    /// Sends a request and waits for its answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, body: Up) -> Down {
        let id = self.say(body);
        self.answer_to(id)
    }

    /// Sends a request that must be refused.
    #[track_caller]
    pub(crate) fn ask_in_vain(&mut self, body: Up) -> proto::Error {
        match self.ask(body) {
            Down::Error(error) => error,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// Waits for the answer to a request.
    #[track_caller]
    pub(crate) fn answer_to(&mut self, request_id: u64) -> Down {
        self.find(|frame| frame.request_id == request_id).body.expect("answers have a body")
    }

    /// Waits for a push.
    #[track_caller]
    pub(crate) fn push<T>(&mut self, mut wanted: impl FnMut(&Down) -> Option<T>) -> T {
        let mut found = None;
        self.find(|frame| {
            found = frame.body.as_ref().filter(|_| frame.request_id == 0).and_then(&mut wanted);
            found.is_some()
        });
        found.expect("it was just found")
    }

    /// Takes the first frame that is wanted, and keeps those before it.
    #[track_caller]
    pub(crate) fn find(&mut self, mut wanted: impl FnMut(&ServerFrame) -> bool) -> ServerFrame {
        if let Some(at) = self.kept.iter().position(&mut wanted) {
            return self.kept.remove(at).expect("it was just there");
        }
        loop {
            let frame = self.read().expect("the server goes on talking");
            if wanted(&frame) {
                return frame;
            }
            self.kept.push_back(frame);
        }
    }

    /// The next frame, kept ones first; `None` when the server has closed the connection.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Option<ServerFrame> {
        self.kept.pop_front().or_else(|| self.read())
    }

    #[track_caller]
    fn read(&mut self) -> Option<ServerFrame> {
        loop {
            if let Some(payload) = decode_frame_mut(&mut self.input, 1 << 24).expect("the server sends frames") {
                return Some(ServerFrame::decode(payload).expect("the server sends server frames"));
            }
            match self.fill() {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing more to read: {error}"),
            }
        }
    }

    /// Everything until the server closes the connection.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> Vec<ServerFrame> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// The error with which the server is to close the connection.
    #[track_caller]
    pub(crate) fn last_error(&mut self) -> proto::Error {
        match self.rest().pop().and_then(|frame| frame.body) {
            Some(Down::Error(error)) => error,
            other => panic!("closed without an error: {other:?}"),
        }
    }

    /// Everything that comes before the answer to a ping sent now, and everything kept: what the server had to say
    /// so far on this connection, but for hints about memberships, which come whenever they come.
    #[track_caller]
    pub(crate) fn so_far(&mut self) -> Vec<ServerFrame> {
        let id = self.say(Up::Ping(proto::Ping { nonce: 7 }));
        let mut frames = Vec::new();
        loop {
            let frame = self.next().expect("the connection lives");
            if frame.request_id == id {
                return frames;
            }
            if !matches!(frame.body, Some(Down::ConversationChanged(_))) {
                frames.push(frame);
            }
        }
    }
}
