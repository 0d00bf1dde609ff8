//! A message's sender may give it a new body: everybody gets the entry that says so, and history shows the new form.

use super::world::{Client, World, check, dm};
use hubbub_core::ids::{Conversation, Seq};
use hubbub_core::records::EDITS_MAX;
use hubbub_core::records::PagePosition::Before;
use hubbub_core::request::Action;
use hubbub_core::settings::Settings;

pub(crate) fn edit(seq: u64, body: &str) -> Action {
    Action::Edit { seq: Seq(seq), body: body.as_bytes().to_vec().into(), content_type: String::new() }
}

/// Alice has said `a`; both are online, on different shards.
pub(crate) fn chat(settings: Settings) -> (World, Client, Client, Conversation) {
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
fn an_edit_is_an_entry_and_history_shows_the_newest_form() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.act(alice, chat, "e", edit(1, "better"));
    check(&mut world, alice, &["sent 2", "run dm 2:e"]);
    check(&mut world, bob, &["run dm 2:e"]);
    world.act(alice, chat, "f", edit(1, "best"));
    world.go();
    world.take(alice);
    world.newest(alice, chat);
    check(&mut world, alice, &["history 1:a=best 2:e 3:f (to 3, head 3)"]);
    world.raw_history(alice, chat);
    check(&mut world, alice, &["history 1:a 2:e 3:f (to 3, head 3)"]);
    world.history(alice, chat, Before(Seq(2)), 5);
    check(&mut world, alice, &["history 1:a=best (to 1, head 3)"]);
}

#[test]
fn an_edit_of_what_is_not_durable_yet_waits_for_it_and_later_requests_wait_for_the_edit() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.hold_commits = true;
    world.send(alice, chat, "b");
    world.act(alice, chat, "e", edit(2, "better"));
    world.send(alice, chat, "c");
    check(&mut world, alice, &[]);
    world.hold_commits = false;
    check(&mut world, alice, &["sent 2", "run dm 2:b", "sent 3", "sent 4", "run dm 3:e 4:c"]);
    check(&mut world, bob, &["run dm 2:b", "run dm 3:e 4:c"]);
}

#[test]
fn a_resent_edit_is_made_once() {
    let (mut world, alice, _, chat) = chat(Settings::default());
    world.act(alice, chat, "e", edit(1, "better"));
    world.go();
    world.take(alice);
    world.act_again(alice, chat, "e", 1, edit(1, "better"));
    check(&mut world, alice, &["sent 2 (duplicate)"]);
}

#[test]
fn only_the_sender_may_and_only_messages_can_be_edited() {
    let (mut world, alice, bob, chat) = chat(Settings::default());
    world.act(bob, chat, "e", edit(1, "mine now"));
    check(&mut world, bob, &["refused: Forbidden"]);
    world.act(alice, chat, "e", edit(1, "better"));
    world.go();
    world.take(alice);
    for seq in [2, 3, u64::MAX] {
        world.act(alice, chat, "f", edit(seq, "what?"));
        check(&mut world, alice, &["refused: UnknownMessage"]);
    }
    let nobody = super::world::nobody();
    world.act(alice, nobody, "f", edit(1, "what?"));
    check(&mut world, alice, &["refused: UnknownConversation"]);
}

#[test]
fn what_a_member_cannot_see_cannot_be_edited_either() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    let group = world.group(alice, "g", &[b]);
    world.send(bob, group, "b");
    world.act(bob, group, "bye", Action::Leave);
    world.act(alice, group, "in", Action::AddMembers(vec![b]));
    world.go();
    world.take(bob);
    world.send(bob, group, "c");
    world.act(bob, group, "e", edit(2, "it is in a former stretch, which is still Bob's"));
    check(&mut world, bob, &["sent 5", "run group 5:c", "sent 6", "run group 6:e"]);
    world.act(bob, group, "out", Action::Leave);
    world.go();
    world.take(bob);
    world.act(bob, group, "f", edit(5, "too late"));
    check(&mut world, bob, &["refused: UnknownConversation"]);
}

#[test]
fn old_messages_stay_as_they_are() {
    let (mut world, alice, _, chat) = chat(Settings { edit_age_max_ms: 1_000, ..Settings::default() });
    world.pass_ms(999);
    world.act(alice, chat, "e", edit(1, "in time"));
    world.go();
    world.take(alice);
    world.pass_ms(1);
    world.act(alice, chat, "f", edit(1, "too late"));
    check(&mut world, alice, &["refused: TooOld"]);
}

#[test]
fn editing_can_be_switched_off() {
    let (mut world, alice, _, chat) = chat(Settings { edit_age_max_ms: 0, ..Settings::default() });
    world.act(alice, chat, "e", edit(1, "at once"));
    check(&mut world, alice, &["refused: TooOld"]);
}

#[test]
fn a_message_has_at_most_a_hundred_edits() {
    let (mut world, alice, _, chat) = chat(Settings::default());
    for n in 0..EDITS_MAX {
        world.act(alice, chat, &format!("e{n}"), edit(1, "again"));
    }
    world.go();
    world.take(alice);
    world.act(alice, chat, "f", edit(1, "once more"));
    check(&mut world, alice, &["refused: Limit edits"]);
}

#[test]
fn an_edit_that_cannot_look_is_refused_and_what_waits_behind_it_goes_on() {
    let (mut world, alice, _, chat) = chat(Settings::default());
    world.fail_reads = true;
    world.act(alice, chat, "e", edit(1, "better"));
    world.send(alice, chat, "b");
    check(&mut world, alice, &["refused: ReadFailed", "sent 2", "run dm 2:b"]);
}

#[test]
fn an_edit_survives_a_crash_with_its_entry_or_not_at_all() {
    for durable in [false, true] {
        let (mut world, alice, _, chat) = chat(Settings::default());
        world.hold_commits = true;
        world.act(alice, chat, "e", edit(1, "better"));
        world.go();
        if durable {
            world.commit();
        }
        world.crash();
        world.hold_commits = false;
        let Conversation::Direct { low, .. } = chat else { unreachable!() };
        let alice = world.login(low);
        world.newest(alice, chat);
        let shown = if durable { "history 1:a=better 2:e (to 2, head 2)" } else { "history 1:a (to 1, head 1)" };
        check(&mut world, alice, &[shown]);
    }
}
