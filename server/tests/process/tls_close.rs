//! A connection over TLS ends in good order: the last frame, then the word that nothing follows, so that nobody can cut it
//! off unnoticed.

use crate::support::*;

#[test]
fn the_last_frame_is_followed_by_close_notify() {
    let certificate = Certificate::new();
    let mut server = Setup::new().tls(&certificate).start();
    let config = certificate.client();
    // After a broken rule.
    let mut early = Raw::connect_tls(&server, &config);
    early.say(to_user(2, "too early"));
    // Without the word the library makes an error of the end.
    assert_eq!(early.last_error().code(), hubbub_codec::proto::ErrorCode::NotLoggedIn);
    // And at a stop.
    let mut alice = Raw::login_tls(&server, &config, 1, 1);
    server.ask_to_stop();
    assert!(matches!(alice.rest().pop().and_then(|frame| frame.body), Some(Down::Bye(_))));
    assert!(server.wait_for_end().success());
}
