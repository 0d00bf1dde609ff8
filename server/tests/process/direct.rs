//! One-to-one chat: what one person says reaches the other's devices and their own, in order, acknowledged and marked.

use crate::support::*;
use hubbub_codec::ids::Conversation;
use hubbub_codec::proto::{ErrorCode, EventType, Receipt, Sent, error::Action};

over_each_transport! {
    messages_go_both_ways_and_come_to_the_sender_too,
    all_that_a_message_carries_arrives_as_it_was_sent,
    receipts_tell_what_was_delivered_and_read_and_never_go_back,
    a_message_to_somebody_who_is_away_waits_for_them,
}

/// Enough pairs for every combination of homes on two shards.
const PAIRS: [(u64, u64); 8] = [(10, 20), (11, 21), (12, 22), (13, 23), (24, 14), (25, 15), (26, 16), (27, 17)];

fn sent(answer: Down) -> Sent {
    match answer {
        Down::Sent(sent) => sent,
        other => panic!("not sent: {other:?}"),
    }
}

fn messages_go_both_ways_and_come_to_the_sender_too(over: Transport) {
    for shards in [1, 2, 5] {
        talk_in_pairs(&Setup::new().over(over).shards(shards).start());
    }
}

fn talk_in_pairs(server: &Server) {
    for (a, b) in PAIRS {
        let conversation = direct(a, b);
        let (mut alice, _) = Raw::login_and_sync(server, a, 1);
        let (mut bob, _) = Raw::login_and_sync(server, b, 1);
        let first = sent(alice.ask(to_user(b, "hello")));
        let second = sent(bob.ask(to_user(a, "hello yourself")));
        let third = sent(alice.ask(to_user(b, "how are you?")));
        assert_eq!([first.seq, second.seq, third.seq], [1, 2, 3]);
        assert!(first.message_id < second.message_id && second.message_id < third.message_id);
        assert!([&first, &second, &third].iter().all(|sent| !sent.duplicate && sent.time_us > 0));
        assert_eq!(Conversation::try_from(&first.conversation), Ok(conversation));
        for raw in [&mut alice, &mut bob] {
            let mut log = Reader::new(conversation);
            log.read_up_to(raw, 3);
            assert_eq!(log.texts(), ["hello", "hello yourself", "how are you?"]);
            assert_eq!(log.entries.iter().map(|entry| entry.sender).collect::<Vec<_>>(), [a, b, a]);
            assert_eq!(log.entries.iter().map(|entry| entry.ordinal).collect::<Vec<_>>(), [1, 2, 3]);
            for (entry, sent) in log.entries.iter().zip([&first, &second, &third]) {
                assert_eq!((entry.message_id, entry.time_us), (sent.message_id, sent.time_us));
                assert_eq!(entry.event_type(), EventType::User);
                assert_eq!(entry.client_message_id, entry.body, "the tests name messages by their text");
            }
        }
    }
}

fn all_that_a_message_carries_arrives_as_it_was_sent(over: Transport) {
    let server = Setup::new().over(over).start();
    let (mut alice, _) = Raw::login_and_sync(&server, 10, 77);
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    alice.ask(to_user(20, "first"));
    let body: Vec<u8> = (0..=255).collect();
    let mut send = message(hubbub_codec::proto::send::To::User(20), name("second"), "");
    send.body = body.clone().into();
    (send.kind, send.content_type, send.reply_to_seq) = (4_000_000_000, "image/webp".to_owned(), 1);
    sent(alice.ask(Up::Send(send)));
    let mut log = Reader::new(direct(10, 20));
    log.read_up_to(&mut bob, 2);
    let entry = &log.entries[1];
    assert_eq!((entry.kind, entry.content_type.as_str(), entry.reply_to_seq), (4_000_000_000, "image/webp", 1));
    assert_eq!((entry.body.to_vec(), entry.device_id), (body, 77));
}

fn receipts_tell_what_was_delivered_and_read_and_never_go_back(over: Transport) {
    let server = Setup::new().over(over).start();
    for (a, b) in PAIRS {
        let conversation = direct(a, b);
        let (mut alice, _) = Raw::login_and_sync(&server, a, 1);
        let (mut bob, _) = Raw::login_and_sync(&server, b, 1);
        for text in ["one", "two", "three"] {
            sent(alice.ask(to_user(b, text)));
        }
        Reader::new(conversation).read_up_to(&mut bob, 3);
        Reader::new(conversation).read_up_to(&mut alice, 3);
        let mut receipt_of_bob = |is: (u64, u64)| {
            alice.push(|body| match body {
                Down::Receipts(receipts) => {
                    assert_eq!(Conversation::try_from(&receipts.conversation), Ok(conversation));
                    receipts.receipts.contains(&Receipt { user: b, delivered: is.0, read: is.1 }).then_some(())
                }
                _ => None,
            });
        };
        bob.say_as(0, delivered(conversation, 2));
        receipt_of_bob((2, 0));
        assert!(matches!(bob.ask(read(conversation, 2)), Down::Done(_)));
        receipt_of_bob((2, 2));
        // An older mark changes nothing and is no mistake.
        assert!(matches!(bob.ask(delivered(conversation, 1)), Down::Done(_)));
        assert!(matches!(bob.ask(delivered(conversation, 3)), Down::Done(_)));
        receipt_of_bob((3, 2));
        let (_, states) = Raw::login_and_sync(&server, a, 2);
        assert_eq!((states[0].peer_delivered, states[0].peer_read), (3, 2));
    }
}

fn a_message_to_somebody_who_is_away_waits_for_them(over: Transport) {
    let server = Setup::new().over(over).start();
    for (a, b) in PAIRS {
        let (mut alice, _) = Raw::login_and_sync(&server, a, 1);
        drop(Raw::login(&server, b, 1)); // The account is made by the first login.
        for text in ["one", "two", "three"] {
            sent(alice.ask(to_user(b, text)));
        }
        let (mut bob, states) = Raw::login_and_sync(&server, b, 1);
        let mut log = Reader::new(direct(a, b));
        log.read_up_to(&mut bob, 3);
        assert_eq!(log.texts(), ["one", "two", "three"]);
        let state = &states[0];
        assert_eq!((states.len(), state.head, state.unread, state.member), (1, 3, 3, true));
        assert_eq!((state.delivered, state.read, state.member_count, state.log_id), (0, 0, 2, log.log_id));
        // They had come before Synced.
        assert!(bob.so_far().is_empty());
    }
}

#[test]
fn a_message_to_nobody_is_refused_and_leaves_no_trace() {
    let server = Server::start();
    let (mut alice, _) = Raw::login_and_sync(&server, 10, 1);
    for nobody in [21, 22, 23, 24] {
        let error = alice.ask_in_vain(to_user(nobody, "anybody?"));
        assert_eq!((error.code(), error.action()), (ErrorCode::UnknownUser, Action::FixRequest));
        assert!(error.message.contains(&nobody.to_string()), "{}", error.message);
    }
    assert_eq!(alice.ask_in_vain(to_user(10, "me?")).code(), ErrorCode::Invalid);
    let (mut late, _) = Raw::login_and_sync(&server, 21, 1);
    let (_, states) = Raw::login_and_sync(&server, 10, 2);
    assert!(late.so_far().is_empty() && states.is_empty());
    // From now on they exist.
    assert_eq!(sent(alice.ask(to_user(21, "now?"))).seq, 1);
}
