//! Sessions: accounts, the device's older session, generations.

use super::world::{World, check, dm};
use hubbub_core::settings::Settings;

#[test]
fn a_first_login_is_answered_once_the_account_is_durable() {
    let mut world = World::new(1);
    world.hold_commits = true;
    let user = world.user_on(0, 0);
    let client = world.open(user, 1, 1);
    check(&mut world, client, &[]);
    world.hold_commits = false;
    check(&mut world, client, &["logged in, created"]);
    let other = world.open(user, 2, 2);
    check(&mut world, other, &["logged in"]);
}

#[test]
fn logins_that_come_while_the_user_is_read_are_all_answered() {
    let mut world = World::new(1);
    let user = world.user_on(0, 0);
    let (first, second) = (world.open(user, 1, 1), world.open(user, 2, 2));
    check(&mut world, first, &["logged in, created"]);
    check(&mut world, second, &["logged in, created"]);
}

#[test]
fn without_create_users_an_unknown_user_is_refused() {
    let mut world = World::with(1, Settings { create_users: false, ..Settings::default() });
    let user = world.user_on(0, 0);
    let client = world.open(user, 1, 1);
    check(&mut world, client, &["refused: UnknownUser", "closed: refused"]);
}

#[test]
fn a_login_replaces_the_older_session_of_the_device() {
    let mut world = World::new(1);
    let user = world.user_on(0, 0);
    let older = world.login(user);
    let other_device = world.login_device(user, 2);
    let newer = world.open(user, 1, 9);
    check(&mut world, older, &["closed: replaced"]);
    check(&mut world, newer, &["logged in"]);
    check(&mut world, other_device, &[]);
}

#[test]
fn a_login_that_was_overtaken_by_a_newer_one_is_refused() {
    let mut world = World::new(1);
    let user = world.user_on(0, 0);
    let newer = world.open(user, 1, 9);
    check(&mut world, newer, &["logged in, created"]);
    let older = world.open(user, 1, 8);
    check(&mut world, older, &["refused: DeviceReplaced", "closed: refused"]);
    check(&mut world, newer, &[]);
    world.close(newer);
    let still_older = world.open(user, 1, 7);
    check(&mut world, still_older, &["refused: DeviceReplaced", "closed: refused"]);
}

#[test]
fn a_replaced_session_is_heard_no_more() {
    let mut world = World::new(1);
    let (a, b) = (world.user_on(0, 0), world.user_on(0, 1));
    let older = world.login(a);
    world.login(b);
    world.login(a);
    world.send(older, dm(a, b), "x");
    check(&mut world, older, &["closed: replaced"]);
    assert_eq!(world.store.headers(&dm(a, b)).count(), 0);
}

#[test]
fn what_a_replaced_session_sent_comes_before_what_the_newer_one_resends() {
    let mut world = World::new(2);
    let (a, b) = (world.user_on(1, 0), world.user_on(0, 0));
    let older = world.online(a);
    world.online(b);
    world.send(older, dm(a, b), "x");
    let newer = world.login(a);
    world.resend(newer, dm(a, b), "x", 0);
    check(&mut world, newer, &["sent 1 (duplicate)"]);
    assert_eq!(world.store.headers(&dm(a, b)).count(), 1);
}

#[test]
fn a_login_that_cannot_be_read_is_refused_and_may_be_repeated() {
    let mut world = World::new(1);
    world.fail_reads = true;
    let user = world.user_on(0, 0);
    let client = world.open(user, 1, 1);
    check(&mut world, client, &["refused: ReadFailed", "closed: refused"]);
    world.fail_reads = false;
    let again = world.open(user, 1, 2);
    check(&mut world, again, &["logged in, created"]);
}

#[test]
fn a_connection_that_ends_while_its_user_is_read_never_opens() {
    let mut world = World::new(1);
    let user = world.user_on(0, 0);
    world.hold_reads = true;
    let gone = world.open(user, 1, 1);
    let stays = world.open(user, 2, 2);
    world.go();
    world.close(gone);
    world.hold_reads = false;
    check(&mut world, gone, &[]);
    check(&mut world, stays, &["logged in, created"]);
    let again = world.open(user, 1, 3);
    check(&mut world, gone, &[]);
    check(&mut world, again, &["logged in"]);
}
