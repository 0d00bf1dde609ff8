//! Edits: the sender gives a message a new body, everybody learns of it in the same order, history shows the newest form.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{self, Entry, ErrorCode, EventType};

fn edited(entry: &Entry) -> (u64, &[u8], &str) {
    match entry.event.as_ref().and_then(|event| event.event.as_ref()) {
        Some(Event::MessageEdited(edited)) => (edited.seq, &edited.body, &edited.content_type),
        other => panic!("{other:?}"),
    }
}

#[test]
fn everybody_learns_of_it_in_the_same_order_and_history_shows_the_newest_form() {
    let mut server = Server::start();
    let (mut alice, mut bob, chat) = talk(&server, &["frist", "second"]);
    let mut tablet = Raw::login_and_sync(&server, 20, 2).0;
    let Down::Sent(sent) = alice.ask(edit(chat, 1, "frist!")) else { panic!("not sent") };
    assert_eq!((sent.seq, sent.duplicate), (3, false));
    assert_eq!(seq(bob.ask(to_user(10, "typo"))), 4);
    assert_eq!(seq(alice.ask(edit(chat, 1, "first"))), 5);
    let mut logs = [Reader::new(chat), Reader::new(chat), Reader::new(chat)];
    for (log, raw) in logs.iter_mut().zip([&mut alice, &mut bob, &mut tablet]) {
        log.read_up_to(raw, 5);
    }
    assert!(logs.iter().all(|log| log.entries == logs[0].entries), "all devices read the same");
    let entries = &logs[0].entries;
    assert_eq!((entries[0].body.as_ref(), entries[0].edited), (&b"frist"[..], None), "logs are raw");
    assert_eq!(edited(&entries[2]), (1, &b"frist!"[..], "text/new"));
    assert_eq!(edited(&entries[4]), (1, &b"first"[..], "text/new"));
    assert_eq!((entries[2].ordinal, entries[2].message_id), (2, sent.message_id), "an edit is no message");

    for restarted in [false, true] {
        if restarted {
            server.kill();
            server.start_again();
            bob = Raw::login(&server, 20, 1);
        }
        assert_eq!(written(&mut bob, chat), *entries);
        let shown = newest(&mut bob, chat);
        let expected = Entry {
            body: "first".into(),
            content_type: "text/new".to_owned(),
            edited: Some(proto::Edited { seq: 5, time_us: entries[4].time_us }),
            ..entries[0].clone()
        };
        assert_eq!(shown[0], expected);
        assert_eq!(shown[1..], entries[1..]);
        let Down::Entries(below) = bob.ask(history_before(chat, 2, 5)) else { panic!("no entries") };
        assert_eq!(below.entries, [expected]);
    }
}

#[test]
fn an_edit_that_is_resent_is_made_once() {
    let mut server = Server::start();
    let (mut alice, _, chat) = talk(&server, &["one"]);
    assert_eq!(seq(alice.ask(edit(chat, 1, "uno"))), 2);
    server.kill();
    server.start_again();
    let mut alice = Raw::login(&server, 10, 1);
    let Up::Edit(again) = edit(chat, 1, "uno") else { unreachable!() };
    let again = proto::Edit { name: resent("uno", 1), ..again };
    let Down::Sent(sent) = alice.ask(Up::Edit(again)) else { panic!("not sent") };
    assert_eq!((sent.seq, sent.duplicate), (2, true));
    assert_eq!(newest(&mut alice, chat).len(), 2);
}

#[test]
fn what_may_not_be_edited_is_refused_and_leaves_no_trace() {
    let server = Setup::new().config("limits.body_bytes_max = 100").start();
    let (mut alice, mut bob, chat) = talk(&server, &["one"]);
    assert_eq!(seq(alice.ask(edit(chat, 1, "uno"))), 2);
    let mut carol = Raw::login(&server, 30, 1);
    assert_eq!(bob.ask_in_vain(edit(chat, 1, "mine")).code(), ErrorCode::Forbidden);
    assert_eq!(carol.ask_in_vain(edit(chat, 1, "mine")).code(), ErrorCode::UnknownConversation);
    for seq in [2, 3, u64::MAX] {
        let error = alice.ask_in_vain(edit(chat, seq, "what"));
        assert_eq!((error.code(), error.field.as_str()), (ErrorCode::UnknownMessage, "seq"));
    }
    assert_eq!(alice.ask_in_vain(edit(chat, 0, "what")).field, "seq");
    let error = alice.ask_in_vain(edit(chat, 1, &"x".repeat(101)));
    // The name is as long as the text, and is looked at first or last: either is wrong.
    assert!(matches!(error.code(), ErrorCode::LimitExceeded | ErrorCode::Invalid), "{error:?}");
    let Up::Edit(sound) = edit(chat, 1, "sound") else { unreachable!() };
    for (request, field) in [
        (proto::Edit { body: "x".repeat(101).into(), ..sound.clone() }, "edit.body"),
        (proto::Edit { content_type: "x".repeat(65), ..sound.clone() }, "edit.content_type"),
        (proto::Edit { conversation: None, ..sound.clone() }, "conversation"),
        (proto::Edit { name: None, ..sound }, "name"),
    ] {
        assert_eq!(alice.ask_in_vain(Up::Edit(request)).field, field);
    }
    assert_eq!(newest(&mut alice, chat).len(), 2);
}

#[test]
fn editing_can_be_switched_off_and_muted_members_cannot() {
    let server = Setup::new().config("messages.edit_age_max_s = 0").start();
    let (mut alice, _, chat) = talk(&server, &["one"]);
    let error = alice.ask_in_vain(edit(chat, 1, "uno"));
    assert_eq!((error.code(), error.action()), (ErrorCode::TooOld, proto::error::Action::GiveUp));
    assert!(error.message.contains("messages.edit_age_max_s"), "{}", error.message);

    let server = Server::start();
    let mut people = people(&server, 3);
    let group_id = team(&mut people, 3);
    assert_eq!(seq(people[2].ask(to_group(group_id, "one"))), 3);
    done(people[0].ask(mute(group_id, "hush", 3, 60)));
    let error = people[2].ask_in_vain(edit(group(group_id), 3, "uno"));
    assert_eq!(error.code(), ErrorCode::Muted);
    assert_eq!(
        seq(people[2].ask(revoke(group(group_id), "sorry", 3))),
        5,
        "one's words may be taken back all the same"
    );
    assert_eq!(newest(&mut people[0], group(group_id))[2].event_type(), EventType::Gone);
}

#[test]
fn pages_of_long_edits_stay_within_the_frame_and_lose_nothing() {
    let server = Setup::new().unlimited().start();
    let words: Vec<String> = (0..40).map(|n| format!("word {n}")).collect();
    let (mut alice, mut bob, chat) = talk(&server, &words.iter().map(String::as_str).collect::<Vec<_>>());
    for n in 0..40 {
        let Up::Edit(short) = edit(chat, n + 1, &format!("edit {n}")) else { unreachable!() };
        let long = proto::Edit { body: vec![n as u8; 20_000].into(), ..short };
        assert_eq!(seq(alice.ask(Up::Edit(long))), 41 + n);
    }
    let (mut after, mut found) = (0, Vec::new());
    while after < 40 {
        let page = entries_of(bob.ask(history_after(chat, after, 200)));
        assert!(!page.entries.is_empty() && page.after_seq == after);
        after = page.entries.last().unwrap().seq;
        found.extend(page.entries);
    }
    for (n, entry) in found.iter().take(40).enumerate() {
        assert_eq!((entry.seq, entry.body.len(), entry.body[0]), (n as u64 + 1, 20_000, n as u8));
    }
}
