//! The task behind a client: one socket, one session, one clock.
//!
//! Never holds more than one event that the application has not taken; reads from the socket only when there is none.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Answer, Command, RequestError, Sent, Ticket};
use crate::session::{Event, Session, SessionConfig};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last bytes may take to be written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Room made in the read buffer, in bytes.
const READ_BYTES: usize = 16 * 1024;

type Waiting = oneshot::Sender<Result<Answer, RequestError>>;

pub(super) struct Driver {
    address: String,
    /// Where the server's `Bye` sent this client; good for one attempt.
    target: Option<String>,
    session: Session,
    origin: Instant,
    commands: mpsc::Receiver<Command>,
    events: mpsc::Sender<Event>,
    /// Bounded by `SessionConfig::sends_queued_max`.
    waiting: HashMap<Ticket, Waiting>,
    /// The event that the application has no room for.
    event: Option<Event>,
    closed: Option<oneshot::Sender<()>>,
}

struct Socket {
    reader: OwnedReadHalf,
    writer: OwnedWriteHalf,
    input: BytesMut,
    output: Bytes,
}

/// What a turn of the loop leads to.
enum Turn {
    Again,
    /// The connection is lost, or was closed.
    Disconnected,
    /// The application wants no more of this.
    Closed,
}

impl Driver {
    pub(super) fn new(
        address: String,
        config: SessionConfig,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            address,
            target: None,
            session: Session::new(config, Duration::ZERO),
            origin: Instant::now(),
            commands,
            events,
            waiting: HashMap::new(),
            event: None,
            closed: None,
        }
    }

    pub(super) fn session_mut(&mut self) -> &mut Session {
        &mut self.session
    }

    pub(super) async fn drive_loop(mut self) {
        let mut socket = None;
        loop {
            let now = self.now();
            if socket.is_none() && self.session.reconnect_at().is_some_and(|at| at <= now) {
                socket = self.connect().await;
            }
            match self.turn(&mut socket).await {
                Turn::Again => {}
                Turn::Disconnected => {
                    socket = None;
                    self.session.handle_disconnected(self.now());
                }
                Turn::Closed => break,
            }
        }
        self.finish(socket).await;
    }

    async fn connect(&mut self) -> Option<Socket> {
        let target = self.target.take();
        let address = target.as_ref().unwrap_or(&self.address);
        let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
        let now = self.now();
        let Ok(Ok(stream)) = connected else {
            self.session.handle_disconnected(now);
            return None;
        };
        // A message is one small write; waiting for more of them only delays it. A failure delays it, and no more.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        self.session.handle_connected(now);
        Some(Socket { reader, writer, input: BytesMut::new(), output: Bytes::new() })
    }

    /// Waits for whatever comes first, and handles it.
    async fn turn(&mut self, socket: &mut Option<Socket>) -> Turn {
        self.route_events();
        if let Some(socket) = socket {
            if socket.output.is_empty() {
                socket.output = self.session.poll_transmit().unwrap_or_default();
            }
            if self.session.should_close() {
                return Turn::Disconnected;
            }
        }
        let wake = self.session.reconnect_at().or(self.session.poll_timeout());
        let wake = wake.map(|at| self.origin + at);
        let may_read = self.event.is_none();
        let (reading, writing) = split(socket);
        tokio::select! {
            () = has_room(&self.events), if self.event.is_some() => {
                if let Some(event) = self.event.take() {
                    // Nobody else sends, so the room is still there, unless nobody listens any more.
                    let _ = self.events.try_send(event);
                }
                Turn::Again
            }
            command = self.commands.recv() => self.handle_command(command),
            read = read(reading), if may_read => match read {
                Ok(input) => self.handle_input(input),
                Err(_) => Turn::Disconnected,
            },
            written = write(writing) => match written {
                Ok(()) => Turn::Again,
                Err(_) => Turn::Disconnected,
            },
            () = sleep(wake) => {
                self.session.handle_timeout(self.now());
                Turn::Again
            }
        }
    }

    fn handle_input(&mut self, input: &mut BytesMut) -> Turn {
        match self.session.handle_bytes(self.now(), input) {
            Ok(()) => Turn::Again,
            Err(_) => Turn::Disconnected,
        }
    }

    fn handle_command(&mut self, command: Option<Command>) -> Turn {
        let now = self.now();
        match command {
            None => return Turn::Closed,
            Some(Command::Close(closed)) => {
                self.closed = Some(closed);
                return Turn::Closed;
            }
            Some(Command::Tell(tell)) => tell(&mut self.session, now),
            Some(Command::Ask { ask, answer }) => match ask(&mut self.session, now) {
                Ok(ticket) => {
                    self.waiting.insert(ticket, answer);
                }
                // Nobody may be waiting any more.
                Err(refused) => drop(answer.send(Err(refused.into()))),
            },
        }
        Turn::Again
    }

    /// Resolves answers, until there is an event for the application.
    fn route_events(&mut self) {
        while self.event.is_none()
            && let Some(event) = self.session.poll_event()
        {
            if let Event::Disconnected { bye: Some(bye) } = &event {
                self.target = Some(bye.target.clone()).filter(|target| !target.is_empty());
            }
            self.event = self.resolve(event);
            if self.events.is_closed() {
                self.event = None;
            }
        }
    }

    /// Gives an answer to who waits for it; any other event comes back.
    fn resolve(&mut self, event: Event) -> Option<Event> {
        let (ticket, answer) = match event {
            Event::Sent { id, conversation, seq, message_id, time_us, duplicate }
                if self.waiting.contains_key(&Ticket::Send(id)) =>
            {
                let sent = Sent { conversation, seq, message_id, time_us, duplicate };
                (Ticket::Send(id), Ok(Answer::Sent(sent)))
            }
            Event::SendFailed { id, error } if self.waiting.contains_key(&Ticket::Send(id)) => {
                (Ticket::Send(id), Err(RequestError::Failed(error)))
            }
            Event::Reply { request, reply } => (Ticket::Request(request), Ok(Answer::Reply(reply))),
            Event::RequestFailed { request, error } => (Ticket::Request(request), Err(RequestError::Failed(error))),
            other => return Some(other),
        };
        if let Some(waiting) = self.waiting.remove(&ticket) {
            // Nobody may be waiting any more.
            drop(waiting.send(answer));
        }
        None
    }

    /// Writes the last acknowledgements, within a deadline.
    async fn finish(mut self, socket: Option<Socket>) {
        self.session.acknowledge(self.now());
        if let Some(mut socket) = socket {
            let last = self.session.poll_transmit().unwrap_or_default();
            let write = async {
                socket.writer.write_all(&socket.output).await?;
                socket.writer.write_all(&last).await?;
                socket.writer.shutdown().await
            };
            // The server learns of the end in any case.
            let _ = timeout(CLOSE_TIMEOUT, write).await;
        }
        if let Some(closed) = self.closed.take() {
            let _ = closed.send(());
        }
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }
}

/// Also returns when nobody listens any more.
async fn has_room(events: &mpsc::Sender<Event>) {
    let _ = events.reserve().await;
}

type Reading<'a> = Option<(&'a mut OwnedReadHalf, &'a mut BytesMut)>;
type Writing<'a> = Option<(&'a mut OwnedWriteHalf, &'a mut Bytes)>;

fn split(socket: &mut Option<Socket>) -> (Reading<'_>, Writing<'_>) {
    match socket {
        Some(socket) => (Some((&mut socket.reader, &mut socket.input)), Some((&mut socket.writer, &mut socket.output))),
        None => (None, None),
    }
}

async fn read(reading: Reading<'_>) -> io::Result<&mut BytesMut> {
    let Some((reader, input)) = reading else {
        return pending().await;
    };
    input.reserve(READ_BYTES);
    if reader.read_buf(input).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(input)
}

async fn write(writing: Writing<'_>) -> io::Result<()> {
    let Some((writer, output)) = writing.filter(|(_, output)| !output.is_empty()) else {
        return pending().await;
    };
    let written = writer.write(output).await?;
    output.advance(written);
    Ok(())
}

async fn sleep(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => pending().await,
    }
}
