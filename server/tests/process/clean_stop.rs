//! Durability `none`: an orderly stop keeps everything; a crash loses a suffix of each log at most, and says so.

use crate::support::*;
use hubbub_codec::proto::{ErrorCode, Sync};

const MESSAGES: u64 = 500;

/// A server with a conversation of [`MESSAGES`] acknowledged messages, and the log's id.
fn talk() -> (Server, u32) {
    let server = Setup::new().config("durability = \"none\"").start();
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let mut alice = Raw::login(&server, 10, 1);
    let ids: Vec<u64> = (1..=MESSAGES).map(|n| alice.say(to_user(20, &n.to_string()))).collect();
    ids.into_iter().for_each(|id| assert!(matches!(alice.answer_to(id), Down::Sent(_))));
    let mut log = Reader::new(direct(10, 20));
    log.read_up_to(&mut bob, MESSAGES);
    assert!(matches!(bob.ask(read(direct(10, 20), MESSAGES)), Down::Done(_)));
    (server, log.log_id)
}

#[test]
fn an_orderly_stop_keeps_everything() {
    let (mut server, log_id) = talk();
    server.stop();
    server.start_again();
    let mut bob = Raw::login(&server, 20, 1);
    // The cursor holds, so the log is the same one.
    let states = bob.sync(vec![cursor(direct(10, 20), log_id, 400)], true);
    assert_eq!((states[0].head, states[0].read, states[0].log_id), (MESSAGES, MESSAGES, log_id));
    let mut log = Reader::after(direct(10, 20), 400);
    log.read_up_to(&mut bob, MESSAGES);
    assert_eq!(log.texts(), (401..=MESSAGES).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_crash_loses_a_suffix_at_most_and_starts_a_new_life_of_the_log() {
    let (mut server, log_id) = talk();
    server.kill();
    server.start_again();
    // The accounts may be lost as well, and come again with the login.
    let mut bob = Raw::login(&server, 20, 1);
    let id = bob.say(Up::Sync(Sync { cursors: vec![cursor(direct(10, 20), log_id, MESSAGES)], include_others: true }));
    let frame = bob.find(|frame| frame.request_id == id);
    let head = match frame.body {
        Some(Down::Error(error)) => {
            assert_eq!(error.code(), ErrorCode::LogReset);
            let reset = error.log_reset.unwrap();
            assert_ne!(reset.log_id, log_id);
            reset.head
        }
        // Nothing is left of it at all.
        Some(Down::Synced(synced)) => {
            assert!(!synced.conversations[0].member);
            0
        }
        other => panic!("{other:?}"),
    };
    assert!(head <= MESSAGES);
    if head > 0 {
        let Down::Entries(page) = bob.ask(history_after(direct(10, 20), 0, 200)) else { panic!("no history") };
        let expected: Vec<String> = (1..=head.min(200)).map(|n| n.to_string()).collect();
        assert_eq!(page.entries.iter().map(|entry| entry.body.clone()).collect::<Vec<_>>(), expected);
    }
    // It goes on from there.
    drop(Raw::login(&server, 10, 1));
    let next = bob.ask(to_user(10, "still here"));
    assert!(matches!(next, Down::Sent(sent) if sent.seq == head + 1));
}
