//! The trunks of a thread, in place of a connection for each client.
//!
//! The first trunk tells how many shards the server has and who lives where; then the others are opened, and each client
//! gets a channel on a trunk of its user's shard. Clients connect at the thread's pace from a queue, without a task of
//! their own. A lost trunk is opened again, with backoff, and its clients wait for it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::BytesMut;
use hubbub_codec::ids::UserId;
use hubbub_codec::trunk::Opened;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use super::client::{Link, UNTIL_RECALLED};
use super::connect;
use super::plan::{Plan, Share, TrunkPlan};
use super::thread::Thread;
use super::timers::Due;
use super::trunk_end::{Heard, Over, SharedTrunk, TrunkEnd};
use super::wire::Flushed;
use crate::clock::now_us;

/// Clients for each trunk, unless it is said how many trunks there are.
const CLIENTS_PER_TRUNK: u32 = 10_000;

/// The first and the longest pause before a lost trunk is opened again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// See the module.
#[derive(Debug)]
pub(super) struct Trunks {
    plan: TrunkPlan,
    /// How many there shall be; the number of shards is the least.
    count: u32,
    opened: Option<Opened>,
    places: Vec<Place>,
    /// Clients that want to connect now.
    queue: VecDeque<u32>,
}

/// A trunk, whether it is connected or not.
#[derive(Debug, Default)]
struct Place {
    shard: u32,
    end: Option<SharedTrunk>,
    is_open: bool,
    /// Clients that wait for it.
    parked: Vec<u32>,
}

impl Trunks {
    /// For a thread with so many clients; `None` when each has a connection of its own.
    pub(super) fn of(plan: &Plan, share: &Share, clients: u32) -> Option<Self> {
        let trunks = plan.trunks.clone()?;
        let count = match trunks.count {
            Some(count) => count.div_ceil(share.workers.max(1)),
            None => clients.div_ceil(CLIENTS_PER_TRUNK),
        };
        let queue = (0..clients).collect();
        Some(Self { plan: trunks, count: count.max(1), opened: None, places: vec![Place::default()], queue })
    }

    /// The place for a client, by number; `None` before the first trunk is open.
    fn place_of(&self, client: u32, user: u64) -> Option<usize> {
        let opened = self.opened.as_ref()?;
        let shard = opened.shard_of(UserId(user));
        // Trunk n is one of shard n modulo the number of shards.
        let of_shard = (self.places.len() as u32 - shard).div_ceil(opened.shards);
        Some((shard + opened.shards * (client % of_shard)) as usize)
    }

    /// What the first trunk told: the numbers of the other trunks.
    fn learn(&mut self, opened: Opened) -> std::ops::Range<u32> {
        let before = self.places.len() as u32;
        let shards = opened.shards;
        let all = self.count.max(shards).max(before);
        self.places.extend((before..all).map(|number| Place { shard: number % shards, ..Place::default() }));
        self.opened = Some(opened);
        before..all
    }
}

