//! A server in memory that speaks as much of the protocol as the harness needs, and can be told to break its promises:
//! the ledger must notice.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::{append_frame, decode_frame_mut};
use hubbub_codec::ids::{Conversation, GroupId, UserId};
use hubbub_codec::proto::client_frame::Body as Request;
use hubbub_codec::proto::history::Position;
use hubbub_codec::proto::send::To;
use hubbub_codec::proto::server_frame::Body as Reply;
use hubbub_codec::proto::{self, ClientFrame, Entry, EventType, ServerFrame, error::Action};

/// One message in so many is treated as the fault says.
pub(crate) const FAULT_EVERY: usize = 100;

/// The secret's file, as it is.
pub(crate) const SECRET: &[u8] = b"a secret for tests\n";

/// Which promise is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None.
    Nothing,
    /// An acknowledged message is stored without its body.
    LoseBody,
    /// An acknowledged message is stored under two numbers.
    StoreTwice,
    /// Two acknowledged messages are stored in each other's place.
    Swap,
    /// A bit of a body is flipped.
    Corrupt,
    /// An acknowledgement is given, and nothing is stored.
    LoseEntry,
    /// A push is not sent to one member: the client must repair it.
    DropPush,
    /// A push is sent twice: the client must drop it.
    DoublePush,
    /// A send is refused for now, as if its user had sent too much; the next attempt is taken.
    LimitRate,
    /// Each message takes the whole server so many milliseconds: it carries `1000 / ms` messages a second and no more.
    Slow(u64),
    /// All logins are refused.
    RefuseLogins,
    /// All connections are cut, once, after this many messages.
    CutAll(usize),
}

#[derive(Default)]
struct World {
    logs: BTreeMap<Conversation, Log>,
    /// By user and device.
    sessions: BTreeMap<(u64, u64), TcpStream>,
    sends: usize,
    groups: u64,
    cut: bool,
    swap: Option<(Conversation, usize)>,
}

#[derive(Default, Clone)]
struct Log {
    entries: Vec<Entry>,
    members: Vec<u64>,
}

/// A running server; it ends with the value.
pub(crate) struct Fake {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    world: Arc<Mutex<World>>,
    ended: Arc<AtomicBool>,
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fake {
    /// Starts one with this fault.
    pub(crate) fn start(fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (world, ended) = (Arc::new(Mutex::new(World::default())), Arc::new(AtomicBool::new(false)));
        let (shared, stop) = (Arc::clone(&world), Arc::clone(&ended));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let world = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &world, fault));
            }
        });
        Self { address, world, ended }
    }

    /// The bodies of all messages in all logs, without the header's times and the run's id.
    pub(crate) fn bodies(&self) -> Vec<Bytes> {
        let world = lock(&self.world);
        world.logs.values().flat_map(|log| log.entries.iter().map(|entry| entry.body.clone())).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
        lock(&self.world).sessions.values().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

fn serve(mut stream: TcpStream, world: &Mutex<World>, fault: Fault) {
    let (mut buffer, mut chunk, mut user) = (BytesMut::new(), vec![0; 64 * 1024], 0);
    stream.set_nodelay(true).unwrap();
    loop {
        match stream.read(&mut chunk) {
            Ok(read) if read > 0 => buffer.extend_from_slice(&chunk[..read]),
            _ => return,
        }
        while let Ok(Some(payload)) = decode_frame_mut(&mut buffer, 1 << 20) {
            let Ok(frame) = prost::Message::decode(payload) else {
                return;
            };
            answer(frame, &mut stream, world, fault, &mut user);
        }
    }
}

fn write(stream: &mut TcpStream, request_id: u64, body: Reply) {
    let mut bytes = BytesMut::new();
    append_frame(&ServerFrame { request_id, body: Some(body) }, &mut bytes);
    // A client that is gone is of no interest.
    let _ = stream.write_all(&bytes);
}

fn answer(frame: ClientFrame, stream: &mut TcpStream, world: &Mutex<World>, fault: Fault, user: &mut u64) {
    let id = frame.request_id;
    let mut world = lock(world);
    match frame.body {
        Some(Request::Hello(_)) => {
            write(stream, id, Reply::Welcome(proto::Welcome { version: 1, ..Default::default() }))
        }
        Some(Request::Login(login)) => log_in(&mut world, stream, id, &login, fault, user),
        Some(Request::Ping(ping)) => {
            write(stream, id, Reply::Pong(proto::Pong { nonce: ping.nonce, server_time_us: 0 }))
        }
        Some(Request::Sync(sync)) => continue_logs(&world, stream, id, &sync, *user),
        Some(Request::Send(send)) => world.send(stream, id, send, *user, fault),
        Some(Request::History(history)) => read_history(&world, stream, id, &history),
        Some(Request::CreateGroup(create)) => world.create_group(stream, id, &create, *user),
        Some(Request::Delivered(_) | Request::Read(_)) if id == 0 => {}
        _ => write(stream, id, Reply::Done(proto::Done {})),
    }
}

/// The subject of a token.
fn subject(login: &proto::Login) -> u64 {
    let Some(proto::login::Method::Jwt(token)) = &login.method else {
        return 0;
    };
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.trim_ascii_end());
    let claims = jsonwebtoken::decode::<serde_json::Value>(token, &key, &jsonwebtoken::Validation::default());
    let claims = claims.unwrap().claims;
    claims["sub"].as_str().unwrap().parse().unwrap()
}

