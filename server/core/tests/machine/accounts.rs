//! Profiles: changed by their owner, seen by everybody.

use super::registration::registration;
use super::world::{World, check};
use hubbub_core::ids::UserId;
use hubbub_core::request::{ProfileChange, Request};

fn change(name: Option<&str>, about: Option<&str>, picture: Option<&str>) -> Request {
    let [name, about, picture] = [name, about, picture].map(|text| text.map(Into::into));
    Request::UpdateProfile(Box::new(ProfileChange { name, about, picture }))
}

#[test]
fn a_profile_is_what_was_told_last() {
    let mut world = World::new(2);
    let user = world.user_on(1, 0);
    let client = world.login(user);
    world.request(client, Request::GetProfile(user));
    check(&mut world, client, &["profile  () []"]);
    world.request(client, change(Some("Ada"), Some("counts"), None));
    check(&mut world, client, &["profile Ada (counts) []"]);
    world.request(client, change(None, Some(""), Some("p")));
    world.request(client, change(None, None, None));
    check(&mut world, client, &["profile Ada () [p]", "profile Ada () [p]"]);
    world.crash();
    let client = world.login(user);
    world.request(client, Request::GetProfile(user));
    check(&mut world, client, &["profile Ada () [p]"]);
}

#[test]
fn others_see_a_profile_without_its_address_wherever_they_are() {
    let mut world = World::new(2);
    for (n, shard) in [(0, 0), (1, 1)] {
        let (ada, bob) = (world.user_on(shard, n), world.user_on(0, 5));
        world.ask(0, registration(ada, &format!("ada{n}@example.org")));
        let looks = world.login(bob);
        world.request(looks, Request::GetProfile(ada));
        check(&mut world, looks, &["profile Ada () []"]);
        let owner = world.login(ada);
        world.request(looks, Request::GetProfile(ada));
        check(&mut world, looks, &["profile Ada () []"]);
        world.request(owner, Request::GetProfile(ada));
        check(&mut world, owner, &[&format!("profile Ada <ada{n}@example.org> () []")]);
        world.request(looks, Request::GetProfile(UserId(404)));
        check(&mut world, looks, &["refused: UnknownUser"]);
    }
}

#[test]
fn what_is_not_durable_is_shown_to_nobody() {
    let mut world = World::new(2);
    let (ada, bob) = (world.user_on(0, 0), world.user_on(1, 0));
    let (owner, looks) = (world.login(ada), world.login(bob));
    world.hold_commits = true;
    world.request(owner, change(Some("Ada"), None, None));
    world.request(looks, Request::GetProfile(ada));
    check(&mut world, looks, &[]);
    world.hold_commits = false;
    check(&mut world, looks, &["profile Ada () []"]);
}
