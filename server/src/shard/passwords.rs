//! Registering, logging in with a password, and changing one: steps between the hasher and the core.
//!
//! What is under way is an [`Errand`], named by a ticket that goes with each question to the core and each job of the
//! hasher. An errand always waits for exactly one answer, so none is left behind; an answer whose connection is gone
//! ends it. A connection that registers or logs in is not read meanwhile, and its time to log in stands still.

use super::Shard;
use super::connection::{Stage, session};
use super::deadlines::Ticks;
use super::login::Device;
use crate::auth::hasher::{Busy, HashJob, HashOutcome, HashTicket};
use crate::auth::password::{Password, PasswordHash};
use crate::auth::rules;
use crate::metrics::FrameOut;
use crate::wire;
use hubbub_codec::proto;
use hubbub_codec::proto::ErrorCode;
use hubbub_codec::proto::password_login::Who as Named;
use hubbub_core::account::{self, Email};
use hubbub_core::ids::UserId;
use hubbub_core::machine::{Input, Proof};
use hubbub_core::question::{Answer, Credentials, Question, Registration, Who};
use hubbub_core::request::{PasswordChange, Refusal, Request};
use std::time::Instant;
use zeroize::Zeroizing;

const WRONG: &str = "the e-mail address, user or password is wrong";

/// Somebody's way through the hasher and the core.
#[derive(Debug)]
pub(super) struct Errand {
    connection: (u32, u32),
    request_id: u64,
    /// When it began.
    since: Ticks,
    step: Step,
}

/// What an errand waits for.
#[derive(Debug)]
enum Step {
    /// The hash of a new account's password.
    RegisterHash { email: Email, name: Box<str> },
    /// The core to make the account.
    Register,
    /// The core to find whom a login names.
    Find(Device, Password),
    /// The password of a login to be compared.
    Compare(Device, Option<(UserId, PasswordHash)>),
    /// The core to tell what the old password is compared with.
    ChangeFind(Change),
    /// The old password to be compared.
    ChangeCompare(Change, PasswordHash),
    /// The hash of the new one. With what the old one was compared.
    ChangeHash { verified: Option<PasswordHash>, keep_other_devices: bool },
}

#[derive(Debug)]
struct Change {
    old: Password,
    new: Password,
    keep_other_devices: bool,
}

impl Errand {
    /// Of a logged-in user, whose connection goes on meanwhile.
    fn is_change(&self) -> bool {
        matches!(self.step, Step::ChangeFind(_) | Step::ChangeCompare(..) | Step::ChangeHash { .. })
    }
}

impl Shard {
    // ---- Beginnings ----

    pub(super) fn begin_registration(&mut self, id: (u32, u32), request_id: u64, register: proto::Register) {
        let proto::Register { name, email, password } = register;
        let password = Password::new(password);
        if !self.node.config.is_open_to_strangers() {
            let refusal = Refusal::Forbidden("this server makes no accounts for strangers (auth.registration)");
            return self.refuse(id, request_id, refusal);
        }
        let checked = self.check_registration(&name, &email, &password).and_then(|checked| {
            self.charge_address(id)?;
            Ok(checked)
        });
        match checked {
            Ok((email, name)) => {
                let errand = self.errand(id, request_id, Step::RegisterHash { email, name });
                self.hash(errand, HashJob::Hash(password));
            }
            Err(refusal) => self.refuse(id, request_id, refusal),
        }
    }

    fn check_registration(&self, name: &str, email: &str, password: &Password) -> Result<(Email, Box<str>), Refusal> {
        let name = rules::name("register.name", name).map_err(wire::violated)?;
        let email = rules::email("register.email", email).map_err(wire::violated)?;
        let chars_min = self.node.config.auth.password_chars_min;
        rules::password("register.password", password, chars_min, email.as_str(), &name).map_err(wire::violated)?;
        Ok((Email::new(email.as_str()), name.into()))
    }

    pub(super) fn begin_password_login(
        &mut self,
        id: (u32, u32),
        request_id: u64,
        device: Device,
        login: proto::PasswordLogin,
    ) {
        let password = Password::new(login.password);
        let who = match login.who {
            Some(Named::UserId(user)) if user != 0 => Who::User(UserId(user)),
            Some(Named::Email(email)) => match rules::email("login.password.email", &email) {
                Ok(email) => Who::Email(Email::new(email.as_str())),
                Err(violation) => return self.refuse_login(id, request_id, ErrorCode::Invalid, violation.to_string()),
            },
            _ => {
                let message = "login.password: an e-mail address or a user_id is needed".to_owned();
                return self.refuse_login(id, request_id, ErrorCode::Invalid, message);
            }
        };
        match self.charge_address(id) {
            Ok(()) => {
                let errand = self.errand(id, request_id, Step::Find(device, password));
                self.ask(errand, Question::Credentials(who));
            }
            Err(refusal) => self.refuse(id, request_id, refusal),
        }
    }

