//! No more requests are on the wire than both sides allow, and no more are queued than the configuration says.

use bytes::Bytes;
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::error::Action;
use hubbub_codec::session::{OutgoingMessage, Recipient, SendRefused};

use crate::rig::{Down, PEER, Rig, error, sends, sent_reply};

fn send(rig: &mut Rig) -> Result<(), SendRefused> {
    let message = OutgoingMessage::text("x");
    rig.session.send(rig.now, Recipient::User(PEER), message).map(drop)
}

#[test]
fn in_flight_and_queued_are_bounded() {
    let mut rig = Rig::with(|config| {
        config.sends_in_flight_max = 3;
        config.sends_queued_max = 5;
    });
    rig.login();
    rig.finish_sync();
    for _ in 0..5 {
        send(&mut rig).unwrap();
    }
    assert_eq!(send(&mut rig), Err(SendRefused::QueueFull { max: 5 }));
    let first = sends(&rig.sent());
    assert_eq!(first.len(), 3);
    rig.say(first[0].0, sent_reply(1));
    assert_eq!(sends(&rig.sent()).len(), 1);
    send(&mut rig).unwrap();
}

#[test]
fn one_at_a_time_keeps_the_order_over_refusals() {
    let mut rig = Rig::with(|config| config.sends_in_flight_max = 1);
    rig.login();
    rig.finish_sync();
    send(&mut rig).unwrap();
    send(&mut rig).unwrap();
    let first = sends(&rig.sent());
    rig.say(first[0].0, Down::Error(error(Action::Retry, ErrorCode::Overloaded, 100)));
    assert!(rig.sent().is_empty());
    rig.pass(crate::rig::ms(100));
    let again = sends(&rig.sent());
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].0, first[0].0);
}

#[test]
fn too_long_is_refused_here() {
    let mut rig = Rig::ready();
    let message = OutgoingMessage { body: Bytes::from(vec![0; 16_385]), ..Default::default() };
    let refused = rig.session.send(rig.now, Recipient::User(PEER), message);
    assert_eq!(refused, Err(SendRefused::BodyTooLong { length: 16_385, max: 16_384 }));
    let members: Vec<_> = (0..9_000).map(hubbub_codec::ids::UserId).collect();
    let refused = rig.session.create_group(rig.now, "crowd", &members);
    assert!(matches!(refused, Err(SendRefused::FrameTooLong { .. })));
}

#[test]
fn the_servers_limit_counts_too() {
    let mut rig = Rig::with(|config| {
        config.sends_in_flight_max = 1_000;
        config.sends_queued_max = 1_000;
    });
    rig.login();
    rig.finish_sync();
    for _ in 0..70 {
        send(&mut rig).unwrap();
    }
    let first = sends(&rig.sent());
    assert_eq!(first.len(), 64);
    rig.say(first[0].0, sent_reply(1));
    assert_eq!(sends(&rig.sent()).len(), 1);
}
