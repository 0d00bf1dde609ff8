//! The rule at `Entries`, as a table: runs of entries against a cursor, through the session of this crate.

use std::time::Duration;

use bytes::Bytes;
use hubbub_codec::frame::decode_frame;
use hubbub_codec::ids::{Conversation, DeviceId, LogId, Seq};
use hubbub_codec::proto::history::Position;
use hubbub_codec::proto::{self, ClientFrame, ServerFrame, client_frame, server_frame};
use hubbub_codec::session::{Event, Session, SessionConfig};
use prost::Message;
use serde::Deserialize;

use crate::files::{from_json, load, message};

#[derive(Deserialize)]
struct RuleFile {
    conversation: serde_json::Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    cursor: Cursor,
    /// An `Entries` message.
    run: serde_json::Value,
    verdict: String,
    /// The seqs that the application is told.
    report: Vec<u64>,
    cursor_after: Cursor,
    /// `History.after_seq`, when the client has to ask.
    ask_history_after: Option<u64>,
}

/// With `log_id` 0 nothing is known of the log.
#[derive(Deserialize, Debug, PartialEq, Clone, Copy)]
struct Cursor {
    log_id: u32,
    seq: u64,
}

const NOW: Duration = Duration::ZERO;

/// A session that is logged in as one of the two of the file's conversation and holds `cursor`.
fn session(conversation: Conversation, cursor: Cursor) -> Session {
    let mut session = Session::new(SessionConfig::new("jwt", DeviceId(1)), NOW);
    if cursor.log_id != 0 {
        session.restore_cursor(conversation, LogId(cursor.log_id), Seq(cursor.seq)).unwrap();
    }
    session.handle_connected(NOW);
    let mut say = |request_id, body| {
        session.handle_message(NOW, ServerFrame { request_id, body: Some(body) }).unwrap();
    };
    say(1, server_frame::Body::Welcome(proto::Welcome { version: 1, ..Default::default() }));
    say(2, server_frame::Body::LoggedIn(proto::LoggedIn { user_id: 10, ..Default::default() }));
    say(3, server_frame::Body::Synced(proto::Synced::default()));
    while session.poll_event().is_some() {}
    while session.poll_transmit().is_some() {}
    session
}

fn written(session: &mut Session) -> Vec<client_frame::Body> {
    let mut bytes: Bytes = session.poll_transmit().unwrap_or_default();
    let mut bodies = Vec::new();
    while let Some(payload) = decode_frame(&mut bytes, usize::MAX).unwrap() {
        bodies.extend(ClientFrame::decode(payload).unwrap().body);
    }
    bodies
}

#[test]
fn each_run_against_its_cursor() {
    let file: RuleFile = load("cursor_rule.json");
    let named = from_json(message("hubbub.chat.v1.Conversation"), &file.conversation);
    let named = proto::Conversation::decode(&named.encode_to_vec()[..]).unwrap();
    let conversation = Conversation::try_from(&named).unwrap();
    for case in &file.cases {
        let run = from_json(message("hubbub.chat.v1.Entries"), &case.run);
        let run = proto::Entries::decode(&run.encode_to_vec()[..]).unwrap();
        let mut session = session(conversation, case.cursor);
        let frame = ServerFrame { request_id: 0, body: Some(server_frame::Body::Entries(run)) };
        session.handle_message(NOW, frame).unwrap();

        let (mut reported, mut was_reset) = (Vec::new(), false);
        while let Some(event) = session.poll_event() {
            match event {
                Event::Entries { entries, .. } => reported.extend(entries.iter().map(|entry| entry.seq)),
                Event::LogReset { .. } => was_reset = true,
                other => panic!("{}: {other:?}", case.name),
            }
        }
        assert_eq!(reported, case.report, "{}", case.name);
        let after = session.cursor(&conversation).map(|(log_id, seq)| Cursor { log_id: log_id.0, seq: seq.0 });
        let unknown = Cursor { seq: 0, ..case.cursor_after };
        assert_eq!(after.unwrap_or(unknown), case.cursor_after, "{}", case.name);
        assert_eq!(was_reset, case.verdict == "log_reset", "{}", case.name);
        let bodies = written(&mut session);
        let asked = bodies.iter().find_map(|body| match body {
            client_frame::Body::History(history) => history.position,
            _ => None,
        });
        let expected = case.ask_history_after.map(Position::AfterSeq);
        // After a reset the sync brings what is missing, and may be asked for it beside.
        if !was_reset {
            assert_eq!(asked, expected, "{}", case.name);
        }
        let syncs = bodies.iter().any(|body| matches!(body, client_frame::Body::Sync(_)));
        assert_eq!(syncs, was_reset, "{}", case.name);
        let dropped = session.stats().dropped_duplicates > 0;
        match case.verdict.as_str() {
            "gap" => assert!(expected.is_some() && reported.is_empty(), "{}", case.name),
            "duplicate" => assert!(reported.is_empty() && expected.is_none(), "{}", case.name),
            "take" | "skip" => assert!(case.cursor_after.seq > case.cursor.seq, "{}", case.name),
            "log_reset" => assert!(!dropped, "{}", case.name),
            other => panic!("{}: {other}", case.name),
        }
    }
}
