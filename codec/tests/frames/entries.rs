//! A frame built around encoded entries is byte for byte what prost writes.

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::{EntriesHead, append_entry_field, encode_entries_frame, encode_entry_field, encode_frame};
use hubbub_codec::ids::{Conversation, LogId, Seq, UserId};
use hubbub_codec::proto::{self, server_frame};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// Zeros, which proto3 leaves out, and lengths of all sizes.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 1..300_u64, any::<u64>()]
}

fn conversation() -> impl Strategy<Value = Conversation> {
    prop_oneof![
        number().prop_map(|group| Conversation::Group(group.into())),
        (number(), number()).prop_filter_map("two users", |(a, b)| { Conversation::direct(UserId(a), UserId(b)) }),
    ]
}

fn head() -> impl Strategy<Value = EntriesHead> {
    let log_id = prop_oneof![Just(0), any::<u32>()];
    let seqs = (number(), option::of(number()), number(), number());
    (number(), conversation(), log_id, seqs).prop_map(
        |(request_id, conversation, log_id, (after_seq, skip, floor, head))| EntriesHead {
            request_id,
            conversation,
            log_id: LogId(log_id),
            after_seq: Seq(after_seq),
            skip_from_seq: skip.map(Seq),
            floor: Seq(floor),
            head: Seq(head),
        },
    )
}

fn entry() -> impl Strategy<Value = proto::Entry> {
    (number(), number(), vec(any::<u8>(), 0..200), any::<i64>()).prop_map(|(seq, sender, body, time_us)| proto::Entry {
        seq,
        sender,
        time_us,
        body: Bytes::from(body),
        ..Default::default()
    })
}

proptest! {
    #[test]
    fn same_bytes_as_prost(head in head(), blocks in vec(vec(entry(), 0..4), 0..4)) {
        let parts: Vec<BytesMut> = blocks
            .iter()
            .map(|block| {
                let mut part = BytesMut::new();
                block.iter().for_each(|entry| append_entry_field(entry, &mut part));
                part
            })
            .collect();
        let message = proto::ServerFrame {
            request_id: head.request_id,
            body: Some(server_frame::Body::Entries(proto::Entries {
                conversation: Some(head.conversation.into()),
                log_id: head.log_id.0,
                after_seq: head.after_seq.0,
                entries: blocks.concat(),
                skip_from_seq: head.skip_from_seq.map(u64::from),
                floor: head.floor.0,
                head: head.head.0,
            })),
        };
        prop_assert_eq!(encode_entries_frame(&head, &parts), encode_frame(&message));
    }

    #[test]
    fn both_entry_encoders_write_the_same(entry in entry()) {
        let mut appended = BytesMut::new();
        append_entry_field(&entry, &mut appended);
        prop_assert_eq!(encode_entry_field(&entry), appended.freeze());
    }
}
