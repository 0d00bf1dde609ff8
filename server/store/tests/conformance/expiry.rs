//! What retention may take away is whole blocks, from the bottom up, and never the newest; a walk finds every
//! conversation of its slot.

use crate::fixture::{Scribe, block, direct, each_store, group, ordinal, page, page_after, read};
use hubbub_core::ids::{Conversation, LogId, Seq, Slot, Timestamp, UserId};
use hubbub_core::records::{
    Block, ConversationRecord, Expired, ExpiryRequest, HistoryRecord, Read, ReadResult, Retention, WalkRequest, Walked,
    Write,
};
use hubbub_core::slots::slot_of_conversation;
use hubbub_store::Store;

/// Asks about a log whose entry `seq` was decided at `seq * 1000`.
fn request(conversation: Conversation) -> ExpiryRequest {
    ExpiryRequest {
        conversation,
        dropped: Seq(0),
        floor: Seq(0),
        up_to: Seq(u64::MAX),
        before: Timestamp(0),
        headers_before: Timestamp(0),
        head: Seq(20),
        blocks_max: 100,
        bytes_max: 1 << 20,
        removed_max: 100,
    }
}

fn expired(store: &Store, request: ExpiryRequest) -> Expired {
    match read(store, &Read::Expired(Box::new(request))) {
        ReadResult::Expired(expired) => *expired,
        other => panic!("{other:?}"),
    }
}

fn blocks() -> Vec<Block> {
    (0..5).map(|n| block(n * 4 + 1, 4, 100)).collect()
}

fn fill(store: &Store, id: Conversation) {
    Scribe::new(store).commit(store, blocks().into_iter().map(|block| Write::PutBlock(id, block)));
}

#[test]
fn bodies_go_by_time_and_by_number_a_whole_block_at_a_time() {
    each_store(|store| {
        let id = group(1);
        fill(store, id);
        let taken = |request| expired(store, request).blocks.len();
        assert_eq!(taken(request(id)), 0);
        assert_eq!(taken(ExpiryRequest { before: Timestamp(8_000), ..request(id) }), 1, "the eighth is not older");
        assert_eq!(taken(ExpiryRequest { before: Timestamp(8_001), ..request(id) }), 2);
        assert_eq!(taken(ExpiryRequest { before: Timestamp(i64::MAX), ..request(id) }), 5, "the newest, too");
        assert_eq!(taken(ExpiryRequest { before: Timestamp(i64::MAX), up_to: Seq(11), ..request(id) }), 2);
        let above = ExpiryRequest { before: Timestamp(i64::MAX), floor: Seq(8), ..request(id) };
        assert_eq!(expired(store, above).blocks, blocks()[2..]);
    });
}

#[test]
fn steps_are_bounded_and_say_that_there_is_more() {
    each_store(|store| {
        let id = group(1);
        fill(store, id);
        let all = ExpiryRequest { before: Timestamp(i64::MAX), ..request(id) };
        let found = expired(store, ExpiryRequest { blocks_max: 2, ..all });
        assert_eq!((found.blocks.len(), found.more), (2, true));
        let found = expired(store, ExpiryRequest { bytes_max: 1, ..all });
        assert_eq!((found.blocks.len(), found.more), (1, true), "one at least");
        let found = expired(store, ExpiryRequest { blocks_max: 5, ..all });
        assert_eq!((found.blocks.len(), found.more), (5, false));
        let found = expired(store, ExpiryRequest { headers_before: Timestamp(i64::MAX), removed_max: 3, ..all });
        assert_eq!((found.removable, found.blocks.len(), found.more), (Some((Seq(12), ordinal(12))), 0, true));
    });
}

