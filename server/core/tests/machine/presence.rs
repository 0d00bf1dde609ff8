//! Presence: who is there is shown to those who watch and may see it, gathered, and forgotten by no restart.

use super::world::{Client, World, check};
use hubbub_core::ids::UserId;
use hubbub_core::request::{Request, StatusChange};
use hubbub_core::settings::Settings;

const TIMEOUT_MS: u64 = 300_000;
const GRACE_MS: u64 = 10_000;

/// Alice watches; bob and carol have accounts and are away, long since.
fn world(shards: u16) -> (World, Client, [UserId; 3]) {
    let mut world = World::new(shards);
    let [a, b, c] = [(0, 0), (shards - 1, 1), (0, 5)].map(|(shard, n)| world.user_on(shard, n));
    for user in [b, c] {
        let client = world.login(user);
        world.close(client);
    }
    world.run_ms(60_000);
    let alice = world.login(a);
    (world, alice, [a, b, c])
}

fn watch(world: &mut World, client: Client, users: &[UserId]) {
    world.request(client, Request::Watch(users.to_vec()));
}

/// Watches, and takes the answer.
fn watching(shards: u16) -> (World, Client, [UserId; 3]) {
    let (mut world, alice, users) = world(shards);
    watch(&mut world, alice, &users[1..]);
    world.go();
    world.take(alice);
    (world, alice, users)
}

fn set_status(world: &mut World, client: Client, invisible: Option<bool>, status: Option<&str>) {
    world.request(client, Request::SetStatus(StatusChange { invisible, status: status.map(Into::into) }));
}

#[test]
fn the_answer_says_how_it_is_and_pushes_say_how_it_changes() {
    for shards in [1, 2] {
        let (mut world, alice, [_, b, c]) = world(shards);
        let carol = world.login(c);
        watch(&mut world, alice, &[c, b, c]);
        let both =
            if b < c { format!("{b} away since 0, {c} online") } else { format!("{c} online, {b} away since 0") };
        world.go();
        let frames = world.take(alice);
        let mut said: Vec<&str> = frames[0].trim_start_matches("presence ").split(", ").collect();
        let mut expected: Vec<&str> = both.split(", ").collect();
        said.sort_unstable();
        expected.sort_unstable();
        assert_eq!((said, frames.len()), (expected, 1));
        let bob = world.login(b);
        world.run_ms(1_000);
        check(&mut world, alice, &[&format!("presence {b} online")]);
        world.close(bob);
        world.run_ms(GRACE_MS + 1_000);
        check(&mut world, alice, &[&format!("presence {b} away since 60")]);
        let _ = carol;
    }
}

#[test]
fn who_comes_back_within_the_grace_period_was_never_away() {
    let (mut world, alice, [_, b, _]) = watching(2);
    let mut bob = world.login(b);
    world.run_ms(2_000);
    check(&mut world, alice, &[&format!("presence {b} online")]);
    for _ in 0..20 {
        world.close(bob);
        world.run_ms(GRACE_MS - 200);
        bob = world.login(b);
        world.run_ms(200);
    }
    check(&mut world, alice, &[]);
    // Another device keeps a user there, however the first one goes.
    let tablet = world.login_device(b, 2);
    world.close(bob);
    world.run_ms(2 * GRACE_MS);
    check(&mut world, alice, &[]);
    world.close(tablet);
    world.run_ms(2 * GRACE_MS);
    assert_eq!(world.take(alice).len(), 1);
}

#[test]
fn a_flapping_client_costs_a_push_in_each_interval_at_most() {
    let settings = Settings { presence_grace_ms: 0, ..Settings::default() };
    let mut world = World::with(2, settings);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 1));
    let alice = world.login(a);
    watch(&mut world, alice, &[b]);
    world.go();
    world.take(alice);
    for _ in 0..100 {
        let bob = world.login(b);
        world.tick();
        world.close(bob);
        world.tick();
    }
    // 20 seconds have passed.
    world.run_ms(2_000);
    let frames = world.take(alice);
    assert!((1..=22).contains(&frames.len()), "{}", frames.len());
    assert!(frames.last().unwrap().contains("away"), "{frames:?}");
}

