//! A gateway: one trunk, and clients in its channels that say exactly what the test says.

use super::{DEADLINE, Down, Server, Setup, Up};
use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::{decode_frame_mut, encode_frame};
use hubbub_codec::ids::UserId;
use hubbub_codec::proto::{ClientFrame, ServerFrame};
use hubbub_codec::trunk::{ChannelEnd, ChannelId, Opened, Trunk, TrunkError, TrunkEvent};
use hubbub_server::auth::brief_token::{self, Audience};
use hubbub_server::auth::secret::Secret;
use prost::Message;
use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;

const SECRET: &str = "the trunk secret of these tests, 32 bytes and more";

impl Setup {
    /// Lets gateways come.
    pub(crate) fn trunks(self) -> Setup {
        self.config(&format!("trunk.secret_file = {:?}", trunk_secret_file()))
    }
}

/// The file with the secret.
pub(crate) fn trunk_secret_file() -> PathBuf {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let mut options = std::fs::OpenOptions::new();
        let path = dir.path().join("trunk-secret");
        let mut file = options.write(true).create_new(true).mode(0o600).open(path).unwrap();
        file.write_all(SECRET.as_bytes()).unwrap();
        dir
    });
    dir.path().join("trunk-secret")
}

/// A good token.
pub(crate) fn trunk_token() -> String {
    brief_token::sign(&Secret::from_bytes(SECRET), Audience::Trunk, Duration::from_secs(60)).unwrap()
}

/// One whose time is over.
pub(crate) fn expired_trunk_token() -> String {
    let claims = serde_json::json!({ "aud": "hubbub.trunk", "exp": 1_000_000_000 });
    let key = jsonwebtoken::EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap()
}

/// A client's connection as the gateway sees it.
#[derive(Default)]
struct Client {
    bytes: BytesMut,
    frames: VecDeque<ServerFrame>,
    last_id: u64,
    /// What could not be sent for want of credit.
    unsent: Bytes,
    /// Bytes that were not given back, while it is slow.
    not_given_back: Option<usize>,
    ended: Option<ChannelEnd>,
}

/// See the module.
pub(crate) struct Gateway {
    /// The socket, for tests that write what is no trunk frame.
    pub(crate) stream: TcpStream,
    pub(crate) trunk: Trunk,
    input: BytesMut,
    clients: HashMap<ChannelId, Client>,
    ended: Option<TrunkError>,
}

impl Gateway {
    /// Connects and asks for a trunk with a token; it may be refused.
    #[track_caller]
    pub(crate) fn ask(server: &Server, token: String, shard: u32) -> Result<Gateway, TrunkError> {
        let stream = TcpStream::connect(server.clients).expect("the server accepts");
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let trunk = Trunk::new(token, shard);
        let mut gateway = Gateway { stream, trunk, input: BytesMut::new(), clients: HashMap::new(), ended: None };
        while gateway.trunk.opened().is_none() && gateway.ended.is_none() {
            gateway.pump();
        }
        gateway.ended.take().map_or(Ok(gateway), Err)
    }

    /// Opens a trunk to a shard.
    #[track_caller]
    pub(crate) fn open(server: &Server, shard: u32) -> Gateway {
        Gateway::ask(server, trunk_token(), shard).expect("the server takes trunks")
    }

    /// What the server has said of the trunk.
    pub(crate) fn opened(&self) -> &Opened {
        self.trunk.opened().expect("it is open")
    }

    /// The first users from `from` that live on this trunk's shard.
    pub(crate) fn users(&self, from: u64) -> impl Iterator<Item = u64> {
        let opened = self.opened().clone();
        (from..).filter(move |user| opened.shard_of(UserId(*user)) == opened.shard)
    }

    // ---- Channels ----

    /// Opens a channel and says nothing in it.
    #[track_caller]
    pub(crate) fn open_channel(&mut self) -> ChannelId {
        self.open_channel_for(None)
    }

    /// Takes note of a channel that the test opens by bytes of its own.
    #[track_caller]
    pub(crate) fn adopt_channel(&mut self, channel: ChannelId) -> ChannelId {
        assert_eq!(self.trunk.open(None), Some(channel));
        let _ = self.trunk.poll_transmit();
        self.clients.insert(channel, Client::default());
        channel
    }

    /// Opens a channel for a client at an address.
    #[track_caller]
    pub(crate) fn open_channel_for(&mut self, address: Option<IpAddr>) -> ChannelId {
        let channel = self.trunk.open(address).expect("a number is free");
        self.clients.insert(channel, Client::default());
        self.write();
        channel
    }

    /// Opens a channel and logs a user in.
    #[track_caller]
    pub(crate) fn login(&mut self, server: &Server, user: u64, device: u64) -> ChannelId {
        let channel = self.open_channel();
        self.say(channel, super::hello());
        let id = self.say(channel, super::login(server.token(user), device));
        match self.answer_to(channel, id) {
            Down::LoggedIn(logged_in) => assert_eq!(logged_in.user_id, user),
            other => panic!("{other:?}"),
        }
        channel
    }

    /// Logs a user in and syncs everything.
    #[track_caller]
    pub(crate) fn login_and_sync(&mut self, server: &Server, user: u64, device: u64) -> ChannelId {
        let channel = self.login(server, user, device);
        let sync = hubbub_codec::proto::Sync { cursors: Vec::new(), include_others: true };
        assert!(matches!(self.ask_in(channel, Up::Sync(sync)), Down::Synced(_)));
        channel
    }

    /// Ends a channel.
    pub(crate) fn close(&mut self, channel: ChannelId) {
        self.trunk.close(channel);
        self.write();
    }

