//! A send that the server refuses for now goes out again later, as a resend, and holds back what is behind it.

use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::error::Action;
use hubbub_codec::session::{Event, OutgoingMessage, Recipient};

use crate::rig::{Down, PEER, Rig, error, ms, sends, sent_reply};

fn send(rig: &mut Rig, to: Recipient, text: &str) {
    rig.session.send(rig.now, to, OutgoingMessage::text(text)).unwrap();
}

#[test]
fn waits_and_holds_back_its_conversation_only() {
    let mut rig = Rig::ready();
    send(&mut rig, Recipient::User(PEER), "refused");
    let attempts = sends(&rig.sent());
    let overloaded = error(Action::Retry, ErrorCode::Overloaded, 700);
    rig.say(attempts[0].0, Down::Error(overloaded));
    send(&mut rig, Recipient::User(PEER), "behind");
    send(&mut rig, Recipient::Group(3.into()), "elsewhere");
    let meanwhile = sends(&rig.sent());
    assert_eq!(meanwhile.len(), 1);
    assert_eq!(&meanwhile[0].1.body[..], b"elsewhere");

    rig.pass(ms(699));
    assert!(rig.sent().is_empty());
    rig.pass(ms(1));
    let again = sends(&rig.sent());
    assert_eq!(&again[0].1.body[..], b"refused");
    assert!(again[0].1.name.as_ref().unwrap().resend);
    assert_eq!(&again[1].1.body[..], b"behind");
    assert!(!again[1].1.name.as_ref().unwrap().resend);
    assert!(rig.events().is_empty());

    rig.say(again[0].0, sent_reply(1));
    assert!(matches!(rig.events()[..], [Event::Sent { .. }]));
}

#[test]
fn a_final_refusal_is_told_once() {
    for (action, code) in [
        (Action::GiveUp, ErrorCode::ResendUnknown),
        (Action::FixRequest, ErrorCode::Invalid),
        (Action::Unspecified, ErrorCode::Unspecified),
    ] {
        let mut rig = Rig::ready();
        send(&mut rig, Recipient::User(PEER), "x");
        let attempts = sends(&rig.sent());
        rig.say(attempts[0].0, Down::Error(error(action, code, 0)));
        let events = rig.events();
        let [Event::SendFailed { error, .. }] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(error.code(), code);
        rig.disconnect();
        assert!(sends(&rig.login()).is_empty());
    }
}

#[test]
fn over_a_rate_it_waits_as_told_and_goes_out_in_order_as_a_first_attempt() {
    let mut rig = Rig::ready();
    for text in ["stored", "one", "two"] {
        send(&mut rig, Recipient::User(PEER), text);
    }
    let attempts = sends(&rig.sent());
    rig.say(attempts[0].0, sent_reply(1));
    for attempt in &attempts[1..] {
        rig.say(attempt.0, Down::Error(error(Action::Retry, ErrorCode::RateLimited, 1_500)));
    }
    send(&mut rig, Recipient::User(PEER), "three");
    rig.pass(ms(1_499));
    assert!(sends(&rig.sent()).is_empty());
    rig.pass(ms(1));
    let again = sends(&rig.sent());
    assert_eq!(again.iter().map(|(_, send)| &send.body[..]).collect::<Vec<_>>(), [&b"one"[..], b"two", b"three"]);
    assert_eq!(rig.session.stats().rate_limited, 2);
    // Nothing was stored: the server need not search. And the head is the one known now.
    assert!(again.iter().all(|(_, send)| !send.name.as_ref().unwrap().resend));
    assert!(again.iter().all(|(_, send)| send.name.as_ref().unwrap().after_seq == 1));
    for (seq, (id, _)) in (2..).zip(&again) {
        rig.say(*id, sent_reply(seq));
    }
    assert_eq!(rig.events().iter().filter(|event| matches!(event, Event::Sent { .. })).count(), 4);
}

#[test]
fn a_resend_that_is_over_a_rate_stays_a_resend() {
    let mut rig = Rig::ready();
    send(&mut rig, Recipient::User(PEER), "x");
    rig.sent();
    rig.disconnect();
    let attempts = sends(&rig.login());
    rig.say(attempts[0].0, Down::Error(error(Action::Retry, ErrorCode::RateLimited, 700)));
    rig.pass(ms(700));
    let again = sends(&rig.sent());
    assert!(again[0].1.name.as_ref().unwrap().resend);
}
