//! A broker that crashes loses what it had acknowledged and not delivered, and the ledger must say so.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use bytes::BytesMut;
use hubbub_loadgen::mqtt::Version;
use hubbub_loadgen::run::run;
use hubbub_loadgen::scenario::Scenario;
use rumqttc::mqttbytes::{QoS, v4};

use super::mosquitto::Broker;
use super::scenario;

/// Half of the users are away until the end, and the others write to everybody.
fn offline() -> Scenario {
    let mut scenario = Scenario { duration_s: 3.0, drain_s: 20.0, ..scenario("offline", 40) };
    scenario.offline.as_mut().unwrap().return_at_s = 2.8;
    scenario
}

/// Waits until the broker has passed on so many messages of the run.
fn see_messages(address: SocketAddr, count: usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut bytes = BytesMut::new();
    v4::Connect::new("onlooker").write(&mut bytes).unwrap();
    let mut subscribe = v4::Subscribe::new("hubbub-load/#", QoS::AtMostOnce);
    subscribe.pkid = 1;
    subscribe.write(&mut bytes).unwrap();
    stream.write_all(&bytes).unwrap();
    bytes.clear();
    let mut seen = 0;
    while seen < count {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).expect("messages come");
        assert!(read > 0, "the broker is gone before its time");
        bytes.extend_from_slice(&chunk[..read]);
        while let Ok(packet) = v4::Packet::read(&mut bytes, 1 << 20) {
            seen += usize::from(matches!(packet, v4::Packet::Publish(_)));
        }
    }
}

#[test]
fn what_a_crash_loses_is_lost_in_the_ledger() {
    let Some(mut broker) = Broker::start() else { return };
    let request = broker.request(offline(), Version::V5);
    let running = std::thread::spawn(move || run(request, &Arc::new(AtomicU32::new(0))).unwrap());
    // More than the first words of the pairs, so that there is something for those who are away.
    see_messages(broker.address, 300);
    broker.crash();
    let result = running.join().unwrap();
    assert!(!result.ledger.closed && result.ledger.totals.lost > 0, "{:?}", result.ledger);
    assert!(result.errors.keys().any(|words| words.contains("forgotten the session")), "{:?}", result.errors);
    assert_eq!(result.ledger.totals.duplicated, 0, "{:?}", result.ledger);
}
