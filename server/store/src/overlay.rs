//! Pages in their newest form: edits and reactions are laid over the entries when a page is read.
//!
//! One seek for each family and page finds that there are none; a conversation that never had any is not even asked
//! for that (`PageRequest::overlay`). A page that has grown is cut again at its far end.

use crate::family::Family;
use crate::rows::{Missed, Rows};
use crate::{keys, stored};
use bytes::BytesMut;
use hubbub_core::entry::{Entries, Overlay, put_overlaid};
use hubbub_core::ids::{Conversation, Seq};
use hubbub_core::records::{EditRecord, Page, PagePosition, PageRequest, ReactionCount};
use std::cmp::Reverse;

/// What lies over the entries of a page, by seq.
struct Overlays {
    edits: Vec<(Seq, EditRecord)>,
    counts: Vec<(Seq, Vec<ReactionCount>)>,
}

impl Overlays {
    fn read(rows: &Rows<'_>, conversation: &Conversation, first: Seq, last: Seq) -> Result<Overlays, Missed> {
        Ok(Overlays {
            edits: read_edits(rows, conversation, first, last)?,
            counts: read_counts(rows, conversation, first, last)?,
        })
    }

    fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.counts.is_empty()
    }

    fn of(&self, seq: Seq) -> Option<Overlay<'_>> {
        let edit = self.edits.binary_search_by_key(&seq, |(seq, _)| *seq).ok().map(|at| &self.edits[at].1);
        let counts = self.counts.binary_search_by_key(&seq, |(seq, _)| *seq).ok().map(|at| &self.counts[at].1);
        let reactions = counts.map(Vec::as_slice).unwrap_or_default();
        (edit.is_some() || !reactions.is_empty()).then_some(Overlay { edit, reactions })
    }
}

fn read_edits(
    rows: &Rows<'_>,
    conversation: &Conversation,
    first: Seq,
    last: Seq,
) -> Result<Vec<(Seq, EditRecord)>, Missed> {
    let prefix = keys::all_of_conversation(conversation);
    let mut cursor = rows.cursor(Family::Edits, &prefix);
    let mut found = Vec::new();
    cursor.seek(keys::edit(conversation, first).as_ref());
    while let Some((key, value)) = cursor.item()? {
        let corrupt = || Missed::corrupt(Family::Edits, key);
        let seq = keys::split_id(&mut prefix.rest(key)).map(Seq).ok_or_else(corrupt)?;
        if seq > last {
            break;
        }
        found.push((seq, stored::decode_edit(value).ok_or_else(corrupt)?));
        cursor.next();
    }
    Ok(found)
}

/// Jumps from sum to sum: there may be many users' rows between them.
fn read_counts(
    rows: &Rows<'_>,
    conversation: &Conversation,
    first: Seq,
    last: Seq,
) -> Result<Vec<(Seq, Vec<ReactionCount>)>, Missed> {
    let prefix = keys::all_of_conversation(conversation);
    let mut cursor = rows.cursor(Family::Reactions, &prefix);
    let mut found = Vec::new();
    cursor.seek(keys::reactions(conversation, first, keys::EVERYBODY).as_ref());
    while let Some((key, value)) = cursor.item()? {
        let corrupt = || Missed::corrupt(Family::Reactions, key);
        let mut rest = prefix.rest(key);
        let seq = keys::split_id(&mut rest).map(Seq).ok_or_else(corrupt)?;
        let user = keys::split_id(&mut rest).ok_or_else(corrupt)?;
        if seq > last {
            break;
        }
        if user == keys::EVERYBODY.0 {
            let mut counts = stored::decode_reaction_counts(value).ok_or_else(corrupt)?;
            counts.sort_by_key(|count| Reverse(count.count));
            found.push((seq, counts));
        }
        cursor.seek(keys::reactions(conversation, seq.next(), keys::EVERYBODY).as_ref());
    }
    Ok(found)
}

/// The same page in its newest form, or the part of it that fits.
pub(crate) fn apply(rows: &Rows<'_>, request: &PageRequest, page: Page) -> Result<Page, Missed> {
    let overlays = Overlays::read(rows, &request.conversation, page.after.next(), page.last)?;
    if overlays.is_empty() {
        return Ok(page);
    }
    let mut shown = BytesMut::with_capacity(page.entries.len() + 256);
    let mut starts = Vec::with_capacity((page.last.0 - page.after.0) as usize);
    for (seq, entry) in (page.after.0 + 1..).map(Seq).zip(Entries::new(&page.entries)) {
        starts.push(shown.len());
        match overlays.of(seq) {
            None => shown.extend_from_slice(entry),
            Some(overlay) => put_overlaid(entry, overlay, request.bytes_max, &mut shown),
        }
    }
    Ok(cut(request, page, &starts, shown))
}

/// Cuts a page that has grown too long, at its far end; one entry stays at least.
fn cut(request: &PageRequest, page: Page, starts: &[usize], shown: BytesMut) -> Page {
    let shown = shown.freeze();
    let end_of = |at: usize| starts.get(at + 1).copied().unwrap_or(shown.len());
    let fits = |bytes: usize| bytes <= request.bytes_max;
    let count = starts.len();
    match request.position {
        PagePosition::After(_) => {
            let taken = (1..=count).take_while(|&taken| taken == 1 || fits(end_of(taken - 1))).last().unwrap_or(0);
            let entries = if taken == 0 { shown } else { shown.slice(..end_of(taken - 1)) };
            Page { last: Seq(page.after.0 + taken as u64), entries, ..page }
        }
        PagePosition::Before(_) => {
            let fit = |&taken: &usize| taken == 1 || fits(shown.len() - starts[count - taken]);
            let taken = (1..=count).take_while(fit).last().unwrap_or(0);
            let entries = if taken == 0 { shown } else { shown.slice(starts[count - taken]..) };
            Page { after: Seq(page.last.0 - taken as u64), entries, ..page }
        }
    }
}
