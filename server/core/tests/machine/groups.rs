//! Groups: who may do what, limits, and resends of what is no message.

use super::world::{Client, World, append, check, dm, list};
use hubbub_core::ids::{Conversation, UserId};
use hubbub_core::request::{Action, Append, Request};
use hubbub_core::settings::Settings;

fn team(settings: Settings) -> (World, [Client; 3], [UserId; 3], Conversation) {
    let mut world = World::with(2, settings);
    let users = [world.user_on(0, 0), world.user_on(1, 0), world.user_on(1, 1)];
    let clients = users.map(|user| world.online(user));
    let group = world.group(clients[0], "g", &users[1..2]);
    (world, clients, users, group)
}

#[test]
fn everybody_named_becomes_a_member() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, bob) = (world.online(a), world.online(b));
    world.create_group(alice, "g", &[b, a, b]);
    world.go();
    let frames = world.take(alice);
    let line = format!("group of 2 by {a}, head 1: {}", {
        let mut rows = [(a, "Owner"), (b, "Member")];
        rows.sort();
        rows.map(|(user, role)| format!("{user} {role} 1")).join(", ")
    });
    assert!(frames.contains(&line), "{frames:?}");
    assert!(frames.contains(&"joined group".to_owned()), "{frames:?}");
    check(&mut world, bob, &["joined group", "page group 1:g"]);
    assert!(world.store.outbox().is_empty());
}

#[test]
fn a_resend_of_create_group_names_the_same_group() {
    let (mut world, [alice, ..], [a, b, _], group) = team(Settings::default());
    world.create_group(alice, "g", &[b]);
    world.go();
    let frames = world.take(alice);
    assert_eq!(frames.len(), 1);
    assert!(frames[0].ends_with("(duplicate)"), "{frames:?}");
    assert_eq!(world.store.conversations().count(), 1);
    world.crash();
    let alice = world.login(a);
    world.create_group(alice, "g", &[b]);
    world.go();
    assert!(world.take(alice)[0].ends_with("(duplicate)"));
    assert_eq!(world.store.conversations().collect::<Vec<_>>(), [&group]);
}

#[test]
fn whoever_made_a_group_and_left_it_learns_nothing_by_a_resend() {
    let (mut world, [alice, ..], [_, b, _], group) = team(Settings::default());
    world.act(alice, group, "bye", Action::Leave);
    world.go();
    world.take(alice);
    world.create_group(alice, "g", &[b]);
    check(&mut world, alice, &["refused: UnknownConversation"]);
}

#[test]
fn a_group_of_users_that_do_not_exist_is_not_made() {
    let (mut world, [alice, ..], [_, b, _], _) = team(Settings::default());
    let ghost = world.user_on(1, 40);
    world.create_group(alice, "h", &[b, ghost]);
    check(&mut world, alice, &["refused: UnknownUser"]);
    assert_eq!(world.store.conversations().count(), 1);
}

#[test]
fn only_the_owner_adds_and_removes() {
    let (mut world, [alice, bob, carol], [a, b, c], group) = team(Settings::default());
    world.act(bob, group, "1", Action::AddMembers(vec![c]));
    check(&mut world, bob, &["refused: Forbidden"]);
    world.act(bob, group, "2", Action::RemoveMembers(vec![a]));
    check(&mut world, bob, &["refused: Forbidden"]);
    world.act(carol, group, "3", Action::AddMembers(vec![c]));
    check(&mut world, carol, &["refused: UnknownConversation"]);
    world.act(alice, group, "4", Action::RemoveMembers(vec![a, b]));
    check(&mut world, alice, &["refused: Invalid members"]);
    world.act(alice, group, "5", Action::AddMembers(vec![c, c, b]));
    check(&mut world, alice, &["done", "run group 2:5"]);
    world.act(alice, group, "6", Action::AddMembers(vec![c, b]));
    check(&mut world, alice, &["done"]);
    world.act(alice, group, "7", Action::RemoveMembers(vec![UserId(4_711)]));
    check(&mut world, alice, &["done"]);
}

#[test]
fn adding_users_that_do_not_exist_changes_nothing() {
    let (mut world, [alice, ..], _, group) = team(Settings::default());
    let ghost = world.user_on(1, 40);
    world.act(alice, group, "1", Action::AddMembers(vec![ghost]));
    check(&mut world, alice, &["refused: UnknownUser"]);
    assert_eq!(world.store.headers(&group).count(), 1);
}

