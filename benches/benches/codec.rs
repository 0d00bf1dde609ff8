//! What a frame costs in and out.

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hubbub_codec::frame::{
    EntriesHead, append_entry_field, append_frame, decode_frame, encode_entries_frame, encode_frame,
};
use hubbub_codec::ids::{Conversation, LogId, Seq, UserId};
use hubbub_codec::proto::{self, ClientFrame, ServerFrame, client_frame, server_frame};
use prost::Message as _;
use std::hint::black_box;

const FRAME_BYTES_MAX: usize = 64 * 1024;
const BODY_BYTES: usize = 150;

fn send_frame() -> Bytes {
    let name = proto::MessageName { client_message_id: vec![7; 8].into(), ..Default::default() };
    let send = proto::Send {
        to: Some(proto::send::To::User(42)),
        name: Some(name),
        body: vec![b'x'; BODY_BYTES].into(),
        ..Default::default()
    };
    encode_frame(&ClientFrame { request_id: 1, body: Some(client_frame::Body::Send(send)) })
}

fn entry_fields(count: u64) -> Bytes {
    let mut fields = BytesMut::new();
    for seq in 1..=count {
        let entry = proto::Entry {
            seq,
            message_id: 1 << 50,
            sender: 42,
            device_id: 7,
            client_message_id: vec![7; 8].into(),
            time_us: 1_700_000_000_000_000,
            ordinal: seq,
            event_type: proto::EventType::User.into(),
            body: vec![b'x'; BODY_BYTES].into(),
            ..Default::default()
        };
        append_entry_field(&entry, &mut fields);
    }
    fields.freeze()
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec/decode");
    let one = send_frame();
    group.bench_function("a frame of a buffer", |b| {
        b.iter(|| decode_frame(&mut black_box(one.clone()), FRAME_BYTES_MAX).expect("a frame"));
    });
    let payload = one.slice(4..);
    group.bench_function("a Send of 150 bytes", |b| {
        b.iter(|| ClientFrame::decode(black_box(payload.clone())).expect("a frame"));
    });
    let burst: Bytes = (0..64).flat_map(|_| one.to_vec()).collect::<Vec<u8>>().into();
    group.throughput(Throughput::Elements(64));
    group.bench_function("a read of 64 Sends", |b| {
        b.iter(|| {
            let mut rest = burst.clone();
            while let Some(payload) = decode_frame(&mut rest, FRAME_BYTES_MAX).expect("frames") {
                black_box(ClientFrame::decode(payload).expect("a frame"));
            }
        });
    });
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec/encode");
    let conversation = Conversation::direct(UserId(1), UserId(2)).expect("two users");
    for count in [1, 64] {
        let fields = entry_fields(count);
        let head = EntriesHead {
            request_id: 0,
            conversation,
            log_id: LogId(1),
            after_seq: Seq(0),
            skip_from_seq: None,
            floor: Seq(0),
            head: Seq(0),
        };
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("Entries of {count}, encoded before"), |b| {
            b.iter(|| encode_entries_frame(black_box(&head), &[&fields]));
        });
    }
    let sent = proto::Sent {
        conversation: Some(conversation.into()),
        seq: 9,
        message_id: 1 << 50,
        time_us: 1_700_000_000_000_000,
        duplicate: false,
    };
    let frame = ServerFrame { request_id: 1, body: Some(server_frame::Body::Sent(sent)) };
    let mut buffer = BytesMut::with_capacity(256);
    group.throughput(Throughput::Elements(1));
    group.bench_function("a Sent", |b| {
        b.iter(|| {
            buffer.clear();
            append_frame(black_box(&frame), &mut buffer);
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(std::time::Duration::from_millis(300))
        .measurement_time(std::time::Duration::from_secs(1));
    targets = decode, encode
}
criterion_main!(benches);