#[test]
fn a_silent_session_is_away_after_the_timeout_and_back_with_any_frame() {
    let (mut world, alice, [_, b, _]) = watching(2);
    let bob = world.login(b);
    world.run_ms(1_000);
    world.take(alice);
    world.pass_ms(200_000);
    world.ping(bob);
    world.run_ms(1_000);
    world.pass_ms(TIMEOUT_MS - 2_000);
    world.run_ms(500);
    check(&mut world, alice, &[]);
    world.run_ms(2_500);
    check(&mut world, alice, &[&format!("presence {b} away since 261")]);
    world.ping(bob);
    world.run_ms(1_000);
    check(&mut world, alice, &[&format!("presence {b} online")]);
    world.pass_ms(TIMEOUT_MS);
    world.run_ms(1_000);
    world.take(alice);
    world.request(bob, Request::Unwatch(None));
    world.run_ms(1_000);
    check(&mut world, alice, &[&format!("presence {b} online")]);
}

#[test]
fn an_invisible_user_looks_like_one_who_does_not_exist() {
    let (mut world, alice, [_, b, _]) = watching(2);
    let bob = world.login(b);
    set_status(&mut world, bob, None, Some("tea"));
    world.run_ms(1_000);
    check(&mut world, bob, &["done"]);
    check(&mut world, alice, &[&format!("presence {b} online \"tea\"")]);
    set_status(&mut world, bob, Some(true), None);
    world.run_ms(1_000);
    check(&mut world, alice, &[&format!("presence {b} away")]);
    let tablet = world.login_device(b, 2);
    world.run_ms(2_000);
    world.close(tablet);
    world.run_ms(20_000);
    check(&mut world, alice, &[]);
    watch(&mut world, alice, &[b, UserId(404_404)]);
    world.go();
    let frames = world.take(alice);
    assert!(frames[0].contains(&format!("{b} away")) && frames[0].contains("404404 away"), "{frames:?}");
    assert!(!frames[0].contains("since") && !frames[0].contains("tea"), "{frames:?}");
    set_status(&mut world, bob, Some(false), None);
    world.run_ms(1_000);
    check(&mut world, alice, &[&format!("presence {b} online \"tea\"")]);
}

#[test]
fn a_status_is_shown_once_it_is_durable() {
    let (mut world, alice, [_, b, _]) = watching(2);
    let bob = world.login(b);
    world.run_ms(2_000);
    world.take(alice);
    world.hold_commits = true;
    set_status(&mut world, bob, None, Some("tea"));
    world.run_ms(2_000);
    check(&mut world, bob, &[]);
    check(&mut world, alice, &[]);
    world.hold_commits = false;
    check(&mut world, bob, &["done"]);
    check(&mut world, alice, &[&format!("presence {b} online \"tea\"")]);
    world.crash();
    assert_eq!(&*world.store.presence(b).status, "tea");
}

#[test]
fn a_user_who_appears_for_the_first_time_is_seen() {
    let (mut world, alice, _) = watching(2);
    let d = world.user_on(1, 9);
    watch(&mut world, alice, &[d]);
    check(&mut world, alice, &[&format!("presence {d} away")]);
    world.login(d);
    world.run_ms(1_000);
    check(&mut world, alice, &[&format!("presence {d} online")]);
}

#[test]
fn the_last_activity_survives_a_restart_and_a_crash_ten_minutes_late() {
    let (mut world, _, [a, b, _]) = world(2);
    let bob = world.login(b);
    world.run_ms(6_000);
    // A short visit is written when it ends.
    world.ping(bob);
    world.close(bob);
    world.run_ms(GRACE_MS + 6_000);
    world.crash();
    let alice = world.login(a);
    watch(&mut world, alice, &[b]);
    check(&mut world, alice, &[&format!("presence {b} away since 66")]);
    // A long one now and then,
    let bob = world.login(b);
    for _ in 0..15 {
        world.pass_ms(60_000);
        world.ping(bob);
        world.run_ms(6_000);
    }
    let now_s = world.now.0 / 1_000_000;
    let written_s = world.store.presence(b).last_active.0 / 1_000_000;
    assert!((now_s - 11 * 60..now_s - 60).contains(&written_s), "{} before", now_s - written_s);
    // and exactly when the process stops in order.
    world.ping(bob);
    let active = world.now;
    world.restart();
    assert_eq!(world.store.presence(b).last_active, active);
}

