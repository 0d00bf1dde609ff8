//! Feeds the ledger with every fault that it exists to catch, and with none.

use hubbub_codec::ids::{Conversation, GroupId};

use super::Account;
use super::conversation::{ConversationLedger, How};
use super::fault::FaultKind;
use super::room::Room;
use super::slot::{Content, MessageName};

const CONVERSATION: Conversation = Conversation::Group(GroupId(1));

/// The user of the first member.
const FIRST_USER: u64 = 100;

const LIVE: How = How::Live(Some(5));

/// A conversation with its account, and a log that is right unless a test bends it.
struct World {
    ledger: ConversationLedger,
    account: Account,
    members: u32,
}

fn name(sender: u32, counter: u32) -> MessageName {
    MessageName { sender, counter }
}

fn message(sender: u32, counter: u32) -> Content {
    Content::Message(name(sender, counter))
}

impl World {
    fn new(members: u32) -> Self {
        let mut account = Account::default();
        let users = (0..u64::from(members)).map(|member| FIRST_USER + member).collect();
        let ledger = ConversationLedger::new(CONVERSATION, users, &vec![0; members as usize], &mut account);
        Self { ledger, account, members }
    }

    /// `sender` sends, and the server acknowledges at `seq`.
    fn accepted(&mut self, sender: u32, seq: u64) -> MessageName {
        let counter = self.ledger.next_counter(sender);
        self.ledger.note_send(sender);
        self.ledger.note_sent(name(sender, counter), seq, true, &mut self.account);
        name(sender, counter)
    }

    fn arrives(&mut self, member: u32, seq: u64, content: Content) {
        self.ledger.note_arrival(member, seq, content, LIVE, &mut self.account);
    }

    fn arrives_everywhere(&mut self, seq: u64, content: Content) {
        (0..self.members).for_each(|member| self.arrives(member, seq, content));
    }

    /// `count` messages of sender 0, acknowledged at 1, 2, 3 …
    fn with_accepted(members: u32, count: u64) -> Self {
        let mut world = Self::new(members);
        for seq in 1..=count {
            world.accepted(0, seq);
        }
        world
    }

    fn finish(mut self) -> super::Totals {
        self.ledger.finish(|_| true, &mut self.account);
        let totals = self.account.totals;
        assert_eq!(totals.is_closed(), self.account.faults.is_empty(), "{:?}", self.account);
        assert_eq!(totals.delivered + totals.lost + totals.pending, totals.copies_due, "{totals:?}");
        assert_eq!(self.account.room.held(), 0, "all room is given back");
        totals
    }
}

#[test]
fn a_right_log_closes_and_leaves_nothing_behind() {
    let mut world = World::new(3);
    for seq in 1..=10 {
        let name = world.accepted((seq % 3) as u32, seq);
        world.arrives_everywhere(seq, Content::Message(name));
        assert!(world.ledger.is_settled());
    }
    let totals = world.finish();
    assert!(totals.is_closed());
    assert_eq!((totals.accepted, totals.delivered, totals.delivered_live), (10, 30, 30));
}

#[test]
fn arrivals_before_the_acknowledgement_close_too() {
    let mut world = World::new(2);
    world.ledger.note_send(0);
    world.arrives_everywhere(1, message(0, 0));
    assert!(!world.ledger.is_settled());
    world.ledger.note_sent(name(0, 0), 1, true, &mut world.account);
    assert!(world.ledger.is_settled());
    assert!(world.finish().is_closed());
}

#[test]
fn a_copy_that_never_came_is_lost() {
    let mut world = World::with_accepted(2, 2);
    world.arrives_everywhere(1, message(0, 0));
    world.arrives(0, 2, message(0, 1));
    assert!(world.ledger.lags(1) && !world.ledger.lags(0));
    let totals = world.finish();
    assert_eq!((totals.lost, totals.delivered, totals.is_closed()), (1, 3, false));
}

#[test]
fn a_copy_at_a_recipient_that_could_not_be_asked_is_pending() {
    let mut world = World::with_accepted(2, 1);
    world.arrives(0, 1, message(0, 0));
    world.ledger.finish(|member| member == 0, &mut world.account);
    let totals = world.account.totals;
    assert_eq!((totals.lost, totals.pending, totals.is_closed()), (0, 1, false));
}

#[test]
fn an_accepted_message_that_was_never_stored_is_lost_for_all() {
    let mut world = World::with_accepted(3, 1);
    let stored = world.accepted(1, 1);
    world.arrives_everywhere(1, Content::Message(stored));
    // The server gave the number 1 to two messages; it keeps one of them.
    let totals = world.finish();
    assert_eq!((totals.lost, totals.is_closed()), (3, false));
}

