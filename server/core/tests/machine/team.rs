//! A group with everybody that a rule can tell apart: its owner, an admin, two members and a stranger, homed on two
//! shards.

use super::world::{Client, World, append, creation};
use hubbub_core::ids::{Conversation, GroupId, UserId};
use hubbub_core::records::{GroupSettings, InviteHash, Role};
use hubbub_core::request::{Action, Append, GroupInfo, InviteSecret, NewInvite, Refusal, Reply, Request};
use hubbub_core::settings::Settings;

pub(crate) const OWNER: usize = 0;
pub(crate) const ADMIN: usize = 1;
pub(crate) const MEMBER: usize = 2;
pub(crate) const OTHER: usize = 3;
pub(crate) const STRANGER: usize = 4;

pub(crate) const ANNOUNCEMENTS: GroupSettings = GroupSettings { announcement_only: true, members_may_add: false };
pub(crate) const OPEN: GroupSettings = GroupSettings { announcement_only: false, members_may_add: true };

pub(crate) struct Team {
    pub(crate) world: World,
    pub(crate) group: Conversation,
    pub(crate) clients: [Client; 5],
    pub(crate) users: [UserId; 5],
    requests: u32,
}

impl Team {
    pub(crate) fn new() -> Team {
        Team::with(Settings::default(), GroupSettings::default())
    }

    pub(crate) fn with(settings: Settings, group: GroupSettings) -> Team {
        let mut world = World::with(2, settings);
        let users = [(0, 0), (1, 0), (0, 1), (1, 1), (1, 2)].map(|(shard, n)| world.user_on(shard, n));
        let clients = users.map(|user| world.online(user));
        world.request(clients[OWNER], creation("team", &users[1..4], group));
        world.go();
        let group = *world.store.conversations().next().expect("one was made");
        let mut team = Team { world, group, clients, users, requests: 0 };
        let role = team.role(ADMIN, Role::Admin);
        assert_eq!(team.ask(OWNER, role), "done");
        team
    }

    pub(crate) fn id(&self) -> GroupId {
        match self.group {
            Conversation::Group(group) => group,
            Conversation::Direct { .. } => unreachable!("a team is a group"),
        }
    }

    pub(crate) fn role(&self, member: usize, role: Role) -> Action {
        Action::SetRole { member: self.users[member], role }
    }

    /// The answer to a new request, as a line.
    pub(crate) fn ask(&mut self, who: usize, action: Action) -> String {
        self.requests += 1;
        let append = append(&format!("request {}", self.requests), action);
        self.answer(who, Request::Append { conversation: self.group, append })
    }

    /// The answers to a request and to two resends of it.
    pub(crate) fn ask_thrice(&mut self, who: usize, action: &Action) -> [String; 3] {
        self.requests += 1;
        let name = format!("request {}", self.requests);
        [false, true, true].map(|resend| {
            let append = Append { resend, ..append(&name, action.clone()) };
            self.answer(who, Request::Append { conversation: self.group, append })
        })
    }

    /// The answer to a request, as a line; what else the session is sent is thrown away.
    pub(crate) fn answer(&mut self, who: usize, request: Request) -> String {
        self.world.take(self.clients[who]);
        self.world.request(self.clients[who], request);
        self.world.go();
        let pushed = ["run ", "page ", "joined ", "left ", "receipts "];
        let mut lines = self.world.take(self.clients[who]);
        lines.retain(|line| !pushed.iter().any(|push| line.starts_with(push)));
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// The answer to a resend of the request of a number.
    pub(crate) fn resend(&mut self, who: usize, number: u32, action: Action) -> String {
        let append = Append { resend: true, ..append(&format!("request {number}"), action) };
        self.answer(who, Request::Append { conversation: self.group, append })
    }

    /// Why a new request is refused.
    pub(crate) fn refusal(&mut self, who: usize, action: Action) -> Refusal {
        self.ask(who, action);
        match self.world.last_reply.take() {
            Some(Reply::Refused(refusal)) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    /// What the group says of itself.
    pub(crate) fn info(&mut self, who: usize) -> GroupInfo {
        self.description(who);
        match self.world.last_reply.take() {
            Some(Reply::Group(info)) => *info,
            other => panic!("no group: {other:?}"),
        }
    }

    pub(crate) fn invite(&mut self, who: usize, secret: u8, valid_seconds: u32, uses_max: u32) -> String {
        let (secret, hash) = (InviteSecret([secret; 16]), InviteHash([secret; 32]));
        let invite = NewInvite { secret, hash, valid_seconds, uses_max };
        self.answer(who, Request::CreateInvite { group: self.id(), invite })
    }

    pub(crate) fn join(&mut self, who: usize, secret: u8) -> String {
        self.ask(who, Action::Join(InviteHash([secret; 32])))
    }

    /// How the group describes itself.
    pub(crate) fn description(&mut self, who: usize) -> String {
        let request = Request::GetGroup { group: self.id(), members_after: UserId(0), members_limit: 100 };
        self.answer(who, request)
    }

    /// The row of a member as the group shows it, such as `Admin 1`.
    pub(crate) fn shown(&mut self, by: usize, member: usize) -> Option<String> {
        let description = self.description(by);
        let (_, rows) = description.split_once(": ")?;
        let prefix = format!("{} ", self.users[member]);
        let row = rows.split(", ").find(|row| row.starts_with(&prefix))?;
        Some(row[prefix.len()..].to_owned())
    }

    /// Entries of the group that are durable.
    pub(crate) fn head(&self) -> usize {
        self.world.store.headers(&self.group).count()
    }

    /// The server dies and comes back; everybody logs in again.
    pub(crate) fn crash(&mut self) {
        self.world.crash();
        self.world.go();
        self.clients = self.users.map(|user| self.world.online(user));
    }
}
