//! A storm of logins with passwords is put off, and leaves those who talk alone.

use crate::support::*;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{self, ErrorCode};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Until so many were put off.
const PUT_OFF: usize = 50;

#[test]
fn messages_go_on_while_passwords_find_no_room() {
    let server = open_to_strangers().config("auth.hash_threads = 1\nauth.hash_queue_max = 2").start();
    registered(&server, "Ada", "ada@example.org");
    let (mut alice, _) = Raw::login_and_sync(&server, 10, 1);
    let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
    let (put_off, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for device in 0..16 {
            let (server, put_off, over) = (&server, &put_off, &over);
            scope.spawn(move || {
                let mut raw = greeted(server);
                while !over.load(Ordering::Relaxed) {
                    match raw.ask(by_email("ada@example.org", PASSWORD, device % 8 + 1)) {
                        Down::LoggedIn(_) => raw = greeted(server),
                        Down::Error(error) => {
                            assert_is_put_off(&error, "auth.hash_queue_max");
                            put_off.fetch_add(1, Ordering::Relaxed);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
        let mut reader = Reader::new(direct(10, 20));
        let mut seq = 0;
        while put_off.load(Ordering::Relaxed) < PUT_OFF || seq < 100 {
            seq += 1;
            assert!(matches!(alice.ask(to_user(20, &seq.to_string())), Down::Sent(sent) if sent.seq == seq));
            reader.read_up_to(&mut bob, seq);
        }
        over.store(true, Ordering::Relaxed);
    });
    server.wait_for_metric("hubbub_password_hashes_refused_total", |refused| refused >= PUT_OFF as f64);
    server.wait_for_metric("hubbub_password_hashes_waiting", |waiting| waiting == 0.0);
    logged_in(&server, by_email("ada@example.org", PASSWORD, 1));
}

#[test]
fn an_address_that_tries_too_often_is_put_off_and_the_connection_lives() {
    let server = Setup::new()
        .config("auth.registration = true\nlimits.address_logins_per_minute = 1\nlimits.address_logins_burst = 3")
        .start();
    registered(&server, "Ada", "ada@example.org");
    let mut raw = greeted(&server);
    assert!(matches!(raw.ask(register("Bob", "bob@example.org", PASSWORD)), Down::Registered(_)));
    let (mut ada, first) = logged_in(&server, by_email("ada@example.org", PASSWORD, 1));
    for request in [register("Eve", "eve@example.org", PASSWORD), by_email("bob@example.org", PASSWORD, 1)] {
        assert_is_put_off(&raw.ask_in_vain(request), "limits.address_logins_per_minute");
    }
    let change = change_password(PASSWORD, "another password", false);
    assert_is_put_off(&ada.ask_in_vain(change), "limits.address_logins_per_minute");
    // Good tokens are not counted.
    logged_in(&server, by_token(&first.session_token, 1));
    assert!(matches!(raw.ask(login(server.token(7), 1)), Down::LoggedIn(_)));
}

#[track_caller]
fn assert_is_put_off(error: &proto::Error, limit: &str) {
    assert_eq!((error.code(), error.action()), (ErrorCode::RateLimited, Action::Retry));
    assert_eq!(error.field, limit);
    assert!(error.retry_after_ms > 0, "{error:?}");
}
