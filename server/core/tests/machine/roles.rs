//! Roles: who gives them, how a group is handed over, and what each role may do to whom.

use super::team::{ADMIN, MEMBER, OTHER, OWNER, STRANGER, Team};
use hubbub_core::ids::UserId;
use hubbub_core::records::Role;
use hubbub_core::request::Action;

#[test]
fn the_owner_alone_gives_roles() {
    let mut team = Team::new();
    for (who, answer) in [
        (ADMIN, "refused: Forbidden"),
        (MEMBER, "refused: Forbidden"),
        (STRANGER, "refused: UnknownConversation"),
        (OWNER, "done"),
    ] {
        let head = team.head();
        let role = team.role(OTHER, Role::Admin);
        assert_eq!(team.ask(who, role), answer);
        assert_eq!(team.head(), head + usize::from(answer == "done"), "{who}");
    }
    assert_eq!(team.shown(MEMBER, OTHER).as_deref(), Some("Admin 1"));
    let role = team.role(OTHER, Role::Member);
    assert_eq!(team.ask(OWNER, role), "done");
    assert_eq!(team.shown(MEMBER, OTHER).as_deref(), Some("Member 1"));
}

#[test]
fn a_role_that_is_had_already_leaves_no_entry() {
    let mut team = Team::new();
    let head = team.head();
    for (who, role) in [(ADMIN, Role::Admin), (MEMBER, Role::Member), (OWNER, Role::Owner)] {
        let role = team.role(who, role);
        assert_eq!(team.ask(OWNER, role), "done");
    }
    assert_eq!(team.head(), head);
}

#[test]
fn only_members_get_roles() {
    let mut team = Team::new();
    let role = team.role(STRANGER, Role::Owner);
    assert_eq!(team.ask(OWNER, role), "refused: Invalid member");
    let nobody = Action::SetRole { member: UserId(4_711), role: Role::Admin };
    assert_eq!(team.ask(OWNER, nobody), "refused: Invalid member");
}

#[test]
fn the_owner_cannot_be_demoted_or_removed_by_anybody() {
    let mut team = Team::new();
    let owner = team.users[OWNER];
    for role in [Role::Member, Role::Admin] {
        let demotion = team.role(OWNER, role);
        assert_eq!(team.ask(OWNER, demotion.clone()), "refused: Forbidden");
        assert_eq!(team.ask(ADMIN, demotion), "refused: Forbidden");
    }
    assert_eq!(team.ask(ADMIN, Action::RemoveMembers(vec![owner])), "refused: Forbidden");
    assert_eq!(team.ask(OWNER, Action::RemoveMembers(vec![owner])), "refused: Invalid members");
    assert_eq!(team.shown(MEMBER, OWNER).as_deref(), Some("Owner 1"));
}

#[test]
fn a_group_that_was_handed_over_has_one_owner_who_may_what_owners_may() {
    let mut team = Team::new();
    let handover = team.role(MEMBER, Role::Owner);
    assert_eq!(team.ask(OWNER, handover.clone()), "done");
    for crashed in [false, true] {
        assert_eq!(team.shown(OTHER, OWNER).as_deref(), Some("Admin 1"), "crashed: {crashed}");
        assert_eq!(team.shown(OTHER, MEMBER).as_deref(), Some("Owner 1"), "crashed: {crashed}");
        let line = format!("group of 4 by {}", team.users[MEMBER]);
        assert!(team.description(OTHER).starts_with(&line));
        assert_eq!(team.ask(OWNER, handover.clone()), "refused: Forbidden");
        team.crash();
    }
    let demotion = team.role(OWNER, Role::Member);
    assert_eq!(team.ask(MEMBER, demotion), "done");
    assert_eq!(team.ask(MEMBER, Action::RemoveMembers(vec![team.users[OWNER]])), "done");
}

#[test]
fn admins_remove_members_and_the_owner_everybody() {
    let mut team = Team::new();
    let [_, admin, member, other, stranger] = team.users;
    let role = team.role(OTHER, Role::Admin);
    assert_eq!(team.ask(OWNER, role), "done");
    assert_eq!(team.ask(MEMBER, Action::RemoveMembers(vec![other])), "refused: Forbidden");
    let head = team.head();
    // One who may not be removed saves the others.
    assert_eq!(team.ask(ADMIN, Action::RemoveMembers(vec![member, other])), "refused: Forbidden");
    assert_eq!(team.ask(ADMIN, Action::RemoveMembers(vec![member, admin])), "refused: Invalid members");
    assert_eq!(team.head(), head);
    assert_eq!(team.ask(ADMIN, Action::RemoveMembers(vec![stranger, member])), "done");
    assert_eq!(team.ask(OWNER, Action::RemoveMembers(vec![admin, other])), "done");
    assert!(team.description(OWNER).starts_with("group of 1"));
}

#[test]
fn the_admin_of_longest_standing_inherits_and_else_the_member() {
    let mut team = Team::new();
    // The other has been in as long as the member and longer than the stranger; admins come first all the same.
    assert_eq!(team.ask(ADMIN, Action::AddMembers(vec![team.users[STRANGER]])), "done");
    let role = team.role(STRANGER, Role::Admin);
    assert_eq!(team.ask(OWNER, role), "done");
    for (leaver, heir) in [(OWNER, ADMIN), (ADMIN, STRANGER)] {
        assert_eq!(team.ask(leaver, Action::Leave), "done");
        assert_eq!(team.shown(MEMBER, heir).map(|row| row.starts_with("Owner")), Some(true));
    }
    assert_eq!(team.ask(STRANGER, Action::Leave), "done");
    let heir = if team.users[MEMBER] < team.users[OTHER] { MEMBER } else { OTHER };
    assert_eq!(team.shown(MEMBER, heir).as_deref(), Some("Owner 1"));
    team.crash();
    assert_eq!(team.shown(MEMBER, heir).as_deref(), Some("Owner 1"));
}

#[test]
fn one_who_comes_back_is_a_member_whatever_it_was() {
    let mut team = Team::new();
    assert_eq!(team.ask(ADMIN, Action::Leave), "done");
    assert_eq!(team.ask(OWNER, Action::AddMembers(vec![team.users[ADMIN]])), "done");
    assert_eq!(team.shown(OWNER, ADMIN).as_deref(), Some("Member 4"));
    let role = team.role(ADMIN, Role::Member);
    assert_eq!(team.ask(ADMIN, role), "refused: Forbidden");
}

#[test]
fn a_resent_change_of_roles_is_made_once_even_by_whoever_may_not_any_more() {
    let mut team = Team::new();
    let head = team.head();
    let handover = team.role(MEMBER, Role::Owner);
    assert_eq!(team.ask_thrice(OWNER, &handover), ["done", "done", "done"]);
    assert_eq!(team.head(), head + 1);
}
