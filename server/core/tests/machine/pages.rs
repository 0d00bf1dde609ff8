//! What a member may read: spans of membership, and history.

use super::world::{Client, World, check};
use hubbub_core::ids::{Conversation, Seq, UserId};
use hubbub_core::records::PagePosition::{After, Before};
use hubbub_core::request::Action;

/// A group of two; `carol` is to come and go. Entries: 1 made, 2 x.
fn group(shards: u16) -> (World, Client, Client, UserId, Conversation) {
    let mut world = World::new(shards);
    let (a, b, c) = (world.user_on(0, 0), world.user_on(shards - 1, 1), world.user_on(shards - 1, 2));
    let (alice, carol) = (world.online(a), world.online(c));
    world.online(b);
    let group = world.group(alice, "g", &[b]);
    world.send(alice, group, "x");
    world.go();
    world.take(alice);
    (world, alice, carol, c, group)
}

fn add(world: &mut World, owner: Client, group: Conversation, name: &str, user: UserId) {
    world.act(owner, group, name, Action::AddMembers(vec![user]));
}

fn remove(world: &mut World, owner: Client, group: Conversation, name: &str, user: UserId) {
    world.act(owner, group, name, Action::RemoveMembers(vec![user]));
}

#[test]
fn whoever_joins_sees_the_entry_that_says_so_and_nothing_before_it() {
    for shards in [1, 2] {
        let (mut world, alice, carol, c, group) = group(shards);
        add(&mut world, alice, group, "in", c);
        check(&mut world, carol, &["joined group", "page group skip 0..2 3:in"]);
        world.send(alice, group, "y");
        check(&mut world, carol, &["run group 4:y"]);
        world.history(carol, group, After(Seq(0)), 50);
        check(&mut world, carol, &["history skip 0..2 3:in 4:y (to 4, head 4)"]);
        world.history(carol, group, Before(Seq(100)), 50);
        check(&mut world, carol, &["history 3:in 4:y (to 4, head 4)"]);
        world.history(carol, group, Before(Seq(3)), 50);
        check(&mut world, carol, &["history (to 0, head 4)"]);
    }
}

#[test]
fn whoever_is_removed_sees_the_entry_that_says_so_and_nothing_after_it() {
    for shards in [1, 2] {
        let (mut world, alice, carol, c, group) = group(shards);
        add(&mut world, alice, group, "in", c);
        world.go();
        world.take(carol);
        world.send(alice, group, "y");
        remove(&mut world, alice, group, "out", c);
        world.send(alice, group, "secret");
        world.go();
        world.send(alice, group, "secret2");
        check(&mut world, carol, &["run group 4:y 5:out", "left group"]);
        world.history(carol, group, After(Seq(0)), 50);
        check(&mut world, carol, &["history skip 0..2 3:in 4:y 5:out (to 5, head 5)"]);
        world.history(carol, group, Before(Seq(100)), 2);
        check(&mut world, carol, &["history 4:y 5:out (to 5, head 5)"]);
        world.history(carol, group, After(Seq(5)), 50);
        check(&mut world, carol, &["history (to 5, head 5)"]);
        world.sync(carol, &[(group, 4)], false);
        check(&mut world, carol, &["page group 5:out", "synced group head 5 (no member)"]);
        world.mark(carol, group, 6, 0);
        check(&mut world, carol, &["refused: BeyondHead"]);
    }
}

