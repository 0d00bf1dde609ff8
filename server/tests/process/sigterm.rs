//! An orderly stop: everybody is told when to come back, nothing acknowledged is lost, and the process ends well.

use crate::support::*;
use hubbub_codec::proto::bye::Reason;
use std::collections::BTreeSet;
use std::net::TcpListener;

over_each_transport! {
    everybody_is_told_and_nothing_acknowledged_is_lost,
}

const SPREAD_MS: u32 = 3_000;

fn everybody_is_told_and_nothing_acknowledged_is_lost(over: Transport) {
    for (durability, signal) in [("fsync", "TERM"), ("os", "INT")] {
        let setup = Setup::new()
            .over(over)
            .config(&format!("durability = \"{durability}\"\nshutdown.retry_spread_ms = {SPREAD_MS}"));
        let mut server = setup.start();
        let mut people: Vec<Raw> = (1..=40).map(|user| Raw::login_and_sync(&server, user, 1).0).collect();
        let mut stranger = Raw::connect(&server);
        stranger.hello();
        // In the middle of much to do: nobody waits for an answer before the signal.
        for (at, person) in people.iter_mut().enumerate() {
            let peer = (at as u64 ^ 1) + 1;
            for n in 0..50 {
                person.say_as(1_000 + n, to_user(peer, &format!("{at}-{n}")));
            }
        }
        people[0].find(|frame| matches!(frame.body, Some(Down::Sent(_))));
        server.signal(signal);
        let mut acknowledged: Vec<BTreeSet<u64>> = Vec::new();
        let mut waits = BTreeSet::new();
        for person in people.iter_mut().chain([&mut stranger]) {
            let frames = person.rest();
            match frames.last().and_then(|frame| frame.body.as_ref()) {
                Some(Down::Bye(bye)) => {
                    assert_eq!((bye.reason(), bye.target.as_str()), (Reason::Drain, ""));
                    assert!(bye.retry_after_ms < SPREAD_MS);
                    waits.insert(bye.retry_after_ms);
                }
                other => panic!("{other:?}"),
            }
            acknowledged.push(frames.iter().filter_map(sent_seq).collect());
        }
        assert!(waits.len() > 20, "they do not all come back at once: {waits:?}");
        assert!(acknowledged.iter().any(|seqs| !seqs.is_empty()));
        let status = server.wait_for_end();
        assert_eq!(status.code(), Some(0));
        assert!(!server.data_dir().join("addresses.json").exists());
        drop(TcpListener::bind(server.clients).expect("the port is free"));
        let log = server.log();
        assert!(log.contains("told to stop") && log.contains("stopped"), "{log}");

        server.start_again();
        for (at, seqs) in acknowledged.iter().take(40).enumerate() {
            let (me, peer) = (at as u64 + 1, (at as u64 ^ 1) + 1);
            let mut raw = Raw::login(&server, me, 2);
            let states = raw.sync(vec![cursor(direct(me, peer), 0, 0)], false);
            let mut log = Reader::new(direct(me, peer));
            log.read_up_to(&mut raw, states[0].head);
            for seq in seqs {
                assert_eq!(log.entries[*seq as usize - 1].sender, me, "{seq} of {at}");
            }
            // And in the order in which they were sent.
            let own: Vec<_> = log.texts().into_iter().filter(|text| text.starts_with(&format!("{at}-"))).collect();
            assert_eq!(own, (0..own.len()).map(|n| format!("{at}-{n}")).collect::<Vec<_>>());
        }
    }
}

fn sent_seq(frame: &hubbub_codec::proto::ServerFrame) -> Option<u64> {
    match &frame.body {
        Some(Down::Sent(sent)) => Some(sent.seq),
        _ => None,
    }
}

#[test]
fn one_who_does_not_read_does_not_hold_it_up() {
    let mut server = Server::start();
    let _silent: Vec<Raw> = (1..=5).map(|user| Raw::login(&server, user, 1)).collect();
    let _stranger = Raw::connect(&server);
    server.stop();
}

#[test]
fn a_server_without_clients_stops_as_well() {
    let mut server = Server::start();
    server.stop();
    server.start_again();
    server.stop();
}
