//! The bytes of format 1. If this test fails, stores in the field can no longer be read: raise the format version and
//! write the way across, or take the change back.

use crate::fixture::{direct, group, name, outbox_row};
use bytes::Bytes;
use hubbub_core::account::{Email, PasswordHash, Person, TokenHash, TokenRecord};
use hubbub_core::ids::{DeviceId, LogId, MessageId, PartitionId, Seq, Timestamp, UserId};
use hubbub_core::records::{
    AccountRecord, Batch, Block, BlockFlag, BlockRecord, ConversationRecord, CursorRecord, DeviceRecord, DirectBlocks,
    EditRecord, EmailRecord, Fact, HistoryRecord, MemberRecord, MembershipRecord, MutedUntil, OutboxRow, Owner,
    PresenceRecord, ReactionCount, Retention, Role, Span, Write,
};
use hubbub_store::Store;
use hubbub_store::commit_log::{Change, CommitLog, MemoryLog};
use std::fmt::Write as _;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn writes() -> Vec<Write> {
    let membership = MembershipRecord { joined: Seq(5), version: Seq(300), member: true };
    let conversation = ConversationRecord {
        title: "tea".to_owned(),
        owner: UserId(7),
        created_by: Some(name(3)),
        created: Timestamp(1_700_000_000_000_000),
        log_id: LogId(9),
        floor: Seq(2),
        notified_up_to: Seq(4),
        group: None,
        history: None,
        blocks: None,
    };
    let spans = vec![Span { joined: Seq(1), left: Some(Seq(4)) }, Span { joined: Seq(9), left: None }];
    let cursor = CursorRecord { delivered: Seq(8), read: Seq(6), last_seen: Timestamp(1000) };
    let outbox = outbox_row(group(1), 0x0102, 6, membership);
    let block = Block { first: Seq(0x0203), count: 2, last_ordinal: 0x0405, entries: Bytes::from_static(b"verbatim") };
    let altered = ConversationRecord {
        history: Some(Box::new(HistoryRecord {
            retention: Some(Retention::Ttl { seconds: 3600 }),
            floor_ordinal: 300,
            dropped: Seq(255),
            overlaid: true,
        })),
        ..conversation.clone()
    };
    let rewritten = Block { entries: Bytes::from_static(b"bare"), ..block.clone() };
    let edit = EditRecord {
        seqs: vec![Seq(0x0204), Seq(0x0205)],
        time: Timestamp(1000),
        body: Bytes::from_static(b"new"),
        content_type: "text/x".to_owned(),
    };
    let count = ReactionCount { emoji: "+".to_owned(), count: 300, users: vec![UserId(6), UserId(7)] };
    let presence = PresenceRecord { last_active: Timestamp(5_000), invisible: true, status: "tea".into() };
    let block_fact = Fact::Block { user: UserId(1), peer: UserId(2), blocked: true, version: MessageId(0x0908) };
    let block_fact = OutboxRow { n: MessageId(0x0a0b), fact: block_fact };
    let blocked = BlockRecord { since: Timestamp(4_000), version: MessageId(0x0908) };
    vec![
        Write::PutBlock(direct(1, 2), block.clone()),
        Write::PutBlock(group(1), block),
        Write::PutConversation(group(1), conversation),
        Write::PutMember(group(1), UserId(6), MemberRecord { role: Role::Owner, muted_until: MutedUntil::NO, spans }),
        Write::PutCursor(group(1), UserId(6), DeviceId(3), cursor),
        Write::PutMembership(UserId(1), direct(1, 2), membership),
        Write::PutAccount(UserId(1), AccountRecord::bare(Timestamp(1000))),
        Write::PutConversation(direct(1, 2), blocked_conversation()),
        Write::PutPresence(UserId(1), presence),
        Write::PutBlocked(UserId(1), UserId(2), blocked),
        Write::DeleteBlocked(UserId(1), UserId(3)),
        Write::PutOutbox(block_fact),
        Write::PutOutbox(outbox),
        Write::DeleteOutbox(Owner::Conversation(group(1)), MessageId(0x0102)),
        Write::PutConversation(group(1), altered),
        Write::RewriteBlock(group(1), rewritten),
        Write::DropBlocks(group(1), Seq(1), Seq(255)),
        Write::PutEdit(group(1), Seq(0x0203), Box::new(edit)),
        Write::PutReactions(group(1), Seq(0x0203), UserId(6), vec!["+".to_owned(), "-".to_owned()]),
        Write::PutReactions(group(1), Seq(0x0203), UserId(6), vec![]),
        Write::PutReactionCounts(group(1), Seq(0x0203), vec![count]),
        Write::PutReactionCounts(group(1), Seq(0x0203), vec![]),
        Write::DropOverlays(group(1), Seq(0x0203), Seq(0x0204)),
    ]
}

fn blocked_conversation() -> ConversationRecord {
    ConversationRecord {
        title: String::new(),
        owner: UserId(0),
        created_by: None,
        created: Timestamp(1000),
        log_id: LogId(9),
        floor: Seq(0),
        notified_up_to: Seq(0),
        group: None,
        history: None,
        blocks: Some(Box::new(DirectBlocks {
            by_low: BlockFlag { blocked: true, version: MessageId(0x0908) },
            by_high: BlockFlag::default(),
            low_marks: (Seq(3), Seq(2)),
            high_marks: (Seq(1), Seq(0)),
        })),
    }
}

fn batch_rows(writes: Vec<Write>) -> String {
    let store = Store::memory(1);
    let batch = Batch { partition: PartitionId(0), position: 1, last_id: MessageId(1), time: Timestamp(1), writes };
    let mut log = MemoryLog::new(store, 10);
    log.append(&[batch], &mut Vec::new()).unwrap();
    let mut rows = String::new();
    for change in &log.tail(PartitionId(0), 1, 1).unwrap()[0].changes {
        match change {
            Change::Put { family, key, value } => writeln!(rows, "{family} {} {}", hex(key), hex(value)).unwrap(),
            Change::Delete { family, key } => writeln!(rows, "{family} {} deleted", hex(key)).unwrap(),
            Change::DeleteRange { family, lower, upper } => {
                writeln!(rows, "{family} {} .. {} deleted", hex(lower), hex(upper)).unwrap();
            }
        }
    }
    rows
}

#[test]
fn rows_of_people_are_what_they_always_were() {
    let email = Email::new("ada@example.org");
    let person = Person {
        email: Some(email.clone()),
        password: Some(PasswordHash::new("$argon2id$")),
        name: "Ada".into(),
        about: "counts".into(),
        picture: "p".into(),
    };
    let account = AccountRecord { created: Timestamp(1000), person: Some(Box::new(person)) };
    let token = TokenRecord { hash: TokenHash::new([0xab; 32]), expires: Timestamp(3000) };
    let device = DeviceRecord {
        name: "phone".into(),
        platform: "Linux".into(),
        created: Timestamp(1000),
        last_seen: Timestamp(2000),
        token: Some(Box::new(token)),
        revoked: Some(Timestamp(0)),
    };
    let rows = batch_rows(vec![
        Write::PutAccount(UserId(1), account),
        Write::PutEmail(EmailRecord { email, user: UserId(1), reserved_until: Timestamp(1000) }),
        Write::PutDevice(UserId(1), DeviceId(3), device),
        Write::DeleteDevice(UserId(1), DeviceId(3)),
    ]);
    assert_eq!(rows, include_str!("golden_people.txt"));
}

#[test]
fn rows_are_what_they_always_were() {
    let rows = batch_rows(writes());
    assert_eq!(rows, include_str!("golden.txt"));
}
