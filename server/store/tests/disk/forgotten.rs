//! What was revoked, has expired or was replaced is in no file any more once the store was compacted, whichever file it
//! had reached by then.

use crate::fixture::{Scribe, block, group, options};
use hubbub_core::entry::{Fate, GoneReason, rewrite};
use hubbub_core::ids::{Seq, Timestamp, UserId};
use hubbub_core::records::{Block, EditRecord, ReactionCount, Write};
use hubbub_store::{Options, Store};
use std::fs;
use std::path::{Path, PathBuf};

const REVOKED: &[u8] = b"4qPzK0vT2mXw8RjY revoked";
const REMOVED: &[u8] = b"7hNfB5cLs1dGkQeZ removed";
const EDITED: &[u8] = b"Ju3oWnVt9iXa6yMb edited";
const REACTED: &[u8] = b"pC8rDl2EzHs5Fg0K";
const KEPT: &[u8] = b"Rk1vQm4xTz7bLd9w kept";

const NOWHERE: [PathBuf; 0] = [];

/// Not compressed, so that a body is found wherever it is.
fn open(path: &Path) -> Store {
    Store::open(Options { compression: false, ..options(path) }).unwrap()
}

/// Files with these bytes in them, the write-ahead log and its archive included.
fn files_with(path: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in fs::read_dir(path).unwrap() {
        let file = file.unwrap().path();
        if file.is_dir() {
            found.extend(files_with(&file, bytes));
        } else if contents(&file).windows(bytes.len()).any(|window| window == bytes) {
            found.push(file);
        }
    }
    found
}

/// What a file holds: nothing when the store has removed it meanwhile.
fn contents(file: &Path) -> Vec<u8> {
    match fs::read(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        read => read.unwrap(),
    }
}

/// A block of three entries that says these words.
fn saying(first: u64, words: &[u8]) -> Block {
    let plain = block(first, 2, words.len());
    let body = vec![first as u8; words.len()];
    let at = plain.entries.windows(body.len()).position(|window| window == body).expect("the first entry is a message");
    let mut entries = plain.entries.to_vec();
    entries[at..at + words.len()].copy_from_slice(words);
    Block { entries: entries.into(), ..plain }
}

fn fill(store: &Store) {
    let id = group(1);
    let edit = EditRecord { seqs: vec![Seq(5)], time: Timestamp(1), body: EDITED.into(), content_type: String::new() };
    let emoji = String::from_utf8(REACTED.to_vec()).unwrap();
    let count = ReactionCount { emoji: emoji.clone(), count: 1, users: vec![UserId(9)] };
    Scribe::new(store).commit(
        store,
        [
            Write::PutBlock(id, saying(1, REMOVED)),
            Write::PutBlock(id, saying(4, REVOKED)),
            Write::PutBlock(id, saying(7, KEPT)),
            Write::PutEdit(id, Seq(4), Box::new(edit)),
            Write::PutReactions(id, Seq(4), UserId(9), vec![emoji]),
            Write::PutReactionCounts(id, Seq(4), vec![count]),
        ],
    );
}

fn forget(store: &Store) {
    let id = group(1);
    let bare = rewrite(&saying(4, REVOKED), |_| Fate::Goes(GoneReason::Revoked));
    Scribe::new(store).commit(
        store,
        [Write::DropBlocks(id, Seq(1), Seq(3)), Write::RewriteBlock(id, bare), Write::DropOverlays(id, Seq(4), Seq(4))],
    );
}

#[test]
fn no_file_holds_what_was_taken_away() {
    // Bodies in the log alone, in young files, and at the bottom; taken away by the same run or by a later one.
    for (compacted_before, reopened) in [(false, false), (true, false), (false, true), (true, true)] {
        let directory = tempfile::tempdir().unwrap();
        let mut store = open(directory.path());
        fill(&store);
        if compacted_before {
            store.compact().unwrap();
        }
        if reopened {
            store.close().unwrap();
            drop(store);
            store = open(directory.path());
        }
        forget(&store);
        for bytes in [REVOKED, REMOVED, EDITED, REACTED, KEPT] {
            assert_ne!(files_with(directory.path(), bytes), NOWHERE, "taking away alone deletes nothing");
        }
        store.compact().unwrap();
        store.close().unwrap();
        drop(store);
        for bytes in [REVOKED, REMOVED, EDITED, REACTED] {
            assert_eq!(files_with(directory.path(), bytes), NOWHERE, "{compacted_before} {reopened}");
        }
        assert_ne!(files_with(directory.path(), KEPT), NOWHERE);
        let store = open(directory.path());
        for bytes in [REVOKED, REMOVED, EDITED, REACTED] {
            assert_eq!(files_with(directory.path(), bytes), NOWHERE, "nor does a start bring it back");
        }
        drop(store);
    }
}
