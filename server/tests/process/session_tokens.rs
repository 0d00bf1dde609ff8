//! Session tokens: they open their device again, after a kill, too, until something voids them.

use crate::support::*;
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::error::Action;

#[test]
fn a_token_opens_its_device_after_a_kill() {
    let mut server = open_to_strangers().start();
    let ada = registered(&server, "Ada", "ada@example.org");
    let (raw, first) = logged_in(&server, by_email("ada@example.org", PASSWORD, 1));
    let hashes = || server.metric("hubbub_password_hashes_total").unwrap();
    server.wait_for_metric("hubbub_password_hashes_total", |hashes| hashes == 2.0);
    drop(raw);
    let (_raw, again) = logged_in(&server, by_token(&first.session_token, 1));
    assert_eq!((again.user_id, again.session_token.as_str()), (ada, ""), "it keeps the one that it has");
    assert_eq!(again.session_token_expires_us, first.session_token_expires_us);
    server.wait_for_metric("hubbub_logins_total", |logins| logins == 2.0);
    assert_eq!(hashes(), 2.0, "a resumed session costs no hash");
    server.kill();
    server.start_again();
    let (_raw, again) = logged_in(&server, by_token(&first.session_token, 1));
    assert_eq!(again.user_id, ada);
}

#[test]
fn a_jwt_gives_one_when_it_is_asked() {
    let server = Server::start();
    let (_raw, plain) = logged_in(&server, login(server.token(7), 1));
    assert_eq!((plain.session_token.as_str(), plain.session_token_expires_us), ("", 0));
    let (_raw, with_token) = logged_in(&server, by_jwt_for_a_token(&server, 7, 1));
    assert!(with_token.session_token.starts_with("hub1_") && with_token.session_token_expires_us > 0);
    for user in 1..=8 {
        // On whichever shard it arrives, and wherever its user is at home.
        let (raw, first) = logged_in(&server, by_jwt_for_a_token(&server, user, 1));
        drop(raw);
        let (_raw, again) = logged_in(&server, by_token(&first.session_token, 1));
        assert_eq!(again.user_id, user);
    }
}

#[test]
fn logging_out_voids_the_token() {
    for all in [false, true] {
        let server = Server::start();
        let (mut phone, on_phone) = logged_in(&server, by_jwt_for_a_token(&server, 7, 1));
        let (mut tablet, on_tablet) = logged_in(&server, by_jwt_for_a_token(&server, 7, 2));
        assert!(matches!(phone.ask(log_out(all)), Down::Done(_)));
        assert!(phone.rest().is_empty(), "it closes without a farewell");
        let gone = not_logged_in(&server, by_token(&on_phone.session_token, 1));
        assert_eq!((gone.code(), gone.action()), (ErrorCode::TokenInvalid, Action::Reauthenticate));
        if all {
            is_revoked(&mut tablet);
            let gone = not_logged_in(&server, by_token(&on_tablet.session_token, 2));
            assert_eq!(gone.code(), ErrorCode::TokenInvalid);
        } else {
            assert!(tablet.so_far().is_empty());
        }
        logged_in(&server, login(server.token(7), 1));
    }
}

#[test]
fn what_is_no_token_of_the_device_is_refused() {
    let server = Server::start();
    let (_raw, first) = logged_in(&server, by_jwt_for_a_token(&server, 7, 1));
    let token = first.session_token;
    let other = logged_in(&server, by_jwt_for_a_token(&server, 8, 1)).1.session_token;
    // Ada's ids with somebody else's secret: base64 keeps the 16 bytes of ids in the first 21 digits and a bit.
    let mixed = format!("{}{}", &token[..5 + 22], &other[5 + 22..]);
    for (token, device) in [("", 1), ("hub1_", 1), ("x", 1), (&token, 2), (&mixed, 1), (&server.token(7), 1)] {
        let error = not_logged_in(&server, by_token(token, device));
        assert_eq!((error.code(), error.action()), (ErrorCode::TokenInvalid, Action::Reauthenticate));
    }
    logged_in(&server, by_token(&token, 1));
}
