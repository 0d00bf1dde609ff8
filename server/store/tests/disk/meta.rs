//! The bytes of `meta` in format 1, which the next start depends on; see `conformance/golden.rs` for the other families.

use crate::fixture::{Scribe, block, group, options};
use hubbub_core::records::Write;
use hubbub_store::{Durability, Family, Options, Store};
use rocksdb::{DB, IteratorMode};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn what_a_store_knows_of_itself_is_what_it_always_was() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(Options { durability: Durability::Os, ..options(directory.path()) }).unwrap();
    Scribe::new(&store).commit(&store, [Write::PutBlock(group(1), block(1, 1, 10))]);
    let node_id = store.node_id();
    store.close().unwrap();
    drop(store);
    let families = Family::ALL.map(Family::name);
    let db = DB::open_cf(&rocksdb::Options::default(), directory.path(), families).unwrap();
    let rows = db.iterator_cf(&db.cf_handle("meta").unwrap(), IteratorMode::Start).map(Result::unwrap);
    let rows: Vec<(String, String)> =
        rows.map(|(key, value)| (String::from_utf8_lossy(&key).into_owned(), hex(&value))).collect();
    let slots = (0..=255u8).map(|slot| slot % 16).collect::<Vec<_>>();
    let expected = [
        // Group 1 is in slot 243, so in partition 3.
        ("partition\0\u{3}", "080111eb03000000000000".to_owned() + "1807"),
        ("run", format!("080212{:02x}{}1801", 9, hex(b"this boot"))),
        ("slots", format!("0801128002{}", hex(&slots))),
        ("store", format!("080111{}1801", hex(&node_id.0.to_le_bytes()))),
    ];
    assert_eq!(rows, expected.map(|(key, value)| (key.to_owned(), value)));
}
