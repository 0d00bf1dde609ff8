//! Groups: making one, who belongs to it, and its description.
//!
//! A group's id is a hash of its creation's name, so that a resend of `CreateGroup` finds the group it made, however
//! long ago that was, and no table of names is needed.

use super::Shard;
use super::append::name_of;
use crate::entry::Content;
use crate::ids::{ClientMessageId, Conversation, GroupId, MessageName, Seq, UserId};
use crate::message::ConversationMessage;
use crate::records::{MembershipRecord, OutboxRow, Role, Write};
use crate::request::{Action, Append, Caller, GroupInfo, Refusal, Reply};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Members shown in the answer to `CreateGroup`.
const FIRST_PAGE: usize = 100;

const OWNER_ONLY: Refusal = Refusal::Forbidden("only the owner of the group may do this");

impl Shard {
    pub(super) fn create_group(
        &mut self,
        caller: Caller,
        client_message_id: ClientMessageId,
        title: String,
        mut members: Vec<UserId>,
    ) {
        members.push(caller.user);
        members.sort_unstable();
        members.dedup();
        if let Err(refusal) = self.check_size(members.len()) {
            return self.refuse(caller, refusal);
        }
        let group = group_id(&name_of(&caller, client_message_id), self.settings.group_seed);
        let action = Action::Create { title, members };
        let append = Append { client_message_id, resend: false, after: Seq(0), action };
        self.send_home(Conversation::Group(group), ConversationMessage::Append(caller, Box::new(append)));
    }

    fn check_size(&self, members: usize) -> Result<(), Refusal> {
        let limit = self.settings.group_members_max;
        if members <= limit {
            return Ok(());
        }
        let (limit, got) = (limit as u64, members as u64);
        Err(Refusal::Limit { field: "members", setting: "limits.group_members_max", limit, got })
    }

    /// Makes a group whose members all exist.
    pub(super) fn begin_group(&mut self, home: usize, caller: Caller, append: Append) {
        let Action::Create { title, members } = append.action else { unreachable!() };
        let name = name_of(&caller, append.client_message_id);
        self.make_log(home, title.clone(), caller.user, Some(name));
        let content = Content::GroupCreated { title, owner: caller.user, members: members.clone() };
        let (seq, _) = self.decide(home, name, content);
        let rows: Vec<OutboxRow> = members
            .into_iter()
            .map(|user| {
                let role = if user == caller.user { Role::Owner } else { Role::Member };
                self.join(home, user, seq, seq, role)
            })
            .collect();
        self.send_facts_gated(self.homes[home].partition, rows);
        self.answer_group(home, caller, UserId(0), FIRST_PAGE, false);
    }

