//! Counts go on after a restart, and after a group has left memory: they never go back.

use super::world::{Client, World};
use hubbub_core::ids::{Conversation, UserId};
use hubbub_core::machine::Input;
use hubbub_core::records::Read;

/// A group of four on two shards; alice has written seqs 2 and 3, and bob holds 3 and has read 2.
fn team() -> (World, [UserId; 4], Conversation) {
    let mut world = World::new(2);
    let users = [world.user_on(0, 0), world.user_on(1, 0), world.user_on(0, 1), world.user_on(1, 1)];
    let clients = users.map(|user| world.online(user));
    let group = world.group(clients[0], "g", &users[1..]);
    for name in ["a", "b"] {
        world.send(clients[0], group, name);
        world.go();
    }
    world.mark(clients[1], group, 3, 2);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, clients[0]), ["summaries 2: 1 1, 3: 1 0"]);
    (world, users, group)
}

fn tick(world: &mut World, count: usize) {
    world.go();
    for _ in 0..count {
        world.tick();
        world.go();
    }
}

fn summaries(world: &mut World, client: Client) -> Vec<String> {
    world.go();
    world.take(client).into_iter().filter(|line| line.starts_with("summaries")).collect()
}

#[test]
fn after_a_crash_the_counts_go_on() {
    let (mut world, [a, _, c, d], group) = team();
    world.crash();
    let [alice, carol, dan] = [a, c, d].map(|user| world.online(user));
    // A message that is written before the older ones are known counts like the others.
    world.send(alice, group, "c");
    world.go();
    world.mark(carol, group, 4, 3);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 2 2, 3: 2 1, 4: 1 0"]);
    world.mark(dan, group, 4, 4);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 3 3, 3: 3 2, 4: 2 1"]);
}

/// Restarts the world; alice, carol and dan follow, and who wrote the older messages is being read.
fn recalling() -> (World, [Client; 3], Conversation) {
    let (mut world, [a, _, c, d], group) = team();
    world.crash();
    world.hold_reads = true;
    let clients = [a, c, d].map(|user| world.login(user));
    answer_others(&mut world);
    for client in clients {
        world.sync(client, &[], true);
    }
    answer_others(&mut world);
    for client in clients {
        world.take(client);
    }
    (world, clients, group)
}

/// Answers all reads but those for the authors of messages.
fn answer_others(world: &mut World) {
    world.go();
    while let Some(at) = world.reads.iter().position(|(_, _, read)| !matches!(read, Read::Authors { .. })) {
        let (shard, token, read) = world.reads.remove(at).expect("it was just there");
        let answer = Input::Loaded(token, world.store.read(&read));
        world.shards[shard].handle(answer, world.now);
        world.go();
    }
}

#[test]
fn marks_that_come_while_older_messages_are_being_read_are_counted_once() {
    let (mut world, [alice, carol, dan], group) = recalling();
    assert_eq!(world.reads.len(), 1, "one read, however many follow");
    world.mark(carol, group, 3, 0);
    tick(&mut world, 10);
    world.mark(dan, group, 3, 3);
    world.mark(carol, group, 3, 3);
    world.send(alice, group, "c");
    tick(&mut world, 10);
    assert!(summaries(&mut world, alice).is_empty());
    world.hold_reads = false;
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 3 3, 3: 3 2"]);
}

#[test]
fn a_read_that_fails_is_made_good_by_the_next_mark() {
    let (mut world, [alice, carol, _], group) = recalling();
    (world.hold_reads, world.fail_reads) = (false, true);
    tick(&mut world, 10);
    world.fail_reads = false;
    world.mark(carol, group, 2, 0);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 2 1, 3: 1 0"]);
}

#[test]
fn who_comes_back_after_a_restart_is_told() {
    let (mut world, [a, ..], _) = team();
    world.crash();
    let alice = world.online(a);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 1 1, 3: 1 0"]);
}

#[test]
fn an_uncommitted_mark_that_a_crash_took_was_never_shown() {
    let (mut world, [a, _, c, _], group) = team();
    let carol = world.online(c);
    let alice = world.online(a);
    tick(&mut world, 10);
    summaries(&mut world, alice);
    world.hold_commits = true;
    world.mark(carol, group, 3, 3);
    tick(&mut world, 10);
    assert!(summaries(&mut world, alice).is_empty());
    world.crash();
    world.hold_commits = false;
    let [alice, carol] = [a, c].map(|user| world.online(user));
    world.mark(carol, group, 2, 0);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 2 1, 3: 1 0"]);
}

#[test]
fn a_group_that_left_memory_counts_on() {
    let (mut world, users @ [a, _, c, _], group) = team();
    for user in users {
        let client = world.login(user);
        world.close(client);
    }
    for _ in 0..16 {
        world.pass_ms(100_000);
        tick(&mut world, 1);
    }
    assert_eq!(world.shards.iter().map(hubbub_core::Shard::conversations_loaded).sum::<usize>(), 0);
    let [alice, carol] = [a, c].map(|user| world.online(user));
    world.mark(carol, group, 3, 3);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 2 2, 3: 2 1"]);
}
