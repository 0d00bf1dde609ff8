//! What a person or a client keeps secret is in no log, whatever is logged.

use crate::support::*;

#[test]
fn nothing_secret_is_logged() {
    let setup = Setup::new()
        .config("auth.registration = true\nlimits.devices_per_user_max = 3\nauth.hash_queue_max = 1")
        .log("trace");
    let mut server = setup.start();
    let jwt = server.token(7);
    let ada = registered(&server, "Ada", "ada-secret@example.org");
    let (mut phone, on_phone) = logged_in(&server, by_email("ada-secret@example.org", PASSWORD, 1));
    let (_tablet, on_tablet) = logged_in(&server, by_user(ada, PASSWORD, 2));
    not_logged_in(&server, by_user(ada, "wrong-secret", 2));
    not_logged_in(&server, by_email("eve-secret@example", "wrong-secret", 2));
    not_logged_in(&server, by_token(&on_tablet.session_token, 1));
    logged_in(&server, by_token(&on_tablet.session_token, 2));
    assert!(matches!(phone.ask(change_password(PASSWORD, "new-secret", false)), Down::Done(_)));
    phone.ask_in_vain(change_password("wrong-secret", "new-secret", false));
    logged_in(&server, login(jwt.clone(), 1));
    server.stop();
    let log = server.log();
    assert!(log.contains("stopped"), "there is a log");
    let words = ["secret@", "wrong-secret", "new-secret", PASSWORD, "argon2id", &on_phone.session_token];
    for word in words.into_iter().chain([on_tablet.session_token.as_str(), &jwt]) {
        assert!(!log.contains(word), "{word}");
    }
    let digits = &on_phone.session_token[30..];
    assert!(!log.contains(digits), "not in parts, either");
}
