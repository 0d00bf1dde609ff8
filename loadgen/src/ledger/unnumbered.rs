//! The ledger of a conversation whose server numbers nothing (a topic of an MQTT broker).
//!
//! There a message has only its name, so there are no gaps to see and no order between senders. What is judged: that
//! every accepted message is at every member, once, whole, and after the earlier ones of its sender. "At least once"
//! allows a second copy of what its sender had to put on the wire again, and of what the broker marks as sent again
//! (DUP): these are counted as `redelivered`, every other second copy is a fault.
//!
//! Memory: about 130 bytes for each message that is not settled, and a bit for each member beyond 64; 48 bytes for each
//! member; nothing for a message once it is settled, but 16 bytes for each run of messages that were put on the wire
//! again. Accepted messages that are not settled take as much of the account's [`super::room::Room`]; those that are not
//! accepted are bounded by what a session lets wait.

use std::collections::BTreeMap;

use super::Account;
use super::conversation::How;
use super::fault::{Fault, FaultKind};
use super::ranges::Ranges;
use super::slot::{Content, Fanout, Known, MessageName, Slot};
use crate::population::ConversationKey;

/// A member as a sender.
#[derive(Debug, Default)]
struct Sender {
    /// The counter of its next send.
    next: u32,
    /// The greatest counter that everybody has and that was acknowledged.
    settled_max: Option<u32>,
    /// Counters that were put on the wire more than once.
    repeated: Ranges,
}

/// A message that is not settled.
#[derive(Debug)]
struct Open {
    slot: Slot,
    holders: Members,
    /// What it holds of the account's room.
    room: u64,
}

/// A set of members.
#[derive(Debug)]
enum Members {
    Few(u64),
    Many(Box<[u64]>),
}

/// The account of one conversation. Members are named by their place, from 0.
#[derive(Debug)]
pub struct UnnumberedLedger {
    /// For the words of faults.
    key: ConversationKey,
    /// The members.
    users: Box<[u64]>,
    senders: Box<[Sender]>,
    open: BTreeMap<MessageName, Open>,
}

impl UnnumberedLedger {
    /// An account in which nothing was sent.
    #[must_use]
    pub fn new(key: ConversationKey, users: Box<[u64]>) -> Self {
        let senders = users.iter().map(|_| Sender::default()).collect();
        Self { key, users, senders, open: BTreeMap::new() }
    }

    /// The counter that the next send of a member will have.
    #[must_use]
    pub fn next_counter(&self, member: u32) -> u32 {
        self.senders[member as usize].next
    }

    /// A member has sent.
    pub fn note_send(&mut self, member: u32) {
        let members = self.senders.len();
        let sender = &mut self.senders[member as usize];
        let name = MessageName { sender: member, counter: sender.next };
        sender.next += 1;
        self.open.insert(name, Open { slot: Slot::default(), holders: Members::none_of(members), room: 0 });
    }

    /// It was put on the wire once more: the server may have it twice.
    pub fn note_repeated(&mut self, name: MessageName) {
        self.senders[name.sender as usize].repeated.insert(name.counter.into());
    }

    /// The server acknowledged a send.
    pub fn note_sent(&mut self, name: MessageName, account: &mut Account) {
        account.totals.accepted += 1;
        account.totals.copies_due += self.senders.len() as u64;
        let room = self.room_of_each();
        let Some(open) = self.open.get_mut(&name) else {
            return;
        };
        open.slot.known = Known::Acked(name);
        match account.room.take(room) {
            true => open.room = room,
            // It is accounted for all the same, but beyond what was promised.
            false => {
                account.totals.unaccounted += 1;
                account.describe(|| {
                    self.fault(FaultKind::Unaccounted, "the ledger has no room for it").of(name, &self.users)
                });
            }
        }
        self.settle(name, account);
    }

    /// What an open message takes, in slots.
    fn room_of_each(&self) -> u64 {
        let holders = self.users.len().div_ceil(64) * size_of::<u64>();
        (2 * size_of::<(MessageName, Open)>() + holders).div_ceil(size_of::<Slot>()) as u64
    }

    /// The server refused a send for good; copies of it, if an earlier attempt made some, are of no interest.
    pub fn note_refused(&mut self, name: MessageName, account: &mut Account) {
        account.totals.refused += 1;
        self.note_repeated(name);
        self.open.remove(&name);
    }

