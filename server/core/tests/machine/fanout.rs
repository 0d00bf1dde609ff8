//! Runs: to whom they go, and what happens when one is missed.

use super::world::{Client, World, check, dm};
use hubbub_core::ids::{Conversation, Seq, ShardId};
use hubbub_core::machine::Input;
use hubbub_core::message::{Message, SessionMessage};

/// A chat homed on shard 0 with its second member on shard 1.
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

fn mark(world: &mut World, message: SessionMessage) {
    let now = world.now;
    world.shards[1].handle(Input::Message(Message::ToSession(message)), now);
}

#[test]
fn a_missed_run_shows_with_the_next_one_and_is_pulled() {
    let (mut world, alice, bob, chat) = chat();
    world.drop_runs = true;
    world.send(alice, chat, "b");
    check(&mut world, bob, &[]);
    world.drop_runs = false;
    world.send(alice, chat, "c");
    check(&mut world, bob, &["page dm 2:b 3:c"]);
    world.send(alice, chat, "d");
    check(&mut world, bob, &["run dm 4:d"]);
}

#[test]
fn a_mark_in_place_of_runs_makes_sessions_pull() {
    let (mut world, alice, bob, chat) = chat();
    world.drop_runs = true;
    world.send(alice, chat, "b");
    check(&mut world, bob, &[]);
    world.drop_runs = false;
    mark(&mut world, SessionMessage::Behind(chat, Seq(2)));
    check(&mut world, bob, &["page dm 2:b"]);
    mark(&mut world, SessionMessage::Behind(chat, Seq(2)));
    check(&mut world, bob, &[]);
}

#[test]
fn one_mark_may_stand_for_everything_of_a_home() {
    let (mut world, alice, bob, chat) = chat();
    world.drop_runs = true;
    world.send(alice, chat, "b");
    check(&mut world, bob, &[]);
    mark(&mut world, SessionMessage::AllBehind(ShardId(1)));
    check(&mut world, bob, &[]);
    mark(&mut world, SessionMessage::AllBehind(ShardId(0)));
    check(&mut world, bob, &["page dm 2:b"]);
}

#[test]
fn a_run_that_arrives_while_a_page_is_under_way_is_neither_lost_nor_doubled() {
    let (mut world, alice, bob, chat) = chat();
    world.drop_runs = true;
    world.send(alice, chat, "b");
    world.go();
    world.drop_runs = false;
    world.hold_reads = true;
    mark(&mut world, SessionMessage::Behind(chat, Seq(2)));
    world.go();
    world.send(alice, chat, "c");
    check(&mut world, bob, &[]);
    world.hold_reads = false;
    check(&mut world, bob, &["page dm 2:b", "page dm 3:c"]);
    world.send(alice, chat, "d");
    check(&mut world, bob, &["run dm 4:d"]);
}

#[test]
fn a_shard_without_sessions_is_sent_no_more_runs() {
    let (mut world, alice, bob, chat) = chat();
    world.close(bob);
    world.send(alice, chat, "b");
    world.go();
    world.send(alice, chat, "c");
    world.hold_messages = true;
    world.go();
    let deliveries = world.shards[1].counters().deliveries;
    world.hold_messages = false;
    world.go();
    assert_eq!(world.shards[1].counters().deliveries, deliveries);
    let Conversation::Direct { high, low } = chat else { unreachable!() };
    let user = if world.slots.shard_of_user(low) == ShardId(1) { low } else { high };
    let bob = world.login(user);
    world.sync(bob, &[(chat, 1)], true);
    check(&mut world, bob, &["page dm 2:b 3:c", "synced dm head 3 unread 3"]);
    world.send(alice, chat, "d");
    check(&mut world, bob, &["run dm 4:d"]);
}
