//! Any sequence of requests about a group against a small model of who may do what.

use super::team::Team;
use super::world::message;
use hubbub_core::ids::UserId;
use hubbub_core::records::{GroupSettings, InviteHash, MutedUntil, Role};
use hubbub_core::request::{Action, Mute, Request};
use proptest::prelude::*;

const PEOPLE: usize = 5;

#[derive(Clone, Debug)]
enum Op {
    Write,
    Add(usize),
    Remove(usize),
    Leave,
    Title(bool),
    Settings(bool, bool),
    SetRole(usize, Role),
    Mute(usize, bool),
    Delete,
    Invite,
    Revoke,
    Join,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Row {
    role: Role,
    joined: usize,
}

/// What a group is, as plainly as it can be said.
struct Model {
    users: [UserId; PEOPLE],
    rows: [Option<Row>; PEOPLE],
    muted: [bool; PEOPLE],
    title: bool,
    settings: GroupSettings,
    invited: bool,
    head: usize,
}

const UNKNOWN: &str = "refused: UnknownConversation";
const FORBIDDEN: &str = "refused: Forbidden";

impl Model {
    /// The beginning of the answer to a request; the model is as it is after it.
    fn ask(&mut self, who: usize, op: &Op) -> &'static str {
        let Some(Row { role, .. }) = self.rows[who] else {
            return match op {
                Op::Join if self.invited => {
                    self.note();
                    self.come(who);
                    "group"
                }
                Op::Join => "refused: InviteInvalid",
                _ => UNKNOWN,
            };
        };
        let (is_owner, is_admin) = (role == Role::Owner, role != Role::Member);
        let rank = |rows: &[Option<Row>; PEOPLE], whom: usize| rows[whom].map(|row| row.role);
        match *op {
            Op::Write if self.settings.announcement_only && !is_admin => return FORBIDDEN,
            Op::Write if self.muted[who] => return "refused: Muted",
            Op::Write => {
                self.note();
                return "sent";
            }
            Op::Add(_) | Op::Invite if !is_admin && !self.settings.members_may_add => return FORBIDDEN,
            Op::Invite => {
                self.invited = true;
                return "invite";
            }
            Op::Add(whom) if self.rows[whom].is_none() => {
                self.note();
                self.come(whom);
            }
            Op::Join => return "group",
            Op::Leave => self.leave(who),
            Op::Remove(_) | Op::Title(_) | Op::Settings(..) | Op::Mute(..) | Op::Revoke if !is_admin => {
                return FORBIDDEN;
            }
            Op::Remove(whom) if whom == who => return "refused: Invalid members",
            Op::Mute(whom, _) if self.rows[whom].is_none() => return "refused: Invalid member",
            Op::Remove(whom) | Op::Mute(whom, _) if rank(&self.rows, whom) >= Some(role) => return FORBIDDEN,
            Op::Remove(whom) if self.rows[whom].is_some() => {
                self.note();
                self.rows[whom] = None;
            }
            Op::Mute(whom, on) if self.muted[whom] != on => {
                self.note();
                self.muted[whom] = on;
            }
            Op::Title(title) if self.title != title => {
                self.note();
                self.title = title;
            }
            Op::Settings(announcement_only, members_may_add) => {
                let settings = GroupSettings { announcement_only, members_may_add };
                self.head += usize::from(settings != self.settings);
                self.settings = settings;
            }
            Op::Revoke => self.invited = false,
            Op::SetRole(..) | Op::Delete if !is_owner => return FORBIDDEN,
            Op::SetRole(whom, _) if self.rows[whom].is_none() => return "refused: Invalid member",
            Op::SetRole(whom, role) if rank(&self.rows, whom) != Some(role) => {
                if whom == who {
                    return FORBIDDEN;
                }
                self.note();
                if role == Role::Owner {
                    self.give(who, Role::Admin);
                }
                self.give(whom, role);
            }
            Op::Delete => {
                self.note();
                (self.rows, self.invited) = ([None; PEOPLE], false);
            }
            _ => {}
        }
        "done"
    }

    fn note(&mut self) {
        self.head += 1;
    }

    fn come(&mut self, who: usize) {
        self.rows[who] = Some(Row { role: Role::Member, joined: self.head });
    }

    fn give(&mut self, who: usize, role: Role) {
        self.muted[who] &= role != Role::Owner;
        self.rows[who].as_mut().expect("a member").role = role;
    }

