//! Announcement groups: members read, the owner and admins write.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{CreateGroup, ErrorCode, GroupSettings, Role, error::Action};

const ANNOUNCEMENTS: GroupSettings = GroupSettings { announcement_only: true, members_may_add: false };

#[test]
fn members_read_what_the_owner_and_admins_write() {
    let mut server = Server::start();
    let mut people = people(&server, 4);
    let create = CreateGroup {
        name: name("n"),
        title: "News".to_owned(),
        members: vec![2, 3, 4],
        settings: Some(ANNOUNCEMENTS),
    };
    let made = group_of(people[0].ask(Up::CreateGroup(create)));
    assert_eq!(made.settings, Some(ANNOUNCEMENTS));
    let group_id = made.group;
    done(people[0].ask(set_role(group_id, "admin", 2, Role::Admin)));
    for member in [2, 3] {
        let error = people[member].ask_in_vain(to_group(group_id, "may I?"));
        assert_eq!((error.code(), error.action()), (ErrorCode::Forbidden, Action::GiveUp));
        assert!(error.message.contains("owner and admins"), "{}", error.message);
    }
    assert_eq!(seq(people[0].ask(to_group(group_id, "from the owner"))), 3);
    assert_eq!(seq(people[1].ask(to_group(group_id, "from an admin"))), 4);
    for person in &mut people {
        let mut log = Reader::new(group(group_id));
        log.read_up_to(person, 4);
        assert_eq!(log.texts()[2..], ["from the owner", "from an admin"]);
        match log.entries[0].event.clone().and_then(|event| event.event) {
            Some(Event::GroupCreated(created)) => assert_eq!(created.settings, Some(ANNOUNCEMENTS)),
            other => panic!("{other:?}"),
        }
    }
    server.kill();
    server.start_again();
    let (mut member, _) = Raw::login_and_sync(&server, 3, 1);
    assert_eq!(member.ask_in_vain(to_group(group_id, "and now?")).code(), ErrorCode::Forbidden);
    let (mut admin, _) = Raw::login_and_sync(&server, 2, 1);
    done(admin.ask(update_group(group_id, "talk", None, Some(GroupSettings::default()))));
    assert_eq!(seq(member.ask(to_group(group_id, "at last"))), 6);
}
