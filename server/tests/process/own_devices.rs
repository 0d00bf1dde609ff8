//! A person looks after their devices: sees them, names them, takes one away while it is connected.

use crate::support::*;
use hubbub_codec::proto::error::Action;
use hubbub_codec::proto::{self, ErrorCode};

fn named(token: String, device_id: u64, name: &str, platform: &str) -> Up {
    let Up::Login(plain) = login(token, device_id) else { unreachable!("it is a login") };
    let (device_name, platform) = (name.to_owned(), platform.to_owned());
    Up::Login(proto::Login { device_name, platform, ..plain })
}

fn rename(device_id: u64, name: &str) -> Up {
    Up::RenameDevice(proto::RenameDevice { device_id, name: name.to_owned() })
}

fn revoke(device_id: u64) -> Up {
    Up::RevokeDevice(proto::RevokeDevice { device_id })
}

#[test]
fn devices_are_listed_and_named() {
    let mut server = Server::start();
    let (mut phone, _) = logged_in(&server, named(server.token(7), 2, "phone", "Android"));
    let (tablet, _) = logged_in(&server, named(server.token(7), 1, "tablet", "iPadOS"));
    let shown = |devices: Vec<proto::Device>| -> Vec<_> {
        let show = |d: proto::Device| (d.device_id, d.name, d.platform, d.connected, d.current);
        devices.into_iter().map(show).collect()
    };
    let device = |id, name: &str, platform: &str, connected, current| {
        (id, name.to_owned(), platform.to_owned(), connected, current)
    };
    let both = [device(1, "tablet", "iPadOS", true, false), device(2, "phone", "Android", true, true)];
    assert_eq!(shown(devices(&mut phone)), both);
    assert!(devices(&mut phone).iter().all(|d| d.created_us > 0 && d.last_seen_us >= d.created_us));
    drop(tablet);
    wait_until("the tablet is gone", || !devices(&mut phone)[0].connected);
    assert!(matches!(phone.ask(rename(1, "kitchen")), Down::Done(_)));
    let error = phone.ask_in_vain(rename(9, "x"));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::Invalid, "device_id"));
    let error = phone.ask_in_vain(rename(1, &"x".repeat(65)));
    assert_eq!((error.code(), error.field.as_str()), (ErrorCode::LimitExceeded, "rename_device.name"));
    server.kill();
    server.start_again();
    // Its person has named it: what the device calls itself does not count any more.
    drop(logged_in(&server, named(server.token(7), 1, "tablet", "iPadOS")));
    let (mut phone, _) = logged_in(&server, login(server.token(7), 2));
    wait_until("the tablet is gone", || !devices(&mut phone)[0].connected);
    let both = [device(1, "kitchen", "iPadOS", false, false), device(2, "phone", "Android", true, true)];
    assert_eq!(shown(devices(&mut phone)), both);
}

#[test]
fn a_revoked_device_is_sent_away_and_its_old_tokens_with_it() {
    let mut server = Server::start();
    let old_jwt = server.token(7);
    let (mut phone, _) = logged_in(&server, login(old_jwt.clone(), 1));
    let (mut tablet, on_tablet) = logged_in(&server, by_jwt_for_a_token(&server, 7, 2));
    let mut other = Raw::login(&server, 8, 2);
    assert!(matches!(phone.ask(revoke(2)), Down::Done(_)));
    is_revoked(&mut tablet);
    assert!(other.so_far().is_empty(), "a device of the same number of somebody else");
    server.kill();
    server.start_again();
    for login in [by_token(&on_tablet.session_token, 2), login(old_jwt.clone(), 2)] {
        let error = not_logged_in(&server, login);
        assert_eq!((error.code(), error.action()), (ErrorCode::DeviceRevoked, Action::Reauthenticate));
    }
    logged_in(&server, login(old_jwt, 3));
    // A JWT of a later second opens it again.
    let mut back = wait_for("a younger token", || {
        let mut raw = greeted(&server);
        matches!(raw.ask(login(server.token(7), 2)), Down::LoggedIn(_)).then_some(raw)
    });
    assert_eq!(devices(&mut back).iter().map(|d| d.device_id).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn whoever_revokes_their_own_device_is_logged_out() {
    let server = Server::start();
    let (mut phone, on_phone) = logged_in(&server, by_jwt_for_a_token(&server, 7, 1));
    assert!(matches!(phone.ask(revoke(1)), Down::Done(_)));
    assert!(phone.rest().is_empty());
    let error = not_logged_in(&server, by_token(&on_phone.session_token, 1));
    assert_eq!(error.code(), ErrorCode::DeviceRevoked);
}

#[test]
fn one_device_too_many_is_refused_with_the_way_out() {
    let server = Setup::new().config("limits.devices_per_user_max = 2").start();
    assert_eq!(Raw::connect(&server).hello().limits.unwrap().devices_max, 2);
    let mut phone = Raw::login(&server, 7, 1);
    drop(Raw::login(&server, 7, 2));
    let error = not_logged_in(&server, login(server.token(7), 3));
    assert_eq!((error.code(), error.action()), (ErrorCode::LimitExceeded, Action::FixRequest));
    assert!(error.message.contains("limits.devices_per_user_max") && error.message.contains("revoke"), "{error:?}");
    assert!(matches!(phone.ask(revoke(2)), Down::Done(_)));
    logged_in(&server, login(server.token(7), 3));
    drop(Raw::login(&server, 8, 3));
}
