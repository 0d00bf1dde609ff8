//! Devices: how many there are, what they are called, and how often they are written down.

use super::world::{Client, World, check};
use hubbub_core::ids::{DeviceId, Timestamp, UserId};
use hubbub_core::machine::Proof;
use hubbub_core::records::{Read, ReadResult, StoredUser, Write};
use hubbub_core::request::Request;
use hubbub_core::settings::Settings;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const ADA: UserId = UserId(7);

fn few_devices() -> Settings {
    Settings { devices_per_user_max: 3, ..Settings::default() }
}

fn stored(world: &World) -> StoredUser {
    match world.store.read(&Read::User(ADA)) {
        ReadResult::User(Some(stored)) => *stored,
        other => panic!("{other:?}"),
    }
}

/// Logs in and goes; whether the device's row was written.
fn comes_and_goes(world: &mut World, device: u64) -> bool {
    world.hold_commits = true;
    let client = world.open(ADA, device, 1_000 + world.now.0 as u64);
    world.go();
    let writes = |world: &World| {
        let rows = world.batches.iter().flat_map(|batch| &batch.writes);
        rows.filter(|write| matches!(write, Write::PutDevice(..))).count()
    };
    let written = writes(world);
    world.hold_commits = false;
    world.go();
    world.take(client);
    world.close(client);
    world.go();
    written > 0
}

#[track_caller]
fn check_open(world: &mut World, device: u64, expected: &[&str]) -> Client {
    let client = world.open(ADA, device, 1_000 + world.now.0 as u64);
    check(world, client, expected);
    client
}

#[test]
fn a_device_is_written_at_its_first_login_and_then_once_an_hour() {
    let mut world = World::new(1);
    assert!(comes_and_goes(&mut world, 1));
    let first = world.now;
    for _ in 0..5 {
        world.pass_ms(10 * 60_000);
        assert!(!comes_and_goes(&mut world, 1));
    }
    world.pass_ms(10 * 60_000);
    assert!(comes_and_goes(&mut world, 1));
    let device = &stored(&world).devices[0].1;
    assert_eq!((device.created, device.last_seen), (first, world.now));
    world.crash();
    assert!(!comes_and_goes(&mut world, 1), "what was written is remembered");
}

#[test]
fn a_long_session_is_noted_at_its_end() {
    let mut world = World::new(1);
    let client = world.login(ADA);
    world.pass_ms(5 * HOUR_MS);
    world.close(client);
    world.go();
    assert_eq!(stored(&world).devices[0].1.last_seen, world.now);
}

#[test]
fn a_session_that_does_not_end_is_noted_once_a_day() {
    let mut world = World::new(1);
    world.login(ADA);
    let first = world.now;
    world.pass_ms(DAY_MS - HOUR_MS);
    world.tick();
    world.go();
    assert_eq!(stored(&world).devices[0].1.last_seen, first);
    world.pass_ms(HOUR_MS);
    world.tick();
    world.go();
    assert_eq!(stored(&world).devices[0].1.last_seen, world.now);
}

#[test]
fn one_device_too_many_is_refused_until_one_is_revoked() {
    let mut world = World::with(1, few_devices());
    let first = world.login_device(ADA, 1);
    world.login_device(ADA, 2);
    world.login_device(ADA, 3);
    check_open(&mut world, 4, &["refused: TooManyDevices", "closed: refused"]);
    check_open(&mut world, 2, &["logged in"]);
    world.request(first, Request::RevokeDevice(DeviceId(3)));
    check(&mut world, first, &["done"]);
    check_open(&mut world, 4, &["logged in"]);
    world.crash();
    check_open(&mut world, 5, &["refused: TooManyDevices", "closed: refused"]);
    check_open(&mut world, 1, &["logged in"]);
}

#[test]
fn a_device_that_was_not_seen_for_long_makes_room() {
    let mut world = World::with(1, few_devices());
    world.login_device(ADA, 1);
    for device in [2, 3] {
        let client = world.login_device(ADA, device);
        world.pass_ms(1_000);
        world.close(client);
    }
    world.pass_ms(90 * DAY_MS - 2_000);
    check_open(&mut world, 4, &["logged in"]);
    let left: Vec<u64> = stored(&world).devices.iter().map(|(device, _)| device.0).collect();
    assert_eq!(left, [1, 3, 4], "the one that is connected stays, however long it has been");
    check_open(&mut world, 5, &["refused: TooManyDevices", "closed: refused"]);
}

#[test]
fn tombstones_are_bounded_and_the_oldest_goes_first() {
    let mut world = World::with(1, few_devices());
    let asks = world.login_device(ADA, 1);
    for device in 2..=6 {
        world.login_device(ADA, device);
        world.pass_ms(1_000);
        world.request(asks, Request::RevokeDevice(DeviceId(device)));
        check(&mut world, asks, &["done"]);
    }
    let left: Vec<u64> = stored(&world).devices.iter().map(|(device, _)| device.0).collect();
    assert_eq!(left, [1, 4, 5, 6]);
    let old = Proof::SignedToken { issued: Some(Timestamp(1)) };
    let refused = world.open_by(ADA, 6, old, None);
    check(&mut world, refused, &["refused: DeviceRevoked", "closed: refused"]);
}

#[test]
fn devices_are_listed_named_and_revoked() {
    let mut world = World::new(1);
    let (one, two) = (world.login_device(ADA, 1), world.login_device(ADA, 2));
    world.request(one, Request::RenameDevice(DeviceId(2), "kitchen".into()));
    check(&mut world, one, &["done"]);
    world.request(one, Request::ListDevices);
    check(&mut world, one, &["devices 1 \"\", connected, current; 2 \"kitchen\", connected;"]);
    world.close(one);
    world.request(two, Request::ListDevices);
    check(&mut world, two, &["devices 1 \"\"; 2 \"kitchen\", connected, current;"]);
    world.request(two, Request::RevokeDevice(DeviceId(1)));
    world.request(two, Request::ListDevices);
    check(&mut world, two, &["done", "devices 2 \"kitchen\", connected, current;"]);
    for request in [Request::RenameDevice(DeviceId(1), "x".into()), Request::RevokeDevice(DeviceId(9))] {
        world.request(two, request);
        check(&mut world, two, &["refused: Invalid device_id"]);
    }
    world.request(two, Request::RevokeDevice(DeviceId(1)));
    check(&mut world, two, &["done"]);
    world.crash();
    let again = world.login_device(ADA, 2);
    world.request(again, Request::ListDevices);
    check(&mut world, again, &["devices 2 \"kitchen\", connected, current;"]);
}

#[test]
fn a_device_that_left_meanwhile_is_not_ended_twice() {
    let mut world = World::new(1);
    let (one, two) = (world.login_device(ADA, 1), world.login_device(ADA, 2));
    world.hold_commits = true;
    world.request(one, Request::RevokeDevice(DeviceId(2)));
    world.go();
    world.close(two);
    world.hold_commits = false;
    check(&mut world, two, &[]);
    check(&mut world, one, &["done"]);
}
