//! `kill -9` under load: every acknowledged message is there afterwards, once, in order, for every member.
//!
//! Three kills by default. For many more: `HUBBUB_TEST_KILLS=50 cargo test --release -p hubbub-server --test process
//! kill -- --nocapture`.

use crate::support::*;
use hubbub_codec::client::{self, Client, Events};
use hubbub_codec::ids::{Conversation, DeviceId, GroupId, Seq, UserId};
use hubbub_codec::proto::EventType;
use hubbub_codec::session::{Event, OutgoingMessage, Recipient, SessionConfig};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

over_each_transport! {
    acknowledged_messages_survive_kills_with_os,
}

const PEOPLE: u64 = 6;
/// Sends under way at once for each person.
const LANES: u64 = 8;

/// What all of them share.
#[derive(Default)]
struct Shared {
    /// Nobody begins a further message.
    stop: AtomicBool,
    /// Every message is acknowledged, and in `sent`.
    finished: AtomicBool,
    acknowledged: AtomicU64,
    duplicates: AtomicU64,
    sent: Mutex<BTreeMap<(Conversation, Seq), String>>,
}

type Logs = BTreeMap<Conversation, Vec<String>>;

#[test]
fn acknowledged_messages_survive_kills_with_fsync() {
    survive("fsync", Transport::Tcp);
}

fn acknowledged_messages_survive_kills_with_os(over: Transport) {
    survive("os", over);
}

