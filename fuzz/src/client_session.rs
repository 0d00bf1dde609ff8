//! What a client does with the bytes of a server.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use hubbub_codec::frame::append_frame;
use hubbub_codec::ids::{DeviceId, UserId};
use hubbub_codec::proto::{self, ServerFrame, server_frame};
use hubbub_codec::session::{Event, OutgoingMessage, Recipient, Session, SessionConfig};

/// Logs a session in, then lets the server say `input`, in pieces as long as the first byte says. Entries of a
/// conversation must be reported in order.
pub fn client_session(input: &[u8]) {
    let now = Duration::from_secs(1);
    let mut config = SessionConfig::new("", DeviceId(1));
    config.seed = 1;
    let mut session = Session::new(config, now);
    session.handle_connected(now);
    let _ = session.send(now, Recipient::User(UserId(2)), OutgoingMessage::text("x"));
    session.handle_bytes(now, &mut login()).expect("a valid login");

    let Some((&piece, input)) = input.split_first() else {
        return;
    };
    let mut buffer = BytesMut::new();
    for piece in input.chunks(usize::from(piece).max(1)) {
        buffer.put_slice(piece);
        if session.handle_bytes(now, &mut buffer).is_err() {
            break;
        }
        session.handle_timeout(now + Duration::from_secs(300));
        let _ = session.poll_transmit();
        check_events(&mut session);
    }
    session.handle_disconnected(now);
    session.handle_connected(now);
}

fn check_events(session: &mut Session) {
    while let Some(event) = session.poll_event() {
        if let Event::Entries { entries, .. } = event {
            assert!(!entries.is_empty());
            assert!(entries.is_sorted_by(|a, b| a.seq + 1 == b.seq));
        }
    }
}

fn login() -> BytesMut {
    let mut bytes = BytesMut::new();
    let welcome = proto::Welcome { version: 1, ..Default::default() };
    let logged_in = proto::LoggedIn { user_id: 1, created: false, ..Default::default() };
    for body in [server_frame::Body::Welcome(welcome), server_frame::Body::LoggedIn(logged_in)] {
        let frame = ServerFrame { request_id: 1, body: Some(body) };
        append_frame(&frame, &mut bytes);
    }
    bytes
}
