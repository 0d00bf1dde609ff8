//! Encoded entries in another form: without their body, or as their newest edit says and with their reactions.
//!
//! The header (seq, id, name, time, ordinal) is copied byte for byte, so that numbers, searches for a name and counts
//! of unread messages stay right whatever became of the body.

use super::wire::{
    BYTES, FIXED64, VARINT, get_bytes, get_varint, put_bytes_field, put_users_field, put_varint, put_varint_field,
};
use super::{Content, ENTRIES_TAG, EVENT_TYPE_APPLICATION, EVENT_TYPE_USER, Entries};
use crate::ids::Seq;
use crate::records::{Block, EditRecord, REACTION_KINDS_SHOWN, ReactionCount};
use bytes::{BufMut, Bytes, BytesMut};
use std::ops::RangeInclusive;

/// `EVENT_TYPE_GONE`.
const EVENT_TYPE_GONE: u64 = 3;
const FIXED32: u32 = 5;

/// The last field of the header, and the numbers of those behind it that are looked at.
const ORDINAL: u32 = 7;
const EVENT_TYPE: u32 = 8;
const BODY: u32 = 10;
const CONTENT_TYPE: u32 = 11;
const EDITED: u32 = 14;
const GONE_REASON: u32 = 15;
const REACTIONS: u32 = 16;

/// Reactions of the longest message have so much room: a frame has 1,024 bytes beyond a body, and what else is in it
/// takes less than half of them.
const REACTIONS_BYTES_MIN: usize = 512;
/// Tag and length of a reaction, and of an entry.
const FIELD_HEAD_BYTES_MAX: usize = 4;
const ENTRY_HEAD_BYTES_MAX: usize = 6;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A person's message.
    User,
    /// A change that the service records.
    Application,
    /// One of the two whose body is gone.
    Gone,
    /// Of a newer version.
    Unknown,
}

/// Why a body is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoneReason {
    /// It was taken back.
    Revoked = 1,
    /// It was kept for as long as the conversation keeps bodies.
    Expired = 2,
}

/// What becomes of an entry of a rewritten block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays as it is.
    Stays,
    /// Its body goes, unless it is gone.
    Goes(GoneReason),
    /// It records an edit of the entry at this seq, and goes on doing so without the body.
    Emptied(Seq),
}

/// What an entry is shown with besides what was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overlay<'a> {
    /// Its newest form.
    pub edit: Option<&'a EditRecord>,
    /// Its reactions, those that most people chose first; at most [`REACTION_KINDS_SHOWN`] are shown.
    pub reactions: &'a [ReactionCount],
}

/// The fields of an encoded message, each as its number and all its bytes; ends early at bytes that are none.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<(u32, &'a [u8])> {
        let whole = self.0;
        let mut rest = whole;
        let key = get_varint(&mut rest)?;
        match key as u32 & 7 {
            VARINT => _ = get_varint(&mut rest)?,
            FIXED64 => rest = rest.get(8..)?,
            FIXED32 => rest = rest.get(4..)?,
            BYTES => _ = get_bytes(&mut rest)?,
            _ => return None,
        }
        self.0 = rest;
        Some((u32::try_from(key >> 3).ok()?, &whole[..whole.len() - rest.len()]))
    }
}

/// The message of an entry as [`Entries`] yields it.
fn message(encoded: &[u8]) -> &[u8] {
    let mut rest = encoded.get(1..).unwrap_or_default();
    get_bytes(&mut rest).unwrap_or_default()
}

fn put_entry(out: &mut BytesMut, message: &[u8]) {
    out.put_u8(ENTRIES_TAG);
    put_varint(out, message.len() as u64);
    out.extend_from_slice(message);
}

impl EntryKind {
    /// What an encoded entry (as [`Entries`] yields it) is.
    #[must_use]
    pub fn of(encoded: &[u8]) -> EntryKind {
        let field = Fields(message(encoded)).find(|(number, _)| *number >= EVENT_TYPE);
        let Some((EVENT_TYPE, [_, kind])) = field else { return EntryKind::Unknown };
        match u64::from(*kind) {
            EVENT_TYPE_USER => EntryKind::User,
            EVENT_TYPE_APPLICATION => EntryKind::Application,
            EVENT_TYPE_GONE => EntryKind::Gone,
            _ => EntryKind::Unknown,
        }
    }
}

