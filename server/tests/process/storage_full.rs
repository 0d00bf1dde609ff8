//! A disk that is nearly full: sends are refused by name, reading goes on, and with room again so does everything.

use crate::support::*;
use hubbub_codec::proto::{ErrorCode, error::Action};

#[test]
fn sends_are_refused_and_reading_goes_on() {
    let mut server = Server::start();
    let conversation = direct(10, 20);
    drop(Raw::login(&server, 20, 1));
    let mut alice = Raw::login(&server, 10, 1);
    for text in ["a", "b", "c"] {
        assert!(matches!(alice.ask(to_user(20, text)), Down::Sent(_)));
    }
    let Down::Group(made) = alice.ask(create_group("G", &[20])) else { panic!("no group") };
    server.stop();

    server.start_again_with(Setup::new().config("storage.free_bytes_min = 9000000000000000000"));
    let mut alice = Raw::login(&server, 10, 1);
    let refused = [
        to_user(20, "d"),
        to_group(made.group, "d"),
        create_group("Another", &[20]),
        remove_members(made.group, "out", &[20]),
    ];
    for request in refused {
        let error = alice.ask_in_vain(request);
        assert_eq!((error.code(), error.action()), (ErrorCode::StorageFull, Action::Retry));
        assert!(error.retry_after_ms > 0 && error.message.contains("disk"), "{error:?}");
    }
    let (mut bob, states) = Raw::login_and_sync(&server, 20, 1);
    assert_eq!(states.len(), 2);
    let mut log = Reader::new(conversation);
    log.read_up_to(&mut bob, 3);
    let Down::Entries(page) = bob.ask(history_after(conversation, 0, 10)) else { panic!("no history") };
    assert_eq!(page.entries.len(), 3);
    assert!(matches!(bob.ask(read(conversation, 3)), Down::Done(_)));
    assert!(matches!(bob.ask(get_group(made.group, 0, 0)), Down::Group(_)));
    server.wait_for_metric("hubbub_storage_full", |full| full == 1.0);
    server.wait_for_metric("hubbub_refusals_total{reason=\"storage_full\"}", |refused| refused == 4.0);
    server.stop();

    server.start_again_with(Setup::new());
    let mut alice = Raw::login(&server, 10, 1);
    assert!(matches!(alice.ask(to_user(20, "d")), Down::Sent(sent) if sent.seq == 4));
    server.wait_for_metric("hubbub_storage_full", |full| full == 0.0);
}
