//! Making groups during the setup. A large one is made with its first members, and the others are added a batch at a
//! time: a request must fit into a frame.

use std::collections::HashMap;

use hubbub_codec::ids::{Conversation as ConversationName, GroupId, UserId};
use hubbub_codec::session::{Reply, RequestId};

use super::thread::Thread;
use crate::clock::as_duration;

/// Most members that one request names.
const BATCH_MAX: usize = 900;

/// Groups that are being made.
#[derive(Debug, Default)]
pub(super) struct GroupMaking {
    /// Requests that are under way, by client: for which conversation.
    requests: HashMap<(u32, RequestId), u32>,
    /// Who is still to be added, by conversation.
    to_add: HashMap<u32, Vec<UserId>>,
}

impl GroupMaking {
    /// Whether the server knows all members of a group.
    pub(super) fn is_complete(&self, at: u32) -> bool {
        !self.to_add.contains_key(&at)
    }
}

impl Thread {
    /// Lets its first member make a group.
    pub(super) fn request_group(&mut self, at: u32, now_us: u64) {
        let conversation = &mut self.conversations[at as usize];
        let users = std::mem::take(&mut conversation.users);
        let title = format!("load {}/{}", conversation.key.community, conversation.key.index);
        let owner = conversation.members[0];
        let owner_id = self.user_id(owner);
        let ids = users.iter().map(|user| self.plan.first_user + u64::from(*user));
        let mut others: Vec<UserId> = ids.filter(|user| *user != owner_id).map(UserId).collect();
        let later = others.split_off(others.len().min(BATCH_MAX));
        let Some(session) = self.clients[owner as usize].session.hubbub_mut() else {
            return;
        };
        match session.create_group(as_duration(now_us), title, &others) {
            Ok(request) => drop(self.traffic.making.requests.insert((owner, request), at)),
            Err(refused) => return self.fail(format!("a group could not be asked for: {refused}")),
        }
        self.traffic.making.to_add.insert(at, later);
        self.settle(owner, now_us);
    }

    pub(super) fn handle_reply(&mut self, index: u32, request: RequestId, reply: Reply, now_us: u64) {
        if let Reply::Presence(users) = &reply {
            return self.handle_watch_answer(index, users, now_us);
        }
        let Some(at) = self.traffic.making.requests.remove(&(index, request)) else {
            return;
        };
        if let Reply::Group(group) = reply {
            self.conversations[at as usize].name = Some(ConversationName::Group(GroupId(group.group)));
        }
        self.add_next_members(index, at, now_us);
    }

    fn add_next_members(&mut self, owner: u32, at: u32, now_us: u64) {
        let making = &mut self.traffic.making;
        let name = self.conversations[at as usize].name;
        let (Some(later), Some(ConversationName::Group(group))) = (making.to_add.get_mut(&at), name) else {
            return;
        };
        if later.is_empty() {
            making.to_add.remove(&at);
            return;
        }
        let batch = later.split_off(later.len().saturating_sub(BATCH_MAX));
        let Some(session) = self.clients[owner as usize].session.hubbub_mut() else {
            return;
        };
        match session.add_members(as_duration(now_us), group, &batch) {
            Ok(request) => drop(making.requests.insert((owner, request), at)),
            Err(refused) => self.fail(format!("members could not be added to a group: {refused}")),
        }
        self.touched.push(owner);
    }
}
