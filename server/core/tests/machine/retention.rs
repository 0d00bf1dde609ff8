//! What a conversation need not keep any more is taken away, whole blocks at a time; everything that stays, stays right.

use super::edits::{chat, edit};
use super::world::{Client, World, check, dm};
use hubbub_core::ids::{Conversation, Seq};
use hubbub_core::records::PagePosition::{After, Before};
use hubbub_core::records::Retention;
use hubbub_core::request::Action;
use hubbub_core::settings::{RetentionSettings, Settings};

pub(crate) const HOUR_MS: u64 = 3_600_000;
pub(crate) const DAY_MS: u64 = 24 * HOUR_MS;
const TTL: Retention = Retention::Ttl { seconds: 3_600 };

pub(crate) fn with_default(default: Retention) -> Settings {
    // Every new entry is reason enough to look.
    let retention = RetentionSettings { default, drop_entries_min: 1, ..RetentionSettings::default() };
    Settings { retention, ..Settings::default() }
}

/// Ticks until everything is looked at.
pub(crate) fn sweep(world: &mut World) {
    for _ in 0..40 {
        world.tick();
        world.go();
    }
}

pub(crate) fn say(world: &mut World, client: Client, conversation: Conversation, name: &str, body: &str) {
    let body = body.as_bytes().to_vec().into();
    let action = Action::Message { kind: 0, body, content_type: String::new(), reply_to: Seq(0) };
    world.act(client, conversation, name, action);
    world.go();
}

/// Whether any log says it, as it is stored or in its newest form.
pub(crate) fn holds(world: &World, body: &str) -> bool {
    let logs = world.store.conversations().flat_map(|id| [world.store.log(id, false), world.store.log(id, true)]);
    logs.into_iter().any(|log| String::from_utf8_lossy(&log).contains(body))
}

fn quiet(world: &mut World, clients: &[Client]) {
    world.go();
    clients.iter().for_each(|&client| drop(world.take(client)));
}

fn set(world: &mut World, client: Client, conversation: Conversation, retention: Option<Retention>) {
    world.act(client, conversation, "set", Action::SetRetention(retention));
}

#[test]
fn bodies_go_when_their_time_is_over_headers_later_and_the_newest_never() {
    let (mut world, alice, bob, chat) = chat(with_default(TTL));
    say(&mut world, alice, chat, "b", "the body of b");
    say(&mut world, bob, chat, "c", "the body of c");
    quiet(&mut world, &[alice, bob]);
    sweep(&mut world);
    assert!(holds(&world, "the body of b"), "it is not time");
    world.pass_ms(HOUR_MS);
    sweep(&mut world);
    assert!(!holds(&world, "the body of"));
    world.history(alice, chat, After(Seq(0)), 50);
    check(&mut world, alice, &["history skip 0..3 (to 3, head 3, floor 3)"]);
    world.history(alice, chat, Before(Seq(3)), 50);
    check(&mut world, alice, &["history (to 0, head 3, floor 3)"]);
    assert_eq!(world.store.headers(&chat).count(), 3, "resends are still looked for");
    world.resend(alice, chat, "b", 0);
    check(&mut world, alice, &["sent 2 (duplicate)"]);
    world.pass_ms(8 * DAY_MS);
    sweep(&mut world);
    let kept: Vec<Seq> = world.store.headers(&chat).map(|header| header.seq).collect();
    assert_eq!(kept, [Seq(3)], "or numbers could be used twice");
    world.resend(alice, chat, "b", 0);
    check(&mut world, alice, &["refused: ResendUnknown"]);
    world.crash();
    let Conversation::Direct { low, .. } = chat else { unreachable!() };
    let alice = world.login(low);
    world.send(alice, chat, "d");
    check(&mut world, alice, &["sent 4"]);
    world.newest(alice, chat);
    check(&mut world, alice, &["history skip 0..3 4:d (to 4, head 4, floor 3)"]);
}

#[test]
fn a_block_goes_whole_or_not_at_all() {
    let (mut world, alice, bob, chat) = chat(with_default(TTL));
    sweep(&mut world);
    world.send(alice, chat, "b");
    world.pass_ms(HOUR_MS / 2);
    world.send(alice, chat, "c");
    quiet(&mut world, &[alice, bob]);
    world.pass_ms(HOUR_MS / 2);
    sweep(&mut world);
    world.newest(alice, chat);
    check(&mut world, alice, &["history skip 0..1 2:b 3:c (to 3, head 3, floor 1)"]);
    world.pass_ms(HOUR_MS);
    sweep(&mut world);
    world.newest(alice, chat);
    check(&mut world, alice, &["history skip 0..3 (to 3, head 3, floor 3)"]);
}

