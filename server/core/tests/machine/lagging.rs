//! Slow sessions: what the edge refused is continued once there is room.

use super::world::{Client, World, check, dm};
use hubbub_core::ids::{Conversation, UserId};
use hubbub_core::request::Action;
use hubbub_core::settings::Settings;

fn chat(settings: Settings) -> (World, Client, Client, (UserId, UserId), Conversation) {
    let mut world = World::with(2, settings);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    world.send(alice, dm(a, b), "a");
    world.go();
    world.take(alice);
    world.take(bob);
    (world, alice, bob, (a, b), dm(a, b))
}

#[test]
fn a_lagging_session_continues_where_it_stopped() {
    let (mut world, alice, bob, _, chat) = chat(Settings::default());
    world.full.insert(bob);
    for name in ["b", "c"] {
        world.send(alice, chat, name);
        world.go();
    }
    check(&mut world, bob, &[]);
    world.drain(bob);
    check(&mut world, bob, &["page dm 2:b 3:c"]);
    world.send(alice, chat, "d");
    check(&mut world, bob, &["run dm 4:d"]);
}

#[test]
fn runs_of_one_turn_that_were_all_refused_are_all_continued() {
    let (mut world, alice, bob, _, chat) = chat(Settings::default());
    world.full.insert(bob);
    world.hold_commits = true;
    for name in ["b", "c", "d"] {
        world.send(alice, chat, name);
        world.go();
    }
    world.hold_commits = false;
    check(&mut world, bob, &[]);
    world.drain(bob);
    check(&mut world, bob, &["page dm 2:b 3:c 4:d"]);
}

#[test]
fn a_session_that_lags_again_while_it_catches_up_loses_nothing() {
    let settings = Settings { page_entries_max: 2, ..Settings::default() };
    let (mut world, alice, bob, _, chat) = chat(settings);
    world.full.insert(bob);
    for name in ["b", "c", "d", "e", "f"] {
        world.send(alice, chat, name);
        world.go();
    }
    for _ in 0..2 {
        world.drain(bob);
        world.full.insert(bob);
        check(&mut world, bob, &[]);
    }
    world.drain(bob);
    check(&mut world, bob, &["page dm 2:b 3:c", "page dm 4:d 5:e", "page dm 6:f"]);
}

#[test]
fn pages_that_waited_for_their_turn_are_asked_for_after_draining() {
    let settings = Settings { pulls_per_session_max: 1, ..Settings::default() };
    let mut world = World::with(1, settings);
    let me = world.user_on(0, 0);
    let others: Vec<UserId> = (1..4).map(|n| world.user_on(0, n)).collect();
    for &other in &others {
        let other_client = world.online(other);
        let my_client = world.login(me);
        world.send(other_client, dm(me, other), "x");
        world.go();
        world.close(my_client);
    }
    let client = world.login(me);
    world.hold_reads = true;
    world.sync(client, &[], true);
    world.go();
    world.full.insert(client);
    // One page is under way and two conversations wait for it; what comes is refused.
    world.hold_reads = false;
    check(&mut world, client, &[]);
    world.drain(client);
    world.go();
    let frames = world.take(client);
    assert_eq!(frames.len(), 4, "{frames:?}");
    assert!(frames[3].starts_with("synced"), "{frames:?}");
}

#[test]
fn a_sync_is_answered_after_everything_was_taken() {
    let (mut world, alice, _, (_, b), chat) = chat(Settings::default());
    world.send(alice, chat, "b");
    world.go();
    let bob = world.login(b);
    world.full.insert(bob);
    world.sync(bob, &[(chat, 0)], true);
    check(&mut world, bob, &[]);
    world.drain(bob);
    check(&mut world, bob, &["page dm 1:a 2:b", "synced dm head 2 unread 2"]);
}

#[test]
fn a_first_page_that_was_refused_starts_where_it_would_have_started() {
    let settings = Settings { sync_entries_max: 2, ..Settings::default() };
    let (mut world, alice, _, (_, b), chat) = chat(settings);
    for name in ["b", "c", "d", "e"] {
        world.send(alice, chat, name);
    }
    world.go();
    let bob = world.login(b);
    world.full.insert(bob);
    world.sync(bob, &[], true);
    check(&mut world, bob, &[]);
    world.drain(bob);
    check(&mut world, bob, &["page dm skip 0..3 4:d 5:e", "synced dm head 5 unread 5"]);
}

#[test]
fn whoever_is_removed_while_lagging_still_gets_the_entry_that_says_so() {
    let (mut world, alice, bob, (_, b), _) = chat(Settings::default());
    let group = world.group(alice, "g", &[b]);
    world.full.insert(bob);
    world.send(alice, group, "x");
    world.act(alice, group, "out", Action::RemoveMembers(vec![b]));
    world.send(alice, group, "secret");
    check(&mut world, bob, &[]);
    world.drain(bob);
    check(&mut world, bob, &["page group 2:x 3:out"]);
}

#[test]
fn a_conversation_that_begins_while_a_device_lags_is_not_skipped_for_it() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let alice = world.online(a);
    let (phone, tablet) = (world.online_device(b, 1), world.online_device(b, 2));
    let before = world.user_on(0, 4);
    let before_client = world.online(before);
    world.send(before_client, dm(before, b), "w");
    world.go();
    world.full.insert(tablet);
    world.send(before_client, dm(before, b), "w2");
    world.go();
    world.send(alice, dm(a, b), "x");
    world.go();
    world.tell(phone, super::world::mark(dm(a, b), 1, 1));
    world.tick();
    world.go();
    world.take(tablet);
    world.drain(tablet);
    world.go();
    let frames = world.take(tablet);
    assert!(frames.contains(&"page dm 1:x".to_owned()), "{frames:?}");
}

#[test]
fn marks_that_rise_while_a_session_lags_for_another_conversation_are_told() {
    let (mut world, alice, bob, (a, b), chat) = chat(Settings::default());
    let group = world.group(alice, "g", &[b]);
    world.full.insert(bob);
    world.send(alice, group, "b");
    world.go();
    world.mark(alice, chat, 1, 1);
    check(&mut world, bob, &[]);
    world.drain(bob);
    world.go();
    let frames = world.take(bob);
    assert!(frames.contains(&format!("receipts {a}: 1 1")), "{frames:?}");
}
