//! Requests and messages, each to the part that knows it.

use super::Shard;
use super::accounts::Lookup;
use crate::ids::Conversation;
use crate::machine::Effect;
use crate::message::{ConversationMessage, Message, SessionMessage, UsersMessage};
use crate::request::{Caller, ReplyTo, Request, SessionId};

impl Shard {
    pub(super) fn handle_request(&mut self, session: SessionId, request_id: u64, request: Request) {
        let Some(caller) = self.caller(session, request_id) else { return };
        self.note_activity(session);
        if let Err(refusal) = self.charge(caller, &request) {
            return self.refuse(caller, refusal);
        }
        match request {
            Request::Append { conversation, append } => {
                self.counters.sends += 1;
                self.send_home(conversation, ConversationMessage::Append(caller, Box::new(append)));
            }
            Request::Mark { conversation, delivered, read } => self.mark(caller, conversation, delivered, read),
            Request::Sync { cursors, include_others } => self.sync(session, request_id, &cursors, include_others),
            Request::CreateGroup { client_message_id, title, members, settings } => {
                self.create_group(caller, client_message_id, title, members, settings);
            }
            Request::CreateInvite { group, invite } => {
                self.send_home(Conversation::Group(group), ConversationMessage::CreateInvite(caller, invite));
            }
            Request::RevokeInvites(group) => {
                self.send_home(Conversation::Group(group), ConversationMessage::RevokeInvites(caller));
            }
            Request::Signal { conversation, signal } => {
                self.send_home(conversation, ConversationMessage::Signal(caller, signal));
            }
            Request::Watch(users) => self.watch_users(caller, users),
            Request::Unwatch(users) => self.unwatch_users(caller, users),
            Request::Block(users) => self.block(caller, users),
            Request::Unblock(users) => self.unblock(caller, users),
            Request::ListBlocked => self.list_blocked(caller),
            Request::SetStatus(change) => self.set_status(caller, change),
            Request::History { conversation, position, limit, raw } => {
                self.send_home(conversation, ConversationMessage::History(caller, position, limit, raw));
            }
            Request::MessageInfo { conversation, query } => {
                self.send_home(conversation, ConversationMessage::MessageInfo(caller, query));
            }
            Request::GetGroup { group, members_after, members_limit } => {
                let message = ConversationMessage::GetGroup(caller, members_after, members_limit);
                self.send_home(Conversation::Group(group), message);
            }
            Request::ListConversations { after, limit, with_states } => {
                self.list_conversations(caller, after, limit, with_states);
            }
            Request::GetProfile(user) => self.get_profile(caller, user),
            Request::UpdateProfile(change) => self.update_profile(caller, *change),
            Request::ChangePassword(change) => self.change_password(caller, *change),
            Request::LogOut { all_devices } => self.log_out(caller, all_devices),
            Request::ListDevices => self.list_devices(caller),
            Request::RenameDevice(device, name) => self.rename_device(caller, device, name),
            Request::RevokeDevice(device) => self.revoke_device(caller, device),
        }
    }

    pub(super) fn caller(&mut self, session: SessionId, request_id: u64) -> Option<Caller> {
        let shard = self.id;
        let session = self.sessions.get(session)?;
        let reply_to = ReplyTo { shard, session: session.id, request_id };
        Some(Caller { user: session.user, device: session.device, reply_to })
    }

    pub(super) fn handle_message(&mut self, message: Message) {
        match message {
            Message::ToConversation(conversation, message) => self.handle_home(conversation, message),
            Message::ToUsers(message) => self.handle_users_message(message),
            Message::ToEmail(email, message) => self.handle_email(email, message),
            Message::ToAsker(to, answer) => {
                self.out.effects.push(Effect::Answer { asker: to.session, request_id: to.request_id, answer });
            }
            Message::Learn { partition, rows } => self.learn(partition, rows),
            Message::ToSession(message) => self.handle_session_message(message),
        }
    }

    pub(super) fn handle_users_message(&mut self, message: UsersMessage) {
        match message {
            UsersMessage::FindMissing { partition, users, conversation } => {
                self.find_missing(partition, users, conversation);
            }
            UsersMessage::Devices { partition, users, conversation } => {
                self.tell_devices(partition, users, conversation);
            }
            UsersMessage::MakeAccount(asker, registration, reserved_until) => {
                self.make_account(asker, *registration, reserved_until);
            }
            UsersMessage::Credentials(asker, user, email) => self.look_up(user, Lookup::Credentials(asker, email)),
            UsersMessage::Holds(user, email) => self.look_up(user, Lookup::Holds(email)),
            UsersMessage::Profile(caller, user) => self.look_up(user, Lookup::Profile(caller)),
            UsersMessage::Watch(ask) => self.watch(ask),
            UsersMessage::Unwatch(watcher, users) => self.unwatch(watcher, &users),
            UsersMessage::FindStrangers { partition, users, shard, check } => {
                self.find_strangers(partition, users, shard, check);
            }
            UsersMessage::Strangers { check, users } => self.strangers_found(check, users),
            UsersMessage::Acquaint(user, conversation) => self.acquaint(user, conversation),
            UsersMessage::Confirm(user, rows) => self.user_facts_confirmed(user, &rows),
        }
    }

    pub(super) fn handle_session_message(&mut self, message: SessionMessage) {
        match message {
            SessionMessage::Run(run) => self.handle_run(run),
            SessionMessage::Reply(to, reply) => {
                if self.sessions.get(to.session).is_some() {
                    self.reply_here(to, reply);
                }
            }
            SessionMessage::Page(page) => self.handle_page(*page),
            SessionMessage::Receipts(receipts) => self.handle_receipts(receipts),
            SessionMessage::Presence(push) => self.handle_presence(*push),
            SessionMessage::Watched(answer) => self.handle_watched(*answer),
            SessionMessage::Signal(push) => self.handle_signal(*push),
            SessionMessage::State(list, conversation, state) => self.handle_listed_state(list, &conversation, state),
            SessionMessage::Summaries(push) => self.handle_summaries(push),
            SessionMessage::Behind(conversation, head) => self.handle_behind(conversation, head),
            SessionMessage::AllBehind(home) => self.handle_all_behind(home),
            SessionMessage::End(session, reason) => self.handle_end(session, reason),
            SessionMessage::MembershipChanged(user, conversation, membership) => {
                self.handle_membership_changed(user, conversation, membership);
            }
        }
    }
}
