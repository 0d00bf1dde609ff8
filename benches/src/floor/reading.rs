//! From a socket to what the floor does with a frame.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hubbub_codec::frame::decode_frame;
use hubbub_codec::proto::client_frame::Body;
use hubbub_codec::proto::server_frame::Body as Reply;
use hubbub_codec::proto::{self, ClientFrame};
use hubbub_core::ids::UserId;
use prost::Message as _;
use tokio::net::tcp::OwnedReadHalf;

use super::frames;
use super::lanes::Handed;
use super::relay::Relay;

/// Most bytes of one read.
const READ_BYTES: usize = 64 * 1024;
const FRAME_BYTES_MAX: usize = 64 * 1024;

/// What ends a reading task.
enum Stop {
    Gone,
    /// The user lives elsewhere; the number is that of the login.
    Move(u64),
}

pub(super) async fn read_loop(relay: Rc<RefCell<Relay>>, index: u32, mut socket: OwnedReadHalf) {
    match std::future::poll_fn(|cx| relay.borrow_mut().poll_read(index, &mut socket, cx)).await {
        Stop::Gone => drop(relay.borrow_mut().remove(index)),
        Stop::Move(request_id) => relay.borrow_mut().move_away(index, socket, request_id),
    }
}

impl Relay {
    fn poll_read(&mut self, index: u32, socket: &mut OwnedReadHalf, cx: &mut Context<'_>) -> Poll<Stop> {
        loop {
            if self.lanes.is_congested() {
                self.held.push(cx.waker().clone());
                return Poll::Pending;
            }
            let unread = &mut self.connections[index as usize].unread;
            self.scratch.reserve(unread.len() + READ_BYTES);
            self.scratch.extend_from_slice(unread);
            match tokio_util::io::poll_read_buf(Pin::new(&mut *socket), cx, &mut self.scratch) {
                Poll::Pending => {
                    self.scratch.clear();
                    return Poll::Pending;
                }
                Poll::Ready(Ok(1..)) => {
                    unread.clear();
                    let bytes = self.scratch.split().freeze();
                    if let Some(stop) = self.take_bytes(index, bytes) {
                        return Poll::Ready(stop);
                    }
                }
                Poll::Ready(Ok(0) | Err(_)) => {
                    self.scratch.clear();
                    return Poll::Ready(Stop::Gone);
                }
            }
        }
    }

    fn take_bytes(&mut self, index: u32, mut bytes: Bytes) -> Option<Stop> {
        let now_us = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as i64;
        let stop = loop {
            match decode_frame(&mut bytes, FRAME_BYTES_MAX) {
                Ok(None) => break None,
                Err(_) => return Some(Stop::Gone),
                Ok(Some(payload)) => match ClientFrame::decode(payload) {
                    Err(_) => return Some(Stop::Gone),
                    Ok(frame) => {
                        if let Some(stop) = self.take_frame(index, frame, now_us) {
                            break Some(stop);
                        }
                    }
                },
            }
        };
        let unread = &mut self.connections[index as usize].unread;
        if bytes.is_empty() {
            *unread = Vec::new();
        } else {
            unread.extend_from_slice(&bytes);
        }
        stop
    }

    fn take_frame(&mut self, index: u32, frame: ClientFrame, now_us: i64) -> Option<Stop> {
        let id = frame.request_id;
        match frame.body? {
            Body::Send(send) => self.pass(index, id, send, now_us),
            Body::Delivered(_) | Body::Read(_) => {}
            Body::Hello(_) => self.reply(index, id, frames::welcome()),
            Body::Login(login) => {
                self.connections[index as usize].user = login.device_id;
                if self.thread_of(login.device_id) != self.id {
                    return Some(Stop::Move(id));
                }
                self.open(index, id);
            }
            Body::Sync(_) => self.reply(index, id, Reply::Synced(proto::Synced::default())),
            Body::Ping(ping) => {
                self.reply(index, id, Reply::Pong(proto::Pong { nonce: ping.nonce, server_time_us: now_us }));
            }
            Body::CreateGroup(create) => self.make_group(index, id, create.members),
            _ => self.reply(index, id, Reply::Done(proto::Done {})),
        }
        None
    }

    pub(super) fn thread_of(&self, user: u64) -> usize {
        usize::from(self.shared.slots.shard_of_user(UserId(user)).0)
    }

    pub(super) fn open(&mut self, index: u32, request_id: u64) {
        let user_id = self.connections[index as usize].user;
        self.by_user.insert(user_id, index);
        self.epoch += 1;
        self.reply(index, request_id, Reply::LoggedIn(proto::LoggedIn { user_id, ..Default::default() }));
    }

    fn make_group(&mut self, index: u32, request_id: u64, mut members: Vec<u64>) {
        let owner = self.connections[index as usize].user;
        members.push(owner);
        let count = members.len();
        let mut groups = self.shared.groups.write().expect("nobody panics while holding it");
        let group = groups.len() as u64 + 1;
        groups.insert(group, members.into());
        drop(groups);
        self.reply(index, request_id, frames::group(group, owner, count));
    }

    fn move_away(&mut self, index: u32, read: OwnedReadHalf, request_id: u64) {
        let Some(connection) = self.remove(index) else { return };
        let Ok(stream) = read.reunite(connection.write) else { return };
        if let Ok(stream) = stream.into_std() {
            let thread = self.thread_of(connection.user);
            self.hand(thread, Handed::Connection(stream, connection.user, connection.unread, request_id));
        }
    }
}