#[test]
fn a_body_that_was_lost_in_the_log_is_lost_for_all() {
    let mut world = World::with_accepted(2, 2);
    world.arrives_everywhere(1, Content::Other);
    world.arrives_everywhere(2, message(0, 1));
    let totals = world.finish();
    assert_eq!((totals.lost, totals.delivered, totals.is_closed()), (2, 2, false));
}

#[test]
fn an_entry_handed_out_twice_is_a_duplicate() {
    let mut world = World::with_accepted(2, 1);
    world.arrives_everywhere(1, message(0, 0));
    world.arrives(1, 1, message(0, 0));
    let totals = world.finish();
    assert_eq!((totals.duplicated, totals.is_closed()), (1, false));
}

#[test]
fn a_message_stored_twice_is_a_duplicate_whichever_was_acknowledged() {
    for acknowledged in [1, 2] {
        let mut world = World::new(2);
        world.ledger.note_send(0);
        world.ledger.note_sent(name(0, 0), acknowledged, true, &mut world.account);
        world.arrives_everywhere(1, message(0, 0));
        world.arrives_everywhere(2, message(0, 0));
        let totals = world.finish();
        assert_eq!((totals.duplicated, totals.delivered, totals.is_closed()), (2, 2, false));
    }
}

#[test]
fn two_entries_handed_out_in_the_wrong_order_are_noticed() {
    let mut world = World::with_accepted(2, 2);
    world.arrives(0, 1, message(0, 0));
    world.arrives(0, 2, message(0, 1));
    world.arrives(1, 2, message(0, 1));
    world.arrives(1, 1, message(0, 0));
    let totals = world.finish();
    assert_eq!((totals.reordered, totals.gaps, totals.lost, totals.is_closed()), (1, 1, 0, false));
}

#[test]
fn bodies_swapped_in_the_log_after_the_acknowledgement_are_noticed() {
    let mut world = World::with_accepted(2, 2);
    world.arrives_everywhere(1, message(0, 1));
    world.arrives_everywhere(2, message(0, 0));
    let totals = world.finish();
    assert_eq!((totals.reordered, totals.lost, totals.duplicated, totals.is_closed()), (4, 0, 0, false));
}

#[test]
fn a_sender_whose_later_message_is_stored_first_is_noticed() {
    let mut world = World::new(2);
    world.ledger.note_send(0);
    world.ledger.note_send(0);
    world.ledger.note_sent(name(0, 1), 1, true, &mut world.account);
    world.ledger.note_sent(name(0, 0), 2, true, &mut world.account);
    world.arrives_everywhere(1, message(0, 1));
    world.arrives_everywhere(2, message(0, 0));
    let totals = world.finish();
    assert_eq!((totals.reordered, totals.is_closed()), (2, false));
}

#[test]
fn the_order_of_a_resend_is_not_judged() {
    let mut world = World::new(2);
    world.ledger.note_send(0);
    world.ledger.note_send(0);
    world.ledger.note_sent(name(0, 1), 1, true, &mut world.account);
    world.ledger.note_sent(name(0, 0), 2, false, &mut world.account);
    world.arrives_everywhere(1, message(0, 1));
    world.arrives_everywhere(2, message(0, 0));
    assert!(world.finish().is_closed());
}

#[test]
fn a_gap_that_stays_is_a_gap_and_a_loss() {
    let mut world = World::with_accepted(2, 3);
    world.arrives(0, 1, message(0, 0));
    world.arrives(0, 2, message(0, 1));
    world.arrives(0, 3, message(0, 2));
    world.arrives(1, 1, message(0, 0));
    world.arrives(1, 3, message(0, 2));
    let totals = world.finish();
    assert_eq!((totals.gaps, totals.lost, totals.is_closed()), (1, 1, false));
}

#[test]
fn a_damaged_body_is_corrupt() {
    let mut world = World::with_accepted(2, 1);
    world.arrives(0, 1, message(0, 0));
    world.arrives(1, 1, Content::Corrupt);
    let totals = world.finish();
    assert_eq!((totals.corrupt, totals.delivered, totals.is_closed()), (1, 1, false));
}

#[test]
fn a_message_that_nobody_sent_is_corrupt() {
    let mut world = World::new(2);
    world.arrives_everywhere(1, message(1, 99));
    world.arrives_everywhere(2, message(7, 0));
    let totals = world.finish();
    assert_eq!((totals.corrupt, totals.is_closed()), (4, false));
}

