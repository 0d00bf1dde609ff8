//! Passwords: what is wrong is answered alike, and one that is changed ends what the old one opened.

use crate::support::*;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::password_login::Who;
use hubbub_codec::proto::{self, ErrorCode};

#[test]
fn an_unknown_user_and_a_wrong_password_are_answered_alike() {
    let server = open_to_strangers().start();
    let ada = registered(&server, "Ada", "ada@example.org");
    drop(Raw::login(&server, 77, 1));
    let answers: Vec<proto::Error> = [
        by_email("ada@example.org", "wrong password", 1),
        by_email("nobody@example.org", PASSWORD, 1),
        by_user(ada, "wrong password", 1),
        by_user(ada + 1, PASSWORD, 1),
        // An account that a JWT made has no password.
        by_user(77, "", 1),
        by_user(77, PASSWORD, 1),
    ]
    .map(|login| not_logged_in(&server, login))
    .to_vec();
    assert_eq!((answers[0].code(), answers[0].action()), (ErrorCode::WrongCredentials, Action::Reauthenticate));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[test]
fn a_login_out_of_shape_is_refused_with_its_field() {
    let server = open_to_strangers().start();
    for login in [
        by_password(None, PASSWORD, 1),
        by_user(0, PASSWORD, 1),
        by_email("", PASSWORD, 1),
        by_email("not an address", PASSWORD, 1),
        by_password(Some(Who::UserId(1)), PASSWORD, 0),
    ] {
        assert_eq!(not_logged_in(&server, login).code(), ErrorCode::Invalid);
    }
    let long = "x".repeat(1_000);
    assert_eq!(not_logged_in(&server, by_user(1, &long, 1)).code(), ErrorCode::WrongCredentials);
}

#[test]
fn a_changed_password_ends_the_other_devices() {
    for keep in [false, true] {
        let server = open_to_strangers().start();
        registered(&server, "Ada", "ada@example.org");
        let (mut phone, _) = logged_in(&server, by_email("ada@example.org", PASSWORD, 1));
        let (mut tablet, on_tablet) = logged_in(&server, by_email("ada@example.org", PASSWORD, 2));
        let error = phone.ask_in_vain(change_password("wrong password", "another password", keep));
        assert_eq!((error.code(), error.action()), (ErrorCode::WrongCredentials, Action::FixRequest));
        assert_eq!(error.field, "change_password.old_password");
        for (new, why) in [("short", "too short"), ("ADA@example.org", "the address"), (&"x".repeat(129), "too long")] {
            let error = phone.ask_in_vain(change_password(PASSWORD, new, keep));
            let found = (error.code(), error.field.as_str());
            assert_eq!(found, (ErrorCode::Invalid, "change_password.new_password"), "{why}");
        }
        assert!(tablet.so_far().is_empty(), "what was refused ends nothing");
        assert!(matches!(phone.ask(change_password(PASSWORD, "another password", keep)), Down::Done(_)));
        let again = by_token(&on_tablet.session_token, 2);
        if keep {
            assert!(tablet.so_far().is_empty());
            logged_in(&server, again);
        } else {
            is_revoked(&mut tablet);
            assert_eq!(not_logged_in(&server, again).code(), ErrorCode::TokenInvalid);
        }
        assert!(phone.so_far().is_empty());
        let old = by_email("ada@example.org", PASSWORD, 3);
        assert_eq!(not_logged_in(&server, old).code(), ErrorCode::WrongCredentials);
        logged_in(&server, by_email("ada@example.org", "another password", 3));
    }
}

#[test]
fn an_account_made_by_a_jwt_gets_a_password_without_an_old_one() {
    let server = Server::start();
    let mut raw = Raw::login(&server, 77, 1);
    assert!(matches!(raw.ask(change_password("", PASSWORD, true)), Down::Done(_)));
    let (_again, logged_in) = logged_in(&server, by_user(77, PASSWORD, 2));
    assert_eq!((logged_in.user_id, logged_in.created), (77, false));
    let error = raw.ask_in_vain(change_password("", "another password", true));
    assert_eq!(error.code(), ErrorCode::WrongCredentials, "now it has one");
}
