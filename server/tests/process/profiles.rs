//! Profiles: changed by their owner, seen by everybody, the address by nobody else.

use crate::support::*;
use hubbub_codec::proto::{self, ErrorCode, Profile};

fn profile(raw: &mut Raw, user: u64) -> Profile {
    match raw.ask(Up::GetProfile(proto::GetProfile { user })) {
        Down::Profile(profile) => profile,
        other => panic!("{other:?}"),
    }
}

fn update(name: Option<&str>, about: Option<&str>, picture: Option<&str>) -> Up {
    let [name, about, picture] = [name, about, picture].map(|text| text.map(str::to_owned));
    Up::UpdateProfile(proto::UpdateProfile { name, about, picture })
}

#[test]
fn a_profile_is_seen_by_others_but_for_the_address() {
    let mut server = open_to_strangers().start();
    let ada = registered(&server, "Ada", "ada@example.org");
    let (mut own, _) = logged_in(&server, by_user(ada, PASSWORD, 1));
    let mut bob = Raw::login(&server, 8, 1);
    let Down::Profile(changed) = own.ask(update(None, Some("counts"), Some("ada.png"))) else { panic!("a profile") };
    assert_eq!((changed.name.as_str(), changed.about.as_str()), ("Ada", "counts"));
    assert_eq!(profile(&mut own, 0), changed);
    assert_eq!(profile(&mut own, ada), changed);
    assert_eq!((changed.user, changed.email.as_str(), changed.created_us > 0), (ada, "ada@example.org", true));
    let seen = Profile { email: String::new(), ..changed };
    assert_eq!(profile(&mut bob, ada), seen);
    server.kill();
    server.start_again();
    let mut bob = Raw::login(&server, 8, 1);
    assert_eq!(profile(&mut bob, ada), seen, "of somebody who is not there, too");
    let nameless = profile(&mut bob, 0);
    assert_eq!((nameless.user, nameless.name.as_str(), nameless.email.as_str()), (8, "", ""));
    let error = bob.ask_in_vain(Up::GetProfile(proto::GetProfile { user: 404 }));
    assert_eq!(error.code(), ErrorCode::UnknownUser);
}

#[test]
fn a_profile_keeps_its_rules() {
    let server = Server::start();
    let mut raw = Raw::login(&server, 7, 1);
    let long = "x".repeat(257);
    for (change, code, field) in [
        (update(Some(""), None, None), ErrorCode::Invalid, "update_profile.name"),
        (update(Some("A\nda"), None, None), ErrorCode::Invalid, "update_profile.name"),
        (update(Some(&long), None, None), ErrorCode::Invalid, "update_profile.name"),
        (update(Some("Ada"), Some(&long), None), ErrorCode::LimitExceeded, "update_profile.about"),
        (update(Some("Ada"), None, Some(&long)), ErrorCode::LimitExceeded, "update_profile.picture"),
    ] {
        let error = raw.ask_in_vain(change);
        assert_eq!((error.code(), error.field.as_str()), (code, field));
    }
    assert_eq!(profile(&mut raw, 0).name, "", "nothing of it was kept");
}
