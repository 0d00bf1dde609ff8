//! `Sync`: where logs continue, and when the answer leaves.

use super::world::{Client, World, check, dm, nobody};
use hubbub_core::ids::{Conversation, LogId, Seq, UserId};
use hubbub_core::machine::Input;
use hubbub_core::message::{Message, SessionMessage};
use hubbub_core::request::{Action, Request, SyncCursor};
use hubbub_core::settings::Settings;

/// A chat of so many entries, whose reader is on another shard and gone.
fn chat(entries: usize, settings: Settings) -> (World, Client, UserId, Conversation) {
    let mut world = World::with(2, settings);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let alice = world.online(a);
    let bob = world.login(b);
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"].into_iter().take(entries) {
        world.send(alice, dm(a, b), name);
        world.go();
    }
    world.close(bob);
    world.go();
    world.take(alice);
    (world, alice, b, dm(a, b))
}

#[test]
fn a_cursor_continues_its_log() {
    let (mut world, alice, b, chat) = chat(3, Settings::default());
    let bob = world.login(b);
    world.sync(bob, &[(chat, 1)], false);
    check(&mut world, bob, &["page dm 2:b 3:c", "synced dm head 3 unread 3"]);
    world.send(alice, chat, "x");
    check(&mut world, bob, &["run dm 4:x"]);
}

#[test]
fn nothing_to_say_is_said_at_once() {
    let (mut world, _, b, chat) = chat(1, Settings::default());
    let bob = world.login(b);
    world.sync(bob, &[], false);
    check(&mut world, bob, &["synced"]);
    world.sync(bob, &[(chat, 1)], false);
    check(&mut world, bob, &["synced dm head 1 unread 1"]);
}

#[test]
fn conversations_that_were_not_named_start_near_the_head() {
    let (mut world, _, b, _) = chat(5, Settings { sync_entries_max: 2, ..Settings::default() });
    let bob = world.login(b);
    world.sync(bob, &[], true);
    check(&mut world, bob, &["page dm skip 0..3 4:d 5:e", "synced dm head 5 unread 5"]);
}

#[test]
fn conversations_that_were_not_named_start_after_the_users_delivered_mark() {
    let (mut world, _, b, chat) = chat(5, Settings::default());
    let phone = world.login_device(b, 1);
    world.mark(phone, chat, 4, 3);
    check(&mut world, phone, &["done"]);
    let tablet = world.login_device(b, 2);
    world.sync(tablet, &[], true);
    check(&mut world, tablet, &["page dm skip 0..4 5:e", "synced dm head 5 read 3 unread 2"]);
}

#[test]
fn a_named_conversation_is_not_started_again_by_include_others() {
    let (mut world, _, b, chat) = chat(3, Settings::default());
    let bob = world.login(b);
    world.sync(bob, &[(chat, 2)], false);
    check(&mut world, bob, &["page dm 3:c", "synced dm head 3 unread 3"]);
    world.sync(bob, &[], true);
    check(&mut world, bob, &["synced"]);
}

#[test]
fn long_logs_come_in_pages_and_the_answer_after_the_last() {
    let (mut world, _, b, chat) = chat(5, Settings { page_entries_max: 2, ..Settings::default() });
    let bob = world.login(b);
    world.sync(bob, &[(chat, 0)], false);
    let expected = ["page dm 1:a 2:b", "page dm 3:c 4:d", "page dm 5:e", "synced dm head 5 unread 5"];
    check(&mut world, bob, &expected);
}

#[test]
fn a_live_session_on_the_same_shard_does_not_answer_anothers_sync() {
    let (mut world, alice, b, chat) = chat(3, Settings { page_entries_max: 1, ..Settings::default() });
    let tablet = world.online_device(b, 2);
    let phone = world.login_device(b, 1);
    world.sync(phone, &[(chat, 0)], false);
    world.hold_reads = true;
    world.go();
    // The first page is read, with the state; the second is held while a run passes to the tablet.
    let (shard, token, read) = world.reads.pop_front().unwrap();
    let answer = Input::Loaded(token, world.store.read(&read));
    world.shards[shard].handle(answer, world.now);
    world.send(alice, chat, "x");
    world.go();
    check(&mut world, tablet, &["run dm 4:x"]);
    check(&mut world, phone, &["page dm 1:a"]);
    world.hold_reads = false;
    world.go();
    let frames = world.take(phone);
    let place = |line: &str| frames.iter().position(|frame| frame.starts_with(line));
    assert!(place("page dm 3:c").is_some() && place("page dm 3:c") < place("synced"), "{frames:?}");
    assert_eq!(frames.len(), 4, "{frames:?}");
}