/// A trunk's life, to the end of the run.
pub(super) async fn live(thread: Rc<RefCell<Thread>>, number: u32) {
    let mut pause = PAUSES.0;
    loop {
        let (server, source) = thread.borrow().addresses(number);
        match connect::connect(server, source).await {
            Ok(stream) => {
                let stream = Rc::new(stream);
                let why = match thread.borrow_mut().handle_trunk_connected(number, Rc::clone(&stream)) {
                    Ok(()) => None,
                    Err(error) => Some(Over::Refused(format!("{error:#}"))),
                };
                let why = match why {
                    Some(why) => why,
                    None => read_to_end(&thread, number, &stream).await,
                };
                if thread.borrow_mut().handle_trunk_lost(number, why) {
                    pause = PAUSES.0;
                }
            }
            Err(error) => thread.borrow_mut().handle_trunk_error(&error),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn read_to_end(thread: &RefCell<Thread>, number: u32, stream: &TcpStream) -> Over {
    loop {
        if let Err(error) = stream.readable().await {
            return Over::Lost(format!("read: {error}"));
        }
        loop {
            match thread.borrow_mut().handle_trunk_readable(number) {
                Ok(true) => {}
                Ok(false) => break,
                Err(why) => return why,
            }
        }
    }
}

async fn write_on(thread: Rc<RefCell<Thread>>, end: SharedTrunk, stream: Rc<TcpStream>) {
    // A broken socket is the reader's affair.
    let _ = stream.writable().await;
    end.borrow_mut().awaits_writable = false;
    thread.borrow_mut().write_trunk(&end);
}

impl Thread {
    // ---- Clients ----

    /// Puts a client without a connection among those who want one, now or when its time has come. Only with trunks:
    /// others have a task of their own for that.
    pub(super) fn await_channel(&mut self, index: u32) {
        let (Some(trunks), Some(at_us)) = (&mut self.trunks, self.clients[index as usize].connect_at_us()) else {
            return;
        };
        if at_us <= now_us() {
            trunks.queue.push_back(index);
        } else if at_us < UNTIL_RECALLED {
            self.timers.add(at_us, Due::Connect(index));
        }
    }

    /// Everybody who is away looks again when they are to come back.
    fn await_channels(&mut self) {
        for index in 0..self.clients.len() as u32 {
            if self.clients[index as usize].link == Link::Down {
                self.await_channel(index);
            }
        }
    }

    /// A turn's part for trunks: who wants a channel gets one, who lost one is told, what was said is written.
    pub(super) fn go_on_with_trunks(&mut self, now_us: u64) {
        if self.trunks.is_none() {
            return;
        }
        if self.pacer.take_recall() {
            self.await_channels();
        }
        self.open_channels(now_us);
        self.write_trunks();
    }

    /// When the next client may connect, if any waits for that.
    pub(super) fn next_channel_us(&self) -> Option<u64> {
        let trunks = self.trunks.as_ref()?;
        let waits = trunks.opened.is_some() && !trunks.queue.is_empty();
        waits.then(|| self.pacer.next_us())
    }

    fn open_channels(&mut self, now_us: u64) {
        while let Some(trunks) = &mut self.trunks
            && trunks.opened.is_some()
            && let Some(&index) = trunks.queue.front()
        {
            let client = &self.clients[index as usize];
            // It may stand there twice, or its time may have moved since.
            let wants = client.link == Link::Down && client.connect_at_us().is_some_and(|at_us| at_us <= now_us);
            if !wants {
                trunks.queue.pop_front();
                continue;
            }
            let Some(permit) = self.pacer.try_admit(now_us) else { return };
            trunks.queue.pop_front();
            self.open_channel(index, permit, now_us);
        }
    }

    fn open_channel(&mut self, index: u32, permit: OwnedSemaphorePermit, now_us: u64) {
        let user = self.user_id(index);
        let Some(trunks) = &mut self.trunks else { return };
        let Some(place) = trunks.place_of(index, user).and_then(|at| trunks.places.get_mut(at)) else { return };
        let Some(end) = place.end.clone().filter(|_| place.is_open) else {
            return place.parked.push(index);
        };
        self.begin_connecting(index);
        let opened = end.borrow_mut().open(index);
        match opened {
            Some(channel) => {
                let client = &mut self.clients[index as usize];
                client.permit = Some(permit);
                client.connected_in(Rc::clone(&end), channel, now_us);
                self.settle(index, now_us);
            }
            None => {
                drop(permit);
                let full = io::Error::other("the trunk has as many channels as it may (trunk.channels_per_trunk_max)");
                self.handle_connect_error(index, &full);
            }
        }
    }

    // ---- Trunks ----

    fn handle_trunk_connected(&mut self, number: u32, stream: Rc<TcpStream>) -> anyhow::Result<()> {
        let Some(trunks) = &mut self.trunks else { return Ok(()) };
        let place = &mut trunks.places[number as usize];
        let end = TrunkEnd::new(stream, &trunks.plan.secret.bytes(), place.shard)?;
        let end = Rc::new(RefCell::new(end));
        place.end = Some(Rc::clone(&end));
        self.write_trunk(&end);
        Ok(())
    }

    fn handle_trunk_error(&mut self, error: &io::Error) {
        self.meters.counts.connect_errors += 1;
        self.meters.counts.own_limits += u64::from(connect::is_own_limit(error));
        self.meters.note_error(format!("connect a trunk: {error}"));
    }

    /// Its clients are without a connection. True when it had been open.
    fn handle_trunk_lost(&mut self, number: u32, why: Over) -> bool {
        let Some(trunks) = &mut self.trunks else { return false };
        let place = &mut trunks.places[number as usize];
        let was_open = std::mem::take(&mut place.is_open);
        let clients = place.end.take().map_or_else(Vec::new, |end| end.borrow_mut().take_clients());
        let words = match why {
            Over::Lost(words) => format!("trunk: {words}"),
            Over::Refused(words) => {
                self.fail(format!(
                    "the server refused a trunk: {words}; is --trunk-secret-file its trunk.secret_file?"
                ));
                words
            }
        };
        self.meters.note_error(words.clone());
        for index in clients {
            self.handle_disconnected(index, &words);
        }
        was_open
    }

    fn handle_trunk_readable(&mut self, number: u32) -> Result<bool, Over> {
        let Some(end) = self.trunks.as_ref().and_then(|trunks| trunks.places[number as usize].end.clone()) else {
            return Ok(false);
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let outcome = self.read_trunk(number, &end, &mut buffer);
        self.buffer = buffer;
        self.open_channels(now_us());
        self.write_trunks();
        outcome
    }

    fn read_trunk(&mut self, number: u32, end: &SharedTrunk, buffer: &mut BytesMut) -> Result<bool, Over> {
        let Some(more) = end.borrow_mut().read(buffer)? else { return Ok(false) };
        let now_us = now_us();
        loop {
            let heard = end.borrow_mut().hear(buffer)?;
            match heard {
                None => return Ok(more),
                Some(Heard::Opened) => self.handle_trunk_opened(number, end),
                Some(Heard::Data(index, channel, bytes)) => {
                    let length = bytes.len();
                    self.clients[index as usize].take_data(bytes, now_us).unwrap_or_else(|why| {
                        self.meters.note_error(why);
                        self.clients[index as usize].wire.shut_down();
                    });
                    end.borrow_mut().taken(channel, length);
                    self.settle(index, now_us);
                }
                Some(Heard::Writable(index)) => self.settle(index, now_us),
                Some(Heard::Closed(index, why)) => self.handle_disconnected(index, &why),
            }
        }
    }

    fn handle_trunk_opened(&mut self, number: u32, end: &SharedTrunk) {
        let Some(trunks) = &mut self.trunks else { return };
        trunks.places[number as usize].is_open = true;
        let parked = std::mem::take(&mut trunks.places[number as usize].parked);
        trunks.queue.extend(parked);
        let opened = end.borrow().opened().cloned();
        if let (Some(opened), None) = (opened, &trunks.opened) {
            let others = trunks.learn(opened);
            let this = self.this.upgrade().expect("a thread outlives its tasks");
            for number in others {
                tokio::task::spawn_local(live(Rc::clone(&this), number));
            }
        }
    }

    fn write_trunks(&mut self) {
        let count = self.trunks.as_ref().map_or(0, |trunks| trunks.places.len());
        for at in 0..count {
            let Some(end) = self.trunks.as_ref().and_then(|trunks| trunks.places[at].end.clone()) else { continue };
            let let_go = end.borrow_mut().take_let_go();
            for index in let_go {
                self.handle_disconnected(index, "this side closed the channel");
            }
            self.write_trunk(&end);
        }
    }

    fn write_trunk(&mut self, end: &SharedTrunk) {
        let mut writing = end.borrow_mut();
        if writing.awaits_writable || writing.flush() != Flushed::Blocked {
            return;
        }
        if let Some(this) = self.this.upgrade() {
            writing.awaits_writable = true;
            tokio::task::spawn_local(write_on(this, Rc::clone(end), Rc::clone(writing.stream())));
        }
    }
}
