//! Accounts at their user's home: made, looked up, described, changed.
//!
//! A user who is in memory is answered from there, once what was decided is durable; of others the account alone is
//! read. Accounts change only while their user is in memory, so no change can be lost between a read and a write.

use super::{PendingRead, Shard};
use crate::account::{AccountRecord, Email, Person};
use crate::ids::{Timestamp, UserId};
use crate::message::{EmailMessage, Message, SessionMessage, UsersMessage};
use crate::question::{Answer, Credentials, Question, Registration, Who};
use crate::records::{Read, StoredUser, Write};
use crate::request::{Caller, PasswordChange, ProfileChange, ProfileInfo, Refusal, Reply, ReplyTo, SessionId};
use crate::sessions::{LoadingUser, ReadyUser, User};

/// What is wanted of an account that is being read.
#[derive(Debug)]
pub(super) enum Lookup {
    /// See [`UsersMessage::Credentials`].
    Credentials(ReplyTo, Option<Email>),
    /// See [`UsersMessage::Holds`].
    Holds(Email),
    /// See [`UsersMessage::Profile`].
    Profile(Caller),
}

impl Shard {
    // ---- Questions ----

    pub(super) fn handle_question(&mut self, asker: SessionId, request_id: u64, question: Question) {
        let asker = ReplyTo { shard: self.id, session: asker, request_id };
        match question {
            Question::Register(_) if self.storage_full => self.answer(asker, Answer::Refused(Refusal::StorageFull)),
            Question::Register(registration) => {
                let email = registration.email.clone();
                self.send_email(email, EmailMessage::Register(asker, registration));
            }
            Question::Credentials(Who::Email(email)) => self.send_email(email, EmailMessage::Credentials(asker)),
            Question::Credentials(Who::User(user)) => {
                self.send_user(user, UsersMessage::Credentials(asker, user, None));
            }
        }
    }

    fn send_email(&mut self, email: Email, message: EmailMessage) {
        let shard = self.slots.shard_of(self.slots.partition_of_email(&email));
        self.send(shard, Message::ToEmail(email, message));
    }

    fn send_user(&mut self, user: UserId, message: UsersMessage) {
        self.send(self.slots.shard_of_user(user), Message::ToUsers(message));
    }

    // ---- Lookups ----

    pub(super) fn look_up(&mut self, user: UserId, lookup: Lookup) {
        if let Some(User::Ready(ready)) = self.users.get(&user) {
            let account = ready.account.clone();
            return self.looked_up(user, lookup, Some(account));
        }
        let partition = self.slots.partition_of_user(user);
        self.read_gated(partition, PendingRead::Account(user, lookup), Read::Account(user));
    }

    /// Answers once what was decided of the account is durable.
    pub(super) fn looked_up(&mut self, user: UserId, lookup: Lookup, account: Option<AccountRecord>) {
        let partition = self.slots.partition_of_user(user);
        let (shard, message) = match lookup {
            Lookup::Credentials(asker, email) => {
                let account = account.filter(|account| email.is_none() || account.email() == email.as_ref());
                let found = account.map(|account| Box::new(credentials(user, account)));
                (asker.shard, Message::ToAsker(asker, Answer::Credentials(found)))
            }
            Lookup::Holds(email) => {
                let held = account.is_some_and(|account| account.email() == Some(&email));
                let shard = self.slots.shard_of(self.slots.partition_of_email(&email));
                (shard, Message::ToEmail(email, EmailMessage::Held(user, held)))
            }
            Lookup::Profile(caller) => {
                let reply = match account {
                    Some(account) => Reply::Profile(Box::new(profile(user, &account, user == caller.user))),
                    None => Reply::Refused(Refusal::UnknownUser(user)),
                };
                let to = caller.reply_to;
                (to.shard, Message::ToSession(SessionMessage::Reply(to, reply)))
            }
        };
        self.send_gated(partition, shard, message);
    }

    pub(super) fn lookup_failed(&mut self, lookup: Lookup) {
        match lookup {
            Lookup::Credentials(asker, _) => self.answer(asker, Answer::Refused(Refusal::ReadFailed)),
            Lookup::Holds(email) => self.send_email(email, EmailMessage::HolderUnknown),
            Lookup::Profile(caller) => self.refuse(caller, Refusal::ReadFailed),
        }
    }

