//! Who wrote the last messages, whatever the blocks are, and never beyond what is kept.

use crate::fixture::{Scribe, block, each_store, entry, group, read};
use hubbub_core::ids::{Seq, UserId};
use hubbub_core::records::{Read, ReadResult, Write};

#[test]
fn the_last_messages_up_to_a_seq() {
    each_store(|store| {
        let id = group(3);
        // A dropped beginning, then blocks of several sizes up to 90; neighbours must not be seen.
        let blocks =
            [(11, 1), (12, 30), (42, 1), (43, 48)].map(|(first, count)| Write::PutBlock(id, block(first, count, 20)));
        let others = [group(2), group(4)].map(|other| Write::PutBlock(other, block(1, 64, 20)));
        Scribe::new(store).commit(store, blocks.into_iter().chain(others));
        let authors =
            |up_to, entries_max| match read(store, &Read::Authors { conversation: id, up_to: Seq(up_to), entries_max })
            {
                ReadResult::Authors(authors) => authors,
                other => panic!("{other:?}"),
            };
        for (up_to, entries_max, expected) in [
            (90, 1, 90..=90),
            (89, 1, 89..=89),
            (90, 48, 43..=90),
            (90, 49, 42..=90),
            (90, 60, 31..=90),
            (90, 500, 11..=90),
            (50, 10, 41..=50),
            (42, 1, 42..=42),
            (12, 5, 11..=12),
        ] {
            // Some entries of the fixture are no messages.
            let entries = expected.map(|seq| entry(seq, 20)).filter(|entry| entry.content.is_user());
            let expected: Vec<(Seq, UserId)> = entries.map(|entry| (entry.seq, entry.name.sender)).collect();
            assert_eq!(authors(up_to, entries_max), expected, "{entries_max} up to {up_to}");
        }
        assert_eq!(authors(10, 5), [], "dropped");
        assert_eq!(authors(90, 0), [], "none asked for");
        assert_eq!(authors(200, 5), [], "not there");
    });
}
