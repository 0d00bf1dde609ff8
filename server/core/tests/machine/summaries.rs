//! Authors in a group are told how many members hold and have read their messages: they alone, and seldom.

use super::world::{Client, World, check};
use hubbub_core::ids::{Conversation, UserId};
use hubbub_core::request::Action;

/// A group of alice, bob and carol; alice is on another shard than the group may be. Seq 1 makes it.
fn team(shards: u16) -> (World, [Client; 3], [UserId; 3], Conversation) {
    let mut world = World::new(shards);
    let users = [world.user_on(0, 0), world.user_on(shards - 1, 1), world.user_on(0, 2)];
    let clients = users.map(|user| world.online(user));
    let group = world.group(clients[0], "g", &users[1..]);
    (world, clients, users, group)
}

fn say(world: &mut World, client: Client, group: Conversation, name: &str) {
    world.send(client, group, name);
    world.go();
}

fn forget(world: &mut World, clients: &[Client]) {
    for client in clients {
        world.take(*client);
    }
}

/// Lets so many ticks pass, each with all that follows.
fn tick(world: &mut World, count: usize) {
    world.go();
    for _ in 0..count {
        world.tick();
        world.go();
    }
}

/// The pushes of summaries that a session got.
fn summaries(world: &mut World, client: Client) -> Vec<String> {
    world.go();
    world.take(client).into_iter().filter(|line| line.starts_with("summaries")).collect()
}

#[test]
fn each_author_is_told_about_their_own_messages_only() {
    for shards in [1, 2] {
        let (mut world, clients @ [alice, bob, carol], _, group) = team(shards);
        say(&mut world, alice, group, "a");
        say(&mut world, bob, group, "b");
        forget(&mut world, &clients);
        world.mark(carol, group, 3, 2);
        tick(&mut world, 1);
        check(&mut world, alice, &["summaries 2: 1 1"]);
        check(&mut world, bob, &["summaries 3: 1 0"]);
        check(&mut world, carol, &["done"]);
        world.mark(bob, group, 2, 0);
        tick(&mut world, 10);
        // What bob wrote he has read, and so what came before.
        check(&mut world, alice, &["summaries 2: 2 2"]);
        check(&mut world, bob, &["done"]);
        check(&mut world, carol, &[]);
    }
}

#[test]
fn all_devices_of_an_author_are_told_and_those_of_a_reader_count_once() {
    let (mut world, clients @ [alice, bob, _], [a, b, _], group) = team(2);
    let (tablet, bobs_tablet) = (world.online_device(a, 2), world.online_device(b, 2));
    say(&mut world, alice, group, "a");
    forget(&mut world, &clients);
    forget(&mut world, &[tablet, bobs_tablet]);
    world.mark(bob, group, 2, 0);
    world.mark(bobs_tablet, group, 2, 2);
    world.mark(tablet, group, 2, 2);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 1 1"]);
    assert_eq!(summaries(&mut world, tablet), ["summaries 2: 1 1"]);
}

#[test]
fn nothing_is_counted_before_it_is_durable() {
    let (mut world, clients @ [alice, bob, _], _, group) = team(2);
    say(&mut world, alice, group, "a");
    forget(&mut world, &clients);
    world.hold_commits = true;
    world.mark(bob, group, 2, 2);
    tick(&mut world, 10);
    check(&mut world, alice, &[]);
    world.hold_commits = false;
    tick(&mut world, 1);
    check(&mut world, alice, &["summaries 2: 1 1"]);
}

#[test]
fn many_marks_become_few_pushes() {
    let (mut world, clients @ [alice, bob, carol], _, group) = team(2);
    for n in 0..40 {
        say(&mut world, alice, group, &format!("m{n}"));
    }
    forget(&mut world, &clients);
    // Four seconds of marks with each tick.
    for seq in 2..42 {
        world.mark(bob, group, seq, seq);
        world.mark(carol, group, seq, 0);
        tick(&mut world, 1);
    }
    let pushes = summaries(&mut world, alice);
    assert!(pushes.len() <= 9, "{}", pushes.len());
    tick(&mut world, 5);
    let last = summaries(&mut world, alice).pop().or(pushes.last().cloned());
    assert!(last.expect("a push").ends_with("41: 2 1"));
}

#[test]
fn the_newest_sixty_four_messages_are_counted() {
    let (mut world, clients @ [alice, bob, _], _, group) = team(1);
    for n in 0..70 {
        say(&mut world, alice, group, &format!("m{n}"));
    }
    forget(&mut world, &clients);
    world.mark(bob, group, 71, 0);
    tick(&mut world, 1);
    let pushes = summaries(&mut world, alice);
    let expected: Vec<String> = (8..=71).map(|seq| format!("{seq}: 1 0")).collect();
    assert_eq!(pushes, [format!("summaries {}", expected.join(", "))]);
}

#[test]
fn only_who_was_a_member_counts_and_who_leaves_still_does() {
    let (mut world, clients @ [alice, bob, carol], [_, b, _], group) = team(2);
    say(&mut world, alice, group, "a");
    world.act(alice, group, "out", Action::RemoveMembers(vec![b]));
    world.go();
    say(&mut world, alice, group, "b");
    world.act(alice, group, "in", Action::AddMembers(vec![b]));
    world.go();
    say(&mut world, alice, group, "c");
    forget(&mut world, &clients);
    // 2, 4 and 6 are alice's; bob never saw 4.
    world.mark(bob, group, 6, 6);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 1 1, 6: 1 1"]);
    world.act(alice, group, "again", Action::RemoveMembers(vec![b]));
    world.mark(carol, group, 6, 4);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 2 2, 4: 1 1, 6: 2 1"]);
}

#[test]
fn who_comes_back_is_told_what_became_of_their_messages() {
    let (mut world, clients @ [alice, bob, _], [a, ..], group) = team(2);
    say(&mut world, alice, group, "a");
    forget(&mut world, &clients);
    world.close(alice);
    world.go();
    world.mark(bob, group, 2, 2);
    tick(&mut world, 10);
    let alice = world.online(a);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 1 1"]);
    tick(&mut world, 10);
    assert!(summaries(&mut world, alice).is_empty());
}

#[test]
fn a_push_that_is_lost_between_shards_is_made_good_by_the_next() {
    let (mut world, clients @ [_, bob, carol], [a, ..], group) = team(2);
    // Whoever is homed apart from the group.
    let author =
        if world.slots.shard_of_conversation(&group) == world.slots.shard_of_user(a) { bob } else { clients[0] };
    let reader = if author == bob { clients[0] } else { bob };
    say(&mut world, author, group, "a");
    forget(&mut world, &clients);
    world.drop_runs = true;
    world.mark(reader, group, 2, 0);
    tick(&mut world, 10);
    assert!(summaries(&mut world, author).is_empty());
    world.drop_runs = false;
    world.mark(carol, group, 2, 2);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, author), ["summaries 2: 2 1"]);
}

#[test]
fn sessions_that_lag_are_not_told() {
    let (mut world, clients @ [alice, bob, _], _, group) = team(2);
    say(&mut world, alice, group, "a");
    forget(&mut world, &clients);
    world.full.insert(alice);
    say(&mut world, bob, group, "b");
    world.mark(bob, group, 2, 2);
    tick(&mut world, 10);
    check(&mut world, alice, &[]);
    world.drain(alice);
    tick(&mut world, 10);
    assert_eq!(summaries(&mut world, alice), ["summaries 2: 1 1"]);
}
