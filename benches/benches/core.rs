//! What the pure machine costs: appends, their commit, and the runs that follow, without a store and without sockets.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hubbub_core::Shard;
use hubbub_core::ids::{ClientMessageId, Conversation, DeviceId, Seq, ShardId, Timestamp, UserId};
use hubbub_core::machine::{Effect, Input, Open, Output};
use hubbub_core::records::{Batch, GroupSettings, PartitionState};
use hubbub_core::request::{Action, Append, Reply, Request, SessionId};
use hubbub_core::settings::Settings;
use hubbub_core::slots::SlotTable;
use hubbub_store::{Store, Sync, Tier};

const PARTITIONS: u16 = 16;
const BODY: &[u8] = &[b'x'; 150];
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

/// A shard with everybody logged in. The store is only there while the scene is set.
struct World {
    core: Shard,
    store: Store,
    spare: Output,
    batches: Vec<Batch>,
    named: u64,
}

impl World {
    fn new(users: u64) -> World {
        let slots = SlotTable::even(PARTITIONS, 1);
        let states = vec![PartitionState::default(); usize::from(PARTITIONS)];
        let core = Shard::new(ShardId(0), Settings::default(), slots, &states);
        let store = Store::memory(PARTITIONS);
        let mut world = World { core, store, spare: Output::default(), batches: Vec::new(), named: 0 };
        for user in 1..=users {
            let open = Open::new(session(user), UserId(user), DeviceId(1), user, 1);
            world.core.handle(Input::Open(Box::new(open)), NOW);
            world.settle();
            world.request(user, Request::Sync { cursors: Vec::new(), include_others: true });
            world.settle();
        }
        world
    }

    fn request(&mut self, user: u64, request: Request) {
        self.core.handle(Input::Request { session: session(user), request_id: 1, request }, NOW);
    }

    /// Does what the edge would, with a store, until nothing is left to do; the group that was made, if any.
    fn settle(&mut self) -> Option<Conversation> {
        let mut made = None;
        loop {
            let mut output = self.core.take_output(std::mem::take(&mut self.spare));
            let quiet = output.effects.is_empty();
            for effect in output.effects.drain(..) {
                match effect {
                    Effect::Read(token, read) => {
                        let result = self.store.read(&read, Tier::Any).expect("a store in memory").expect("all of it");
                        self.core.handle(Input::Loaded(token, result), NOW);
                    }
                    Effect::Reply { reply: Reply::Group(info), .. } => made = Some(Conversation::Group(info.group)),
                    Effect::Reply { reply: Reply::Refused(refusal), .. } => panic!("refused: {refusal}"),
                    _ => {}
                }
            }
            output.clear();
            self.spare = output;
            self.core.seal(NOW, &mut self.batches);
            if quiet && self.batches.is_empty() {
                return made;
            }
            let batches = std::mem::take(&mut self.batches);
            self.store.commit(&batches, Sync::No).expect("a store in memory");
            self.committed(&batches);
        }
    }

    fn committed(&mut self, batches: &[Batch]) {
        for batch in batches {
            self.core.handle(Input::Committed(batch.partition, batch.position), NOW);
        }
    }

    fn append(&mut self, user: u64, conversation: Conversation) {
        self.named += 1;
        let append = Append {
            client_message_id: ClientMessageId::new(&self.named.to_be_bytes()).expect("8 bytes"),
            resend: false,
            after: Seq(0),
            action: Action::Message { kind: 0, body: BODY.into(), content_type: String::new(), reply_to: Seq(0) },
        };
        self.request(user, Request::Append { conversation, append });
    }

    /// From appends to effects, as if the commit took no time; how many sessions were pushed to.
    fn turn(&mut self) -> usize {
        let mut batches = std::mem::take(&mut self.batches);
        self.core.seal(NOW, &mut batches);
        self.committed(&batches);
        batches.clear();
        self.batches = batches;
        let mut output = self.core.take_output(std::mem::take(&mut self.spare));
        let targets = output.targets.len();
        black_box(&output.effects);
        output.clear();
        self.spare = output;
        targets
    }
}

fn session(user: u64) -> SessionId {
    SessionId { index: user as u32, generation: 1 }
}

fn direct(c: &mut Criterion) {
    let mut group = c.benchmark_group("core/append, commit, run");
    let conversation = Conversation::direct(UserId(1), UserId(2)).expect("two users");
    for entries in [1, 64] {
        let mut world = World::new(2);
        world.append(1, conversation);
        world.settle();
        world.append(1, conversation);
        assert_eq!(world.turn(), 2, "both users get the entry");
        group.throughput(Throughput::Elements(entries));
        group.bench_function(format!("one to one, {entries}"), |b| {
            b.iter(|| {
                (0..entries).for_each(|_| world.append(1, conversation));
                world.turn()
            });
        });
    }
    group.finish();
}

fn many(c: &mut Criterion) {
    let mut group = c.benchmark_group("core/append, commit, run");
    const MEMBERS: u64 = 1_000;
    let mut world = World::new(MEMBERS);
    let create = Request::CreateGroup {
        client_message_id: ClientMessageId::new(b"make").expect("4 bytes"),
        title: "bench".to_owned(),
        members: (2..=MEMBERS).map(UserId).collect(),
        settings: GroupSettings::default(),
    };
    world.request(1, create);
    let conversation = world.settle().expect("the group is made");
    world.append(1, conversation);
    assert_eq!(world.turn() as u64, MEMBERS, "every member gets the entry");
    group.throughput(Throughput::Elements(MEMBERS));
    group.bench_function(format!("a group of {MEMBERS}"), |b| {
        b.iter(|| {
            world.append(1, conversation);
            world.turn()
        });
    });
}

/// A whole shard's turn: a message in each of 64 conversations.
fn turn(c: &mut Criterion) {
    let mut group = c.benchmark_group("core/append, commit, run");
    const PAIRS: u64 = 64;
    let mut world = World::new(2 * PAIRS);
    let pairs: Vec<(u64, Conversation)> = (0..PAIRS)
        .map(|n| (2 * n + 1, Conversation::direct(UserId(2 * n + 1), UserId(2 * n + 2)).expect("two users")))
        .collect();
    pairs.iter().for_each(|&(user, conversation)| world.append(user, conversation));
    world.settle();
    group.throughput(Throughput::Elements(PAIRS));
    group.bench_function(format!("one to one, 1 in each of {PAIRS}"), |b| {
        b.iter(|| {
            pairs.iter().for_each(|&(user, conversation)| world.append(user, conversation));
            world.turn()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = direct, turn, many
}
criterion_main!(benches);
