//! Revocations: the body is gone for everybody, wherever they look, and from disk once the store was compacted.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{self, Entry, ErrorCode, EventType, GoneReason};
use std::path::Path;

const SECRET: &str = "Zk3vQx8mTr5wLp1s";
const EDITED: &str = "Hq7nBd2yJc9fXg4u";

/// Whether any file below a directory holds this text, in plain.
fn on_disk(dir: &Path, text: &str) -> bool {
    std::fs::read_dir(dir).unwrap().any(|file| {
        let path = file.unwrap().path();
        if path.is_dir() {
            return on_disk(&path, text);
        }
        // A file of a running store may go at any time.
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// Says the secret under a name that is none.
fn say_secret(raw: &mut Raw) {
    let send = message(proto::send::To::User(20), name("two"), SECRET);
    assert_eq!(seq(raw.ask(Up::Send(send))), 2);
}

fn edit_to_secret(raw: &mut Raw, conversation: hubbub_codec::ids::Conversation) -> u64 {
    let Up::Edit(plain) = edit(conversation, 2, "edit") else { unreachable!() };
    seq(raw.ask(Up::Edit(proto::Edit { body: EDITED.into(), ..plain })))
}

fn is_clean(entries: &[Entry]) -> bool {
    entries.iter().map(prost::Message::encode_to_vec).all(|entry| {
        let holds = |text: &str| entry.windows(text.len()).any(|window| window == text.as_bytes());
        !holds(SECRET) && !holds(EDITED)
    })
}

#[test]
fn the_body_and_its_edits_are_gone_wherever_one_looks() {
    let mut server = Server::start();
    let (mut alice, mut bob, chat) = talk(&server, &["one"]);
    say_secret(&mut alice);
    assert_eq!(seq(alice.ask(to_user(20, "three"))), 3);
    assert_eq!(edit_to_secret(&mut alice, chat), 4);
    assert_eq!(seq(bob.ask(react(chat, "r", 2, "+", false))), 5);
    let before = written(&mut bob, chat);
    assert!(!is_clean(&before));
    assert_eq!(seq(alice.ask(revoke(chat, "oops", 2))), 6);
    let mut log = Reader::new(chat);
    log.read_up_to(&mut bob, 6);
    match log.entries[5].event.clone().and_then(|event| event.event) {
        Some(Event::MessageRevoked(revoked)) => assert_eq!(revoked.seq, 2),
        other => panic!("{other:?}"),
    }
    for restarted in [false, true] {
        if restarted {
            server.kill();
            server.start_again();
            bob = Raw::login(&server, 20, 1);
            alice = Raw::login(&server, 10, 1);
        }
        let shown = newest(&mut bob, chat);
        let gone = Entry {
            event_type: EventType::Gone.into(),
            gone_reason: GoneReason::Revoked.into(),
            body: Default::default(),
            ..before[1].clone()
        };
        assert_eq!(shown[1], gone);
        match shown[3].event.clone().and_then(|event| event.event) {
            Some(Event::MessageEdited(edited)) => {
                assert_eq!(edited, proto::MessageEdited { seq: 2, ..Default::default() })
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((shown.len(), &shown[0], &shown[2], &shown[4]), (6, &before[0], &before[2], &before[4]));
        assert_eq!(written(&mut bob, chat), shown);
        // A device that was not there.
        let mut device = Raw::login(&server, 20, 7 + u64::from(restarted));
        let states = device.sync(vec![cursor(chat, 0, 0)], true);
        assert_eq!((states[0].head, states[0].unread), (6, 3), "what is gone still counts");
        let mut log = Reader::new(chat);
        log.read_up_to(&mut device, 6);
        assert_eq!(log.entries, shown);
        assert!(is_clean(&log.entries));
        // Its resend is found, and tells nothing.
        let again = proto::Send { name: resent("two", 1), ..message(proto::send::To::User(20), None, SECRET) };
        let Down::Sent(sent) = alice.ask(Up::Send(again)) else { panic!("not sent") };
        assert_eq!((sent.seq, sent.duplicate), (2, true));
        let error = alice.ask_in_vain(edit(chat, 2, "back again"));
        assert_eq!(error.code(), ErrorCode::UnknownMessage);
        assert_eq!(alice.ask_in_vain(revoke(chat, "twice", 2)).code(), ErrorCode::UnknownMessage);
        assert_eq!(bob.ask_in_vain(react(chat, "q", 2, "+", false)).code(), ErrorCode::UnknownMessage);
    }
}

#[test]
fn compacting_has_it_gone_from_disk() {
    let mut server = Server::start();
    let (mut alice, _, chat) = talk(&server, &["one"]);
    say_secret(&mut alice);
    assert_eq!(edit_to_secret(&mut alice, chat), 3);
    let compact = |server: &Server| {
        let run = hubbub().args(["compact", "--data-dir", &server.data_dir().display().to_string()]).output().unwrap();
        (run.status.success(), String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned())
    };
    let (done, said) = compact(&server);
    assert!(!done && said.contains("another process"), "a running server has the store: {said}");
    assert_eq!(seq(alice.ask(revoke(chat, "oops", 2))), 4);
    server.stop();
    let store = server.data_dir().join("store");
    assert!(on_disk(&store, SECRET) && on_disk(&store, EDITED), "revoking alone deletes nothing from disk");
    let (done, said) = compact(&server);
    assert!(done && said.contains("before") && said.contains("after"), "{said}");
    assert!(!on_disk(&store, SECRET) && !on_disk(&store, EDITED));
    server.start_again();
    let mut alice = Raw::login(&server, 10, 1);
    assert_eq!(newest(&mut alice, chat).len(), 4);
    assert!(!on_disk(&store, SECRET) && !on_disk(&store, EDITED));
}

#[test]
fn compacting_what_is_no_store_makes_none() {
    let dir = tempfile::tempdir().unwrap();
    let run = hubbub().args(["compact", "--data-dir", &dir.path().display().to_string()]).output().unwrap();
    assert!(!run.status.success());
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("there is no store") && said.contains("--data-dir"), "{said}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn senders_may_within_the_age_and_stewards_of_a_group_always() {
    let server = Setup::new().config("messages.revoke_age_max_s = 0").start();
    let (mut alice, mut bob, chat) = talk(&server, &["one"]);
    let error = alice.ask_in_vain(revoke(chat, "oops", 1));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::TooOld, "seq"));
    assert!(error.message.contains("messages.revoke_age_max_s"), "{}", error.message);
    assert_eq!(bob.ask_in_vain(revoke(chat, "hers", 1)).code(), ErrorCode::Forbidden);

    let mut people = people(&server, 5);
    let group_id = team(&mut people, 4);
    let chat = group(group_id);
    for at in 0..4 {
        assert_eq!(seq(people[3].ask(to_group(group_id, &format!("word {at}")))), 3 + at);
    }
    assert_eq!(people[2].ask_in_vain(revoke(chat, "x", 3)).code(), ErrorCode::Forbidden);
    assert_eq!(people[3].ask_in_vain(revoke(chat, "x", 3)).code(), ErrorCode::TooOld);
    assert_eq!(people[4].ask_in_vain(revoke(chat, "x", 3)).code(), ErrorCode::UnknownConversation);
    assert_eq!(seq(people[0].ask(revoke(chat, "owner", 3))), 7);
    assert_eq!(seq(people[1].ask(revoke(chat, "admin", 4))), 8);
    for seq in [0, 1, 7, 9] {
        let code = people[0].ask_in_vain(revoke(chat, "y", seq)).code();
        assert_eq!(code, if seq == 0 { ErrorCode::Invalid } else { ErrorCode::UnknownMessage });
    }
    let kinds: Vec<EventType> = newest(&mut people[2], chat).iter().map(Entry::event_type).collect();
    assert_eq!(kinds[2..6], [EventType::Gone, EventType::Gone, EventType::User, EventType::User]);
}
