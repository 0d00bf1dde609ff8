//! A directory that is not this node's, in this format and whole is refused, with a message that names the way out.

use crate::fixture::{Scribe, block, copy, group, open, options};
use hubbub_core::records::Write;
use hubbub_store::{Family, NodeId, OpenError, Options, Store};
use rocksdb::DB;
use std::fs;
use std::path::Path;

fn refusal(options: Options) -> OpenError {
    let path = options.path.display().to_string();
    match Store::open(options) {
        Ok(_) => panic!("{path} was opened"),
        Err(error) => {
            assert!(error.to_string().contains(&path), "{error}");
            error
        }
    }
}

/// Opens the database behind a store's back.
fn raw(path: &Path, more: &[&str]) -> DB {
    let mut options = rocksdb::Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    DB::open_cf(&options, path, Family::ALL.iter().map(|f| f.name()).chain(more.iter().copied())).unwrap()
}

fn made() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    Scribe::new(&store).commit(&store, [Write::PutBlock(group(1), block(1, 1, 10))]);
    store.close().unwrap();
    directory
}

#[test]
fn one_process_at_a_time() {
    let directory = made();
    let store = open(directory.path());
    let error = refusal(options(directory.path()));
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    drop(store);
    open(directory.path());
}

#[test]
fn another_format() {
    let directory = made();
    {
        let db = raw(directory.path(), &[]);
        let meta = db.cf_handle("meta").unwrap();
        let mut row = db.get_cf(&meta, "store").unwrap().unwrap();
        assert_eq!(row[..2], [8, 1], "format is field 1");
        row[1] = 77;
        db.put_cf(&meta, "store", row).unwrap();
    }
    let error = refusal(options(directory.path()));
    assert!(matches!(error, OpenError::Format { found: 77, .. }), "{error}");
}

#[test]
fn an_unknown_family() {
    let directory = made();
    drop(raw(directory.path(), &["of_tomorrow"]));
    let error = refusal(options(directory.path()));
    assert!(matches!(&error, OpenError::Family { family, .. } if family == "of_tomorrow"), "{error}");
}

#[test]
fn another_node() {
    let directory = made();
    let node_id = open(directory.path()).node_id();
    let of = |node_id| Options { node_id: Some(node_id), ..options(directory.path()) };
    let error = refusal(of(NodeId(node_id.0 ^ 1)));
    assert!(matches!(error, OpenError::Node { found, .. } if found == node_id), "{error}");
    assert!(error.to_string().contains(&node_id.to_string()), "{error}");
    assert!(Store::open(of(node_id)).is_ok());
}

#[test]
fn somebody_elses_database() {
    let directory = tempfile::tempdir().unwrap();
    DB::open_default(directory.path()).unwrap().put("theirs", "precious").unwrap();
    let error = refusal(options(directory.path()));
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    let db = DB::open_default(directory.path()).expect("no family was added");
    assert_eq!(db.get("theirs").unwrap().unwrap(), b"precious");
}

#[test]
fn a_store_without_its_node_id() {
    let directory = made();
    {
        let db = raw(directory.path(), &[]);
        db.delete_cf(&db.cf_handle("meta").unwrap(), "store").unwrap();
    }
    let error = refusal(options(directory.path()));
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[test]
fn a_damaged_store() {
    let whole = made();
    type Damage = fn(&Path);
    let damage: [(&str, Damage); 3] = [
        ("no CURRENT", |path| fs::remove_file(path.join("CURRENT")).unwrap()),
        ("no MANIFEST", |path| each(path, "MANIFEST", |file| fs::remove_file(file).unwrap())),
        ("garbage in MANIFEST", |path| each(path, "MANIFEST", |file| fs::write(file, [7; 5000]).unwrap())),
    ];
    for (what, damage) in damage {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store");
        copy(whole.path(), &path);
        damage(&path);
        let error = refusal(options(&path));
        assert!(matches!(error, OpenError::Corrupt { .. } | OpenError::Io { .. }), "{what}: {error}");
    }
    let directory = tempfile::tempdir().unwrap();
    copy(whole.path(), directory.path());
    {
        let db = raw(directory.path(), &[]);
        db.put_cf(&db.cf_handle("meta").unwrap(), "slots", "no table").unwrap();
    }
    let error = refusal(options(directory.path()));
    assert!(matches!(&error, OpenError::Corrupt { what, .. } if what.contains("slots")), "{error}");
}

fn each(path: &Path, prefix: &str, act: impl Fn(&Path)) {
    let files = fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
    let named = |file: &std::path::PathBuf| file.file_name().unwrap().to_string_lossy().starts_with(prefix);
    files.filter(named).for_each(|file| act(&file));
}

#[test]
fn a_path_that_is_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(refusal(options(&file)), OpenError::Io { .. }));
}

#[test]
fn no_partitions() {
    let directory = tempfile::tempdir().unwrap();
    for partitions in [0, 257] {
        let result = Store::open(Options { partitions, ..options(directory.path()) });
        assert!(matches!(result, Err(OpenError::Partitions(p)) if p == partitions));
    }
}

/// The making of a store may be interrupted before anything was written; the next start makes it whole.
#[test]
fn an_interrupted_making_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    drop(DB::open_default(directory.path()).unwrap());
    assert_eq!(open(directory.path()).log_epoch(), 1);
    let directory = tempfile::tempdir().unwrap();
    drop(raw(directory.path(), &[]));
    assert_eq!(open(directory.path()).log_epoch(), 1);
}
