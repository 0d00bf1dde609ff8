//! A name is found within its window and nowhere else.

use crate::fixture::{Scribe, block, each_store, group, name, read};
use hubbub_core::ids::{MessageId, Seq, Timestamp};
use hubbub_core::records::{FoundEntry, Read, ReadResult, Write};

#[test]
fn the_window_decides() {
    each_store(|store| {
        let id = group(3);
        // A dropped beginning, then blocks of several sizes up to 90; neighbours must not be seen.
        let blocks =
            [(11, 1), (12, 30), (42, 1), (43, 48)].map(|(first, count)| Write::PutBlock(id, block(first, count, 20)));
        let others = [group(2), group(4)].map(|other| Write::PutBlock(other, block(1, 64, 20)));
        Scribe::new(store).commit(store, blocks.into_iter().chain(others));
        let find = |n, after, up_to| {
            let (after, up_to) = (Seq(after), Seq(up_to));
            read(store, &Read::FindName { conversation: id, after, up_to, name: name(n) })
        };
        let found =
            |n: u64| Some(FoundEntry { seq: Seq(n), message_id: MessageId(n * 10), time: Timestamp(n as i64 * 1000) });
        let answer = |found, oldest: Option<i64>| ReadResult::FindName {
            found,
            oldest: oldest.map(|seq| Timestamp(seq * 1000)),
        };
        for n in [11, 12, 20, 41, 42, 43, 90] {
            assert_eq!(find(n, 0, 90), answer(found(n), Some(11)), "whole log, {n}");
            assert_eq!(find(n, n - 1, n), answer(found(n), Some(n as i64)), "just this one, {n}");
            assert_eq!(find(n, 0, n - 1), answer(None, Some(11)), "all below {n}");
            let above = (n < 90).then_some(n as i64 + 1);
            assert_eq!(find(n, n, u64::MAX), answer(None, above), "all above {n}");
        }
        assert_eq!(find(5, 0, 90), answer(None, Some(11)), "dropped");
        assert_eq!(find(91, 90, 200), answer(None, None), "beyond the head");
        assert_eq!(find(12, u64::MAX, u64::MAX), answer(None, None));
        let elsewhere = Read::FindName { conversation: group(99), after: Seq(0), up_to: Seq(9), name: name(1) };
        assert_eq!(read(store, &elsewhere), answer(None, None));
    });
}
