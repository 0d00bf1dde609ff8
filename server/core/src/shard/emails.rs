//! The home of an e-mail address: whom it belongs to, one decision at a time.
//!
//! An account is made in two steps, each in the partition that it belongs to: the address is reserved here for a while,
//! then the account is made at its user's home. The account is the truth. Whoever wants an address whose reservation is
//! over waits until the reserved user's home was asked whether the account is there; so nothing must be confirmed, and
//! a crash at any point leaves either an account with its address or an address that is free after a while.

use super::{PendingRead, Shard};
use crate::account::{Email, EmailRecord};
use crate::ids::{Timestamp, UserId};
use crate::message::{EmailMessage, Message, UsersMessage};
use crate::question::{Answer, Registration};
use crate::records::{Read, Write};
use crate::request::{Refusal, ReplyTo};
use std::collections::VecDeque;

/// How long an address is reserved.
const RESERVED_MS: u64 = 60_000;
/// The account must be made so long before the reservation ends: clocks of two homes may differ.
pub(super) const MARGIN_MS: u64 = 30_000;

/// An address about which something is being decided.
#[derive(Debug)]
pub(super) struct BusyEmail {
    /// What waits, in order. What is being decided is at the front.
    waiting: VecDeque<EmailTask>,
    /// As it is stored or about to be, once that is known.
    record: Option<EmailRecord>,
}

#[derive(Debug)]
enum EmailTask {
    Register(ReplyTo, Box<Registration>),
    Credentials(ReplyTo),
}

impl EmailTask {
    fn asker(&self) -> ReplyTo {
        match self {
            EmailTask::Register(asker, _) | EmailTask::Credentials(asker) => *asker,
        }
    }
}

impl Shard {
    pub(super) fn handle_email(&mut self, email: Email, message: EmailMessage) {
        match message {
            EmailMessage::Register(asker, registration) => {
                self.queue_email(email, EmailTask::Register(asker, registration));
            }
            EmailMessage::Credentials(asker) => self.queue_email(email, EmailTask::Credentials(asker)),
            EmailMessage::Held(user, held) => self.holder_known(&email, user, held),
            EmailMessage::HolderUnknown => self.email_not_known(&email),
        }
    }

    fn queue_email(&mut self, email: Email, task: EmailTask) {
        if let Some(busy) = self.emails.get_mut(&email) {
            return busy.waiting.push_back(task);
        }
        let partition = self.slots.partition_of_email(&email);
        self.emails.insert(email.clone(), BusyEmail { waiting: [task].into(), record: None });
        self.read_gated(partition, PendingRead::Email(email.clone()), Read::Email(email));
    }

    pub(super) fn email_loaded(&mut self, email: &Email, record: Option<EmailRecord>) {
        if let Some(busy) = self.emails.get_mut(email) {
            busy.record = record;
            self.decide_email(email);
        }
    }

    pub(super) fn email_not_known(&mut self, email: &Email) {
        for task in self.emails.remove(email).into_iter().flat_map(|busy| busy.waiting) {
            self.answer(task.asker(), Answer::Refused(Refusal::ReadFailed));
        }
    }

    /// Decides what waits, as far as no other home must be asked.
    fn decide_email(&mut self, email: &Email) {
        while let Some(busy) = self.emails.get_mut(email) {
            let Some(task) = busy.waiting.pop_front() else {
                self.emails.remove(email);
                return;
            };
            let record = busy.record.clone();
            match (task, record) {
                (EmailTask::Credentials(asker), record) => self.find_account(asker, email, record),
                (EmailTask::Register(asker, registration), None) => self.reserve(asker, registration),
                (EmailTask::Register(asker, _), Some(record)) if self.is_taken(&record, email) => {
                    self.answer(asker, Answer::Refused(Refusal::EmailTaken));
                }
                (task, Some(record)) => {
                    busy_again(&mut self.emails, email, task);
                    let shard = self.slots.shard_of_user(record.user);
                    return self.send(shard, Message::ToUsers(UsersMessage::Holds(record.user, email.clone())));
                }
            }
        }
    }

    /// Whether an address cannot be had, without asking anybody.
    fn is_taken(&self, record: &EmailRecord, email: &Email) -> bool {
        // Another address with the same hash has the one row that both could have.
        record.email != *email || self.now < record.reserved_until
    }

    fn find_account(&mut self, asker: ReplyTo, email: &Email, record: Option<EmailRecord>) {
        match record.filter(|record| record.email == *email) {
            Some(record) => {
                let message = UsersMessage::Credentials(asker, record.user, Some(email.clone()));
                self.send(self.slots.shard_of_user(record.user), Message::ToUsers(message));
            }
            None => self.answer(asker, Answer::Credentials(None)),
        }
    }

    fn reserve(&mut self, asker: ReplyTo, registration: Box<Registration>) {
        let reserved_until = self.now.plus_ms(RESERVED_MS);
        let (email, user) = (registration.email.clone(), registration.user);
        let partition = self.slots.partition_of_email(&email);
        let record = EmailRecord { email, user, reserved_until };
        if let Some(busy) = self.emails.get_mut(&registration.email) {
            busy.record = Some(record.clone());
        }
        self.write(partition, Write::PutEmail(record));
        let message = UsersMessage::MakeAccount(asker, registration, reserved_until);
        self.send_gated(partition, self.slots.shard_of_user(user), Message::ToUsers(message));
    }

    /// The home of a reservation that is over has said whether the account was made.
    fn holder_known(&mut self, email: &Email, user: UserId, held: bool) {
        let Some(busy) = self.emails.get_mut(email) else { return };
        let asked = busy.record.as_ref().is_some_and(|record| record.user == user);
        if asked && !held {
            busy.record = None;
        } else if let Some(record) = &mut busy.record {
            // Until all that waits is answered, nobody is asked again.
            record.reserved_until = Timestamp(i64::MAX);
        }
        self.decide_email(email);
    }

    /// Answers a question. Nothing is kept for an asker.
    pub(super) fn answer(&mut self, asker: ReplyTo, answer: Answer) {
        self.send(asker.shard, Message::ToAsker(asker, answer));
    }
}

fn busy_again(emails: &mut super::Map<Email, BusyEmail>, email: &Email, task: EmailTask) {
    if let Some(busy) = emails.get_mut(email) {
        busy.waiting.push_front(task);
    }
}
