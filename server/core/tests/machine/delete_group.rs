//! The end of a group: who ends it, what everybody keeps, and that nothing follows.

use super::team::{ADMIN, MEMBER, OTHER, OWNER, STRANGER, Team};
use super::world::{append, check, list, message};
use hubbub_core::ids::Seq;
use hubbub_core::records::{PagePosition, Role};
use hubbub_core::request::{Action, Append, Request};

fn ended() -> Team {
    let mut team = Team::new();
    team.ask(MEMBER, message());
    team.invite(OWNER, 1, 3_600, 0);
    assert_eq!(team.ask(OWNER, Action::DeleteGroup), "done");
    team
}

#[test]
fn the_owner_alone_ends_a_group() {
    let mut team = Team::new();
    for (who, answer) in [
        (ADMIN, "refused: Forbidden"),
        (MEMBER, "refused: Forbidden"),
        (STRANGER, "refused: UnknownConversation"),
        (OWNER, "done"),
    ] {
        let head = team.head();
        assert_eq!(team.ask(who, Action::DeleteGroup), answer);
        assert_eq!(team.head(), head + usize::from(answer == "done"));
    }
}

#[test]
fn everybody_gets_the_entry_that_says_so_and_nothing_after() {
    let mut team = Team::new();
    let (group, clients) = (team.group, team.clients);
    clients.iter().for_each(|client| drop(team.world.take(*client)));
    team.world.act(clients[OWNER], group, "end", Action::DeleteGroup);
    team.world.send(clients[MEMBER], group, "late");
    for who in [ADMIN, MEMBER, OTHER] {
        let late: &[&str] = if who == MEMBER { &["refused: UnknownConversation"] } else { &[] };
        team.world.go();
        let lines = team.world.take(clients[who]);
        let (refused, pushed): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| line.starts_with("refused"));
        assert_eq!(refused, late);
        assert_eq!(pushed, ["run group 3:end", "left group"]);
    }
    check(&mut team.world, clients[OWNER], &["run group 3:end", "done", "left group"]);
    assert_eq!(team.head(), 3);
}

#[test]
fn nobody_can_do_anything_with_it_any_more() {
    let mut team = ended();
    for crashed in [false, true] {
        let add = Action::AddMembers(vec![team.users[STRANGER]]);
        for who in [OWNER, ADMIN, MEMBER, STRANGER] {
            for action in [message(), add.clone(), Action::Leave, Action::DeleteGroup, team.role(ADMIN, Role::Member)] {
                assert_eq!(team.ask(who, action), "refused: UnknownConversation", "crashed: {crashed}");
            }
            assert_eq!(team.description(who), "refused: UnknownConversation");
            assert_eq!(team.invite(who, 2, 3_600, 0), "refused: UnknownConversation");
            assert_eq!(team.join(who, 1), "refused: InviteInvalid");
        }
        assert_eq!(team.head(), 4);
        team.crash();
    }
}

#[test]
fn members_keep_what_they_could_read() {
    let mut team = ended();
    for crashed in [false, true] {
        for who in [OWNER, MEMBER] {
            let request = Request::History {
                conversation: team.group,
                position: PagePosition::After(Seq(0)),
                limit: 9,
                raw: false,
            };
            let line = team.answer(who, request);
            assert!(line.ends_with("(to 4, head 4)"), "crashed: {crashed}: {line}");
            team.world.sync(team.clients[who], &[(team.group, 1)], false);
            team.world.go();
            let lines = team.world.take(team.clients[who]);
            assert!(lines.iter().any(|line| line.ends_with("(no member)")), "crashed: {crashed}: {lines:?}");
            assert!(lines.iter().any(|line| line.starts_with("page group 2:")), "crashed: {crashed}: {lines:?}");
        }
        team.crash();
    }
}

#[test]
fn it_is_on_nobodys_list_once_the_homes_have_learned_of_it() {
    for commits in 0..8 {
        let mut team = Team::new();
        team.world.hold_commits = true;
        team.world.act(team.clients[OWNER], team.group, "end", Action::DeleteGroup);
        team.world.go();
        for _ in 0..commits {
            team.world.commit();
            team.world.go();
        }
        team.world.hold_commits = false;
        team.crash();
        let append = Append { resend: true, ..append("end", Action::DeleteGroup) };
        let again = team.answer(OWNER, Request::Append { conversation: team.group, append });
        assert_eq!(again, "done", "after {commits} commits");
        for who in [OWNER, ADMIN, MEMBER, OTHER] {
            assert_eq!(team.answer(who, list(None, 10, false)), "conversations ", "after {commits} commits");
        }
        assert_eq!(team.head(), 3, "after {commits} commits");
        assert!(team.world.store.outbox().is_empty(), "after {commits} commits");
    }
}

#[test]
fn a_resend_finds_the_end() {
    let mut team = Team::new();
    assert_eq!(team.ask_thrice(OWNER, &Action::DeleteGroup), ["done", "done", "done"]);
    assert_eq!(team.head(), 3);
}

#[test]
fn one_who_was_removed_before_learns_nothing_of_the_end() {
    let mut team = Team::new();
    assert_eq!(team.ask(OWNER, Action::RemoveMembers(vec![team.users[MEMBER]])), "done");
    assert_eq!(team.ask(OWNER, Action::DeleteGroup), "done");
    for _ in 0..2 {
        let request =
            Request::History { conversation: team.group, position: PagePosition::After(Seq(0)), limit: 9, raw: false };
        assert!(team.answer(MEMBER, request).ends_with("(to 3, head 3)"));
        team.crash();
    }
}
