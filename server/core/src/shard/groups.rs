//! Groups: making one, adding members, and its description.
//!
//! A group's id is a hash of its creation's name, so that a resend of `CreateGroup` finds the group it made, however
//! long ago that was, and no table of names is needed.

use super::Shard;
use super::append::name_of;
use crate::entry::Content;
use crate::ids::{ClientMessageId, Conversation, GroupId, MessageName, Seq, UserId};
use crate::message::ConversationMessage;
use crate::records::{GroupRecord, GroupSettings, Role};
use crate::request::{Action, Append, Caller, GroupInfo, GroupMember, Refusal, Reply};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Members shown in the answers to `CreateGroup` and `JoinGroup`.
const FIRST_PAGE: usize = 100;

impl Shard {
    pub(super) fn create_group(
        &mut self,
        caller: Caller,
        client_message_id: ClientMessageId,
        title: String,
        mut members: Vec<UserId>,
        settings: GroupSettings,
    ) {
        members.push(caller.user);
        members.sort_unstable();
        members.dedup();
        if let Err(refusal) = self.check_size(members.len()) {
            return self.refuse(caller, refusal);
        }
        let group = group_id(&name_of(&caller, client_message_id), self.settings.group_seed);
        let action = Action::Create { title, members, settings };
        let append = Append { client_message_id, resend: false, after: Seq(0), action };
        self.send_home(Conversation::Group(group), ConversationMessage::Append(caller, Box::new(append)));
    }

    pub(super) fn check_size(&self, members: usize) -> Result<(), Refusal> {
        let limit = self.settings.group_members_max;
        if members <= limit {
            return Ok(());
        }
        let (limit, got) = (limit as u64, members as u64);
        Err(Refusal::Limit { field: "members", setting: "limits.group_members_max", limit, got })
    }

    /// Makes a group whose members all exist.
    pub(super) fn begin_group(&mut self, home: usize, caller: Caller, append: Append) {
        let Action::Create { title, members, settings } = append.action else { unreachable!() };
        let name = name_of(&caller, append.client_message_id);
        let group = GroupRecord { settings, ..GroupRecord::default() };
        let group = (group != GroupRecord::default()).then(|| Box::new(group));
        self.make_log(home, title.clone(), caller.user, Some(name), group);
        let content = Content::GroupCreated { title, owner: caller.user, members: members.clone(), settings };
        let (seq, _) = self.decide(home, name, content);
        let role = |user| if user == caller.user { Role::Owner } else { Role::Member };
        let rows = self.join(home, &members, seq, seq, role);
        self.send_facts_gated(self.homes[home].partition, rows);
        self.answer_group(home, caller, false);
    }

    /// `CreateGroup` for a group that is there: its own resend, or another's name with the same hash.
    pub(super) fn group_exists(&mut self, home: usize, caller: Caller, append: &Append) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        if log.record.created_by == Some(name_of(&caller, append.client_message_id)) {
            self.counters.duplicates += 1;
            // Whoever made it may have left since.
            self.answer_group(home, caller, true);
        } else {
            let why = "names another group by accident; choose another one";
            self.refuse(caller, Refusal::Invalid { field: "client_message_id", why });
        }
    }

    pub(super) fn add_members(&mut self, home: usize, caller: Caller, mut append: Box<Append>) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        let Action::AddMembers(users) = &mut append.action else { unreachable!() };
        if let Err(refusal) = log.may_add(caller.user) {
            return self.refuse(caller, refusal);
        }
        users.sort_unstable();
        users.dedup();
        users.retain(|user| log.members.present(*user).is_none());
        if let Err(refusal) = self.check_size(log.members.count() + users.len()) {
            return self.refuse(caller, refusal);
        }
        if users.is_empty() {
            return self.done(home, caller);
        }
        let users = users.clone();
        self.check_users(home, caller, append, users);
    }

    /// Adds members who all exist.
    pub(super) fn members_exist(&mut self, home: usize, caller: Caller, append: Append) {
        let Action::AddMembers(users) = append.action else { unreachable!("only additions are checked") };
        let name = name_of(&caller, append.client_message_id);
        let (seq, _) = self.decide(home, name, Content::MembersAdded(users.clone()));
        let rows = self.join(home, &users, seq, seq, |_| Role::Member);
        self.send_facts_gated(self.homes[home].partition, rows);
        self.done(home, caller);
    }

    /// Answers `Done` once everything decided so far is durable.
    pub(super) fn done(&mut self, home: usize, caller: Caller) {
        self.reply_gated(self.homes[home].partition, caller.reply_to, Reply::Done);
    }

    /// Describes the group to a member as it is decided, once that is durable.
    pub(super) fn answer_group(&mut self, home: usize, caller: Caller, duplicate: bool) {
        self.answer_members(home, caller, UserId(0), FIRST_PAGE, duplicate);
    }

    /// Describes the group, with the members above `after`.
    pub(super) fn get_group(&mut self, home: usize, caller: Caller, after: UserId, limit: usize) {
        self.answer_members(home, caller, after, limit, false);
    }

    fn answer_members(&mut self, home: usize, caller: Caller, after: UserId, limit: usize, duplicate: bool) {
        let place = &self.homes[home];
        let known = place.log().filter(|log| log.members.present(caller.user).is_some());
        let (Conversation::Group(group), Some(log)) = (place.id, known) else {
            return self.refuse(caller, Refusal::UnknownConversation);
        };
        let mut members: Vec<GroupMember> = log
            .members
            .iter_after(after)
            .take(limit + 1)
            .map(|(user, member)| GroupMember {
                user: *user,
                role: member.role,
                joined: member.spans.last().expect("members have spans").joined,
                muted_until: member.muted_until,
            })
            .collect();
        let more = members.len() > limit;
        members.truncate(limit);
        let info = GroupInfo {
            group,
            title: log.record.title.clone(),
            owner: log.record.owner,
            member_count: log.members.count(),
            members,
            more,
            log_id: log.log_id,
            // What is decided: the answer waits until that is durable.
            head: log.head,
            floor: log.record.floor,
            duplicate,
            settings: log.record.settings(),
            retention: self.retention_of(&log.record),
        };
        self.reply_gated(place.partition, caller.reply_to, Reply::Group(Box::new(info)));
    }
}

/// The id of the group that a request makes; never 0.
fn group_id(name: &MessageName, seed: u64) -> GroupId {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend_from_slice(&name.sender.0.to_be_bytes());
    bytes.extend_from_slice(&name.device.0.to_be_bytes());
    bytes.extend_from_slice(name.client_message_id.as_bytes());
    GroupId(xxh3_64_with_seed(&bytes, seed).max(1))
}
