//! The ledger against a naive model: random histories with planted faults, where the model keeps everything that was
//! ever handed out and counts in the end.
//!
//! The ledger must come to the same figures, so it finds each planted fault and reports none in a clean history.

use std::collections::{BTreeMap, BTreeSet};

use hubbub_codec::ids::{Conversation, GroupId};
use proptest::prelude::*;

use super::conversation::{ConversationLedger, How};
use super::slot::{Content, MessageName};
use super::{Account, Totals};

/// What is wrong with one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plant {
    Nothing,
    /// The log holds something else in its place.
    LoseBody,
    /// The log holds it twice.
    StoreTwice,
    /// It and the next message are in each other's place.
    Swap,
    /// It is not handed to this member.
    Skip(u32),
    /// It is handed to this member again after the next entry.
    Again(u32),
    /// It is handed to this member after the next entry.
    Late(u32),
    /// It is handed to this member damaged.
    Damage(u32),
    /// Its sender never hears of it; it is stored all the same, or not.
    Unacknowledged {
        stored: bool,
    },
}

fn plant(members: u32) -> impl Strategy<Value = Plant> {
    let member = 0..members;
    prop_oneof![
        12 => Just(Plant::Nothing),
        1 => Just(Plant::LoseBody),
        1 => Just(Plant::StoreTwice),
        1 => Just(Plant::Swap),
        1 => member.clone().prop_map(Plant::Skip),
        1 => member.clone().prop_map(Plant::Again),
        1 => member.clone().prop_map(Plant::Late),
        1 => member.prop_map(Plant::Damage),
        1 => any::<bool>().prop_map(|stored| Plant::Unacknowledged { stored }),
    ]
}

/// One message: who sends it, what is wrong with it, whether a membership change comes before it.
#[derive(Debug, Clone)]
struct Said {
    sender: u32,
    plant: Plant,
    after_change: bool,
}

/// A whole conversation, and the order in which its members hear of it.
#[derive(Debug, Clone)]
struct History {
    members: u32,
    said: Vec<Said>,
    /// Whose turn it is, as shares of those who still have something to hear.
    turns: Vec<prop::sample::Index>,
}

fn history(with_faults: bool) -> impl Strategy<Value = History> {
    (2_u32..5).prop_flat_map(move |members| {
        let said = (0..members, plant(members), any::<bool>()).prop_map(move |(sender, plant, after_change)| {
            let harmless = matches!(plant, Plant::Unacknowledged { .. });
            let plant = if with_faults || harmless { plant } else { Plant::Nothing };
            Said { sender, plant, after_change }
        });
        let turns = prop::collection::vec(any::<prop::sample::Index>(), 400);
        (prop::collection::vec(said, 1..30), turns).prop_map(move |(mut said, turns)| {
            keep_apart(&mut said);
            History { members, said, turns }
        })
    })
}

/// One fault at a time: a message beside a swap or beside one that comes late has none of its own.
fn keep_apart(said: &mut [Said]) {
    for at in 0..said.len() {
        let needs_next = matches!(said[at].plant, Plant::Swap | Plant::Late(_) | Plant::Again(_));
        match said.get_mut(at + 1) {
            Some(next) if needs_next => (next.plant, next.after_change) = (Plant::Nothing, false),
            None if needs_next => said[at].plant = Plant::Nothing,
            _ => {}
        }
    }
}

/// What a history comes to: who was told what, in order.
#[derive(Debug, Default)]
struct Facts {
    sends: Vec<MessageName>,
    acks: Vec<(MessageName, u64)>,
    handed: Vec<Vec<(u64, Content)>>,
}

fn facts(history: &History) -> Facts {
    let mut facts = Facts { handed: vec![Vec::new(); history.members as usize], ..Facts::default() };
    let mut log = Vec::new();
    let mut counters = BTreeMap::new();
    let mut places = Vec::new();
    for said in &history.said {
        if said.after_change {
            log.push((Content::Other, Plant::Nothing));
        }
        let counter = counters.entry(said.sender).or_insert(0);
        let name = MessageName { sender: said.sender, counter: *counter };
        *counter += 1;
        facts.sends.push(name);
        if said.plant == (Plant::Unacknowledged { stored: false }) {
            continue;
        }
        let content = if said.plant == Plant::LoseBody { Content::Other } else { Content::Message(name) };
        log.push((content, said.plant));
        places.push((log.len() - 1, said.plant));
        if !matches!(said.plant, Plant::Unacknowledged { .. }) {
            facts.acks.push((name, log.len() as u64));
        }
        if said.plant == Plant::StoreTwice {
            log.push((Content::Message(name), Plant::Nothing));
        }
    }
    for (at, _) in places.iter().filter(|(_, plant)| *plant == Plant::Swap) {
        let (one, two) = (log[*at].0, log[at + 1].0);
        (log[*at].0, log[at + 1].0) = (two, one);
    }
    for member in 0..history.members {
        facts.handed[member as usize] = hand_out(&log, member);
    }
    facts
}

