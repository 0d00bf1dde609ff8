//! Reactions: everybody learns of them, history counts them, and what changes nothing makes no entry.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{self, Entry, ErrorCode};

fn counts(entry: &Entry) -> Vec<(&str, u32, &[u64])> {
    entry.reactions.iter().map(|count| (count.emoji.as_str(), count.count, count.users.as_slice())).collect()
}

#[test]
fn they_are_entries_for_everybody_and_counts_in_history() {
    let mut server = Server::start();
    let mut people = people(&server, 5);
    let group_id = team(&mut people, 5);
    let chat = group(group_id);
    assert_eq!(seq(people[0].ask(to_group(group_id, "lunch?"))), 3);
    for (at, emoji) in [(4, "🍕"), (2, "👍"), (3, "👍"), (1, "👍"), (0, "👍")] {
        people[at].ask(react(chat, emoji, 3, emoji, false));
    }
    assert_eq!(seq(people[4].ask(react(chat, "more", 3, "👍", false))), 9);
    let mut logs: Vec<Reader> = (0..5).map(|_| Reader::new(chat)).collect();
    for (log, raw) in logs.iter_mut().zip(&mut people) {
        log.read_up_to(raw, 9);
    }
    assert!(logs.iter().all(|log| log.entries == logs[0].entries && log.entries[2].reactions.is_empty()));
    match logs[0].entries[3].event.clone().and_then(|event| event.event) {
        Some(Event::MessageReacted(reacted)) => {
            let expected = proto::MessageReacted { seq: 3, emoji: "🍕".to_owned(), removed: false };
            assert_eq!((reacted, logs[0].entries[3].sender), (expected, 5));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(counts(&newest(&mut people[1], chat)[2]), [("👍", 5, &[1, 2, 3][..]), ("🍕", 1, &[5])]);
    // The next one takes the place of whoever goes.
    assert_eq!(seq(people[1].ask(react(chat, "back", 3, "👍", true))), 10);
    assert_eq!(seq(people[4].ask(react(chat, "no pizza", 3, "🍕", true))), 11);
    for restarted in [false, true] {
        if restarted {
            server.kill();
            server.start_again();
            people[1] = Raw::login(&server, 2, 1);
        }
        assert_eq!(counts(&newest(&mut people[1], chat)[2]), [("👍", 4, &[1, 3, 4][..])]);
        assert!(written(&mut people[1], chat).iter().all(|entry| entry.reactions.is_empty()));
    }
}

#[test]
fn what_changes_nothing_is_answered_with_the_message_itself() {
    let server = Server::start();
    let (mut alice, mut bob, chat) = talk(&server, &["one"]);
    let id = written(&mut alice, chat)[0].message_id;
    let unchanged = |raw: &mut Raw, request: Up| match raw.ask(request) {
        Down::Sent(sent) => assert_eq!((sent.seq, sent.message_id, sent.duplicate), (1, id, true)),
        other => panic!("{other:?}"),
    };
    unchanged(&mut bob, react(chat, "a", 1, "+", true));
    assert_eq!(seq(bob.ask(react(chat, "b", 1, "+", false))), 2);
    unchanged(&mut bob, react(chat, "c", 1, "+", false));
    unchanged(&mut alice, react(chat, "d", 1, "+", true));
    assert_eq!(newest(&mut alice, chat).len(), 2);
}

#[test]
fn what_may_not_be_is_refused() {
    let server = Server::start();
    let (mut alice, mut bob, chat) = talk(&server, &["one"]);
    let mut carol = Raw::login(&server, 30, 1);
    assert_eq!(carol.ask_in_vain(react(chat, "x", 1, "+", false)).code(), ErrorCode::UnknownConversation);
    assert_eq!(seq(bob.ask(react(chat, "x", 1, "+", false))), 2);
    for seq in [2, 3] {
        assert_eq!(alice.ask_in_vain(react(chat, "y", seq, "+", false)).code(), ErrorCode::UnknownMessage);
    }
    for (emoji, code) in [("", ErrorCode::Invalid), (&*"x".repeat(33), ErrorCode::LimitExceeded)] {
        let error = alice.ask_in_vain(react(chat, "y", 1, emoji, false));
        assert_eq!((error.code(), error.field.as_str()), (code, "react.emoji"));
    }
    for n in 0..8 {
        assert_eq!(seq(alice.ask(react(chat, &format!("r{n}"), 1, &n.to_string(), false))), 3 + n);
    }
    let error = alice.ask_in_vain(react(chat, "ninth", 1, "ninth", false));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::LimitExceeded, "emoji"));
    assert_eq!(seq(bob.ask(react(chat, "z", 1, "7", false))), 11, "another's room is another's");
}