    /// A member was handed a message. `again`: marked by the server as sent before. Returns the fan-out times when it was
    /// the last to have it.
    pub fn note_arrival(
        &mut self,
        member: u32,
        content: Content,
        again: bool,
        how: How,
        account: &mut Account,
    ) -> Option<Fanout> {
        let Some(name) = self.known_name(content) else {
            account.totals.corrupt += 1;
            account.describe(|| {
                self.fault(FaultKind::Corrupt, "the body is damaged, or was never sent").at(member, &self.users)
            });
            return None;
        };
        let members = self.senders.len() as u32;
        let sender = &self.senders[name.sender as usize];
        let open = self.open.get_mut(&name).and_then(|open| open.holders.insert(member).then_some(open));
        let Some(open) = open else {
            let allowed = again || sender.repeated.contains(name.counter.into());
            self.count_again(member, name, allowed, account);
            return None;
        };
        open.slot.arrivals += 1;
        open.slot.on_sync += u32::from(how == How::OnSync);
        let mut fanout = None;
        if let How::Live(Some(took_us)) = how
            && name.sender != member
        {
            fanout = open.slot.note_live(took_us, members - 1);
        }
        self.judge_order(member, name, account);
        self.settle(name, account);
        fanout
    }

    /// Whether nothing is open.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether a member lacks a message that somebody has, or that the server acknowledged.
    #[must_use]
    pub fn lags(&self, member: u32) -> bool {
        let exists = |slot: &Slot| slot.arrivals > 0 || slot.known != Known::Nothing;
        self.open.values().any(|open| exists(&open.slot) && !open.holders.contains(member))
    }

    /// Judges what is left. `asked(member)`: it came back and was handed all that waited, so what it lacks is lost rather
    /// than pending.
    pub fn finish(&mut self, asked: impl Fn(u32) -> bool, account: &mut Account) {
        for (name, open) in std::mem::take(&mut self.open) {
            account.room.give_back(open.room);
            match open.slot.known {
                Known::Acked(_) => {
                    count_delivered(&open.slot, account);
                    self.judge_absences(name, &open.holders, &asked, account);
                }
                _ => {
                    account.totals.unacknowledged += 1;
                    account.totals.unacknowledged_stored += u64::from(open.slot.arrivals > 0);
                }
            }
        }
    }

    /// The name of a message that was sent.
    fn known_name(&self, content: Content) -> Option<MessageName> {
        let Content::Message(name) = content else {
            return None;
        };
        self.senders.get(name.sender as usize).filter(|sender| name.counter < sender.next).map(|_| name)
    }

    fn count_again(&self, member: u32, name: MessageName, allowed: bool, account: &mut Account) {
        if allowed {
            account.totals.redelivered += 1;
            return;
        }
        account.totals.duplicated += 1;
        account.describe(|| {
            self.fault(FaultKind::Duplicated, "it was handed out twice").of(name, &self.users).at(member, &self.users)
        });
    }

    /// A first copy must not come after that of a later message of the same sender.
    fn judge_order(&self, member: u32, name: MessageName, account: &mut Account) {
        let MessageName { sender, counter } = name;
        let Sender { settled_max, repeated, .. } = &self.senders[sender as usize];
        if repeated.contains(counter.into()) {
            return;
        }
        let later = (MessageName { sender, counter: counter + 1 })..=(MessageName { sender, counter: u32::MAX });
        let overtaken = settled_max.is_some_and(|greatest| greatest > counter)
            || self.open.range(later).any(|(_, open)| open.holders.contains(member));
        if overtaken {
            account.totals.reordered += 1;
            account.describe(|| {
                let fault = self.fault(FaultKind::Reordered, "it came after a later one of its sender");
                fault.of(name, &self.users).at(member, &self.users)
            });
        }
    }

    /// Forgets a message that everybody has and that was acknowledged.
    fn settle(&mut self, name: MessageName, account: &mut Account) {
        let members = self.senders.len() as u32;
        let Some(open) = self.open.get(&name) else {
            return;
        };
        if open.slot.arrivals == members && open.slot.known != Known::Nothing {
            count_delivered(&open.slot, account);
            account.room.give_back(open.room);
            self.open.remove(&name);
            let greatest = &mut self.senders[name.sender as usize].settled_max;
            *greatest = (*greatest).max(Some(name.counter));
        }
    }

