//! `Hello` and `Login` leave together, and nothing else before the login is answered.

use hubbub_codec::proto;
use hubbub_codec::session::{Event, OutgoingMessage, ProtocolError, Recipient};

use crate::rig::{Down, ME, PEER, Rig, Up, error, run, sends, sync_ids, welcome};

#[test]
fn wants_to_connect_at_once() {
    let mut rig = Rig::new();
    assert_eq!(rig.session.reconnect_at(), Some(rig.now));
    rig.connect();
    assert_eq!(rig.session.reconnect_at(), None);
}

#[test]
fn opens_in_one_write_and_holds_back_requests() {
    let mut rig = Rig::new();
    rig.connect();
    rig.session.send(rig.now, Recipient::User(PEER), OutgoingMessage::text("early")).unwrap();
    let opening = rig.sent();
    let [hello, login] = &opening[..] else {
        panic!("{opening:?}");
    };
    let (Some(Up::Hello(said)), Some(Up::Login(asked))) = (&hello.body, &login.body) else {
        panic!("{opening:?}");
    };
    assert_eq!((said.version_min, said.version_max), (1, 1));
    assert_eq!(asked.device_id, 1);
    assert_eq!(asked.method, Some(proto::login::Method::Jwt("token".into())));

    rig.say(hello.request_id, Down::Welcome(welcome()));
    assert!(rig.sent().is_empty());
    rig.say(login.request_id, Down::LoggedIn(proto::LoggedIn { user_id: ME.0, created: true, ..Default::default() }));
    let after = rig.sent();
    assert_eq!(sync_ids(&after).len(), 1);
    assert_eq!(sends(&after).len(), 1);
    let expected = Event::LoggedIn { user_id: ME, created: true, session_token: None };
    assert_eq!(rig.events(), [expected]);
    assert_eq!(rig.session.user_id(), Some(ME));
}

#[test]
fn entries_before_the_login_are_an_error() {
    let mut rig = Rig::new();
    rig.connect();
    let refused = rig.try_say(0, Down::Entries(run(0, 1)));
    assert!(matches!(refused, Err(ProtocolError::Unexpected(_))));
}

#[test]
fn a_login_that_is_not_answered_is_given_up() {
    let mut rig = Rig::with(|config| config.reply_timeout = crate::rig::ms(3_000));
    rig.connect();
    rig.pass(crate::rig::ms(2_999));
    assert!(!rig.session.should_close());
    rig.pass(crate::rig::ms(1));
    assert!(rig.session.should_close());
    rig.disconnect();
    assert!(rig.session.reconnect_at().is_some());
}

#[test]
fn a_refused_token_stops_until_there_is_another() {
    let mut rig = Rig::new();
    rig.connect();
    let login = rig.sent()[1].request_id;
    let expired = error(proto::error::Action::Reauthenticate, proto::ErrorCode::TokenExpired, 0);
    rig.say(login, Down::Error(expired));
    assert!(rig.session.should_close());
    assert!(matches!(rig.events()[..], [Event::CredentialsNeeded { .. }]));
    rig.disconnect();
    assert_eq!(rig.session.reconnect_at(), None);

    rig.session.set_credentials(rig.now, "fresh");
    assert_eq!(rig.session.reconnect_at(), Some(rig.now));
    rig.connect();
    let Some(Up::Login(login)) = &rig.sent()[1].body else {
        panic!("no login");
    };
    assert_eq!(login.method, Some(proto::login::Method::Jwt("fresh".into())));
}
