//! A conversation's log as a walk over its blocks: head, the block that holds a seq, the search for a name.
//!
//! Blocks are keyed by their first seq, so the block of a seq is the last one that does not start above it.

use crate::block::{BlockEntries, StoredBlock};
use crate::family::Family;
use crate::keys::{self, Prefix};
use crate::rows::{Cursor, Missed, Rows};
use hubbub_core::entry::{EntryHeader, EntryKind};
use hubbub_core::ids::{Conversation, MessageName, Seq, Timestamp, UserId};
use hubbub_core::records::FoundEntry;

/// A walk over one conversation's blocks.
pub(crate) struct Log<'a> {
    conversation: Conversation,
    prefix: Prefix,
    cursor: Cursor<'a>,
}

impl<'a> Log<'a> {
    pub(crate) fn new(rows: &'a Rows<'_>, conversation: &Conversation) -> Log<'a> {
        let prefix = keys::all_of_conversation(conversation);
        let cursor = rows.cursor(Family::Entries, &prefix);
        Log { conversation: *conversation, prefix, cursor }
    }

    /// Moves to the block that holds `seq`, or else to the first one above it.
    pub(crate) fn seek(&mut self, seq: Seq) -> Result<(), Missed> {
        self.seek_down(seq)?;
        match self.block()? {
            Some(block) if block.last >= seq => {}
            Some(_) => self.cursor.next(),
            None => self.cursor.seek(keys::block(&self.conversation, seq).as_ref()),
        }
        Ok(())
    }

    /// Moves to the block that holds `seq`, or else to the last one below it.
    pub(crate) fn seek_down(&mut self, seq: Seq) -> Result<(), Missed> {
        self.cursor.seek_for_prev(keys::block(&self.conversation, seq).as_ref());
        self.block().map(|_| ())
    }

    pub(crate) fn next(&mut self) {
        self.cursor.next();
    }

    pub(crate) fn prev(&mut self) {
        self.cursor.prev();
    }

    /// The block here; `None` at either end.
    pub(crate) fn block(&self) -> Result<Option<StoredBlock<'_>>, Missed> {
        let Some((key, value)) = self.cursor.item()? else { return Ok(None) };
        let first = keys::split_id(&mut self.prefix.rest(key)).map(Seq);
        let block = first.and_then(|first| StoredBlock::decode(first, value));
        block.map(Some).ok_or_else(|| Missed::corrupt(Family::Entries, key))
    }

    /// The entries of the block here; `None` at either end.
    pub(crate) fn entries(&self) -> Result<Option<BlockEntries<'_>>, Missed> {
        let Some(block) = self.block()? else { return Ok(None) };
        block.entries().map(Some).ok_or_else(|| self.corrupt(block.first))
    }

    /// Seq and ordinal of the last entry; zeros when there is none.
    pub(crate) fn head(&mut self) -> Result<(Seq, u64), Missed> {
        self.seek_down(Seq(u64::MAX))?;
        Ok(self.block()?.map_or((Seq(0), 0), |block| (block.last, block.last_ordinal)))
    }

    /// Ordinal of the entry at `seq`: 0 at 0, `None` when it is not kept.
    pub(crate) fn ordinal_at(&mut self, seq: Seq) -> Result<Option<u64>, Missed> {
        if seq == Seq(0) {
            return Ok(Some(0));
        }
        self.seek_down(seq)?;
        match self.block()? {
            Some(block) if block.last == seq => Ok(Some(block.last_ordinal)),
            Some(block) if block.last > seq => Ok(Some(self.header(seq)?.ordinal)),
            _ => Ok(None),
        }
    }

    /// The entry of this name with `after < seq <= up_to`, and the time of the first entry above `after`.
    pub(crate) fn find_name(
        &mut self,
        after: Seq,
        up_to: Seq,
        name: &MessageName,
    ) -> Result<(Option<FoundEntry>, Option<Timestamp>), Missed> {
        let Some(first) = after.0.checked_add(1).map(Seq) else { return Ok((None, None)) };
        self.seek(first)?;
        let Some(block) = self.block()? else { return Ok((None, None)) };
        let oldest = self.header(block.first.max(first))?.time;
        while let Some(entries) = self.entries()? {
            if entries.first > up_to {
                break;
            }
            for seq in entries.seqs(after, up_to).map(Seq) {
                let header = self.decode(&entries, seq)?;
                if header.name.as_ref() == Some(name) {
                    let found = FoundEntry { seq, message_id: header.message_id, time: header.time };
                    return Ok((Some(found), Some(oldest)));
                }
            }
            self.next();
        }
        Ok((None, Some(oldest)))
    }

    /// Who wrote the messages among the last `entries_max` entries up to `up_to`, ascending. A hole ends the search.
    pub(crate) fn authors(&mut self, up_to: Seq, entries_max: usize) -> Result<Vec<(Seq, UserId)>, Missed> {
        let mut authors = Vec::new();
        let (mut top, mut left) = (up_to, entries_max as u64);
        self.seek_down(top)?;
        while let Some(entries) = self.entries()?.filter(|entries| left > 0 && entries.last >= top) {
            let bottom = entries.first.0.max((top.0 + 1).saturating_sub(left));
            for seq in (bottom..=top.0).rev().map(Seq) {
                let header = self.decode(&entries, seq)?;
                authors.extend(header.name.filter(|_| header.is_message).map(|name| (seq, name.sender)));
            }
            left -= top.0 + 1 - bottom;
            top = Seq(bottom - 1);
            self.prev();
        }
        authors.reverse();
        Ok(authors)
    }

    /// Header and kind of the entry at `seq`; `None` when it is not kept.
    pub(crate) fn look_at(&mut self, seq: Seq) -> Result<Option<(EntryHeader, EntryKind)>, Missed> {
        self.seek_down(seq)?;
        match self.entries()? {
            Some(entries) if entries.last >= seq => {
                Ok(Some((self.decode(&entries, seq)?, EntryKind::of(entries.entry(seq)))))
            }
            _ => Ok(None),
        }
    }

    /// Header of the entry at `seq`, which lies in the block here.
    fn header(&self, seq: Seq) -> Result<EntryHeader, Missed> {
        let entries = self.entries()?.ok_or_else(|| self.corrupt(seq))?;
        self.decode(&entries, seq)
    }

    fn decode(&self, entries: &BlockEntries<'_>, seq: Seq) -> Result<EntryHeader, Missed> {
        let header = EntryHeader::decode(entries.entry(seq)).filter(|header| header.seq == seq);
        header.ok_or_else(|| self.corrupt(entries.first))
    }

    pub(crate) fn corrupt(&self, first: Seq) -> Missed {
        Missed::corrupt(Family::Entries, keys::block(&self.conversation, first).as_ref())
    }
}
