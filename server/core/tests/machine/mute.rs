//! Muting: who may, whom it silences, for how long, and what it does not touch.

use super::team::{ADMIN, MEMBER, OTHER, OWNER, STRANGER, Team};
use super::world::message;
use hubbub_core::records::Role;
use hubbub_core::request::{Action, Mute, Refusal};

fn mute(team: &Team, member: usize, mute: Mute) -> Action {
    Action::MuteMember { member: team.users[member], mute }
}

#[test]
fn whoever_is_above_mutes_and_nobody_else() {
    let mut team = Team::new();
    for (who, whom, answer) in [
        (MEMBER, OTHER, "refused: Forbidden"),
        (MEMBER, OWNER, "refused: Forbidden"),
        (STRANGER, MEMBER, "refused: UnknownConversation"),
        (ADMIN, OWNER, "refused: Forbidden"),
        (ADMIN, ADMIN, "refused: Forbidden"),
        (OWNER, OWNER, "refused: Forbidden"),
        (OWNER, STRANGER, "refused: Invalid member"),
        (ADMIN, MEMBER, "done"),
        (OWNER, ADMIN, "done"),
        (OWNER, OTHER, "done"),
    ] {
        let head = team.head();
        let request = mute(&team, whom, Mute::UntilLifted);
        assert_eq!(team.ask(who, request), answer, "{who} {whom}");
        assert_eq!(team.head(), head + usize::from(answer == "done"), "{who} {whom}");
    }
}

#[test]
fn a_muted_member_may_not_write_until_the_time_is_over() {
    let mut team = Team::new();
    let request = mute(&team, MEMBER, Mute::Seconds(60));
    assert_eq!(team.ask(ADMIN, request), "done");
    for crashed in [false, true] {
        let head = team.head();
        assert_eq!(team.ask(MEMBER, message()), "refused: Muted", "crashed: {crashed}");
        assert_eq!(team.head(), head);
        assert_eq!(team.ask(OTHER, message()), format!("sent {}", head + 1));
        assert_eq!(team.shown(OTHER, MEMBER).as_deref(), Some("Member 1 muted"));
        team.crash();
    }
    team.world.pass_ms(59_999);
    assert_eq!(team.ask(MEMBER, message()), "refused: Muted");
    team.world.pass_ms(1);
    assert!(team.ask(MEMBER, message()).starts_with("sent"));
}

#[test]
fn a_refusal_says_how_long_it_lasts() {
    let mut team = Team::new();
    for (mute, retry_after_ms) in [(Mute::Seconds(7), 7_000), (Mute::UntilLifted, 0)] {
        let action = Action::MuteMember { member: team.users[MEMBER], mute };
        assert_eq!(team.ask(ADMIN, action), "done");
        assert_eq!(team.refusal(MEMBER, message()), Refusal::Muted { retry_after_ms });
    }
}

#[test]
fn a_mute_is_lifted_once() {
    let mut team = Team::new();
    let [silence, lift] = [mute(&team, MEMBER, Mute::UntilLifted), mute(&team, MEMBER, Mute::Lift)];
    assert_eq!(team.ask(ADMIN, lift.clone()), "done");
    let head = team.head();
    assert_eq!(team.ask(ADMIN, silence.clone()), "done");
    assert_eq!(team.ask(ADMIN, silence), "done");
    assert_eq!(team.head(), head + 1, "what changes nothing leaves no entry");
    team.world.pass_ms(1 << 40);
    assert_eq!(team.ask(MEMBER, message()), "refused: Muted");
    assert_eq!(team.ask(ADMIN, lift.clone()), "done");
    assert_eq!(team.ask(ADMIN, lift), "done");
    assert_eq!(team.head(), head + 2);
    assert!(team.ask(MEMBER, message()).starts_with("sent"));
}

#[test]
fn a_mute_outlives_leaving_and_ends_for_an_owner() {
    let mut team = Team::new();
    let request = mute(&team, MEMBER, Mute::UntilLifted);
    assert_eq!(team.ask(ADMIN, request), "done");
    assert_eq!(team.ask(MEMBER, Action::Leave), "done");
    assert_eq!(team.ask(ADMIN, Action::AddMembers(vec![team.users[MEMBER]])), "done");
    assert_eq!(team.ask(MEMBER, message()), "refused: Muted");
    let handover = team.role(MEMBER, Role::Owner);
    assert_eq!(team.ask(OWNER, handover), "done");
    assert!(team.ask(MEMBER, message()).starts_with("sent"));
}

#[test]
fn a_message_from_before_the_mute_is_found_again() {
    let mut team = Team::new();
    let sent = [team.head() + 1; 2];
    let request = mute(&team, MEMBER, Mute::UntilLifted);
    team.world.send(team.clients[MEMBER], team.group, "x");
    team.world.go();
    team.world.take(team.clients[MEMBER]);
    assert_eq!(team.ask_thrice(ADMIN, &request), ["done", "done", "done"]);
    team.world.resend(team.clients[MEMBER], team.group, "x", 0);
    team.world.go();
    let lines = team.world.take(team.clients[MEMBER]);
    assert_eq!(lines.last().map(String::as_str), Some(format!("sent {} (duplicate)", sent[0]).as_str()), "{lines:?}");
    assert_eq!(team.head(), sent[1] + 1, "the mute was noted once");
}
