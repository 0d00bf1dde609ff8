//! A message that was taken back: its body is gone wherever one looks, its number and name stay.

use super::edits::{chat, edit};
use super::retention::holds;
use super::world::{World, check};
use hubbub_core::ids::Seq;
use hubbub_core::records::Role;
use hubbub_core::request::Action;
use hubbub_core::settings::Settings;

fn revoke(seq: u64) -> Action {
    Action::Revoke(Seq(seq))
}

fn say(body: &str) -> Action {
    let body = body.as_bytes().to_vec().into();
    Action::Message { kind: 0, body, content_type: String::new(), reply_to: Seq(0) }
}

#[test]
fn the_body_and_those_of_its_edits_are_gone_wherever_one_looks() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.act(alice, chat, "b", say("secret one"));
    world.act(alice, chat, "e", edit(2, "secret two"));
    world.act(bob, chat, "r", Action::React { seq: Seq(2), emoji: "+".to_owned(), remove: false });
    world.send(bob, chat, "c");
    world.go();
    assert!(holds(&world, "secret one") && holds(&world, "secret two"));
    world.take(alice);
    world.take(bob);
    world.act(alice, chat, "x", revoke(2));
    check(&mut world, alice, &["sent 6", "run dm 6:x"]);
    check(&mut world, bob, &["run dm 6:x"]);
    assert!(!holds(&world, "secret"), "nor does the edit's overlay hold it");
    let shown = "history 1:a 2:b(gone) 3:e 4:r 5:c 6:x (to 6, head 6)";
    world.newest(bob, chat);
    check(&mut world, bob, &[shown]);
    world.raw_history(bob, chat);
    check(&mut world, bob, &[shown]);
    world.sync(bob, &[(chat, 1)], false);
    check(&mut world, bob, &["page dm 2:b(gone) 3:e 4:r 5:c 6:x", "synced dm head 6 unread 3"]);
    world.resend(alice, chat, "b", 1);
    check(&mut world, alice, &["sent 2 (duplicate)"]);
}

#[test]
fn nothing_is_gone_before_that_is_durable() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.hold_commits = true;
    world.act(alice, chat, "x", revoke(1));
    world.newest(bob, chat);
    check(&mut world, bob, &["history 1:a (to 1, head 1)"]);
    check(&mut world, alice, &[]);
    world.hold_commits = false;
    check(&mut world, alice, &["sent 2", "run dm 2:x"]);
    world.newest(bob, chat);
    check(&mut world, bob, &["run dm 2:x", "history 1:a(gone) 2:x (to 2, head 2)"]);
}

#[test]
fn a_crash_takes_back_all_of_it_or_nothing() {
    for durable in [false, true] {
        let (mut world, alice, bob, chat) = chat(Settings::default());
        world.hold_commits = true;
        world.act(alice, chat, "x", revoke(1));
        world.go();
        if durable {
            world.commit();
        }
        world.crash();
        world.hold_commits = false;
        world.take(bob);
        let hubbub_core::ids::Conversation::Direct { high, .. } = chat else { unreachable!() };
        let bob = world.login(high);
        world.newest(bob, chat);
        let shown = if durable { "history 1:a(gone) 2:x (to 2, head 2)" } else { "history 1:a (to 1, head 1)" };
        check(&mut world, bob, &[shown]);
    }
}

#[test]
fn what_is_gone_cannot_be_edited_revoked_or_reacted_to() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.act(alice, chat, "x", revoke(1));
    world.act(alice, chat, "y", revoke(1));
    world.act(alice, chat, "e", edit(1, "back again"));
    check(&mut world, alice, &["sent 2", "run dm 2:x", "refused: UnknownMessage", "refused: UnknownMessage"]);
    world.act(bob, chat, "r", Action::React { seq: Seq(1), emoji: "+".to_owned(), remove: false });
    check(&mut world, bob, &["run dm 2:x", "refused: UnknownMessage"]);
    world.act(alice, chat, "z", revoke(2));
    check(&mut world, alice, &["refused: UnknownMessage"]);
    world.act_again(alice, chat, "x", 1, revoke(1));
    check(&mut world, alice, &["sent 2 (duplicate)"]);
}

#[test]
fn senders_take_back_their_own_within_the_age() {
    let (mut world, alice, bob, chat) = chat(Settings { revoke_age_max_ms: 1_000, ..Settings::default() });
    world.act(bob, chat, "x", revoke(1));
    check(&mut world, bob, &["refused: Forbidden"]);
    world.pass_ms(1_000);
    world.act(alice, chat, "x", revoke(1));
    check(&mut world, alice, &["refused: TooOld"]);
}

#[test]
fn a_groups_owner_takes_back_anything_at_any_age() {
    let mut world = World::with(2, Settings { revoke_age_max_ms: 1_000, ..Settings::default() });
    let (a, b, c) = (world.user_on(0, 0), world.user_on(1, 0), world.user_on(1, 1));
    let (alice, bob, carol) = (world.online(a), world.online(b), world.online(c));
    let group = world.group(alice, "g", &[b, c]);
    world.send(bob, group, "b");
    world.pass_ms(5_000);
    for client in [alice, bob, carol] {
        world.go();
        world.take(client);
    }
    world.act(carol, group, "x", revoke(2));
    check(&mut world, carol, &["refused: Forbidden"]);
    world.act(bob, group, "x", revoke(2));
    check(&mut world, bob, &["refused: TooOld"]);
    world.act(alice, group, "x", revoke(2));
    check(&mut world, alice, &["sent 3", "run group 3:x"]);
    assert_eq!(world.store.member(&group, a).map(|member| member.role), Some(Role::Owner));
}

#[test]
fn unread_counts_stay_as_they_were() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.send(alice, chat, "b");
    world.act(alice, chat, "x", revoke(1));
    world.go();
    world.take(bob);
    world.sync(bob, &[(chat, 3)], false);
    check(&mut world, bob, &["synced dm head 3 unread 2"]);
}
