//! Presence: news is not followed by older news, whatever the order in which homes answer and clocks go.

use super::world::{Client, World, check};
use hubbub_core::ids::{ShardId, Timestamp, UserId};
use hubbub_core::machine::Input;
use hubbub_core::request::{Request, StatusChange};

const GRACE_MS: u64 = 10_000;

/// Alice and carol on the first shard, bob on the last; dave has an account there and is not in memory.
fn world(shards: u16) -> (World, [Client; 3], [UserId; 4]) {
    let mut world = World::new(shards);
    let [a, b, c, d] = [(0, 0), (shards - 1, 5), (0, 7), (shards - 1, 9)].map(|(shard, n)| world.user_on(shard, n));
    world.make_accounts(&[d]);
    let clients = [a, b, c].map(|user| world.login(user));
    (world, clients, [a, b, c, d])
}

fn watch(world: &mut World, client: Client, users: &[UserId]) {
    world.request(client, Request::Watch(users.to_vec()));
}

fn say(world: &mut World, client: Client, status: &str) {
    world.request(client, Request::SetStatus(StatusChange { invisible: None, status: Some(status.into()) }));
}

fn set_clock_back(world: &mut World, seconds: i64) {
    world.now = Timestamp(world.now.0 - seconds * 1_000_000);
}

/// What alice is told once bob has gone.
fn last_word(world: &mut World, alice: Client) -> String {
    world.run_ms(GRACE_MS + 2_000);
    world.take(alice).pop().expect("alice is told")
}

#[test]
fn the_last_activity_stays_when_the_clock_is_set_back() {
    for replaced in [false, true] {
        let (mut world, [alice, mut bob, _], [_, b, ..]) = world(2);
        watch(&mut world, alice, &[b]);
        world.pass_ms(100_000);
        world.ping(bob);
        let active = world.now.0 / 1_000_000 - super::world::EPOCH_S;
        set_clock_back(&mut world, 50);
        if replaced {
            bob = world.login(b);
        }
        world.ping(bob);
        world.close(bob);
        assert_eq!(last_word(&mut world, alice), format!("presence {b} away since {active}"));
    }
}

#[test]
fn questions_of_one_session_are_answered_in_their_order() {
    for shards in [1, 2] {
        let (mut world, [alice, bob, _], [_, b, _, d]) = world(shards);
        world.hold_reads = true;
        watch(&mut world, alice, &[b, d]);
        watch(&mut world, alice, &[b]);
        check(&mut world, alice, &[]);
        say(&mut world, bob, "here");
        world.hold_reads = false;
        world.go();
        let frames = world.take(alice);
        assert_eq!(frames.len(), 2);
        assert!(frames[0].contains(&d.to_string()), "{frames:?}");
        assert_eq!(frames[1], format!("presence {b} online \"here\""));
    }
}

#[test]
fn a_user_who_is_unwatched_before_their_home_was_asked_stays_unwatched() {
    let (mut world, [alice, bob, _], [_, b, _, d]) = world(2);
    world.hold_reads = true;
    watch(&mut world, alice, &[d]);
    watch(&mut world, alice, &[b]);
    world.request(alice, Request::Unwatch(None));
    world.hold_reads = false;
    world.go();
    world.take(alice);
    assert_eq!(world.shards.iter().map(hubbub_core::Shard::watched_users).sum::<usize>(), 0);
    say(&mut world, bob, "here");
    world.run_ms(2_000);
    check(&mut world, alice, &[]);
}

#[test]
fn what_was_told_before_a_home_knew_of_a_watcher_is_not_for_them() {
    let (mut world, [alice, bob, carol], [a, b, ..]) = world(2);
    world.request(bob, Request::Block(vec![a]));
    watch(&mut world, carol, &[b]);
    world.go();
    world.take(carol);
    // Alice's question is on its way while bob's home tells carol, who is on the same shard.
    world.hold_messages = true;
    watch(&mut world, alice, &[b]);
    say(&mut world, bob, "here");
    world.run_ms(2_000);
    world.hold_messages = false;
    world.go();
    assert_eq!(world.take(carol), [format!("presence {b} online \"here\"")]);
    assert_eq!(world.take(alice), [format!("presence {b} away")]);
}

#[test]
fn whom_one_has_blocked_is_not_shown_by_a_question_that_was_open() {
    let (mut world, [alice, ..], [_, b, _, d]) = world(1);
    world.hold_reads = true;
    watch(&mut world, alice, &[b, d]);
    world.go();
    world.request(alice, Request::Block(vec![b]));
    world.go();
    world.request(alice, Request::Unwatch(Some(vec![b])));
    world.go();
    world.take(alice);
    world.hold_reads = false;
    world.go();
    let frames = world.take(alice);
    assert!(frames[0].contains(&format!("{b} away")), "{frames:?}");
}

#[test]
fn after_a_loss_all_from_the_lowest_user_on_are_told_again() {
    let (mut world, [alice, ..], [_, b, _, d]) = world(2);
    watch(&mut world, alice, &[b, d]);
    world.go();
    world.take(alice);
    for (from, expected) in [(b, vec![b, d]), (d, vec![d]), (UserId(d.0 + 1), vec![])] {
        world.shards[1].handle(Input::PresenceLost(ShardId(0), from), world.now);
        world.run_ms(2_000);
        let told = world.take(alice).len();
        assert_eq!(told, expected.len(), "from {from}");
    }
}