    fn judge_absences(
        &self,
        name: MessageName,
        holders: &Members,
        asked: &impl Fn(u32) -> bool,
        account: &mut Account,
    ) {
        for member in (0..self.senders.len() as u32).filter(|member| !holders.contains(*member)) {
            let (kind, detail) = match asked(member) {
                true => (FaultKind::Lost, "it was accepted, and did not arrive"),
                false => (FaultKind::Pending, "it was accepted, and has not arrived yet"),
            };
            account.totals.lost += u64::from(kind == FaultKind::Lost);
            account.totals.pending += u64::from(kind == FaultKind::Pending);
            account.describe(|| self.fault(kind, detail).of(name, &self.users).at(member, &self.users));
        }
    }

    /// The conversation as the end of its topic.
    fn fault(&self, kind: FaultKind, detail: &str) -> Fault {
        Fault::new(kind, &format!("topic c/{:016x}", u64::from(self.key)), detail)
    }
}

fn count_delivered(slot: &Slot, account: &mut Account) {
    account.totals.delivered += u64::from(slot.arrivals);
    account.totals.delivered_on_sync += u64::from(slot.on_sync);
    account.totals.delivered_live += u64::from(slot.arrivals - slot.on_sync);
}

impl Members {
    /// The empty set, with room for `count` members.
    fn none_of(count: usize) -> Self {
        match count {
            0..=64 => Self::Few(0),
            _ => Self::Many(vec![0; count.div_ceil(64)].into()),
        }
    }

    fn contains(&self, member: u32) -> bool {
        let (word, bit) = (member as usize / 64, 1 << (member % 64));
        match self {
            Self::Few(bits) => bits & bit != 0,
            Self::Many(words) => words[word] & bit != 0,
        }
    }

