//! What a commit costs in both stores: blocks of one entry each, in one batch.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hubbub_core::entry::{Content, Entry};
use hubbub_core::ids::{
    ClientMessageId, Conversation, DeviceId, MessageId, MessageName, PartitionId, Seq, Timestamp, UserId,
};
use hubbub_core::records::{Batch, Block, Write};
use hubbub_core::slots::SlotTable;
use hubbub_store::{Durability, Options, Store, Sync};

const PARTITIONS: u16 = 16;
const PARTITION: PartitionId = PartitionId(0);
/// Blocks of a conversation before its first one is written again, so that memory stays bounded.
const SEQS: u64 = 2_048;

/// Conversations of one partition, and where its log stands.
struct Writer {
    conversations: Vec<Conversation>,
    entries: Bytes,
    position: u64,
}

impl Writer {
    fn new(conversations: usize) -> Writer {
        let table = SlotTable::even(PARTITIONS, 1);
        let all = (1..).map(|n| Conversation::direct(UserId(n), UserId(u64::MAX)).expect("two users"));
        let own = all.filter(|conversation| table.partition_of_conversation(conversation) == PARTITION);
        Writer { conversations: own.take(conversations).collect(), entries: entry(), position: 0 }
    }

    fn batch(&mut self) -> Batch {
        self.position += 1;
        let first = Seq(self.position % SEQS + 1);
        let writes = self.conversations.iter().map(|&conversation| {
            let block = Block { first, count: 1, last_ordinal: first.0, entries: self.entries.clone() };
            Write::PutBlock(conversation, block)
        });
        Batch {
            partition: PARTITION,
            position: self.position,
            last_id: MessageId(self.position),
            time: Timestamp(0),
            writes: writes.collect(),
        }
    }
}

fn entry() -> Bytes {
    let name = MessageName {
        sender: UserId(1),
        device: DeviceId(1),
        client_message_id: ClientMessageId::new(&[7; 8]).expect("8 bytes"),
    };
    let content =
        Content::User { kind: 0, body: vec![b'x'; 150].into(), content_type: String::new(), reply_to: Seq(0) };
    let entry = Entry {
        seq: Seq(1),
        message_id: MessageId(1 << 50),
        name,
        time: Timestamp(1_700_000_000_000_000),
        ordinal: 1,
        content,
    };
    let mut bytes = BytesMut::new();
    entry.encode(&mut bytes);
    bytes.freeze()
}

fn rocks(path: &Path, durability: Durability) -> Store {
    Store::open(Options { durability, ..Options::new(path) }).expect("a fresh directory")
}

fn commits(c: &mut Criterion, name: &str, store: impl Fn(&Path) -> Store, sync: Sync) {
    let mut group = c.benchmark_group(format!("store/commit/{name}"));
    for blocks in [1, 16, 64] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = store(directory.path());
        let mut writer = Writer::new(blocks);
        group.throughput(Throughput::Elements(blocks as u64));
        group.bench_function(BenchmarkId::from_parameter(blocks), |b| {
            b.iter(|| store.commit(&[writer.batch()], sync).expect("a sound disk"));
        });
    }
}

fn all(c: &mut Criterion) {
    commits(c, "memory", |_| Store::memory(PARTITIONS), Sync::No);
    commits(c, "rocksdb none", |path| rocks(path, Durability::None), Sync::No);
    commits(c, "rocksdb os", |path| rocks(path, Durability::Os), Sync::No);
    commits(c, "rocksdb fsync", |path| rocks(path, Durability::Fsync), Sync::Yes);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = all
}
criterion_main!(benches);
