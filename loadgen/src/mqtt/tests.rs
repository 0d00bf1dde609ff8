//! The session against a broker made of packets, in both versions of the protocol.

use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use rumqttc::mqttbytes::{QoS as Qos3, v4};
use rumqttc::v5::mqttbytes::{QoS as Qos5, v5};

use super::packets::MqttError;
use super::session::{Event, MqttSession, PublishRefused};
use super::{Config, Login, PACKET_BYTES_MAX, Version};

const VERSIONS: [Version; 2] = [Version::V3, Version::V5];
const KEY: u64 = 7;

/// What a client wrote, as far as the tests look.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wrote {
    Connect { client_id: String, clean: bool, user: Option<String> },
    Subscribe { packet_id: u16, topics: usize },
    Publish { packet_id: u16, body: Vec<u8>, again: bool },
    Acknowledge(u16),
    Ping,
    Unsubscribe,
    Disconnect,
}

/// A session and the words of its broker.
struct Scene {
    version: Version,
    session: MqttSession,
    now: Duration,
}

fn config(version: Version) -> Config {
    Config::new(version, 0x5eed, None)
}

fn scene_with(config: Config, keys: &[u64]) -> Scene {
    let version = config.version;
    let session = MqttSession::new(Rc::new(config), 3, keys.into(), Duration::ZERO);
    Scene { version, session, now: Duration::ZERO }
}

fn scene(version: Version) -> Scene {
    scene_with(config(version), &[KEY])
}

impl Scene {
    /// Connected, taken, subscribed; what was written and said until then is gone.
    fn ready(mut self) -> Self {
        self.connect();
        self.hear(|version| connack(version, false, u16::MAX));
        let [Wrote::Connect { .. }, Wrote::Subscribe { packet_id, topics }] = self.wrote()[..] else {
            panic!("no subscription");
        };
        self.hear(|version| suback(version, packet_id, topics, 1));
        assert_eq!(self.said(), [Event::LoggedIn, Event::Ready]);
        self
    }

    fn connect(&mut self) {
        self.now = self.now.max(self.session.reconnect_at().expect("it wants a connection"));
        self.session.handle_connected(self.now);
    }

    /// The connection breaks, and another one is made that goes on with the session or does not.
    fn reconnect(&mut self, session_present: bool) {
        self.session.handle_disconnected(self.now);
        self.connect();
        self.hear(|version| connack(version, session_present, u16::MAX));
    }

    fn try_hear(&mut self, packets: impl FnOnce(Version) -> BytesMut) -> Result<(), MqttError> {
        self.session.handle_bytes(self.now, &mut packets(self.version))
    }

    fn hear(&mut self, packets: impl FnOnce(Version) -> BytesMut) {
        self.try_hear(packets).expect("a proper packet");
    }

