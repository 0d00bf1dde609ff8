//! An idle session holds less than a kilobyte, its heap included: a process may hold a million of them.

mod counting;

use std::time::Duration;

use bytes::BytesMut;
use counting::live_bytes;
use hubbub_codec::frame::append_frame;
use hubbub_codec::ids::{Conversation, UserId};
use hubbub_codec::proto::{self, ServerFrame, server_frame::Body};
use hubbub_codec::session::{OutgoingMessage, Recipient, Session, SessionConfig};

/// As long as a signed token of this project.
const TOKEN_BYTES: usize = 180;
const ME: UserId = UserId(1);
const PEER: UserId = UserId(2);

/// What a busy moment leaves behind: a login, a message each way, and everything polled.
fn use_once(session: &mut Session) {
    let now = Duration::ZERO;
    let conversation = Conversation::direct(ME, PEER).unwrap();
    session.handle_connected(now);
    session.send(now, Recipient::User(PEER), OutgoingMessage::text("hello")).unwrap();
    let welcome = proto::Welcome { version: 1, ..Default::default() };
    let logged_in = proto::LoggedIn { user_id: ME.0, created: false, ..Default::default() };
    let entries = proto::Entries {
        conversation: Some(conversation.into()),
        log_id: 1,
        entries: vec![proto::Entry { seq: 1, ..Default::default() }],
        ..Default::default()
    };
    let sent = proto::Sent { conversation: Some(conversation.into()), seq: 2, ..Default::default() };
    // Ids in the order of asking: Hello, Login, the send, Sync.
    let script = [
        (1, Body::Welcome(welcome)),
        (2, Body::LoggedIn(logged_in)),
        (0, Body::Entries(entries)),
        (3, Body::Sent(sent)),
        (4, Body::Synced(proto::Synced::default())),
    ];
    let mut bytes = BytesMut::new();
    for (request_id, body) in script {
        let frame = ServerFrame { request_id, body: Some(body) };
        append_frame(&frame, &mut bytes);
    }
    session.handle_bytes(now, &mut bytes).unwrap();
    session.handle_timeout(now + Duration::from_secs(1));
    while session.poll_event().is_some() {}
    while session.poll_transmit().is_some() {}
}

#[test]
fn below_a_kilobyte() {
    let token = "t".repeat(TOKEN_BYTES);
    let before = live_bytes();
    let mut session = Box::new(Session::new(SessionConfig::new(token, 1), Duration::ZERO));
    use_once(&mut session);
    let held = usize::try_from(live_bytes() - before).unwrap();
    assert!(session.is_ready());
    println!("{held} bytes, of which the session itself is {}", size_of::<Session>());
    // The token was made before the count.
    assert!(held + TOKEN_BYTES <= 1_024, "{held} bytes");
}
