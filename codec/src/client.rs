//! A [`Session`](crate::session) on tokio: connects and reconnects by itself, and answers requests with futures.
//!
//! [`Client::connect`] starts one task that owns the socket and the session; the [`Client`] handles talk to it through a
//! bounded channel, and what happens comes out of [`Events`], bounded too. An application that does not take its events
//! is not read for, answers to its requests included: the server then keeps them, and continues when there is room. One
//! that wants no events drops [`Events`]. When the last handle is dropped, or
//! [`Client::close`] is called, the task acknowledges what was received, closes the connection and ends.
//!
//! Answers to requests resolve the futures of their callers and do not appear among the events.
//!
//! A [`Server`] is named with what carries the frames: `tcp://chat.example:7400`, and with the features `tls` and `websocket`
//! `tls://chat.example:7443`, `ws://localhost:7402/ws`, `wss://chat.example/ws`. TLS always checks that the certificate is
//! signed by somebody trusted and is for the name in the address; a private authority is added by [`Server::trusting`]. What
//! is wrong with a connection is an [`Event::Unreachable`], once for each thing that is wrong in a row.
//!
//! ```no_run
//! use hubbub_codec::client::{Client, Server};
//! use hubbub_codec::ids::{DeviceId, UserId};
//! use hubbub_codec::session::{Event, OutgoingMessage, Recipient, SessionConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SessionConfig::new("header.claims.signature", DeviceId(1));
//! let server: Server = "chat.example:7400".parse()?;
//! let (client, mut events) = Client::connect(server, config);
//! let to = Recipient::User(UserId(20));
//! let sent = client.send(to, OutgoingMessage::text("Good morning")).await?;
//! println!("stored as {} of {}", sent.seq, sent.conversation);
//! while let Some(event) = events.next().await {
//!     if let Event::Entries { conversation, entries, .. } = event {
//!         println!("{} new in {conversation}", entries.len());
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod accounts;
mod driver;
mod groups;
mod messages;
mod presence;
mod server;

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::{mpsc, oneshot};

use crate::ids::{Conversation, Seq, UserId};
use crate::line::LineError;
use crate::proto;
use crate::registration::{NewAccount, Registration, RegistrationError};
pub use crate::session::Sent;
use crate::session::{
    Credentials, Event, OutgoingMessage, Recipient, Reply, RequestId, SendId, SendRefused, Session, SessionConfig,
    Stats,
};
use driver::Driver;
use server::READ_BYTES;
pub use server::{ConnectError, Server};

/// How long a registration may take.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(60);

/// Requests that wait for the task; callers beyond wait for room.
const COMMANDS_MAX: usize = 64;

/// Events that wait for the application; beyond, the socket is not read.
const EVENTS_MAX: usize = 256;

/// A handle on a running client; clones talk to the same one.
#[derive(Debug, Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
}

/// What happens, in order.
#[derive(Debug)]
pub struct Events {
    events: mpsc::Receiver<Event>,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// It was not taken.
    #[error(transparent)]
    Refused(#[from] SendRefused),
    /// The server refused it: for good, or for now when it does not append to a log (`Error.action` says which).
    #[error("{}", .0.message)]
    Failed(Box<proto::Error>),
    /// The client was closed before the answer came. A message may be stored or not.
    #[error("the client is closed")]
    Closed,
    /// The server answered something else than what was asked.
    #[error("an answer of another kind")]
    WrongKind,
}

/// Why an account was not made, as far as is known.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The server refused, or broke the rules.
    #[error(transparent)]
    Registration(#[from] RegistrationError),
    /// The connection could not be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection was lost.
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    /// What came over it is not what the transport asks for.
    #[error(transparent)]
    Line(#[from] LineError),
    /// There was no answer in 60 seconds.
    #[error("no answer in time")]
    TimedOut,
}

/// Asks the session for something; returns the number that its answer will carry.
type Ask = Box<dyn FnOnce(&mut Session, Duration) -> Result<Ticket, SendRefused> + Send>;

/// Tells the session something.
type Tell = Box<dyn FnOnce(&mut Session, Duration) + Send>;

/// The number of a request that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Ticket {
    Send(SendId),
    Request(RequestId),
}

enum Answer {
    Sent(Sent),
    Reply(Reply),
}

enum Command {
    Ask {
        ask: Ask,
        answer: oneshot::Sender<Result<Answer, RequestError>>,
    },
    /// Something that has no answer from the server.
    Tell(Tell),
    Close(oneshot::Sender<()>),
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ask { .. } => "Ask",
            Self::Tell(_) => "Tell",
            Self::Close(_) => "Close",
        })
    }
}

impl Events {
    /// The next event; `None` when the client has ended.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }
}

