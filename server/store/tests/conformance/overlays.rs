//! Edits and reactions lie over pages that ask for them, and over no others.

use crate::fixture::{Scribe, block, each_store, encoded, entry, group, ordinal, page, read};
use hubbub_core::entry::{Entries, EntryHeader, EntryKind, Overlay, put_overlaid};
use hubbub_core::ids::{Conversation, Seq, Timestamp, UserId};
use hubbub_core::records::{
    EditRecord, Page, PagePosition, PageRequest, Purpose, ReactionCount, Read, ReadResult, Target, TargetRequest, Write,
};
use hubbub_store::Store;

fn request(conversation: Conversation, position: PagePosition, overlay: bool) -> PageRequest {
    let (entries_max, bytes_max) = (100, 64 << 20);
    PageRequest { conversation, position, up_to: Seq(u64::MAX), entries_max, bytes_max, ordinal_at: None, overlay }
}

fn edit(seqs: &[u64], bytes: usize) -> EditRecord {
    let seqs = seqs.iter().copied().map(Seq).collect();
    EditRecord { seqs, time: Timestamp(7), body: vec![b'e'; bytes].into(), content_type: "text/new".to_owned() }
}

fn count(emoji: &str, count: u32) -> ReactionCount {
    ReactionCount { emoji: emoji.to_owned(), count, users: vec![UserId(1)] }
}

/// Twelve entries in blocks of four; the second was edited, the seventh reacted to.
fn fill(store: &Store, id: Conversation, edit_bytes: usize) {
    let blocks = [1, 5, 9].map(|first| Write::PutBlock(id, block(first, 4, 50)));
    let overlays = [
        Write::PutEdit(id, Seq(2), Box::new(edit(&[3, 4], edit_bytes))),
        Write::PutReactions(id, Seq(7), UserId(1), vec!["+".to_owned()]),
        Write::PutReactions(id, Seq(7), UserId(2), vec!["-".to_owned(), "+".to_owned()]),
        Write::PutReactions(id, Seq(7), UserId(3), vec!["-".to_owned()]),
        Write::PutReactions(id, Seq(7), UserId(4), vec!["-".to_owned()]),
        Write::PutReactionCounts(id, Seq(7), vec![count("+", 2), count("-", 3)]),
    ];
    Scribe::new(store).commit(store, blocks.into_iter().chain(overlays));
}

fn expected(seqs: std::ops::RangeInclusive<u64>, edit_bytes: usize) -> Vec<u8> {
    let edit = edit(&[3, 4], edit_bytes);
    let most_first = [count("-", 3), count("+", 2)];
    let mut bytes = bytes::BytesMut::new();
    for seq in seqs {
        let overlay = match seq {
            2 => Overlay { edit: Some(&edit), reactions: &[] },
            7 => Overlay { edit: None, reactions: &most_first },
            _ => Overlay::default(),
        };
        put_overlaid(&encoded(&entry(seq, 50)), overlay, 1 << 20, &mut bytes);
    }
    bytes.to_vec()
}

fn seqs(page: &Page) -> Vec<u64> {
    Entries::new(&page.entries).map(|entry| EntryHeader::decode(entry).unwrap().seq.0).collect()
}

#[test]
fn they_are_shown_in_the_pages_that_ask_for_them() {
    each_store(|store| {
        let id = group(1);
        fill(store, id, 80);
        // Neighbours in key order must make no difference.
        fill(store, group(2), 10);
        for (position, from, to) in [
            (PagePosition::After(Seq(0)), 1, 12),
            (PagePosition::After(Seq(1)), 2, 12),
            (PagePosition::After(Seq(2)), 3, 12),
            (PagePosition::Before(Seq(8)), 1, 7),
            (PagePosition::Before(Seq(7)), 1, 6),
            (PagePosition::After(Seq(7)), 8, 12),
        ] {
            let shown = page(store, &Read::Page(request(id, position, true)));
            assert_eq!(shown.entries, expected(from..=to, 80), "{position:?}");
            assert_eq!((shown.after, shown.last), (Seq(from - 1), Seq(to)));
            let raw = page(store, &Read::Page(request(id, position, false)));
            assert_eq!(raw.entries, (from..=to).flat_map(|seq| encoded(&entry(seq, 50))).collect::<Vec<u8>>());
        }
    });
}