#[test]
fn a_device_that_comes_back_goes_on_above_the_floor_and_unread_counts_what_can_be_read() {
    let (mut world, alice, bob, chat) = chat(with_default(TTL));
    world.close(bob);
    for name in ["b", "c", "d"] {
        world.send(alice, chat, name);
    }
    world.go();
    world.pass_ms(HOUR_MS);
    sweep(&mut world);
    world.act(alice, chat, "e", edit(4, "too late for an overlay"));
    world.send(alice, chat, "f");
    world.send(alice, chat, "g");
    world.go();
    let Conversation::Direct { high, .. } = chat else { unreachable!() };
    let bob = world.login(high);
    world.sync(bob, &[(chat, 1)], false);
    check(&mut world, bob, &["page dm skip 1..4 5:f 6:g", "synced dm head 6 unread 2 ttl 3600"]);
    world.pass_ms(HOUR_MS + 8 * DAY_MS);
    sweep(&mut world);
    let tablet = world.login_device(high, 2);
    world.sync(tablet, &[(chat, 1)], false);
    check(&mut world, tablet, &["page dm skip 1..6", "synced dm head 6 ttl 3600"]);
}

#[test]
fn what_is_below_the_floor_cannot_be_operated_on_and_its_overlay_is_gone() {
    let (mut world, alice, bob, chat) = chat(with_default(TTL));
    world.act(alice, chat, "e", edit(1, "an edited body"));
    quiet(&mut world, &[alice, bob]);
    assert!(holds(&world, "an edited body"));
    world.pass_ms(HOUR_MS);
    sweep(&mut world);
    assert!(!holds(&world, "an edited body"));
    for action in [edit(1, "x"), Action::Revoke(Seq(1))] {
        world.act(alice, chat, "x", action);
        check(&mut world, alice, &["refused: UnknownMessage"]);
    }
}

#[test]
fn members_choose_for_their_conversation() {
    let (mut world, alice, bob, chat) = chat(with_default(TTL));
    set(&mut world, bob, chat, Some(Retention::Forever));
    check(&mut world, bob, &["done", "run dm 2:set"]);
    check(&mut world, alice, &["run dm 2:set"]);
    world.act(alice, chat, "same", Action::SetRetention(Some(Retention::Forever)));
    check(&mut world, alice, &["done"]);
    world.act_again(bob, chat, "set", 1, Action::SetRetention(Some(Retention::Forever)));
    check(&mut world, bob, &["done"]);
    world.pass_ms(90 * DAY_MS);
    sweep(&mut world);
    world.newest(alice, chat);
    check(&mut world, alice, &["history 1:a 2:set (to 2, head 2)"]);
    world.act(alice, chat, "default", Action::SetRetention(None));
    check(&mut world, alice, &["done", "run dm 3:default"]);
    sweep(&mut world);
    world.newest(alice, chat);
    check(&mut world, alice, &["history skip 0..2 3:default (to 3, head 3, floor 2)"]);
}

#[test]
fn in_a_group_its_owner_chooses() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    let group = world.group(alice, "g", &[b]);
    set(&mut world, bob, group, Some(TTL));
    check(&mut world, bob, &["refused: Forbidden"]);
    set(&mut world, alice, group, Some(TTL));
    check(&mut world, alice, &["done", "run group 2:set"]);
    world.go();
    world.take(bob);
    world.sync(bob, &[(group, 2)], false);
    check(&mut world, bob, &["synced group head 2 ttl 3600"]);
    let stranger = world.user_on(1, 7);
    let stranger = world.online(stranger);
    set(&mut world, stranger, group, None);
    check(&mut world, stranger, &["refused: UnknownConversation"]);
}

#[test]
fn until_every_device_of_every_member_holds_it() {
    let (mut world, alice, bob, chat) = chat(with_default(Retention::UntilDelivered));
    let Conversation::Direct { low, high } = chat else { unreachable!() };
    let tablet = world.online_device(high, 2);
    for client in [alice, bob, tablet] {
        world.mark(client, chat, 1, 0);
    }
    sweep(&mut world);
    quiet(&mut world, &[alice, bob, tablet]);
    world.newest(alice, chat);
    check(&mut world, alice, &["history skip 0..1 (to 1, head 1, floor 1)"]);
    say(&mut world, alice, chat, "b", "the body of b");
    for client in [alice, bob] {
        world.mark(client, chat, 2, 2);
    }
    sweep(&mut world);
    assert!(holds(&world, "the body of b"), "Bob's tablet has not got it");
    world.mark(tablet, chat, 2, 0);
    sweep(&mut world);
    world.pass_ms(HOUR_MS);
    sweep(&mut world);
    assert!(!holds(&world, "the body of b"));
    let _ = low;
}

#[test]
fn a_device_that_was_not_seen_for_long_holds_nothing_up() {
    let (mut world, alice, bob, chat) = chat(with_default(Retention::UntilDelivered));
    let Conversation::Direct { high, .. } = chat else { unreachable!() };
    let tablet = world.online_device(high, 2);
    world.mark(tablet, chat, 1, 0);
    world.go();
    world.close(tablet);
    say(&mut world, alice, chat, "b", "the body of b");
    world.pass_ms(29 * DAY_MS);
    world.mark(alice, chat, 2, 0);
    world.mark(bob, chat, 2, 0);
    sweep(&mut world);
    assert!(holds(&world, "the body of b"));
    world.pass_ms(2 * DAY_MS);
    sweep(&mut world);
    assert!(!holds(&world, "the body of b"));
}

