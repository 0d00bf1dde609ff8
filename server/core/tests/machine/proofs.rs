//! What opens a session: signed tokens, passwords, session tokens, and what voids them.

use super::registration::registration;
use super::show::DAY_US;
use super::world::{Client, World, check};
use hubbub_core::account::{PasswordHash, TokenHash};
use hubbub_core::ids::{DeviceId, Timestamp, UserId};
use hubbub_core::machine::Proof;
use hubbub_core::request::{PasswordChange, Request};
use hubbub_core::settings::Settings;

const DAY_MS: u64 = 24 * 3_600_000;
const ADA: UserId = UserId(7);

fn token(n: u8) -> TokenHash {
    TokenHash::new([n; 32])
}

fn password(user: UserId) -> Proof {
    Proof::Password(PasswordHash::new(format!("hash of {user}")))
}

fn shown(n: u8) -> Proof {
    Proof::SessionToken(token(n))
}

fn issued(time: Timestamp) -> Proof {
    Proof::SignedToken { issued: Some(time) }
}

/// A world in which Ada has registered.
fn world() -> World {
    let mut world = World::new(2);
    world.ask(0, registration(ADA, "ada@example.org"));
    world.go();
    world
}

/// Ada's first login with a token to come back with.
fn first_login(world: &mut World, device: u64) -> Client {
    let client = world.open_by(ADA, device, password(ADA), Some(token(device as u8)));
    check(world, client, &[&logged_in(world, 90)]);
    client
}

fn logged_in(world: &World, days: i64) -> String {
    format!("logged in, token to day {}", world.now.0 / DAY_US + days)
}

#[track_caller]
fn check_open(world: &mut World, device: u64, proof: Proof, expected: &str) -> Client {
    let client = world.open_by(ADA, device, proof, None);
    world.go();
    assert_eq!(world.take(client).join("; "), expected);
    client
}

#[test]
fn a_password_opens_and_the_token_that_it_gave_opens_again() {
    let mut world = world();
    first_login(&mut world, 1);
    world.crash();
    let expected = logged_in(&world, 90);
    check_open(&mut world, 1, shown(1), &expected);
    check_open(&mut world, 1, shown(2), "refused: TokenInvalid; closed: refused");
    check_open(&mut world, 2, shown(1), "refused: TokenInvalid; closed: refused");
}

#[test]
fn a_token_is_durable_before_it_is_told() {
    let mut world = world();
    world.hold_commits = true;
    let client = world.open_by(ADA, 1, password(ADA), Some(token(1)));
    check(&mut world, client, &[]);
    world.hold_commits = false;
    let expected = logged_in(&world, 90);
    check(&mut world, client, &[&expected]);
}

#[test]
fn a_password_that_is_not_the_accounts_any_more_opens_nothing() {
    let mut world = world();
    let stale = Proof::Password(PasswordHash::new("another hash"));
    check_open(&mut world, 1, stale, "refused: WrongCredentials; closed: refused");
}

#[test]
fn a_token_lives_on_when_it_is_used_in_its_second_half() {
    let mut world = world();
    first_login(&mut world, 1);
    let end = world.now.0 / DAY_US + 90;
    world.pass_ms(44 * DAY_MS);
    check_open(&mut world, 1, shown(1), &format!("logged in, token to day {end}"));
    world.pass_ms(2 * DAY_MS);
    let moved = logged_in(&world, 90);
    check_open(&mut world, 1, shown(1), &moved);
    world.crash();
    world.pass_ms(80 * DAY_MS);
    let moved = logged_in(&world, 90);
    check_open(&mut world, 1, shown(1), &moved);
}

#[test]
fn a_token_ends() {
    let mut world = world();
    first_login(&mut world, 1);
    world.pass_ms(90 * DAY_MS - 1);
    let moved = logged_in(&world, 90);
    let last = world.open_by(ADA, 1, shown(1), None);
    check(&mut world, last, &[&moved]);
    world.pass_ms(90 * DAY_MS);
    check_open(&mut world, 1, shown(1), "refused: TokenExpired; closed: refused");
    let expected = logged_in(&world, 90);
    let again = world.open_by(ADA, 1, password(ADA), Some(token(9)));
    check(&mut world, again, &[&expected]);
    check_open(&mut world, 1, shown(1), "refused: TokenInvalid; closed: refused");
}

#[test]
fn signed_tokens_open_without_a_session_token_and_leave_it_alone() {
    let mut world = world();
    first_login(&mut world, 1);
    let now = world.now;
    check_open(&mut world, 1, issued(now), "logged in");
    let expected = logged_in(&world, 90);
    check_open(&mut world, 1, shown(1), &expected);
}

