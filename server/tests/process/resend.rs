//! A message that is sent again because its answer was lost is stored once.

use crate::support::*;
use hubbub_codec::proto::send::To;
use hubbub_codec::proto::{ErrorCode, Sent, error::Action};

over_each_transport! {
    a_resend_after_a_new_connection_and_after_a_crash_is_found,
    a_resend_that_races_with_its_original_is_stored_once,
    a_resend_from_the_next_connection_never_overtakes_the_original,
}

fn sent(answer: Down) -> Sent {
    match answer {
        Down::Sent(sent) => sent,
        other => panic!("not sent: {other:?}"),
    }
}

fn again(user: u64, text: &str, after_seq: u64) -> Up {
    Up::Send(message(To::User(user), resent(text, after_seq), text))
}

fn everything(server: &Server) -> Vec<String> {
    let mut raw = Raw::login(server, 20, 99);
    let states = raw.sync(vec![cursor(direct(10, 20), 0, 0)], false);
    let mut log = Reader::new(direct(10, 20));
    log.read_up_to(&mut raw, states[0].head);
    log.texts()
}

/// A server and a sender; the receiver has an account.
fn start(setup: Setup) -> (Server, Raw) {
    let server = setup.start();
    drop(Raw::login(&server, 20, 1));
    let raw = Raw::login(&server, 10, 1);
    (server, raw)
}

#[test]
fn a_resend_repeats_the_first_answer() {
    let (server, mut alice) = start(Setup::new());
    let first = sent(alice.ask(to_user(20, "a")));
    let second = sent(alice.ask(to_user(20, "b")));
    for after in [0, 1] {
        let repeated = sent(alice.ask(again(20, "b", after)));
        assert_eq!(Sent { duplicate: false, ..repeated }, second);
        assert!(repeated.duplicate);
    }
    assert_eq!(sent(alice.ask(again(20, "a", 0))).seq, first.seq);
    assert_eq!(everything(&server), ["a", "b"]);
}

#[test]
fn a_resend_of_what_never_arrived_is_stored() {
    let (server, mut alice) = start(Setup::new());
    // Also as the first words between two people.
    assert!(!sent(alice.ask(again(20, "a", 0))).duplicate);
    assert!(!sent(alice.ask(again(20, "b", 0))).duplicate);
    assert!(!sent(alice.ask(again(20, "c", 2))).duplicate);
    assert_eq!(everything(&server), ["a", "b", "c"]);
}

fn a_resend_after_a_new_connection_and_after_a_crash_is_found(over: Transport) {
    for durability in ["fsync", "os"] {
        let (mut server, mut alice) = start(Setup::new().over(over).config(&format!("durability = \"{durability}\"")));
        let firsts: Vec<Sent> = (0..300).map(|n| sent(alice.ask(to_user(20, &format!("m{n}"))))).collect();
        let mut alice = Raw::login(&server, 10, 1);
        assert_eq!(sent(alice.ask(again(20, "m7", 0))).message_id, firsts[7].message_id);
        server.kill();
        server.start_again();
        let mut alice = Raw::login(&server, 10, 1);
        for (n, after) in [(0, 0), (150, 20), (299, 298), (299, 0)] {
            let repeated = sent(alice.ask(again(20, &format!("m{n}"), after)));
            assert_eq!(Sent { duplicate: false, ..repeated }, firsts[n]);
            assert!(repeated.duplicate);
        }
        assert_eq!(sent(alice.ask(to_user(20, "next"))).seq, 301);
    }
}

fn a_resend_that_races_with_its_original_is_stored_once(over: Transport) {
    for durability in ["fsync", "os"] {
        let (server, mut alice) = start(Setup::new().over(over).config(&format!("durability = \"{durability}\"")));
        let mut expected = Vec::new();
        for round in 0..50 {
            let (text, head) = (format!("m{round}"), round);
            // In one write, so that the second is decided while the first is not committed.
            let ids =
                [alice.say(to_user(20, &text)), alice.say(again(20, &text, head)), alice.say(again(20, &text, head))];
            let answers = ids.map(|id| sent(alice.answer_to(id)));
            assert!(answers.iter().all(|answer| answer.seq == head + 1), "{answers:?}");
            assert_eq!(answers.each_ref().map(|answer| answer.duplicate), [false, true, true]);
            expected.push(text);
        }
        assert_eq!(everything(&server), expected);
    }
}

fn a_resend_from_the_next_connection_never_overtakes_the_original(over: Transport) {
    let (server, alice) = start(Setup::new().over(over));
    let mut alice = alice;
    for round in 0..30 {
        let text = format!("m{round}");
        alice.say(to_user(20, &text)); // Its answer is lost with the connection.
        alice = Raw::login(&server, 10, 1);
        assert_eq!(sent(alice.ask(again(20, &text, 0))).seq, round + 1);
    }
    assert_eq!(everything(&server), (0..30).map(|round| format!("m{round}")).collect::<Vec<_>>());
}

#[test]
fn what_the_window_does_not_cover_is_neither_stored_nor_denied() {
    let (server, mut alice) = start(Setup::new().config("dedup.entries_max = 5"));
    for n in 1..=10 {
        sent(alice.ask(to_user(20, &format!("m{n}"))));
    }
    let error = alice.ask_in_vain(again(20, "m1", 0));
    assert_eq!((error.code(), error.action()), (ErrorCode::ResendUnknown, Action::GiveUp));
    assert!(sent(alice.ask(again(20, "m6", 5))).duplicate);
    assert_eq!(everything(&server).len(), 10);
}

#[test]
fn names_of_other_devices_and_people_are_other_names() {
    let (server, mut alice) = start(Setup::new());
    sent(alice.ask(to_user(20, "a")));
    let mut tablet = Raw::login(&server, 10, 2);
    assert!(!sent(tablet.ask(again(20, "a", 0))).duplicate);
    let mut bob = Raw::login(&server, 20, 1);
    assert!(!sent(bob.ask(again(10, "a", 0))).duplicate);
    assert_eq!(everything(&server), ["a", "a", "a"]);
}

#[test]
fn changes_of_a_group_are_resent_like_messages() {
    let (server, mut alice) = start(Setup::new());
    let Down::Group(made) = alice.ask(create_group("G", &[20])) else { panic!("no group") };
    let add = |resend| {
        let name = if resend { resent("add", 1) } else { name("add") };
        Up::AddMembers(hubbub_codec::proto::AddMembers { name, group: made.group, members: vec![30] })
    };
    drop(Raw::login(&server, 30, 1));
    for resend in [false, true, true] {
        assert!(matches!(alice.ask(add(resend)), Down::Done(_)));
    }
    let leave = |resend| {
        let name = if resend { resent("leave", 2) } else { name("leave") };
        Up::Leave(hubbub_codec::proto::Leave { name, group: made.group })
    };
    // Who has left is no member any more, and yet its resend finds that it has left.
    for resend in [false, true, true] {
        assert!(matches!(alice.ask(leave(resend)), Down::Done(_)));
    }
    let Down::Group(now) = Raw::login(&server, 20, 1).ask(get_group(made.group, 0, 0)) else { panic!("no group") };
    assert_eq!((now.head, now.member_count), (3, 2));
}