fn log_in(world: &mut World, stream: &mut TcpStream, id: u64, login: &proto::Login, fault: Fault, user: &mut u64) {
    if fault == Fault::RefuseLogins {
        let mut error = proto::Error { message: "the signature is wrong".into(), ..Default::default() };
        error.set_action(Action::GiveUp);
        error.set_code(proto::ErrorCode::TokenInvalid);
        return write(stream, id, Reply::Error(error));
    }
    *user = subject(login);
    world.sessions.insert((*user, login.device_id), stream.try_clone().unwrap());
    write(stream, id, Reply::LoggedIn(proto::LoggedIn { user_id: *user, created: true, ..Default::default() }));
}

fn run(conversation: Conversation, after_seq: u64, entries: Vec<Entry>) -> proto::Entries {
    proto::Entries { conversation: Some(conversation.into()), log_id: 1, after_seq, entries, ..Default::default() }
}

fn continue_logs(world: &World, stream: &mut TcpStream, id: u64, sync: &proto::Sync, user: u64) {
    let cursor_of = |conversation: &Conversation| {
        let named = |cursor: &&proto::Cursor| {
            cursor.conversation.is_some_and(|name| Conversation::try_from(&name).as_ref() == Ok(conversation))
        };
        sync.cursors.iter().find(named).map_or(0, |cursor| cursor.seq)
    };
    let mut states = Vec::new();
    for (conversation, log) in world.logs.iter().filter(|(_, log)| log.members.contains(&user)) {
        let after = cursor_of(conversation);
        for (page, entries) in log.entries[(after as usize).min(log.entries.len())..].chunks(100).enumerate() {
            let pushed = run(*conversation, after + 100 * page as u64, entries.to_vec());
            write(stream, 0, Reply::Entries(proto::Entries { skip_from_seq: Some(pushed.after_seq), ..pushed }));
        }
        states.push(proto::ConversationState {
            conversation: Some((*conversation).into()),
            log_id: 1,
            head: log.entries.len() as u64,
            ..Default::default()
        });
    }
    write(stream, id, Reply::Synced(proto::Synced { conversations: states, more: false }));
}

fn read_history(world: &World, stream: &mut TcpStream, id: u64, history: &proto::History) {
    let conversation = Conversation::try_from(&history.conversation.unwrap()).unwrap();
    let Some(Position::AfterSeq(after)) = history.position else {
        return;
    };
    let log = &world.logs[&conversation];
    let entries: Vec<_> = log.entries.iter().skip(after as usize).take(50).cloned().collect();
    let head = log.entries.len() as u64;
    write(stream, id, Reply::Entries(proto::Entries { head, ..run(conversation, after, entries) }));
}

