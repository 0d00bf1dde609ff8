//! Coming back: a device continues each log after its cursor, without a gap, and then goes on live.

use crate::support::*;
use hubbub_codec::proto::{Cursor, Entries, ErrorCode};

over_each_transport! {
    a_cursor_continues_where_it_stood_over_many_pages,
    reconnecting_in_the_middle_of_a_stream_misses_nothing,
}

fn entries(answer: Down) -> Entries {
    match answer {
        Down::Entries(entries) => entries,
        other => panic!("no entries: {other:?}"),
    }
}

fn seqs(entries: &Entries) -> Vec<u64> {
    entries.entries.iter().map(|entry| entry.seq).collect()
}

/// Sends `count` messages, many at a time, each `bytes` long at least.
fn chatter(raw: &mut Raw, to: u64, from: u64, count: u64, bytes: usize) {
    let ids: Vec<u64> = (from..from + count).map(|n| raw.say(to_user(to, &format!("{n:bytes$}")))).collect();
    for id in ids {
        assert!(matches!(raw.answer_to(id), Down::Sent(_)));
    }
}

/// Both users' accounts, and a sender that follows nothing.
fn sender(server: &Server) -> Raw {
    drop(Raw::login(server, 20, 9));
    Raw::login(server, 10, 9)
}

fn a_cursor_continues_where_it_stood_over_many_pages(over: Transport) {
    let server = Setup::new().over(over).unlimited().start();
    let mut alice = sender(&server);
    let conversation = direct(10, 20);
    chatter(&mut alice, 20, 1, 500, 13);
    let mut bob = Raw::login(&server, 20, 1);
    bob.sync(vec![cursor(conversation, 0, 0)], true);
    let mut log = Reader::new(conversation);
    log.read_up_to(&mut bob, 500);
    drop(bob);
    // Far more than one frame holds.
    for from in (501..1_101).step_by(100) {
        let ids: Vec<u64> = (from..from + 100)
            .map(|n| {
                let mut send = message(hubbub_codec::proto::send::To::User(20), name(&n.to_string()), "");
                send.body = format!("{n:1000}").into();
                alice.say(Up::Send(send))
            })
            .collect();
        ids.into_iter().for_each(|id| assert!(matches!(alice.answer_to(id), Down::Sent(_))));
    }
    let mut bob = Raw::login(&server, 20, 1);
    let states = bob.sync(vec![cursor(conversation, log.log_id, log.cursor)], true);
    assert_eq!((states[0].head, states[0].log_id), (1_100, log.log_id));
    // All pages have come before Synced; a run that is sent now follows them.
    chatter(&mut alice, 20, 1_101, 10, 3);
    log.read_up_to(&mut bob, 1_110);
    let numbers: Vec<u64> = log.texts().iter().map(|text| text.trim().parse().unwrap()).collect();
    assert_eq!(numbers, (1..=1_110).collect::<Vec<_>>());
    assert!(bob.so_far().is_empty());
}

#[test]
fn nothing_is_sent_again_to_a_device_that_is_up_to_date() {
    let server = Server::start();
    let mut alice = sender(&server);
    let conversation = direct(10, 20);
    chatter(&mut alice, 20, 1, 5, 1);
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let mut log = Reader::new(conversation);
    log.read_up_to(&mut bob, 5);
    let mut again = Raw::login(&server, 20, 1);
    let states = again.sync(vec![cursor(conversation, log.log_id, 5)], true);
    assert_eq!((states.len(), states[0].head), (1, 5));
    assert!(again.so_far().is_empty());
    chatter(&mut alice, 20, 6, 1, 1);
    log.read_up_to(&mut again, 6);
}

fn reconnecting_in_the_middle_of_a_stream_misses_nothing(over: Transport) {
    const MESSAGES: u64 = 3_000;
    let server = Setup::new().over(over).unlimited().start();
    let mut alice = sender(&server);
    let conversation = direct(10, 20);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            for from in (1..=MESSAGES).step_by(20) {
                chatter(&mut alice, 20, from, 20, 1);
            }
        });
        let mut log = Reader::new(conversation);
        let mut connections = 0;
        while log.cursor < MESSAGES {
            let mut bob = Raw::login(&server, 20, 1);
            // The log is named only once it is known; before, everything is asked for.
            let known = (log.log_id != 0).then(|| cursor(conversation, log.log_id, log.cursor));
            bob.say(Up::Sync(hubbub_codec::proto::Sync { cursors: Vec::from_iter(known), include_others: true }));
            let up_to = (log.cursor + 100).min(MESSAGES);
            log.read_up_to(&mut bob, up_to);
            connections += 1;
        }
        sending.join().unwrap();
        let numbers: Vec<u64> = log.texts().iter().map(|text| text.parse().unwrap()).collect();
        // The first sync reaches at most 200 entries back.
        assert_eq!(numbers, (numbers[0]..=MESSAGES).collect::<Vec<_>>());
        assert!(connections >= 5, "{connections}");
    });
}

