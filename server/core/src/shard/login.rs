//! Sessions begin and end: the account, the device and its older session, and what is kept for a while after the last.

use super::{PendingRead, Shard};
use crate::ids::UserId;
use crate::machine::{CloseReason, Open, Proof};
use crate::message::ConversationMessage;
use crate::question::Answer;
use crate::records::{AccountRecord, Read, StoredUser, Write};
use crate::request::{Refusal, Reply, ReplyTo, SessionId};
use crate::sessions::{LoadingUser, ReadyUser, Session, User};

impl Shard {
    pub(super) fn handle_open(&mut self, open: Open) {
        self.sessions.insert(Session::new(&open));
        match self.users.get_mut(&open.user) {
            Some(User::Ready(_)) => self.open(&open, false),
            Some(User::Loading(loading)) => loading.opens.push(open),
            None => {
                let user = open.user;
                let loading = LoadingUser { opens: vec![open], ..LoadingUser::default() };
                self.users.insert(user, User::Loading(Box::new(loading)));
                self.read_gated(self.slots.partition_of_user(user), PendingRead::User(user), Read::User(user));
            }
        }
    }

    pub(super) fn user_loaded(&mut self, id: UserId, mut stored: Option<Box<StoredUser>>) {
        let Some(User::Loading(loading)) = self.users.remove(&id) else { return };
        let LoadingUser { opens, registration, changed } = *loading;
        if let Some((asker, registration)) = registration {
            stored = self.register(asker, registration, stored);
        }
        let created = stored.is_none();
        let Some(stored) = stored.or_else(|| self.create(id, &opens)) else {
            return self.refuse_unknown(opens);
        };
        let mut user = ReadyUser::from_stored(*stored, self.now);
        for (conversation, record) in changed {
            user.apply(conversation, record);
        }
        self.users.insert(id, User::Ready(Box::new(user)));
        for open in opens {
            self.open(&open, created);
        }
    }

    /// Makes the account of a user whom a signed token names, if that is the way here.
    fn create(&mut self, id: UserId, opens: &[Open]) -> Option<Box<StoredUser>> {
        let named = opens.iter().any(|open| matches!(open.proof, Proof::SignedToken { .. }));
        if !named || !self.settings.create_users {
            return None;
        }
        let account = AccountRecord::bare(self.now);
        self.write(self.slots.partition_of_user(id), Write::PutAccount(id, account.clone()));
        Some(Box::new(StoredUser::new(account)))
    }

    /// Nobody learns from a password or a session token whether there is such a user.
    fn refuse_unknown(&mut self, opens: Vec<Open>) {
        for open in opens {
            let refusal = match open.proof {
                Proof::SignedToken { .. } => Refusal::UnknownUser(open.user),
                Proof::Password(_) => Refusal::WrongCredentials,
                Proof::SessionToken(_) => Refusal::TokenInvalid,
            };
            self.refuse_open(&open, refusal);
        }
    }

    pub(super) fn user_not_loaded(&mut self, id: UserId) {
        let Some(User::Loading(loading)) = self.users.remove(&id) else { return };
        for open in &loading.opens {
            self.refuse_open(open, Refusal::ReadFailed);
        }
        if let Some((asker, _)) = loading.registration {
            self.answer(asker, Answer::Refused(Refusal::ReadFailed));
        }
    }

    fn refuse_open(&mut self, open: &Open, refusal: Refusal) {
        self.sessions.remove(open.session);
        self.reply_here(self.reply_to(open), Reply::Refused(refusal));
        self.close(open.session, CloseReason::LoginRefused);
    }

    fn reply_to(&self, open: &Open) -> ReplyTo {
        ReplyTo { shard: self.id, session: open.session, request_id: open.request_id }
    }

    fn open(&mut self, open: &Open, created: bool) {
        let (now, settings) = (self.now, &self.settings);
        let Some(User::Ready(user)) = self.users.get_mut(&open.user) else { unreachable!("the caller has seen it") };
        user.used = now;
        let admission = match user.admit(open, now, settings) {
            Ok(admission) => admission,
            Err(refusal) => return self.refuse_open(open, refusal),
        };
        if let Some(older) = admission.replaced {
            self.end(older);
            self.close(older, CloseReason::Replaced);
        }
        self.presence_opened(open.session);
        let partition = self.slots.partition_of_user(open.user);
        if let Some(forgotten) = admission.forgotten {
            self.write(partition, Write::DeleteDevice(open.user, forgotten));
        }
        if admission.changed {
            self.put_device(open.user, open.device);
        }
        let reply = Reply::LoggedIn { created, token_expires: admission.token_expires };
        self.reply_gated(partition, self.reply_to(open), reply);
    }

    pub(super) fn handle_closed(&mut self, id: SessionId) {
        let Some(session) = self.end(id) else { return };
        match self.users.get_mut(&session.user) {
            Some(User::Loading(loading)) => loading.opens.retain(|open| open.session != id),
            _ => self.note_end(session.user, id),
        }
        self.presence_closed(&session);
    }

    pub(super) fn end(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(id)?;
        for conversation in self.subscriptions.close(id.index) {
            self.send_home(conversation, ConversationMessage::Unfollow(self.id));
        }
        self.watching_closed(&session);
        self.keep_activity(&session);
        self.syncs_open -= session.syncs.as_ref().map_or(0, |syncs| syncs.open());
        Some(session)
    }
}
