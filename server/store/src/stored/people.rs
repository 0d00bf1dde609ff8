//! Presence and blocks, between domain records and stored messages.

use super::{pb, write};
use hubbub_core::ids::{MessageId, Seq, Timestamp};
use hubbub_core::records::{BlockFlag, BlockRecord, DirectBlocks, PresenceRecord};
use prost::Message;

pub(super) fn blocks_message(record: &DirectBlocks) -> pb::DirectBlocks {
    let flag = |flag: BlockFlag| Some(pb::BlockFlag { blocked: flag.blocked, version: flag.version.0 });
    let marks = |(delivered, read): (Seq, Seq)| Some(pb::Marks { delivered: delivered.0, read: read.0 });
    pb::DirectBlocks {
        by_low: flag(record.by_low),
        by_high: flag(record.by_high),
        low_marks: marks(record.low_marks),
        high_marks: marks(record.high_marks),
    }
}

pub(super) fn blocks_record(message: &pb::DirectBlocks) -> DirectBlocks {
    let flag = |flag: &Option<pb::BlockFlag>| {
        flag.as_ref().map_or_else(BlockFlag::default, |flag| BlockFlag {
            blocked: flag.blocked,
            version: MessageId(flag.version),
        })
    };
    let marks = |marks: &Option<pb::Marks>| {
        marks.as_ref().map_or((Seq(0), Seq(0)), |marks| (Seq(marks.delivered), Seq(marks.read)))
    };
    DirectBlocks {
        by_low: flag(&message.by_low),
        by_high: flag(&message.by_high),
        low_marks: marks(&message.low_marks),
        high_marks: marks(&message.high_marks),
    }
}

pub(crate) fn encode_presence(record: &PresenceRecord, value: &mut Vec<u8>) {
    let PresenceRecord { last_active, invisible, status } = record;
    let message = pb::Presence { last_active_us: last_active.0, invisible: *invisible, status: status.to_string() };
    write(&message, value);
}

pub(crate) fn decode_presence(value: &[u8]) -> Option<PresenceRecord> {
    let message = pb::Presence::decode(value).ok()?;
    let last_active = Timestamp(message.last_active_us);
    Some(PresenceRecord { last_active, invisible: message.invisible, status: message.status.into_boxed_str() })
}

pub(crate) fn encode_blocked(record: &BlockRecord, value: &mut Vec<u8>) {
    write(&pb::Block { since_us: record.since.0, version: record.version.0 }, value);
}

pub(crate) fn decode_blocked(value: &[u8]) -> Option<BlockRecord> {
    let message = pb::Block::decode(value).ok()?;
    Some(BlockRecord { since: Timestamp(message.since_us), version: MessageId(message.version) })
}
