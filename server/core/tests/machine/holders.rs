//! `until_delivered` waits for every registered device of every member, and for nobody else.

use super::edits::chat;
use super::retention::{DAY_MS, HOUR_MS, holds, say, sweep, with_default};
use super::world::{Client, World, check};
use hubbub_core::ids::{Conversation, DeviceId, UserId};
use hubbub_core::records::{Read, Retention, Write};
use hubbub_core::request::{Action, Request};
use hubbub_core::settings::Settings;

const TABLET: u64 = 2;

fn until_delivered() -> Settings {
    with_default(Retention::UntilDelivered)
}

/// Alice and Bob hold two messages on their phones; Bob's tablet has logged in and holds what `tablet` says.
struct Talk {
    world: World,
    alice: Client,
    bob: Client,
    tablet: Client,
    chat: Conversation,
}

impl Talk {
    fn begin(settings: Settings, tablet_holds: u64) -> Talk {
        let (mut world, alice, bob, chat) = chat(settings);
        let Conversation::Direct { high, .. } = chat else { unreachable!() };
        let tablet = world.online_device(high, TABLET);
        say(&mut world, alice, chat, "b", "the body of b");
        if tablet_holds > 0 {
            world.mark(tablet, chat, tablet_holds, 0);
        }
        let mut talk = Talk { world, alice, bob, tablet, chat };
        talk.phones_hold(2);
        talk
    }

    fn phones_hold(&mut self, seq: u64) {
        self.world.mark(self.alice, self.chat, seq, 0);
        self.world.mark(self.bob, self.chat, seq, 0);
        self.world.go();
    }

    fn revoke(&mut self, device: u64) {
        self.world.request(self.bob, Request::RevokeDevice(DeviceId(device)));
    }

    /// Whether the body is kept by a sweep of its own.
    #[track_caller]
    fn check_kept(&mut self, is_kept: bool) {
        self.world.pass_ms(HOUR_MS);
        sweep(&mut self.world);
        assert_eq!(holds(&self.world, "the body of b"), is_kept);
    }
}

#[test]
fn a_device_without_marks_is_waited_for_until_it_is_not_seen_for_long() {
    let mut talk = Talk::begin(until_delivered(), 0);
    talk.world.close(talk.tablet);
    talk.check_kept(true);
    talk.world.pass_ms(29 * DAY_MS);
    talk.check_kept(true);
    talk.world.pass_ms(DAY_MS);
    talk.check_kept(false);
}

#[test]
fn a_connected_device_is_waited_for_however_long() {
    let mut talk = Talk::begin(until_delivered(), 1);
    talk.world.pass_ms(90 * DAY_MS);
    talk.check_kept(true);
    talk.world.mark(talk.tablet, talk.chat, 2, 0);
    talk.check_kept(false);
}

#[test]
fn a_revoked_device_is_not_waited_for() {
    for holds in [0, 1] {
        let mut talk = Talk::begin(until_delivered(), holds);
        talk.check_kept(true);
        talk.revoke(TABLET);
        talk.check_kept(false);
    }
}

#[test]
fn a_revocation_counts_once_it_is_durable() {
    let mut talk = Talk::begin(until_delivered(), 1);
    talk.world.hold_commits = true;
    talk.revoke(TABLET);
    talk.world.pass_ms(HOUR_MS);
    sweep(&mut talk.world);
    let writes: Vec<_> = talk.world.batches.iter().flat_map(|batch| &batch.writes).collect();
    assert!(writes.iter().any(|write| matches!(write, Write::PutDevice(..))));
    assert!(!writes.iter().any(|write| matches!(write, Write::RewriteBlock(..))), "{writes:?}");
    talk.world.hold_commits = false;
    sweep(&mut talk.world);
    assert!(!holds(&talk.world, "the body of b"));
}

#[test]
fn what_comes_during_a_look_is_looked_at_afterwards() {
    let mut talk = Talk::begin(until_delivered(), 0);
    talk.revoke(TABLET);
    talk.check_kept(false);
    say(&mut talk.world, talk.alice, talk.chat, "c", "the body of c");
    talk.world.tick();
    talk.world.go();
    talk.phones_hold(3);
    say(&mut talk.world, talk.alice, talk.chat, "d", "the body of d");
    sweep(&mut talk.world);
    assert!(!holds(&talk.world, "the body of c"));
}

#[test]
fn devices_of_users_who_are_not_in_memory_count() {
    let mut talk = Talk::begin(until_delivered(), 0);
    talk.world.crash();
    let Conversation::Direct { low, .. } = talk.chat else { unreachable!() };
    let alice = talk.world.online(low);
    talk.world.newest(alice, talk.chat);
    talk.check_kept(true);
    talk.world.pass_ms(31 * DAY_MS);
    talk.check_kept(false);
}