#[test]
fn whoever_comes_back_sees_both_stretches_and_nothing_between() {
    for shards in [1, 2] {
        let (mut world, alice, carol, c, group) = group(shards);
        add(&mut world, alice, group, "in", c);
        remove(&mut world, alice, group, "out", c);
        world.send(alice, group, "secret");
        world.go();
        world.take(carol);
        add(&mut world, alice, group, "again", c);
        check(&mut world, carol, &["joined group", "page group skip 0..5 6:again"]);
        world.history(carol, group, After(Seq(0)), 50);
        check(&mut world, carol, &["history skip 0..2 3:in 4:out (to 4, head 6)"]);
        world.history(carol, group, After(Seq(4)), 50);
        check(&mut world, carol, &["history skip 4..5 6:again (to 6, head 6)"]);
        world.history(carol, group, Before(Seq(6)), 50);
        check(&mut world, carol, &["history 3:in 4:out (to 4, head 6)"]);
        world.sync(carol, &[(group, 3)], false);
        check(&mut world, carol, &["page group 4:out", "page group skip 4..5 6:again", "synced group head 6"]);
    }
}

#[test]
fn coming_and_going_in_one_batch_leaves_the_session_live() {
    for shards in [1, 2] {
        let (mut world, alice, carol, c, group) = group(shards);
        add(&mut world, alice, group, "in", c);
        world.go();
        world.take(carol);
        world.hold_commits = true;
        remove(&mut world, alice, group, "out", c);
        world.send(alice, group, "secret");
        add(&mut world, alice, group, "again", c);
        world.send(alice, group, "y");
        world.go();
        world.hold_commits = false;
        world.go();
        let frames = world.take(carol);
        let seen: Vec<&String> = frames.iter().filter(|line| line.contains(':')).collect();
        assert_eq!(seen, ["run group 4:out", "page group skip 0..5 6:again 7:y"], "{shards}: {frames:?}");
        world.send(alice, group, "z");
        check(&mut world, carol, &["run group 8:z"]);
    }
}

#[test]
fn a_pull_while_the_removal_is_not_durable_comes_to_rest() {
    for shards in [1, 2] {
        let (mut world, alice, carol, c, group) = group(shards);
        add(&mut world, alice, group, "in", c);
        world.go();
        world.take(carol);
        world.hold_commits = true;
        remove(&mut world, alice, group, "out", c);
        world.go();
        world.sync(carol, &[(group, 3)], false);
        check(&mut world, carol, &["synced group head 3"]);
        world.hold_commits = false;
        check(&mut world, carol, &["run group 4:out", "left group"]);
    }
}

#[test]
fn nothing_is_sent_to_whoever_is_about_to_join() {
    for shards in [1, 2] {
        let (mut world, alice, carol, c, group) = group(shards);
        world.hold_commits = true;
        world.send(alice, group, "secret");
        add(&mut world, alice, group, "in", c);
        world.go();
        world.sync(carol, &[(group, 0)], false);
        world.history(carol, group, After(Seq(0)), 50);
        check(&mut world, carol, &["synced group head 0 (no member)", "refused: UnknownConversation"]);
        world.hold_commits = false;
        check(&mut world, carol, &["joined group", "page group skip 0..3 4:in"]);
    }
}

#[test]
fn history_reads_both_ways_within_its_limit() {
    let (mut world, alice, _, _, group) = group(1);
    for name in ["a", "b", "c", "d"] {
        world.send(alice, group, name);
    }
    world.go();
    world.take(alice);
    world.history(alice, group, After(Seq(2)), 2);
    check(&mut world, alice, &["history 3:a 4:b (to 4, head 6)"]);
    world.history(alice, group, Before(Seq(6)), 2);
    check(&mut world, alice, &["history 4:b 5:c (to 5, head 6)"]);
    world.history(alice, group, After(Seq(6)), 2);
    check(&mut world, alice, &["history (to 6, head 6)"]);
    world.history(alice, group, Before(Seq(1)), 2);
    check(&mut world, alice, &["history (to 0, head 6)"]);
}

#[test]
fn history_of_others_is_refused_and_failed_reads_are_said() {
    let (mut world, alice, carol, _, group) = group(2);
    world.history(carol, group, After(Seq(0)), 50);
    check(&mut world, carol, &["refused: UnknownConversation"]);
    world.fail_reads = true;
    world.history(alice, group, After(Seq(0)), 50);
    check(&mut world, alice, &["refused: ReadFailed"]);
}
