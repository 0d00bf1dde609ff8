//! Invitations: who makes them, whom they let in, and how they end.

use super::team::{ADMIN, MEMBER, OPEN, OTHER, OWNER, STRANGER, Team};
use super::world::message;
use hubbub_core::records::{GroupSettings, INVITES_MAX, InviteHash};
use hubbub_core::request::{Action, Request};
use hubbub_core::settings::Settings;

const HOUR: u32 = 3_600;

#[test]
fn whoever_may_add_members_makes_invitations() {
    for (settings, members) in [(GroupSettings::default(), "refused: Forbidden"), (OPEN, "invite for 0")] {
        let mut team = Team::with(Settings::default(), settings);
        for (who, answer) in [
            (OWNER, "invite for 0"),
            (ADMIN, "invite for 0"),
            (MEMBER, members),
            (STRANGER, "refused: UnknownConversation"),
        ] {
            assert_eq!(team.invite(who, who as u8, HOUR, 0), answer);
        }
        let head = team.head();
        let joined = team.join(STRANGER, MEMBER as u8);
        assert_eq!(joined.starts_with("group of 5"), settings == OPEN, "{joined}");
        assert_eq!(team.head(), head + usize::from(settings == OPEN), "invitations themselves are no entries");
    }
}

#[test]
fn whoever_holds_an_invitation_joins_and_reads_from_there_on() {
    let mut team = Team::new();
    team.invite(ADMIN, 1, HOUR, 0);
    for crashed in [false, true] {
        assert_eq!(team.join(STRANGER, 2), "refused: InviteInvalid", "crashed: {crashed}");
        team.crash();
    }
    let seq = team.head() + 1;
    team.world.take(team.clients[OTHER]);
    let line = team.join(STRANGER, 1);
    assert!(line.starts_with(&format!("group of 5 by {}, head {seq}: ", team.users[OWNER])), "{line}");
    assert_eq!(team.shown(OTHER, STRANGER), Some(format!("Member {seq}")));
    assert_eq!(team.ask(OTHER, message()), format!("sent {}", seq + 1));
    let pushed = team.world.take(team.clients[STRANGER]);
    assert_eq!(pushed, [format!("run group {}:request {}", seq + 1, 5)]);
    team.crash();
    assert_eq!(team.shown(STRANGER, STRANGER), Some(format!("Member {seq}")));
    assert!(team.world.store.outbox().is_empty());
}

#[test]
fn a_member_is_answered_without_an_entry_whatever_it_holds() {
    let mut team = Team::new();
    let head = team.head();
    for secret in [1, 2] {
        let line = team.join(MEMBER, secret);
        assert!(line.starts_with("group of 4") && line.ends_with("(duplicate)"), "{line}");
    }
    assert_eq!(team.head(), head);
}

#[test]
fn an_invitation_ends_with_its_time() {
    let mut team = Team::new();
    team.invite(OWNER, 1, 60, 0);
    team.world.pass_ms(59_999);
    assert!(team.join(STRANGER, 1).starts_with("group of 5"));
    assert_eq!(team.ask(STRANGER, Action::Leave), "done");
    team.world.pass_ms(1);
    assert_eq!(team.join(STRANGER, 1), "refused: InviteInvalid");
}

#[test]
fn an_invitation_ends_with_its_last_use() {
    let mut team = Team::new();
    team.invite(OWNER, 1, HOUR, 2);
    for uses_left in [2, 1] {
        let line = team.join(STRANGER, 1);
        assert!(line.starts_with("group of 5"), "{uses_left}: {line}");
        // Coming in as a member uses up nothing.
        assert!(team.join(STRANGER, 1).ends_with("(duplicate)"));
        assert_eq!(team.ask(STRANGER, Action::Leave), "done");
        team.crash();
    }
    assert_eq!(team.join(STRANGER, 1), "refused: InviteInvalid");
}