    fn said(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    fn wrote(&mut self) -> Vec<Wrote> {
        let mut bytes = BytesMut::new();
        while let Some(more) = self.session.poll_transmit() {
            bytes.extend_from_slice(&more);
        }
        let mut all = Vec::new();
        while !bytes.is_empty() {
            all.push(match self.version {
                Version::V3 => wrote_3(v4::Packet::read(&mut bytes, PACKET_BYTES_MAX).unwrap()),
                Version::V5 => wrote_5(v5::Packet::read(&mut bytes, None).unwrap()),
            });
        }
        all
    }

    fn publish(&mut self, body: &'static str) -> u64 {
        self.session.publish(self.now, KEY, Bytes::from_static(body.as_bytes())).unwrap()
    }
}

fn wrote_3(packet: v4::Packet) -> Wrote {
    use v4::Packet;
    match packet {
        Packet::Connect(connect) => Wrote::Connect {
            client_id: connect.client_id,
            clean: connect.clean_session,
            user: connect.login.map(|login| login.username),
        },
        Packet::Subscribe(subscribe) => {
            assert!(subscribe.filters.iter().all(|filter| filter.qos == Qos3::AtLeastOnce));
            Wrote::Subscribe { packet_id: subscribe.pkid, topics: subscribe.filters.len() }
        }
        Packet::Publish(publish) => {
            Wrote::Publish { packet_id: publish.pkid, body: publish.payload.to_vec(), again: publish.dup }
        }
        Packet::PubAck(ack) => Wrote::Acknowledge(ack.pkid),
        Packet::PingReq => Wrote::Ping,
        Packet::Unsubscribe(_) => Wrote::Unsubscribe,
        Packet::Disconnect => Wrote::Disconnect,
        other => panic!("{other:?}"),
    }
}

fn wrote_5(packet: v5::Packet) -> Wrote {
    use v5::Packet;
    match packet {
        Packet::Connect(connect, _, login) => {
            assert!(connect.properties.unwrap().session_expiry_interval.unwrap() > 0);
            let user = login.map(|login| login.username);
            Wrote::Connect { client_id: connect.client_id, clean: connect.clean_start, user }
        }
        Packet::Subscribe(subscribe) => {
            assert!(subscribe.filters.iter().all(|filter| filter.qos == Qos5::AtLeastOnce));
            Wrote::Subscribe { packet_id: subscribe.pkid, topics: subscribe.filters.len() }
        }
        Packet::Publish(publish) => {
            Wrote::Publish { packet_id: publish.pkid, body: publish.payload.to_vec(), again: publish.dup }
        }
        Packet::PubAck(ack) => Wrote::Acknowledge(ack.pkid),
        Packet::PingReq(_) => Wrote::Ping,
        Packet::Disconnect(disconnect) => {
            assert_eq!(disconnect.properties.unwrap().session_expiry_interval, Some(0));
            Wrote::Disconnect
        }
        other => panic!("{other:?}"),
    }
}

fn written(write: impl FnOnce(&mut BytesMut) -> bool) -> BytesMut {
    let mut bytes = BytesMut::new();
    assert!(write(&mut bytes));
    bytes
}

fn no_properties() -> v5::ConnAckProperties {
    v5::ConnAckProperties {
        session_expiry_interval: None,
        receive_max: None,
        max_qos: None,
        retain_available: None,
        max_packet_size: None,
        assigned_client_identifier: None,
        topic_alias_max: None,
        reason_string: None,
        user_properties: Vec::new(),
        wildcard_subscription_available: None,
        subscription_identifiers_available: None,
        shared_subscription_available: None,
        server_keep_alive: None,
        response_information: None,
        server_reference: None,
        authentication_method: None,
        authentication_data: None,
    }
}

fn connack_5(session_present: bool, code: v5::ConnectReturnCode, properties: v5::ConnAckProperties) -> BytesMut {
    written(|bytes| v5::ConnAck { session_present, code, properties: Some(properties) }.write(bytes).is_ok())
}

fn connack(version: Version, session_present: bool, receive_max: u16) -> BytesMut {
    match version {
        Version::V3 => {
            written(|bytes| v4::ConnAck::new(v4::ConnectReturnCode::Success, session_present).write(bytes).is_ok())
        }
        Version::V5 => {
            let properties = v5::ConnAckProperties { receive_max: Some(receive_max), ..no_properties() };
            connack_5(session_present, v5::ConnectReturnCode::Success, properties)
        }
    }
}

/// Grants `qos` for each topic.
fn suback(version: Version, packet_id: u16, topics: usize, qos: u8) -> BytesMut {
    let mut bytes = BytesMut::from(&[0x90][..]);
    let property_bytes = usize::from(version == Version::V5);
    bytes.extend_from_slice(&[u8::try_from(2 + property_bytes + topics).expect("few topics")]);
    bytes.extend_from_slice(&packet_id.to_be_bytes());
    bytes.extend_from_slice(&[0].repeat(property_bytes));
    bytes.extend_from_slice(&[qos].repeat(topics));
    bytes
}

fn puback(packet_id: u16) -> impl Fn(Version) -> BytesMut {
    move |version| match version {
        Version::V3 => written(|bytes| v4::PubAck::new(packet_id).write(bytes).is_ok()),
        Version::V5 => written(|bytes| v5::PubAck::new(packet_id, None).write(bytes).is_ok()),
    }
}

fn message(version: Version, packet_id: u16, again: bool) -> BytesMut {
    let topic = config(version).topics.topic(KEY);
    match version {
        Version::V3 => {
            let mut publish = v4::Publish::new(topic, Qos3::AtLeastOnce, "hello");
            (publish.pkid, publish.dup) = (packet_id, again);
            written(|bytes| publish.write(bytes).is_ok())
        }
        Version::V5 => {
            let mut publish = v5::Publish::new(topic, Qos5::AtLeastOnce, "hello", None);
            (publish.pkid, publish.dup) = (packet_id, again);
            written(|bytes| publish.write(bytes).is_ok())
        }
    }
}

fn pong(_: Version) -> BytesMut {
    BytesMut::from(&[0xd0, 0][..])
}

fn wrote_publish(packet_id: u16, body: &str, again: bool) -> Wrote {
    Wrote::Publish { packet_id, body: body.into(), again }
}

#[test]
fn a_session_persists_and_subscribes_once() {
    for version in VERSIONS {
        let mut scene = scene(version);
        scene.connect();
        let client_id = config(version).topics.client_id(3);
        assert_eq!(scene.wrote(), [Wrote::Connect { client_id: client_id.clone(), clean: false, user: None }]);
        scene.hear(|version| connack(version, false, 10));
        assert_eq!(scene.wrote(), [Wrote::Subscribe { packet_id: 1, topics: 1 }]);
        scene.hear(|version| suback(version, 1, 1, 1));
        assert_eq!(scene.said(), [Event::LoggedIn, Event::Ready]);
        scene.reconnect(true);
        assert_eq!(scene.said(), [Event::LoggedIn, Event::Ready]);
        assert_eq!(scene.wrote(), [Wrote::Connect { client_id, clean: false, user: None }]);
    }
}

#[test]
fn a_session_of_an_earlier_run_is_not_trusted() {
    for version in VERSIONS {
        let mut scene = scene(version);
        scene.connect();
        scene.hear(|version| connack(version, true, 10));
        assert_eq!(scene.said(), [Event::LoggedIn]);
        assert_eq!(scene.wrote()[1..], [Wrote::Subscribe { packet_id: 1, topics: 1 }]);
    }
}

#[test]
fn many_topics_take_several_packets_and_all_of_them_count() {
    for version in VERSIONS {
        let mut scene = scene_with(config(version), &(0..130).collect::<Vec<_>>());
        scene.connect();
        scene.hear(|version| connack(version, false, 10));
        let wrote = scene.wrote();
        let [_, Wrote::Subscribe { topics: 128, .. }, Wrote::Subscribe { topics: 2, .. }] = wrote[..] else {
            panic!("{wrote:?}");
        };
        scene.hear(|version| suback(version, 1, 100, 1));
        assert_eq!(scene.said(), [Event::LoggedIn]);
        scene.hear(|version| suback(version, 2, 2, 1));
        assert_eq!(scene.said(), [Event::Ready]);
    }
}

#[test]
fn a_user_logs_in_and_the_password_is_not_shown() {
    for version in VERSIONS {
        let login = Login { user: "ann".into(), password: "secret-word".into() };
        assert!(!format!("{login:?}").contains("secret-word"));
        let mut scene = scene_with(Config::new(version, 1, Some(login)), &[]);
        scene.connect();
        let [Wrote::Connect { user, .. }] = &scene.wrote()[..] else { panic!("no CONNECT") };
        assert_eq!(user.as_deref(), Some("ann"));
    }
}

#[test]
fn messages_get_distinct_ids_and_are_acknowledged_once() {
    for version in VERSIONS {
        let mut scene = scene(version).ready();
        let (first, second) = (scene.publish("a"), scene.publish("b"));
        assert_eq!(scene.wrote(), [wrote_publish(2, "a", false), wrote_publish(3, "b", false)]);
        scene.hear(puback(3));
        scene.hear(puback(3));
        scene.hear(puback(2));
        assert_eq!(scene.said(), [Event::Acknowledged { ticket: second }, Event::Acknowledged { ticket: first }]);
    }
}

#[test]
fn what_was_on_the_wire_is_repeated_with_dup_and_what_waited_is_not() {
    for version in VERSIONS {
        let mut scene = scene(version).ready();
        let (first, _second) = (scene.publish("a"), scene.publish("b"));
        scene.hear(puback(3));
        scene.said();
        scene.session.handle_disconnected(scene.now);
        scene.publish("c");
        scene.wrote();
        scene.connect();
        scene.hear(|version| connack(version, true, u16::MAX));
        assert_eq!(scene.said(), [Event::LoggedIn, Event::Ready, Event::Repeated { ticket: first }]);
        assert_eq!(scene.wrote()[1..], [wrote_publish(2, "a", true), wrote_publish(4, "c", false)]);
        assert_eq!(scene.session.counters().repeated, 1);
    }
}

#[test]
fn a_broker_that_forgot_the_session_is_told_everything_anew() {
    for version in VERSIONS {
        let mut scene = scene(version).ready();
        let ticket = scene.publish("a");
        scene.wrote();
        scene.reconnect(false);
        assert_eq!(scene.said(), [Event::LoggedIn, Event::SessionLost]);
        let wrote = scene.wrote();
        let [_, Wrote::Subscribe { packet_id, topics: 1 }] = wrote[..] else { panic!("{wrote:?}") };
        assert_ne!(packet_id, 2, "the id of the message is in use");
        scene.hear(|version| suback(version, packet_id, 1, 1));
        assert_eq!(scene.said(), [Event::Ready, Event::Repeated { ticket }]);
        assert_eq!(scene.wrote(), [wrote_publish(2, "a", false)], "in a new session nothing is a duplicate");
    }
}

#[test]
fn a_broker_of_mqtt_5_sets_the_window() {
    let mut scene = scene_with(config(Version::V5), &[]);
    scene.connect();
    scene.hear(|version| connack(version, true, 2));
    ["a", "b", "c"].into_iter().for_each(|body| _ = scene.publish(body));
    assert_eq!(scene.wrote()[1..], [wrote_publish(1, "a", false), wrote_publish(2, "b", false)]);
    scene.hear(puback(1));
    assert_eq!(scene.wrote(), [wrote_publish(3, "c", false)]);
}

#[test]
fn no_more_is_taken_than_the_bound_with_and_without_a_connection() {
    for version in VERSIONS {
        let mut scene = scene(version);
        let bound = u64::from(config(version).unacknowledged_max);
        (0..bound).for_each(|_| _ = scene.publish("x"));
        let refused = scene.session.publish(scene.now, KEY, Bytes::new());
        assert_eq!(refused, Err(PublishRefused::Full(1_024)));
        let mut scene = scene.ready();
        assert_eq!(scene.wrote().len(), usize::from(config(version).in_flight_max));
        assert!(scene.session.publish(scene.now, KEY, Bytes::new()).is_err());
    }
}

#[test]
fn what_the_broker_calls_too_large_is_not_sent() {
    let mut scene = scene_with(config(Version::V5), &[]);
    scene.connect();
    let properties = v5::ConnAckProperties { max_packet_size: Some(200), ..no_properties() };
    scene.hear(|_| connack_5(true, v5::ConnectReturnCode::Success, properties));
    let refused = scene.session.publish(scene.now, KEY, Bytes::from(vec![0; 200]));
    assert_eq!(refused, Err(PublishRefused::TooLarge(200)));
    assert_eq!(scene.publish("small"), 0);
}

#[test]
fn a_message_is_acknowledged_and_handed_out_with_its_mark() {
    for version in VERSIONS {
        let mut scene = scene(version).ready();
        for again in [false, true] {
            scene.hear(|version| message(version, 9, again));
            assert_eq!(scene.wrote(), [Wrote::Acknowledge(9)]);
            let payload = Bytes::from_static(b"hello");
            assert_eq!(scene.said(), [Event::Message { key: KEY, payload, again }]);
        }
    }
}

#[test]
fn a_packet_in_pieces_is_one_packet() {
    for version in VERSIONS {
        let mut scene = scene(version).ready();
        let (whole, mut input) = (message(version, 9, false), BytesMut::new());
        for byte in &whole[..whole.len() - 1] {
            input.extend_from_slice(&[*byte]);
            scene.session.handle_bytes(scene.now, &mut input).unwrap();
            assert_eq!(scene.said(), []);
        }
        input.extend_from_slice(&whole[whole.len() - 1..]);
        scene.session.handle_bytes(scene.now, &mut input).unwrap();
        assert!(input.is_empty());
        assert_eq!(scene.said().len(), 1);
        assert_eq!(scene.session.counters().packets_in, 3);
    }
}

#[test]
fn silence_is_broken_by_a_ping_and_its_answer_is_waited_for() {
    for version in VERSIONS {
        let mut scene = scene(version).ready();
        let keep_alive = config(version).keep_alive;
        let at = scene.session.poll_timeout().unwrap();
        assert!(at > scene.now && at < scene.now + keep_alive);
        scene.session.handle_timeout(scene.now);
        assert_eq!(scene.wrote(), [], "nothing is due");
        scene.now = at;
        scene.session.handle_timeout(scene.now);
        assert_eq!(scene.wrote(), [Wrote::Ping]);
        scene.hear(pong);
        let next = scene.session.poll_timeout().unwrap();
        assert!(next > scene.now && next < scene.now + keep_alive);
        assert!(!scene.session.should_close());
    }
}

#[test]
fn a_broker_that_does_not_answer_is_left() {
    for version in VERSIONS {
        let mut silent = scene(version);
        silent.connect();
        silent.now = silent.session.poll_timeout().unwrap();
        silent.session.handle_timeout(silent.now);
        assert!(silent.session.should_close(), "no CONNACK");
        let mut mute = scene(version).ready();
        for _ in 0..2 {
            mute.now = mute.session.poll_timeout().unwrap();
            mute.session.handle_timeout(mute.now);
        }
        assert!(mute.session.should_close(), "no PINGRESP");
        mute.session.handle_disconnected(mute.now);
        assert!(mute.session.reconnect_at().unwrap() > mute.now);
    }
}

#[test]
fn writing_puts_the_ping_off() {
    for version in VERSIONS {
        let mut scene = scene(version).ready();
        let first = scene.session.poll_timeout().unwrap();
        scene.now = first / 2;
        scene.publish("a");
        assert_eq!(scene.session.poll_timeout().unwrap(), first + first / 2);
    }
}

#[test]
fn a_broker_may_insist_on_another_silence() {
    let mut scene = scene_with(config(Version::V5), &[]);
    scene.connect();
    let properties = v5::ConnAckProperties { server_keep_alive: Some(4), ..no_properties() };
    scene.hear(|_| connack_5(true, v5::ConnectReturnCode::Success, properties));
    assert_eq!(scene.session.poll_timeout(), Some(scene.now + Duration::from_secs(3)));
}

#[test]
fn wrong_credentials_end_the_session_and_a_busy_broker_does_not() {
    for (code, for_good) in
        [(v5::ConnectReturnCode::BadUserNamePassword, true), (v5::ConnectReturnCode::ServerBusy, false)]
    {
        let mut scene = scene(Version::V5);
        scene.connect();
        scene.hear(|_| connack_5(false, code, no_properties()));
        assert!(scene.session.should_close());
        assert_eq!(matches!(scene.said()[..], [Event::Fatal(_)]), for_good);
        scene.session.handle_disconnected(scene.now);
        assert_eq!(scene.session.reconnect_at().is_none(), for_good);
    }
    let mut old = scene(Version::V3);
    old.connect();
    old.hear(|_| written(|bytes| v4::ConnAck::new(v4::ConnectReturnCode::NotAuthorized, false).write(bytes).is_ok()));
    assert_eq!(old.said(), [Event::Fatal("NotAuthorized".into())]);
}

#[test]
fn a_broker_without_qos_1_is_of_no_use() {
    for version in VERSIONS {
        let mut scene = scene(version);
        scene.connect();
        scene.hear(|version| connack(version, false, 10));
        scene.hear(|version| suback(version, 1, 1, 0));
        assert!(matches!(scene.said()[..], [Event::LoggedIn, Event::Fatal(_)]));
    }
    let mut scene = scene(Version::V5);
    scene.connect();
    let properties = v5::ConnAckProperties { max_qos: Some(0), ..no_properties() };
    scene.hear(|_| connack_5(false, v5::ConnectReturnCode::Success, properties));
    assert!(matches!(scene.said()[..], [Event::Fatal(_)]));
}

#[test]
fn a_refused_message_is_reported_with_the_brokers_words() {
    let mut scene = scene(Version::V5).ready();
    let ticket = scene.publish("a");
    let refusal = v5::PubAck { pkid: 2, reason: v5::PubAckReason::QuotaExceeded, properties: None };
    scene.hear(|_| written(|bytes| refusal.write(bytes).is_ok()));
    assert_eq!(scene.said(), [Event::PublishRefused { ticket, reason: "QuotaExceeded".into() }]);
    scene.publish("b");
    let nobody = v5::PubAck { pkid: 3, reason: v5::PubAckReason::NoMatchingSubscribers, properties: None };
    scene.hear(|_| written(|bytes| nobody.write(bytes).is_ok()));
    assert!(matches!(scene.said()[..], [Event::Acknowledged { .. }]));
}

#[test]
fn the_end_leaves_nothing_behind() {
    for version in VERSIONS {
        let mut scene = scene(version).ready();
        scene.session.end(scene.now);
        let expected = match version {
            Version::V3 => vec![Wrote::Unsubscribe, Wrote::Disconnect],
            Version::V5 => vec![Wrote::Disconnect],
        };
        assert_eq!(scene.wrote(), expected);
    }
}

#[test]
fn what_breaks_the_protocol_is_an_error_and_the_next_connection_is_a_new_chance() {
    let broken: [(&str, &[u8]); 6] = [
        ("a reserved type", &[0x00, 0x00]),
        ("a length of five bytes", &[0x30, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ("a packet beyond the limit", &[0x30, 0xff, 0xff, 0xff, 0x7f]),
        ("a topic longer than its packet", &[0x32, 0x04, 0xff, 0xff, 0x61, 0x00]),
        ("a message of QoS 2", &[0x34, 0x06, 0x00, 0x01, 0x61, 0x00, 0x01, 0x00]),
        ("a packet for brokers", &[0xc0, 0x00]),
    ];
    for version in VERSIONS {
        for (what, bytes) in broken {
            let mut scene = scene(version).ready();
            assert!(scene.try_hear(|_| BytesMut::from(bytes)).is_err(), "{what}");
            scene.reconnect(true);
            assert_eq!(scene.said().last(), Some(&Event::Ready), "{what}");
        }
    }
}

#[test]
fn a_packet_that_ends_inside_its_properties_is_no_packet_to_come() {
    // Its length is right, but the properties say that they are longer than it.
    let mut scene = scene(Version::V5).ready();
    assert!(scene.try_hear(|_| BytesMut::from(&[0x32, 0x06, 0x00, 0x01, b'a', 0x00, 0x09, 0x80][..])).is_err());
}

#[test]
fn connack_comes_first_and_once() {
    for version in VERSIONS {
        let mut early = scene(version);
        early.connect();
        assert!(early.try_hear(pong).is_err());
        let mut twice = scene(version).ready();
        assert!(twice.try_hear(|version| connack(version, true, 1)).is_err());
    }
}

#[test]
fn a_session_is_small() {
    assert!(size_of::<MqttSession>() <= 512, "{}", size_of::<MqttSession>());
}

proptest! {
    /// A broker may send anything: it is handled or refused, in bounded memory, and never a panic.
    #[test]
    fn whatever_a_broker_sends_is_survived(
        packets in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..20),
        is_ready: bool,
    ) {
        for version in VERSIONS {
            let mut scene = if is_ready { scene(version).ready() } else { scene(version) };
            if !is_ready {
                scene.connect();
            }
            scene.publish("a");
            for (first, rest) in &packets {
                let mut bytes = BytesMut::from(&[*first, rest.len() as u8][..]);
                bytes.extend_from_slice(rest);
                if scene.session.handle_bytes(scene.now, &mut bytes).is_err() {
                    scene.session.handle_disconnected(scene.now);
                    if scene.session.reconnect_at().is_some() {
                        scene.connect();
                    }
                }
                prop_assert!(scene.said().len() <= 3);
            }
        }
    }

    /// Proper packets with damage in them take other paths than noise.
    #[test]
    fn damaged_packets_are_survived(at in 0_usize..60, value: u8) {
        for version in VERSIONS {
            let all = [message(version, 9, false), connack(version, true, 7), suback(version, 1, 1, 1), puback(2)(version)];
            for mut packet in all {
                let at = at % packet.len();
                packet[at] = value;
                let mut scene = scene(version).ready();
                scene.publish("a");
                let _ = scene.session.handle_bytes(scene.now, &mut packet);
            }
        }
    }
}
