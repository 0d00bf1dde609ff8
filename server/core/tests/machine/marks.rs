//! Marks only rise, and are shown once they are durable.

use super::world::{Client, World, check, dm, mark, nobody};
use hubbub_core::ids::{Conversation, Seq, UserId};
use hubbub_core::machine::Input;
use hubbub_core::message::{Message, SessionMessage};

/// A chat of three entries of alice.
fn chat(shards: u16) -> (World, Client, Client, (UserId, UserId), Conversation) {
    let mut world = World::new(shards);
    let (a, b) = (world.user_on(0, 0), world.user_on(shards - 1, 1));
    let (alice, bob) = (world.online(a), world.online(b));
    for name in ["a", "b", "c"] {
        world.send(alice, dm(a, b), name);
        world.go();
    }
    world.take(alice);
    world.take(bob);
    (world, alice, bob, (a, b), dm(a, b))
}

#[test]
fn a_mark_is_shown_once_it_is_durable() {
    for shards in [1, 2] {
        let (mut world, alice, bob, (_, b), chat) = chat(shards);
        world.hold_commits = true;
        world.mark(bob, chat, 2, 1);
        check(&mut world, bob, &[]);
        check(&mut world, alice, &[]);
        world.hold_commits = false;
        let line = format!("receipts {b}: 2 1");
        world.go();
        assert!(world.take(bob).contains(&"done".to_owned()));
        check(&mut world, alice, &[&line]);
        assert_eq!(world.store.marks(&chat, b), (Seq(2), Seq(1)));
    }
}

#[test]
fn marks_without_an_answer_wait_for_a_tick_and_become_one() {
    let (mut world, alice, bob, (_, b), chat) = chat(2);
    for seq in 1..=3 {
        world.tell(bob, mark(chat, seq, 0));
    }
    check(&mut world, alice, &[]);
    world.tick();
    check(&mut world, alice, &[&format!("receipts {b}: 3 0")]);
}

#[test]
fn marks_never_go_back() {
    let (mut world, alice, bob, (_, b), chat) = chat(2);
    world.mark(bob, chat, 3, 2);
    world.go();
    world.take(alice);
    world.mark(bob, chat, 1, 1);
    world.go();
    check(&mut world, alice, &[]);
    assert_eq!(world.store.marks(&chat, b), (Seq(3), Seq(2)));
    world.crash();
    let bob = world.login(b);
    world.sync(bob, &[(chat, 3)], false);
    check(&mut world, bob, &["synced dm head 3 read 2 unread 1"]);
}

#[test]
fn reading_implies_delivery_and_devices_add_up() {
    let (mut world, alice, bob, (_, b), chat) = chat(2);
    world.mark(bob, chat, 0, 2);
    check(&mut world, alice, &[&format!("receipts {b}: 2 2")]);
    let tablet = world.login_device(b, 2);
    world.mark(tablet, chat, 3, 0);
    check(&mut world, alice, &[&format!("receipts {b}: 3 2")]);
    world.mark(bob, chat, 3, 3);
    check(&mut world, alice, &[&format!("receipts {b}: 3 3")]);
}

#[test]
fn what_a_person_writes_they_have_read_and_the_next_mark_says_so() {
    let (mut world, alice, bob, (_, b), chat) = chat(2);
    world.send(bob, chat, "x");
    world.go();
    world.take(alice);
    // What a client always says: it holds the log up to its own entry.
    world.mark(bob, chat, 4, 0);
    check(&mut world, alice, &[&format!("receipts {b}: 4 4")]);
    assert_eq!(world.store.marks(&chat, b), (Seq(4), Seq(4)));
}

#[test]
fn no_mark_is_shown_that_a_crash_could_take_back() {
    let (mut world, alice, bob, (_, b), chat) = chat(2);
    let tablet = world.online_device(b, 2);
    world.send(bob, chat, "x");
    world.go();
    world.take(alice);
    world.mark(tablet, chat, 2, 1);
    world.go();
    let shown = world.take(alice);
    let (delivered, read) = world.store.marks(&chat, b);
    assert_eq!(shown, [format!("receipts {b}: {delivered} {read}")]);
}

#[test]
fn marks_beyond_the_head_and_of_strangers_are_refused() {
    let (mut world, _, bob, _, chat) = chat(2);
    world.mark(bob, chat, 4, 0);
    check(&mut world, bob, &["refused: BeyondHead"]);
    world.mark(bob, nobody(), 1, 0);
    check(&mut world, bob, &["refused: UnknownConversation"]);
    world.tell(bob, mark(chat, 4, 4));
    world.tick();
    check(&mut world, bob, &[]);
}

#[test]
fn groups_get_no_receipts_of_each_member() {
    let (mut world, alice, bob, (_, b), _) = chat(2);
    let group = world.group(alice, "g", &[b]);
    world.mark(bob, group, 1, 1);
    check(&mut world, bob, &["done"]);
    check(&mut world, alice, &[]);
    assert_eq!(world.store.marks(&group, b), (Seq(1), Seq(1)));
}

#[test]
fn marks_survive_when_the_conversation_leaves_memory() {
    let (mut world, alice, bob, (_, b), chat) = chat(2);
    world.mark(bob, chat, 3, 2);
    world.go();
    world.close(bob);
    world.close(alice);
    for _ in 0..16 {
        world.pass_ms(100_000);
        world.tick();
        world.go();
    }
    assert_eq!(world.shards.iter().map(hubbub_core::Shard::conversations_loaded).sum::<usize>(), 0);
    let bob = world.login(b);
    world.sync(bob, &[(chat, 3)], false);
    check(&mut world, bob, &["synced dm head 3 read 2 unread 1"]);
}

#[test]
fn a_mark_whose_conversation_cannot_be_read_comes_again_with_the_next_tick() {
    for shards in [1, 2] {
        let (mut world, _, _, (_, b), chat) = chat(shards);
        world.crash();
        let bob = world.login(b);
        world.fail_reads = true;
        world.tell(bob, mark(chat, 3, 2));
        world.tick();
        world.go();
        assert_eq!(world.store.marks(&chat, b), (Seq(0), Seq(0)));
        world.fail_reads = false;
        world.tick();
        world.go();
        assert_eq!(world.store.marks(&chat, b), (Seq(3), Seq(2)), "with {shards} shards");
    }
}

#[test]
fn a_session_that_was_behind_is_told_of_the_marks_that_passed_it_by() {
    let (mut world, alice, bob, (a, _), chat) = chat(2);
    world.drop_runs = true;
    world.send(alice, chat, "d");
    world.go();
    world.mark(alice, chat, 4, 4);
    world.go();
    check(&mut world, bob, &[]);
    world.drop_runs = false;
    let now = world.now;
    let behind = SessionMessage::Behind(chat, Seq(4));
    world.shards[1].handle(Input::Message(Message::ToSession(behind)), now);
    check(&mut world, bob, &["page dm 4:d", &format!("receipts {a}: 4 4")]);
}
