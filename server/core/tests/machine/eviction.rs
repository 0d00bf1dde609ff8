//! Conversations leave memory when nobody uses them, and come back as they were.

use super::world::{Client, World, check, dm};
use hubbub_core::Shard;
use hubbub_core::ids::Conversation;

fn chat() -> (World, Client, Client, Conversation) {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    world.send(alice, dm(a, b), "a");
    world.go();
    world.take(alice);
    world.take(bob);
    (world, alice, bob, dm(a, b))
}

fn loaded(world: &World) -> usize {
    world.shards.iter().map(Shard::conversations_loaded).sum()
}

fn idle(world: &mut World) {
    for _ in 0..16 {
        world.pass_ms(100_000);
        world.tick();
        world.go();
    }
}

#[test]
fn a_conversation_that_somebody_follows_stays() {
    let (mut world, alice, bob, chat) = chat();
    idle(&mut world);
    assert_eq!(loaded(&world), 1);
    world.send(alice, chat, "b");
    check(&mut world, bob, &["run dm 2:b"]);
}

#[test]
fn a_conversation_without_followers_goes_and_comes_back() {
    let (mut world, alice, bob, chat) = chat();
    let Conversation::Direct { low, high } = chat else { unreachable!() };
    world.close(alice);
    world.close(bob);
    world.go();
    idle(&mut world);
    assert_eq!(loaded(&world), 0);
    let (first, second) = (world.login(low), world.login(high));
    world.sync(second, &[(chat, 0)], true);
    world.go();
    world.take(second);
    world.send(first, chat, "b");
    check(&mut world, first, &["sent 2"]);
    check(&mut world, second, &["run dm 2:b"]);
}

#[test]
fn a_page_that_comes_after_its_session_is_gone_keeps_nothing_in_memory() {
    let (mut world, alice, bob, chat) = chat();
    world.close(alice);
    world.hold_messages = true;
    world.sync(bob, &[(chat, 0)], false);
    world.go();
    world.close(bob);
    world.go();
    world.hold_messages = false;
    world.go();
    idle(&mut world);
    assert_eq!(loaded(&world), 0);
}

#[test]
fn what_is_not_durable_is_not_dropped() {
    let (mut world, alice, bob, chat) = chat();
    world.close(bob);
    world.go();
    world.hold_commits = true;
    world.send(alice, chat, "b");
    world.go();
    world.close(alice);
    world.go();
    idle(&mut world);
    assert_eq!(loaded(&world), 1);
    world.hold_commits = false;
    world.go();
    idle(&mut world);
    assert_eq!(loaded(&world), 0);
    assert_eq!(world.store.headers(&chat).count(), 2);
}

#[test]
fn conversations_that_do_not_exist_are_not_kept() {
    let (mut world, alice, _, _) = chat();
    for n in 0..10 {
        world.send(alice, Conversation::Group(hubbub_core::ids::GroupId(1_000 + n)), "x");
    }
    world.go();
    assert_eq!(loaded(&world), 1);
}
