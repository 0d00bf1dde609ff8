//! Stores to try, and writes to try them with.
#![allow(dead_code, reason = "each suite uses a part of it")]

use bytes::BytesMut;
use hubbub_core::entry::{Content, Entry};
use hubbub_core::ids::{
    ClientMessageId, Conversation, DeviceId, GroupId, MessageId, MessageName, PartitionId, Seq, Timestamp, UserId,
};
use hubbub_core::records::{Batch, Block, Page, PagePosition, PageRequest, Read, ReadResult, Write};
use hubbub_core::slots::SlotTable;
use hubbub_store::{Durability, Options, Store, Tier};
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// Small, so that a test's store is made quickly.
pub(crate) fn options(path: &Path) -> Options {
    Options {
        durability: Durability::Os,
        cache_bytes: 8 << 20,
        write_buffer_bytes: 1 << 20,
        boot_id: Some("this boot".to_owned()),
        ..Options::new(path)
    }
}

pub(crate) fn open(path: &Path) -> Store {
    Store::open(options(path)).unwrap()
}

/// Runs a check on each kind of store.
pub(crate) fn each_store(check: impl Fn(&Store)) {
    check(&Store::memory(16));
    let directory = tempfile::tempdir().unwrap();
    check(&open(directory.path()));
}

/// Gives batches their positions.
pub(crate) struct Scribe {
    table: SlotTable,
    positions: BTreeMap<PartitionId, u64>,
}

impl Scribe {
    /// Continues where the store's partitions stand.
    pub(crate) fn new(store: &Store) -> Scribe {
        let table = SlotTable::from_slots(store.slots(), 1);
        let partitions = (0..table.partitions()).map(PartitionId);
        let positions = partitions.map(|p| (p, store.partition_state(p).position)).collect();
        Scribe { table, positions }
    }

    pub(crate) fn partition_of(&self, write: &Write) -> PartitionId {
        match write {
            Write::PutMembership(user, ..) | Write::PutAccount(user, _) => self.table.partition_of_user(*user),
            Write::PutOutbox(row) => self.table.partition_of_conversation(&row.conversation),
            Write::PutBlock(conversation, _)
            | Write::PutConversation(conversation, _)
            | Write::PutMember(conversation, ..)
            | Write::PutCursor(conversation, ..)
            | Write::DeleteOutbox(conversation, _) => self.table.partition_of_conversation(conversation),
        }
    }

    /// One batch for each partition that the writes touch.
    pub(crate) fn batches(&mut self, writes: impl IntoIterator<Item = Write>) -> Vec<Batch> {
        let mut of: BTreeMap<PartitionId, Vec<Write>> = BTreeMap::new();
        for write in writes {
            of.entry(self.partition_of(&write)).or_default().push(write);
        }
        of.into_iter().map(|(partition, writes)| self.batch(partition, writes)).collect()
    }

    pub(crate) fn batch(&mut self, partition: PartitionId, writes: Vec<Write>) -> Batch {
        let position = self.positions.entry(partition).or_default();
        *position += 1;
        let last_id = MessageId(*position * 1000 + u64::from(partition.0));
        Batch { partition, position: *position, last_id, time: Timestamp(*position as i64 * 7), writes }
    }

    pub(crate) fn commit(&mut self, store: &Store, writes: impl IntoIterator<Item = Write>) {
        store.commit(&self.batches(writes), hubbub_store::Sync::No).unwrap();
    }
}

pub(crate) fn read(store: &Store, read: &Read) -> ReadResult {
    store.read(read, Tier::Any).unwrap().unwrap()
}

pub(crate) fn group(id: u64) -> Conversation {
    Conversation::Group(GroupId(id))
}

pub(crate) fn direct(a: u64, b: u64) -> Conversation {
    Conversation::direct(UserId(a), UserId(b)).unwrap()
}

pub(crate) fn name(n: u64) -> MessageName {
    MessageName {
        sender: UserId(n % 5 + 1),
        device: DeviceId(n % 3 + 1),
        client_message_id: ClientMessageId::new(&n.to_be_bytes()).unwrap(),
    }
}

/// Every third entry is an event, so that ordinals and seqs differ.
pub(crate) fn ordinal(seq: u64) -> u64 {
    seq - seq / 3
}

pub(crate) fn entry(seq: u64, body_bytes: usize) -> Entry {
    let content = if seq.is_multiple_of(3) {
        Content::MembersAdded(vec![UserId(seq)])
    } else {
        Content::User {
            kind: 1,
            body: vec![seq as u8; body_bytes].into(),
            content_type: String::new(),
            reply_to: Seq(0),
        }
    };
    Entry {
        seq: Seq(seq),
        message_id: MessageId(seq * 10),
        name: name(seq),
        time: Timestamp(seq as i64 * 1000),
        ordinal: ordinal(seq),
        content,
    }
}

pub(crate) fn encoded(entry: &Entry) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    entry.encode(&mut bytes);
    bytes.to_vec()
}

pub(crate) fn block(first: u64, count: u16, body_bytes: usize) -> Block {
    let mut entries = BytesMut::new();
    let last = first + u64::from(count) - 1;
    (first..=last).for_each(|seq| entry(seq, body_bytes).encode(&mut entries));
    Block { first: Seq(first), count, last_ordinal: ordinal(last), entries: entries.freeze() }
}

pub(crate) fn page_after(conversation: Conversation, after: u64) -> Read {
    Read::Page(PageRequest {
        conversation,
        position: PagePosition::After(Seq(after)),
        up_to: Seq(u64::MAX),
        entries_max: 10_000,
        bytes_max: 64 << 20,
        ordinal_at: None,
    })
}

pub(crate) fn page(store: &Store, request: &Read) -> Page {
    match read(store, request) {
        ReadResult::Page(page) => page,
        other => panic!("{other:?} to a page request"),
    }
}

/// Copies a directory as a crash would leave it (no writes are under way).
pub(crate) fn copy(from: &Path, to: &Path) {
    try_copy(from, to).unwrap();
}

pub(crate) fn try_copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let target = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            try_copy(&file.path(), &target)?;
        } else {
            fs::copy(file.path(), target)?;
        }
    }
    Ok(())
}
