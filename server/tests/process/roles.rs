//! Roles: owner, admin and member, what each may, and that all devices read the same changes in the same order.

use crate::support::*;
use hubbub_codec::proto::event::Event;
use hubbub_codec::proto::{self, ErrorCode, GroupSettings, Role, RoleChanged};

#[test]
fn the_owner_gives_roles_and_hands_the_group_over() {
    let mut server = Server::start();
    let mut people = people(&server, 5);
    let group_id = team(&mut people, 4);
    for (who, code) in [(2, ErrorCode::Forbidden), (3, ErrorCode::Forbidden), (5, ErrorCode::UnknownConversation)] {
        let error = people[who - 1].ask_in_vain(set_role(group_id, "mine", 3, Role::Owner));
        assert_eq!(error.code(), code, "{}", error.message);
    }
    let error = people[0].ask_in_vain(set_role(group_id, "step down", 1, Role::Member));
    assert_eq!(error.code(), ErrorCode::Forbidden);
    assert!(error.message.contains("OWNER"), "{}", error.message);
    let unknown = people[0].ask_in_vain(set_role(group_id, "nobody", 5, Role::Admin));
    assert_eq!((unknown.code(), unknown.field.as_str()), (ErrorCode::Invalid, "member"));
    let none = people[0].ask_in_vain(set_role(group_id, "none", 3, Role::Unspecified));
    assert_eq!((none.code(), none.field.as_str()), (ErrorCode::Invalid, "role"));
    done(people[0].ask(set_role(group_id, "hand over", 3, Role::Owner)));
    done(people[2].ask(set_role(group_id, "thanks", 1, Role::Member)));
    let expected = [
        RoleChanged { member: 2, role: Role::Admin.into(), previous_owner: 0 },
        RoleChanged { member: 3, role: Role::Owner.into(), previous_owner: 1 },
        RoleChanged { member: 1, role: Role::Member.into(), previous_owner: 0 },
    ];
    for person in &mut people[..4] {
        let events = events(person, group_id, 4);
        assert_eq!(events[1..], expected.map(|changed| Some(Event::RoleChanged(changed))));
    }
    server.kill();
    server.start_again();
    for user in 1..=4 {
        let (mut person, states) = Raw::login_and_sync(&server, user, 1);
        let role = [Role::Member, Role::Admin, Role::Owner, Role::Member][user as usize - 1];
        assert_eq!((states[0].role(), states[0].muted_until_us), (role, 0));
        let now = group_of(person.ask(get_group(group_id, 0, 0)));
        assert_eq!((now.owner, member_of(&now, user).role()), (3, role));
    }
}

#[test]
fn admins_add_and_remove_members_but_neither_each_other_nor_the_owner() {
    let server = Server::start();
    let mut people = people(&server, 6);
    let group_id = team(&mut people, 5);
    done(people[0].ask(set_role(group_id, "second", 3, Role::Admin)));
    done(people[1].ask(add_members(group_id, "add", &[6])));
    for member in [1, 3] {
        let error = people[1].ask_in_vain(remove_members(group_id, "out", &[4, member]));
        assert_eq!(error.code(), ErrorCode::Forbidden);
        assert!(error.message.contains("admins"), "{}", error.message);
    }
    done(people[1].ask(remove_members(group_id, "out now", &[4, 5])));
    done(people[0].ask(remove_members(group_id, "and you", &[3])));
    let now = group_of(people[5].ask(get_group(group_id, 0, 0)));
    assert_eq!(now.members.iter().map(|member| member.user).collect::<Vec<_>>(), [1, 2, 6]);
}

#[test]
fn when_the_owner_leaves_an_admin_comes_before_older_members() {
    let server = Server::start();
    let mut people = people(&server, 4);
    let group_id = group_of(people[0].ask(create_group("Team", &[2]))).group;
    done(people[0].ask(add_members(group_id, "add", &[3, 4])));
    done(people[0].ask(set_role(group_id, "admin", 4, Role::Admin)));
    done(people[0].ask(leave(group_id, "bye")));
    let now = group_of(people[1].ask(get_group(group_id, 0, 0)));
    assert_eq!((now.owner, member_of(&now, 4).role()), (4, Role::Owner));
    match events(&mut people[1], group_id, 4).pop() {
        Some(Some(Event::MemberLeft(left))) => assert_eq!((left.member, left.new_owner), (1, 4)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn title_and_settings_change_for_everybody() {
    let mut server = Server::start();
    let mut people = people(&server, 4);
    let group_id = team(&mut people, 3);
    let settings = GroupSettings { announcement_only: false, members_may_add: true };
    let error = people[2].ask_in_vain(update_group(group_id, "mine", Some("Mine"), None));
    assert_eq!(error.code(), ErrorCode::Forbidden);
    assert_eq!(people[2].ask_in_vain(add_members(group_id, "four", &[4])).code(), ErrorCode::Forbidden);
    done(people[1].ask(update_group(group_id, "renamed", Some("Ours"), None)));
    done(people[0].ask(update_group(group_id, "opened", None, Some(settings))));
    done(people[2].ask(add_members(group_id, "four", &[4])));
    for person in &mut people[..3] {
        let events = events(person, group_id, 5);
        let updated = |settings| proto::GroupUpdated { title: "Ours".to_owned(), settings: Some(settings) };
        assert_eq!(events[2], Some(Event::GroupUpdated(updated(GroupSettings::default()))));
        assert_eq!(events[3], Some(Event::GroupUpdated(updated(settings))));
    }
    server.kill();
    server.start_again();
    let (mut person, states) = Raw::login_and_sync(&server, 4, 1);
    assert_eq!(states[0].name, "Ours");
    let now = group_of(person.ask(get_group(group_id, 0, 0)));
    assert_eq!((now.title.as_str(), now.settings), ("Ours", Some(settings)));
}
