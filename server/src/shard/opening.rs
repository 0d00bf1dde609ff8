//! From a socket to a greeted client, and the move of one that logs in to its user's home shard.

use super::accepting::TURNED_AWAY_MS;
use super::connection::{Connection, Name, Socket, Stage};
use super::reading::{Stop, read_loop};
use super::{Parcel, Passenger, Shard};
use crate::addresses::Place;
use crate::edge::layers::Layers;
use crate::metrics::{CloseReason, Refusal, Transport};
use crate::wire::{self, NAME_BYTES_MAX};
use bytes::Bytes;
use hubbub_codec::proto;
use hubbub_codec::proto::client_frame::Body;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{AuthMethod, ClientFrame, ErrorCode};
use std::rc::Rc;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

/// The protocol's version that this server speaks.
const VERSION: u32 = 1;
impl Shard {
    /// Gives a socket its place and its reading task.
    pub(super) fn add(&mut self, stream: TcpStream, layers: Option<Box<Layers>>, place: Option<Place>) -> Name {
        let (read, write) = stream.into_split();
        let id = self.next_name();
        let mut connection = Connection::over_socket(id.1, write, layers, self.deadlines.now());
        self.counters.connected(connection.socket().map_or(Transport::Tcp, Socket::transport));
        let shard = self.handle.upgrade().expect("tasks do not outlive their shard");
        let task = tokio::task::spawn_local(read_loop(shard, id, read, place));
        if let Some(socket) = connection.socket_mut() {
            socket.task = Some(task.abort_handle());
        }
        self.connections.insert(connection);
        id
    }

    /// The name of the connection that is inserted next.
    pub(super) fn next_name(&mut self) -> Name {
        self.generation = self.generation.wrapping_add(1);
        (self.connections.vacant_key() as u32, self.generation)
    }

    // ---- Hello ----

    pub(super) fn greet(&mut self, id: (u32, u32), frame: ClientFrame) -> Option<Stop> {
        let Some(Body::Hello(hello)) = frame.body else {
            self.break_off(id, ErrorCode::NotLoggedIn, "the first frame must be Hello".to_owned());
            return None;
        };
        if !(hello.version_min..=hello.version_max).contains(&VERSION) {
            let message = format!(
                "this server speaks protocol version {VERSION}, the client {} to {}",
                hello.version_min, hello.version_max
            );
            self.break_off(id, ErrorCode::Version, message);
            return None;
        }
        if hello.client_name.len() > NAME_BYTES_MAX || hello.client_version.len() > NAME_BYTES_MAX {
            let message = format!("client_name and client_version are at most {NAME_BYTES_MAX} bytes");
            self.break_off(id, ErrorCode::Invalid, message);
            return None;
        }
        let limits = &self.node.config.limits;
        let welcome = proto::Welcome {
            version: VERSION,
            server_name: "hubbub".to_owned(),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            server_time_us: super::now().0,
            limits: Some(proto::Limits {
                frame_bytes_max: limits.frame_bytes_max as u32,
                body_bytes_max: limits.body_bytes_max as u32,
                group_members_max: limits.group_members_max,
                requests_in_progress_max: limits.requests_in_progress_max,
                watched_users_max: limits.watched_users_max,
                signal_bytes_max: self.wire_limits.signal_bytes_max as u32,
                devices_max: limits.devices_per_user_max,
            }),
            keepalive_ms: limits.keepalive_ms.min(u64::from(u32::MAX)) as u32,
            auth_methods: [AuthMethod::Jwt, AuthMethod::Password, AuthMethod::SessionToken].map(Into::into).into(),
            registration: self.node.config.is_open_to_strangers(),
        };
        self.connections[id.0 as usize].stage = Stage::Greeted;
        let frame = wire::welcome_frame(frame.request_id, welcome);
        self.queue(id.0, crate::metrics::FrameOut::Welcome, frame);
        None
    }

    // ---- The move ----

    /// Takes a connection out of this shard and sends it to where it is at home.
    pub(super) fn send_parcel(&mut self, index: u32, read: OwnedReadHalf, place: Option<Place>, passenger: Passenger) {
        let Some(mut connection) = self.connections.try_remove(index as usize) else { return };
        let Some(socket) = connection.socket_mut().map(std::mem::take) else { return };
        self.counters.disconnected(socket.transport());
        let write = socket.write.and_then(Rc::into_inner);
        let unsent: Vec<u8> = connection.out.iter().flat_map(|frame| frame.iter().copied()).collect();
        let stream = write.and_then(|write| read.reunite(write).ok()).and_then(|stream| stream.into_std().ok());
        let Some(stream) = stream else {
            // A frame before the login was so slow to leave that a task waits for the socket: no client does that.
            self.count_end(CloseReason::IoError, false);
            return;
        };
        let home = match &passenger {
            Passenger::Login(login) => self.slots.shard_of_user(login.user),
            Passenger::Trunk { shard, .. } => *shard,
        };
        let parcel =
            Box::new(Parcel { stream, layers: socket.layers, place, unread: connection.unread, unsent, passenger });
        if let Err(parcel) = self.router.hand_over(home, parcel) {
            let message = "the server is busy; log in again shortly".to_owned();
            let request_id = parcel.passenger.request_id();
            let frame = wire::error_frame(request_id, Action::Retry, ErrorCode::Overloaded, TURNED_AWAY_MS, message);
            self.counters.refused(Refusal::Overloaded);
            say_last(*parcel, &frame);
            self.count_end(CloseReason::Overloaded, false);
        }
        self.want_turn();
    }

    /// Takes a connection in that is at home here.
    pub(super) fn take_parcel(&mut self, parcel: Parcel) {
        let Parcel { stream, layers, place, unread, unsent, passenger } = parcel;
        let Ok(stream) = TcpStream::from_std(stream) else {
            self.count_end(CloseReason::IoError, false);
            return;
        };
        let sealed = layers.as_ref().map_or(0, |layers| layers.unsent().len());
        let id = self.add(stream, layers, place);
        let connection = &mut self.connections[id.0 as usize];
        connection.stranger = false;
        connection.unread_whole = !unread.is_empty();
        connection.unread = unread;
        if !unsent.is_empty() || sealed > 0 {
            // Counted where it was queued first.
            connection.out_bytes = unsent.len() + sealed;
            connection.out.extend(Some(unsent).filter(|unsent| !unsent.is_empty()).map(Bytes::from));
            connection.dirty = true;
            self.dirty.push(id.0);
        }
        match passenger {
            Passenger::Login(login) => {
                connection.user = login.user;
                connection.stage = Stage::Opening;
                self.open(id, *login);
            }
            Passenger::Trunk { request_id, .. } => self.become_trunk(id, request_id),
        }
        let idle_ticks = self.limits.idle;
        self.look_by(id, self.deadlines.now() + idle_ticks);
    }
}

/// Says one last frame to a connection that has nowhere to go. A socket that is full hears nothing, and closing says enough.
fn say_last(parcel: Parcel, frame: &[u8]) {
    let Ok(stream) = TcpStream::from_std(parcel.stream) else { return };
    let Some(mut layers) = parcel.layers else {
        let _ = stream.try_write(frame);
        return;
    };
    let mut bytes = layers.unsent().to_vec();
    let frame = layers.web_mut().map_or_else(|| frame.to_vec(), |web| web.last_message(frame, CloseReason::Overloaded));
    if layers.seal(&frame, &mut bytes).is_ok() {
        layers.finish(&mut bytes);
        let _ = stream.try_write(&bytes);
    }
}
