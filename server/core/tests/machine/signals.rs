//! Signals reach whoever follows the conversation now, once or not at all, and leave nothing behind.

use super::world::{Client, World, check, dm, nobody, signal};
use hubbub_core::ids::{Conversation, Seq, UserId};
use hubbub_core::request::Action;
use hubbub_core::settings::Settings;
use hubbub_core::signal::SignalKind::{self, CallAnswer, CallHangUp, CallOffer, CallRingTimeout, Typing};

/// A chat with one entry of alice.
fn chat(shards: u16) -> (World, Client, Client, (UserId, UserId), Conversation) {
    let mut world = World::new(shards);
    let (a, b) = (world.user_on(0, 0), world.user_on(shards - 1, 1));
    let (alice, bob) = (world.online(a), world.online(b));
    world.send(alice, dm(a, b), "a");
    world.go();
    world.take(alice);
    world.take(bob);
    (world, alice, bob, (a, b), dm(a, b))
}

fn line(kind: SignalKind, from: UserId, call: u64) -> String {
    format!("signal {kind:?} of {from}/1 call {call}")
}

/// Lets a call ring for as long as it may.
fn ring_out(world: &mut World) {
    world.pass_ms(Settings::default().ring_timeout_ms);
    world.tick();
}

#[test]
fn a_signal_reaches_all_other_sessions_and_is_not_stored() {
    for shards in [1, 2] {
        let (mut world, alice, bob, (a, _), chat) = chat(shards);
        let tablet = world.online_device(a, 2);
        let before = world.store.clone();
        world.signal(alice, chat, Typing, 0);
        check(&mut world, alice, &["done"]);
        check(&mut world, tablet, &[&line(Typing, a, 0)]);
        check(&mut world, bob, &[&line(Typing, a, 0)]);
        assert_eq!(format!("{before:?}"), format!("{:?}", world.store), "nothing was written");
    }
}

#[test]
fn a_signal_waits_for_no_commit() {
    let (mut world, alice, bob, (a, _), chat) = chat(2);
    world.hold_commits = true;
    world.send(alice, chat, "x");
    world.signal(alice, chat, Typing, 0);
    check(&mut world, alice, &["done"]);
    check(&mut world, bob, &[&line(Typing, a, 0)]);
}

#[test]
fn without_a_number_nothing_is_answered() {
    let (mut world, alice, bob, (a, _), chat) = chat(2);
    world.tell(alice, signal(chat, Typing, 0));
    world.tell(alice, signal(nobody(), Typing, 0));
    check(&mut world, alice, &[]);
    check(&mut world, bob, &[&line(Typing, a, 0)]);
}

#[test]
fn strangers_and_former_members_are_refused() {
    let (mut world, alice, bob, (_, b), chat) = chat(2);
    let c = world.user_on(0, 5);
    let carol = world.online(c);
    world.signal(carol, chat, Typing, 0);
    world.signal(carol, nobody(), Typing, 0);
    check(&mut world, carol, &["refused: UnknownConversation", "refused: UnknownConversation"]);
    let group = world.group(alice, "g", &[b]);
    world.act(bob, group, "l", Action::Leave);
    world.go();
    world.take(bob);
    world.take(alice);
    world.signal(bob, group, Typing, 0);
    check(&mut world, bob, &["refused: UnknownConversation"]);
    world.signal(alice, group, Typing, 0);
    check(&mut world, bob, &[]);
    check(&mut world, alice, &["done"]);
}

#[test]
fn who_does_not_follow_or_lags_gets_none() {
    let (mut world, alice, bob, (_, b), chat) = chat(2);
    let tablet = world.login_device(b, 2);
    world.full.insert(bob);
    world.send(alice, chat, "x");
    world.go();
    world.take(alice);
    world.signal(alice, chat, Typing, 0);
    check(&mut world, alice, &["done"]);
    check(&mut world, tablet, &[]);
    world.drain(bob);
    check(&mut world, bob, &["page dm 2:x"]);
}

#[test]
fn signals_between_shards_may_be_lost_without_harm() {
    let (mut world, alice, bob, (a, b), chat) = chat(2);
    world.drop_runs = true;
    world.signal(alice, chat, Typing, 0);
    world.tell(bob, signal(chat, Typing, 0));
    check(&mut world, alice, &["done"]);
    check(&mut world, bob, &[]);
    world.drop_runs = false;
    world.tell(bob, signal(chat, CallOffer, 7));
    check(&mut world, alice, &[&line(CallOffer, b, 7)]);
    world.signal(alice, chat, Typing, 0);
    check(&mut world, bob, &[&line(Typing, a, 0)]);
}

#[test]
fn a_call_that_nobody_takes_times_out_for_everybody() {
    for shards in [1, 2] {
        let (mut world, alice, bob, (a, _), chat) = chat(shards);
        world.signal(alice, chat, CallOffer, 7);
        world.go();
        world.pass_ms(Settings::default().ring_timeout_ms - 200);
        world.tick();
        check(&mut world, alice, &["done"]);
        check(&mut world, bob, &[&line(CallOffer, a, 7)]);
        world.tick();
        check(&mut world, alice, &[&line(CallRingTimeout, a, 7)]);
        check(&mut world, bob, &[&line(CallRingTimeout, a, 7)]);
        ring_out(&mut world);
        check(&mut world, bob, &[]);
    }
}

#[test]
fn an_answer_or_a_hang_up_ends_the_ringing() {
    for end in [CallAnswer, CallHangUp] {
        let (mut world, alice, bob, (a, b), chat) = chat(2);
        world.tell(alice, signal(chat, CallOffer, 7));
        world.go();
        world.tell(bob, signal(chat, end, 7));
        check(&mut world, alice, &[&line(end, b, 7)]);
        ring_out(&mut world);
        check(&mut world, alice, &[]);
        check(&mut world, bob, &[&line(CallOffer, a, 7)]);
    }
}

#[test]
fn an_offer_that_could_not_be_timed_out_is_refused() {
    let (mut world, alice, _, _, chat) = chat(2);
    for call in 1..=16 {
        world.signal(alice, chat, CallOffer, call);
        check(&mut world, alice, &["done"]);
    }
    world.signal(alice, chat, CallOffer, 17);
    check(&mut world, alice, &["refused: Overloaded"]);
    world.signal(alice, chat, CallOffer, 16);
    world.signal(alice, chat, CallHangUp, 1);
    world.signal(alice, chat, CallOffer, 17);
    check(&mut world, alice, &["done", "done", "done"]);
}

#[test]
fn signals_of_a_conversation_that_is_not_in_memory_are_answered() {
    let (mut world, alice, bob, (a, b), chat) = chat(2);
    world.close(alice);
    world.close(bob);
    for _ in 0..16 {
        world.pass_ms(100_000);
        world.tick();
        world.go();
    }
    let alice = world.login(a);
    world.tell(alice, signal(chat, Typing, 0));
    world.signal(alice, chat, Typing, 0);
    check(&mut world, alice, &["done"]);
    assert_eq!(world.store.headers(&chat).map(|header| header.seq).collect::<Vec<_>>(), [Seq(1)]);
    assert!(world.store.member(&chat, b).is_some());
}
