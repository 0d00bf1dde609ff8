//! One connection of a trunk: whose bytes are in which channel, and one write for all of them.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use bytes::{Buf, Bytes, BytesMut};
use hubbub_codec::proto::error::Action;
use hubbub_codec::trunk::{ChannelEnd, ChannelId, Opened, TOKEN_AUDIENCE, Trunk, TrunkError, TrunkEvent};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;
use tokio::net::TcpStream;

use super::wire::Flushed;

/// How long a token is good for: it is used at once.
const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// What the trunk and the clients in its channels hold together.
pub(super) type SharedTrunk = Rc<RefCell<TrunkEnd>>;

#[derive(Serialize)]
struct Claims {
    aud: &'static str,
    exp: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct TrunkEnd {
    trunk: Trunk,
    stream: Rc<TcpStream>,
    /// The client in each channel, by number from 1.
    clients: Vec<Option<u32>>,
    /// Clients whose channels this side has closed.
    let_go: Vec<u32>,
    /// The beginning of a frame whose rest is still to come.
    leftover: BytesMut,
    /// What the socket did not take.
    unsent: Bytes,
    /// A task waits for the socket to take more.
    pub(super) awaits_writable: bool,
}

/// What comes out of received bytes; clients by their index.
#[derive(Debug)]
pub(super) enum Heard {
    Opened,
    Data(u32, ChannelId, BytesMut),
    Writable(u32),
    Closed(u32, String),
}

/// Why a trunk is over.
#[derive(Debug)]
pub(super) enum Over {
    /// It may be better next time.
    Lost(String),
    /// The server will never take it.
    Refused(String),
}

impl TrunkEnd {
    /// On a fresh connection, to a shard.
    ///
    /// # Errors
    /// When the token cannot be signed.
    pub(super) fn new(stream: Rc<TcpStream>, secret: &[u8], shard: u32) -> anyhow::Result<Self> {
        let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TOKEN_LIFE;
        let claims = Claims { aud: TOKEN_AUDIENCE, exp: expires.as_secs() };
        let token = encode(&Header::default(), &claims, &EncodingKey::from_secret(secret));
        Ok(Self {
            trunk: Trunk::new(token.context("a trunk's token could not be signed")?, shard),
            stream,
            clients: Vec::new(),
            let_go: Vec::new(),
            leftover: BytesMut::new(),
            unsent: Bytes::new(),
            awaits_writable: false,
        })
    }

    pub(super) fn stream(&self) -> &Rc<TcpStream> {
        &self.stream
    }

    /// What the server has said of it, once it has.
    pub(super) fn opened(&self) -> Option<&Opened> {
        self.trunk.opened()
    }

    // ---- Channels ----

    /// Opens a channel for a client; `None` when there are as many as there may be.
    pub(super) fn open(&mut self, client: u32) -> Option<ChannelId> {
        let channel = self.trunk.open(None)?;
        let at = channel.0 as usize;
        if self.clients.len() < at {
            self.clients.resize(at, None);
        }
        self.clients[at - 1] = Some(client);
        Some(channel)
    }

    /// Takes off `bytes` what may be sent now.
    pub(super) fn send(&mut self, channel: ChannelId, bytes: &mut Bytes) {
        self.trunk.send(channel, bytes);
    }

    /// So many bytes of a channel were handled.
    pub(super) fn taken(&mut self, channel: ChannelId, bytes: usize) {
        self.trunk.taken(channel, bytes);
    }

    /// Ends a client's channel; [`TrunkEnd::take_let_go`] tells of it.
    pub(super) fn let_go(&mut self, channel: ChannelId) {
        if let Some(client) = self.clients.get_mut(channel.0 as usize - 1).and_then(Option::take) {
            self.trunk.close(channel);
            self.let_go.push(client);
        }
    }

    /// Clients that were let go since the last call.
    pub(super) fn take_let_go(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.let_go)
    }

    /// Everybody who is in a channel, or was let go and not told.
    pub(super) fn take_clients(&mut self) -> Vec<u32> {
        let left = std::mem::take(&mut self.clients);
        self.take_let_go().into_iter().chain(left.into_iter().flatten()).collect()
    }

    // ---- Reading ----

    /// Reads once into `buffer`, behind what was left over. `None`: there is nothing for now; else whether there may be
    /// more.
    ///
    /// # Errors
    /// When the connection is over.
    pub(super) fn read(&mut self, buffer: &mut BytesMut) -> Result<Option<bool>, Over> {
        buffer.clear();
        buffer.extend_from_slice(&self.leftover);
        buffer.reserve(super::thread::READ_BYTES);
        let room = buffer.capacity() - buffer.len();
        match self.stream.try_read_buf(buffer) {
            Ok(0) => Err(Over::Lost("the server closed the trunk".to_owned())),
            Ok(read) => {
                self.leftover.clear();
                Ok(Some(read == room))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(Over::Lost(format!("read: {error}"))),
        }
    }

    /// Takes the next thing that matters off `buffer`; at `None` the rest is kept for the next read.
    ///
    /// # Errors
    /// When the trunk is over.
    pub(super) fn hear(&mut self, buffer: &mut BytesMut) -> Result<Option<Heard>, Over> {
        loop {
            let heard = match self.trunk.take(buffer).map_err(why)? {
                None => {
                    self.leftover.extend_from_slice(buffer);
                    return Ok(None);
                }
                Some(TrunkEvent::Opened) => Some(Heard::Opened),
                Some(TrunkEvent::Data(channel, bytes)) => {
                    self.client(channel).map(|client| Heard::Data(client, channel, bytes))
                }
                Some(TrunkEvent::Writable(channel)) => self.client(channel).map(Heard::Writable),
                Some(TrunkEvent::Closed(channel, why)) => {
                    let client = self.clients.get_mut(channel.0 as usize - 1).and_then(Option::take);
                    client.map(|client| Heard::Closed(client, words(why)))
                }
                Some(TrunkEvent::Pong(_)) => None,
            };
            if heard.is_some() {
                return Ok(heard);
            }
        }
    }

    fn client(&self, channel: ChannelId) -> Option<u32> {
        self.clients.get(channel.0 as usize - 1).copied().flatten()
    }

    // ---- Writing ----

    /// Writes what all clients have, as far as the socket takes it.
    pub(super) fn flush(&mut self) -> Flushed {
        loop {
            if self.unsent.is_empty() {
                match self.trunk.poll_transmit() {
                    Some(bytes) => self.unsent = bytes,
                    None => return Flushed::All,
                }
            }
            match self.stream.try_write(&self.unsent) {
                Ok(written) => self.unsent.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Flushed::Blocked,
                Err(_) => return Flushed::Broken,
            }
        }
    }
}

fn why(error: TrunkError) -> Over {
    match error {
        TrunkError::Refused(error) if error.action() != Action::Retry => Over::Refused(error.message),
        error => Over::Lost(error.to_string()),
    }
}

fn words(why: ChannelEnd) -> String {
    match why {
        ChannelEnd::Over => "the server closed the channel".to_owned(),
        ChannelEnd::WrongShard(shard) => format!("the server wants this user on shard {shard}"),
        ChannelEnd::Window => "the server says that a window was overrun".to_owned(),
        ChannelEnd::Full => "the server has as many channels as it may (trunk.channels_max)".to_owned(),
    }
}
