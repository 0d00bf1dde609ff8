//! A commit that would wait is refused instead, leaves nothing, and may come again.

use crate::fixture::{Scribe, block, group, options, page, page_after};
use hubbub_core::ids::Seq;
use hubbub_core::records::Write;
use hubbub_store::{CommitError, Options, Store, Sync};

#[test]
fn a_refused_commit_may_come_again() {
    let directory = tempfile::tempdir().unwrap();
    // So little memory that writes overtake the flushes.
    let store = Store::open(Options { write_buffer_bytes: 64 << 10, ..options(directory.path()) }).unwrap();
    let mut scribe = Scribe::new(&store);
    let refused = (1..=20_000).find(|&first| {
        let batches = scribe.batches([Write::PutBlock(group(1), block(first, 1, 10_000))]);
        let state = || store.partition_state(batches[0].partition);
        let before = state();
        match store.commit_unless_stalled(&batches) {
            Ok(()) => false,
            Err(error) => {
                assert_eq!((error, state()), (CommitError::Stalled, before));
                store.commit(&batches, Sync::No).unwrap();
                true
            }
        }
    });
    let refused = refused.expect("writes overtake the flushes");
    assert_eq!(store.sizes().stalls, 1);
    assert_eq!(page(&store, &page_after(group(1), refused - 2)).last, Seq(refused));
}