#[test]
fn a_resent_joining_uses_an_invitation_once_and_does_not_undo_a_removal() {
    let mut team = Team::new();
    team.invite(OWNER, 1, HOUR, 2);
    let head = team.head();
    let answers = team.ask_thrice(STRANGER, &Action::Join(InviteHash([1; 32])));
    assert!(!answers[0].ends_with("(duplicate)"), "{answers:?}");
    assert!(answers[1..].iter().all(|line| line.ends_with("(duplicate)")), "{answers:?}");
    assert_eq!(team.head(), head + 1);
    assert_eq!(team.ask(OWNER, Action::RemoveMembers(vec![team.users[STRANGER]])), "done");
    assert_eq!(team.resend(STRANGER, 2, Action::Join(InviteHash([1; 32]))), "refused: UnknownConversation");
    // Removal voids no invitation: who shall stay out needs them revoked.
    assert!(team.join(STRANGER, 1).starts_with("group of 5"));
    assert_eq!(team.ask(STRANGER, Action::Leave), "done");
    assert_eq!(team.join(STRANGER, 1), "refused: InviteInvalid");
}

#[test]
fn the_owner_and_admins_revoke_all_of_them() {
    let mut team = Team::with(Settings::default(), OPEN);
    team.invite(MEMBER, 1, HOUR, 0);
    team.invite(OWNER, 2, HOUR, 0);
    let head = team.head();
    for (who, answer) in
        [(MEMBER, "refused: Forbidden"), (STRANGER, "refused: UnknownConversation"), (ADMIN, "done"), (OWNER, "done")]
    {
        let request = Request::RevokeInvites(team.id());
        assert_eq!(team.answer(who, request), answer);
    }
    assert_eq!(team.head(), head);
    for secret in [1, 2] {
        assert_eq!(team.join(STRANGER, secret), "refused: InviteInvalid");
    }
}

#[test]
fn a_group_has_so_many_at_a_time() {
    let mut team = Team::new();
    for secret in 0..INVITES_MAX as u8 {
        assert_eq!(team.invite(OWNER, secret, 60, 1), "invite for 1");
    }
    assert_eq!(team.invite(OWNER, 99, 60, 1), "refused: Limit invites");
    assert!(team.join(STRANGER, 0).starts_with("group of 5"));
    assert_eq!(team.invite(OWNER, 99, HOUR, 1), "invite for 1", "one was used up");
    team.world.pass_ms(60_000);
    for secret in 100..100 + INVITES_MAX as u8 - 1 {
        assert_eq!(team.invite(OWNER, secret, 60, 1), "invite for 1", "those that are over do not count");
    }
    assert_eq!(team.invite(OWNER, 200, 60, 1), "refused: Limit invites");
}

#[test]
fn nobody_joins_a_full_group() {
    let mut team = Team::with(Settings { group_members_max: 4, ..Settings::default() }, GroupSettings::default());
    team.invite(OWNER, 1, HOUR, 1);
    assert_eq!(team.join(STRANGER, 1), "refused: Limit members");
    assert_eq!(team.ask(OTHER, Action::Leave), "done");
    assert!(team.join(STRANGER, 1).starts_with("group of 4"), "and that used up nothing");
}

#[test]
fn what_is_no_group_cannot_be_joined() {
    let mut team = Team::new();
    team.group = super::world::nobody();
    assert_eq!(team.join(STRANGER, 1), "refused: InviteInvalid");
    assert_eq!(team.invite(STRANGER, 1, HOUR, 0), "refused: UnknownConversation");
}

#[test]
fn a_group_that_everybody_left_lets_nobody_in() {
    let mut team = Team::new();
    team.invite(OWNER, 1, HOUR, 0);
    for who in [OWNER, ADMIN, MEMBER, OTHER] {
        assert_eq!(team.ask(who, Action::Leave), "done");
    }
    assert_eq!(team.join(STRANGER, 1), "refused: InviteInvalid");
    team.crash();
    assert_eq!(team.join(STRANGER, 1), "refused: InviteInvalid");
}
