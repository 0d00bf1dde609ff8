//! Blocks: nothing passes between two people of whom one has blocked the other, in either direction, save in groups.

use super::world::{Client, World, append, check, dm, message};
use hubbub_core::ids::{Conversation, UserId};
use hubbub_core::records::{Read, ReadResult};
use hubbub_core::request::{Append, Request};
use hubbub_core::settings::Settings;
use hubbub_core::signal::SignalKind::Typing;

/// A chat with one entry of alice, if they have talked.
fn two(shards: u16, talked: bool) -> (World, [Client; 2], [UserId; 2], Conversation) {
    let mut world = World::new(shards);
    let users = [world.user_on(0, 0), world.user_on(shards - 1, 1)];
    let clients = users.map(|user| world.online(user));
    let chat = dm(users[0], users[1]);
    if talked {
        world.send(clients[0], chat, "a");
        world.go();
    }
    take_all(&mut world, clients);
    (world, clients, users, chat)
}

fn take_all(world: &mut World, clients: [Client; 2]) {
    for client in clients {
        world.take(client);
    }
}

fn block(world: &mut World, client: Client, user: UserId) {
    world.request(client, Request::Block(vec![user]));
}

fn unblock(world: &mut World, client: Client, user: UserId) {
    world.request(client, Request::Unblock(vec![user]));
}

fn heads(world: &World, chat: &Conversation) -> usize {
    world.store.headers(chat).count()
}

#[test]
fn neither_can_write_or_signal_whoever_blocks() {
    for (shards, talked, blocker) in
        [(1, true, 0), (2, true, 0), (2, true, 1), (1, false, 0), (2, false, 0), (2, false, 1)]
    {
        let (mut world, clients, users, chat) = two(shards, talked);
        block(&mut world, clients[blocker], users[1 - blocker]);
        check(&mut world, clients[blocker], &["done"]);
        let before = heads(&world, &chat);
        for client in clients {
            world.send(client, chat, "x");
            world.signal(client, chat, Typing, 0);
            let signal = if talked { "refused: Blocked" } else { "refused: UnknownConversation" };
            check(&mut world, client, &["refused: Blocked", signal]);
        }
        assert_eq!(heads(&world, &chat), before);
        unblock(&mut world, clients[blocker], users[1 - blocker]);
        world.go();
        take_all(&mut world, clients);
        world.send(clients[1], chat, "y");
        world.go();
        assert!(world.take(clients[0]).last().unwrap().contains(":y"));
        assert!(world.store.outbox().is_empty());
    }
}

#[test]
fn a_block_of_each_ends_only_with_both() {
    let (mut world, clients, users, chat) = two(2, true);
    for at in [0, 1] {
        block(&mut world, clients[at], users[1 - at]);
        check(&mut world, clients[at], &["done"]);
    }
    unblock(&mut world, clients[0], users[1]);
    check(&mut world, clients[0], &["done"]);
    world.send(clients[0], chat, "x");
    check(&mut world, clients[0], &["refused: Blocked"]);
    unblock(&mut world, clients[1], users[0]);
    world.go();
    take_all(&mut world, clients);
    world.send(clients[0], chat, "y");
    check(&mut world, clients[1], &["run dm 2:y"]);
}

#[test]
fn blocked_marks_are_neither_pushed_nor_shown() {
    let (mut world, [alice, bob], [a, b], chat) = two(2, true);
    world.mark(bob, chat, 1, 0);
    world.go();
    world.take(alice);
    world.take(bob);
    block(&mut world, alice, b);
    check(&mut world, alice, &["done"]);
    world.mark(bob, chat, 1, 1);
    check(&mut world, bob, &["done"]);
    check(&mut world, alice, &[]);
    let tablet = world.login_device(a, 2);
    world.sync(tablet, &[(chat, 1)], false);
    check(&mut world, tablet, &["synced dm head 1 unread 1 blocked peer 1 0"]);
    world.crash();
    let alice = world.login(a);
    world.sync(alice, &[(chat, 1)], false);
    check(&mut world, alice, &["synced dm head 1 unread 1 blocked peer 1 0"]);
    unblock(&mut world, alice, b);
    world.go();
    let frames = world.take(alice);
    assert!(frames.iter().any(|frame| frame.contains(&format!("{b}: 1 1"))), "{frames:?}");
    let tablet = world.login_device(a, 2);
    world.sync(tablet, &[(chat, 1)], false);
    check(&mut world, tablet, &["synced dm head 1 unread 1 peer 1 1"]);
}