#[test]
fn a_conversation_named_again_belongs_to_the_newer_sync() {
    let (mut world, _, b, chat) = chat(3, Settings::default());
    let bob = world.login(b);
    world.hold_reads = true;
    world.sync(bob, &[(chat, 0)], false);
    world.go();
    world.sync(bob, &[(chat, 2)], false);
    check(&mut world, bob, &["synced"]);
    world.hold_reads = false;
    check(&mut world, bob, &["page dm 3:c", "synced dm head 3 unread 3"]);
}

#[test]
fn a_sync_that_finds_a_page_under_way_is_answered_too() {
    let (mut world, alice, b, chat) = chat(3, Settings::default());
    let bob = world.login(b);
    world.sync(bob, &[(chat, 3)], false);
    world.go();
    world.take(bob);
    // The session falls behind; its page is under way when it names the conversation again, at the same place.
    world.send(alice, chat, "x");
    world.drop_runs = true;
    world.go();
    world.drop_runs = false;
    world.hold_reads = true;
    let now = world.now;
    world.shards[1].handle(Input::Message(Message::ToSession(SessionMessage::Behind(chat, Seq(4)))), now);
    world.go();
    let log_id = world_log_id(&world, &chat);
    let cursor = SyncCursor { conversation: chat, log_id, seq: Seq(3) };
    world.request(bob, Request::Sync { cursors: vec![cursor], include_others: false });
    world.go();
    world.hold_reads = false;
    world.go();
    let frames = world.take(bob);
    assert_eq!(frames.iter().filter(|line| line.starts_with("page")).count(), 1, "{frames:?}");
    assert!(frames.iter().any(|line| line.starts_with("synced dm head 4")), "{frames:?}");
}

fn world_log_id(world: &World, conversation: &Conversation) -> LogId {
    match world.store.read(&hubbub_core::records::Read::Conversation(*conversation)) {
        hubbub_core::records::ReadResult::Conversation(Some(stored)) => stored.record.log_id,
        _ => panic!("it is stored"),
    }
}

#[test]
fn several_syncs_are_answered_each() {
    let (mut world, alice, b, chat) = chat(2, Settings::default());
    let c = world.user_on(0, 3);
    let carol = world.online(c);
    world.send(carol, dm(b, c), "x");
    world.go();
    let bob = world.login(b);
    world.sync(bob, &[(chat, 0)], false);
    world.sync(bob, &[(dm(b, c), 0)], false);
    world.sync(bob, &[], true);
    world.go();
    let frames = world.take(bob);
    assert_eq!(frames.iter().filter(|line| line.starts_with("synced")).count(), 3, "{frames:?}");
    assert_eq!(frames.len(), 5, "{frames:?}");
    world.send(alice, chat, "y");
    check(&mut world, bob, &["run dm 3:y"]);
}

#[test]
fn conversations_that_are_not_the_callers_are_said_to_be_none() {
    let (mut world, _, _, chat) = chat(1, Settings::default());
    let c = world.user_on(1, 3);
    let carol = world.login(c);
    world.sync(carol, &[(chat, 0), (nobody(), 7)], false);
    check(&mut world, carol, &["synced dm head 0 (no member), group head 0 (no member)"]);
}

#[test]
fn a_cursor_of_another_life_of_the_log_is_void() {
    let (mut world, alice, b, chat) = chat(3, Settings { log_epoch: 1, ..Settings::default() });
    let bob = world.login(b);
    let cursor = SyncCursor { conversation: chat, log_id: LogId(1), seq: Seq(2) };
    world.request(bob, Request::Sync { cursors: vec![cursor], include_others: false });
    let expected = ["log reset, head 3", "page dm 1:a 2:b 3:c", "synced dm head 3 unread 3"];
    check(&mut world, bob, &expected);
    world.send(alice, chat, "x");
    check(&mut world, bob, &["run dm 4:x"]);
}

#[test]
fn a_cursor_beyond_the_head_is_void() {
    let (mut world, _, b, chat) = chat(3, Settings::default());
    let bob = world.login(b);
    world.sync(bob, &[(chat, 4)], false);
    let expected = ["log reset, head 3", "page dm 1:a 2:b 3:c", "synced dm head 3 unread 3"];
    check(&mut world, bob, &expected);
}

