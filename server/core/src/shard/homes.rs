//! Conversations at their home: loading one, handling what is asked of it in order, forgetting it.

use super::Shard;
use super::reads::PendingRead;
use crate::conversation::{Home, HomeState, Log};
use crate::ids::Conversation;
use crate::message::ConversationMessage;
use crate::records::Read;
use crate::request::{Refusal, Reply};

impl Shard {
    /// A request for a conversation homed here: handled now, or parked behind what came before it.
    pub(super) fn handle_home(&mut self, conversation: Conversation, message: ConversationMessage) {
        let home = match self.home_by_id.get(&conversation) {
            Some(&home) if self.homes[home].busy.is_some() && message.is_signal() => return self.drop_signal(),
            Some(&home) => home,
            None if matches!(message, ConversationMessage::Unfollow(_)) => return,
            // What is not in memory is followed by nobody.
            None if message.is_signal() => return self.drop_signal(),
            None => self.load(conversation),
        };
        self.homes[home].used = self.now;
        match message {
            ConversationMessage::Confirm(rows) => self.conversation_facts_confirmed(home, &rows),
            ConversationMessage::Missing(missing) => self.users_checked(home, missing),
            ConversationMessage::Acquainted(refusal) => self.acquainted(home, refusal),
            ConversationMessage::Devices(answer) => self.devices_told(home, answer),
            message if self.homes[home].busy.is_some() => self.homes[home].parked.push_back(message),
            message => self.process(home, message),
        }
        self.resume(home);
    }

    pub(super) fn load(&mut self, conversation: Conversation) -> usize {
        let partition = self.slots.partition_of_conversation(&conversation);
        let home = self.homes.insert(Home::loading(conversation, partition, self.now));
        self.home_by_id.insert(conversation, home);
        self.read_gated(partition, PendingRead::Conversation(conversation), Read::Conversation(conversation));
        home
    }

    pub(super) fn conversation_loaded(
        &mut self,
        conversation: Conversation,
        stored: Option<Box<crate::records::StoredConversation>>,
    ) {
        let Some(&home) = self.home_by_id.get(&conversation) else { return };
        self.homes[home].state = match stored {
            Some(stored) => HomeState::Ready(Box::new(Log::from_stored(*stored, self.settings.log_epoch))),
            None => HomeState::Absent,
        };
        self.homes[home].busy = None;
        self.resume(home);
    }

    pub(super) fn conversation_not_loaded(&mut self, conversation: Conversation) {
        let Some(home) = self.home_by_id.remove(&conversation) else { return };
        for message in self.homes.remove(home).parked {
            self.refuse_message(conversation, message, Refusal::ReadFailed);
        }
    }

    /// Handles parked requests in order, as far as nothing holds them up.
    pub(super) fn resume(&mut self, home: usize) {
        while self.homes[home].busy.is_none() {
            let Some(message) = self.homes[home].parked.pop_front() else { break };
            self.process(home, message);
        }
        let unused = &self.homes[home];
        if matches!(unused.state, HomeState::Absent) && unused.is_settled() {
            self.forget(home);
        }
    }

    pub(super) fn forget(&mut self, home: usize) {
        let home = self.homes.remove(home);
        self.home_by_id.remove(&home.id);
    }

    pub(super) fn process(&mut self, home: usize, message: ConversationMessage) {
        match message {
            ConversationMessage::Append(caller, append) => self.append(home, caller, append),
            ConversationMessage::Pull(pull) => self.pull(home, pull),
            ConversationMessage::History(caller, position, limit, raw) => {
                self.history(home, caller, position, limit, raw);
            }
            ConversationMessage::GetGroup(caller, after, limit) => self.get_group(home, caller, after, limit),
            ConversationMessage::State(query) => self.tell_state(home, query),
            ConversationMessage::CreateInvite(caller, invite) => self.create_invite(home, caller, invite),
            ConversationMessage::RevokeInvites(caller) => self.revoke_invites(home, caller),
            ConversationMessage::MessageInfo(caller, query) => self.message_info(home, caller, query),
            ConversationMessage::Mark(mark) => self.apply_mark(home, mark),
            ConversationMessage::Signal(caller, signal) => self.signal(home, caller, *signal),
            ConversationMessage::LearnBlock { user, blocked, version, row } => {
                self.apply_block(home, user, blocked, version, row);
            }
            ConversationMessage::Unfollow(shard) => self.homes[home].followers.remove(shard),
            ConversationMessage::Confirm(_)
            | ConversationMessage::Missing(_)
            | ConversationMessage::Acquainted(_)
            | ConversationMessage::Devices(_) => {
                unreachable!("these are never parked")
            }
        }
    }

    /// Answers a request that cannot be processed at all.
    pub(super) fn refuse_message(
        &mut self,
        conversation: Conversation,
        message: ConversationMessage,
        refusal: Refusal,
    ) {
        match message {
            ConversationMessage::Append(caller, _)
            | ConversationMessage::History(caller, ..)
            | ConversationMessage::CreateInvite(caller, _)
            | ConversationMessage::RevokeInvites(caller)
            | ConversationMessage::MessageInfo(caller, _)
            | ConversationMessage::GetGroup(caller, ..) => self.refuse(caller, refusal),
            ConversationMessage::Signal(caller, _) => self.answer_signal(caller, Reply::Refused(refusal)),
            ConversationMessage::State(query) => self.answer_state(query, conversation, None),
            ConversationMessage::Pull(pull) => self.pull_failed(conversation, pull),
            ConversationMessage::Mark(mark) => self.postpone_mark(conversation, mark, refusal),
            message @ ConversationMessage::LearnBlock { .. } => self.block_retries.push((conversation, message)),
            ConversationMessage::Unfollow(_)
            | ConversationMessage::Confirm(_)
            | ConversationMessage::Missing(_)
            | ConversationMessage::Acquainted(_)
            | ConversationMessage::Devices(_) => {}
        }
    }
}