    /// False when it was one already.
    fn insert(&mut self, member: u32) -> bool {
        let (word, bit) = (member as usize / 64, 1 << (member % 64));
        let bits = match self {
            Self::Few(bits) => bits,
            Self::Many(words) => &mut words[word],
        };
        let is_new = *bits & bit == 0;
        *bits |= bit;
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: How = How::Live(Some(5));

    struct World {
        ledger: UnnumberedLedger,
        account: Account,
    }

    fn world(members: u32) -> World {
        let key = ConversationKey { community: 3, index: 4 };
        World {
            ledger: UnnumberedLedger::new(key, (100..).take(members as usize).collect()),
            account: Account::default(),
        }
    }

    fn name(sender: u32, counter: u32) -> MessageName {
        MessageName { sender, counter }
    }

    impl World {
        fn send(&mut self, sender: u32) -> MessageName {
            let name = name(sender, self.ledger.next_counter(sender));
            self.ledger.note_send(sender);
            name
        }

        fn ack(&mut self, name: MessageName) {
            self.ledger.note_sent(name, &mut self.account);
        }

        fn arrive(&mut self, member: u32, name: MessageName) -> Option<Fanout> {
            self.ledger.note_arrival(member, Content::Message(name), false, LIVE, &mut self.account)
        }

        fn finish(mut self, asked: bool) -> Account {
            self.ledger.finish(|_| asked, &mut self.account);
            self.account
        }
    }

    #[test]
    fn what_everybody_has_and_was_acknowledged_is_settled() {
        for members in [2, 64, 65, 300] {
            let mut world = world(members);
            let sent = world.send(0);
            for member in 0..members {
                assert!(!world.ledger.is_settled());
                let fanout = world.arrive(member, sent);
                assert_eq!(fanout.is_some(), member == members - 1, "of {members}");
            }
            world.ack(sent);
            assert!(world.ledger.is_settled());
            assert_eq!(world.account.room.held(), 0);
            let totals = world.finish(true).totals;
            assert!(totals.is_closed(), "{totals:?}");
            assert_eq!((totals.copies_due, totals.delivered_live), (members.into(), members.into()));
        }
    }

    #[test]
    fn what_a_member_lacks_is_lost_when_it_asked_and_pending_when_it_could_not() {
        for asked in [true, false] {
            let mut world = world(3);
            let sent = world.send(0);
            world.ack(sent);
            world.arrive(0, sent);
            world.arrive(2, sent);
            assert!(world.ledger.lags(1) && !world.ledger.lags(0));
            let account = world.finish(asked);
            assert_eq!((account.totals.lost, account.totals.pending), (u64::from(asked), u64::from(!asked)));
            assert!(!account.totals.is_closed());
            let words = account.faults[0].to_string();
            assert!(words.contains("in topic c/0000000300000004, message 0 of user 100, at user 101"), "{words}");
        }
    }

    #[test]
    fn a_second_copy_is_a_fault_also_when_the_message_is_settled() {
        let mut world = world(2);
        let sent = world.send(0);
        world.arrive(0, sent);
        world.arrive(0, sent);
        world.arrive(1, sent);
        world.ack(sent);
        assert!(world.ledger.is_settled());
        world.arrive(1, sent);
        assert_eq!(world.account.totals.duplicated, 2);
        assert!(!world.finish(true).totals.is_closed());
    }

    #[test]
    fn a_second_copy_of_what_was_sent_again_or_is_marked_is_redelivered() {
        let mut world = world(2);
        let (repeated, marked) = (world.send(0), world.send(0));
        world.ledger.note_repeated(repeated);
        for sent in [repeated, marked] {
            world.ack(sent);
            world.arrive(0, sent);
            world.arrive(1, sent);
        }
        world.arrive(1, repeated);
        world.ledger.note_arrival(1, Content::Message(marked), true, How::OnSync, &mut world.account);
        let totals = world.finish(true).totals;
        assert_eq!((totals.redelivered, totals.duplicated), (2, 0));
        assert!(totals.is_closed(), "{totals:?}");
    }

    #[test]
    fn a_senders_messages_come_in_order_at_each_member_and_other_senders_do_not_matter() {
        let mut world = world(3);
        let (first, second, other) = (world.send(0), world.send(0), world.send(1));
        [first, second, other].into_iter().for_each(|sent| world.ack(sent));
        for (member, sent) in [(0, first), (0, other), (0, second), (1, other), (1, first), (1, second)] {
            world.arrive(member, sent);
        }
        assert_eq!(world.account.totals.reordered, 0);
        world.arrive(2, second);
        world.arrive(2, first);
        assert_eq!(world.account.totals.reordered, 1);
    }

    #[test]
    fn the_order_of_what_was_sent_again_is_not_judged() {
        let mut world = world(2);
        let (first, second) = (world.send(0), world.send(0));
        world.ledger.note_repeated(first);
        for sent in [second, first] {
            world.ack(sent);
            world.arrive(0, sent);
            world.arrive(1, sent);
        }
        assert!(world.finish(true).totals.is_closed());
    }

    #[test]
    fn damaged_and_invented_messages_are_corrupt() {
        let mut world = world(2);
        world.arrive(0, name(0, 0));
        world.arrive(0, name(9, 0));
        for content in [Content::Corrupt, Content::Other] {
            world.ledger.note_arrival(1, content, false, LIVE, &mut world.account);
        }
        assert_eq!(world.account.totals.corrupt, 4);
    }

    #[test]
    fn what_was_never_acknowledged_may_be_there_or_not() {
        let mut world = world(2);
        let (there, _nowhere) = (world.send(0), world.send(0));
        world.arrive(1, there);
        let totals = world.finish(true).totals;
        assert_eq!((totals.unacknowledged, totals.unacknowledged_stored), (2, 1));
        assert!(totals.is_closed(), "{totals:?}");
    }

    #[test]
    fn what_was_refused_owes_nothing() {
        let mut world = world(2);
        let sent = world.send(0);
        world.ledger.note_refused(sent, &mut world.account);
        assert!(world.ledger.is_settled());
        let totals = world.finish(true).totals;
        assert!(totals.is_closed() && totals.refused == 1, "{totals:?}");
    }

    #[test]
    fn what_is_not_settled_takes_room_and_what_has_none_never_closes() {
        let mut world = world(2);
        world.account.room = super::super::room::Room::of_bytes(400);
        let sent: Vec<_> = (0..10).map(|_| world.send(0)).collect();
        sent.iter().for_each(|sent| world.ack(*sent));
        assert!(world.account.room.is_full() && world.account.totals.unaccounted > 0);
        for sent in sent {
            world.arrive(0, sent);
            world.arrive(1, sent);
        }
        assert_eq!(world.account.room.held(), 0);
        assert!(!world.finish(true).totals.is_closed());
    }

    #[test]
    fn memory_is_what_is_promised() {
        assert!(size_of::<Sender>() <= 40, "{}", size_of::<Sender>());
        assert!(size_of::<(MessageName, Open)>() <= 88, "{}", size_of::<(MessageName, Open)>());
    }
}