#[test]
fn a_page_that_cannot_be_read_is_asked_for_again() {
    let (mut world, _, b, chat) = chat(2, Settings::default());
    let bob = world.login(b);
    world.fail_reads = true;
    world.sync(bob, &[(chat, 0)], false);
    check(&mut world, bob, &[]);
    world.fail_reads = false;
    world.tick();
    check(&mut world, bob, &["page dm 1:a 2:b", "synced dm head 2 unread 2"]);
}

#[test]
fn only_messages_of_people_count_as_unread_and_only_those_that_the_member_may_see() {
    let mut world = World::new(2);
    let (a, b, c) = (world.user_on(0, 0), world.user_on(1, 0), world.user_on(1, 1));
    let (alice, bob, carol) = (world.online(a), world.online(b), world.login(c));
    let group = world.group(alice, "g", &[b]);
    for name in ["x", "y"] {
        world.send(alice, group, name);
    }
    world.act(alice, group, "in", Action::AddMembers(vec![c]));
    world.send(alice, group, "z");
    world.go();
    world.take(carol);
    world.take(bob);
    world.sync(carol, &[], true);
    check(&mut world, carol, &["page group skip 0..3 4:in 5:z", "synced group head 5 unread 1"]);
    world.mark(bob, group, 3, 3);
    world.go();
    let tablet = world.login_device(b, 2);
    world.sync(tablet, &[(group, 5)], false);
    check(&mut world, tablet, &["synced group head 5 read 3 unread 1"]);
}

#[test]
fn unread_is_counted_at_the_head_that_the_answer_names() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.login(b));
    let group = world.group(alice, "g", &[b]);
    world.send(alice, group, "x");
    world.go();
    world.mark(bob, group, 2, 2);
    world.go();
    world.take(bob);
    world.hold_reads = true;
    world.sync(bob, &[(group, 0)], false);
    world.go();
    world.send(alice, group, "y");
    world.go();
    world.hold_reads = false;
    world.go();
    let frames = world.take(bob);
    let synced = frames.iter().find(|line| line.starts_with("synced")).unwrap();
    assert!(["synced group head 2 read 2", "synced group head 3 read 2 unread 1"].contains(&&**synced), "{frames:?}");
}

#[test]
fn former_members_see_the_end_of_their_time_however_long_ago() {
    let mut world = World::with(2, Settings { sync_entries_max: 2, ..Settings::default() });
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.login(b));
    let group = world.group(alice, "g", &[b]);
    world.close(bob);
    world.send(alice, group, "x");
    world.act(alice, group, "out", Action::RemoveMembers(vec![b]));
    for name in ["1", "2", "3", "4"] {
        world.send(alice, group, name);
    }
    world.go();
    let bob = world.login(b);
    world.sync(bob, &[], true);
    check(&mut world, bob, &["page group skip 0..1 2:x 3:out", "synced group head 3 (no member)"]);
}

#[test]
fn a_named_conversation_that_ended_and_began_again_goes_on_from_its_cursor() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, phone) = (world.online(a), world.online_device(b, 1));
    let group = world.group(alice, "g", &[b]);
    world.act(alice, group, "out", Action::RemoveMembers(vec![b]));
    world.go();
    let tablet = world.login_device(b, 2);
    world.sync(tablet, &[(group, 1)], false);
    check(&mut world, tablet, &["page group 2:out", "synced group head 2 (no member)"]);
    world.act(alice, group, "in", Action::AddMembers(vec![b]));
    world.send(alice, group, "x");
    world.go();
    world.mark(phone, group, 4, 4);
    world.go();
    world.take(tablet);
    world.sync(tablet, &[], true);
    check(&mut world, tablet, &["page group 3:in 4:x", "synced group head 4 read 4"]);
}

#[test]
fn a_named_conversation_that_ended_began_again_and_ended_goes_on_to_its_second_end() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, _phone) = (world.online(a), world.online_device(b, 1));
    let group = world.group(alice, "g", &[b]);
    world.act(alice, group, "out", Action::RemoveMembers(vec![b]));
    world.go();
    let tablet = world.login_device(b, 2);
    world.sync(tablet, &[(group, 1)], false);
    check(&mut world, tablet, &["page group 2:out", "synced group head 2 (no member)"]);
    world.act(alice, group, "in", Action::AddMembers(vec![b]));
    world.send(alice, group, "x");
    world.act(alice, group, "out2", Action::RemoveMembers(vec![b]));
    world.go();
    world.take(tablet);
    world.sync(tablet, &[], true);
    check(&mut world, tablet, &["page group 3:in 4:x 5:out2", "synced group head 5 (no member)"]);
}
