//! Several devices of one person, and one device that comes twice.

use crate::support::*;
use hubbub_codec::proto::bye::Reason;

over_each_transport! {
    each_device_continues_from_its_own_cursor,
    a_device_that_comes_again_ends_its_older_connection,
    of_many_connections_of_one_device_one_stays,
}

fn each_device_continues_from_its_own_cursor(over: Transport) {
    let server = Setup::new().over(over).start();
    let (mut alice, _) = Raw::login_and_sync(&server, 10, 1);
    let (mut phone, _) = Raw::login_and_sync(&server, 20, 1);
    let conversation = direct(10, 20);
    alice.ask(to_user(20, "1"));
    let mut on_phone = Reader::new(conversation);
    on_phone.read_up_to(&mut phone, 1);
    drop(phone);
    for n in 2..=5 {
        alice.ask(to_user(20, &n.to_string()));
    }
    let mut tablet = Raw::login(&server, 20, 2);
    tablet.sync(vec![cursor(conversation, 0, 0)], true);
    let mut on_tablet = Reader::new(conversation);
    on_tablet.read_up_to(&mut tablet, 5);
    // What the tablet has does not count for the phone.
    tablet.ask(read(conversation, 5));
    let mut phone = Raw::login(&server, 20, 1);
    phone.sync(vec![cursor(conversation, on_phone.log_id, on_phone.cursor)], true);
    on_phone.read_up_to(&mut phone, 5);
    // From now on both get everything, also what the other one sends.
    tablet.ask(to_user(10, "6"));
    phone.ask(to_user(10, "7"));
    alice.ask(to_user(20, "8"));
    on_tablet.read_up_to(&mut tablet, 8);
    on_phone.read_up_to(&mut phone, 8);
    let all = ["1", "2", "3", "4", "5", "6", "7", "8"];
    assert_eq!(
        (on_tablet.texts(), on_phone.texts()),
        (all.map(str::to_owned).to_vec(), all.map(str::to_owned).to_vec())
    );
}

fn a_device_that_comes_again_ends_its_older_connection(over: Transport) {
    let server = Setup::new().over(over).start();
    for user in 1..=8 {
        let (mut older, _) = Raw::login_and_sync(&server, user, 5);
        let (mut other_device, _) = Raw::login_and_sync(&server, user, 6);
        let (mut newer, _) = Raw::login_and_sync(&server, user, 5);
        match older.rest().pop().and_then(|frame| frame.body) {
            Some(Down::Bye(bye)) => assert_eq!(bye.reason(), Reason::Replaced),
            other => panic!("{other:?}"),
        }
        assert!(newer.so_far().is_empty() && other_device.so_far().is_empty());
    }
    server.wait_for_metric("hubbub_devices_logged_in", |devices| devices == 0.0);
    server.wait_for_metric("hubbub_connections", |connections| connections == 0.0);
}

#[test]
fn what_the_older_connection_had_not_said_yet_is_discarded() {
    let server = Server::start();
    drop(Raw::login(&server, 20, 1));
    let mut older = Raw::login(&server, 10, 1);
    let mut newer = Raw::login(&server, 10, 1);
    // The newer login is answered, so whatever the older connection still writes comes too late.
    let late = hubbub_codec::proto::ClientFrame { request_id: 99, body: Some(to_user(20, "late")) };
    let _ = older.write_all(&hubbub_codec::frame::encode_frame(&late));
    assert!(older.rest().iter().all(|frame| frame.request_id != 99));
    assert!(matches!(newer.ask(to_user(20, "only this")), Down::Sent(sent) if sent.seq == 1));
}

fn of_many_connections_of_one_device_one_stays(over: Transport) {
    let server = Setup::new().over(over).start();
    for user in [1, 2, 3] {
        let token = server.token(user);
        let logins: Vec<Raw> = std::thread::scope(|scope| {
            let attempt = || {
                let mut raw = Raw::connect(&server);
                raw.hello();
                raw.say(login(token.clone(), 9));
                raw
            };
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(attempt)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        server.wait_for_metric("hubbub_devices_logged_in", |devices| devices == 1.0);
        server.wait_for_metric("hubbub_connections", |connections| connections <= 16.0);
        // The one that stays answers; all others are told, and closed.
        let mut staying = 0;
        for mut raw in logins {
            let ping = Up::Ping(hubbub_codec::proto::Ping { nonce: 1 });
            let frame = hubbub_codec::proto::ClientFrame { request_id: 50, body: Some(ping) };
            let _ = raw.write_all(&hubbub_codec::frame::encode_frame(&frame));
            let mut farewell = None;
            while let Some(frame) = raw.next() {
                if frame.request_id == 50 {
                    staying += 1;
                    break;
                }
                farewell = frame.body;
            }
            let told = matches!(farewell, Some(Down::Bye(_) | Down::Error(_)));
            assert!(told || matches!(farewell, Some(Down::LoggedIn(_))), "{farewell:?}");
        }
        assert_eq!(staying, 1);
        server.wait_for_metric("hubbub_devices_logged_in", |devices| devices == 0.0);
    }
}
