//! The ledger of one conversation. See the [module above](super) for the idea.
//!
//! INVARIANT: `slots[i]` is the entry `base + i`; everything below `base` is settled.

use std::collections::{HashMap, HashSet, VecDeque};

use hubbub_codec::ids::Conversation;

use super::Account;
use super::ranges::Ranges;
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
}

impl ConversationLedger {
    /// An account that begins where each member stands: the greatest seq that it was handed before. Differences between
    /// them are accounted for as entries of no interest.
    #[must_use]
    pub fn new(conversation: Conversation, cursors: &[u64]) -> Self {
        let greatest = cursors.iter().copied().max().unwrap_or(0).min(u64::MAX / 2);
        let smallest = cursors.iter().copied().min().unwrap_or(0).max(greatest.saturating_sub(UNSETTLED_MAX));
        let slot = |seq| Slot {
            known: Known::Other,
            arrivals: cursors.iter().filter(|cursor| **cursor >= seq).count() as u32,
            ..Slot::default()
        };
        Self {
            conversation,
            base: smallest + 1,
            slots: (smallest + 1..=greatest).map(slot).collect(),
            recipients: cursors.iter().map(|cursor| Recipient { cursor: *cursor, ..Recipient::default() }).collect(),
            senders: cursors.iter().map(|_| Sender::default()).collect(),
            open_sends: 0,
            found: Vec::new(),
            absent: Vec::new(),
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
        account.totals.copies_due += self.recipients.len() as u64;
        self.senders[name.sender as usize].acked.insert(name.counter.into());
        let copies = self.recipients.len() as u32;
        let stray = Stray { name, seq, copies };
        match self.slot_mut(seq) {
            Some(slot) if slot.known == Known::Nothing || slot.known == Known::Seen(name) => {
                slot.known = Known::Acked(name);
                slot.judged = judged;
            }
            // Its number holds something else, for all that it was acknowledged.
            Some(_) | None => self.absent.push(stray),
        }
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
        let (conversation, members) = (self.conversation, self.recipients.len() as u32);
        if seq >= self.base + UNSETTLED_MAX {
            account.totals.corrupt += 1;
            account.describe(|| format!("{conversation}, member {member}: entry {seq} is far outside the log"));
            return None;
        }
        if !self.advance(member, seq, account) {
            return None;
        }
        let content = self.check_sent(content);
        let slot = self.slot_mut(seq)?;
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
        account.describe(|| format!("{}: the log began anew", self.conversation));
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
        for (seq, slot) in (self.base..).zip(std::mem::take(&mut self.slots)) {
            match slot.known {
                Known::Acked(message) => {
                    self.judge_absences(seq, message, &asked, account);
                    self.count_acked(seq, message, slot, account);
                }
                Known::Seen(message) => match !self.is_acked(message) && stored.insert(message) {
                    true => account.totals.unacknowledged_stored += 1,
                    false => self.count_duplicate(seq, message, slot, account),
                },
                Known::Nothing | Known::Other => {}
            }
        }
        self.judge_strays(account);
    }

    /// Moves a member's cursor; false when it was handed this seq before.
    fn advance(&mut self, member: u32, seq: u64, account: &mut Account) -> bool {
        let conversation = self.conversation;
        let recipient = &mut self.recipients[member as usize];
        let expected = recipient.cursor + 1;
        if seq == expected {
            recipient.cursor = seq;
            return true;
        }
        if seq > expected {
            account.totals.gaps += seq - expected;
            account.describe(|| {
                format!("{conversation}, member {member}: entry {seq} was handed out where {expected} must be")
            });
            recipient.missing.append(expected, seq - 1);
            recipient.cursor = seq;
            return true;
        }
        let late = recipient.missing.remove(seq);
        account.totals.reordered += u64::from(late);
        account.totals.duplicated += u64::from(!late);
        account.describe(|| match late {
            true => format!("{conversation}, member {member}: entry {seq} came after {}", expected - 1),
            false => format!("{conversation}, member {member}: entry {seq} was handed out twice"),
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

    fn slot_mut(&mut self, seq: u64) -> Option<&mut Slot> {
        let at = seq.checked_sub(self.base).filter(|at| *at < UNSETTLED_MAX)? as usize;
        if at >= self.slots.len() {
            self.slots.resize(at + 1, Slot::default());
        }
        self.slots.get_mut(at)
    }

    fn note_wrong(&mut self, member: u32, seq: u64, content: Content, account: &mut Account) {
        let conversation = self.conversation;
        match content {
            Content::Message(name) if self.found.len() < STRAYS_MAX => {
                match self.found.iter_mut().rev().find(|stray| stray.seq == seq && stray.name == name) {
                    Some(stray) => stray.copies += 1,
                    None => self.found.push(Stray { name, seq, copies: 1 }),
                }
            }
            // An empty place where an accepted message must be is a loss; that is counted with the message.
            Content::Other => {}
            Content::Message(_) | Content::Corrupt => {
                account.totals.corrupt += 1;
                account.describe(|| {
                    format!("{conversation}, member {member}: the body of entry {seq} is damaged or was never sent")
                });
            }
        }
    }

    /// Takes off what everybody has and what was answered.
    fn settle(&mut self, account: &mut Account) {
        let members = self.recipients.len() as u32;
        while let Some(slot) = self.slots.front().copied().filter(|slot| slot.arrivals >= members) {
            match slot.known {
                Known::Acked(name) => self.count_acked(self.base, name, slot, account),
                // The sender's `Sent` named another seq: it is stored twice.
                Known::Seen(name) if self.is_acked(name) => self.count_duplicate(self.base, name, slot, account),
                // It waits for its answer.
                Known::Seen(_) => return,
                Known::Nothing | Known::Other => {}
            }
            self.slots.pop_front();
            self.base += 1;
        }
    }

    fn is_acked(&self, name: MessageName) -> bool {
        self.senders[name.sender as usize].acked.contains(name.counter.into())
    }

    fn count_acked(&mut self, seq: u64, name: MessageName, slot: Slot, account: &mut Account) {
        let conversation = self.conversation;
        let right = slot.arrivals - slot.wrong;
        let on_sync = slot.on_sync.min(right);
        account.totals.delivered += u64::from(right);
        account.totals.delivered_on_sync += u64::from(on_sync);
        account.totals.delivered_live += u64::from(right - on_sync);
        if slot.wrong > 0 {
            self.absent.push(Stray { name, seq, copies: slot.wrong });
        }
        if !slot.judged {
            return;
        }
        let sender = &mut self.senders[name.sender as usize];
        match sender.last_judged {
            Some(last) if name.counter < last => {
                account.totals.reordered += u64::from(slot.arrivals);
                account.describe(|| {
                    let MessageName { sender, counter } = name;
                    format!("{conversation}, sender {sender}: its message {counter} is stored at {seq}, after its message {last}")
                });
            }
            _ => sender.last_judged = Some(name.counter),
        }
    }

    fn count_duplicate(&mut self, seq: u64, name: MessageName, slot: Slot, account: &mut Account) {
        let conversation = self.conversation;
        account.totals.duplicated += u64::from(slot.arrivals - slot.wrong);
        account.describe(|| {
            let MessageName { sender, counter } = name;
            format!("{conversation}, sender {sender}: its message {counter} is stored once more at {seq}")
        });
    }

    /// Copies of an accepted message that did not arrive at all.
    fn judge_absences(&self, seq: u64, message: MessageName, asked: &impl Fn(u32) -> bool, account: &mut Account) {
        let conversation = self.conversation;
        for (member, recipient) in (0..).zip(&self.recipients) {
            if seq <= recipient.cursor && !recipient.missing.contains(seq) {
                continue;
            }
            match asked(member) {
                true => account.totals.lost += 1,
                false => account.totals.pending += 1,
            }
            account.describe(|| {
                let MessageName { sender, counter } = message;
                let fate = if asked(member) { "lost" } else { "not yet there" };
                format!(
                    "{conversation}: message {counter} of sender {sender} at seq {seq} is {fate} at member {member}"
                )
            });
        }
    }

    /// Brings messages that were not in their place together with those found elsewhere.
    fn judge_strays(&mut self, account: &mut Account) {
        let conversation = self.conversation;
        let mut found: HashMap<MessageName, u64> = HashMap::new();
        for stray in &self.found {
            *found.entry(stray.name).or_default() += u64::from(stray.copies);
        }
        for absent in std::mem::take(&mut self.absent) {
            let copies = u64::from(absent.copies);
            let elsewhere = found.get_mut(&absent.name).map_or(0, |there| {
                let taken = copies.min(*there);
                *there -= taken;
                taken
            });
            account.totals.reordered += elsewhere;
            account.totals.delivered += elsewhere;
            account.totals.delivered_live += elsewhere;
            account.totals.lost += copies - elsewhere;
            let MessageName { sender, counter } = absent.name;
            let fate = if elsewhere == copies { "found elsewhere" } else { "lost" };
            let seq = absent.seq;
            account.describe(|| {
                format!("{conversation}: message {counter} of sender {sender} was accepted at {seq} and is {fate}")
            });
        }
        account.totals.duplicated += found.values().sum::<u64>();
    }
}