    /// From now on what comes in a channel is not given back as credit.
    pub(crate) fn be_slow(&mut self, channel: ChannelId) {
        self.clients.get_mut(&channel).unwrap().not_given_back = Some(0);
    }

    /// Gives back what was not.
    pub(crate) fn be_fast(&mut self, channel: ChannelId) {
        if let Some(bytes) = self.clients.get_mut(&channel).unwrap().not_given_back.take() {
            self.trunk.taken(channel, bytes);
            self.write();
        }
    }

    // ---- Writing ----

    /// Sends a request under a fresh number, which it returns. What has no credit goes when there is some.
    #[track_caller]
    pub(crate) fn say(&mut self, channel: ChannelId, body: Up) -> u64 {
        let client = self.clients.get_mut(&channel).unwrap();
        client.last_id += 1;
        let request_id = client.last_id;
        let frame = encode_frame(&ClientFrame { request_id, body: Some(body) });
        self.say_bytes(channel, &frame);
        request_id
    }

    /// Sends bytes in a channel.
    #[track_caller]
    pub(crate) fn say_bytes(&mut self, channel: ChannelId, bytes: &[u8]) {
        let client = self.clients.get_mut(&channel).unwrap();
        client.unsent = [&client.unsent[..], bytes].concat().into();
        self.send(channel);
        self.write();
    }

    fn send(&mut self, channel: ChannelId) {
        if let Some(client) = self.clients.get_mut(&channel) {
            self.trunk.send(channel, &mut client.unsent);
        }
    }

    /// Writes what waits to be written.
    #[track_caller]
    pub(crate) fn write(&mut self) {
        while let Some(bytes) = self.trunk.poll_transmit() {
            self.stream.write_all(&bytes).expect("the server takes it");
        }
    }

    // ---- Reading ----

    /// Reads once.
    #[track_caller]
    fn pump(&mut self) {
        self.write();
        let mut part = [0; 65_536];
        match self.stream.read(&mut part) {
            Ok(0) => {
                self.ended.get_or_insert(TrunkError::Unexpected("the end of the connection"));
                return;
            }
            Ok(count) => self.input.extend_from_slice(&part[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                self.ended.get_or_insert(TrunkError::Unexpected("the end of the connection"));
                return;
            }
            Err(error) => panic!("nothing more to read: {error}"),
        }
        loop {
            match self.trunk.take(&mut self.input) {
                Ok(Some(event)) => self.note(event),
                Ok(None) => break,
                Err(error) => {
                    self.ended.get_or_insert(error);
                    break;
                }
            }
        }
        self.write();
    }

    fn note(&mut self, event: TrunkEvent) {
        match event {
            TrunkEvent::Opened | TrunkEvent::Pong(_) => {}
            TrunkEvent::Writable(channel) => self.send(channel),
            TrunkEvent::Closed(channel, why) => self.clients.get_mut(&channel).unwrap().ended = Some(why),
            TrunkEvent::Data(channel, bytes) => {
                let client = self.clients.get_mut(&channel).unwrap();
                client.bytes.extend_from_slice(&bytes);
                while let Some(payload) = decode_frame_mut(&mut client.bytes, 1 << 24).expect("frames") {
                    client.frames.push_back(ServerFrame::decode(payload).expect("server frames"));
                }
                match &mut client.not_given_back {
                    Some(held) => *held += bytes.len(),
                    None => self.trunk.taken(channel, bytes.len()),
                }
            }
        }
    }

    /// The next frame of a channel; `None` when the server has closed it.
    #[track_caller]
    pub(crate) fn next(&mut self, channel: ChannelId) -> Option<ServerFrame> {
        loop {
            let client = self.clients.get_mut(&channel).unwrap();
            if let Some(frame) = client.frames.pop_front() {
                return Some(frame);
            }
            if client.ended.is_some() {
                return None;
            }
            assert!(self.ended.is_none(), "the trunk is over: {:?}", self.ended);
            self.pump();
        }
    }

    /// Waits for the answer to a request. Everything before it is dropped.
    #[track_caller]
    pub(crate) fn answer_to(&mut self, channel: ChannelId, request_id: u64) -> Down {
        loop {
            let frame = self.next(channel).expect("the channel lives");
            if frame.request_id == request_id {
                return frame.body.expect("answers have a body");
            }
        }
    }

    /// Sends a request and waits for its answer.
    #[track_caller]
    pub(crate) fn ask_in(&mut self, channel: ChannelId, body: Up) -> Down {
        let id = self.say(channel, body);
        self.answer_to(channel, id)
    }

    /// The bodies of the next entries in a channel: so many.
    #[track_caller]
    pub(crate) fn texts(&mut self, channel: ChannelId, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        while texts.len() < count {
            if let Some(Down::Entries(entries)) = self.next(channel).expect("the channel lives").body {
                texts.extend(entries.entries.iter().map(|entry| String::from_utf8_lossy(&entry.body).into_owned()));
            }
        }
        texts
    }

    /// Why the server ends a channel; what it says before is dropped.
    #[track_caller]
    pub(crate) fn end_of(&mut self, channel: ChannelId) -> ChannelEnd {
        while self.next(channel).is_some() {}
        self.clients[&channel].ended.expect("it has ended")
    }

    /// Why the trunk ends.
    #[track_caller]
    pub(crate) fn end(&mut self) -> TrunkError {
        while self.ended.is_none() {
            self.pump();
        }
        self.ended.take().expect("it has ended")
    }

    /// Whether the trunk still lives: a ping is answered.
    #[track_caller]
    pub(crate) fn is_alive(&mut self) -> bool {
        let channel = self.open_channel();
        self.say(channel, super::hello());
        matches!(self.next(channel).and_then(|frame| frame.body), Some(Down::Welcome(_)))
    }
}
