//! A session that logged out, was revoked or was replaced says so once, and stays away.

use hubbub_codec::proto::bye::Reason;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{self, ErrorCode};
use hubbub_codec::session::{Credentials, Ending, Event, Reply};

use crate::rig::{Down, Rig, Up, error};

fn bye(reason: Reason) -> Down {
    Down::Bye(proto::Bye { reason: reason.into(), ..Default::default() })
}

fn endings(events: &[Event]) -> Vec<Ending> {
    let ending = |event: &Event| match event {
        Event::Ended(ending) => Some(*ending),
        _ => None,
    };
    events.iter().filter_map(ending).collect()
}

#[test]
fn when_the_server_says_so() {
    for (reason, ending) in [(Reason::Revoked, Ending::Revoked), (Reason::Replaced, Ending::Replaced)] {
        let mut rig = Rig::ready();
        rig.push(bye(reason));
        assert!(rig.session.should_close());
        rig.disconnect();
        assert_eq!(endings(&rig.events()), [ending]);
        assert!(rig.session.is_stopped());
        assert_eq!(rig.session.reconnect_at(), None);
    }
}

#[test]
fn a_drain_is_no_end() {
    let mut rig = Rig::ready();
    rig.push(bye(Reason::Drain));
    rig.disconnect();
    assert!(endings(&rig.events()).is_empty());
    assert!(rig.session.reconnect_at().is_some());
}

#[test]
fn after_a_logout() {
    let mut rig = Rig::ready();
    let request = rig.session.logout(rig.now, true).unwrap();
    let frames = rig.sent();
    let Some(Up::Logout(logout)) = &frames[0].body else { panic!("{frames:?}") };
    assert!(logout.all_devices);
    rig.say(frames[0].request_id, Down::Done(proto::Done {}));
    // The server closes; its word on the way out changes nothing.
    rig.push(bye(Reason::Revoked));
    rig.disconnect();
    let events = rig.events();
    assert_eq!(events[0], Event::Reply { request, reply: Reply::Done });
    assert_eq!(endings(&events), [Ending::LoggedOut]);
    assert!(rig.session.logout(rig.now, false).is_err());
}

#[test]
fn a_logout_whose_answer_was_lost_is_found_out() {
    let mut rig = Rig::with(|config| config.credentials = Credentials::SessionToken("kept".into()));
    rig.login();
    rig.finish_sync();
    let request = rig.session.logout(rig.now, false).unwrap();
    assert_eq!(rig.sent().len(), 1);
    rig.disconnect();
    rig.events();
    rig.connect();
    let login = rig.sent()[1].request_id;
    rig.say(login, Down::Error(error(Action::Reauthenticate, ErrorCode::TokenInvalid, 0)));
    rig.disconnect();
    let events = rig.events();
    assert_eq!(events[0], Event::Reply { request, reply: Reply::Done });
    assert_eq!(endings(&events), [Ending::LoggedOut]);
    assert!(rig.session.is_stopped());
}

#[test]
fn a_logout_that_did_not_arrive_is_sent_again() {
    let mut rig = Rig::ready();
    rig.session.logout(rig.now, false).unwrap();
    rig.sent();
    rig.disconnect();
    let after = rig.login();
    assert!(after.iter().any(|frame| matches!(frame.body, Some(Up::Logout(_)))));
}
