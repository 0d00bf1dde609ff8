//! Appending: what leaves when, and in which order.

use super::world::{Client, World, append, check, dm, nobody};
use hubbub_core::ids::{Conversation, Seq};
use hubbub_core::request::{Action, Request};

/// Two people who have exchanged one message.
fn acquainted(shards: u16) -> (World, Client, Client, Conversation) {
    let mut world = World::new(shards);
    let (a, b) = (world.user_on(0, 0), world.user_on(shards - 1, 1));
    let (alice, bob) = (world.online(a), world.online(b));
    world.send(alice, dm(a, b), "hi");
    world.go();
    world.take(alice);
    world.take(bob);
    (world, alice, bob, dm(a, b))
}

#[test]
fn nothing_is_shown_before_it_is_durable() {
    for shards in [1, 2] {
        let (mut world, alice, bob, chat) = acquainted(shards);
        world.hold_commits = true;
        world.send(alice, chat, "x");
        check(&mut world, alice, &[]);
        check(&mut world, bob, &[]);
        world.commit();
        check(&mut world, alice, &["sent 2", "run dm 2:x"]);
        check(&mut world, bob, &["run dm 2:x"]);
    }
}

#[test]
fn later_batches_are_decided_while_an_earlier_one_is_written_and_leave_in_order() {
    let (mut world, alice, bob, chat) = acquainted(2);
    world.hold_commits = true;
    world.send(alice, chat, "x");
    check(&mut world, alice, &[]);
    world.send(alice, chat, "y");
    world.send(bob, chat, "z");
    check(&mut world, alice, &[]);
    world.commit();
    check(&mut world, bob, &["run dm 2:x"]);
    check(&mut world, alice, &["sent 2", "run dm 2:x"]);
    world.commit();
    check(&mut world, bob, &["sent 4", "run dm 3:y 4:z"]);
    check(&mut world, alice, &["sent 3", "run dm 3:y 4:z"]);
}

#[test]
fn the_senders_other_devices_get_the_entry_too() {
    let (mut world, alice, bob, chat) = acquainted(2);
    let Conversation::Direct { low, .. } = chat else { unreachable!() };
    let tablet = world.online_device(low, 2);
    world.send(alice, chat, "x");
    check(&mut world, tablet, &["run dm 2:x"]);
    check(&mut world, bob, &["run dm 2:x"]);
}

#[test]
fn an_answer_to_an_entry_that_does_not_exist_is_refused() {
    let (mut world, alice, _, chat) = acquainted(1);
    let action = Action::Message { kind: 0, body: "x".into(), content_type: String::new(), reply_to: Seq(2) };
    world.act(alice, chat, "x", action);
    check(&mut world, alice, &["refused: Invalid reply_to_seq"]);
}

#[test]
fn strangers_and_conversations_that_do_not_exist_are_answered_alike() {
    let (mut world, _, _, chat) = acquainted(2);
    let c = world.user_on(1, 5);
    let carol = world.online(c);
    for conversation in [chat, nobody()] {
        world.send(carol, conversation, "x");
        check(&mut world, carol, &["refused: UnknownConversation"]);
    }
}

#[test]
fn appends_are_decided_in_the_order_of_arrival_searches_included() {
    let (mut world, alice, bob, chat) = acquainted(1);
    world.hold_reads = true;
    world.resend(alice, chat, "x", 0);
    world.send(alice, chat, "y");
    world.send(bob, chat, "z");
    check(&mut world, alice, &[]);
    world.hold_reads = false;
    check(&mut world, alice, &["sent 2", "sent 3", "run dm 2:x 3:y 4:z"]);
}

#[test]
fn only_messages_begin_a_direct_conversation() {
    let mut world = World::new(1);
    let (a, b) = (world.user_on(0, 0), world.user_on(0, 1));
    let alice = world.online(a);
    world.online(b);
    let append = append("x", Action::AddMembers(vec![b]));
    world.request(alice, Request::Append { conversation: dm(a, b), append });
    check(&mut world, alice, &["refused: UnknownConversation"]);
}
