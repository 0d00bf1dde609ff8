use super::*;
use bytes::Bytes;
use proptest::prelude::*;

/// Encoded entries are length-delimited fields 4; their content does not matter here.
fn entries(lengths: &[u8]) -> Vec<u8> {
    lengths.iter().flat_map(|&len| [34, len & 0x7f].into_iter().chain(vec![len; usize::from(len & 0x7f)])).collect()
}

proptest! {
    #[test]
    fn entries_come_back_as_they_were(first in 1..u64::MAX / 2, lengths in proptest::collection::vec(any::<u8>(), 1..70), ordinal: u64) {
        let bytes = entries(&lengths);
        let block = Block { first: Seq(first), count: lengths.len() as u16, last_ordinal: ordinal, entries: bytes.clone().into() };
        let mut value = Vec::new();
        encode(&block, &mut value);
        let stored = StoredBlock::decode(Seq(first), &value).unwrap();
        prop_assert_eq!((stored.first, stored.last, stored.last_ordinal), (block.first, block.last(), ordinal));
        let found = stored.entries().unwrap();
        prop_assert_eq!(found.slice(found.first, found.last), &bytes[..]);
        let each: Vec<u8> = found.seqs(Seq(0), Seq(u64::MAX)).flat_map(|seq| found.entry(Seq(seq)).to_vec()).collect();
        prop_assert_eq!(each, bytes);
    }

    #[test]
    fn any_bytes_are_read_without_panic(first: u64, value in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(found) = StoredBlock::decode(Seq(first), &value).and_then(|block| block.entries()) {
            prop_assert_eq!(found.slice(found.first, found.last).len() + HEADER_BYTES, value.len());
        }
    }
}

#[test]
fn a_block_that_is_not_whole_is_none() {
    let block = Block { first: Seq(7), count: 2, last_ordinal: 1, entries: Bytes::from(entries(&[3, 4])) };
    let mut value = Vec::new();
    encode(&block, &mut value);
    let whole = |value: &[u8]| StoredBlock::decode(Seq(7), value).and_then(|block| block.entries()).is_some();
    assert!(whole(&value));
    assert!((0..value.len()).all(|len| !whole(&value[..len])), "cut short");
    assert!(!whole(&[&value[..], &[0]].concat()), "something behind");
    for (at, byte) in [(0, 2), (2, 0), (2, 1), (2, 3)] {
        let mut wrong = value.clone();
        wrong[at] = byte;
        assert!(!whole(&wrong), "byte {at} is {byte}");
    }
    assert!(StoredBlock::decode(Seq(0), &value).is_none() && StoredBlock::decode(Seq(u64::MAX), &value).is_none());
}