    pub(super) fn get_profile(&mut self, caller: Caller, user: UserId) {
        self.send_user(user, UsersMessage::Profile(caller, user));
    }

    // ---- Making one ----

    /// The address is reserved: the account is made if its id is free, as it will be.
    pub(super) fn make_account(&mut self, asker: ReplyTo, registration: Registration, reserved_until: Timestamp) {
        let user = registration.user;
        let in_time = self.now.plus_ms(super::emails::MARGIN_MS) < reserved_until;
        if !in_time || self.users.contains_key(&user) {
            return self.answer(asker, Answer::Refused(Refusal::Unlucky));
        }
        let loading = LoadingUser { registration: Some((asker, registration)), ..LoadingUser::default() };
        self.users.insert(user, User::Loading(Box::new(loading)));
        self.read_gated(self.slots.partition_of_user(user), PendingRead::User(user), Read::User(user));
    }

    /// Makes the account of a registration, unless it is there; tells what is stored then.
    pub(super) fn register(
        &mut self,
        asker: ReplyTo,
        registration: Registration,
        stored: Option<Box<StoredUser>>,
    ) -> Option<Box<StoredUser>> {
        if stored.is_some() {
            self.answer(asker, Answer::Refused(Refusal::Unlucky));
            return stored;
        }
        let Registration { user, email, name, password } = registration;
        let person = Person { email: Some(email), password: Some(password), name, ..Person::default() };
        let account = AccountRecord { created: self.now, person: Some(Box::new(person)) };
        let partition = self.slots.partition_of_user(user);
        self.write(partition, Write::PutAccount(user, account.clone()));
        self.send_gated(partition, asker.shard, Message::ToAsker(asker, Answer::Registered(user)));
        Some(Box::new(StoredUser::new(account)))
    }

    // ---- Changing one ----

    pub(super) fn update_profile(&mut self, caller: Caller, change: ProfileChange) {
        if self.storage_full {
            return self.refuse(caller, Refusal::StorageFull);
        }
        let Some(User::Ready(user)) = self.users.get_mut(&caller.user) else { return };
        let person = user.person();
        let ProfileChange { name, about, picture } = change;
        for (known, told) in [(&mut person.name, name), (&mut person.about, about), (&mut person.picture, picture)] {
            *known = told.unwrap_or_else(|| std::mem::take(known));
        }
        let account = user.account.clone();
        let reply = Reply::Profile(Box::new(profile(caller.user, &account, true)));
        self.put_account(caller, account, reply);
    }

    pub(super) fn change_password(&mut self, caller: Caller, change: PasswordChange) {
        let Some(User::Ready(user)) = self.users.get_mut(&caller.user) else { return };
        if user.account.password() != change.verified.as_ref() {
            return self.refuse(caller, Refusal::WrongPassword);
        }
        user.person().password = Some(change.new);
        let account = user.account.clone();
        if !change.keep_other_devices {
            self.end_other_devices(caller);
        }
        self.put_account(caller, account, Reply::Done);
    }

    fn put_account(&mut self, caller: Caller, account: AccountRecord, reply: Reply) {
        let partition = self.slots.partition_of_user(caller.user);
        self.write(partition, Write::PutAccount(caller.user, account));
        self.reply_gated(partition, caller.reply_to, reply);
    }
}

impl ReadyUser {
    fn person(&mut self) -> &mut Person {
        self.account.person.get_or_insert_default()
    }
}

fn credentials(user: UserId, account: AccountRecord) -> Credentials {
    let person = account.person.map(|person| *person).unwrap_or_default();
    Credentials { user, password: person.password, email: person.email, name: person.name }
}

fn profile(user: UserId, account: &AccountRecord, own: bool) -> ProfileInfo {
    let person = account.person.as_deref().cloned().unwrap_or_default();
    ProfileInfo {
        user,
        name: person.name,
        about: person.about,
        picture: person.picture,
        email: person.email.filter(|_| own),
        created: account.created,
    }
}