    /// A request of a session. One change at a time.
    pub(super) fn begin_password_change(&mut self, id: (u32, u32), request_id: u64, change: proto::ChangePassword) {
        let proto::ChangePassword { old_password, new_password, keep_other_devices } = change;
        let (old, new) = (Password::new(old_password), Password::new(new_password));
        if self.errands.values().any(|errand| errand.connection == id) {
            return self.refuse(id, request_id, Refusal::Overloaded);
        }
        if let Err(refusal) = self.charge_address(id) {
            return self.refuse(id, request_id, refusal);
        }
        let connection = &mut self.connections[id.0 as usize];
        connection.in_progress += 1;
        let who = Who::User(connection.user);
        let errand = self.errand(id, request_id, Step::ChangeFind(Change { old, new, keep_other_devices }));
        self.ask(errand, Question::Credentials(who));
    }

    fn charge_address(&self, id: (u32, u32)) -> Result<(), Refusal> {
        let Some(address) = self.address(id) else { return Ok(()) };
        self.node.attempts.admit(address, Instant::now()).map_err(|too_many| Refusal::RateLimited {
            setting: "limits.address_logins_per_minute",
            retry_after_ms: too_many.retry_after_ms,
        })
    }

    fn errand(&self, connection: (u32, u32), request_id: u64, step: Step) -> Box<Errand> {
        Box::new(Errand { connection, request_id, since: self.deadlines.now(), step })
    }

    // ---- Steps ----

    /// Lets an errand wait for the core.
    fn ask(&mut self, errand: Box<Errand>, question: Question) {
        let asker = session(errand.connection);
        let ticket = self.wait(errand);
        self.input(Input::Ask { asker, request_id: ticket, question });
    }

    /// Lets an errand wait for the hasher, if that has room.
    fn hash(&mut self, errand: Box<Errand>, job: HashJob) {
        let ticket = self.next_ticket;
        match self.hasher.try_submit(HashTicket(ticket), job) {
            Ok(()) => {
                self.wait(errand);
            }
            Err(Busy { retry_after_ms }) => {
                self.counters.hashes_refused += 1;
                self.give_up(&errand, Refusal::RateLimited { setting: "auth.hash_queue_max", retry_after_ms });
            }
        }
    }

    fn wait(&mut self, errand: Box<Errand>) -> u64 {
        if !errand.is_change()
            && let Some(connection) = self.connection(errand.connection)
        {
            connection.stage = Stage::Proving;
        }
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.errands.insert(ticket, errand);
        ticket
    }

    /// What waits under a ticket, if its connection is still there for it.
    fn resume(&mut self, ticket: u64) -> Option<Box<Errand>> {
        let errand = self.errands.remove(&ticket)?;
        let stage = self.connection(errand.connection)?.stage;
        let expected = if errand.is_change() { Stage::Open } else { Stage::Proving };
        (stage == expected).then_some(errand)
    }

    /// The hasher has answered.
    pub(super) fn hashed(&mut self, ticket: u64, outcome: HashOutcome) {
        self.counters.hashes_done += 1;
        let Some(errand) = self.resume(ticket) else { return };
        let Errand { connection, request_id, since, step } = *errand;
        let retake = |step| Box::new(Errand { connection, request_id, since, step });
        match (step, outcome) {
            (Step::RegisterHash { email, name }, HashOutcome::Hashed(password)) => {
                let Some(user) = draw_user() else { return self.give_up(&retake(Step::Register), Refusal::Unlucky) };
                let registration = Registration { user, email, name, password: kept(&password) };
                self.ask(retake(Step::Register), Question::Register(Box::new(registration)));
            }
            (Step::Compare(device, Some((user, password))), HashOutcome::Verified(true)) => {
                self.password_was_right(&retake(Step::Register), user, device, &password);
            }
            (Step::Compare(..), HashOutcome::Verified(_)) => {
                self.refuse_login(connection, request_id, ErrorCode::WrongCredentials, WRONG.to_owned());
            }
            (Step::ChangeCompare(change, verified), HashOutcome::Verified(true)) => {
                let step = Step::ChangeHash { verified: Some(verified), keep_other_devices: change.keep_other_devices };
                self.hash(retake(step), HashJob::Hash(change.new));
            }
            (step @ Step::ChangeCompare(..), HashOutcome::Verified(false)) => {
                self.give_up(&retake(step), Refusal::WrongPassword);
            }
            (Step::ChangeHash { verified, keep_other_devices }, HashOutcome::Hashed(new)) => {
                let verified = verified.as_ref().map(kept);
                let change = PasswordChange { verified, new: kept(&new), keep_other_devices };
                let session = session(connection);
                let request = Request::ChangePassword(Box::new(change));
                self.input(Input::Request { session, request_id, request });
            }
            // It failed: nothing is known of the password.
            (step, _) => self.give_up(&retake(step), Refusal::Unlucky),
        }
    }