impl Client {
    /// Starts a client on the current runtime. It connects to `server` by itself, now and whenever the connection is lost.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn connect(server: impl Into<Server>, config: SessionConfig) -> (Self, Events) {
        Self::connect_with(server, config, |_| {})
    }

    /// [`Client::connect`], after `prepare` has restored cursors and unanswered sends of an earlier run.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn connect_with(
        server: impl Into<Server>,
        config: SessionConfig,
        prepare: impl FnOnce(&mut Session),
    ) -> (Self, Events) {
        let (commands, commands_in) = mpsc::channel(COMMANDS_MAX);
        let (events_out, events) = mpsc::channel(EVENTS_MAX);
        let mut driver = Driver::new(server.into(), config, commands_in, events_out);
        prepare(driver.session_mut());
        tokio::spawn(driver.drive_loop());
        (Self { commands }, Events { events })
    }

    /// Sends a message and waits until it is durable, over reconnects too.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn send(&self, to: Recipient, message: OutgoingMessage) -> Result<Sent, RequestError> {
        let ask = move |session: &mut Session, now| session.send(now, to, message).map(Ticket::Send);
        match self.ask(Box::new(ask)).await? {
            Answer::Sent(sent) => Ok(sent),
            Answer::Reply(_) => Err(RequestError::WrongKind),
        }
    }

    /// The person has seen a conversation up to `seq`.
    ///
    /// # Errors
    /// [`RequestError::Closed`].
    pub async fn read(&self, conversation: Conversation, seq: Seq) -> Result<(), RequestError> {
        self.tell(move |session, now| {
            // More conversations than the session follows: the mark is lost, and nothing else.
            let _ = session.read(now, &conversation, seq);
        })
        .await
    }

    /// Logs in with these from the next connection on; see [`Session::set_credentials`].
    ///
    /// # Errors
    /// [`RequestError::Closed`].
    pub async fn set_credentials(&self, credentials: impl Into<Credentials>) -> Result<(), RequestError> {
        let credentials = credentials.into();
        self.tell(move |session, now| session.set_credentials(now, credentials)).await
    }

    /// What the session has counted.
    ///
    /// # Errors
    /// [`RequestError::Closed`].
    pub async fn stats(&self) -> Result<Stats, RequestError> {
        let (answer, answered) = oneshot::channel();
        self.tell(move |session, _| {
            let _ = answer.send(session.stats());
        })
        .await?;
        answered.await.map_err(|_| RequestError::Closed)
    }

    /// Acknowledges what was received, closes the connection, and ends the task. Requests without an answer fail with
    /// [`RequestError::Closed`]: wait for them first.
    pub async fn close(self) {
        let (closed, wait) = oneshot::channel();
        if self.commands.send(Command::Close(closed)).await.is_ok() {
            // An error says the same: the task has ended.
            let _ = wait.await;
        }
    }

    async fn request<F>(&self, ask: F) -> Result<Reply, RequestError>
    where
        F: FnOnce(&mut Session, Duration) -> Result<RequestId, SendRefused> + Send + 'static,
    {
        let ask = move |session: &mut Session, now| ask(session, now).map(Ticket::Request);
        match self.ask(Box::new(ask)).await? {
            Answer::Reply(reply) => Ok(reply),
            Answer::Sent(_) => Err(RequestError::WrongKind),
        }
    }

    /// [`Client::request`] with an answer that says no more than that it was done.
    async fn done<F>(&self, ask: F) -> Result<(), RequestError>
    where
        F: FnOnce(&mut Session, Duration) -> Result<RequestId, SendRefused> + Send + 'static,
    {
        match self.request(ask).await? {
            Reply::Done => Ok(()),
            _ => Err(RequestError::WrongKind),
        }
    }

    async fn ask(&self, ask: Ask) -> Result<Answer, RequestError> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Ask { ask, answer }).await?;
        answered.await.unwrap_or(Err(RequestError::Closed))
    }

    async fn tell(&self, tell: impl FnOnce(&mut Session, Duration) + Send + 'static) -> Result<(), RequestError> {
        self.command(Command::Tell(Box::new(tell))).await
    }

    async fn command(&self, command: Command) -> Result<(), RequestError> {
        let sent = self.commands.send(command).await;
        sent.map_err(|_| RequestError::Closed)
    }
}

/// Makes an account on a server, on a connection of its own; log in afterwards.
///
/// # Errors
/// [`RegisterError`]. After a lost connection the account may have been made.
pub async fn register(server: impl Into<Server>, account: NewAccount) -> Result<UserId, RegisterError> {
    tokio::time::timeout(REGISTER_TIMEOUT, register_within(server.into(), account))
        .await
        .map_err(|_| RegisterError::TimedOut)?
}

async fn register_within(mut server: Server, account: NewAccount) -> Result<UserId, RegisterError> {
    let mut connection = server.connect(None, SessionConfig::default().frame_bytes_max).await?;
    let mut registration = Registration::new(account);
    connection.line.write(&registration.handle_connected())?;
    loop {
        connection.write_all().await?;
        connection.input.reserve(READ_BYTES);
        if connection.stream.read_buf(&mut connection.input).await? == 0 {
            return Err(connection.line.why_over().into());
        }
        connection.line.handle_bytes(&mut connection.input, &mut connection.frames)?;
        if let Some(user) = registration.handle_bytes(&mut connection.frames)? {
            return Ok(user);
        }
    }
}
