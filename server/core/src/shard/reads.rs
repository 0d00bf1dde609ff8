//! What the store was asked, and who waits for the answer.

use super::Shard;
use super::accounts::Lookup;
use crate::account::Email;
use crate::ids::{Conversation, PartitionId, Seq, ShardId, UserId};
use crate::machine::{Effect, ReadToken};
use crate::message::{ConversationMessage, Message, Pull, StateQuery, UsersMessage, WatchAsk};
use crate::partition::Gated;
use crate::records::{OwnedDevices, Read, ReadResult, Retention};
use crate::request::{Caller, ConversationState, InfoQuery, Refusal};

/// What a read is for.
#[derive(Debug)]
pub(super) enum PendingRead {
    Conversation(Conversation),
    User(UserId),
    Account(UserId, Lookup),
    Email(Email),
    /// A pull, the seq it continues from, the state that goes with the page, and whether that counts as unread all there
    /// is, of which the page's ordinal is to be taken off.
    Pull(Conversation, Pull, Seq, Option<Box<ConversationState>>, bool),
    History(Conversation, Caller, Option<Seq>),
    /// A state that lacks the ordinal that is read.
    State(Conversation, StateQuery, Box<ConversationState>),
    FindName(Conversation),
    /// Who wrote a group's older messages, up to a seq.
    Recall(Conversation, Seq),
    MessageInfo(Conversation, Caller, InfoQuery),
    Presence(Box<WatchAsk>),
    /// For a shard's check of a block.
    Strangers(ShardId, usize),
    /// About a user of a conversation that is about to begin.
    Acquaintance(Conversation, UserId),
    Missing(Conversation),
    /// The devices of those whose users are in memory.
    Devices(Conversation, Vec<OwnedDevices>),
    Target(Conversation),
    Expired(Conversation, Retention),
    Walk,
}

impl Shard {
    /// Asks the store, once everything decided so far in the partition is durable.
    pub(super) fn read_gated(&mut self, partition: PartitionId, pending: PendingRead, read: Read) {
        let token = ReadToken(self.reads.insert(pending) as u32);
        self.gate(partition, Gated::Read(token, read));
    }

    pub(super) fn read(&mut self, pending: PendingRead, read: Read) {
        let token = ReadToken(self.reads.insert(pending) as u32);
        self.out.effects.push(Effect::Read(token, read));
    }

    pub(super) fn handle_loaded(&mut self, token: ReadToken, result: Option<ReadResult>) {
        let pending = self.reads.remove(token.0 as usize);
        match (pending, result) {
            (PendingRead::Conversation(conversation), Some(ReadResult::Conversation(stored))) => {
                self.conversation_loaded(conversation, stored);
            }
            (PendingRead::Conversation(conversation), _) => self.conversation_not_loaded(conversation),
            (PendingRead::User(user), Some(ReadResult::User(stored))) => self.user_loaded(user, stored),
            (PendingRead::User(user), _) => self.user_not_loaded(user),
            (PendingRead::Account(user, lookup), Some(ReadResult::Account(account))) => {
                self.looked_up(user, lookup, account);
            }
            (PendingRead::Account(_, lookup), _) => self.lookup_failed(lookup),
            (PendingRead::Email(email), Some(ReadResult::Email(record))) => self.email_loaded(&email, record),
            (PendingRead::Email(email), _) => self.email_not_known(&email),
            (PendingRead::Pull(conversation, pull, from, state, counts_all), Some(ReadResult::Page(page))) => {
                self.answer_pull(conversation, pull, from, state, page, counts_all);
            }
            (PendingRead::Pull(conversation, pull, ..), _) => self.pull_failed(conversation, pull),
            (PendingRead::History(conversation, caller, skip_from), Some(ReadResult::Page(page))) => {
                self.answer_history(conversation, caller, skip_from, page);
            }
            (PendingRead::History(_, caller, _), _) => self.refuse(caller, Refusal::ReadFailed),
            (PendingRead::State(conversation, query, state), Some(ReadResult::Page(page))) => {
                self.state_read(conversation, query, state, Some(page.ordinal.unwrap_or(0)));
            }
            (PendingRead::State(conversation, query, state), _) => self.state_read(conversation, query, state, None),
            (PendingRead::FindName(conversation), Some(ReadResult::FindName { found, oldest })) => {
                self.name_searched(conversation, Some((found, oldest)));
            }
            (PendingRead::Presence(ask), Some(ReadResult::Presence(stored))) => {
                self.presence_loaded(&ask, Some(stored))
            }
            (PendingRead::Presence(ask), _) => self.presence_loaded(&ask, None),
            (PendingRead::Strangers(shard, check), result) => {
                let users = match result {
                    Some(ReadResult::MissingUsers(missing)) => missing,
                    _ => vec![UserId(0)],
                };
                self.send(shard, Message::ToUsers(UsersMessage::Strangers { check, users }));
            }
            (PendingRead::Acquaintance(conversation, user), result) => {
                let refusal = match result {
                    Some(ReadResult::Acquaintance { exists: false, .. }) => Some(Refusal::UnknownUser(user)),
                    Some(ReadResult::Acquaintance { blocks, .. }) => blocks.then_some(Refusal::Blocked),
                    _ => Some(Refusal::ReadFailed),
                };
                self.send_home(conversation, ConversationMessage::Acquainted(refusal));
            }
            (PendingRead::FindName(conversation), _) => self.name_searched(conversation, None),
            (PendingRead::Recall(conversation, up_to), Some(ReadResult::Authors(authors))) => {
                self.recalled(conversation, up_to, Some(&authors));
            }
            (PendingRead::Recall(conversation, up_to), _) => self.recalled(conversation, up_to, None),
            (PendingRead::MessageInfo(conversation, caller, query), Some(ReadResult::Authors(authors))) => {
                let author = authors.iter().find(|(seq, _)| *seq == query.seq).map(|(_, author)| *author);
                self.answer_message_info(conversation, caller, query, author);
            }
            (PendingRead::MessageInfo(_, caller, _), _) => self.refuse(caller, Refusal::ReadFailed),
            (PendingRead::Missing(conversation), Some(ReadResult::MissingUsers(missing))) => {
                self.send_home(conversation, ConversationMessage::Missing(missing));
            }
            (PendingRead::Missing(conversation), _) => {
                // Nobody is known to exist: the request is refused, and may be sent again.
                self.send_home(conversation, ConversationMessage::Missing(vec![UserId(0)]));
            }
            (PendingRead::Devices(conversation, told), Some(ReadResult::Devices(read))) => {
                self.devices_read(conversation, told, Some(read));
            }
            (PendingRead::Devices(conversation, told), _) => self.devices_read(conversation, told, None),
            (PendingRead::Target(conversation), Some(ReadResult::Target(target))) => {
                self.target_found(conversation, Some(target));
            }
            (PendingRead::Target(conversation), _) => self.target_found(conversation, None),
            (PendingRead::Expired(conversation, retention), Some(ReadResult::Expired(expired))) => {
                self.expired(conversation, retention, Some(expired));
            }
            (PendingRead::Expired(conversation, retention), _) => self.expired(conversation, retention, None),
            (PendingRead::Walk, Some(ReadResult::Walk(rows))) => self.walked(Some(rows)),
            (PendingRead::Walk, _) => self.walked(None),
        }
    }
}