    /// The core has answered.
    pub(super) fn answered(&mut self, ticket: u64, answer: Answer) {
        let Some(errand) = self.resume(ticket) else { return };
        let Errand { connection, request_id, since, step } = *errand;
        let retake = |step| Box::new(Errand { connection, request_id, since, step });
        match (step, answer) {
            (Step::Register, Answer::Registered(user)) => {
                self.queue(connection.0, FrameOut::Registered, wire::registered_frame(request_id, user));
                self.be_greeted_again(connection, since);
            }
            (Step::Find(device, password), Answer::Credentials(found)) => {
                let found = found.and_then(|found| Some((found.user, from_kept(found.password.as_ref()?))));
                let hash = found.as_ref().map(|(_, hash)| hash.clone());
                self.hash(retake(Step::Compare(device, found)), HashJob::Verify(password, hash));
            }
            (Step::ChangeFind(change), Answer::Credentials(Some(found))) => {
                self.change_found(retake, change, &found);
            }
            (step, Answer::Refused(refusal)) => self.give_up(&retake(step), refusal),
            (step, _) => self.give_up(&retake(step), Refusal::Unlucky),
        }
    }

    fn change_found(&mut self, retake: impl Fn(Step) -> Box<Errand>, change: Change, found: &Credentials) {
        let email = found.email.as_ref().map_or("", Email::as_str);
        let chars_min = self.node.config.auth.password_chars_min;
        let checked = rules::password("change_password.new_password", &change.new, chars_min, email, &found.name);
        if let Err(violation) = checked {
            return self.give_up(&retake(Step::ChangeFind(change)), wire::violated(violation));
        }
        match found.password.as_ref().map(from_kept) {
            Some(hash) => {
                let job = HashJob::Verify(change.old.clone(), Some(hash.clone()));
                self.hash(retake(Step::ChangeCompare(change, hash)), job);
            }
            None => {
                let step = Step::ChangeHash { verified: None, keep_other_devices: change.keep_other_devices };
                self.hash(retake(step), HashJob::Hash(change.new));
            }
        }
    }

    // ---- Ends ----

    /// The reading task, which waits, takes the login from here.
    fn password_was_right(&mut self, errand: &Errand, user: UserId, device: Device, password: &PasswordHash) {
        let id = errand.connection;
        match self.login(user, device, errand.request_id, Proof::Password(kept(password)), true) {
            Ok(login) => {
                self.proven.insert(id, login);
                if let Some(connection) = self.connection(id) {
                    connection.stage = Stage::Proven;
                    self.wake(id);
                }
            }
            Err((code, message)) => self.refuse_login(id, errand.request_id, code, message),
        }
    }

    /// Refuses, and lets the client go on as before.
    fn give_up(&mut self, errand: &Errand, refusal: Refusal) {
        let id = errand.connection;
        self.refuse(id, errand.request_id, refusal);
        if !errand.is_change() {
            self.be_greeted_again(id, errand.since);
        } else if let Some(connection) = self.connection(id) {
            connection.in_progress = connection.in_progress.saturating_sub(1);
            self.wake(id);
        }
    }

    /// The client may try again. The time that was ours does not count against it.
    fn be_greeted_again(&mut self, id: (u32, u32), since: Ticks) {
        let (now, login_ticks) = (self.deadlines.now(), self.limits.login);
        let Some(connection) = self.connection(id) else { return };
        connection.stage = Stage::Greeted;
        connection.stage_since += now - since;
        let deadline = connection.stage_since.saturating_add(login_ticks);
        self.wake(id);
        self.look_by(id, deadline);
    }
}

/// An id for a new user: 63 random bits, not 0.
fn draw_user() -> Option<UserId> {
    let mut bytes = Zeroizing::new([0; 8]);
    getrandom::fill(&mut bytes[..]).ok()?;
    Some(UserId(u64::from_be_bytes(*bytes) >> 1)).filter(|user| user.0 != 0)
}

fn kept(hash: &PasswordHash) -> account::PasswordHash {
    account::PasswordHash::new(hash.as_phc())
}

fn from_kept(hash: &account::PasswordHash) -> PasswordHash {
    PasswordHash::from_phc(hash.as_str())
}
