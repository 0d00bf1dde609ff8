//! Pages of random logs, in both directions, are those of a plain list of entries.

use crate::fixture::{Scribe, block, encoded, entry, group, open, ordinal, page};
use hubbub_core::ids::{Conversation, Seq};
use hubbub_core::records::{Page, PagePosition, PageRequest, Read, Write};
use hubbub_store::Store;
use proptest::prelude::*;
use std::cell::Cell;

/// A log from `floor + 1` on, as (seq, bytes).
type Model = Vec<(u64, Vec<u8>)>;

fn expected(model: &Model, request: &PageRequest) -> Page {
    let mut wanted: Vec<&(u64, Vec<u8>)> = model.iter().filter(|(seq, _)| *seq <= request.up_to.0).collect();
    let edge = match request.position {
        PagePosition::After(after) => {
            wanted.retain(|(seq, _)| *seq > after.0);
            after
        }
        PagePosition::Before(before) => {
            wanted.retain(|(seq, _)| *seq < before.0);
            wanted.reverse();
            Seq(before.0.saturating_sub(1)).min(request.up_to)
        }
    };
    let mut bytes = 0;
    let fitting = wanted.iter().enumerate().take_while(|(i, (_, entry))| {
        bytes += entry.len();
        *i < request.entries_max && (*i == 0 || bytes <= request.bytes_max)
    });
    wanted.truncate(fitting.count());
    wanted.sort();
    let kept = |seq: Seq| seq.0 == 0 || model.iter().any(|(kept, _)| *kept == seq.0);
    Page {
        after: wanted.first().map_or(edge, |(seq, _)| Seq(seq - 1)),
        last: wanted.last().map_or(edge, |(seq, _)| Seq(*seq)),
        entries: wanted.iter().flat_map(|(_, entry)| entry.clone()).collect(),
        ordinal: request.ordinal_at.filter(|&seq| kept(seq)).map(|seq| ordinal(seq.0)),
    }
}

fn append(store: &Store, conversation: Conversation, floor: u64, blocks: &[(u16, usize)]) -> Model {
    let (mut model, mut writes, mut next) = (Vec::new(), Vec::new(), floor + 1);
    for &(count, body_bytes) in blocks {
        writes.push(Write::PutBlock(conversation, block(next, count, body_bytes)));
        let seqs = next..next + u64::from(count);
        model.extend(seqs.map(|seq| (seq, encoded(&entry(seq, body_bytes)))));
        next += u64::from(count);
    }
    Scribe::new(store).commit(store, writes);
    model
}

fn request() -> impl Strategy<Value = PageRequest> {
    let seq = || prop_oneof![8 => 0..400u64, 1 => Just(u64::MAX)].prop_map(Seq);
    let position = (any::<bool>(), seq())
        .prop_map(|(up, seq)| if up { PagePosition::After(seq) } else { PagePosition::Before(seq) });
    (position, seq(), 0..100usize, 0..8_000usize, proptest::option::of(seq())).prop_map(
        |(position, up_to, entries_max, bytes_max, ordinal_at)| PageRequest {
            conversation: group(0),
            position,
            up_to,
            entries_max,
            bytes_max,
            ordinal_at,
            // There are no edits or reactions, so it must make no difference.
            overlay: entries_max % 2 == 1,
        },
    )
}

#[test]
fn pages_are_those_of_a_list() {
    let directory = tempfile::tempdir().unwrap();
    let stores = [Store::memory(16), open(directory.path())];
    let conversations = Cell::new(1);
    let blocks = proptest::collection::vec((1..=64u16, 0..200usize), 0..8);
    let requests = proptest::collection::vec(request(), 1..40);
    proptest!(ProptestConfig::with_cases(200), |(floor in prop_oneof![Just(0u64), 0..100u64], blocks in blocks, requests in requests)| {
        let conversation = group(conversations.replace(conversations.get() + 1));
        for store in &stores {
            let model = append(store, conversation, floor, &blocks);
            for request in &requests {
                let request = PageRequest { conversation, ..*request };
                prop_assert_eq!(page(store, &Read::Page(request)), expected(&model, &request), "{:?}", request);
            }
        }
    });
}