/// Header of an entry, to which other fields are added.
fn header(encoded: &[u8]) -> BytesMut {
    let mut kept = BytesMut::new();
    let fields = Fields(message(encoded)).take_while(|(number, _)| *number <= ORDINAL);
    fields.for_each(|(_, field)| kept.extend_from_slice(field));
    kept
}

fn put_gone(encoded: &[u8], reason: GoneReason, out: &mut BytesMut) {
    let mut kept = header(encoded);
    put_varint_field(&mut kept, EVENT_TYPE, EVENT_TYPE_GONE);
    put_varint_field(&mut kept, GONE_REASON, reason as u64);
    put_entry(out, &kept);
}

fn put_emptied(encoded: &[u8], target: Seq, out: &mut BytesMut) {
    let mut kept = header(encoded);
    put_varint_field(&mut kept, EVENT_TYPE, EVENT_TYPE_APPLICATION);
    let edited = Content::MessageEdited { seq: target, body: Bytes::new(), content_type: String::new() };
    put_bytes_field(&mut kept, 13, &edited.event());
    put_entry(out, &kept);
}

/// A block of the same entries, of which some have no bodies any more.
#[must_use]
pub fn rewrite(block: &Block, fate: impl Fn(Seq) -> Fate) -> Block {
    let mut out = BytesMut::with_capacity(block.entries.len());
    for (seq, encoded) in (block.first.0..).map(Seq).zip(Entries::new(&block.entries)) {
        match fate(seq) {
            Fate::Goes(reason) if EntryKind::of(encoded) != EntryKind::Gone => put_gone(encoded, reason, &mut out),
            Fate::Emptied(target) if EntryKind::of(encoded) == EntryKind::Application => {
                put_emptied(encoded, target, &mut out);
            }
            _ => out.extend_from_slice(encoded),
        }
    }
    Block { entries: out.freeze(), ..*block }
}

/// Appends an entry as it is shown: reactions are left out from the end as far as it would exceed `bytes_max`, or, in an
/// entry that is as long without them, by more than 512 bytes.
pub fn put_overlaid(encoded: &[u8], overlay: Overlay<'_>, bytes_max: usize, out: &mut BytesMut) {
    let mut shown = BytesMut::with_capacity(encoded.len() + 64);
    let copy = |shown: &mut BytesMut, numbers: RangeInclusive<u32>| {
        let fields = Fields(message(encoded)).filter(|(number, _)| numbers.contains(number));
        fields.for_each(|(_, field)| shown.extend_from_slice(field));
    };
    // Fields ascend.
    copy(&mut shown, 1..=BODY - 1);
    match overlay.edit {
        None => copy(&mut shown, BODY..=CONTENT_TYPE),
        Some(edit) => {
            put_bytes_field(&mut shown, BODY, &edit.body);
            put_bytes_field(&mut shown, CONTENT_TYPE, edit.content_type.as_bytes());
        }
    }
    copy(&mut shown, CONTENT_TYPE + 1..=EDITED - 1);
    if let Some(edit) = overlay.edit {
        put_bytes_field(&mut shown, EDITED, &edited(edit));
    }
    copy(&mut shown, GONE_REASON..=GONE_REASON);
    let bytes_max = bytes_max.max(shown.len() + REACTIONS_BYTES_MIN);
    for count in overlay.reactions.iter().take(REACTION_KINDS_SHOWN) {
        let count = reaction(count);
        if shown.len() + count.len() + FIELD_HEAD_BYTES_MAX + ENTRY_HEAD_BYTES_MAX > bytes_max {
            break;
        }
        put_varint(&mut shown, u64::from(REACTIONS << 3 | BYTES));
        put_varint(&mut shown, count.len() as u64);
        shown.extend_from_slice(&count);
    }
    put_entry(out, &shown);
}

/// The `Edited` message.
fn edited(edit: &EditRecord) -> BytesMut {
    let mut edited = BytesMut::new();
    put_varint_field(&mut edited, 1, edit.seqs.last().map_or(0, |seq| seq.0));
    put_varint_field(&mut edited, 2, edit.time.0 as u64);
    edited
}

