//! The clients of one process: one thread, one event loop, one write per client and turn.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hubbub_codec::frame::peek_frame;
use hubbub_codec::proto::client_frame::Body;
use hubbub_codec::proto::send::To;
use hubbub_codec::proto::server_frame::Body as Reply;
use hubbub_codec::proto::{Conversation, ServerFrame};
use mio::event::Event;
use mio::{Events, Interest, Poll, Token};
use prost::Message as _;
use slab::Slab;

use super::client::{Client, REQUEST_ID, Stage};
use super::scan::{Seen, scan, tag};

/// Connections that open at the same time.
const OPENING_MAX: usize = 64;
/// What was received and not yet acknowledged is acknowledged this often.
const TICK: Duration = Duration::from_millis(200);
/// Nothing here takes this long on a sound server.
const PATIENCE: Duration = Duration::from_secs(30);
const READ_BYTES: usize = 256 * 1024;
const FRAME_BYTES_MAX: usize = 1 << 20;

/// Names a client of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKey(usize);

/// What a client is made of.
#[derive(Debug)]
pub struct Identity {
    /// The user, who is also the device.
    pub user: u64,
    /// The login token.
    pub token: String,
}

/// What has happened since the engine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages sent.
    pub sent: u64,
    /// Of them acknowledged.
    pub acknowledged: u64,
    /// Entries received by clients that send nothing.
    pub delivered: u64,
    /// Entries received by clients that send: copies of their own messages, and of other senders' in a group.
    pub own: u64,
}

/// See the module.
pub struct Engine {
    address: SocketAddr,
    /// The number of the first client, for its source address.
    first: usize,
    made: usize,
    poll: Poll,
    events: Events,
    clients: Slab<Client>,
    opening: usize,
    scratch: Vec<u8>,
    dirty: Vec<usize>,
    owing: Vec<usize>,
    next_tick: Instant,
    /// How many messages each sender keeps in flight; 0 stops the loops.
    in_flight: u64,
    counts: Counts,
    reply: Option<Reply>,
}

impl Engine {
    /// An engine without clients. `first` numbers its clients among those of all processes.
    ///
    /// # Errors
    /// The event loop cannot be made.
    pub fn new(address: SocketAddr, first: usize) -> anyhow::Result<Engine> {
        Ok(Engine {
            address,
            first,
            made: 0,
            poll: Poll::new()?,
            events: Events::with_capacity(4_096),
            clients: Slab::new(),
            opening: 0,
            scratch: vec![0; READ_BYTES],
            dirty: Vec::new(),
            owing: Vec::new(),
            next_tick: Instant::now() + TICK,
            in_flight: 0,
            counts: Counts::default(),
            reply: None,
        })
    }

    /// What has happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// How many clients there are.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    // ---- Clients ----

