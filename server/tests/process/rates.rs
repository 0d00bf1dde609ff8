//! Rates: what a person does passes, what a flood does is refused with a time to wait, and nobody else notices.

use crate::support::*;
use hubbub_codec::client::Client;
use hubbub_codec::ids::{DeviceId, UserId};
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{Error, ErrorCode, Signal};
use hubbub_codec::session::{OutgoingMessage, Recipient, SessionConfig};

/// Refusals for this reason.
const LIMITED: &str = "hubbub_refusals_total{reason=\"rate_limited\"}";

/// Sends so many messages at once: how many were stored, and the refusals.
fn flood(raw: &mut Raw, to: u64, prefix: &str, count: usize) -> (usize, Vec<Error>) {
    let ids: Vec<u64> = (0..count).map(|n| raw.say(to_user(to, &format!("{prefix}{n}")))).collect();
    let (mut sent, mut refused) = (0, Vec::new());
    for id in ids {
        match raw.answer_to(id) {
            Down::Sent(_) => sent += 1,
            Down::Error(error) => refused.push(error),
            other => panic!("{other:?}"),
        }
    }
    (sent, refused)
}

#[track_caller]
fn check_refusal(error: &Error, setting: &str) {
    assert_eq!((error.code(), error.action()), (ErrorCode::RateLimited, Action::Retry));
    assert_eq!(error.field, setting);
    assert!(error.retry_after_ms > 0 && error.message.contains(setting), "{error:?}");
}

#[test]
fn a_person_who_writes_quickly_meets_no_limit() {
    let server = Server::start();
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::login(&server, 10, 1);
    let (sent, refused) = flood(&mut alice, 20, "m", 100);
    assert_eq!((sent, refused.len()), (100, 0));
    for n in 0..20 {
        assert!(matches!(alice.ask(create_group(&format!("g{n}"), &[20])), Down::Group(_)));
    }
}

#[test]
fn a_users_devices_share_a_limit_and_other_users_have_their_own() {
    let config = "limits.user_messages_per_second = 1\nlimits.user_messages_burst = 10";
    let server = Setup::new().config(config).start();
    let mut bob = Raw::login(&server, 20, 1);
    let (mut phone, mut tablet) = (Raw::login(&server, 10, 1), Raw::login(&server, 10, 2));
    let (first, mut refused) = flood(&mut phone, 20, "p", 100);
    let (second, more) = flood(&mut tablet, 20, "t", 100);
    refused.extend(more);
    // A burst, and one for each second that this took.
    assert!(first >= 10 && first + second < 200, "{first} and {second}");
    refused.iter().for_each(|error| check_refusal(error, "limits.user_messages_per_second"));
    let (sent, refused) = flood(&mut bob, 10, "b", 10);
    assert_eq!((sent, refused.len()), (10, 0));
    // The connections live, and everything else goes on.
    assert!(matches!(phone.ask(history_after(direct(10, 20), 0, 5)), Down::Entries(_)));
    tablet.so_far();
    server.wait_for_metric(LIMITED, |count| count > 0.0);
}

#[test]
fn whoever_waits_is_served() {
    let config = "limits.user_messages_per_second = 20\nlimits.user_messages_burst = 1";
    let server = Setup::new().config(config).start();
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::login(&server, 10, 1);
    flood(&mut alice, 20, "m", 20);
    wait_until("a message that is admitted", || match alice.ask(to_user(20, "later")) {
        Down::Error(error) => {
            // One message takes 50 ms.
            assert!(error.retry_after_ms <= 50, "{error:?}");
            false
        }
        other => matches!(other, Down::Sent(_)),
    });
}

