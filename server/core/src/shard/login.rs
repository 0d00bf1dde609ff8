//! Sessions begin and end: the account, the device's older session, and what is kept for a while after the last one.

use super::{PendingRead, Shard};
use crate::ids::UserId;
use crate::machine::{CloseReason, Open};
use crate::message::ConversationMessage;
use crate::records::{AccountRecord, Read, StoredUser, Write};
use crate::request::{Refusal, Reply, ReplyTo, SessionId};
use crate::sessions::{Device, ReadyUser, Session, User};

impl Shard {
    pub(super) fn handle_open(&mut self, open: Open) {
        self.sessions.insert(Session::new(&open));
        match self.users.get_mut(&open.user) {
            Some(User::Ready(_)) => self.open(open, false),
            Some(User::Loading { opens, .. }) => opens.push(open),
            None => {
                self.users.insert(open.user, User::Loading { opens: vec![open], changed: Vec::new() });
                let partition = self.slots.partition_of_user(open.user);
                self.read_gated(partition, PendingRead::User(open.user), Read::User(open.user));
            }
        }
    }

    pub(super) fn user_loaded(&mut self, id: UserId, stored: Option<Box<StoredUser>>) {
        let Some(User::Loading { opens, changed }) = self.users.remove(&id) else { return };
        let created = stored.is_none();
        if created && !self.settings.create_users {
            return self.refuse_opens(opens, &Refusal::UnknownUser(id));
        }
        let mut user = ReadyUser { used: self.now, ..ReadyUser::default() };
        match stored {
            Some(stored) => user.memberships.extend(stored.memberships),
            None => {
                let account = Write::PutAccount(id, AccountRecord { created: self.now });
                self.write(self.slots.partition_of_user(id), account);
            }
        }
        for (conversation, record) in changed {
            user.apply(conversation, record);
        }
        self.users.insert(id, User::Ready(user));
        for open in opens {
            self.open(open, created);
        }
    }

    pub(super) fn user_not_loaded(&mut self, id: UserId) {
        if let Some(User::Loading { opens, .. }) = self.users.remove(&id) {
            self.refuse_opens(opens, &Refusal::ReadFailed);
        }
    }

    fn refuse_opens(&mut self, opens: Vec<Open>, refusal: &Refusal) {
        for open in opens {
            self.refuse_open(&open, refusal.clone());
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

    fn open(&mut self, open: Open, created: bool) {
        let now = self.now;
        let Some(User::Ready(user)) = self.users.get_mut(&open.user) else { unreachable!("the caller has seen it") };
        user.used = now;
        let place = match user.devices.iter_mut().find(|device| device.id == open.device) {
            Some(place) => place,
            None => {
                user.forget_a_device();
                user.devices.push(Device { id: open.device, generation: 0, session: None });
                user.devices.last_mut().expect("one was just pushed")
            }
        };
        if open.generation < place.generation {
            return self.refuse_open(&open, Refusal::DeviceReplaced);
        }
        place.generation = open.generation;
        if let Some(older) = place.session.replace(open.session) {
            self.end(older);
            self.close(older, CloseReason::Replaced);
        }
        let partition = self.slots.partition_of_user(open.user);
        self.reply_gated(partition, self.reply_to(&open), Reply::LoggedIn { created });
    }

    pub(super) fn handle_closed(&mut self, id: SessionId) {
        let Some(session) = self.end(id) else { return };
        let now = self.now;
        match self.users.get_mut(&session.user) {
            Some(User::Ready(user)) => {
                user.used = now;
                if let Some(device) = user.devices.iter_mut().find(|device| device.session == Some(id)) {
                    device.session = None;
                }
            }
            Some(User::Loading { opens, .. }) => opens.retain(|open| open.session != id),
            None => {}
        }
    }

    fn end(&mut self, id: SessionId) -> Option<Session> {
        let session = self.sessions.remove(id)?;
        for conversation in self.subscriptions.close(id.index) {
            self.send_home(conversation, ConversationMessage::Unfollow(self.id));
        }
        self.syncs_open -= session.syncs.as_ref().map_or(0, |syncs| syncs.open());
        Some(session)
    }
}
