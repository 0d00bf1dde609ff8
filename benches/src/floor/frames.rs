//! The floor's frames: what the driver needs to see, of the same shape and size as the server's.

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::append_frame;
use hubbub_codec::proto::server_frame::Body;
use hubbub_codec::proto::{self, Conversation, ServerFrame};

/// The server's default limits, as a client is told.
const FRAME_BYTES_MAX: u32 = 65_536;
const LOG_ID: u32 = 1;

/// Appends the reply to a request.
pub(super) fn append_reply(request_id: u64, body: Body, out: &mut BytesMut) {
    append_frame(&ServerFrame { request_id, body: Some(body) }, out);
}

/// Whom a client talks to.
pub(super) fn welcome() -> Body {
    let limits = proto::Limits { frame_bytes_max: FRAME_BYTES_MAX, ..proto::Limits::default() };
    Body::Welcome(proto::Welcome { version: 1, limits: Some(limits), ..proto::Welcome::default() })
}

/// A group without a record.
pub(super) fn group(group: u64, owner: u64, members: usize) -> Body {
    let member_count = u32::try_from(members).unwrap_or(u32::MAX);
    Body::Group(proto::Group { group, owner, member_count, log_id: LOG_ID, ..proto::Group::default() })
}

/// A message that is passed on.
pub(super) struct Passed {
    pub(super) conversation: Conversation,
    pub(super) seq: u64,
    pub(super) sender: u64,
    pub(super) time_us: i64,
    pub(super) client_message_id: Bytes,
    pub(super) body: Bytes,
}

impl Passed {
    /// Appends the acknowledgement for its sender.
    pub(super) fn append_sent(&self, request_id: u64, out: &mut BytesMut) {
        let sent = proto::Sent {
            conversation: Some(self.conversation),
            seq: self.seq,
            message_id: self.seq,
            time_us: self.time_us,
            duplicate: false,
        };
        append_reply(request_id, Body::Sent(sent), out);
    }

    /// Appends the entry, as everybody gets it.
    pub(super) fn append_entry(self, out: &mut BytesMut) {
        let entry = proto::Entry {
            seq: self.seq,
            message_id: self.seq,
            sender: self.sender,
            device_id: self.sender,
            client_message_id: self.client_message_id,
            time_us: self.time_us,
            ordinal: self.seq,
            event_type: proto::EventType::User.into(),
            body: self.body,
            ..proto::Entry::default()
        };
        let entries = proto::Entries {
            conversation: Some(self.conversation),
            log_id: LOG_ID,
            after_seq: self.seq - 1,
            entries: vec![entry],
            ..proto::Entries::default()
        };
        append_reply(0, Body::Entries(entries), out);
    }
}