#[test]
fn a_conversation_that_is_not_named_starts_near_its_head() {
    let server = Setup::new().config("sync.entries_max = 10").start();
    let mut alice = sender(&server);
    let conversation = direct(10, 20);
    chatter(&mut alice, 20, 1, 30, 1);
    let (mut bob, states) = Raw::login_and_sync(&server, 20, 1);
    assert_eq!((states[0].head, states[0].unread), (30, 30));
    let mut log = Reader::new(conversation);
    log.read_up_to(&mut bob, 30);
    assert_eq!(log.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (21..=30).collect::<Vec<_>>());
    // And no further back than what some device of the user has had.
    bob.ask(delivered(conversation, 27));
    let (mut tablet, states) = Raw::login_and_sync(&server, 20, 2);
    assert_eq!((states[0].delivered, states[0].read), (27, 0));
    let mut log = Reader::new(conversation);
    log.read_up_to(&mut tablet, 30);
    assert_eq!(log.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [28, 29, 30]);
    // A sync without others follows what it names, and nothing else.
    drop(Raw::login(&server, 30, 1));
    let mut narrow = Raw::login(&server, 20, 3);
    narrow.sync(vec![cursor(conversation, 0, 30)], false);
    alice.ask(to_user(20, "followed"));
    tablet.ask(to_user(30, "not followed"));
    let mut log = Reader::after(conversation, 30);
    log.read_up_to(&mut narrow, 31);
    let rest = narrow.so_far();
    assert!(rest.iter().all(|frame| !matches!(frame.body, Some(Down::Entries(_)))), "{rest:?}");
}

#[test]
fn history_is_read_both_ways_in_pages() {
    let server = Server::start();
    let mut alice = sender(&server);
    let conversation = direct(10, 20);
    chatter(&mut alice, 20, 1, 300, 1);
    let mut bob = Raw::login(&server, 20, 1);
    let mut log = Reader::new(conversation);
    while log.cursor < 300 {
        let page = entries(bob.ask(history_after(conversation, log.cursor, 70)));
        assert!(page.entries.len() <= 70 && (page.floor, page.head) == (0, 300));
        log.take(page);
    }
    assert_eq!(log.entries.len(), 300);
    let (mut below, mut back) = (301, Vec::new());
    while below > 1 {
        let page = entries(bob.ask(history_before(conversation, below, 70)));
        let mut part = seqs(&page);
        assert!(part.is_sorted() && part.len() <= 70 && page.head == 300);
        below = part[0];
        part.reverse();
        back.extend(part);
    }
    assert_eq!(back, (1..=300).rev().collect::<Vec<_>>());
    assert_eq!(seqs(&entries(bob.ask(history_after(conversation, 0, 0)))), (1..=50).collect::<Vec<_>>());
    assert_eq!(seqs(&entries(bob.ask(history_before(conversation, 10, 3)))), [7, 8, 9]);
    assert_eq!(seqs(&entries(bob.ask(history_after(conversation, 300, 10)))), [0; 0]);
    assert_eq!(seqs(&entries(bob.ask(history_before(conversation, 1, 10)))), [0; 0]);
    let error = bob.ask_in_vain(history_after(conversation, 0, 201));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::LimitExceeded, "history.limit"));
    // Reading history moves no cursor and follows nothing.
    assert!(bob.so_far().is_empty());
}

#[test]
fn many_conversations_are_synced_at_once_and_all_are_reported() {
    const FRIENDS: u64 = 250;
    let server = Server::start();
    drop(Raw::login(&server, 1, 1));
    for friend in 2..2 + FRIENDS {
        let mut raw = Raw::login(&server, friend, 1);
        assert!(matches!(raw.ask(to_user(1, "hi")), Down::Sent(_)));
    }
    let mut me = Raw::login(&server, 1, 1);
    let named: Vec<Cursor> = (2..52).map(|friend| cursor(direct(1, friend), 0, 1)).collect();
    let id = me.say(Up::Sync(hubbub_codec::proto::Sync { cursors: named, include_others: true }));
    let (mut states, mut texts) = (0, 0);
    loop {
        let frame = me.next().expect("the connection lives");
        match frame.body {
            Some(Down::Entries(run)) => texts += run.entries.len() as u64,
            Some(Down::Synced(synced)) if frame.request_id == id => {
                states += synced.conversations.len() as u64;
                if !synced.more {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((states, texts), (FRIENDS, FRIENDS - 50));
}