#[test]
fn done_leaves_when_the_block_is_in_force() {
    let (mut world, [alice, bob], [_, b], chat) = two(2, true);
    world.hold_commits = true;
    block(&mut world, alice, b);
    world.go();
    let mut done = false;
    while !done {
        done = world.take(alice).contains(&"done".to_owned());
        if !done {
            assert!(world.commit(), "it never comes");
            world.go();
        }
    }
    assert!(
        world.batches.iter().all(|batch| batch.writes.iter().all(|write| !format!("{write:?}").contains("by_low")))
    );
    world.hold_commits = false;
    world.send(bob, chat, "x");
    check(&mut world, bob, &["refused: Blocked"]);
}

#[test]
fn a_crash_between_the_homes_changes_nothing() {
    // The user with the higher id is homed apart from the conversation.
    for durable in 1..8 {
        let (mut world, [_, bob], [a, b], chat) = two(2, true);
        world.hold_commits = true;
        block(&mut world, bob, a);
        world.go();
        for _ in 0..durable {
            world.commit();
            world.go();
        }
        let decided = world.store.has_blocked(b, a);
        world.crash();
        world.hold_commits = false;
        world.go();
        assert!(world.store.outbox().is_empty(), "what was left is told again");
        let alice = world.login(a);
        world.sync(alice, &[(chat, 1)], false);
        world.go();
        world.take(alice);
        world.send(alice, chat, "x");
        let expected: &[&str] = if decided { &["refused: Blocked"] } else { &["sent 2", "run dm 2:x"] };
        check(&mut world, alice, expected);
        let bob = world.login(b);
        world.request(bob, Request::ListBlocked);
        let list = format!("blocked {a}");
        check(&mut world, bob, &[if decided { &list } else { "blocked" }]);
    }
}

#[test]
fn an_older_fact_never_overwrites_a_newer() {
    let (mut world, [_, bob], [a, _], chat) = two(2, true);
    world.hold_commits = true;
    block(&mut world, bob, a);
    world.go();
    let mut rows = Vec::new();
    while rows.is_empty() {
        assert!(world.commit(), "the fact is written");
        rows = world.store.outbox();
    }
    world.hold_commits = false;
    world.go();
    unblock(&mut world, bob, a);
    world.go();
    world.take(bob);
    // It comes once more, late.
    world.learn_again(&rows);
    world.send(bob, chat, "x");
    check(&mut world, bob, &["sent 2", "run dm 2:x"]);
}

#[test]
fn what_is_taken_back_at_once_is_not_decided_afterwards() {
    let (mut world, [_, bob], [a, b], _) = two(2, true);
    // Whether alice exists is asked on another shard; meanwhile bob has changed his mind.
    block(&mut world, bob, a);
    unblock(&mut world, bob, a);
    check(&mut world, bob, &["done", "done"]);
    assert!(!world.store.has_blocked(b, a));
    unblock(&mut world, bob, a);
    block(&mut world, bob, a);
    check(&mut world, bob, &["done", "done"]);
    assert!(world.store.has_blocked(b, a));
}

#[test]
fn marks_that_become_durable_when_a_block_ends_never_go_back() {
    let (mut world, [alice, bob], [_, b], chat) = two(2, true);
    for name in ["b", "c"] {
        world.send(alice, chat, name);
    }
    block(&mut world, alice, b);
    world.go();
    take_all(&mut world, [alice, bob]);
    world.hold_commits = true;
    unblock(&mut world, alice, b);
    world.go();
    world.mark(bob, chat, 3, 3);
    world.go();
    // The end of the block is durable at alice's home, and bob's mark is not.
    world.commit();
    world.go();
    world.hold_commits = false;
    world.go();
    let frames = world.take(alice);
    let receipts: Vec<&String> = frames.iter().filter(|frame| frame.starts_with("receipts")).collect();
    assert!(!receipts.is_empty() && receipts.iter().all(|line| line.contains(&format!("{b}: 3 3"))), "{frames:?}");
}

#[test]
fn groups_are_not_concerned() {
    let (mut world, [alice, bob], [_, b], _) = two(2, true);
    let group = world.group(alice, "g", &[b]);
    block(&mut world, alice, b);
    check(&mut world, alice, &["done"]);
    world.send(bob, group, "x");
    world.go();
    assert!(world.take(alice).contains(&"run group 2:x".to_owned()));
    world.signal(bob, group, Typing, 0);
    world.go();
    assert!(world.take(alice)[0].contains("Typing"));
}

#[test]
fn a_resend_of_what_is_stored_is_answered_as_before() {
    let (mut world, [alice, bob], [a, _], chat) = two(2, true);
    block(&mut world, bob, a);
    world.go();
    world.resend(alice, chat, "a", 0);
    check(&mut world, alice, &["sent 1 (duplicate)"]);
    let append = Append { resend: true, ..append("new", message()) };
    world.request(alice, Request::Append { conversation: chat, append });
    check(&mut world, alice, &["refused: Blocked"]);
}

