//! The task behind a client: one socket, one session, one clock.
//!
//! Never holds more than one event that the application has not taken; reads from the socket only when there is none.

use std::collections::HashMap;
use std::future::pending;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::server::{Connection, READ_BYTES, Server};
use super::{Answer, Command, RequestError, Sent, Ticket};
use crate::line::{Line, LineError};
use crate::session::{Event, Session, SessionConfig};

/// How long the last bytes may take to be written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

type Waiting = oneshot::Sender<Result<Answer, RequestError>>;

pub(super) struct Driver {
    server: Server,
    /// Where the server's `Bye` sent this client; good for one attempt.
    target: Option<String>,
    /// What was wrong at the last attempt, so that it is told once; empty when nothing was.
    trouble: String,
    frame_bytes_max: usize,
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
    line: Line,
    /// Room to read into.
    input: BytesMut,
    /// Frames, the last one perhaps not whole.
    frames: BytesMut,
    output: Bytes,
}

/// What a turn of the loop leads to.
enum Turn {
    Again,
    /// The connection is to be closed.
    Disconnected,
    /// The connection is lost: why, in words.
    Lost(String),
    /// The application wants no more of this.
    Closed,
}

impl Driver {
    pub(super) fn new(
        server: Server,
        config: SessionConfig,
        commands: mpsc::Receiver<Command>,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self {
            server,
            target: None,
            trouble: String::new(),
            frame_bytes_max: config.frame_bytes_max,
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
                Turn::Lost(why) => {
                    socket = None;
                    self.lose(why);
                }
                Turn::Closed => break,
            }
        }
        self.finish(socket).await;
    }

    async fn connect(&mut self) -> Option<Socket> {
        let target = self.target.take();
        match self.server.connect(target.as_deref(), self.frame_bytes_max).await {
            Ok(Connection { stream, line, input, frames }) => {
                let (reader, writer) = stream.into_split();
                self.session.handle_connected(self.now());
                Some(Socket { reader, writer, line, input, frames, output: Bytes::new() })
            }
            Err(error) => {
                self.lose(error.to_string());
                None
            }
        }
    }

    /// There is no connection. Why not, the application is told once, until there was a login.
    fn lose(&mut self, why: String) {
        let now = self.now();
        if self.session.is_ready() || self.trouble == why {
            return self.session.handle_disconnected(now);
        }
        self.trouble.clone_from(&why);
        self.session.handle_unreachable(now, why);
    }

    /// Waits for whatever comes first, and handles it.
    async fn turn(&mut self, socket: &mut Option<Socket>) -> Turn {
        self.route_events();
        if let Some(socket) = socket {
            if let Err(error) = socket.fill_output(&mut self.session) {
                return Turn::Lost(error.to_string());
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
                Ok(length) => self.handle_input(socket, length),
                Err(error) => Turn::Lost(error.to_string()),
            },
            written = write(writing) => match written {
                Ok(()) => Turn::Again,
                Err(error) => Turn::Lost(error.to_string()),
            },
            () = sleep(wake) => {
                self.session.handle_timeout(self.now());
                Turn::Again
            }
        }
    }

    fn handle_input(&mut self, socket: &mut Option<Socket>, length: usize) -> Turn {
        let Some(Socket { line, input, frames, .. }) = socket else { return Turn::Again };
        if length == 0 {
            return Turn::Lost(line.why_over().to_string());
        }
        let taken = line.handle_bytes(input, frames);
        // What was whole before the fault counts.
        let outcome = self.session.handle_bytes(self.now(), frames);
        if self.session.is_ready() {
            self.trouble.clear();
        }
        match (taken, outcome) {
            (Err(error), _) => Turn::Lost(error.to_string()),
            (_, Err(error)) => Turn::Lost(error.to_string()),
            _ if line.is_over() => Turn::Lost(line.why_over().to_string()),
            _ => Turn::Again,
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
            // A line that fails here has said what it could.
            let _ = socket.line.write(&last);
            socket.line.close();
            let write = async {
                socket.writer.write_all(&socket.output).await?;
                socket.writer.write_all(&socket.line.poll_transmit().unwrap_or_default()).await?;
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

impl Socket {
    /// Takes what the session has to say, once everything before it is written.
    fn fill_output(&mut self, session: &mut Session) -> Result<(), LineError> {
        if !self.output.is_empty() {
            return Ok(());
        }
        if let Some(frames) = session.poll_transmit() {
            self.line.write(&frames)?;
        }
        self.output = self.line.poll_transmit().unwrap_or_default();
        Ok(())
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

/// How much was read; 0 at the end.
async fn read(reading: Reading<'_>) -> io::Result<usize> {
    let Some((reader, input)) = reading else {
        return pending().await;
    };
    input.reserve(READ_BYTES);
    reader.read_buf(input).await
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
