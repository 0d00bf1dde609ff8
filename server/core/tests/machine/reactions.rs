//! Reactions: entries for everybody, counts in history, and no entry where nothing changes.

use super::edits::chat;
use super::world::{World, check};
use hubbub_core::ids::{Conversation, Seq};
use hubbub_core::request::Action;
use hubbub_core::settings::Settings;

fn react(seq: u64, emoji: &str) -> Action {
    Action::React { seq: Seq(seq), emoji: emoji.to_owned(), remove: false }
}

fn take_back(seq: u64, emoji: &str) -> Action {
    Action::React { seq: Seq(seq), emoji: emoji.to_owned(), remove: true }
}

#[test]
fn reactions_are_entries_and_are_counted_in_history() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.act(bob, chat, "r", react(1, "+"));
    check(&mut world, bob, &["sent 2", "run dm 2:r"]);
    check(&mut world, alice, &["run dm 2:r"]);
    world.act(alice, chat, "s", react(1, "+"));
    world.act(alice, chat, "t", react(1, "-"));
    world.go();
    world.take(alice);
    world.newest(alice, chat);
    check(&mut world, alice, &["history 1:a[+2][-1] 2:r 3:s 4:t (to 4, head 4)"]);
    world.raw_history(alice, chat);
    check(&mut world, alice, &["history 1:a 2:r 3:s 4:t (to 4, head 4)"]);
    world.act(alice, chat, "u", take_back(1, "+"));
    world.act(alice, chat, "v", take_back(1, "-"));
    world.go();
    world.take(alice);
    world.newest(alice, chat);
    check(&mut world, alice, &["history 1:a[+1] 2:r 3:s 4:t 5:u 6:v (to 6, head 6)"]);
}

#[test]
fn what_changes_nothing_is_answered_with_the_message_itself() {
    let (mut world, alice, _, chat) = chat(Settings::default());
    world.act(alice, chat, "r", take_back(1, "+"));
    check(&mut world, alice, &["sent 1 (duplicate)"]);
    world.act(alice, chat, "s", react(1, "+"));
    world.act(alice, chat, "t", react(1, "+"));
    check(&mut world, alice, &["sent 2", "run dm 2:s", "sent 1 (duplicate)"]);
}

#[test]
fn a_user_has_at_most_eight_and_a_message_at_most_a_hundred() {
    let mut world = World::new(1);
    let users: Vec<_> = (0..15).map(|n| world.user_on(0, n)).collect();
    let clients: Vec<_> = users.iter().map(|&user| world.online(user)).collect();
    let group = world.group(clients[0], "g", &users);
    world.send(clients[0], group, "a");
    world.go();
    for (user, client) in clients.iter().enumerate() {
        for n in 0..8 {
            world.act(*client, group, &format!("{user} {n}"), react(2, &format!("{user} {n}")));
        }
    }
    world.go();
    let refusals = |world: &mut World, client| {
        world.take(client).iter().filter(|line| line.starts_with("refused")).cloned().collect::<Vec<_>>()
    };
    let counts: Vec<usize> = clients.iter().map(|&client| refusals(&mut world, client).len()).collect();
    assert_eq!(counts, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 8], "thirteen times eight is more than a hundred");
    world.act(clients[0], group, "ninth", react(2, "ninth"));
    world.go();
    assert_eq!(refusals(&mut world, clients[0]), ["refused: Limit emoji"]);
    world.act(clients[14], group, "known", react(2, "0 0"));
    world.go();
    assert_eq!(refusals(&mut world, clients[14]), [""; 0]);
}

#[test]
fn only_messages_that_are_there_and_seen_can_be_reacted_to() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.act(bob, chat, "r", react(1, "+"));
    world.go();
    world.take(bob);
    for seq in [2, 9] {
        world.act(bob, chat, "s", react(seq, "+"));
        check(&mut world, bob, &["refused: UnknownMessage"]);
    }
    let user = world.user_on(1, 5);
    let stranger = world.online(user);
    world.act(stranger, chat, "s", react(1, "+"));
    check(&mut world, stranger, &["refused: UnknownConversation"]);
    let Conversation::Direct { low, .. } = chat else { unreachable!() };
    assert_ne!(low, user);
    world.take(alice);
}
