//! The client on tokio, against a scripted server on a real socket.
#![cfg(feature = "tokio")]

use std::time::Duration;

use bytes::BytesMut;
use client_frame::Body as Up;
use hubbub_codec::client::{Client, Events, RegisterError, RequestError, register};
use hubbub_codec::content::NewBody;
use hubbub_codec::frame::{decode_frame_mut, encode_frame};
use hubbub_codec::ids::{Conversation, DeviceId, Seq, UserId};
use hubbub_codec::proto::{self, ClientFrame, ServerFrame, client_frame, server_frame};
use hubbub_codec::registration::{NewAccount, RegistrationError};
use hubbub_codec::session::{Ending, Event, OutgoingMessage, Recipient, SessionConfig};
use prost::Message;
use server_frame::Body as Down;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const ME: UserId = UserId(10);
const PEER: UserId = UserId(20);
const DEADLINE: Duration = Duration::from_secs(20);

/// One accepted connection.
struct Peer {
    stream: TcpStream,
    input: BytesMut,
}

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = Self { stream, input: BytesMut::new() };
        let hello = peer.next().await.unwrap();
        let welcome = proto::Welcome { version: 1, ..Default::default() };
        peer.say(hello.request_id, Down::Welcome(welcome)).await;
        let login = peer.next().await.unwrap();
        let logged_in = proto::LoggedIn { user_id: ME.0, created: false, ..Default::default() };
        peer.say(login.request_id, Down::LoggedIn(logged_in)).await;
        let sync = peer.next().await.unwrap();
        assert!(matches!(sync.body, Some(Up::Sync(_))));
        peer.say(sync.request_id, Down::Synced(proto::Synced::default())).await;
        peer
    }

    async fn next(&mut self) -> Option<ClientFrame> {
        loop {
            if let Some(payload) = decode_frame_mut(&mut self.input, 65_536).unwrap() {
                return Some(ClientFrame::decode(payload).unwrap());
            }
            if self.stream.read_buf(&mut self.input).await.unwrap() == 0 {
                return None;
            }
        }
    }

    async fn next_send(&mut self) -> (u64, proto::Send) {
        loop {
            let frame = self.next().await.unwrap();
            if let Some(Up::Send(send)) = frame.body {
                return (frame.request_id, send);
            }
        }
    }

    async fn say(&mut self, request_id: u64, body: Down) {
        let frame = ServerFrame { request_id, body: Some(body) };
        self.stream.write_all(&encode_frame(&frame)).await.unwrap();
    }
}

async fn start() -> (TcpListener, Client, Events) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = SessionConfig::new("token", DeviceId(1));
    config.backoff_min = Duration::from_millis(1);
    let address = listener.local_addr().unwrap();
    let (client, events) = Client::connect(address, config);
    (listener, client, events)
}

fn conversation() -> Conversation {
    Conversation::direct(ME, PEER).unwrap()
}

fn sent(seq: u64, duplicate: bool) -> Down {
    Down::Sent(proto::Sent { conversation: Some(conversation().into()), seq, duplicate, ..Default::default() })
}

fn one_entry() -> Down {
    Down::Entries(proto::Entries {
        conversation: Some(conversation().into()),
        log_id: 1,
        entries: vec![proto::Entry { seq: 1, ..Default::default() }],
        ..Default::default()
    })
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, work).await.expect("in time")
}

#[tokio::test]
async fn a_send_survives_a_lost_connection() {
    let (listener, client, mut events) = start().await;
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        let (_, first) = peer.next_send().await;
        drop(peer);
        let mut peer = Peer::accept(&listener).await;
        let (id, again) = peer.next_send().await;
        let (first, again) = (first.name.unwrap(), again.name.unwrap());
        assert_eq!(first.client_message_id, again.client_message_id);
        assert!(!first.resend && again.resend);
        peer.say(id, sent(1, true)).await;
        peer
    };
    let message = OutgoingMessage::text("hello");
    let send = client.send(Recipient::User(PEER), message);
    let (_peer, stored) = within(async { tokio::join!(server, send) }).await;
    let stored = stored.unwrap();
    assert_eq!((stored.seq.0, stored.duplicate), (1, true));
    assert_eq!(within(client.stats()).await.unwrap().reconnects, 1);
    let first = within(events.next()).await.unwrap();
    assert!(matches!(first, Event::LoggedIn { .. }));
}