    /// Connects clients, logs them in and subscribes them.
    ///
    /// # Errors
    /// One of them was refused or not answered in time.
    pub fn open(&mut self, identities: impl IntoIterator<Item = Identity>) -> anyhow::Result<Vec<ClientKey>> {
        let mut waiting: VecDeque<Identity> = identities.into_iter().collect();
        let mut keys = Vec::with_capacity(waiting.len());
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            while self.opening < OPENING_MAX
                && let Some(identity) = waiting.pop_front()
            {
                keys.push(self.connect(identity)?);
                deadline = Instant::now() + PATIENCE;
            }
            if self.opening == 0 {
                return Ok(keys);
            }
            ensure!(Instant::now() < deadline, "{} clients are not logged in after {PATIENCE:?}", self.opening);
            self.turn(Duration::from_millis(100))?;
        }
    }

    fn connect(&mut self, identity: Identity) -> anyhow::Result<ClientKey> {
        let n = self.first + self.made;
        self.made += 1;
        let mut client = Client::connect(self.address, n, identity.user, identity.token).context("connect")?;
        let entry = self.clients.vacant_entry();
        let key = entry.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut client.stream, Token(key), interest)?;
        entry.insert(client);
        self.opening += 1;
        Ok(ClientKey(key))
    }

    /// Closes clients.
    pub fn close(&mut self, keys: impl IntoIterator<Item = ClientKey>) {
        for ClientKey(key) in keys {
            self.clients.remove(key);
        }
        let clients = &self.clients;
        self.owing.retain(|&key| clients.contains(key));
        self.dirty.retain(|&key| clients.contains(key));
    }

    /// Where a client reads, and, for a sender, what it sends.
    pub fn assign(&mut self, key: ClientKey, conversation: Conversation, sends: Option<(To, usize)>) {
        let client = &mut self.clients[key.0];
        client.talk_in(conversation);
        if let Some((to, body_bytes)) = sends {
            client.prepare_sends(to, body_bytes);
        }
    }

    /// Asks something and waits for the answer.
    ///
    /// # Errors
    /// It was refused, or not answered in time.
    pub fn request(&mut self, key: ClientKey, body: Body) -> anyhow::Result<Reply> {
        self.clients[key.0].request(body);
        self.mark_dirty(key.0);
        self.reply = None;
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.turn(Duration::from_millis(100))?;
            if let Some(reply) = self.reply.take() {
                return Ok(reply);
            }
            ensure!(Instant::now() < deadline, "a request was not answered within {PATIENCE:?}");
        }
    }

    // ---- Load ----

    /// Lets every sender keep so many messages in flight from now on; 0 lets the loops run dry.
    pub fn set_in_flight(&mut self, in_flight: u64) {
        self.in_flight = in_flight;
        let senders = self.clients.iter().filter(|(_, client)| client.is_sender());
        for key in senders.map(|(key, _)| key).collect::<Vec<_>>() {
            self.top_up(key);
        }
    }

    /// Serves the clients for some time.
    ///
    /// # Errors
    /// A connection or the protocol broke, or the server refused something.
    pub fn run(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.turn(left)?;
        }
        Ok(())
    }

    /// Stops the loops and waits until every message was acknowledged and `copies` of each were received since
    /// `since`.
    ///
    /// # Errors
    /// Copies are missing after a while, or there are too many: then the figures mean nothing.
    pub fn settle(&mut self, since: Counts, copies: u64) -> anyhow::Result<()> {
        self.in_flight = 0;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let sent = self.counts.sent - since.sent;
            let received = self.counts.delivered + self.counts.own - since.delivered - since.own;
            let open = self.clients.iter().map(|(_, client)| client.in_flight()).sum::<u64>();
            if open == 0 && received == sent * copies {
                return Ok(());
            }
            let late = Instant::now() > deadline;
            if late || received > sent * copies {
                bail!("{sent} sent, {open} of them not acknowledged, {received} copies received of {}", sent * copies);
            }
            self.turn(Duration::from_millis(100))?;
        }
    }

    /// Waits until each client has received at least so many entries since it was assigned.
    ///
    /// # Errors
    /// That takes too long.
    pub fn wait_received(&mut self, entries: u64) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.clients.iter().any(|(_, client)| client.received < entries) {
            let behind = self.clients.iter().filter(|(_, client)| client.received < entries).count();
            ensure!(Instant::now() < deadline, "{behind} clients have not received {entries} entries");
            self.turn(Duration::from_millis(100))?;
        }
        Ok(())
    }

    // ---- A turn ----

    fn turn(&mut self, wait: Duration) -> anyhow::Result<()> {
        self.flush_dirty()?;
        let until_tick = self.next_tick.saturating_duration_since(Instant::now());
        let mut events = std::mem::replace(&mut self.events, Events::with_capacity(0));
        match self.poll.poll(&mut events, Some(wait.min(until_tick))) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        for event in &events {
            self.take_event(event)?;
        }
        self.events = events;
        if Instant::now() >= self.next_tick {
            self.next_tick = Instant::now() + TICK;
            for key in std::mem::take(&mut self.owing) {
                let client = &mut self.clients[key];
                client.owes = false;
                client.acknowledge();
                self.mark_dirty(key);
            }
        }
        self.flush_dirty()
    }

    fn flush_dirty(&mut self) -> anyhow::Result<()> {
        let mut dirty = std::mem::take(&mut self.dirty);
        for key in dirty.drain(..) {
            let client = &mut self.clients[key];
            client.dirty = false;
            client.flush().context("write")?;
        }
        self.dirty = dirty;
        Ok(())
    }

    fn mark_dirty(&mut self, key: usize) {
        let client = &mut self.clients[key];
        if !std::mem::replace(&mut client.dirty, true) {
            self.dirty.push(key);
        }
    }

    fn take_event(&mut self, event: &Event) -> anyhow::Result<()> {
        let Token(key) = event.token();
        let Some(client) = self.clients.get_mut(key) else { return Ok(()) };
        if client.stage == Stage::Connecting {
            if let Some(error) = client.stream.take_error()? {
                return Err(error).context("connect");
            }
            if event.is_writable() {
                client.hello();
                self.mark_dirty(key);
            }
            return Ok(());
        }
        if event.is_writable() {
            client.flush().context("write")?;
        }
        if event.is_readable() { self.read(key) } else { Ok(()) }
    }

    fn read(&mut self, key: usize) -> anyhow::Result<()> {
        let mut scratch = std::mem::take(&mut self.scratch);
        while let Some(read) = self.clients[key].read(&mut scratch).context("read")? {
            self.take_bytes(key, &scratch[..read])?;
            if read < scratch.len() {
                // A new edge comes with new bytes.
                break;
            }
        }
        self.scratch = scratch;
        Ok(())
    }

    fn take_bytes(&mut self, key: usize, bytes: &[u8]) -> anyhow::Result<()> {
        let mut unread = std::mem::take(&mut self.clients[key].unread);
        let rest = if unread.is_empty() {
            &bytes[self.take_frames(key, bytes)?..]
        } else {
            unread.extend_from_slice(bytes);
            let taken = self.take_frames(key, &unread)?;
            unread.drain(..taken);
            &[]
        };
        unread.extend_from_slice(rest);
        self.clients[key].unread = unread;
        Ok(())
    }

    /// Takes whole frames; tells how many bytes they were.
    fn take_frames(&mut self, key: usize, bytes: &[u8]) -> anyhow::Result<usize> {
        let mut taken = 0;
        while let Some(Range { start, end }) = peek_frame(&bytes[taken..], FRAME_BYTES_MAX)? {
            self.take_frame(key, &bytes[taken + start..taken + end])?;
            taken += end;
        }
        Ok(taken)
    }

    fn take_frame(&mut self, key: usize, payload: &[u8]) -> anyhow::Result<()> {
        match scan(payload) {
            Seen::Entries { count, last } => {
                let client = &mut self.clients[key];
                let own = client.is_sender();
                *(if own { &mut self.counts.own } else { &mut self.counts.delivered }) += count;
                if client.receive(count, last) {
                    client.acknowledge();
                    self.mark_dirty(key);
                } else if !std::mem::replace(&mut client.owes, true) {
                    self.owing.push(key);
                }
                Ok(())
            }
            Seen::Sent => {
                self.counts.acknowledged += 1;
                self.clients[key].acknowledged();
                self.top_up(key);
                Ok(())
            }
            Seen::Other(tag::RECEIPTS | tag::CONVERSATION_CHANGED) => Ok(()),
            Seen::Other(_) => self.take_reply(key, payload),
            Seen::Broken => bail!("a frame that is none"),
        }
    }

    fn take_reply(&mut self, key: usize, payload: &[u8]) -> anyhow::Result<()> {
        let frame = ServerFrame::decode(payload)?;
        match frame.body {
            Some(Reply::Error(error)) => bail!("refused: {} ({})", error.message, error.field),
            Some(Reply::Bye(bye)) => bail!("the server says goodbye: {:?}", bye.reason()),
            _ => {}
        }
        let client = &mut self.clients[key];
        if client.stage != Stage::Ready {
            if client.advance() {
                self.opening -= 1;
            } else {
                self.mark_dirty(key);
            }
        } else if frame.request_id == REQUEST_ID {
            self.reply = frame.body;
        }
        Ok(())
    }

    fn top_up(&mut self, key: usize) {
        let sent = self.clients[key].top_up(self.in_flight);
        if sent > 0 {
            self.counts.sent += sent;
            self.mark_dirty(key);
        }
    }
}
