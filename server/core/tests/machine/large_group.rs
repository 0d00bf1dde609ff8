//! A group of 20,000: what each message and each change costs in messages and writes, whatever the size.

use super::world::{Client, World, append, creation, message};
use hubbub_core::ids::{Conversation, UserId};
use hubbub_core::machine::Effect;
use hubbub_core::records::{GroupSettings, Write};
use hubbub_core::request::{Action, Request};
use hubbub_core::settings::Settings;
use std::collections::BTreeSet;

const MEMBERS: u64 = 20_000;
const REQUEST_USERS: usize = 8_000;
const SHARDS: u16 = 4;

/// A group of many whose accounts exist and who are all away, save its owner and two others on two shards.
fn crowd() -> (World, Conversation, [Client; 3]) {
    let mut world = World::with(SHARDS, Settings { group_members_max: 100_000, ..Settings::default() });
    let users: Vec<UserId> = (10_000..10_000 + MEMBERS - 3).map(UserId).collect();
    let present = [world.user_on(0, 0), world.user_on(1, 0), world.user_on(1, 1)];
    world.make_accounts(&users);
    let clients = present.map(|user| world.online(user));
    world.request(clients[0], creation("crowd", &present[1..], GroupSettings::default()));
    world.go();
    let group = *world.store.conversations().next().expect("one was made");
    for (n, users) in users.chunks(REQUEST_USERS).enumerate() {
        world.act(clients[0], group, &format!("add {n}"), Action::AddMembers(users.to_vec()));
        world.go();
    }
    clients.iter().for_each(|client| drop(world.take(*client)));
    (world, group, clients)
}

#[test]
fn a_message_is_written_once_and_sent_to_the_shards_of_those_who_follow() {
    let (mut world, group, [owner, ..]) = crowd();
    let home = world.slots.shard_of_conversation(&group);
    world.log_effects = true;
    world.hold_commits = true;
    world.send(owner, group, "x");
    world.go();
    let writes: Vec<&Write> = world.batches.iter().flat_map(|batch| &batch.writes).collect();
    assert!(matches!(writes[..], [Write::PutBlock(..)]), "{writes:?}");
    world.hold_commits = false;
    world.go();
    let runs: Vec<u16> = world
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Forward(shard, message) if message.as_run().is_some() => Some(shard.0),
            _ => None,
        })
        .collect();
    let mut following = BTreeSet::from([0, 1]);
    following.remove(&home.0);
    assert_eq!(runs, following.into_iter().collect::<Vec<_>>(), "one run for each other shard that follows");
    let pushes = world.effects.iter().filter(|effect| matches!(effect, Effect::PushRun(..))).count();
    assert_eq!(pushes, 2, "and one push on each shard, for all of its sessions");
}

#[test]
fn everybody_is_in_and_pages_tell_all_of_them() {
    let (mut world, group, [owner, ..]) = crowd();
    for crashed in [false, true] {
        let (mut after, mut seen, mut client) = (UserId(0), 0, owner);
        if crashed {
            world.crash();
            client = world.login(world.user_on(0, 0));
        }
        loop {
            world.get_group(client, group, after, 1_000);
            world.go();
            let Some(hubbub_core::request::Reply::Group(info)) = world.last_reply.take() else { panic!("no group") };
            assert_eq!(info.member_count as u64, MEMBERS, "crashed: {crashed}");
            assert!(info.members.is_sorted_by_key(|member| member.user) && info.members[0].user > after);
            seen += info.members.len() as u64;
            after = info.members.last().expect("a page has members").user;
            if !info.more {
                break;
            }
        }
        assert_eq!(seen, MEMBERS, "crashed: {crashed}");
    }
    assert!(world.store.outbox().is_empty());
}

#[test]
fn removing_many_ends_those_who_follow_and_no_others() {
    let (mut world, group, [owner, bob, carol]) = crowd();
    let mut users: Vec<UserId> = (10_000..10_000 + REQUEST_USERS as u64 - 1).map(UserId).collect();
    users.push(world.user_on(1, 0));
    world.act(owner, group, "out", Action::RemoveMembers(users));
    world.send(owner, group, "after");
    world.go();
    assert_eq!(world.take(bob), ["run group 5:out", "left group"]);
    assert_eq!(world.take(carol), ["run group 5:out", "run group 6:after"]);
}

#[test]
fn the_end_of_it_is_one_entry_and_one_row_of_the_conversation() {
    let (mut world, group, [owner, bob, _]) = crowd();
    world.hold_commits = true;
    world.request(owner, Request::Append { conversation: group, append: append("end", Action::DeleteGroup) });
    world.go();
    let rows =
        world.batches.iter().flat_map(|batch| &batch.writes).filter(|write| !matches!(write, Write::PutOutbox(_)));
    let rows: Vec<&Write> = rows.collect();
    assert!(matches!(rows[..], [Write::PutBlock(..), Write::PutConversation(..)]), "{rows:?}");
    world.hold_commits = false;
    world.go();
    assert_eq!(world.take(bob), ["run group 5:end", "left group"]);
    assert!(world.store.outbox().is_empty());
    world.act(owner, group, "late", message());
    world.go();
    assert_eq!(world.take(owner).pop().as_deref(), Some("refused: UnknownConversation"));
}
