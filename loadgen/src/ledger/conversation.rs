//! The ledger of one conversation. See the [module above](super) for the idea.
//!
//! INVARIANT: `slots[i]` is the entry `base + i`; everything below `base` is settled.

use std::collections::{HashMap, HashSet, VecDeque};

use hubbub_codec::ids::Conversation;

use super::Account;
use super::fault::{Fault, FaultKind};
use super::ranges::Ranges;
use super::room::Room;
use super::slot::{Content, Fanout, Known, MessageName, Slot};

/// Most entries between the first unsettled one and the newest; what a server numbers beyond is corrupt. Bounds memory
/// against senseless numbers: 40 MB for one conversation.
pub const UNSETTLED_MAX: u64 = 1 << 20;

/// Most contents found in the wrong place that are remembered one by one.
const STRAYS_MAX: usize = 10_000;

/// How a member came by an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Pushed as it happened; how long it took from the intended send, in microseconds, where that is of interest.
    Live(Option<u64>),
    /// Caught up with.
    OnSync,
}

/// A member as a recipient.
#[derive(Debug, Default)]
struct Recipient {
    /// The greatest seq it was handed.
    cursor: u64,
    /// The smaller ones that it was not.
    missing: Ranges,
}

/// A member as a sender.
#[derive(Debug, Default)]
struct Sender {
    /// The counter of its next send.
    next: u32,
    /// Counters that were acknowledged.
    acked: Ranges,
    /// The greatest settled counter among first attempts.
    last_judged: Option<u32>,
}

/// A message where it does not belong, or one that was not where it belongs.
#[derive(Debug, Clone, Copy)]
struct Stray {
    name: MessageName,
    seq: u64,
    copies: u32,
}

/// The account of one conversation. Members are named by their place, from 0.
#[derive(Debug)]
pub struct ConversationLedger {
    /// For the words of faults.
    conversation: Conversation,
    /// The members by place.
    users: Box<[u64]>,
    base: u64,
    slots: VecDeque<Slot>,
    recipients: Box<[Recipient]>,
    senders: Box<[Sender]>,
    /// Sends without an answer.
    open_sends: u64,
    /// Contents that were handed out at the seq of another message.
    found: Vec<Stray>,
    /// Messages whose place was taken by something else.
    absent: Vec<Stray>,
    /// Room that was taken for faults, until they are judged.
    faults: u64,
}

/// Where a seq is.
enum Place<'a> {
    /// Among what is not settled.
    Open(&'a mut Slot),
    /// Settled, or senseless.
    Elsewhere,
    /// There is no room for it.
    NoRoom,
}

impl ConversationLedger {
    /// An account of members, who are these users, that begins where each of them stands: the greatest seq that it was
    /// handed before. Differences between them are accounted for as entries of no interest.
    #[must_use]
    pub fn new(conversation: Conversation, users: Box<[u64]>, cursors: &[u64], account: &mut Account) -> Self {
        let greatest = cursors.iter().copied().max().unwrap_or(0).min(u64::MAX / 2);
        let smallest = cursors.iter().copied().min().unwrap_or(0).max(greatest.saturating_sub(UNSETTLED_MAX));
        let slot = |seq| Slot {
            known: Known::Other,
            arrivals: cursors.iter().filter(|cursor| **cursor >= seq).count() as u32,
            ..Slot::default()
        };
        let slots: VecDeque<Slot> = (smallest + 1..=greatest).map(slot).collect();
        account.room.take(slots.len() as u64);
        Self {
            conversation,
            users,
            base: smallest + 1,
            slots,
            recipients: cursors.iter().map(|cursor| Recipient { cursor: *cursor, ..Recipient::default() }).collect(),
            senders: cursors.iter().map(|_| Sender::default()).collect(),
            open_sends: 0,
            found: Vec::new(),
            absent: Vec::new(),
            faults: 0,
        }
    }

    /// The greatest seq that a member was handed.
    #[must_use]
    pub fn cursor(&self, member: u32) -> u64 {
        self.recipients[member as usize].cursor
    }

    /// The counter that the next send of a member will have.
    #[must_use]
    pub fn next_counter(&self, member: u32) -> u32 {
        self.senders[member as usize].next
    }

    /// A member has sent.
    pub fn note_send(&mut self, member: u32) {
        self.senders[member as usize].next += 1;
        self.open_sends += 1;
    }

