//! The first message between two people: both homes know of the conversation before the ack.

use super::world::{Client, World, check, dm};
use hubbub_core::ids::{Conversation, UserId};
use hubbub_core::records::MembershipRecord;
use hubbub_core::records::{Read, ReadResult};

fn strangers(shards: u16) -> (World, Client, Client, (UserId, UserId)) {
    let mut world = World::new(shards);
    let (a, b) = (world.user_on(0, 0), world.user_on(shards - 1, 1));
    let (alice, bob) = (world.online(a), world.online(b));
    (world, alice, bob, (a, b))
}

fn memberships(world: &World, user: UserId) -> Vec<(Conversation, MembershipRecord)> {
    match world.store.read(&Read::User(user)) {
        ReadResult::User(Some(user)) => user.memberships,
        _ => Vec::new(),
    }
}

#[test]
fn both_get_the_first_message_live() {
    for shards in [1, 2] {
        let (mut world, alice, bob, (a, b)) = strangers(shards);
        world.send(alice, dm(a, b), "x");
        check(&mut world, alice, &["joined dm", "sent 1", "run dm 1:x"]);
        check(&mut world, bob, &["joined dm", "run dm 1:x"]);
        assert!(world.store.outbox().is_empty());
    }
}

#[test]
fn either_side_may_begin() {
    let (mut world, alice, bob, (a, b)) = strangers(2);
    world.send(bob, dm(a, b), "x");
    check(&mut world, bob, &["joined dm", "sent 1", "run dm 1:x"]);
    check(&mut world, alice, &["joined dm", "run dm 1:x"]);
}

#[test]
fn both_may_begin_at_once() {
    let (mut world, alice, bob, (a, b)) = strangers(2);
    world.send(alice, dm(a, b), "x");
    world.send(bob, dm(a, b), "y");
    world.send(alice, dm(a, b), "z");
    world.go();
    let names: Vec<_> = world.store.headers(&dm(a, b)).map(|header| header.seq.0).collect();
    assert_eq!(names, [1, 2, 3]);
    let sent = |lines: Vec<String>| lines.into_iter().filter(|line| line.starts_with("sent")).collect::<Vec<_>>();
    assert_eq!(sent(world.take(alice)), ["sent 1", "sent 2"]);
    assert_eq!(sent(world.take(bob)), ["sent 3"]);
}

#[test]
fn the_ack_waits_for_both_memberships() {
    let (mut world, alice, _, (a, b)) = strangers(2);
    world.hold_commits = true;
    world.send(alice, dm(a, b), "x");
    let mut acked = false;
    while !acked {
        world.go();
        acked = world.take(alice).iter().any(|line| line == "sent 1");
        assert_eq!(acked, acked && [a, b].iter().all(|user| memberships(&world, *user).len() == 1));
        assert!(acked || world.commit(), "it is acked in the end");
    }
}

#[test]
fn a_crash_anywhere_on_the_way_loses_and_doubles_nothing() {
    for commits in 0..10 {
        let (mut world, alice, _, (a, b)) = strangers(2);
        world.hold_commits = true;
        world.send(alice, dm(a, b), "x");
        world.go();
        for _ in 0..commits {
            world.commit();
            world.go();
        }
        let acked = world.take(alice).contains(&"sent 1".to_owned());
        world.hold_commits = false;
        world.crash();
        world.go();
        assert_eq!(world.store.headers(&dm(a, b)).count() == 1, acked, "after {commits} commits");
        assert!(world.store.outbox().is_empty(), "after {commits} commits");
        let (alice, bob) = (world.online(a), world.login(b));
        world.resend(alice, dm(a, b), "x", 0);
        world.go();
        world.sync(bob, &[], true);
        world.go();
        assert_eq!(world.store.headers(&dm(a, b)).count(), 1, "after {commits} commits");
        let received = world.take(bob).iter().any(|line| line.ends_with("dm 1:x"));
        assert!(received, "after {commits} commits");
    }
}

#[test]
fn a_user_without_an_account_cannot_be_written_to() {
    for shards in [1, 2] {
        let mut world = World::new(shards);
        let (a, b) = (world.user_on(0, 0), world.user_on(shards - 1, 1));
        let alice = world.online(a);
        world.send(alice, dm(a, b), "x");
        check(&mut world, alice, &["refused: UnknownUser"]);
        world.send(alice, dm(a, b), "y");
        check(&mut world, alice, &["refused: UnknownUser"]);
        world.online(b);
        world.send(alice, dm(a, b), "z");
        check(&mut world, alice, &["joined dm", "sent 1", "run dm 1:z"]);
    }
}

#[test]
fn an_account_counts_once_it_is_durable() {
    let (mut world, alice, _, (a, _)) = strangers(2);
    let c = world.user_on(1, 7);
    world.hold_commits = true;
    world.open(c, 1, 1);
    world.go();
    world.send(alice, dm(a, c), "x");
    world.go();
    assert!(world.store.conversations().next().is_none());
    let only_account = world.batches.len();
    assert_eq!(only_account, 1, "nothing is decided about a user whose account may yet be lost");
}

#[test]
fn a_session_that_asked_for_nothing_is_told_of_the_conversation_only() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.login(b));
    world.send(alice, dm(a, b), "x");
    check(&mut world, bob, &["joined dm"]);
}

#[test]
fn when_accounts_cannot_be_read_the_message_is_refused_and_may_come_again() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let alice = world.online(a);
    let bob = world.login(b);
    world.close(bob);
    // Longer than a user without a session is kept.
    world.pass_ms(60_000);
    world.tick();
    world.go();
    world.send(alice, dm(a, b), "x");
    world.hold_reads = true;
    world.go();
    // The conversation is not there, which is known; the account is what cannot be read.
    world.hold_reads = false;
    world.fail_reads = true;
    check(&mut world, alice, &["refused: ReadFailed"]);
    world.fail_reads = false;
    world.resend(alice, dm(a, b), "x", 0);
    check(&mut world, alice, &["joined dm", "sent 1", "run dm 1:x"]);
}