#[tokio::test]
async fn closing_acknowledges_what_was_received() {
    let (listener, client, mut events) = start().await;
    let mut peer = within(Peer::accept(&listener)).await;
    peer.say(0, one_entry()).await;
    while !matches!(within(events.next()).await.unwrap(), Event::Entries { .. }) {}
    within(client.close()).await;
    let last = within(peer.next()).await.unwrap();
    assert!(matches!(last.body, Some(Up::Delivered(mark)) if mark.up_to_seq == 1));
    assert!(within(peer.next()).await.is_none());
    assert!(within(events.next()).await.is_none());
}

#[tokio::test]
async fn a_refusal_comes_back_to_the_caller() {
    let (listener, client, _events) = start().await;
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        let leave = peer.next().await.unwrap();
        let error = proto::Error {
            action: proto::error::Action::GiveUp.into(),
            code: proto::ErrorCode::Forbidden.into(),
            message: "Not a member.".into(),
            ..Default::default()
        };
        peer.say(leave.request_id, Down::Error(error)).await;
        peer
    };
    let leave = client.leave(5.into());
    let (_peer, refused) = within(async { tokio::join!(server, leave) }).await;
    let Err(RequestError::Failed(error)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(error.code(), proto::ErrorCode::Forbidden);
}

#[tokio::test]
async fn goes_where_the_servers_bye_sends_it() {
    let (listener, _client, mut events) = start().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut peer = within(Peer::accept(&listener)).await;
    let bye = proto::Bye {
        reason: proto::bye::Reason::Drain.into(),
        retry_after_ms: 1,
        target: elsewhere.local_addr().unwrap().to_string(),
    };
    peer.say(0, Down::Bye(bye.clone())).await;
    within(Peer::accept(&elsewhere)).await;
    while within(events.next()).await.unwrap() != (Event::Disconnected { bye: Some(bye.clone()) }) {}
}

#[tokio::test]
async fn an_edit_survives_a_lost_connection() {
    let (listener, client, _events) = start().await;
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        let first = peer.next().await.unwrap();
        drop(peer);
        let mut peer = Peer::accept(&listener).await;
        let again = peer.next().await.unwrap();
        let (Some(Up::Edit(first)), Some(Up::Edit(edit))) = (first.body, again.body) else { panic!("no edit") };
        let (first, name) = (first.name.unwrap(), edit.name.unwrap());
        assert_eq!(first.client_message_id, name.client_message_id);
        assert!(!first.resend && name.resend);
        peer.say(again.request_id, sent(9, false)).await;
        peer
    };
    let edit = client.edit(conversation(), Seq(3), NewBody::text("new"));
    let (_peer, stored) = within(async { tokio::join!(server, edit) }).await;
    assert_eq!(stored.unwrap().seq, Seq(9));
}

#[tokio::test]
async fn a_logout_ends_the_events_in_order() {
    let (listener, client, mut events) = start().await;
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        let logout = peer.next().await.unwrap();
        peer.say(logout.request_id, Down::Done(proto::Done {})).await;
        assert!(peer.next().await.is_none());
    };
    let logout = client.logout(true);
    let ((), done) = within(async { tokio::join!(server, logout) }).await;
    done.unwrap();
    while within(events.next()).await.unwrap() != Event::Ended(Ending::LoggedOut) {}
    assert!(matches!(client.leave(5.into()).await, Err(RequestError::Refused(_))));
}

/// Registers against a server that answers `Register` with `answer`.
async fn register_answered(answer: Down) -> Result<UserId, RegisterError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut peer = Peer { stream, input: BytesMut::new() };
        let hello = peer.next().await.unwrap();
        let welcome = proto::Welcome { version: 1, registration: true, ..Default::default() };
        peer.say(hello.request_id, Down::Welcome(welcome)).await;
        let asked = peer.next().await.unwrap();
        assert!(matches!(&asked.body, Some(Up::Register(asked)) if asked.email == "alice@example.org"));
        peer.say(asked.request_id, answer).await;
        peer
    };
    let account = NewAccount::new("Alice", "alice@example.org", "secret");
    let (_peer, outcome) = within(async { tokio::join!(server, register(address, account)) }).await;
    outcome
}

#[tokio::test]
async fn an_account_is_made_or_refused() {
    let made = register_answered(Down::Registered(proto::Registered { user_id: 7 })).await;
    assert_eq!(made.unwrap(), UserId(7));
    let taken = proto::Error { code: proto::ErrorCode::EmailTaken.into(), ..Default::default() };
    let refused = register_answered(Down::Error(taken)).await;
    let Err(RegisterError::Registration(RegistrationError::Refused(error))) = refused else { panic!("{refused:?}") };
    assert_eq!(error.code(), proto::ErrorCode::EmailTaken);
}
