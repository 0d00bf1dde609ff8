//! What one user may do in a short time, all devices together; others do not notice.

use super::world::{Client, World, append, check, dm};
use hubbub_core::bucket::Rate;
use hubbub_core::ids::{Conversation, Seq, UserId};
use hubbub_core::request::{Action, Request};
use hubbub_core::settings::{Settings, UserRates};

/// It comes before the answers to what was admitted, which wait for their commit.
const LIMITED: &str = "refused: RateLimited";

/// alice (two devices) and bob, who have a chat; alice's budget is full.
fn chat(user_rates: UserRates) -> (World, [Client; 2], Client, Conversation, [UserId; 2]) {
    let mut world = World::with(2, Settings { user_rates, ..Settings::default() });
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let alice = [world.login(a), world.login_device(a, 2)];
    let bob = world.login(b);
    world.send(alice[0], dm(a, b), "begin");
    world.go();
    world.pass_ms(1_000_000);
    for client in [alice[0], alice[1], bob] {
        world.take(client);
    }
    (world, alice, bob, dm(a, b), [a, b])
}

#[test]
fn messages_of_all_devices_count_together() {
    let rates = UserRates { messages: Rate::per_second(1, 3), ..UserRates::default() };
    let (mut world, [phone, tablet], bob, chat, _) = chat(rates);
    world.send(phone, chat, "a");
    world.send(tablet, chat, "b");
    world.send(phone, chat, "c");
    world.send(tablet, chat, "d");
    check(&mut world, phone, &["sent 2", "sent 4"]);
    check(&mut world, tablet, &[LIMITED, "sent 3"]);
    world.send(bob, chat, "e");
    check(&mut world, bob, &["sent 5"]);
    world.pass_ms(1_000);
    world.send(tablet, chat, "f");
    world.send(tablet, chat, "g");
    check(&mut world, tablet, &[LIMITED, "sent 6"]);
}

#[test]
fn what_is_done_to_messages_counts_like_messages() {
    let rates = UserRates { messages: Rate::per_second(1, 3), ..UserRates::default() };
    let (mut world, [phone, _], _, chat, _) = chat(rates);
    let react = |emoji: &str| Action::React { seq: Seq(1), emoji: emoji.to_owned(), remove: false };
    world.act(phone, chat, "a", react("+"));
    world.act(
        phone,
        chat,
        "b",
        Action::Edit { seq: Seq(1), body: b"x".as_slice().into(), content_type: String::new() },
    );
    world.act(phone, chat, "c", Action::Revoke(Seq(1)));
    world.act(phone, chat, "d", react("-"));
    check(&mut world, phone, &[LIMITED, "sent 2", "sent 3", "sent 4"]);
}

#[test]
fn bytes_are_limited_too_and_a_refused_message_is_not_charged() {
    let rates =
        UserRates { messages: Rate::per_second(1, 3), bytes: Rate::per_second(10, 100), ..UserRates::default() };
    let (mut world, [phone, _], _, chat, _) = chat(rates);
    world.send_body(phone, chat, "a", 60);
    for name in ["b", "c", "d"] {
        world.send_body(phone, chat, name, 60);
    }
    world.send_body(phone, chat, "e", 40);
    world.send_body(phone, chat, "f", 0);
    world.send_body(phone, chat, "g", 0);
    check(&mut world, phone, &[LIMITED, LIMITED, LIMITED, LIMITED, "sent 2", "sent 3", "sent 4"]);
}

#[test]
fn group_operations_have_a_limit_of_their_own() {
    let rates = UserRates { group_operations: Rate::per_minute(1, 2), ..UserRates::default() };
    let (mut world, [phone, tablet], bob, chat, [_, b]) = chat(rates);
    let group = world.group(phone, "one", &[b]);
    world.act(tablet, group, "two", Action::RemoveMembers(vec![b]));
    world.create_group(phone, "three", &[b]);
    world.act(tablet, group, "four", Action::Leave);
    world.send(phone, chat, "x");
    check(&mut world, tablet, &[LIMITED, "done"]);
    check(&mut world, phone, &[LIMITED, "sent 2"]);
    world.create_group(bob, "his", &[]);
    world.go();
    assert!(world.take(bob).iter().any(|line| line.starts_with("group of 1")));
    world.pass_ms(60_000);
    world.act(phone, group, "four", Action::Leave);
    check(&mut world, phone, &["done", "left group"]);
}

#[test]
fn resends_have_a_limit_of_their_own() {
    let rates = UserRates { searches: Rate::per_second(1, 2), ..UserRates::default() };
    let (mut world, [phone, _], _, chat, _) = chat(rates);
    for _ in 0..3 {
        world.resend(phone, chat, "begin", 0);
    }
    world.send(phone, chat, "a");
    check(&mut world, phone, &[LIMITED, "sent 1 (duplicate)", "sent 1 (duplicate)", "sent 2"]);
}

#[test]
fn coming_back_gains_nothing() {
    let rates = UserRates { messages: Rate::per_minute(1, 2), ..UserRates::default() };
    let (mut world, [phone, tablet], _, chat, [a, _]) = chat(rates);
    world.send(phone, chat, "a");
    world.send(phone, chat, "b");
    world.go();
    world.close(phone);
    world.close(tablet);
    // Users who are away are forgotten after a while, but not while they have used up something.
    for _ in 0..4 {
        world.pass_ms(12_000);
        world.tick();
        world.go();
    }
    let phone = world.login(a);
    world.send(phone, chat, "c");
    check(&mut world, phone, &[LIMITED]);
    world.pass_ms(12_000);
    world.request(phone, Request::Append { conversation: chat, append: append("d", super::world::message()) });
    check(&mut world, phone, &["sent 4"]);
}
