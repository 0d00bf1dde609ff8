//! Title and settings: who changes them, and what members may do under them.

use super::team::{ADMIN, ANNOUNCEMENTS, MEMBER, OPEN, OTHER, OWNER, STRANGER, Team};
use super::world::message;
use hubbub_core::records::{GroupSettings, Role};
use hubbub_core::request::Action;
use hubbub_core::settings::Settings;

fn titled(title: &str) -> Action {
    Action::UpdateGroup { title: Some(title.to_owned()), settings: None }
}

fn set(settings: GroupSettings) -> Action {
    Action::UpdateGroup { title: None, settings: Some(settings) }
}

#[test]
fn the_owner_and_admins_change_title_and_settings() {
    let mut team = Team::new();
    for (who, answer) in
        [(MEMBER, "refused: Forbidden"), (STRANGER, "refused: UnknownConversation"), (ADMIN, "done"), (OWNER, "done")]
    {
        let head = team.head();
        assert_eq!(team.ask(who, titled(&format!("called by {who}"))), answer);
        assert_eq!(team.head(), head + usize::from(answer == "done"));
        assert_eq!(team.ask(who, set(if who == OWNER { OPEN } else { ANNOUNCEMENTS })), answer);
    }
    for crashed in [false, true] {
        let info = team.info(MEMBER);
        assert_eq!((info.title.as_str(), info.settings), ("called by 0", OPEN), "crashed: {crashed}");
        team.crash();
    }
}

#[test]
fn what_changes_nothing_leaves_no_entry() {
    let mut team = Team::new();
    let head = team.head();
    assert_eq!(team.ask(OWNER, titled("team")), "done");
    assert_eq!(team.ask(OWNER, set(GroupSettings::default())), "done");
    assert_eq!(team.head(), head);
    assert_eq!(team.ask_thrice(OWNER, &set(OPEN)), ["done", "done", "done"]);
    assert_eq!(team.head(), head + 1);
}

#[test]
fn in_an_announcement_group_the_owner_and_admins_write() {
    let mut team = Team::with(Settings::default(), ANNOUNCEMENTS);
    for crashed in [false, true] {
        assert_eq!(team.ask(MEMBER, message()), "refused: Forbidden", "crashed: {crashed}");
        assert_eq!(team.ask(STRANGER, message()), "refused: UnknownConversation");
        assert!(team.ask(ADMIN, message()).starts_with("sent"));
        assert!(team.ask(OWNER, message()).starts_with("sent"));
        team.crash();
    }
    let role = team.role(OTHER, Role::Admin);
    assert_eq!(team.ask(OWNER, role), "done");
    assert!(team.ask(OTHER, message()).starts_with("sent"));
    assert_eq!(team.ask(MEMBER, Action::Leave), "done", "nobody is held");
}

#[test]
fn announcements_end_when_the_settings_say_so() {
    let mut team = Team::with(Settings::default(), ANNOUNCEMENTS);
    assert_eq!(team.ask(ADMIN, set(GroupSettings::default())), "done");
    assert!(team.ask(MEMBER, message()).starts_with("sent"));
    assert_eq!(team.ask(ADMIN, set(ANNOUNCEMENTS)), "done");
    assert_eq!(team.ask(MEMBER, message()), "refused: Forbidden");
}

#[test]
fn members_add_where_the_settings_say_so_and_admins_always() {
    let mut team = Team::new();
    let stranger = team.users[STRANGER];
    let (add, remove) = (Action::AddMembers(vec![stranger]), Action::RemoveMembers(vec![stranger]));
    assert_eq!(team.ask(MEMBER, add.clone()), "refused: Forbidden");
    assert_eq!(team.ask(STRANGER, add.clone()), "refused: UnknownConversation");
    assert_eq!(team.ask(ADMIN, add.clone()), "done");
    assert_eq!(team.ask(ADMIN, remove.clone()), "done");
    assert_eq!(team.ask(ADMIN, set(OPEN)), "done");
    assert_eq!(team.ask(MEMBER, add), "done");
    assert_eq!(team.ask(MEMBER, remove), "refused: Forbidden", "adding is not removing");
}