#[test]
fn a_page_that_has_grown_is_cut_at_its_far_end_and_holds_one_entry_at_least() {
    each_store(|store| {
        let id = group(1);
        fill(store, id, 5_000);
        for bytes_max in [0, 1, 100, 300, 2_000, 5_100, 5_300, 6_000, 50_000] {
            for (position, first, last) in
                [(PagePosition::After(Seq(0)), Some(1), None), (PagePosition::Before(Seq(9)), None, Some(8))]
            {
                let request = PageRequest { bytes_max, ..request(id, position, true) };
                let shown = page(store, &Read::Page(request));
                let found = seqs(&shown);
                assert!(!found.is_empty());
                assert!(found.len() == 1 || shown.entries.len() <= bytes_max, "{bytes_max}: {}", shown.entries.len());
                assert!(found.iter().copied().eq(shown.after.0 + 1..=shown.last.0));
                assert!(first.is_none_or(|first| found[0] == first));
                assert!(last.is_none_or(|last| found.last() == Some(&last)));
            }
        }
        // Nothing is lost between the pages.
        let mut after = Seq(0);
        let mut all = Vec::new();
        while after < Seq(12) {
            let request = PageRequest { bytes_max: 400, ..request(id, PagePosition::After(after), true) };
            let shown = page(store, &Read::Page(request));
            all.extend(seqs(&shown));
            after = shown.last;
        }
        assert_eq!(all, (1..=12).collect::<Vec<u64>>());
    });
}

#[test]
fn dropped_overlays_are_gone_and_their_neighbours_are_not() {
    each_store(|store| {
        let id = group(1);
        fill(store, id, 80);
        let mut scribe = Scribe::new(store);
        scribe.commit(store, [Write::DropOverlays(id, Seq(3), Seq(6)), Write::DropOverlays(id, Seq(8), Seq(u64::MAX))]);
        let all = Read::Page(request(id, PagePosition::After(Seq(0)), true));
        assert_eq!(page(store, &all).entries, expected(1..=12, 80));
        scribe.commit(store, [Write::DropOverlays(id, Seq(1), Seq(7))]);
        let raw = Read::Page(request(id, PagePosition::After(Seq(0)), false));
        assert_eq!(page(store, &all), page(store, &raw));
        let target = target(store, id, 7, Purpose::React(UserId(2))).unwrap();
        assert_eq!((target.own.len(), target.counts.len()), (0, 0));
    });
}

fn target(store: &Store, conversation: Conversation, seq: u64, purpose: Purpose) -> Option<Target> {
    let request = TargetRequest { conversation, seq: Seq(seq), purpose };
    match read(store, &Read::Target(Box::new(request))) {
        ReadResult::Target(target) => target.map(|target| *target),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_known_of_an_entry_is_what_its_purpose_needs() {
    each_store(|store| {
        let id = group(1);
        fill(store, id, 80);
        assert_eq!(target(store, id, 13, Purpose::Edit), None);
        assert_eq!(target(store, group(9), 1, Purpose::Edit), None);
        let edited = target(store, id, 2, Purpose::Edit).unwrap();
        assert_eq!((edited.kind, edited.header.seq, edited.edits), (EntryKind::User, Seq(2), vec![Seq(3), Seq(4)]));
        assert_eq!(target(store, id, 3, Purpose::Edit).unwrap().kind, EntryKind::Application);
        let reacted = target(store, id, 7, Purpose::React(UserId(2))).unwrap();
        assert_eq!(reacted.own, ["-", "+"]);
        assert_eq!(reacted.counts, [count("+", 2), count("-", 3)]);
        let taken_back = target(store, id, 7, Purpose::TakeBack(UserId(3), "-".to_owned())).unwrap();
        assert_eq!((taken_back.own, taken_back.others), (vec!["-".to_owned()], vec![UserId(2), UserId(4)]));
        let revoked = target(store, id, 2, Purpose::Revoke).unwrap();
        assert_eq!(revoked.blocks, [block(1, 4, 50)], "each block once");
        Scribe::new(store).commit(store, [Write::PutEdit(id, Seq(2), Box::new(edit(&[3, 9, 11], 5)))]);
        let revoked = target(store, id, 2, Purpose::Revoke).unwrap();
        assert_eq!(revoked.blocks, [block(1, 4, 50), block(9, 4, 50)]);
        assert_eq!(revoked.blocks[1].last_ordinal, ordinal(12));
    });
}

#[test]
fn reactions_that_are_taken_back_leave_no_rows() {
    each_store(|store| {
        let id = group(1);
        fill(store, id, 80);
        let rows = [1, 2, 3, 4].map(|user| Write::PutReactions(id, Seq(7), UserId(user), vec![]));
        let counts = Write::PutReactionCounts(id, Seq(7), vec![]);
        Scribe::new(store).commit(store, rows.into_iter().chain([counts]));
        let target = target(store, id, 7, Purpose::React(UserId(2))).unwrap();
        assert_eq!((target.own.len(), target.counts.len()), (0, 0));
    });
}