    /// The server acknowledged a send. `judged`: it was a first attempt, so that its order counts.
    pub fn note_sent(&mut self, name: MessageName, seq: u64, judged: bool, account: &mut Account) {
        self.open_sends -= 1;
        account.totals.accepted += 1;
        self.senders[name.sender as usize].acked.insert(name.counter.into());
        let copies = self.recipients.len() as u32;
        match self.place(seq, &mut account.room) {
            Place::NoRoom => return self.note_unaccounted(seq, account),
            Place::Open(slot) if slot.known == Known::Nothing || slot.known == Known::Seen(name) => {
                slot.known = Known::Acked(name);
                slot.judged = judged;
            }
            // Its number holds something else, for all that it was acknowledged.
            Place::Open(_) | Place::Elsewhere => self.note_absent(Stray { name, seq, copies }, account),
        }
        account.totals.copies_due += u64::from(copies);
        self.settle(account);
    }

    /// The server refused a send for good; it may be stored all the same when it had been tried before.
    pub fn note_refused(&mut self, account: &mut Account) {
        self.open_sends -= 1;
        account.totals.refused += 1;
    }

    /// A member was handed an entry. Returns the fan-out times when it was the last to have it.
    pub fn note_arrival(
        &mut self,
        member: u32,
        seq: u64,
        content: Content,
        how: How,
        account: &mut Account,
    ) -> Option<Fanout> {
        let members = self.recipients.len() as u32;
        if seq >= self.base + UNSETTLED_MAX {
            account.totals.corrupt += 1;
            account.describe(|| {
                self.fault(FaultKind::Corrupt, "it is far outside the log").seq(seq).at(member, &self.users)
            });
            return None;
        }
        if !self.advance(member, seq, account) {
            return None;
        }
        let content = self.check_sent(content);
        let slot = match self.place(seq, &mut account.room) {
            Place::Open(slot) => slot,
            Place::Elsewhere => return None,
            Place::NoRoom => {
                self.note_unaccounted(seq, account);
                return None;
            }
        };
        slot.arrivals += 1;
        slot.on_sync += u32::from(how == How::OnSync);
        if slot.known == Known::Nothing {
            slot.known = match content {
                Content::Message(name) => Known::Seen(name),
                Content::Other => Known::Other,
                Content::Corrupt => Known::Nothing,
            };
        }
        let right = match (slot.known, content) {
            (known, Content::Message(name)) => known.message() == Some(name),
            (known, Content::Other) => known == Known::Other,
            (_, Content::Corrupt) => false,
        };
        let mut fanout = None;
        if let (true, How::Live(Some(took_us)), Content::Message(name)) = (right, how, content)
            && name.sender != member
        {
            fanout = slot.note_live(took_us, members - 1);
        }
        slot.wrong += u32::from(!right);
        if !right {
            self.note_wrong(member, seq, content, account);
        }
        self.settle(account);
        fanout
    }

    /// A member's log began anew.
    pub fn note_reset(&mut self, account: &mut Account) {
        account.totals.log_resets += 1;
        account.describe(|| self.fault(FaultKind::LogReset, "the log began anew"));
    }

