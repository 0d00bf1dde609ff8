//! After a reconnect, unanswered sends go out again in their order, as resends, before any later send of their
//! conversation; `after_seq` is the head that was known at the first attempt.

use hubbub_codec::proto;
use hubbub_codec::session::{Event, OutgoingMessage, Recipient};

use crate::rig::{Down, PEER, Rig, run, sends, sent_reply};

fn send(rig: &mut Rig, text: &str) {
    rig.session.send(rig.now, Recipient::User(PEER), OutgoingMessage::text(text)).unwrap();
}

#[test]
fn resends_come_first_under_their_old_names() {
    let mut rig = Rig::ready();
    rig.push(Down::Entries(run(0, 5)));
    send(&mut rig, "first");
    send(&mut rig, "second");
    let first_attempts = sends(&rig.sent());
    assert_eq!(first_attempts.len(), 2);
    for (_, send) in &first_attempts {
        assert!(!send.name.as_ref().unwrap().resend);
    }

    rig.push(Down::Entries(run(5, 9)));
    rig.disconnect();
    send(&mut rig, "third");
    let after = sends(&rig.login());
    let bodies: Vec<_> = after.iter().map(|(_, send)| &send.body[..]).collect();
    assert_eq!(bodies, [b"first".as_slice(), b"second", b"third"]);

    let names: Vec<_> = after.iter().map(|(_, send)| send.name.clone().unwrap()).collect();
    assert_eq!(
        names.iter().map(|name| (name.resend, name.after_seq)).collect::<Vec<_>>(),
        [(true, 5), (true, 5), (false, 9)]
    );
    assert_eq!(names[0].client_message_id, first_attempts[0].1.name.as_ref().unwrap().client_message_id);
    assert_eq!(rig.session.stats().resends, 2);
}

#[test]
fn what_was_answered_is_not_sent_again() {
    let mut rig = Rig::ready();
    send(&mut rig, "one");
    send(&mut rig, "two");
    let attempts = sends(&rig.sent());
    rig.say(attempts[1].0, sent_reply(2));
    assert!(matches!(rig.events()[..], [Event::Sent { seq, .. }] if seq.0 == 2));
    rig.disconnect();
    let after = sends(&rig.login());
    assert_eq!(after.len(), 1);
    assert_eq!(&after[0].1.body[..], b"one");
}

#[test]
fn names_differ() {
    let mut rig = Rig::ready();
    for _ in 0..40 {
        send(&mut rig, "same");
    }
    let names: std::collections::BTreeSet<_> =
        sends(&rig.sent()).into_iter().map(|(_, send)| send.name.unwrap().client_message_id).collect();
    assert_eq!(names.len(), 40);
}

#[test]
fn a_send_of_an_earlier_run_is_a_resend_from_the_start() {
    let mut before = Rig::ready();
    before.push(Down::Entries(run(0, 3)));
    send(&mut before, "kept");
    let kept = before.session.unanswered().next().unwrap();
    assert_eq!(kept.after_seq.0, 3);

    let mut rig = Rig::with(|config| config.seed = 43);
    rig.session.resume_send(rig.now, kept.to, kept.message, kept.name, kept.after_seq).unwrap();
    let after = sends(&rig.login());
    let expected = proto::MessageName { client_message_id: kept.name.into(), resend: true, after_seq: 3 };
    assert_eq!(after[0].1.name, Some(expected));
}