/// The `ReactionCount` message.
fn reaction(count: &ReactionCount) -> BytesMut {
    let mut reaction = BytesMut::new();
    put_bytes_field(&mut reaction, 1, count.emoji.as_bytes());
    put_varint_field(&mut reaction, 2, u64::from(count.count));
    put_users_field(&mut reaction, 3, &count.users);
    reaction
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, EntryHeader};
    use crate::ids::{ClientMessageId, DeviceId, MessageId, MessageName, Timestamp, UserId};
    use proptest::prelude::*;

    fn block(contents: Vec<Content>) -> Block {
        let mut entries = BytesMut::new();
        let count = contents.len() as u16;
        for (seq, content) in (1..).zip(contents) {
            let client_message_id = ClientMessageId::new(b"abc").unwrap();
            let name = MessageName { sender: UserId(3), device: DeviceId(4), client_message_id };
            Entry { seq: Seq(seq), message_id: MessageId(seq), name, time: Timestamp(9), ordinal: seq, content }
                .encode(&mut entries);
        }
        Block { first: Seq(1), count, last_ordinal: u64::from(count), entries: entries.freeze() }
    }

    fn message(body: &'static [u8]) -> Content {
        let content_type = "text/x-marker".to_owned();
        Content::User { kind: 300, body: Bytes::from_static(body), content_type, reply_to: Seq(1) }
    }

    fn edit(body: &'static [u8]) -> Content {
        Content::MessageEdited { seq: Seq(1), body: Bytes::from_static(body), content_type: "text/x-marker".to_owned() }
    }

    fn kinds(block: &Block) -> Vec<EntryKind> {
        Entries::new(&block.entries).map(EntryKind::of).collect()
    }

    fn headers(block: &Block) -> Vec<EntryHeader> {
        let header = |entry| EntryHeader { is_message: false, ..EntryHeader::decode(entry).unwrap() };
        Entries::new(&block.entries).map(header).collect()
    }

    #[test]
    fn a_rewritten_block_keeps_headers_and_loses_bodies() {
        let before = block(vec![message(b"secret"), edit(b"secret"), message(b"stays")]);
        let fate = |seq: Seq| match seq.0 {
            1 => Fate::Goes(GoneReason::Revoked),
            2 => Fate::Emptied(Seq(1)),
            _ => Fate::Stays,
        };
        let after = rewrite(&before, fate);
        assert_eq!(headers(&after), headers(&before));
        assert_eq!(kinds(&after), [EntryKind::Gone, EntryKind::Application, EntryKind::User]);
        let text = String::from_utf8_lossy(&after.entries).into_owned();
        assert!(!text.contains("secret") && text.contains("stays"));
        assert_eq!(rewrite(&after, fate), after, "once is as good as twice");
        let expired = rewrite(&after, |_| Fate::Goes(GoneReason::Expired));
        assert_eq!(kinds(&expired), [EntryKind::Gone; 3]);
        let first = |block: &Block| Entries::new(&block.entries).next().unwrap().to_vec();
        assert_eq!(first(&expired), first(&after), "what was revoked stays revoked");
    }

    #[test]
    fn reactions_give_way_to_the_size_of_a_page() {
        let before = block(vec![message(b"body")]);
        let count = |n: u64| ReactionCount {
            emoji: format!("an emoji as long as they may be {n}"),
            count: 1,
            users: vec![UserId(n)],
        };
        let counts: Vec<ReactionCount> = (0..30).map(count).collect();
        let shown = |bytes_max| {
            let mut out = BytesMut::new();
            put_overlaid(&before.entries, Overlay { edit: None, reactions: &counts }, bytes_max, &mut out);
            out.len()
        };
        let least = before.entries.len() + REACTIONS_BYTES_MIN;
        for bytes_max in 0..2_000 {
            assert!(shown(bytes_max) <= bytes_max.max(least));
        }
        assert!(shown(0) > before.entries.len() && shown(0) < shown(2_000));
    }

    proptest! {
        #[test]
        fn any_bytes_are_rewritten_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let block = Block { first: Seq(1), count: 1, last_ordinal: 1, entries: Bytes::from(bytes.clone()) };
            let _ = rewrite(&block, |_| Fate::Goes(GoneReason::Expired));
            put_overlaid(&bytes, Overlay::default(), 10, &mut BytesMut::new());
        }
    }
}