    fn leave(&mut self, who: usize) {
        self.note();
        let left = self.rows[who].take().expect("a member");
        let present = (0..PEOPLE).filter(|at| self.rows[*at].is_some());
        let standing = |at: &usize| self.rows[*at].map(|row| (row.role == Role::Member, row.joined, self.users[*at]));
        let heir = present.min_by_key(standing);
        match heir {
            Some(heir) if left.role == Role::Owner => self.give(heir, Role::Owner),
            Some(_) => {}
            None => self.invited = false,
        }
    }

    fn role(&self, who: usize) -> Option<Role> {
        self.rows[who].map(|row| row.role)
    }
}

fn op() -> impl Strategy<Value = Op> {
    let whom = || 0..PEOPLE;
    let role = prop_oneof![Just(Role::Member), Just(Role::Admin), Just(Role::Owner)];
    prop_oneof![
        4 => Just(Op::Write),
        4 => whom().prop_map(Op::Add),
        3 => whom().prop_map(Op::Remove),
        2 => Just(Op::Leave),
        1 => any::<bool>().prop_map(Op::Title),
        2 => any::<[bool; 2]>().prop_map(|[a, b]| Op::Settings(a, b)),
        5 => (whom(), role).prop_map(|(whom, role)| Op::SetRole(whom, role)),
        3 => (whom(), any::<bool>()).prop_map(|(whom, on)| Op::Mute(whom, on)),
        1 => Just(Op::Delete),
        2 => Just(Op::Invite),
        1 => Just(Op::Revoke),
        3 => Just(Op::Join),
    ]
}

fn answer(team: &mut Team, who: usize, op: &Op) -> String {
    let action = match *op {
        Op::Write => message(),
        Op::Add(whom) => Action::AddMembers(vec![team.users[whom]]),
        Op::Remove(whom) => Action::RemoveMembers(vec![team.users[whom]]),
        Op::Leave => Action::Leave,
        Op::Title(other) => {
            let title = Some(if other { "other" } else { "team" }.to_owned());
            Action::UpdateGroup { title, settings: None }
        }
        Op::Settings(announcement_only, members_may_add) => {
            let settings = Some(GroupSettings { announcement_only, members_may_add });
            Action::UpdateGroup { title: None, settings }
        }
        Op::SetRole(whom, role) => team.role(whom, role),
        Op::Mute(whom, on) => {
            let mute = if on { Mute::UntilLifted } else { Mute::Lift };
            Action::MuteMember { member: team.users[whom], mute }
        }
        Op::Delete => Action::DeleteGroup,
        Op::Join => Action::Join(InviteHash([1; 32])),
        Op::Invite => return team.invite(who, 1, 3_600, 0),
        Op::Revoke => {
            let request = Request::RevokeInvites(team.id());
            return team.answer(who, request);
        }
    };
    team.ask(who, action)
}

/// What the group tells its members is what the model says.
fn compare(team: &mut Team, model: &Model) {
    assert_eq!(team.head(), model.head);
    let Some(member) = (0..PEOPLE).find(|who| model.rows[*who].is_some()) else {
        return (0..PEOPLE).for_each(|who| assert_eq!(team.description(who), UNKNOWN));
    };
    let info = team.info(member);
    let owner = (0..PEOPLE).find(|who| model.role(*who) == Some(Role::Owner)).expect("a group has an owner");
    assert_eq!((info.owner, info.settings), (team.users[owner], model.settings));
    assert_eq!(info.title, if model.title { "other" } else { "team" });
    for who in 0..PEOPLE {
        let row = info.members.iter().find(|row| row.user == team.users[who]);
        assert_eq!(row.map(|row| (row.role, row.joined.0 as usize)), model.rows[who].map(|row| (row.role, row.joined)));
        assert!(row.is_none_or(|row| (row.muted_until != MutedUntil::NO) == model.muted[who]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn each_answer_is_what_the_rules_say(ops in proptest::collection::vec((0..PEOPLE, op(), 0..20_u8), 0..60)) {
        let mut team = Team::new();
        let row = |role| Some(Row { role, joined: 1 });
        let mut model = Model {
            users: team.users,
            rows: [row(Role::Owner), row(Role::Admin), row(Role::Member), row(Role::Member), None],
            muted: [false; PEOPLE],
            title: false,
            settings: GroupSettings::default(),
            invited: false,
            head: 2,
        };
        for (who, op, crash) in ops {
            // The same secret twice would be two invitations; the model has one.
            if matches!(op, Op::Invite) && model.invited {
                continue;
            }
            let expected = model.ask(who, &op);
            let answer = answer(&mut team, who, &op);
            prop_assert!(answer.starts_with(expected), "{who} {op:?}: {answer}, not {expected}");
            if crash == 0 {
                team.crash();
            }
            compare(&mut team, &model);
        }
    }
}
