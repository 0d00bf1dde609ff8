//! One thread of the floor: reads what is ready, passes it on, writes once to each socket.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::{Shutdown, TcpStream as StdStream};
use std::rc::{Rc, Weak};
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use hubbub_codec::proto;
use hubbub_codec::proto::conversation::Kind;
use hubbub_codec::proto::send::To;
use hubbub_codec::proto::server_frame::Body as Reply;
use hubbub_core::slots::SlotTable;
use hubbub_server::mailbox::Mailbox;
use slab::Slab;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::connection::Connection;
use super::frames::{self, Passed};
use super::lanes::{Handed, Lanes};
use super::reading::read_loop;

/// A connection that lets this much wait is closed; the driver's loops are closed, so none of its connections does.
const OUT_BYTES_MAX: usize = 16 << 20;
/// Envelopes taken from one lane in one turn.
const LANE_STEP: usize = 1_024;
/// As the server's.
const EVENT_INTERVAL: u32 = 512;

/// What all threads share.
pub(super) struct Shared {
    pub(super) slots: SlotTable,
    pub(super) mailboxes: Box<[Mailbox<Handed>]>,
    /// Members by group. Read once for each message to a group, written when one is made.
    pub(super) groups: RwLock<HashMap<u64, Arc<[u64]>>>,
}

/// See the module.
pub(super) struct Relay {
    pub(super) id: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) connections: Slab<Connection>,
    /// The connection of each user here; the last one to log in.
    pub(super) by_user: HashMap<u64, u32>,
    /// Which connections here belong to a group, as of an epoch.
    resolved: HashMap<u64, (u64, Rc<[u32]>)>,
    /// Changes with `by_user`.
    pub(super) epoch: u64,
    seq: u64,
    pub(super) scratch: BytesMut,
    frame: BytesMut,
    /// Buffers that no connection uses now.
    spare: Vec<BytesMut>,
    dirty: Vec<u32>,
    pub(super) lanes: Lanes,
    /// Tasks that do not read until the lanes have room.
    pub(super) held: Vec<Waker>,
    turn: Option<Waker>,
    turn_pending: bool,
    this: Weak<RefCell<Relay>>,
}

