//! Who has blocked whom, as far as the server has said, and what may pass between two people meanwhile.
//!
//! A block is in force from the moment its `Done` leaves until an `Unblock` is taken in. From then on nothing new passes
//! in their direct conversation, in either direction; what was on its way before may still arrive.

use crate::ledger::Ledger;
use crate::presence::Seen;
use hubbub_codec::content::{Change, Content};
use hubbub_codec::proto;
use hubbub_core::ids::{Conversation, Seq, Timestamp, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// Numbers of decisions that were given.
    given: u64,
    /// What was asked of each pair (who, whom), in the order in which the server took it in.
    asked: BTreeMap<(UserId, UserId), Vec<Asked>>,
    /// Pairs of whom one has blocked the other.
    cuts: BTreeMap<Conversation, Cut>,
    /// Cuts that were ever made.
    cuts_made: u64,
    /// Direct conversations in which anybody ever asked for a block.
    touched: BTreeSet<Conversation>,
    /// Signals (by number) that were sent while a block was in force.
    late_signals: BTreeSet<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    number: u64,
    blocked: bool,
    /// Whether it was done; `None` while the server has not said.
    done: Option<bool>,
}

/// What two people may know of each other while a block is in force: no more than when it began.
#[derive(Clone, Debug)]
pub struct Cut {
    marks: [(UserId, Seq, Seq); 2],
    time: Timestamp,
    /// How many durable states of each one's presence there were.
    presences: [usize; 2],
}

impl Blocks {
    /// Whether a user has blocked another, if the answers leave no doubt.
    fn known(&self, user: UserId, peer: UserId) -> Option<bool> {
        let mut known = Some(false);
        for asked in self.asked.get(&(user, peer)).into_iter().flatten() {
            known = match asked.done {
                Some(true) => Some(asked.blocked),
                Some(false) => known,
                None => known.filter(|known| *known == asked.blocked),
            };
        }
        known
    }

    /// Whether anybody ever asked for a block in a conversation.
    #[must_use]
    pub fn have_touched(&self, conversation: &Conversation) -> bool {
        self.touched.contains(conversation)
    }

    /// How many cuts were ever made.
    #[must_use]
    pub fn cuts_made(&self) -> u64 {
        self.cuts_made
    }

    /// The cut between the two of a direct conversation, if one is in force.
    #[must_use]
    pub fn cut(&self, conversation: &Conversation) -> Option<&Cut> {
        self.cuts.get(conversation)
    }
}

impl Ledger {
    // ---- What the server is asked ----

    /// The server takes in that a user blocks others, or not any more; the number under which it will answer.
    pub fn ask_block(&mut self, user: UserId, peers: &[UserId], blocked: bool) -> u64 {
        self.blocks.given += 1;
        let number = self.blocks.given;
        for peer in peers {
            self.blocks.asked.entry((user, *peer)).or_default().push(Asked { number, blocked, done: None });
            self.blocks.touched.extend(Conversation::direct(user, *peer));
            self.review(user, *peer);
        }
        number
    }

    /// The server answers.
    pub fn answer_block(&mut self, number: u64, user: UserId, peers: &[UserId], done: bool) {
        for peer in peers {
            let asked = self.blocks.asked.entry((user, *peer)).or_default();
            if let Some(at) = asked.iter().position(|asked| asked.number == number) {
                asked[at].done = Some(done);
                // What was asked before it is of no consequence any more.
                asked.drain(..if done { at } else { 0 });
            }
            self.review(user, *peer);
        }
    }

    fn review(&mut self, user: UserId, peer: UserId) {
        let Some(conversation) = Conversation::direct(user, peer) else { return };
        let in_force =
            [(user, peer), (peer, user)].iter().any(|(one, other)| self.blocks.known(*one, *other) == Some(true));
        if !in_force {
            self.blocks.cuts.remove(&conversation);
        } else if self.blocks.cut(&conversation).is_none() {
            let marks = |user| {
                let (delivered, read) = self.store.marks(&conversation, user);
                (user, delivered, read)
            };
            let presences = [user, peer].map(|user| self.presences(user).len());
            let cut = Cut { marks: [user, peer].map(marks), time: self.latest, presences };
            self.blocks.cuts.insert(conversation, cut);
            self.blocks.cuts_made += 1;
        }
    }