#[test]
fn a_senseless_number_costs_no_memory() {
    let mut world = World::with_accepted(2, 1);
    world.arrives_everywhere(1, message(0, 0));
    world.arrives(1, u64::MAX, message(0, 0));
    assert!(world.ledger.is_settled());
    assert!(!world.finish().is_closed());
}

#[test]
fn an_unacknowledged_send_may_be_stored_once_or_not() {
    for stored in [false, true] {
        let mut world = World::with_accepted(2, 1);
        world.ledger.note_send(1);
        world.arrives_everywhere(1, message(0, 0));
        if stored {
            world.arrives_everywhere(2, message(1, 0));
        }
        let totals = world.finish();
        assert_eq!((totals.unacknowledged, totals.unacknowledged_stored), (1, u64::from(stored)));
        assert!(totals.is_closed());
    }
}

#[test]
fn an_unacknowledged_send_that_is_stored_twice_is_a_duplicate() {
    let mut world = World::new(2);
    world.ledger.note_send(1);
    world.arrives_everywhere(1, message(1, 0));
    world.arrives_everywhere(2, message(1, 0));
    let totals = world.finish();
    assert_eq!((totals.duplicated, totals.unacknowledged_stored, totals.is_closed()), (2, 1, false));
}

#[test]
fn membership_changes_and_older_entries_need_no_acknowledgement() {
    let mut world = World::new(2);
    world.arrives_everywhere(1, Content::Other);
    world.accepted(0, 2);
    world.arrives_everywhere(2, message(0, 0));
    assert!(world.ledger.is_settled());
    assert!(world.finish().is_closed());
}

#[test]
fn members_that_begin_in_the_middle_of_an_older_log_are_not_missing_anything() {
    let mut world = World::new(2);
    world.ledger = ConversationLedger::new(CONVERSATION, [1, 2].into(), &[40, 41], &mut world.account);
    world.arrives(0, 41, Content::Other);
    world.accepted(0, 42);
    world.arrives_everywhere(42, message(0, 0));
    assert!(world.ledger.is_settled());
    assert!(world.finish().is_closed());
}

#[test]
fn what_was_caught_up_with_is_told_from_what_came_live() {
    let mut world = World::with_accepted(2, 2);
    world.arrives_everywhere(1, message(0, 0));
    world.arrives(0, 2, message(0, 1));
    world.ledger.note_arrival(1, 2, message(0, 1), How::OnSync, &mut world.account);
    let totals = world.finish();
    assert!(totals.is_closed());
    assert_eq!((totals.delivered_live, totals.delivered_on_sync), (3, 1));
}

#[test]
fn the_last_member_completes_the_fan_out_and_the_sender_is_none_of_them() {
    let mut world = World::with_accepted(4, 1);
    let mut fanouts = Vec::new();
    for (member, took_us) in [(0, 1), (1, 10), (2, 20), (3, 30)] {
        let how = How::Live(Some(took_us));
        fanouts.extend(world.ledger.note_arrival(member, 1, message(0, 0), how, &mut world.account));
    }
    let fanout = fanouts.pop().unwrap();
    assert_eq!((fanout.first_us, fanout.median_us, fanout.last_us), (10, 20, 30));
    assert!(fanouts.is_empty());
}

#[test]
fn without_room_nothing_grows_and_nothing_closes() {
    let mut world = World::new(2);
    world.account.room = Room::of_bytes(4 * 40);
    for seq in 1..=20 {
        world.accepted(0, seq);
    }
    assert_eq!(world.account.room.held(), 8, "twice the limit is the end");
    (1..=20).for_each(|seq| world.arrives_everywhere(seq, message(0, seq as u32 - 1)));
    let totals = world.finish();
    assert_eq!((totals.accepted, totals.copies_due, totals.delivered), (20, 16, 16));
    assert!(totals.unaccounted >= 12 && !totals.is_closed(), "{totals:?}");
}

#[test]
fn faults_name_conversation_sender_counter_seq_and_recipient() {
    let mut world = World::with_accepted(3, 2);
    world.arrives_everywhere(1, message(0, 0));
    world.arrives(0, 2, message(0, 1));
    world.arrives(1, 2, message(0, 1));
    world.ledger.finish(|_| true, &mut world.account);
    let [fault] = &*world.account.faults else { panic!("{:?}", world.account.faults) };
    assert_eq!((fault.kind, fault.conversation.as_str()), (FaultKind::Lost, "group(1)"));
    assert_eq!((fault.sender, fault.counter), (Some(FIRST_USER), Some(1)));
    assert_eq!((fault.seq, fault.recipient), (Some(2), Some(FIRST_USER + 2)));
}