impl Relay {
    /// Runs one thread. Blocks it.
    pub(super) fn run(id: usize, listener: std::net::TcpListener, shared: Arc<Shared>) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .event_interval(EVENT_INTERVAL)
            .build_local(tokio::runtime::LocalOptions::default())?;
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener)?;
            let relay = Relay::new(id, shared);
            tokio::task::spawn_local(turn_loop(relay.clone()));
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                relay.borrow_mut().add(stream);
            }
        })
    }

    fn new(id: usize, shared: Arc<Shared>) -> Rc<RefCell<Relay>> {
        Rc::new_cyclic(|this| {
            RefCell::new(Relay {
                id,
                lanes: Lanes::new(id, shared.clone()),
                held: Vec::new(),
                shared,
                connections: Slab::new(),
                by_user: HashMap::new(),
                resolved: HashMap::new(),
                epoch: 0,
                seq: 0,
                scratch: BytesMut::new(),
                frame: BytesMut::new(),
                spare: Vec::new(),
                dirty: Vec::new(),
                turn: None,
                turn_pending: false,
                this: this.clone(),
            })
        })
    }

    fn add(&mut self, stream: TcpStream) -> u32 {
        let (read, write) = stream.into_split();
        let index = self.connections.insert(Connection::new(write)) as u32;
        let this = self.this.upgrade().expect("tasks do not outlive their thread");
        tokio::task::spawn_local(read_loop(this, index, read));
        index
    }

    // ---- Passing on ----

    pub(super) fn pass(&mut self, index: u32, request_id: u64, send: proto::Send, now_us: i64) {
        let sender = self.connections[index as usize].user;
        let kind = match send.to {
            Some(To::User(user)) => Kind::Direct(proto::Direct { low: user.min(sender), high: user.max(sender) }),
            Some(To::Group(group)) => Kind::Group(group),
            None => return,
        };
        self.seq += 1;
        let passed = Passed {
            conversation: proto::Conversation { kind: Some(kind) },
            seq: self.seq,
            sender,
            time_us: now_us,
            client_message_id: send.name.unwrap_or_default().client_message_id,
            body: send.body,
        };
        passed.append_sent(request_id, self.out(index));
        let mut frame = std::mem::take(&mut self.frame);
        passed.append_entry(&mut frame);
        match send.to {
            Some(To::User(user)) => {
                self.out(index).extend_from_slice(&frame);
                self.give_user(user, &frame);
            }
            Some(To::Group(group)) => self.give_group(group, &frame),
            None => {}
        }
        frame.clear();
        self.frame = frame;
    }

    fn give_user(&mut self, user: u64, frame: &[u8]) {
        let thread = self.thread_of(user);
        if thread != self.id {
            self.hand(thread, Handed::ToUser(user, Bytes::copy_from_slice(frame)));
        } else if let Some(&index) = self.by_user.get(&user) {
            self.out(index).extend_from_slice(frame);
        }
    }

    fn give_group(&mut self, group: u64, frame: &[u8]) {
        self.give_members_here(group, frame);
        if self.shared.mailboxes.len() > 1 {
            let shared = Bytes::copy_from_slice(frame);
            let id = self.id;
            for thread in (0..self.shared.mailboxes.len()).filter(|&thread| thread != id) {
                self.hand(thread, Handed::ToGroup(group, shared.clone()));
            }
        }
    }

    fn give_members_here(&mut self, group: u64, frame: &[u8]) {
        for &index in self.members_here(group).iter() {
            self.out(index).extend_from_slice(frame);
        }
    }

    fn members_here(&mut self, group: u64) -> Rc<[u32]> {
        if let Some((epoch, members)) = self.resolved.get(&group)
            && *epoch == self.epoch
        {
            return members.clone();
        }
        let groups = self.shared.groups.read().expect("nobody panics while holding it");
        let members = groups.get(&group).map_or(&[][..], |members| members);
        let members: Rc<[u32]> = members.iter().filter_map(|user| self.by_user.get(user).copied()).collect();
        self.resolved.insert(group, (self.epoch, members.clone()));
        members
    }

    pub(super) fn hand(&mut self, thread: usize, handed: Handed) {
        self.lanes.hand(thread, handed);
        self.want_turn();
    }

    // ---- Writing ----

    pub(super) fn reply(&mut self, index: u32, request_id: u64, body: Reply) {
        frames::append_reply(request_id, body, self.out(index));
    }

    /// Where a connection's frames go; they leave at the end of the turn.
    fn out(&mut self, index: u32) -> &mut BytesMut {
        let connection = &mut self.connections[index as usize];
        if !connection.dirty {
            connection.dirty = true;
            if connection.out.capacity() == 0 {
                connection.out = self.spare.pop().unwrap_or_default();
            }
            self.dirty.push(index);
            self.want_turn();
        }
        &mut self.connections[index as usize].out
    }

    fn want_turn(&mut self) {
        if !self.turn_pending {
            self.turn_pending = true;
            if let Some(turn) = &self.turn {
                turn.wake_by_ref();
            }
        }
    }

    fn take_turn(&mut self, cx: &mut Context<'_>) {
        self.turn = Some(cx.waker().clone());
        self.turn_pending = false;
        self.take_in();
        let mut dirty = std::mem::take(&mut self.dirty);
        for index in dirty.drain(..) {
            self.flush(index);
        }
        self.dirty = dirty;
        self.lanes.flush();
        if self.lanes.is_congested() {
            self.want_turn();
        } else {
            self.held.drain(..).for_each(Waker::wake);
        }
    }

    fn take_in(&mut self) {
        let shared = self.shared.clone();
        let mailbox = &shared.mailboxes[self.id];
        for lane in 0..mailbox.senders() {
            let mut taken = 0;
            while taken < LANE_STEP
                && let Some(handed) = mailbox.pop(lane)
            {
                taken += 1;
                match handed {
                    Handed::ToUser(user, frame) => self.give_user(user, &frame),
                    Handed::ToGroup(group, frame) => self.give_members_here(group, &frame),
                    Handed::Connection(stream, user, unread, request_id) => {
                        self.take_connection(stream, user, unread, request_id);
                    }
                }
            }
            if taken == LANE_STEP {
                self.want_turn();
            }
        }
    }

    fn take_connection(&mut self, stream: StdStream, user: u64, unread: Vec<u8>, request_id: u64) {
        let Ok(stream) = TcpStream::from_std(stream) else { return };
        let index = self.add(stream);
        let connection = &mut self.connections[index as usize];
        connection.user = user;
        connection.unread = unread;
        self.open(index, request_id);
    }

    fn flush(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        connection.dirty = false;
        if connection.blocked {
            if connection.out.len() > OUT_BYTES_MAX {
                // Its reading task sees the end and removes it.
                let _ = SockRef::from(connection.write.as_ref()).shutdown(Shutdown::Both);
            }
            return;
        }
        match connection.write_out() {
            Ok(true) => {
                let mut buffer = std::mem::take(&mut connection.out);
                buffer.clear();
                self.spare.push(buffer);
            }
            Ok(false) => {
                connection.blocked = true;
                let this = self.this.upgrade().expect("tasks do not outlive their thread");
                tokio::task::spawn_local(drain(this, index));
            }
            // The reading task sees it too, and removes the connection.
            Err(_) => connection.out.clear(),
        }
    }

    pub(super) fn remove(&mut self, index: u32) -> Option<Connection> {
        let connection = self.connections.try_remove(index as usize)?;
        if self.by_user.get(&connection.user) == Some(&index) {
            self.by_user.remove(&connection.user);
            self.epoch += 1;
        }
        Some(connection)
    }
}

/// Takes turns: after all connections that are ready, because it is woken by the first of them.
async fn turn_loop(relay: Rc<RefCell<Relay>>) {
    let (shared, id) = {
        let relay = relay.borrow();
        (relay.shared.clone(), relay.id)
    };
    std::future::poll_fn(|cx| {
        let rung = shared.mailboxes[id].bell().poll_rung(cx).is_ready();
        relay.borrow_mut().take_turn(cx);
        if rung {
            cx.waker().wake_by_ref();
        }
        Poll::<()>::Pending
    })
    .await;
}

/// Waits until a socket takes more, and writes.
async fn drain(relay: Rc<RefCell<Relay>>, index: u32) {
    std::future::poll_fn(|cx| {
        let mut relay = relay.borrow_mut();
        let Some(connection) = relay.connections.get_mut(index as usize) else { return Poll::Ready(()) };
        loop {
            if !matches!(connection.write_out(), Ok(false)) {
                connection.blocked = false;
                return Poll::Ready(());
            }
            // Ready at once only when the socket took more meanwhile.
            if connection.write.as_ref().poll_write_ready(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}