#[test]
fn presence_is_hidden_both_ways_at_once_and_shown_again() {
    for shards in [1, 2] {
        let (mut world, [alice, bob], [a, b], _) = two(shards, false);
        world.request(alice, Request::Watch(vec![b]));
        world.request(bob, Request::Watch(vec![a]));
        check(&mut world, alice, &[&format!("presence {b} online")]);
        check(&mut world, bob, &[&format!("presence {a} online")]);
        block(&mut world, alice, b);
        check(&mut world, alice, &[&format!("presence {b} away"), "done"]);
        check(&mut world, bob, &[&format!("presence {a} away")]);
        let tablet = world.login_device(a, 2);
        world.request(tablet, Request::Watch(vec![b]));
        check(&mut world, tablet, &[&format!("presence {b} away")]);
        let other = world.login_device(b, 2);
        world.request(other, Request::Watch(vec![a]));
        check(&mut world, other, &[&format!("presence {a} away")]);
        world.close(bob);
        world.close(other);
        world.run_ms(20_000);
        let bob = world.login(b);
        world.run_ms(2_000);
        check(&mut world, alice, &[]);
        world.request(bob, Request::Watch(vec![a]));
        check(&mut world, bob, &[&format!("presence {a} away")]);
        unblock(&mut world, alice, b);
        world.go();
        assert!(world.take(alice).contains(&format!("presence {b} online")));
        check(&mut world, tablet, &[&format!("presence {b} online")]);
        check(&mut world, bob, &[&format!("presence {a} online")]);
    }
}

#[test]
fn a_block_is_remembered_for_watches_of_users_who_are_away() {
    let (mut world, [alice, bob], [a, b], _) = two(2, false);
    block(&mut world, bob, a);
    world.close(bob);
    world.run_ms(100_000);
    world.request(alice, Request::Watch(vec![b]));
    world.go();
    assert_eq!(world.take(alice), [format!("presence {b} away")], "and nothing of when");
    world.login(b);
    world.run_ms(2_000);
    check(&mut world, alice, &[]);
}

#[test]
fn wrong_blocks_are_refused() {
    let mut world = World::with(2, Settings { blocked_users_max: 2, ..Settings::default() });
    let users: Vec<UserId> = (0..3).map(|n| world.user_on(n % 2, usize::from(n))).collect();
    let clients: Vec<Client> = users.iter().map(|user| world.login(*user)).collect();
    let alice = clients[0];
    block(&mut world, alice, users[0]);
    block(&mut world, alice, UserId(404_404));
    check(&mut world, alice, &["refused: Invalid users", "refused: UnknownUser"]);
    world.request(alice, Request::Block(vec![users[1], UserId(404_404)]));
    world.request(alice, Request::ListBlocked);
    world.go();
    let mut frames = world.take(alice);
    frames.sort();
    assert_eq!(frames, ["blocked", "refused: UnknownUser"], "nobody is blocked by half");
    world.request(alice, Request::Block(vec![users[2], users[1], users[2]]));
    check(&mut world, alice, &["done"]);
    let other = world.user_on(0, 8);
    world.login(other);
    block(&mut world, alice, other);
    check(&mut world, alice, &["refused: Limit users"]);
    block(&mut world, alice, users[1]);
    unblock(&mut world, alice, UserId(404_404));
    world.go();
    assert_eq!(world.take(alice), ["done", "done"]);
    world.request(alice, Request::ListBlocked);
    let mut blocked = [users[1], users[2]];
    blocked.sort();
    check(&mut world, alice, &[&format!("blocked {} {}", blocked[0], blocked[1])]);
    world.fail_reads = true;
    unblock(&mut world, alice, users[2]);
    world.go();
    world.close(clients[2]);
    world.run_ms(100_000);
    world.take(alice);
    block(&mut world, alice, users[2]);
    check(&mut world, alice, &["refused: ReadFailed"]);
}

#[test]
fn a_conversation_that_cannot_be_read_learns_later() {
    let (mut world, [alice, bob], [a, b], chat) = two(2, true);
    world.close(alice);
    world.close(bob);
    for _ in 0..16 {
        world.pass_ms(100_000);
        world.tick();
        world.go();
    }
    let (alice, bob) = (world.login(a), world.login(b));
    world.fail_reads = true;
    block(&mut world, bob, a);
    check(&mut world, bob, &[]);
    world.fail_reads = false;
    world.tick();
    check(&mut world, bob, &["done"]);
    world.send(alice, chat, "x");
    check(&mut world, alice, &["refused: Blocked"]);
    assert!(matches!(world.store.read(&Read::Conversation(chat)), ReadResult::Conversation(Some(_))));
}
