//! A store that is not ours to open is refused with the way out, and is not touched.

use crate::support::*;
use std::net::SocketAddr;
use std::path::Path;

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[test]
fn a_second_process_on_the_same_data_is_refused() {
    let server = Server::start();
    drop(Raw::login(&server, 20, 1));
    let said = Setup::new().start_in_vain(server.scratch_dir(), anywhere(), anywhere());
    assert!(said.contains("another process has this store open"), "{said}");
    assert!(said.contains("choose another data directory"), "{said}");
    // The first one is not disturbed, and is still found by its file.
    assert!(matches!(Raw::login(&server, 10, 1).ask(to_user(20, "still here")), Down::Sent(_)));
    assert!(server.data_dir().join("addresses.json").exists());
}

/// Overwrites the number that says which format a closed store has.
fn set_format(store: &Path, row: &[u8]) {
    let families = rocksdb::DB::list_cf(&rocksdb::Options::default(), store).unwrap();
    let db = rocksdb::DB::open_cf(&rocksdb::Options::default(), store, families).unwrap();
    db.put_cf(&db.cf_handle("meta").unwrap(), "store", row).unwrap();
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let mut server = Server::start();
    server.stop();
    // Field 1, the format, is 77.
    set_format(&server.data_dir().join("store"), &[0x08, 77]);
    let said = Setup::new().start_in_vain(server.scratch_dir(), anywhere(), anywhere());
    assert!(said.contains("format 77") && said.contains("start the version that wrote it"), "{said}");
}

#[test]
fn the_number_of_shards_may_change_from_run_to_run() {
    let mut server = Setup::new().shards(1).start();
    drop(Raw::login(&server, 20, 1));
    let mut expected = Vec::new();
    for shards in [1, 2, 5, 3, 1] {
        server.stop();
        server.start_again_with(Setup::new().shards(shards));
        let mut raw = Raw::login(&server, 10, 1);
        expected.push(shards.to_string());
        let seq = expected.len();
        let mut send = message(hubbub_codec::proto::send::To::User(20), name(&seq.to_string()), "");
        send.body = shards.to_string().into();
        assert!(matches!(raw.ask(Up::Send(send)), Down::Sent(sent) if sent.seq == seq as u64));
        let (mut bob, _) = Raw::login_and_sync(&server, 20, 1);
        let mut log = Reader::new(direct(10, 20));
        log.read_up_to(&mut bob, seq as u64);
        assert_eq!(log.texts(), expected);
    }
}

#[test]
fn a_number_of_partitions_cannot_be_changed_behind_its_back() {
    let mut server = Setup::new().config("storage.partitions = 8").start();
    let mut raw = Raw::login(&server, 10, 1);
    drop(Raw::login(&server, 20, 1));
    assert!(matches!(raw.ask(to_user(20, "a")), Down::Sent(_)));
    server.stop();
    // Fixed when the store was made: the configured number no longer counts, and all is still found.
    server.start_again_with(Setup::new().config("storage.partitions = 32"));
    assert!(matches!(Raw::login(&server, 10, 1).ask(to_user(20, "b")), Down::Sent(sent) if sent.seq == 2));
}