fn hand_out(log: &[(Content, Plant)], member: u32) -> Vec<(u64, Content)> {
    let mut handed = Vec::new();
    let mut later = None;
    for (seq, (content, plant)) in (1..).zip(log) {
        match plant {
            Plant::Skip(of) if *of == member => {}
            Plant::Late(of) if *of == member => later = Some((seq, *content)),
            Plant::Damage(of) if *of == member => handed.push((seq, Content::Corrupt)),
            Plant::Again(of) if *of == member => {
                handed.push((seq, *content));
                later = Some((seq, *content));
            }
            _ => {
                handed.push((seq, *content));
                handed.extend(later.take());
            }
        }
    }
    handed.extend(later);
    handed
}

/// The ledger's figures for a history, with acknowledgements and arrivals in the order of its turns.
fn by_ledger(history: &History, facts: &Facts) -> Totals {
    let mut account = Account::default();
    let users = (0..u64::from(history.members)).collect();
    let cursors = vec![0; history.members as usize];
    let mut ledger = ConversationLedger::new(Conversation::Group(GroupId(1)), users, &cursors, &mut account);
    facts.sends.iter().for_each(|name| ledger.note_send(name.sender));
    let mut acks = facts.acks.iter();
    let mut handed: Vec<_> = facts.handed.iter().map(|handed| handed.iter()).collect();
    let mut turns = history.turns.iter().cycle();
    while acks.len() + handed.iter().map(ExactSizeIterator::len).sum::<usize>() > 0 {
        let turn = turns.next().expect("there are turns").index(history.members as usize + 1);
        match handed.get_mut(turn) {
            Some(handed) => {
                if let Some((seq, content)) = handed.next() {
                    ledger.note_arrival(turn as u32, *seq, *content, How::Live(None), &mut account);
                }
            }
            None => {
                if let Some((name, seq)) = acks.next() {
                    ledger.note_sent(*name, *seq, true, &mut account);
                }
            }
        }
    }
    ledger.finish(|_| true, &mut account);
    assert_eq!(account.totals.is_closed(), account.faults.is_empty(), "{:?}", account.faults);
    assert_eq!(account.room.held(), 0);
    account.totals
}

/// The same figures from everything that there is.
fn by_counting(history: &History, facts: &Facts) -> Totals {
    let mut totals = Totals { accepted: facts.acks.len() as u64, ..Totals::default() };
    totals.copies_due = totals.accepted * u64::from(history.members);
    totals.unacknowledged = facts.sends.len() as u64 - totals.accepted;
    let mut unacknowledged_stored: BTreeSet<MessageName> = BTreeSet::new();
    for handed in &facts.handed {
        let mut first: BTreeMap<u64, Content> = BTreeMap::new();
        let mut newest = 0;
        for (seq, content) in handed {
            if first.contains_key(seq) {
                totals.duplicated += 1;
                continue;
            }
            first.insert(*seq, *content);
            totals.gaps += seq.saturating_sub(newest + 1);
            totals.reordered += u64::from(*seq < newest);
            newest = newest.max(*seq);
        }
        totals.corrupt += first.values().filter(|content| **content == Content::Corrupt).count() as u64;
        let places = |name| first.iter().filter(move |(_, content)| **content == Content::Message(name));
        for (name, seq) in &facts.acks {
            totals.delivered += u64::from(places(*name).count() > 0);
            totals.lost += u64::from(places(*name).count() == 0);
            totals.duplicated += places(*name).count().saturating_sub(1) as u64;
            totals.reordered += u64::from(places(*name).count() > 0 && places(*name).all(|(place, _)| place != seq));
        }
        let unanswered = facts.sends.iter().filter(|name| facts.acks.iter().all(|(acked, _)| acked != *name));
        unacknowledged_stored.extend(unanswered.filter(|name| places(**name).count() > 0));
    }
    totals.unacknowledged_stored = unacknowledged_stored.len() as u64;
    totals.delivered_live = totals.delivered;
    totals
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_counts_what_a_naive_model_counts(history in history(true)) {
        let facts = facts(&history);
        let (ledger, model) = (by_ledger(&history, &facts), by_counting(&history, &facts));
        prop_assert_eq!(ledger, model);
        let harmless = |plant| matches!(plant, Plant::Nothing | Plant::Unacknowledged { .. });
        let planted = history.said.iter().any(|said| !harmless(said.plant));
        prop_assert_eq!(ledger.is_closed(), !planted);
    }

    #[test]
    fn a_clean_history_is_never_reported(history in history(false)) {
        prop_assert!(by_ledger(&history, &facts(&history)).is_closed());
    }
}