impl World {
    fn send(&mut self, stream: &mut TcpStream, id: u64, send: proto::Send, user: u64, fault: Fault) {
        if let Fault::Slow(ms) = fault {
            // Its service time, with the whole world waiting: the sleep is what is tested.
            std::thread::sleep(std::time::Duration::from_millis(ms));
        }
        let conversation = match send.to.unwrap() {
            To::User(other) => Conversation::direct(UserId(user), UserId(other)).unwrap(),
            To::Group(group) => Conversation::Group(GroupId(group)),
        };
        let name = send.name.unwrap();
        let log = self.logs.entry(conversation).or_default();
        if let Conversation::Direct { low, high } = conversation {
            log.members = vec![low.0, high.0];
        }
        let is_it = |entry: &Entry| entry.sender == user && entry.client_message_id == name.client_message_id;
        if let Some(at) = log.entries.iter().position(is_it).filter(|_| name.resend) {
            return acknowledge(stream, id, conversation, at, true);
        }
        let entry = Entry {
            seq: log.entries.len() as u64 + 1,
            sender: user,
            client_message_id: name.client_message_id,
            event_type: EventType::User.into(),
            body: send.body,
            ..Default::default()
        };
        self.sends += 1;
        let planted = self.sends.is_multiple_of(FAULT_EVERY);
        if matches!(fault, Fault::CutAll(after) if self.sends >= after && !std::mem::replace(&mut self.cut, true)) {
            // Stored, but neither acknowledged nor pushed.
            log.entries.push(entry);
            self.sessions.values().for_each(|session| drop(session.shutdown(Shutdown::Both)));
            return;
        }
        if fault == Fault::LimitRate && planted {
            let mut error = proto::Error { retry_after_ms: 150, ..Default::default() };
            error.set_action(Action::Retry);
            error.set_code(proto::ErrorCode::RateLimited);
            return write(stream, id, Reply::Error(error));
        }
        let at = log.entries.len();
        acknowledge(stream, id, conversation, at, false);
        self.store(conversation, entry, fault, planted);
    }

    fn store(&mut self, conversation: Conversation, mut entry: Entry, fault: Fault, planted: bool) {
        let log = self.logs.get_mut(&conversation).unwrap();
        let at = log.entries.len();
        match fault {
            Fault::LoseBody if planted => entry.body = Bytes::new(),
            Fault::Corrupt if planted => {
                let mut body = entry.body.to_vec();
                *body.last_mut().unwrap() ^= 1;
                entry.body = body.into();
            }
            Fault::LoseEntry if planted => return,
            // Held back until its neighbour comes, and then stored after it.
            Fault::Swap if self.swap.is_none() && self.sends >= FAULT_EVERY => {
                self.swap = Some((conversation, at));
                log.entries.push(entry);
                return;
            }
            _ => {}
        }
        log.entries.push(entry.clone());
        if let Some((swapped, first)) = self.swap
            && swapped == conversation
            && first + 1 == at
        {
            let (one, two) = (log.entries[first].body.clone(), log.entries[at].body.clone());
            (log.entries[first].body, log.entries[at].body) = (two, one);
            self.push(conversation, first, Fault::Nothing);
        }
        if fault == Fault::StoreTwice && planted {
            log_again(self.logs.get_mut(&conversation).unwrap(), entry);
            self.push(conversation, at, Fault::Nothing);
            return self.push(conversation, at + 1, Fault::Nothing);
        }
        self.push(conversation, at, if planted { fault } else { Fault::Nothing });
    }

    fn push(&mut self, conversation: Conversation, at: usize, fault: Fault) {
        let log = &self.logs[&conversation];
        let pushed = run(conversation, at as u64, vec![log.entries[at].clone()]);
        for (place, member) in log.members.iter().enumerate() {
            let times = match fault {
                Fault::DropPush if place == 0 => 0,
                Fault::DoublePush => 2,
                _ => 1,
            };
            for session in self.sessions.range_mut((*member, 0)..=(*member, u64::MAX)).map(|(_, session)| session) {
                (0..times).for_each(|_| write(session, 0, Reply::Entries(pushed.clone())));
            }
        }
    }

    fn create_group(&mut self, stream: &mut TcpStream, id: u64, create: &proto::CreateGroup, user: u64) {
        self.groups += 1;
        let conversation = Conversation::Group(GroupId(self.groups));
        let members = [user].into_iter().chain(create.members.iter().copied()).collect();
        let made = Entry { seq: 1, sender: user, event_type: EventType::Application.into(), ..Default::default() };
        self.logs.insert(conversation, Log { entries: vec![made], members });
        let group = proto::Group { group: self.groups, owner: user, log_id: 1, head: 1, ..Default::default() };
        write(stream, id, Reply::Group(group));
        self.push(conversation, 0, Fault::Nothing);
    }
}

fn log_again(log: &mut Log, entry: Entry) {
    log.entries.push(Entry { seq: entry.seq + 1, ..entry });
}

fn acknowledge(stream: &mut TcpStream, id: u64, conversation: Conversation, at: usize, duplicate: bool) {
    let sent =
        proto::Sent { conversation: Some(conversation.into()), seq: at as u64 + 1, duplicate, ..Default::default() };
    write(stream, id, Reply::Sent(sent));
}