#[test]
fn logging_out_voids_the_token_durably_and_ends_the_session() {
    let mut world = world();
    let client = first_login(&mut world, 1);
    let other = first_login(&mut world, 2);
    world.hold_commits = true;
    world.request(client, Request::LogOut { all_devices: false });
    check(&mut world, client, &[]);
    world.hold_commits = false;
    check(&mut world, client, &["done", "closed: logged out"]);
    check(&mut world, other, &[]);
    world.crash();
    check_open(&mut world, 1, shown(1), "refused: TokenInvalid; closed: refused");
    let expected = logged_in(&world, 90);
    check_open(&mut world, 2, shown(2), &expected);
    check_open(&mut world, 1, issued(Timestamp(1)), "logged in");
}

#[test]
fn logging_out_everywhere_ends_all_devices() {
    let mut world = world();
    let (one, two) = (first_login(&mut world, 1), first_login(&mut world, 2));
    world.request(one, Request::LogOut { all_devices: true });
    check(&mut world, one, &["done", "closed: logged out"]);
    check(&mut world, two, &["closed: revoked"]);
    for device in [1, 2] {
        let refused = "refused: TokenInvalid; closed: refused";
        check_open(&mut world, device, shown(device as u8), refused);
    }
}

#[test]
fn a_revoked_device_opens_for_younger_tokens_and_the_password_only() {
    let mut world = world();
    let (one, two) = (first_login(&mut world, 1), first_login(&mut world, 2));
    world.request(one, Request::RevokeDevice(DeviceId(2)));
    check(&mut world, one, &["done"]);
    check(&mut world, two, &["closed: revoked"]);
    world.crash();
    let refused = "refused: DeviceRevoked; closed: refused";
    check_open(&mut world, 2, shown(2), refused);
    check_open(&mut world, 2, Proof::SignedToken { issued: None }, refused);
    let now = world.now;
    check_open(&mut world, 2, issued(now), refused);
    check_open(&mut world, 2, issued(now.plus_ms(1_000)), "logged in");
    check_open(&mut world, 2, issued(Timestamp(1)), "logged in");
    check_open(&mut world, 2, shown(2), "refused: TokenInvalid; closed: refused");
}

#[test]
fn the_password_opens_a_revoked_device() {
    let mut world = world();
    let one = first_login(&mut world, 1);
    world.request(one, Request::RevokeDevice(DeviceId(1)));
    check(&mut world, one, &["done", "closed: logged out"]);
    first_login(&mut world, 1);
}

#[test]
fn a_changed_password_ends_the_other_devices() {
    for keep_other_devices in [false, true] {
        let mut world = world();
        let (one, two) = (first_login(&mut world, 1), first_login(&mut world, 2));
        let change = |verified: &str, new: &str| {
            let verified = Some(PasswordHash::new(verified));
            let new = PasswordHash::new(new);
            Request::ChangePassword(Box::new(PasswordChange { verified, new, keep_other_devices }))
        };
        world.request(one, change("not the one that counts", "new"));
        check(&mut world, one, &["refused: WrongPassword"]);
        world.request(one, change("hash of 7", "new"));
        check(&mut world, one, &["done"]);
        let (told, second) = match keep_other_devices {
            true => (vec![], logged_in(&world, 90)),
            false => (vec!["closed: revoked"], "refused: TokenInvalid; closed: refused".to_owned()),
        };
        check(&mut world, two, &told);
        world.crash();
        let first = logged_in(&world, 90);
        check_open(&mut world, 1, shown(1), &first);
        check_open(&mut world, 2, shown(2), &second);
        check_open(&mut world, 3, password(ADA), "refused: WrongCredentials; closed: refused");
        check_open(&mut world, 3, Proof::Password(PasswordHash::new("new")), "logged in");
    }
}

#[test]
fn no_proof_but_a_signed_token_makes_an_account() {
    let mut world = World::new(1);
    check_open(&mut world, 1, shown(1), "refused: TokenInvalid; closed: refused");
    check_open(&mut world, 1, password(ADA), "refused: WrongCredentials; closed: refused");
    check_open(&mut world, 1, issued(Timestamp(1)), "logged in, created");
    check_open(&mut world, 2, password(ADA), "refused: WrongCredentials; closed: refused");
    let strict = Settings { create_users: false, ..Settings::default() };
    let mut world = World::with(1, strict);
    check_open(&mut world, 1, issued(Timestamp(1)), "refused: UnknownUser; closed: refused");
}

#[test]
fn logins_that_come_with_an_account_to_be_are_judged_by_what_it_is() {
    let mut world = World::new(1);
    world.hold_reads = true;
    let strangers = [shown(1), password(ADA)].map(|proof| world.open_by(ADA, 1, proof, None));
    let named = world.open_by(ADA, 2, issued(Timestamp(1)), None);
    world.hold_reads = false;
    check(&mut world, named, &["logged in, created"]);
    check(&mut world, strangers[0], &["refused: TokenInvalid", "closed: refused"]);
    check(&mut world, strangers[1], &["refused: WrongCredentials", "closed: refused"]);
}
