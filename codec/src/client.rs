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
//! ```no_run
//! use hubbub_codec::client::Client;
//! use hubbub_codec::ids::{DeviceId, UserId};
//! use hubbub_codec::session::{Event, OutgoingMessage, Recipient, SessionConfig};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let config = SessionConfig::new("header.claims.signature", DeviceId(1));
//! let (client, mut events) = Client::connect("chat.example:4000", config);
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

mod driver;

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::ids::{Conversation, GroupId, MessageId, Seq, UserId};
use crate::proto;
use crate::proto::history::Position;
use crate::session::{
    Event, OutgoingMessage, Recipient, Reply, RequestId, SendId, SendRefused, Session, SessionConfig, Stats,
};
use driver::Driver;

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

/// A message that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Where it is.
    pub conversation: Conversation,
    /// Its number there.
    pub seq: Seq,
    /// Its cluster-wide name.
    pub message_id: MessageId,
    /// When it was decided: microseconds since the Unix epoch, UTC.
    pub time_us: i64,
    /// An earlier attempt had stored it already.
    pub duplicate: bool,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// It was not taken.
    #[error(transparent)]
    Refused(#[from] SendRefused),
    /// The server refused it for good.
    #[error("{}", .0.message)]
    Failed(Box<proto::Error>),
    /// The client was closed before the answer came. A message may be stored or not.
    #[error("the client is closed")]
    Closed,
    /// The server answered something else than what was asked.
    #[error("an answer of another kind")]
    WrongKind,
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
    /// Starts a client on the current runtime. It connects to `address` (`host:port`) by itself, now and whenever the
    /// connection is lost.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn connect(address: impl Into<String>, config: SessionConfig) -> (Self, Events) {
        Self::connect_with(address, config, |_| {})
    }

    /// [`Client::connect`], after `prepare` has restored cursors and unanswered sends of an earlier run.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn connect_with(
        address: impl Into<String>,
        config: SessionConfig,
        prepare: impl FnOnce(&mut Session),
    ) -> (Self, Events) {
        let (commands, commands_in) = mpsc::channel(COMMANDS_MAX);
        let (events_out, events) = mpsc::channel(EVENTS_MAX);
        let mut driver = Driver::new(address.into(), config, commands_in, events_out);
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

    /// Reads a part of a log; see [`Session::history`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn history(
        &self,
        conversation: Conversation,
        position: Position,
        limit: u32,
    ) -> Result<proto::Entries, RequestError> {
        let ask = move |session: &mut Session, now| session.history(now, &conversation, position, limit);
        match self.request(ask).await? {
            Reply::History(entries) => Ok(entries),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Makes a group; see [`Session::create_group`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn create_group(
        &self,
        title: impl Into<String>,
        members: Vec<UserId>,
    ) -> Result<proto::Group, RequestError> {
        let title = title.into();
        let ask = move |session: &mut Session, now| session.create_group(now, title, &members);
        group_of(self.request(ask).await?)
    }

    /// Adds users to a group; see [`Session::add_members`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn add_members(&self, group: GroupId, members: Vec<UserId>) -> Result<(), RequestError> {
        let ask = move |session: &mut Session, now| session.add_members(now, group, &members);
        self.request(ask).await.map(drop)
    }

    /// Removes users from a group; see [`Session::remove_members`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn remove_members(&self, group: GroupId, members: Vec<UserId>) -> Result<(), RequestError> {
        let ask = move |session: &mut Session, now| session.remove_members(now, group, &members);
        self.request(ask).await.map(drop)
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn leave(&self, group: GroupId) -> Result<(), RequestError> {
        let ask = move |session: &mut Session, now| session.leave(now, group);
        self.request(ask).await.map(drop)
    }

    /// A group and a page of its members; see [`Session::get_group`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn get_group(
        &self,
        group: GroupId,
        members_after: UserId,
        limit: u32,
    ) -> Result<proto::Group, RequestError> {
        let ask = move |session: &mut Session, now| session.get_group(now, group, members_after, limit);
        group_of(self.request(ask).await?)
    }

    /// A page of this user's conversations; see [`Session::list_conversations`].
    ///
    /// # Errors
    /// [`RequestError`].
    pub async fn list_conversations(&self, after: Bytes, limit: u32) -> Result<proto::Conversations, RequestError> {
        let ask = move |session: &mut Session, now| session.list_conversations(now, after, limit);
        match self.request(ask).await? {
            Reply::Conversations(page) => Ok(page),
            _ => Err(RequestError::WrongKind),
        }
    }

    /// Logs in with this token from the next connection on; see [`Session::set_token`].
    ///
    /// # Errors
    /// [`RequestError::Closed`].
    pub async fn set_token(&self, token: impl Into<String>) -> Result<(), RequestError> {
        let token = token.into();
        self.tell(move |session, now| session.set_token(now, token)).await
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

fn group_of(reply: Reply) -> Result<proto::Group, RequestError> {
    match reply {
        Reply::Group(group) => Ok(group),
        _ => Err(RequestError::WrongKind),
    }
}