#[test]
fn when_the_owner_leaves_the_longest_standing_member_owns() {
    let (mut world, [alice, bob, carol], [_, b, c], group) = team(Settings::default());
    world.act(alice, group, "1", Action::AddMembers(vec![c]));
    world.act(alice, group, "2", Action::Leave);
    world.go();
    world.take(bob);
    world.take(carol);
    world.get_group(bob, group, UserId(0), 10);
    let rows = |b_role: &str, c_role: &str| {
        let mut rows = [(b, b_role.to_owned() + " 1"), (c, c_role.to_owned() + " 2")];
        rows.sort();
        rows.map(|(user, row)| format!("{user} {row}")).join(", ")
    };
    let line = format!("group of 2 by {b}, head 3: {}", rows("Owner", "Member"));
    check(&mut world, bob, &[&line]);
    world.crash();
    let bob = world.login(b);
    world.get_group(bob, group, UserId(0), 10);
    check(&mut world, bob, &[&line]);
    world.act(bob, group, "3", Action::Leave);
    world.go();
    let carol = world.login(c);
    world.act(carol, group, "4", Action::Leave);
    check(&mut world, carol, &["done", "left group"]);
    world.act(carol, group, "5", Action::Leave);
    check(&mut world, carol, &["refused: UnknownConversation"]);
}

#[test]
fn a_direct_conversation_cannot_be_left_or_grown() {
    let (mut world, [alice, ..], [a, b, c], _) = team(Settings::default());
    world.send(alice, dm(a, b), "x");
    world.go();
    world.take(alice);
    world.act(alice, dm(a, b), "1", Action::Leave);
    check(&mut world, alice, &["refused: Forbidden"]);
    world.act(alice, dm(a, b), "2", Action::AddMembers(vec![c]));
    check(&mut world, alice, &["refused: Forbidden"]);
}

#[test]
fn a_group_has_a_limit() {
    let (mut world, [alice, ..], [_, b, c], group) = team(Settings { group_members_max: 2, ..Settings::default() });
    world.act(alice, group, "1", Action::AddMembers(vec![c]));
    check(&mut world, alice, &["refused: Limit members"]);
    world.create_group(alice, "h", &[b, c]);
    check(&mut world, alice, &["refused: Limit members"]);
}

#[test]
fn resends_of_changes_are_done_once() {
    let (mut world, [alice, ..], [_, b, c], group) = team(Settings::default());
    for action in [Action::AddMembers(vec![c]), Action::RemoveMembers(vec![b])] {
        let name = if matches!(action, Action::AddMembers(_)) { "in" } else { "out" };
        let before = world.store.headers(&group).count();
        for resend in [false, true, true] {
            let append = Append { resend, ..append(name, action.clone()) };
            world.request(alice, Request::Append { conversation: group, append });
            world.go();
            assert!(world.take(alice).contains(&"done".to_owned()));
        }
        assert_eq!(world.store.headers(&group).count(), before + 1);
    }
}

#[test]
fn a_resent_addition_does_not_undo_a_removal() {
    let (mut world, [alice, _, carol], [_, _, c], group) = team(Settings::default());
    world.act(alice, group, "in", Action::AddMembers(vec![c]));
    world.act(alice, group, "out", Action::RemoveMembers(vec![c]));
    world.go();
    world.take(carol);
    let append = Append { resend: true, ..append("in", Action::AddMembers(vec![c])) };
    world.request(alice, Request::Append { conversation: group, append });
    check(&mut world, carol, &[]);
    world.send(carol, group, "x");
    check(&mut world, carol, &["refused: UnknownConversation"]);
}

#[test]
fn members_come_in_pages() {
    let (mut world, [alice, ..], [a, b, _], group) = team(Settings::default());
    let (low, high) = (a.min(b), a.max(b));
    let role = |user| if user == a { "Owner" } else { "Member" };
    world.get_group(alice, group, UserId(0), 1);
    check(&mut world, alice, &[&format!("group of 2 by {a}, head 1: {low} {} 1, more", role(low))]);
    world.get_group(alice, group, low, 1);
    check(&mut world, alice, &[&format!("group of 2 by {a}, head 1: {high} {} 1", role(high))]);
}

#[test]
fn strangers_learn_nothing_of_a_group() {
    let (mut world, [_, _, carol], _, group) = team(Settings::default());
    world.get_group(carol, group, UserId(0), 10);
    check(&mut world, carol, &["refused: UnknownConversation"]);
}

#[test]
fn conversations_are_listed_while_they_are_ones_own() {
    let (mut world, [alice, bob, _], [a, b, _], group) = team(Settings::default());
    world.send(alice, dm(a, b), "x");
    world.go();
    world.take(bob);
    world.request(bob, list(None, 1, false));
    check(&mut world, bob, &["conversations dm, more"]);
    world.request(bob, list(Some(dm(a, b)), 1, false));
    check(&mut world, bob, &["conversations group"]);
    world.act(bob, group, "bye", Action::Leave);
    world.go();
    world.take(bob);
    world.request(bob, list(None, 10, false));
    check(&mut world, bob, &["conversations dm"]);
}

#[test]
fn two_creations_of_one_name_at_once_make_one_group() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let alice = world.login(a);
    world.login(b);
    world.create_group(alice, "g", &[b]);
    world.create_group(alice, "g", &[b]);
    world.go();
    let frames = world.take(alice);
    let groups: Vec<&String> = frames.iter().filter(|line| line.starts_with("group of")).collect();
    assert_eq!(groups.len(), 2, "{frames:?}");
    assert!(groups[1].ends_with("(duplicate)"), "{frames:?}");
    assert_eq!(world.store.conversations().count(), 1);
}
