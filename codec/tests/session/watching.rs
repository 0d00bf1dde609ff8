//! Who is watched stays watched over reconnects, until the application or the server ends it.

use hubbub_codec::ids::UserId;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{self, ClientFrame, ErrorCode};
use hubbub_codec::session::Event;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::rig::{Down, Rig, Up, error, ms};

fn users(ids: impl IntoIterator<Item = u64>) -> Vec<UserId> {
    ids.into_iter().map(UserId).collect()
}

fn presence(ids: &[u64]) -> proto::Presence {
    let one = |id: &u64| proto::UserPresence { user: *id, online: true, ..Default::default() };
    proto::Presence { users: ids.iter().map(one).collect() }
}

fn watches(frames: &[ClientFrame]) -> Vec<(u64, Vec<u64>)> {
    let watch = |frame: &ClientFrame| match &frame.body {
        Some(Up::Watch(watch)) => Some((frame.request_id, watch.users.clone())),
        _ => None,
    };
    frames.iter().filter_map(watch).collect()
}

/// A session that watches 20 and 30.
fn watching() -> Rig {
    let mut rig = Rig::ready();
    rig.session.watch(rig.now, &users([30, 20])).unwrap();
    let id = rig.sent()[0].request_id;
    rig.say(id, Down::Presence(presence(&[20, 30])));
    rig.events();
    rig
}

#[test]
fn again_after_a_reconnect() {
    let mut rig = watching();
    rig.disconnect();
    let asked = watches(&rig.login());
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1, [20, 30]);
    rig.finish_sync();
    rig.events();
    rig.say(asked[0].0, Down::Presence(presence(&[20])));
    assert_eq!(rig.events(), [Event::Presence(presence(&[20]).users)]);
    rig.push(Down::Presence(presence(&[30])));
    assert_eq!(rig.events(), [Event::Presence(presence(&[30]).users)]);
}

#[test]
fn in_pages_of_a_thousand() {
    let mut rig = Rig::ready();
    for page in 0..3 {
        rig.session.watch(rig.now, &users(page * 1_000..(page + 1) * 1_000)).unwrap();
    }
    for frame in rig.sent() {
        rig.say(frame.request_id, Down::Presence(presence(&[1])));
    }
    rig.disconnect();
    let sizes: Vec<_> = watches(&rig.login()).iter().map(|(_, users)| users.len()).collect();
    assert_eq!(sizes, [1_000; 3]);
}

#[test]
fn a_busy_server_is_asked_again_later() {
    let mut rig = watching();
    rig.disconnect();
    let asked = watches(&rig.login());
    rig.events();
    rig.say(asked[0].0, Down::Error(error(Action::Retry, ErrorCode::RateLimited, 400)));
    assert!(rig.events().is_empty());
    rig.pass(ms(400));
    assert_eq!(watches(&rig.sent())[0].1, [20, 30]);
}

#[test]
fn a_refusal_ends_it_and_is_told() {
    let mut rig = watching();
    rig.disconnect();
    let asked = watches(&rig.login());
    rig.events();
    let refused = error(Action::FixRequest, ErrorCode::LimitExceeded, 0);
    rig.say(asked[0].0, Down::Error(refused.clone()));
    assert_eq!(rig.events(), [Event::WatchEnded { users: users([20, 30]), error: Box::new(refused) }]);
    assert!(rig.session.watched().is_empty());
    rig.disconnect();
    assert!(watches(&rig.login()).is_empty());
}

#[test]
fn a_refused_watch_is_not_repeated() {
    let mut rig = watching();
    rig.session.watch(rig.now, &users([40])).unwrap();
    let id = rig.sent()[0].request_id;
    rig.say(id, Down::Error(error(Action::FixRequest, ErrorCode::LimitExceeded, 0)));
    assert_eq!(rig.session.watched(), users([20, 30]));
}

#[derive(Debug, Clone)]
enum Step {
    Watch(Vec<u64>),
    Unwatch(Vec<u64>),
    UnwatchAll,
    Answer,
    Reconnect,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => vec(1..9_u64, 1..4).prop_map(Step::Watch),
        2 => vec(1..9_u64, 1..4).prop_map(Step::Unwatch),
        1 => Just(Step::UnwatchAll),
        4 => Just(Step::Answer),
        2 => Just(Step::Reconnect),
    ]
}

proptest! {
    /// Whatever was asked, lost and asked again: in the end the server's list is the application's.
    #[test]
    fn the_server_watches_what_the_application_wants(steps in vec(step(), 0..40)) {
        let mut rig = Rig::ready();
        let mut wanted = std::collections::BTreeSet::new();
        let mut server = std::collections::BTreeSet::new();
        let mut arriving: Vec<ClientFrame> = Vec::new();
        fn answer(rig: &mut Rig, server: &mut std::collections::BTreeSet<u64>, frames: Vec<ClientFrame>) {
            for frame in frames {
                let reply = match frame.body {
                    Some(Up::Watch(watch)) => {
                        server.extend(watch.users);
                        Down::Presence(proto::Presence::default())
                    }
                    Some(Up::Unwatch(unwatch)) => {
                        if unwatch.all { server.clear() }
                        server.retain(|user| !unwatch.users.contains(user));
                        Down::Done(proto::Done {})
                    }
                    Some(Up::Sync(_)) => Down::Synced(proto::Synced::default()),
                    other => panic!("{other:?}"),
                };
                rig.say(frame.request_id, reply);
            }
        }
        for step in steps {
            match step {
                Step::Watch(ids) => {
                    rig.session.watch(rig.now, &users(ids.iter().copied())).unwrap();
                    wanted.extend(ids);
                }
                Step::Unwatch(ids) => {
                    rig.session.unwatch(rig.now, &users(ids.iter().copied())).unwrap();
                    wanted.retain(|user| !ids.contains(user));
                }
                Step::UnwatchAll => {
                    rig.session.unwatch_all(rig.now).unwrap();
                    wanted.clear();
                }
                Step::Answer => answer(&mut rig, &mut server, std::mem::take(&mut arriving)),
                Step::Reconnect => {
                    rig.disconnect();
                    server.clear();
                    arriving = rig.login();
                }
            }
            arriving.extend(rig.sent());
        }
        loop {
            let frames = std::mem::take(&mut arriving);
            answer(&mut rig, &mut server, frames);
            arriving = rig.sent();
            if arriving.is_empty() { break }
        }
        prop_assert_eq!(&server, &wanted);
        prop_assert_eq!(rig.session.watched(), users(wanted.iter().copied()));
    }
}
