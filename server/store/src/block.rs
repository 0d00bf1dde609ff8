//! A stored block: a header, then the entries verbatim.
//!
//! Value of `entries`: format (1 byte, 1), count (2 bytes), ordinal of the last entry (8 bytes), all big-endian, then
//! the bytes of the entries as the core encoded them. They are never encoded again.

use bytes::Bytes;
use hubbub_core::entry::{Entries, EntryHeader};
use hubbub_core::ids::{Seq, Timestamp};
use hubbub_core::records::Block;
use std::ops::Range;

const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 11;

/// Replaces `value` by the stored form of `block`.
pub(crate) fn encode(block: &Block, value: &mut Vec<u8>) {
    value.clear();
    value.reserve(HEADER_BYTES + block.entries.len());
    value.push(FORMAT);
    value.extend_from_slice(&block.count.to_be_bytes());
    value.extend_from_slice(&block.last_ordinal.to_be_bytes());
    value.extend_from_slice(&block.entries);
}

/// A block as it lies in the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredBlock<'a> {
    /// Seq of the first entry.
    pub(crate) first: Seq,
    /// Seq of the last entry.
    pub(crate) last: Seq,
    /// Ordinal of the last entry.
    pub(crate) last_ordinal: u64,
    entries: &'a [u8],
}

impl<'a> StoredBlock<'a> {
    /// Reads the header; `None` when the value is no block.
    pub(crate) fn decode(first: Seq, value: &'a [u8]) -> Option<StoredBlock<'a>> {
        let (header, entries) = value.split_first_chunk::<HEADER_BYTES>()?;
        let count = u64::from(u16::from_be_bytes([header[1], header[2]]));
        if header[0] != FORMAT || count == 0 || first.0 == 0 {
            return None;
        }
        let last = Seq(first.0.checked_add(count - 1)?);
        let (_, ordinal) = header.split_last_chunk::<8>()?;
        Some(StoredBlock { first, last, last_ordinal: u64::from_be_bytes(*ordinal), entries })
    }

    /// Bytes of its entries.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.len()
    }

    /// A copy of its own.
    pub(crate) fn to_block(self) -> Block {
        Block {
            first: self.first,
            count: (self.last.0 - self.first.0 + 1) as u16,
            last_ordinal: self.last_ordinal,
            entries: Bytes::copy_from_slice(self.entries),
        }
    }

    /// When the newest of its entries was decided; `None` when they are damaged.
    pub(crate) fn newest(&self) -> Option<Timestamp> {
        let mut headers = Entries::new(self.entries).map(EntryHeader::decode);
        headers.try_fold(Timestamp(i64::MIN), |newest, header| Some(newest.max(header?.time)))
    }

    /// Where each entry lies; `None` when there are not as many as the header says.
    pub(crate) fn entries(&self) -> Option<BlockEntries<'a>> {
        let mut starts = Vec::with_capacity((self.last.0 - self.first.0 + 2).min(1024) as usize);
        let mut end = 0;
        for entry in Entries::new(self.entries) {
            starts.push(end);
            end += entry.len();
        }
        let whole = end == self.entries.len() && starts.len() as u64 == self.last.0 - self.first.0 + 1;
        starts.push(end);
        whole.then_some(BlockEntries { first: self.first, last: self.last, bytes: self.entries, starts })
    }
}

/// The entries of one block, by seq.
#[derive(Debug)]
pub(crate) struct BlockEntries<'a> {
    /// Seq of the first entry.
    pub(crate) first: Seq,
    /// Seq of the last entry.
    pub(crate) last: Seq,
    bytes: &'a [u8],
    /// Where each entry starts, and where the last one ends.
    starts: Vec<usize>,
}

impl<'a> BlockEntries<'a> {
    fn index(&self, seq: Seq) -> usize {
        assert!((self.first..=self.last).contains(&seq), "seq outside of its block");
        (seq.0 - self.first.0) as usize
    }

    /// The encoded entries `from ..= to`, which lie in this block.
    pub(crate) fn slice(&self, from: Seq, to: Seq) -> &'a [u8] {
        &self.bytes[self.starts[self.index(from)]..self.starts[self.index(to) + 1]]
    }

    /// The encoded entry at `seq`, which lies in this block.
    pub(crate) fn entry(&self, seq: Seq) -> &'a [u8] {
        self.slice(seq, seq)
    }

    /// Its seqs above `after` and up to `up_to`.
    pub(crate) fn seqs(&self, after: Seq, up_to: Seq) -> Range<u64> {
        let from = self.first.0.max(after.0.saturating_add(1));
        from..self.last.0.min(up_to.0).saturating_add(1).max(from)
    }
}

#[cfg(test)]
mod tests;
