//! A resent message is stored once.

use super::world::{Client, World, check, dm};
use hubbub_core::ids::Conversation;
use hubbub_core::settings::Settings;

fn chat(settings: Settings) -> (World, Client, Client, Conversation) {
    let mut world = World::with(2, settings);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    world.send(alice, dm(a, b), "a");
    world.go();
    world.take(alice);
    world.take(bob);
    (world, alice, bob, dm(a, b))
}

#[test]
fn a_resend_of_a_stored_message_repeats_its_answer() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.resend(alice, chat, "a", 0);
    check(&mut world, alice, &["sent 1 (duplicate)"]);
    check(&mut world, bob, &[]);
}

#[test]
fn a_resend_of_an_uncommitted_message_waits_for_its_commit() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.hold_commits = true;
    world.send(alice, chat, "b");
    world.go();
    world.resend(alice, chat, "b", 1);
    check(&mut world, alice, &[]);
    world.hold_commits = false;
    check(&mut world, alice, &["sent 2", "run dm 2:b", "sent 2 (duplicate)"]);
    check(&mut world, bob, &["run dm 2:b"]);
}

#[test]
fn a_resend_of_a_message_in_the_open_batch_is_found() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.send(alice, chat, "b");
    world.resend(alice, chat, "b", 1);
    check(&mut world, alice, &["sent 2", "sent 2 (duplicate)", "run dm 2:b"]);
    check(&mut world, bob, &["run dm 2:b"]);
}

#[test]
fn a_resend_of_what_never_arrived_is_stored() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.resend(alice, chat, "b", 0);
    check(&mut world, alice, &["sent 2", "run dm 2:b"]);
    world.resend(bob, chat, "a", 0);
    check(&mut world, bob, &["run dm 2:b", "sent 3", "run dm 3:a"]);
}

#[test]
fn nothing_at_or_below_after_seq_is_looked_at() {
    let (mut world, alice, _, chat) = chat(Settings::default());
    world.resend(alice, chat, "a", 1);
    check(&mut world, alice, &["sent 2", "run dm 2:a"]);
}

#[test]
fn a_seq_of_another_life_of_the_log_hides_nothing() {
    let (mut world, alice, _, chat) = chat(Settings::default());
    world.resend(alice, chat, "b", 70);
    check(&mut world, alice, &["sent 2", "run dm 2:b"]);
    world.resend(alice, chat, "b", 70);
    check(&mut world, alice, &["sent 2 (duplicate)"]);
}

#[test]
fn a_message_of_the_same_name_from_another_device_is_another_message() {
    let (mut world, _, _, chat) = chat(Settings::default());
    let Conversation::Direct { low, .. } = chat else { unreachable!() };
    let tablet = world.online_device(low, 2);
    world.resend(tablet, chat, "a", 0);
    check(&mut world, tablet, &["sent 2", "run dm 2:a"]);
}

#[test]
fn beyond_the_window_the_application_decides() {
    let (mut world, alice, bob, chat) = chat(Settings { dedup_entries_max: 3, ..Settings::default() });
    for name in ["b", "c"] {
        world.send(alice, chat, name);
    }
    world.go();
    world.take(alice);
    world.resend(alice, chat, "x", 0);
    check(&mut world, alice, &["sent 4", "run dm 4:x"]);
    world.resend(alice, chat, "y", 0);
    check(&mut world, alice, &["refused: ResendUnknown"]);
    world.take(bob);
    check(&mut world, bob, &[]);
}

#[test]
fn beyond_the_age_the_application_decides() {
    let (mut world, alice, _, chat) = chat(Settings { dedup_age_max_ms: 1_000, ..Settings::default() });
    world.pass_ms(1_001);
    world.resend(alice, chat, "x", 0);
    check(&mut world, alice, &["refused: ResendUnknown"]);
    world.resend(alice, chat, "a", 0);
    check(&mut world, alice, &["sent 1 (duplicate)"]);
}

#[test]
fn a_search_comes_before_the_check_of_membership() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    let group = world.group(alice, "g", &[b]);
    world.send(bob, group, "x");
    world.act(bob, group, "bye", hubbub_core::request::Action::Leave);
    world.go();
    world.take(bob);
    world.resend(bob, group, "x", 1);
    check(&mut world, bob, &["sent 2 (duplicate)"]);
    world.resend(bob, group, "y", 1);
    check(&mut world, bob, &["refused: UnknownConversation"]);
}

#[test]
fn a_search_that_cannot_read_is_refused_and_what_waits_behind_it_goes_on() {
    let (mut world, alice, _, chat) = chat(Settings::default());
    world.fail_reads = true;
    world.resend(alice, chat, "x", 0);
    world.send(alice, chat, "y");
    check(&mut world, alice, &["refused: ReadFailed", "sent 2", "run dm 2:y"]);
}

#[test]
fn a_resend_after_a_crash_finds_what_is_durable() {
    for durable in [false, true] {
        let (mut world, alice, _, chat) = chat(Settings::default());
        world.hold_commits = true;
        world.send(alice, chat, "x");
        world.go();
        if durable {
            world.commit();
        }
        world.crash();
        world.hold_commits = false;
        let Conversation::Direct { low, .. } = chat else { unreachable!() };
        let alice = world.login(low);
        world.resend(alice, chat, "x", 1);
        check(&mut world, alice, if durable { &["sent 2 (duplicate)"] } else { &["sent 2"] });
        assert_eq!(world.store.headers(&chat).count(), 2);
    }
}
