//! Who holds one message and has read it: exact, in pages, and for its author alone.

use super::world::{Client, World, check, dm, nobody};
use hubbub_core::ids::{Conversation, Seq, UserId};
use hubbub_core::request::{Action, InfoQuery, Request};

fn ask(world: &mut World, client: Client, conversation: Conversation, seq: u64, after: UserId, limit: usize) {
    let query = InfoQuery { seq: Seq(seq), members_after: after, members_limit: limit };
    world.request(client, Request::MessageInfo { conversation, query });
}

#[track_caller]
fn check_info(world: &mut World, client: Client, conversation: Conversation, seq: u64, expected: &str) {
    world.go();
    world.take(client);
    ask(world, client, conversation, seq, UserId(0), 100);
    check(world, client, &[expected]);
}

/// A group of alice, bob and carol with a message of alice at seq 2, by ascending id.
fn team() -> (World, [Client; 3], [UserId; 3], Conversation) {
    let mut world = World::new(2);
    let users = [world.user_on(0, 0), world.user_on(0, 1), world.user_on(1, 0)];
    let clients = users.map(|user| world.online(user));
    let group = world.group(clients[0], "g", &users[1..]);
    world.send(clients[0], group, "a");
    world.go();
    (world, clients, users, group)
}

#[test]
fn marks_of_all_members_are_told_and_counted() {
    let (mut world, [alice, bob, carol], [_, b, c], group) = team();
    check_info(&mut world, alice, group, 2, &format!("info 2: 0 0 of 2 ({b}: 0 0, {c}: 0 0)"));
    world.mark(bob, group, 2, 1);
    check_info(&mut world, alice, group, 2, &format!("info 2: 1 0 of 2 ({b}: 2 1, {c}: 0 0)"));
    world.mark(carol, group, 2, 2);
    // The author's own marks say nothing.
    world.mark(alice, group, 2, 2);
    check_info(&mut world, alice, group, 2, &format!("info 2: 2 1 of 2 ({b}: 2 1, {c}: 2 2)"));
}

#[test]
fn members_come_in_pages() {
    let (mut world, [alice, bob, _], [_, b, c], group) = team();
    world.mark(bob, group, 2, 2);
    world.go();
    world.take(alice);
    ask(&mut world, alice, group, 2, UserId(0), 1);
    check(&mut world, alice, &[&format!("info 2: 1 1 of 2 ({b}: 2 2, more)")]);
    ask(&mut world, alice, group, 2, b, 1);
    check(&mut world, alice, &[&format!("info 2: 1 1 of 2 ({c}: 0 0)")]);
    ask(&mut world, alice, group, 2, c, 1);
    check(&mut world, alice, &["info 2: 1 1 of 2 ()"]);
}

#[test]
fn members_of_another_time_are_not_listed_and_who_left_still_counts() {
    let (mut world, [alice, bob, _], [_, b, c], group) = team();
    let d = world.user_on(1, 5);
    world.online(d);
    world.act(alice, group, "more", Action::AddMembers(vec![d]));
    world.mark(bob, group, 2, 2);
    check_info(&mut world, alice, group, 2, &format!("info 2: 1 1 of 2 ({b}: 2 2, {c}: 0 0)"));
    world.act(alice, group, "less", Action::RemoveMembers(vec![b]));
    check_info(&mut world, alice, group, 2, &format!("info 2: 1 1 of 1 ({c}: 0 0)"));
}

#[test]
fn in_a_direct_conversation_there_is_the_other_one() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    for client in [alice, bob] {
        world.send(client, dm(a, b), "x");
        world.go();
    }
    world.mark(bob, dm(a, b), 1, 0);
    // What bob wrote he has read, and his next mark has said so.
    check_info(&mut world, alice, dm(a, b), 1, &format!("info 1: 1 1 of 1 ({b}: 2 2)"));
    check_info(&mut world, bob, dm(a, b), 2, &format!("info 2: 0 0 of 1 ({a}: 0 0)"));
}

#[test]
fn it_is_the_same_after_a_crash() {
    let (mut world, [_, bob, _], [a, b, c], group) = team();
    world.mark(bob, group, 2, 2);
    world.go();
    world.crash();
    let alice = world.online(a);
    check_info(&mut world, alice, group, 2, &format!("info 2: 1 1 of 2 ({b}: 2 2, {c}: 0 0)"));
}

#[test]
fn whoever_may_not_know_is_refused() {
    let (mut world, [alice, bob, _], _, group) = team();
    let stranger = world.user_on(1, 5);
    let stranger = world.online(stranger);
    check_info(&mut world, bob, group, 2, "refused: Forbidden");
    check_info(&mut world, stranger, group, 2, "refused: UnknownConversation");
    check_info(&mut world, alice, nobody(), 1, "refused: UnknownConversation");
    // No message, and nothing at all.
    check_info(&mut world, alice, group, 1, "refused: UnknownMessage");
    check_info(&mut world, alice, group, 3, "refused: UnknownMessage");
    world.hold_commits = true;
    world.send(alice, group, "b");
    world.go();
    check_info(&mut world, alice, group, 3, "refused: UnknownMessage");
}

#[test]
fn who_came_later_does_not_see_earlier_messages() {
    let (mut world, [alice, ..], _, group) = team();
    let d = world.user_on(1, 5);
    let dan = world.online(d);
    world.act(alice, group, "more", Action::AddMembers(vec![d]));
    check_info(&mut world, dan, group, 2, "refused: UnknownMessage");
}

#[test]
fn a_store_that_cannot_be_read_is_said() {
    let (mut world, [alice, ..], _, group) = team();
    world.take(alice);
    world.fail_reads = true;
    ask(&mut world, alice, group, 2, UserId(0), 10);
    check(&mut world, alice, &["refused: ReadFailed"]);
}