#[test]
fn headers_stay_until_no_resend_is_looked_for_there_and_the_newest_block_for_ever() {
    each_store(|store| {
        let id = group(1);
        fill(store, id);
        let all = ExpiryRequest { before: Timestamp(i64::MAX), headers_before: Timestamp(12_001), ..request(id) };
        let found = expired(store, all);
        assert_eq!(found.removable, Some((Seq(12), ordinal(12))));
        assert_eq!(found.blocks, blocks()[3..], "those lose their bodies only");
        let old = ExpiryRequest { headers_before: Timestamp(i64::MAX), ..all };
        assert_eq!(expired(store, old).removable, Some((Seq(16), ordinal(16))));
        let kept = ExpiryRequest { before: Timestamp(0), ..old };
        assert_eq!(expired(store, kept), Expired::default(), "headers do not go before bodies");
        let stripped = ExpiryRequest { floor: Seq(8), ..kept };
        assert_eq!(expired(store, stripped).removable, Some((Seq(8), ordinal(8))));
        let removed = ExpiryRequest { dropped: Seq(8), ..stripped };
        assert_eq!(expired(store, removed), Expired::default());
    });
}

#[test]
fn removed_blocks_are_gone_and_the_others_are_not() {
    each_store(|store| {
        for id in [group(1), group(2), direct(1, 2)] {
            fill(store, id);
        }
        Scribe::new(store).commit(store, [Write::DropBlocks(group(1), Seq(1), Seq(8))]);
        let left = page(store, &page_after(group(1), 0));
        assert_eq!((left.after, left.last), (Seq(8), Seq(20)));
        for id in [group(2), direct(1, 2)] {
            assert_eq!(page(store, &page_after(id, 0)).after, Seq(0));
        }
        let all = ExpiryRequest { before: Timestamp(i64::MAX), floor: Seq(8), dropped: Seq(8), ..request(group(1)) };
        assert_eq!(expired(store, all).blocks, blocks()[2..]);
    });
}

fn record(retention: Option<Retention>) -> ConversationRecord {
    ConversationRecord {
        title: String::new(),
        owner: UserId(0),
        created_by: None,
        created: Timestamp(0),
        log_id: LogId(1),
        floor: Seq(0),
        notified_up_to: Seq(0),
        group: None,
        blocks: None,
        history: retention.map(|it| Box::new(HistoryRecord { retention: Some(it), ..HistoryRecord::default() })),
    }
}

fn walked(store: &Store, slot: Slot, after: Option<Conversation>, limit: usize) -> Vec<Walked> {
    match read(store, &Read::Walk(WalkRequest { slot, after, limit })) {
        ReadResult::Walk(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_walk_comes_by_every_conversation_of_a_slot_once() {
    each_store(|store| {
        let slot = slot_of_conversation(&group(1));
        let ids: Vec<Conversation> = (1..6_000)
            .flat_map(|n| [group(n), direct(n, n + 1)])
            .filter(|id| slot_of_conversation(id) == slot)
            .collect();
        assert!(ids.len() > 20);
        let retention = |at: usize| at.is_multiple_of(2).then_some(Retention::Ttl { seconds: at as u32 + 1 });
        let mut writes = vec![Write::PutConversation(group(6_001), record(None))];
        for (at, &id) in ids.iter().enumerate() {
            writes.push(Write::PutConversation(id, record(retention(at))));
            writes.extend((at % 3 > 0).then(|| Write::PutBlock(id, block(at as u64 + 1, 1, 5))));
        }
        Scribe::new(store).commit(store, writes);
        let mut found = Vec::new();
        loop {
            let after = found.last().map(|row: &Walked| row.conversation);
            let rows = walked(store, slot, after, 7);
            found.extend_from_slice(&rows);
            if rows.len() < 7 {
                break;
            }
        }
        found.sort_by_key(|row| row.conversation);
        let mut expected: Vec<Walked> = ids
            .iter()
            .enumerate()
            .map(|(at, &conversation)| Walked {
                conversation,
                retention: retention(at),
                oldest: (at % 3 > 0).then_some(Timestamp((at as i64 + 1) * 1000)),
            })
            .collect();
        expected.sort_by_key(|row| row.conversation);
        assert_eq!(found, expected);
    });
}
