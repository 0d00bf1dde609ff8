//! Facts for other partitions are found by their partition until they are confirmed, in the order of their ids.

use crate::fixture::{Scribe, direct, each_store, group, outbox_row};
use hubbub_core::ids::{Conversation, MessageId, PartitionId, Seq, UserId};
use hubbub_core::records::{Fact, MembershipRecord, OutboxRow, Write};

fn row(conversation: Conversation, n: u64) -> OutboxRow {
    let membership = MembershipRecord { joined: Seq(n), version: Seq(n + 3), member: n.is_multiple_of(2) };
    outbox_row(conversation, n, n + 100, membership)
}

fn block(n: u64) -> Fact {
    Fact::Block { user: UserId(n), peer: UserId(7), blocked: n.is_multiple_of(2), version: MessageId(n + 9) }
}

#[test]
fn rows_stay_until_they_are_confirmed() {
    each_store(|store| {
        let mut scribe = Scribe::new(store);
        let mut rows: Vec<OutboxRow> = (1..=200).map(|n| row(group(n % 40 + 1), 1000 - n)).collect();
        rows.extend((1..=200).map(|n| row(direct(n % 30 + 1, 500), n)));
        rows.extend((1..=50).map(|n| OutboxRow { n: MessageId(3_000 - n), fact: block(n) }));
        scribe.commit(store, rows.iter().cloned().map(Write::PutOutbox));
        let confirmed = |row: &OutboxRow| row.n.0.is_multiple_of(3);
        let deletes: Vec<Write> =
            rows.iter().filter(|row| confirmed(row)).map(|row| Write::DeleteOutbox(row.owner(), row.n)).collect();
        let expected = |partition, rows: &[OutboxRow]| {
            let mut of: Vec<OutboxRow> =
                rows.iter().filter(|row| scribe_partition(store, row) == partition).cloned().collect();
            of.sort_by_key(|row| row.n);
            of
        };
        for partition in (0..16).map(PartitionId) {
            assert_eq!(store.outbox(partition).unwrap(), expected(partition, &rows));
        }
        scribe.commit(store, deletes);
        rows.retain(|row| !confirmed(row));
        for partition in (0..16).map(PartitionId) {
            assert_eq!(store.outbox(partition).unwrap(), expected(partition, &rows));
        }
    });
}

fn scribe_partition(store: &hubbub_store::Store, row: &OutboxRow) -> PartitionId {
    Scribe::new(store).partition_of(&Write::PutOutbox(row.clone()))
}
