//! Strangers make accounts, log in to them by address and by id, and talk.

use crate::support::*;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{AuthMethod, ErrorCode};

#[test]
fn whoever_registers_can_log_in_and_talk() {
    let server = open_to_strangers().start();
    let welcome = Raw::connect(&server).hello();
    assert!(welcome.registration);
    let methods: Vec<AuthMethod> = welcome.auth_methods().collect();
    assert_eq!(methods, [AuthMethod::Jwt, AuthMethod::Password, AuthMethod::SessionToken]);
    assert_eq!(welcome.limits.unwrap().devices_max, 16);

    let ada = registered(&server, "Ada", " Ada@Example.org ");
    let bob = registered(&server, "Bob", "bob@example.org");
    let (mut ada_speaks, as_ada) = logged_in(&server, by_email("ADA@example.org", PASSWORD, 1));
    let (mut bob_hears, as_bob) = logged_in(&server, by_user(bob, PASSWORD, 1));
    assert_eq!((as_ada.user_id, as_bob.user_id), (ada, bob));
    assert!(!as_ada.created && !as_ada.session_token.is_empty() && as_ada.session_token_expires_us > 0);
    bob_hears.sync(Vec::new(), true);
    assert!(matches!(ada_speaks.ask(to_user(bob, "hello")), Down::Sent(sent) if sent.seq == 1));
    let mut reader = Reader::new(direct(ada, bob));
    reader.read_up_to(&mut bob_hears, 1);
    assert_eq!(reader.texts(), ["hello"]);
}

#[test]
fn a_connection_that_registers_may_log_in_next() {
    let server = open_to_strangers().start();
    let mut raw = greeted(&server);
    assert!(matches!(raw.ask(register("Ada", "ada@example.org", PASSWORD)), Down::Registered(_)));
    assert!(matches!(raw.ask(by_email("ada@example.org", PASSWORD, 1)), Down::LoggedIn(_)));
}

#[test]
fn of_many_who_want_one_address_one_gets_it() {
    let server = open_to_strangers().start();
    let answers: Vec<Down> = std::thread::scope(|scope| {
        let one = |n: usize| {
            let email = if n.is_multiple_of(2) { "ada@example.org" } else { "ADA@Example.ORG" };
            greeted(&server).ask(register("Ada", email, PASSWORD))
        };
        let all: Vec<_> = (0..8).map(|n| scope.spawn(move || one(n))).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let won = answers.iter().filter(|answer| matches!(answer, Down::Registered(_))).count();
    let lost = answers.iter().filter(|answer| match answer {
        Down::Error(error) => error.code() == ErrorCode::EmailTaken && error.action() == Action::FixRequest,
        _ => false,
    });
    assert_eq!((won, lost.count()), (1, 7), "{answers:?}");
}

#[test]
fn accounts_outlive_a_kill() {
    let mut server = open_to_strangers().start();
    let ada = registered(&server, "Ada", "ada@example.org");
    server.kill();
    server.start_again();
    let (_raw, logged_in) = logged_in(&server, by_email("ada@example.org", PASSWORD, 1));
    assert_eq!(logged_in.user_id, ada);
    let error = greeted(&server).ask_in_vain(register("Eve", "ada@example.org", PASSWORD));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::EmailTaken, "register.email"));
}

#[test]
fn where_it_is_closed_nobody_registers() {
    let server = Setup::new().config("auth.registration = false").start();
    let mut raw = Raw::connect(&server);
    assert!(!raw.hello().registration);
    let error = raw.ask_in_vain(register("Ada", "ada@example.org", PASSWORD));
    assert_eq!(error.code(), ErrorCode::Forbidden);
    assert!(matches!(raw.ask(login(server.token(1), 1)), Down::LoggedIn(_)), "the connection lives");
}

#[test]
fn each_field_that_breaks_a_rule_is_named_and_the_connection_lives() {
    let server = open_to_strangers().start();
    let mut raw = greeted(&server);
    let long = "x".repeat(200);
    for (name, email, password, field) in [
        ("", "ada@example.org", PASSWORD, "register.name"),
        (" Ada", "ada@example.org", PASSWORD, "register.name"),
        ("A\0da", "ada@example.org", PASSWORD, "register.name"),
        (long.as_str(), "ada@example.org", PASSWORD, "register.name"),
        ("Ada", "", PASSWORD, "register.email"),
        ("Ada", "ada", PASSWORD, "register.email"),
        ("Ada", "ada@localhost", PASSWORD, "register.email"),
        ("Ada", "a da@example.org", PASSWORD, "register.email"),
        ("Ada", "ada@example.org", "", "register.password"),
        ("Ada", "ada@example.org", "1234567", "register.password"),
        ("Ada", "ada@example.org", long.as_str(), "register.password"),
        ("Ada", "ada@example.org", "ada@example.org", "register.password"),
    ] {
        let error = raw.ask_in_vain(register(name, email, password));
        assert_eq!((error.code(), error.field.as_str()), (ErrorCode::Invalid, field), "{error:?}");
        assert_eq!(error.action(), Action::FixRequest);
    }
    assert!(matches!(raw.ask(register("Ada", "ada@example.org", PASSWORD)), Down::Registered(_)));
}
