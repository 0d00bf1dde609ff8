//! A password is used once: later logins use the session token; when that is refused, what is left is tried, then asked
//! for.

use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::login::Method;
use hubbub_codec::proto::{self, ErrorCode};
use hubbub_codec::session::{Credentials, Event, SessionConfig};

use crate::rig::{Down, ME, Rig, Up, error, welcome};

fn with(credentials: Credentials, change: impl FnOnce(&mut SessionConfig)) -> Rig {
    Rig::with(|config| {
        config.credentials = credentials;
        change(config);
    })
}

/// Connects; returns the id and the method of the login.
fn open(rig: &mut Rig) -> (u64, Method) {
    rig.connect();
    let opening = rig.sent();
    rig.say(opening[0].request_id, Down::Welcome(welcome()));
    let Some(Up::Login(login)) = opening[1].body.clone() else { panic!("no login") };
    (opening[1].request_id, login.method.unwrap())
}

/// Connects and logs in, and is given this session token; returns the method of the login.
fn log_in(rig: &mut Rig, session_token: &str) -> Method {
    let (id, method) = open(rig);
    let token = session_token.to_owned();
    rig.say(
        id,
        Down::LoggedIn(proto::LoggedIn {
            user_id: ME.0,
            session_token: token,
            session_token_expires_us: 9,
            ..Default::default()
        }),
    );
    method
}

fn refuse(rig: &mut Rig, code: ErrorCode) -> Method {
    let (id, method) = open(rig);
    rig.say(id, Down::Error(error(Action::Reauthenticate, code, 0)));
    assert!(rig.session.should_close());
    rig.disconnect();
    method
}

fn token(text: &str) -> Method {
    Method::SessionToken(text.into())
}

#[test]
fn a_password_opens_one_login() {
    let mut rig = with(Credentials::email("alice@example.org", "secret"), |_| {});
    let Method::Password(first) = log_in(&mut rig, "kept") else { panic!("no password") };
    assert_eq!(first.who, Some(proto::password_login::Who::Email("alice@example.org".into())));
    assert_eq!(first.password, "secret");
    let events = rig.events();
    let Event::LoggedIn { session_token: Some(given), .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((given.secret.expose(), given.expires_us), ("kept", 9));
    assert!(!format!("{:?} {:?}", events, rig.session).contains("kept"));

    rig.disconnect();
    assert_eq!(log_in(&mut rig, ""), token("kept"));
    rig.disconnect();
    rig.events();
    assert_eq!(refuse(&mut rig, ErrorCode::TokenExpired), token("kept"));
    assert!(matches!(rig.events()[..], [Event::CredentialsNeeded { .. }, Event::Disconnected { .. }]));
    assert_eq!(rig.session.reconnect_at(), None);
    assert!(rig.session.is_stopped());

    rig.session.set_credentials(rig.now, Credentials::user(ME, "secret"));
    assert_eq!(rig.session.reconnect_at(), Some(rig.now));
    assert!(matches!(log_in(&mut rig, "new"), Method::Password(_)));
    rig.disconnect();
    assert_eq!(log_in(&mut rig, ""), token("new"));
}

#[test]
fn a_password_whose_answer_was_lost_is_used_again() {
    let mut rig = with(Credentials::user(ME, "secret"), |_| {});
    open(&mut rig);
    rig.disconnect();
    assert!(matches!(log_in(&mut rig, "kept"), Method::Password(_)));
}

#[test]
fn a_jwt_stands_in_for_a_refused_session_token() {
    let mut rig = with(Credentials::from("jwt"), |config| config.want_session_token = true);
    assert_eq!(log_in(&mut rig, "kept"), Method::Jwt("jwt".into()));
    rig.disconnect();
    rig.events();
    assert_eq!(refuse(&mut rig, ErrorCode::TokenExpired), token("kept"));
    assert_eq!(rig.session.reconnect_at(), Some(rig.now));
    assert_eq!(refuse(&mut rig, ErrorCode::DeviceRevoked), Method::Jwt("jwt".into()));
    let needed =
        |event: &Event| matches!(event, Event::CredentialsNeeded { error } if error.code() == ErrorCode::DeviceRevoked);
    assert_eq!(rig.events().iter().filter(|event| needed(event)).count(), 1);
    assert!(rig.session.is_stopped());
}

#[test]
fn a_jwt_is_used_each_time_when_no_token_is_wanted() {
    let mut rig = with(Credentials::from("jwt"), |_| {});
    for _ in 0..2 {
        assert_eq!(log_in(&mut rig, ""), Method::Jwt("jwt".into()));
        rig.disconnect();
    }
}

#[test]
fn a_wrong_password_asks_for_another() {
    let mut rig = with(Credentials::user(ME, "wrong"), |_| {});
    refuse(&mut rig, ErrorCode::WrongCredentials);
    assert!(matches!(rig.events()[0], Event::CredentialsNeeded { .. }));
    assert!(rig.session.is_stopped());
}

#[test]
fn a_busy_server_is_tried_again_with_the_same() {
    let mut rig = with(Credentials::user(ME, "secret"), |_| {});
    let (id, _) = open(&mut rig);
    rig.say(id, Down::Error(error(Action::Retry, ErrorCode::Overloaded, 700)));
    rig.disconnect();
    assert_eq!(rig.session.reconnect_at(), Some(rig.now + crate::rig::ms(700)));
    assert!(matches!(open(&mut rig).1, Method::Password(_)));
}

#[test]
fn none_of_them_is_in_debug() {
    for credentials in
        [Credentials::from("hush"), Credentials::email("hush", "hush"), Credentials::SessionToken("hush".into())]
    {
        let mut rig = with(credentials, |_| {});
        rig.connect();
        let waiting_to_be_written = format!("{:?}", rig.session);
        let written = format!("{:?}", rig.sent());
        assert!(!waiting_to_be_written.contains("hush") && !written.contains("hush"), "{written}");
    }
}