#[test]
fn members_who_have_read_nothing_hold_a_group_up() {
    let mut world = World::with(2, with_default(Retention::UntilDelivered));
    let (a, b, c) = (world.user_on(0, 0), world.user_on(1, 0), world.user_on(1, 1));
    let (alice, bob, carol) = (world.online(a), world.online(b), world.online(c));
    let group = world.group(alice, "g", &[b, c]);
    say(&mut world, alice, group, "b", "the body of b");
    world.mark(alice, group, 2, 0);
    world.mark(bob, group, 2, 0);
    sweep(&mut world);
    assert!(holds(&world, "the body of b"));
    world.mark(carol, group, 2, 0);
    world.go();
    world.pass_ms(HOUR_MS);
    sweep(&mut world);
    assert!(!holds(&world, "the body of b"));
}

#[test]
fn conversations_that_nobody_uses_expire_too() {
    let mut world = World::with(2, with_default(TTL));
    let mut chats = Vec::new();
    for n in 0..10 {
        let (a, b) = (world.user_on(0, n), world.user_on(1, n));
        let alice = world.online(a);
        world.online(b);
        say(&mut world, alice, dm(a, b), "a", &format!("the body of {n}"));
        chats.push(dm(a, b));
    }
    // Everything is forgotten, and nobody comes back.
    world.crash();
    world.pass_ms(HOUR_MS);
    for _ in 0..PARTITION_SECONDS {
        for _ in 0..10 {
            world.tick();
        }
        world.go();
    }
    assert!(!holds(&world, "the body of"));
    assert!(chats.iter().all(|chat| world.store.headers(chat).count() == 1));
}

/// Seconds in which a walk comes by every slot of a shard: one slot each.
const PARTITION_SECONDS: usize = 260;

#[test]
fn long_logs_go_in_steps() {
    let (mut world, alice, bob, chat) = chat(with_default(TTL));
    for n in 0..600 {
        say(&mut world, alice, chat, &format!("m{n}"), "a body");
    }
    quiet(&mut world, &[alice, bob]);
    world.pass_ms(HOUR_MS);
    let mut steps = Vec::new();
    while holds(&world, "a body") {
        let before = world.store.rewritten();
        world.tick();
        world.go();
        steps.push(world.store.rewritten() - before);
        assert!(steps.len() < 1_000, "it goes on: {steps:?}");
    }
    assert!(steps.iter().all(|&step| step <= 256), "a step is bounded: {steps:?}");
    sweep(&mut world);
    assert!(!holds(&world, "a body"));
    world.pass_ms(8 * DAY_MS);
    sweep(&mut world);
    assert_eq!(world.store.headers(&chat).count(), 1);
}

#[test]
fn nothing_happens_to_a_log_that_was_told_to_keep_everything_meanwhile() {
    let (mut world, alice, bob, chat) = chat(with_default(TTL));
    world.pass_ms(HOUR_MS);
    world.hold_reads = true;
    world.tick();
    world.go();
    set(&mut world, alice, chat, Some(Retention::Forever));
    world.go();
    world.hold_reads = false;
    sweep(&mut world);
    quiet(&mut world, &[alice, bob]);
    world.newest(alice, chat);
    check(&mut world, alice, &["history 1:a 2:set (to 2, head 2)"]);
}

#[test]
fn a_revocation_and_a_sweep_at_once_leave_nothing() {
    let (mut world, alice, bob, chat) = chat(with_default(TTL));
    say(&mut world, alice, chat, "b", "the body of b");
    world.pass_ms(HOUR_MS);
    world.hold_reads = true;
    world.act(alice, chat, "x", Action::Revoke(Seq(2)));
    world.tick();
    world.go();
    world.hold_reads = false;
    sweep(&mut world);
    quiet(&mut world, &[alice, bob]);
    assert!(!holds(&world, "the body of b"));
    world.newest(bob, chat);
    check(&mut world, bob, &["history skip 0..2 3:x (to 3, head 3, floor 2)"]);
}

#[test]
fn a_crash_before_it_is_durable_takes_nothing_away() {
    let (mut world, alice, _, chat) = chat(with_default(TTL));
    say(&mut world, alice, chat, "b", "the body of b");
    world.pass_ms(HOUR_MS);
    world.hold_commits = true;
    sweep(&mut world);
    world.crash();
    world.hold_commits = false;
    assert!(holds(&world, "the body of b"));
    let Conversation::Direct { low, .. } = chat else { unreachable!() };
    let alice = world.login(low);
    world.newest(alice, chat);
    check(&mut world, alice, &["history 1:a 2:b (to 2, head 2)"]);
    sweep(&mut world);
    assert!(!holds(&world, "the body of b"));
}
