//! Each request is answered by the reply of its kind; any other reply is an error of the server. What does not append is
//! reported when the server refuses it for now.

use bytes::Bytes;
use hubbub_codec::ids::{DeviceId, GroupId, Seq, UserId};
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{self, ErrorCode};
use hubbub_codec::session::{
    Event, InviteTerms, ProfileChange, Reply, RequestId, SendRefused, StatusChange, Visibility,
};

use crate::rig::{Down, PEER, Rig, error, ms, with_peer};

type Ask = fn(&mut Rig) -> Result<RequestId, SendRefused>;

/// Each request without a name, and its answer.
fn all() -> Vec<(Ask, Down)> {
    let done = || Down::Done(proto::Done {});
    let profile = || Down::Profile(proto::Profile { user: 20, name: "Bob".into(), ..Default::default() });
    let device = proto::Device { device_id: 3, ..Default::default() };
    vec![
        (|r| r.session.message_info(r.now, &with_peer(), Seq(2), UserId(0), 0), Down::MessageInfo(Default::default())),
        (|r| r.session.get_group(r.now, GroupId(5), UserId(0), 0), Down::Group(Default::default())),
        (|r| r.session.create_invite(r.now, GroupId(5), InviteTerms::default()), Down::Invite(Default::default())),
        (|r| r.session.revoke_invites(r.now, GroupId(5)), done()),
        (|r| r.session.list_conversations(r.now, Bytes::new(), 0), Down::Conversations(Default::default())),
        (|r| r.session.list_conversations_with_states(r.now, Bytes::new(), 0), Down::Conversations(Default::default())),
        (|r| r.session.profile(r.now, PEER), profile()),
        (|r| r.session.own_profile(r.now), profile()),
        (|r| r.session.update_profile(r.now, ProfileChange::default()), profile()),
        (|r| r.session.change_password(r.now, "old", "new", false), done()),
        (|r| r.session.list_devices(r.now), Down::Devices(proto::Devices { devices: vec![device] })),
        (|r| r.session.rename_device(r.now, DeviceId(3), "Phone"), done()),
        (|r| r.session.revoke_device(r.now, DeviceId(3)), done()),
        (
            |r| r.session.set_status(r.now, StatusChange { visibility: Some(Visibility::Invisible), status: None }),
            done(),
        ),
        (|r| r.session.block(r.now, &[PEER]), done()),
        (|r| r.session.unblock(r.now, &[PEER]), done()),
        (|r| r.session.list_blocked(r.now), Down::Blocked(proto::Blocked { users: vec![20, 30] })),
        (|r| r.session.watch(r.now, &[PEER]), Down::Presence(proto::Presence { users: vec![Default::default()] })),
        (|r| r.session.unwatch(r.now, &[PEER]), done()),
        (|r| r.session.unwatch_all(r.now), done()),
    ]
}

#[test]
fn each_by_its_kind() {
    for (ask, answer) in all() {
        let mut rig = Rig::ready();
        let request = ask(&mut rig).unwrap();
        let id = rig.sent()[0].request_id;
        rig.say(id, answer);
        let events = rig.events();
        assert!(matches!(&events[..], [Event::Reply { request: answered, .. }] if *answered == request), "{events:?}");
    }
}

#[test]
fn never_by_another() {
    for (ask, answer) in all() {
        for (_, other) in all() {
            if std::mem::discriminant(&other) == std::mem::discriminant(&answer) {
                continue;
            }
            let mut rig = Rig::ready();
            ask(&mut rig).unwrap();
            let id = rig.sent()[0].request_id;
            assert!(rig.try_say(id, other.clone()).is_err(), "{answer:?} {other:?}");
        }
    }
}

#[test]
fn later_is_left_to_the_application() {
    for (ask, _) in all() {
        let mut rig = Rig::ready();
        let request = ask(&mut rig).unwrap();
        let id = rig.sent()[0].request_id;
        let later = error(Action::Retry, ErrorCode::RateLimited, 500);
        rig.say(id, Down::Error(later.clone()));
        assert_eq!(rig.events(), [Event::RequestFailed { request, error: Box::new(later) }]);
        rig.pass(ms(1_000));
        assert!(rig.sent().is_empty());
    }
}

#[test]
fn each_is_asked_again_after_a_lost_connection() {
    for (ask, answer) in all() {
        let mut rig = Rig::ready();
        let request = ask(&mut rig).unwrap();
        let id = rig.sent()[0].request_id;
        rig.disconnect();
        assert!(rig.login().iter().any(|frame| frame.request_id == id));
        rig.events();
        rig.say(id, answer);
        assert!(matches!(rig.events()[..], [Event::Reply { request: answered, .. }] if answered == request));
    }
}

#[test]
fn blocked_users_are_users() {
    let mut rig = Rig::ready();
    rig.session.list_blocked(rig.now).unwrap();
    let id = rig.sent()[0].request_id;
    rig.say(id, Down::Blocked(proto::Blocked { users: vec![20, 30] }));
    let events = rig.events();
    let Event::Reply { reply: Reply::Blocked(users), .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!(users[..], [UserId(20), UserId(30)]);
}