    /// The server takes in a signal.
    pub fn ask_signal(&mut self, conversation: &Conversation, number: u64) {
        if self.blocks.cut(conversation).is_some() {
            self.blocks.late_signals.insert(number);
        }
    }

    // ---- What passes ----

    /// An entry becomes durable.
    pub(crate) fn check_passes(&self, conversation: &Conversation, entry: &proto::Entry) {
        // To take back what one wrote, or to choose how long it is kept, is to say nothing.
        let change =
            matches!(Content::of(entry), Content::Change(Change::Revoked { .. } | Change::RetentionChanged(_)));
        let passes = change || self.blocks.cut(conversation).is_none();
        assert!(passes, "one of {conversation:?} is blocked, and {entry:?} passes");
    }

    /// A signal leaves for somebody.
    pub(crate) fn check_signal_passes(&self, conversation: &Conversation, number: u64) {
        let late = self.blocks.late_signals.contains(&number);
        assert!(!late, "one of {conversation:?} is blocked, and a signal passes");
    }

    /// Marks are shown to a user.
    pub(crate) fn check_marks_pass(&self, user: UserId, conversation: &Conversation, marks: (UserId, Seq, Seq)) {
        let Some(cut) = self.blocks.cut(conversation) else { return };
        let then = cut.marks.iter().find(|(of, ..)| *of == marks.0).expect("it is one of the two");
        let old = marks.0 == user || (marks.1 <= then.1 && marks.2 <= then.2);
        assert!(old, "one of {conversation:?} is blocked, and marks pass to {user}: {marks:?}");
    }

    /// A user is shown to another.
    pub(crate) fn check_presence_passes(&self, watcher: UserId, user: UserId, seen: &Seen) {
        let shown = self.presences(user);
        let said = |durable: &[(bool, Box<str>)]| {
            seen.status.is_empty() || durable.iter().any(|(_, status)| **status == *seen.status)
        };
        assert!(said(shown), "what {user} says of themselves is durable when shown: {seen:?}");
        assert!(seen.is_hidden() || self.store.has_account(user), "{user} is shown, and has no account: {seen:?}");
        let Some(conversation) = Conversation::direct(watcher, user) else { return };
        let Some(cut) = self.blocks.cut(&conversation) else { return };
        // To whoever has blocked, nothing at all: the decision is made where their sessions are.
        let blocker = self.blocks.known(watcher, user) == Some(true);
        assert!(!blocker || seen.is_hidden(), "{watcher} has blocked {user}, and is shown {seen:?}");
        let at = usize::from(cut.marks[1].0 == user);
        let old = seen.last_active_us <= cut.time.0 && said(&shown[..cut.presences[at].min(shown.len())]);
        assert!(old, "{user} has blocked {watcher}, who is shown {seen:?}");
    }

    /// A user is told that they are seen in another way from now on.
    pub fn check_status(&self, user: UserId, status: &str, invisible: Option<bool>) {
        let mut shown = self.presences(user).iter();
        let as_said = shown.any(|(hidden, said)| **said == *status && invisible.is_none_or(|it| it == *hidden));
        assert!(as_said || self.went_back(), "that {user} says {status:?} is durable when it is answered");
    }

    // ---- Rest ----

    /// Who has blocked whom is stored as it was answered, and known where the two talk.
    pub fn check_blocks(&self) {
        for (user, peer) in self.blocks.asked.keys() {
            let stored = self.store.has_blocked(*user, *peer);
            let known = self.blocks.known(*user, *peer).unwrap_or(stored);
            assert_eq!(stored, known, "that {user} blocks {peer} is stored as it was answered");
        }
        for id in self.store.conversations() {
            let Conversation::Direct { low, high } = *id else { continue };
            let flags = self.store.record(id).and_then(|record| record.blocks.as_deref().copied()).unwrap_or_default();
            let rows = (self.store.has_blocked(low, high), self.store.has_blocked(high, low));
            assert_eq!((flags.by_low.blocked, flags.by_high.blocked), rows, "{id:?} knows who blocks whom");
        }
    }

    /// Whether one of two people has blocked the other, as it is stored.
    #[must_use]
    pub fn is_cut(&self, user: UserId, peer: UserId) -> bool {
        self.store.has_blocked(user, peer) || self.store.has_blocked(peer, user)
    }
}
