//! The log epoch rises exactly when acked entries may be missing.

use crate::fixture::options;
use hubbub_store::{Durability, Options, Store};

/// Opens, ends the run cleanly or not, opens again; by how much did the epoch rise?
fn rise(durability: Durability, clean: bool, boots: [&str; 2]) -> u32 {
    let directory = tempfile::tempdir().unwrap();
    let run = |boot: &str, clean: bool| {
        let boot_id = Some(boot.to_owned());
        let store = Store::open(Options { durability, boot_id, ..options(directory.path()) }).unwrap();
        if clean {
            store.close().unwrap();
        }
        store.log_epoch()
    };
    let first = run(boots[0], clean);
    let second = run(boots[1], true);
    let third = run("another boot", true);
    assert_eq!((first, third), (1, second), "a clean stop raises nothing, and what rose stays");
    second - first
}

#[test]
fn it_rises_when_acked_entries_may_be_missing() {
    let (same, changed, unknown) = (["a", "a"], ["a", "b"], ["", ""]);
    let cases = [
        (Durability::Fsync, false, same, 0),
        (Durability::Fsync, false, changed, 0),
        (Durability::Os, false, same, 0),
        (Durability::Os, false, changed, 1),
        (Durability::Os, false, unknown, 1),
        (Durability::Os, true, changed, 0),
        (Durability::None, false, same, 1),
        (Durability::None, false, changed, 1),
        (Durability::None, true, changed, 0),
    ];
    for (durability, clean, boots, expected) in cases {
        assert_eq!(rise(durability, clean, boots), expected, "{durability:?}, clean: {clean}, boots {boots:?}");
    }
}

#[test]
fn the_last_run_counts_not_this_one() {
    let directory = tempfile::tempdir().unwrap();
    let open = |durability| Store::open(Options { durability, ..options(directory.path()) }).unwrap().log_epoch();
    assert_eq!(open(Durability::None), 1);
    assert_eq!(open(Durability::Fsync), 2);
    assert_eq!(open(Durability::None), 2);
    assert_eq!(open(Durability::None), 3);
}

#[test]
fn the_kernel_is_asked_for_its_boot_id() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Store::open(Options { boot_id: None, ..options(directory.path()) }).unwrap().log_epoch();
    assert_eq!((open(), open()), (1, 1));
}
