//! Pages of a log: which entries a request gets, cut inside blocks and copied as they are stored.

use crate::log::Log;
use crate::overlay;
use crate::rows::{Missed, Rows};
use bytes::{Bytes, BytesMut};
use hubbub_core::ids::Seq;
use hubbub_core::records::{Page, PagePosition, PageRequest};

pub(crate) fn read(rows: &Rows<'_>, request: &PageRequest) -> Result<Page, Missed> {
    let mut log = Log::new(rows, &request.conversation);
    let mut page = match request.position {
        PagePosition::After(after) => read_up(&mut log, request, after)?,
        PagePosition::Before(before) => read_down(&mut log, request, before)?,
    };
    if request.overlay && page.after < page.last {
        page = overlay::apply(rows, request, page)?;
    }
    page.ordinal = request.ordinal_at.map(|seq| log.ordinal_at(seq)).transpose()?.flatten();
    Ok(page)
}

/// What a page may still take.
struct Room {
    entries: usize,
    bytes: usize,
    empty: bool,
}

impl Room {
    fn new(request: &PageRequest) -> Room {
        Room { entries: request.entries_max, bytes: request.bytes_max, empty: true }
    }

    /// Whether an entry of this size is still taken.
    fn take(&mut self, entry_bytes: usize) -> bool {
        if self.entries == 0 || (entry_bytes > self.bytes && !self.empty) {
            return false;
        }
        self.entries -= 1;
        self.bytes = self.bytes.saturating_sub(entry_bytes);
        self.empty = false;
        true
    }
}

fn read_up(log: &mut Log<'_>, request: &PageRequest, after: Seq) -> Result<Page, Missed> {
    let mut page = Page { after, last: after, ..Page::default() };
    let mut bytes = BytesMut::new();
    let mut room = Room::new(request);
    if after >= request.up_to {
        return Ok(page);
    }
    log.seek(after.next())?;
    while let Some(block) = log.entries()? {
        let seqs = block.seqs(page.last, request.up_to);
        // Below the floor nothing is kept, so only the first block may lie above what was asked for.
        if seqs.is_empty() || (!room.empty && block.first != page.last.next()) {
            break;
        }
        let first = Seq(seqs.start);
        let taken = seqs.clone().take_while(|&seq| room.take(block.entry(Seq(seq)).len())).last();
        let Some(last) = taken.map(Seq) else { break };
        if bytes.is_empty() {
            page.after = Seq(first.0 - 1);
        }
        bytes.extend_from_slice(block.slice(first, last));
        page.last = last;
        if last.0 + 1 < seqs.end {
            break;
        }
        log.next();
    }
    page.entries = bytes.freeze();
    Ok(page)
}

fn read_down(log: &mut Log<'_>, request: &PageRequest, before: Seq) -> Result<Page, Missed> {
    let top = Seq(before.0.saturating_sub(1)).min(request.up_to);
    let mut page = Page { after: top, last: top, ..Page::default() };
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut room = Room::new(request);
    log.seek_down(top)?;
    while let Some(block) = log.entries()? {
        // A hole ends the page, unless nothing was found yet.
        if !room.empty && block.last < page.after {
            break;
        }
        let last = block.last.min(page.after);
        let seqs = (block.first.0..=last.0).rev();
        let taken = seqs.take_while(|&seq| room.take(block.entry(Seq(seq)).len())).last();
        let Some(first) = taken.map(Seq) else { break };
        if pieces.is_empty() {
            page.last = last;
        }
        pieces.push(Bytes::copy_from_slice(block.slice(first, last)));
        page.after = Seq(first.0 - 1);
        if first > block.first {
            break;
        }
        log.prev();
    }
    pieces.reverse();
    page.entries = if pieces.len() == 1 { pieces.remove(0) } else { pieces.concat().into() };
    Ok(page)
}