fn survive(durability: &str, over: Transport) {
    let kills = std::env::var("HUBBUB_TEST_KILLS").map_or(3, |text| text.parse().expect("a number of kills"));
    let mut server = Setup::new().over(over).unlimited().config(&format!("durability = \"{durability}\"")).start();
    for user in 1..=PEOPLE {
        drop(Raw::login(&server, user, 9));
    }
    let members: Vec<u64> = (2..=PEOPLE).collect();
    let Down::Group(made) = Raw::login(&server, 1, 9).ask(create_group("All", &members)) else { panic!("no group") };
    let shared = Arc::new(Shared::default());
    let people = std::thread::spawn({
        let (clients_of, shared) = (server.for_clients(), shared.clone());
        let tokens: Vec<String> = (1..=PEOPLE).map(|user| server.token(user)).collect();
        move || runtime().block_on(talk(clients_of, tokens, GroupId(made.group), shared))
    });
    for kill in 0..kills {
        let target = shared.acknowledged.load(Relaxed) + 100 + kill * 37 % 300;
        wait_until("progress between kills", || shared.acknowledged.load(Relaxed) >= target || people.is_finished());
        server.kill();
        server.start_again();
    }
    let target = shared.acknowledged.load(Relaxed) + 100;
    wait_until("progress after the last kill", || shared.acknowledged.load(Relaxed) >= target || people.is_finished());
    shared.stop.store(true, Relaxed);
    wait_until("everybody to have everything", || people.is_finished());
    let logs = people.join().expect("the people were content");
    check(&server, &shared, &logs, made.group);
    eprintln!(
        "{durability} over {over}: {kills} kills, {} acknowledged messages, {} of them resent and found in the log",
        shared.acknowledged.load(Relaxed),
        shared.duplicates.load(Relaxed)
    );
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn peer_of(user: u64) -> u64 {
    ((user - 1) ^ 1) + 1
}

/// Lets everybody talk until they are to stop; what each has received.
async fn talk(server: client::Server, tokens: Vec<String>, group: GroupId, shared: Arc<Shared>) -> Vec<Logs> {
    let (mut clients, mut lanes, mut listeners) = (Vec::new(), Vec::new(), Vec::new());
    for (user, token) in (1..).zip(tokens) {
        let config = SessionConfig {
            backoff_min: Duration::from_millis(20),
            backoff_max: Duration::from_millis(200),
            ..SessionConfig::new(token, DeviceId(1))
        };
        let (client, events) = Client::connect(server.clone(), config);
        lanes.extend((0..LANES).map(|lane| tokio::spawn(say(client.clone(), user, lane, group, shared.clone()))));
        listeners.push(tokio::spawn(listen(events, user, group, shared.clone())));
        clients.push(client);
    }
    for lane in lanes {
        lane.await.expect("every message was acknowledged in the end");
    }
    shared.finished.store(true, Relaxed);
    let mut logs = Vec::new();
    for listener in listeners {
        logs.push(listener.await.expect("every message came"));
    }
    logs
}

/// Sends one message after the other, to the group and to the peer by turns.
async fn say(client: Client, user: u64, lane: u64, group: GroupId, shared: Arc<Shared>) {
    let mut n = 0;
    while !shared.stop.load(Relaxed) {
        let to = if n % 2 == 0 { Recipient::Group(group) } else { Recipient::User(UserId(peer_of(user))) };
        let text = format!("{user} {lane} {n}");
        let sent = client.send(to, OutgoingMessage::text(text.clone())).await.expect("it is sent in the end");
        let before = shared.sent.lock().unwrap().insert((sent.conversation, sent.seq), text);
        assert_eq!(before, None, "one number for two messages: {sent:?}");
        shared.acknowledged.fetch_add(1, Relaxed);
        shared.duplicates.fetch_add(u64::from(sent.duplicate), Relaxed);
        n += 1;
    }
}

/// Receives until everything has come that was sent.
async fn listen(mut events: Events, user: u64, group: GroupId, shared: Arc<Shared>) -> Logs {
    let mine = [Conversation::Group(group), direct(user, peer_of(user))];
    let mut logs: Logs = mine.map(|conversation| (conversation, Vec::new())).into();
    let mut quiet = tokio::time::interval(Duration::from_millis(50));
    loop {
        let event = tokio::select! {
            event = events.next() => event.expect("the client runs"),
            _ = quiet.tick() => {
                if shared.finished.load(Relaxed) && has_all(&logs, &shared) {
                    return logs;
                }
                continue;
            }
        };
        match event {
            Event::Entries { conversation, entries, .. } => {
                let log = logs.get_mut(&conversation).expect("there are no other conversations");
                for entry in entries {
                    assert_eq!(entry.seq, log.len() as u64 + 1, "user {user} in {conversation}");
                    let text = String::from_utf8(entry.body.to_vec()).unwrap();
                    log.push(if entry.event_type() == EventType::User { text } else { String::new() });
                }
            }
            Event::LogReset { .. } | Event::FatalError { .. } | Event::CredentialsNeeded { .. } => {
                panic!("user {user}: {event:?}")
            }
            _ => {}
        }
    }
}

fn has_all(logs: &Logs, shared: &Shared) -> bool {
    let sent = shared.sent.lock().unwrap();
    logs.iter().all(|(conversation, log)| {
        let last = sent.range((*conversation, Seq(0))..=(*conversation, Seq(u64::MAX))).next_back();
        last.is_none_or(|((_, seq), _)| log.len() as u64 >= seq.0)
    })
}

/// Every acknowledged message once, at its number, in everybody's log and in the server's.
fn check(server: &Server, shared: &Shared, logs: &[Logs], group_id: u64) {
    let sent = shared.sent.lock().unwrap();
    assert_eq!(sent.len() as u64, shared.acknowledged.load(Relaxed));
    for ((conversation, seq), text) in sent.iter() {
        for log in logs.iter().filter_map(|logs| logs.get(conversation)) {
            assert_eq!(&log[seq.0 as usize - 1], text, "{seq} of {conversation}");
        }
    }
    let stored = (1..=PEOPLE).map(|user| (user, direct(user, peer_of(user)))).chain([(1, group(group_id))]);
    for (user, conversation) in stored {
        let mut raw = Raw::login(server, user, 77);
        let states = raw.sync(vec![cursor(conversation, 0, 0)], false);
        let mut log = Reader::new(conversation);
        log.read_up_to(&mut raw, states[0].head);
        let texts: Vec<String> = log.texts().into_iter().filter(|text| !text.is_empty()).collect();
        let once: BTreeSet<&String> = texts.iter().collect();
        assert_eq!(once.len(), texts.len(), "stored twice in {conversation}");
        let acknowledged = sent.keys().filter(|(of, _)| *of == conversation).count();
        assert_eq!(texts.len(), acknowledged, "everything stored was acknowledged in the end: {conversation}");
        check_lanes(&texts);
    }
}

/// Whoever waits for each answer finds its messages in the order in which it sent them.
fn check_lanes(texts: &[String]) {
    let mut next: BTreeMap<&str, u64> = BTreeMap::new();
    for text in texts {
        let (lane, n) = text.rsplit_once(' ').unwrap();
        let n: u64 = n.parse().unwrap();
        let last = next.insert(lane, n);
        assert!(last.is_none_or(|last| last + 2 == n), "{text} after {last:?}");
    }
}