#[test]
fn nothing_goes_while_nobody_can_tell() {
    let mut talk = Talk::begin(until_delivered(), 2);
    talk.world.crash();
    let Conversation::Direct { low, .. } = talk.chat else { unreachable!() };
    let alice = talk.world.online(low);
    talk.world.newest(alice, talk.chat);
    talk.world.go();
    talk.world.fail_reads = true;
    talk.check_kept(true);
    talk.world.fail_reads = false;
    talk.check_kept(false);
}

#[test]
fn a_device_that_nobody_knows_any_more_counts_by_its_marks() {
    let few = Settings { devices_per_user_max: 2, ..until_delivered() };
    let mut talk = Talk::begin(few, 1);
    talk.revoke(TABLET);
    let Conversation::Direct { high, .. } = talk.chat else { unreachable!() };
    for device in [3, 4] {
        talk.world.login_device(high, device);
        talk.revoke(device);
        talk.world.go();
    }
    // There is only room for two tombstones: the tablet's has gone.
    talk.check_kept(true);
    talk.world.pass_ms(31 * DAY_MS);
    talk.check_kept(false);
}

#[test]
fn somebody_without_devices_is_waited_for_from_what_they_had() {
    let (mut world, alice, bob, chat) = chat(until_delivered());
    world.mark(alice, chat, 1, 0);
    world.mark(bob, chat, 1, 0);
    world.request(bob, Request::RevokeDevice(DeviceId(1)));
    world.go();
    say(&mut world, alice, chat, "b", "the body of b");
    world.mark(alice, chat, 2, 0);
    world.go();
    world.take(alice);
    world.pass_ms(29 * DAY_MS);
    sweep(&mut world);
    world.newest(alice, chat);
    check(&mut world, alice, &["history skip 0..1 2:b (to 2, head 2, floor 1)"]);
    world.pass_ms(2 * DAY_MS);
    sweep(&mut world);
    assert!(!holds(&world, "the body of b"));
}

#[test]
fn nobody_is_waited_for_before_they_joined() {
    let mut world = World::with(2, until_delivered());
    let (a, b) = (world.user_on(0, 0), world.user_on(1, 0));
    let (alice, _) = (world.online(a), world.online(b));
    let group = world.group(alice, "g", &[]);
    say(&mut world, alice, group, "b", "the body of b");
    world.act(alice, group, "add", Action::AddMembers(vec![b]));
    world.go();
    say(&mut world, alice, group, "c", "the body of c");
    world.mark(alice, group, 4, 0);
    world.pass_ms(HOUR_MS);
    sweep(&mut world);
    assert!(!holds(&world, "the body of b"));
    assert!(holds(&world, "the body of c"));
}

/// How many users are asked about by each tick that asks, when a log is looked through.
fn asked(world: &mut World) -> Vec<usize> {
    world.pass_ms(HOUR_MS);
    let mut asked = Vec::new();
    for _ in 0..20 {
        world.hold_reads = true;
        world.tick();
        world.go();
        let users = world.reads.iter().filter_map(|(_, _, read)| match read {
            Read::Devices(users) => Some(users.len()),
            _ => None,
        });
        asked.push(users.sum());
        world.hold_reads = false;
        world.go();
    }
    asked.retain(|&users| users > 0);
    asked
}

#[test]
fn a_large_group_is_asked_about_in_steps_and_first_whoever_held_it_up() {
    let mut world = World::with(2, Settings { group_members_max: 1_000, ..until_delivered() });
    let members: Vec<UserId> = (10_000..10_500).map(UserId).collect();
    world.make_accounts(&members);
    let owner = world.user_on(0, 0);
    let alice = world.online(owner);
    let group = world.group(alice, "g", &members);
    // All but two have not been here for long, and one of those holds nothing.
    world.pass_ms(40 * DAY_MS);
    let late = world.login(members[498]);
    world.close(late);
    world.mark(alice, group, 1, 0);
    let steps = asked(&mut world);
    assert!(steps.len() == 4 && steps.iter().all(|&users| users <= 128), "{steps:?}");
    assert!(steps.iter().sum::<usize>() > 490, "{steps:?}");
    let steps = asked(&mut world);
    assert!(steps.iter().sum::<usize>() <= 2, "the look begins and ends with who held the group up: {steps:?}");
    assert_eq!(world.store.record(&group).expect("it is there").floor.0, 0);
    world.pass_ms(40 * DAY_MS);
    assert_eq!(asked(&mut world).iter().sum::<usize>(), 500, "now everybody");
    assert_eq!(world.store.record(&group).expect("it is there").floor.0, 1);
}