    /// `CreateGroup` for a group that is there: its own resend, or another's name with the same hash.
    pub(super) fn group_exists(&mut self, home: usize, caller: Caller, append: &Append) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        if log.record.created_by == Some(name_of(&caller, append.client_message_id)) {
            self.counters.duplicates += 1;
            // Whoever made it may have left since.
            match log.members.present(caller.user) {
                Some(_) => self.answer_group(home, caller, UserId(0), FIRST_PAGE, true),
                None => self.refuse(caller, Refusal::UnknownConversation),
            }
        } else {
            let why = "names another group by accident; choose another one";
            self.refuse(caller, Refusal::Invalid { field: "client_message_id", why });
        }
    }

    pub(super) fn add_members(&mut self, home: usize, caller: Caller, role: Role, mut append: Box<Append>) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        let Action::AddMembers(users) = &mut append.action else { unreachable!() };
        if role != Role::Owner {
            return self.refuse(caller, OWNER_ONLY);
        }
        users.sort_unstable();
        users.dedup();
        users.retain(|user| log.members.present(*user).is_none());
        if let Err(refusal) = self.check_size(log.members.count() + users.len()) {
            return self.refuse(caller, refusal);
        }
        if users.is_empty() {
            return self.reply_gated(self.homes[home].partition, caller.reply_to, Reply::Done);
        }
        let users = users.clone();
        self.check_users(home, caller, append, users);
    }

    /// Adds members who all exist.
    pub(super) fn members_exist(&mut self, home: usize, caller: Caller, append: Append) {
        let Action::AddMembers(users) = append.action else { unreachable!("only additions are checked") };
        let name = name_of(&caller, append.client_message_id);
        let (seq, _) = self.decide(home, name, Content::MembersAdded(users.clone()));
        let rows: Vec<OutboxRow> =
            users.into_iter().map(|user| self.join(home, user, seq, seq, Role::Member)).collect();
        self.send_facts_gated(self.homes[home].partition, rows);
        self.reply_gated(self.homes[home].partition, caller.reply_to, Reply::Done);
    }

    pub(super) fn remove_members(&mut self, home: usize, caller: Caller, role: Role, append: Append) {
        let log = self.homes[home].log().expect("the caller has seen the log");
        let Action::RemoveMembers(mut users) = append.action else { unreachable!() };
        if role != Role::Owner {
            return self.refuse(caller, OWNER_ONLY);
        }
        if users.contains(&caller.user) {
            let why = "names yourself; use Leave";
            return self.refuse(caller, Refusal::Invalid { field: "members", why });
        }
        users.sort_unstable();
        users.dedup();
        users.retain(|user| log.members.present(*user).is_some());
        if !users.is_empty() {
            let name = name_of(&caller, append.client_message_id);
            self.part(home, name, Content::MembersRemoved(users.clone()), &users);
        }
        self.reply_gated(self.homes[home].partition, caller.reply_to, Reply::Done);
    }

    pub(super) fn leave(&mut self, home: usize, caller: Caller, append: Append) {
        let place = &mut self.homes[home];
        if let Conversation::Direct { .. } = place.id {
            return self.refuse(caller, Refusal::Forbidden("a direct conversation cannot be left"));
        }
        let log = place.log_mut().expect("the caller has seen the log");
        let leaver = caller.user;
        // Whom the group goes to is decided among those who stay.
        let head = log.head.next();
        let owned = log.record.owner == leaver;
        log.members.leave(leaver, head.next());
        let new_owner = owned.then(|| log.members.longest_standing()).flatten();
        let name = name_of(&caller, append.client_message_id);
        let content = Content::MemberLeft { member: leaver, new_owner };
        self.part_written(home, name, content, &[leaver]);
        if owned {
            self.hand_over(home, new_owner);
        }
        self.reply_gated(self.homes[home].partition, caller.reply_to, Reply::Done);
    }

    /// Ends memberships with an entry that says so.
    fn part(&mut self, home: usize, name: MessageName, content: Content, users: &[UserId]) {
        let log = self.homes[home].log_mut().expect("members belong to logs");
        let left = log.head.next().next();
        for &user in users {
            log.members.leave(user, left);
        }
        self.part_written(home, name, content, users);
    }

    /// Writes memberships that were just ended, after the entry that says so.
    fn part_written(&mut self, home: usize, name: MessageName, content: Content, users: &[UserId]) {
        // The members at the removal must be noted in the block that holds its entry, so before it can be closed.
        let seq = self.decide_removal(home, name, content, users);
        let (conversation, partition) = (self.homes[home].id, self.homes[home].partition);
        let mut rows = Vec::with_capacity(users.len());
        for &user in users {
            let log = self.homes[home].log().expect("members belong to logs");
            let member = log.members.get(user).expect("they were members").clone();
            let joined = member.spans.last().expect("members have spans").joined;
            self.write(partition, Write::PutMember(conversation, user, member));
            rows.push(self.put_membership(home, user, MembershipRecord { joined, version: seq, member: false }));
        }
        self.send_facts_gated(self.homes[home].partition, rows);
    }

    fn decide_removal(&mut self, home: usize, name: MessageName, content: Content, users: &[UserId]) -> Seq {
        // Whoever is removed must be noted in the run that holds the entry: it may not end just before it.
        if self.homes[home].log().is_some_and(|log| log.block_lacks_room(content.entry_bytes_max())) {
            self.close_block(home);
        }
        let log = self.homes[home].log_mut().expect("members belong to logs");
        log.note_removed_by_next(users);
        let (seq, _) = self.decide(home, name, content);
        // The run ends here, so that whoever was removed gets nothing after it.
        self.close_block(home);
        seq
    }

    fn hand_over(&mut self, home: usize, new_owner: Option<UserId>) {
        let (conversation, partition) = (self.homes[home].id, self.homes[home].partition);
        let log = self.homes[home].log_mut().expect("groups have logs");
        log.record.owner = new_owner.unwrap_or_default();
        let record = log.record.clone();
        let member = new_owner.map(|user| (user, log.members.set_role(user, Role::Owner).clone()));
        self.write(partition, Write::PutConversation(conversation, record));
        if let Some((user, member)) = member {
            self.write(partition, Write::PutMember(conversation, user, member));
        }
    }

    pub(super) fn get_group(&mut self, home: usize, caller: Caller, after: UserId, limit: usize) {
        let known = self.homes[home].log().and_then(|log| log.members.present(caller.user));
        match known {
            Some(_) => self.answer_group(home, caller, after, limit, false),
            None => self.refuse(caller, Refusal::UnknownConversation),
        }
    }

    fn answer_group(&mut self, home: usize, caller: Caller, after: UserId, limit: usize, duplicate: bool) {
        let place = &self.homes[home];
        let Conversation::Group(group) = place.id else {
            return self.refuse(caller, Refusal::UnknownConversation);
        };
        let log = place.log().expect("the caller has seen the log");
        let mut members: Vec<(UserId, Role, Seq)> = log
            .members
            .iter_after(after)
            .take(limit + 1)
            .map(|(user, member)| (*user, member.role, member.spans.last().expect("members have spans").joined))
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
