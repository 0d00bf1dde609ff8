//! Sizes for metrics follow what is written.

use crate::fixture::{Scribe, block, group, open, page_after};
use hubbub_core::records::Write;
use hubbub_store::{Durability, Family, LEVELS, Options, Store, Tier};

#[test]
fn sizes_grow_with_the_rows() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let before = store.sizes();
    let mut scribe = Scribe::new(&store);
    for first in 1..=100 {
        scribe.commit(&store, [Write::PutBlock(group(1), block(first, 1, 5_000))]);
    }
    let after = store.sizes();
    let bytes = |sizes: &hubbub_store::Sizes, family: Family| {
        let size = sizes.families[family.index()];
        assert_eq!(size.family, family);
        size.file_bytes + size.memory_bytes
    };
    assert!(bytes(&after, Family::Entries) > bytes(&before, Family::Entries) + 300_000);
    assert!(bytes(&after, Family::Accounts) < 100_000);
    assert!(after.wal_bytes > before.wal_bytes + 300_000);
    assert_eq!((after.stalls, after.stopped), (0, false));
    let keys = |sizes: &hubbub_store::Sizes| sizes.families[Family::Entries.index()].keys;
    assert_eq!(keys(&after), keys(&before) + 100);
    assert!(after.totals.wal_bytes > before.totals.wal_bytes + 300_000);
    assert!(after.cache_bytes_max > 0);
}

#[test]
fn files_count_too() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { durability: Durability::None, ..crate::fixture::options(directory.path()) };
    let store = Store::open(options).unwrap();
    Scribe::new(&store).commit(&store, [Write::PutBlock(group(1), block(1, 64, 5_000))]);
    assert_eq!(store.sizes().families[Family::Entries.index()].file_bytes, 0);
    assert_eq!(store.sizes().files, [0; LEVELS]);
    store.flush().unwrap();
    let sizes = store.sizes();
    assert!(sizes.families[Family::Entries.index()].file_bytes > 0);
    assert!(sizes.files[0] > 0 && sizes.totals.flush_bytes > 0, "{sizes:?}");
}

#[test]
fn the_cache_counts_what_it_had() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { durability: Durability::None, ..crate::fixture::options(directory.path()) };
    let store = Store::open(options).unwrap();
    Scribe::new(&store).commit(&store, [Write::PutBlock(group(1), block(1, 64, 5_000))]);
    store.flush().unwrap();
    let before = store.sizes().totals;
    for _ in 0..2 {
        store.read(&page_after(group(1), 0), Tier::Any).unwrap();
    }
    let after = store.sizes().totals;
    assert!(after.cache_misses > before.cache_misses && after.cache_hits > before.cache_hits, "{before:?} {after:?}");
}