#[test]
fn a_busy_user_is_written_seldom() {
    let (mut world, _, [_, b, _]) = world(1);
    let bob = world.login(b);
    world.run_ms(20_000);
    let before = world.store.partition_states();
    for _ in 0..250 {
        world.ping(bob);
        world.run_ms(1_000);
    }
    assert_eq!(world.store.partition_states(), before);
}

#[test]
fn one_watches_so_many_and_no_more() {
    let settings = Settings { watched_users_max: 3, ..Settings::default() };
    let mut world = World::with(2, settings);
    let a = world.user_on(0, 0);
    let alice = world.login(a);
    let users = |ids: &[u64]| ids.iter().map(|id| UserId(*id)).collect::<Vec<_>>();
    watch(&mut world, alice, &users(&[11, 12]));
    world.go();
    world.take(alice);
    watch(&mut world, alice, &users(&[12, 13, 14]));
    check(&mut world, alice, &["refused: Limit users"]);
    world.request(alice, Request::Unwatch(Some(users(&[11, 99]))));
    check(&mut world, alice, &["done"]);
    watch(&mut world, alice, &users(&[12, 13, 14]));
    world.go();
    assert!(world.take(alice)[0].starts_with("presence"));
}

#[test]
fn nobody_is_told_who_does_not_watch_any_more() {
    let (mut world, alice, [a, b, c]) = watching(2);
    let tablet = world.login_device(a, 2);
    watch(&mut world, tablet, &[b]);
    world.go();
    world.take(tablet);
    world.request(alice, Request::Unwatch(Some(vec![b])));
    check(&mut world, alice, &["done"]);
    let bob = world.login(b);
    world.login(c);
    world.run_ms(1_000);
    check(&mut world, alice, &[&format!("presence {c} online")]);
    check(&mut world, tablet, &[&format!("presence {b} online")]);
    // The last watcher goes: the home of the watched forgets the relation.
    world.close(tablet);
    world.request(alice, Request::Unwatch(None));
    world.close(bob);
    world.run_ms(20_000);
    check(&mut world, alice, &["done"]);
    assert_eq!(world.shards.iter().map(hubbub_core::Shard::watched_users).sum::<usize>(), 0);
}

#[test]
fn a_watch_outlives_what_is_in_memory_of_the_watched() {
    let (mut world, alice, [_, b, _]) = watching(2);
    let bob = world.login(b);
    world.run_ms(1_000);
    world.close(bob);
    world.run_ms(100_000);
    world.take(alice);
    world.login(b);
    world.run_ms(1_000);
    check(&mut world, alice, &[&format!("presence {b} online")]);
}

#[test]
fn a_session_without_room_is_told_once_it_has_some() {
    let (mut world, alice, [_, b, _]) = watching(2);
    world.full.insert(alice);
    let bob = world.login(b);
    world.run_ms(1_000);
    set_status(&mut world, bob, None, Some("tea"));
    world.run_ms(1_000);
    check(&mut world, alice, &[]);
    world.drain(alice);
    world.go();
    let frames = world.take(alice);
    assert_eq!(frames.len(), 1, "{frames:?}");
    assert!(frames[0].contains(&format!("{b} online \"tea\"")), "{frames:?}");
}

#[test]
fn what_a_full_lane_lost_is_told_again() {
    let (mut world, alice, [_, b, _]) = watching(2);
    world.drop_runs = true;
    world.login(b);
    world.run_ms(3_000);
    check(&mut world, alice, &[]);
    world.drop_runs = false;
    world.run_ms(3_000);
    check(&mut world, alice, &[&format!("presence {b} online")]);
}

#[test]
fn a_watch_that_cannot_be_read_is_refused_and_may_be_asked_again() {
    let (mut world, alice, [_, b, _]) = world(2);
    world.fail_reads = true;
    watch(&mut world, alice, &[b]);
    check(&mut world, alice, &["refused: ReadFailed"]);
    world.fail_reads = false;
    watch(&mut world, alice, &[b]);
    check(&mut world, alice, &[&format!("presence {b} away since 0")]);
}