    /// Whether nothing is open: no send without its answer, no entry without all its members.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.slots.is_empty() && self.open_sends == 0
    }

    /// The greatest seq that anybody has seen or was told of.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.base + self.slots.len() as u64 - 1
    }

    /// Whether a member lacks an entry that somebody has seen or was told of.
    #[must_use]
    pub fn lags(&self, member: u32) -> bool {
        let recipient = &self.recipients[member as usize];
        recipient.cursor < self.head() || !recipient.missing.is_empty()
    }

    /// Judges what is left. `asked(member)`: it came to the end of the log, so what it lacks is lost rather than pending.
    pub fn finish(&mut self, asked: impl Fn(u32) -> bool, account: &mut Account) {
        account.totals.unacknowledged += self.open_sends;
        let mut stored = HashSet::new();
        let slots = std::mem::take(&mut self.slots);
        account.room.give_back(slots.len() as u64);
        for (seq, slot) in (self.base..).zip(slots) {
            match slot.known {
                Known::Acked(message) => {
                    self.judge_absences(seq, message, &asked, account);
                    self.count_acked(seq, message, slot, account);
                }
                Known::Seen(message) => match !self.is_acked(message) && stored.insert(message) {
                    true => account.totals.unacknowledged_stored += 1,
                    false => self.note_stored_elsewhere(seq, message, slot, account),
                },
                Known::Nothing | Known::Other => {}
            }
        }
        self.judge_strays(account);
        account.room.give_back(std::mem::take(&mut self.faults));
    }

    fn fault(&self, kind: FaultKind, detail: impl Into<String>) -> Fault {
        Fault::new(kind, &self.conversation, detail)
    }

    fn note_unaccounted(&self, seq: u64, account: &mut Account) {
        account.totals.unaccounted += 1;
        account.describe(|| self.fault(FaultKind::Unaccounted, "the ledger has no room for it").seq(seq));
    }

    /// Takes room for one fault more; false when there is none.
    fn take_fault(&mut self, account: &mut Account) -> bool {
        let there_is = account.room.take(1);
        self.faults += u64::from(there_is);
        there_is
    }

    /// Keeps a message that is not in its place, to look for it in the end.
    fn note_absent(&mut self, stray: Stray, account: &mut Account) {
        match self.take_fault(account) {
            true => self.absent.push(stray),
            false => account.totals.lost += u64::from(stray.copies),
        }
    }

    /// Moves a member's cursor; false when it was handed this seq before.
    fn advance(&mut self, member: u32, seq: u64, account: &mut Account) -> bool {
        let expected = self.recipients[member as usize].cursor + 1;
        if seq < expected {
            return self.take_late(member, seq, account);
        }
        if seq > expected {
            account.totals.gaps += seq - expected;
            account.describe(|| {
                let detail = format!("it was handed out where {expected} must be");
                self.fault(FaultKind::Gap, detail).seq(seq).at(member, &self.users)
            });
            match self.take_fault(account) {
                true => self.recipients[member as usize].missing.append(expected, seq - 1),
                false => self.note_unaccounted(seq, account),
            }
        }
        self.recipients[member as usize].cursor = seq;
        true
    }

    /// A member was handed a seq below what it had; true when it lacked it.
    fn take_late(&mut self, member: u32, seq: u64, account: &mut Account) -> bool {
        let recipient = &mut self.recipients[member as usize];
        let late = recipient.missing.remove(seq);
        let newest = recipient.cursor;
        account.totals.reordered += u64::from(late);
        account.totals.duplicated += u64::from(!late);
        account.describe(|| {
            let fault = match late {
                true => self.fault(FaultKind::Reordered, format!("it came after {newest}")),
                false => self.fault(FaultKind::Duplicated, "it was handed out twice"),
            };
            fault.seq(seq).at(member, &self.users)
        });
        late
    }

    /// A message that nobody sent is as wrong as a damaged one.
    fn check_sent(&self, content: Content) -> Content {
        let was_sent =
            |name: MessageName| self.senders.get(name.sender as usize).is_some_and(|sender| name.counter < sender.next);
        match content {
            Content::Message(name) if !was_sent(name) => Content::Corrupt,
            content => content,
        }
    }

    fn place(&mut self, seq: u64, room: &mut Room) -> Place<'_> {
        let Some(at) = seq.checked_sub(self.base).filter(|at| *at < UNSETTLED_MAX) else {
            return Place::Elsewhere;
        };
        let (at, length) = (at as usize, self.slots.len());
        if at >= length {
            if !room.take((at + 1 - length) as u64) {
                return Place::NoRoom;
            }
            self.slots.resize(at + 1, Slot::default());
        }
        Place::Open(&mut self.slots[at])
    }

    fn note_wrong(&mut self, member: u32, seq: u64, content: Content, account: &mut Account) {
        if let Content::Message(name) = content
            && self.note_found(name, seq, account)
        {
            return;
        }
        // An empty place where an accepted message must be is a loss; that is counted with the message.
        if content != Content::Other {
            account.totals.corrupt += 1;
            account.describe(|| {
                let fault = self.fault(FaultKind::Corrupt, "the body is damaged, or was never sent");
                fault.seq(seq).at(member, &self.users)
            });
        }
    }

    /// Keeps a message that was found in another's place; false when there is no room for it.
    fn note_found(&mut self, name: MessageName, seq: u64, account: &mut Account) -> bool {
        if let Some(stray) = self.found.iter_mut().rev().find(|stray| stray.seq == seq && stray.name == name) {
            stray.copies += 1;
            return true;
        }
        let there_is = self.found.len() < STRAYS_MAX && self.take_fault(account);
        if there_is {
            self.found.push(Stray { name, seq, copies: 1 });
        }
        there_is
    }

    /// Takes off what everybody has and what was answered.
    fn settle(&mut self, account: &mut Account) {
        let members = self.recipients.len() as u32;
        while let Some(slot) = self.slots.front().copied().filter(|slot| slot.arrivals >= members) {
            match slot.known {
                Known::Acked(name) => self.count_acked(self.base, name, slot, account),
                // The sender's `Sent` named another seq: it is stored twice, or in another one's place.
                Known::Seen(name) if self.is_acked(name) => self.note_stored_elsewhere(self.base, name, slot, account),
                // It waits for its answer.
                Known::Seen(_) => return,
                Known::Nothing | Known::Other => {}
            }
            self.slots.pop_front();
            account.room.give_back(1);
            self.base += 1;
        }
    }

    fn is_acked(&self, name: MessageName) -> bool {
        self.senders[name.sender as usize].acked.contains(name.counter.into())
    }

    fn count_acked(&mut self, seq: u64, name: MessageName, slot: Slot, account: &mut Account) {
        let right = slot.arrivals - slot.wrong;
        let on_sync = slot.on_sync.min(right);
        account.totals.delivered += u64::from(right);
        account.totals.delivered_on_sync += u64::from(on_sync);
        account.totals.delivered_live += u64::from(right - on_sync);
        if slot.wrong > 0 {
            self.note_absent(Stray { name, seq, copies: slot.wrong }, account);
        }
        if !slot.judged {
            return;
        }
        let sender = &mut self.senders[name.sender as usize];
        match sender.last_judged {
            Some(last) if name.counter < last => {
                account.totals.reordered += u64::from(slot.arrivals);
                account.describe(|| {
                    let detail = format!("it is stored after message {last} of the same sender");
                    self.fault(FaultKind::Reordered, detail).of(name, &self.users).seq(seq)
                });
            }
            _ => sender.last_judged = Some(name.counter),
        }
    }

    /// A message is stored where its sender was not told that it is.
    fn note_stored_elsewhere(&mut self, seq: u64, name: MessageName, slot: Slot, account: &mut Account) {
        let copies = slot.arrivals - slot.wrong;
        match self.take_fault(account) {
            true => self.found.push(Stray { name, seq, copies }),
            false => self.count_duplicate(Stray { name, seq, copies }, account),
        }
    }

    fn count_duplicate(&self, stray: Stray, account: &mut Account) {
        let Stray { name, seq, copies } = stray;
        account.totals.duplicated += u64::from(copies);
        account.describe(|| {
            let detail = format!("{copies} further copies of it are there, beside those in its place");
            self.fault(FaultKind::Duplicated, detail).of(name, &self.users).seq(seq)
        });
    }

    /// Copies of an accepted message that did not arrive at all.
    fn judge_absences(&self, seq: u64, message: MessageName, asked: &impl Fn(u32) -> bool, account: &mut Account) {
        for (member, recipient) in (0..).zip(&self.recipients) {
            if seq <= recipient.cursor && !recipient.missing.contains(seq) {
                continue;
            }
            let (kind, detail) = match asked(member) {
                true => (FaultKind::Lost, "it was accepted, and did not arrive"),
                false => (FaultKind::Pending, "it was accepted, and has not arrived yet"),
            };
            account.totals.lost += u64::from(kind == FaultKind::Lost);
            account.totals.pending += u64::from(kind == FaultKind::Pending);
            account.describe(|| self.fault(kind, detail).of(message, &self.users).seq(seq).at(member, &self.users));
        }
    }

    /// Brings messages that were not in their place together with those found elsewhere.
    fn judge_strays(&mut self, account: &mut Account) {
        let mut found: HashMap<MessageName, Vec<Stray>> = HashMap::new();
        for stray in std::mem::take(&mut self.found) {
            found.entry(stray.name).or_default().push(stray);
        }
        for absent in std::mem::take(&mut self.absent) {
            let mut missing = absent.copies;
            for stray in found.get_mut(&absent.name).into_iter().flatten() {
                let taken = missing.min(stray.copies);
                (missing, stray.copies) = (missing - taken, stray.copies - taken);
            }
            self.count_absent(absent, absent.copies - missing, account);
        }
        let mut further: Vec<Stray> = found.into_values().flatten().filter(|stray| stray.copies > 0).collect();
        further.sort_unstable_by_key(|stray| (stray.seq, stray.name));
        further.into_iter().for_each(|stray| self.count_duplicate(stray, account));
    }

    /// A message that was not in its place, but so often in another one's.
    fn count_absent(&self, absent: Stray, elsewhere: u32, account: &mut Account) {
        let (elsewhere, lost) = (u64::from(elsewhere), u64::from(absent.copies - elsewhere));
        account.totals.reordered += elsewhere;
        account.totals.delivered += elsewhere;
        account.totals.delivered_live += elsewhere;
        account.totals.lost += lost;
        let fates = [
            (FaultKind::Reordered, elsewhere, "copies were found in another message's place"),
            (FaultKind::Lost, lost, "copies have something else in its place, or nothing"),
        ];
        for (kind, copies, words) in fates.into_iter().filter(|(_, copies, _)| *copies > 0) {
            account.describe(|| {
                self.fault(kind, format!("{copies} {words}")).of(absent.name, &self.users).seq(absent.seq)
            });
        }
    }
}
