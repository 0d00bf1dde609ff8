//! Requests other than sends: answered once, repeated after a reconnect, under their names when they append.

use hubbub_codec::ids::GroupId;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::history::Position;
use hubbub_codec::proto::{self, ErrorCode};
use hubbub_codec::session::{Event, OutgoingMessage, Recipient, Reply};

use crate::rig::{Down, PEER, Rig, Up, error, run, sends, with_peer};

#[test]
fn answers_find_their_requests() {
    let mut rig = Rig::ready();
    let created = rig.session.create_group(rig.now, "friends", &[PEER]).unwrap();
    let read = rig.session.history(rig.now, &with_peer(), Position::BeforeSeq(9), 4).unwrap();
    let left = rig.session.leave(rig.now, GroupId(5)).unwrap();
    let ids: Vec<_> = rig.sent().iter().map(|frame| frame.request_id).collect();
    rig.say(ids[2], Down::Done(proto::Done {}));
    rig.say(ids[1], Down::Entries(run(4, 8)));
    let group = proto::Group { group: 77, ..Default::default() };
    rig.say(ids[0], Down::Group(group.clone()));
    let expected = [(left, Reply::Done), (read, Reply::History(run(4, 8))), (created, Reply::Group(group))]
        .map(|(request, reply)| Event::Reply { request, reply });
    assert_eq!(rig.events(), expected);
    assert_eq!(rig.session.cursor(&with_peer()), None);
}

#[test]
fn a_refusal_is_told() {
    let mut rig = Rig::ready();
    let request = rig.session.leave(rig.now, GroupId(5)).unwrap();
    let id = rig.sent()[0].request_id;
    let refused = error(Action::GiveUp, ErrorCode::Forbidden, 0);
    rig.say(id, Down::Error(refused.clone()));
    let expected = Event::RequestFailed { request, error: Box::new(refused) };
    assert_eq!(rig.events(), [expected]);
}

#[test]
fn appending_requests_keep_their_place_among_sends() {
    let mut rig = Rig::ready();
    let group = GroupId(5);
    rig.session.add_members(rig.now, group, &[PEER]).unwrap();
    rig.sent();
    rig.disconnect();
    rig.session.send(rig.now, Recipient::Group(group), OutgoingMessage::text("hi")).unwrap();
    let after = rig.login();
    let add = after
        .iter()
        .position(|frame| matches!(&frame.body, Some(Up::AddMembers(add)) if add.name.as_ref().unwrap().resend))
        .unwrap();
    let send = after.iter().position(|frame| matches!(frame.body, Some(Up::Send(_)))).unwrap();
    assert!(add < send);
    assert_eq!(sends(&after).len(), 1);
}

#[test]
fn a_reply_of_the_wrong_kind_is_an_error() {
    let mut rig = Rig::ready();
    rig.session.send(rig.now, Recipient::User(PEER), OutgoingMessage::text("hi")).unwrap();
    let id = rig.sent()[0].request_id;
    assert!(rig.try_say(id, Down::Done(proto::Done {})).is_err());
    assert!(rig.try_say(id + 99, Down::Sent(proto::Sent::default())).is_err());
}