#[test]
fn the_client_library_waits_and_keeps_the_order() {
    // Slower than what one client sends at once, and one on the wire at a time keeps its order.
    let config = "limits.user_messages_per_second = 40\nlimits.user_messages_burst = 2";
    let server = Setup::new().config(config).start();
    drop(Raw::login(&server, 20, 1));
    let config = SessionConfig { sends_in_flight_max: 1, ..SessionConfig::new(server.token(10), DeviceId(1)) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stats = runtime.block_on(async {
        let (client, _events) = Client::connect(server.clients, config);
        let send = |n: u64| {
            let client = client.clone();
            tokio::spawn(
                async move { client.send(Recipient::User(UserId(20)), OutgoingMessage::text(n.to_string())).await },
            )
        };
        // All wait in the session before the first is answered: tasks of one thread begin in the order of their making.
        let sends: Vec<_> = (0..12).map(send).collect();
        for sent in sends {
            assert!(!sent.await.unwrap().unwrap().duplicate);
        }
        client.stats().await.unwrap()
    });
    assert!(stats.rate_limited > 0);
    // Nothing had been stored of what was refused, so nothing was searched for.
    assert_eq!(stats.resends, 0);
    let mut bob = Raw::login(&server, 20, 1);
    bob.sync(vec![cursor(direct(10, 20), 0, 0)], false);
    let mut log = Reader::new(direct(10, 20));
    log.read_up_to(&mut bob, 12);
    assert_eq!(log.texts(), (0..12).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn bytes_group_operations_and_resends_have_limits_too() {
    let config = "limits.user_bytes_per_second = 1\nlimits.user_bytes_burst = 70000\n\
        limits.user_group_operations_per_minute = 1\nlimits.user_group_operations_burst = 2\n\
        dedup.searches_per_second = 1\ndedup.searches_burst = 1";
    let server = Setup::new().config(config).start();
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::login(&server, 10, 1);
    let mut long = message(hubbub_codec::proto::send::To::User(20), name("long"), "");
    long.body = vec![b'x'; 60_000].into();
    assert!(matches!(alice.ask(Up::Send(long.clone())), Down::Sent(_)));
    check_refusal(&alice.ask_in_vain(Up::Send(long.clone())), "limits.user_bytes_per_second");
    assert!(matches!(alice.ask(create_group("one", &[20])), Down::Group(_)));
    assert!(matches!(alice.ask(create_group("two", &[20])), Down::Group(_)));
    let error = alice.ask_in_vain(create_group("three", &[20]));
    check_refusal(&error, "limits.user_group_operations_per_minute");
    let mut short = message(hubbub_codec::proto::send::To::User(20), resent("short", 0), "short");
    assert!(matches!(alice.ask(Up::Send(short.clone())), Down::Sent(_)));
    short.name = resent("short", 0);
    let answers: Vec<Down> = (0..5).map(|_| alice.ask(Up::Send(short.clone()))).collect();
    let refused = answers.iter().filter_map(|answer| if let Down::Error(error) = answer { Some(error) } else { None });
    assert!(refused.inspect(|error| check_refusal(error, "dedup.searches_per_second")).count() > 0);
}

#[test]
fn a_connection_that_asks_too_much_is_refused_and_lives() {
    let config = "limits.connection_requests_per_second = 1\nlimits.connection_requests_burst = 10";
    let server = Setup::new().config(config).start();
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::login(&server, 10, 1);
    assert!(matches!(alice.ask(to_user(20, "x")), Down::Sent(_)));
    // Ten times the burst, whatever it is, even what is no request at all.
    let ids: Vec<u64> = (0..100)
        .map(|n| match n % 3 {
            0 => alice.say(history_after(direct(10, 20), 0, 1)),
            1 => alice.say(delivered(direct(10, 20), 1)),
            _ => alice.say(Up::Send(Default::default())),
        })
        .collect();
    let answers: Vec<Down> = ids.into_iter().map(|id| alice.answer_to(id)).collect();
    let limited = |answer: &&Down| matches!(answer, Down::Error(error) if error.code() == ErrorCode::RateLimited);
    let refused: Vec<&Down> = answers.iter().filter(limited).collect();
    assert!(refused.len() >= 50 && refused.len() < 100, "{}", refused.len());
    for answer in refused {
        let Down::Error(error) = answer else { unreachable!() };
        check_refusal(error, "limits.connection_requests_per_second");
    }
    // Signals without a reply are dropped and counted; marks without a reply are taken.
    server.wait_for_metric(LIMITED, |count| count > 0.0);
    let before = server.metric(LIMITED).unwrap();
    for _ in 0..100 {
        alice.say_as(0, Up::Signal(Signal { conversation: Some(direct(10, 20).into()), ..Default::default() }));
    }
    alice.say_as(0, read(direct(10, 20), 1));
    alice.so_far();
    server.wait_for_metric(LIMITED, |count| count >= before + 50.0);
    let (_, states) = Raw::login_and_sync(&server, 10, 2);
    wait_until("the read mark", || states[0].read == 1 || Raw::login_and_sync(&server, 10, 2).1[0].read == 1);
    // Another connection of the same user has a limit of its own.
    assert!(matches!(Raw::login(&server, 10, 3).ask(to_user(20, "y")), Down::Sent(_)));
}

#[test]
fn limits_of_zero_are_none() {
    let config = "limits.user_messages_per_second = 0\nlimits.user_messages_burst = 1\n\
        limits.connection_requests_per_second = 0\nlimits.connection_requests_burst = 1\n\
        limits.user_bytes_per_second = 0\nlimits.user_bytes_burst = 1";
    let server = Setup::new().config(config).start();
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::login(&server, 10, 1);
    assert_eq!(flood(&mut alice, 20, "m", 600).0, 600);
}
