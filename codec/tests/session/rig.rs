//! A session, a clock that only the test moves, and a server that says what the test says.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::{decode_frame, encode_frame};
use hubbub_codec::ids::{Conversation, DeviceId, UserId};
use hubbub_codec::proto::{self, ClientFrame, ServerFrame, client_frame, server_frame};
use hubbub_codec::session::{Event, ProtocolError, Session, SessionConfig};
use prost::Message;

pub(crate) use client_frame::Body as Up;
pub(crate) use server_frame::Body as Down;

pub(crate) const ME: UserId = UserId(10);
pub(crate) const PEER: UserId = UserId(20);
pub(crate) const LOG_ID: u32 = 7;

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

pub(crate) fn with_peer() -> Conversation {
    Conversation::direct(ME, PEER).unwrap()
}

pub(crate) struct Rig {
    pub(crate) session: Session,
    pub(crate) now: Duration,
    pending_sync: Vec<u64>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut SessionConfig)) -> Self {
        let mut config = SessionConfig::new("token", DeviceId(1));
        config.seed = 42;
        change(&mut config);
        let now = ms(1_000);
        Self { session: Session::new(config, now), now, pending_sync: Vec::new() }
    }

    /// A session that is logged in; the frames of the way there are dropped, its sync is answered.
    pub(crate) fn ready() -> Self {
        let mut rig = Self::new();
        rig.login();
        rig.finish_sync();
        rig.events();
        rig
    }

    pub(crate) fn connect(&mut self) {
        self.session.handle_connected(self.now);
    }

    /// Connects and logs in; returns what the session wrote after `LoggedIn`.
    pub(crate) fn login(&mut self) -> Vec<ClientFrame> {
        self.connect();
        let opening = self.sent();
        assert!(matches!(opening[0].body, Some(Up::Hello(_))));
        assert!(matches!(opening[1].body, Some(Up::Login(_))));
        self.say(opening[0].request_id, Down::Welcome(welcome()));
        self.say(
            opening[1].request_id,
            Down::LoggedIn(proto::LoggedIn { user_id: ME.0, created: false, ..Default::default() }),
        );
        let sent = self.sent();
        self.pending_sync = sync_ids(&sent);
        sent
    }

    pub(crate) fn finish_sync(&mut self) {
        for id in std::mem::take(&mut self.pending_sync) {
            self.say(id, Down::Synced(proto::Synced::default()));
        }
    }

    pub(crate) fn disconnect(&mut self) {
        self.session.handle_disconnected(self.now);
    }

    /// What the session wrote since the last call.
    pub(crate) fn sent(&mut self) -> Vec<ClientFrame> {
        let mut bytes = self.session.poll_transmit().unwrap_or_default();
        let mut frames = Vec::new();
        while let Some(payload) = decode_frame(&mut bytes, usize::MAX).unwrap() {
            frames.push(ClientFrame::decode(payload).unwrap());
        }
        assert!(bytes.is_empty(), "half a frame was written");
        frames
    }

    pub(crate) fn try_say(&mut self, request_id: u64, body: Down) -> Result<(), ProtocolError> {
        let frame = ServerFrame { request_id, body: Some(body) };
        let mut bytes = BytesMut::from(&encode_frame(&frame)[..]);
        self.session.handle_bytes(self.now, &mut bytes)
    }

    pub(crate) fn say(&mut self, request_id: u64, body: Down) {
        self.try_say(request_id, body).unwrap();
    }

    pub(crate) fn push(&mut self, body: Down) {
        self.say(0, body);
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// Lets time pass, with every deadline on the way.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.session.handle_timeout(self.now);
        }
        self.now = until;
    }

    /// The seqs that were reported since the last call.
    pub(crate) fn reported(&mut self) -> Vec<u64> {
        self.events()
            .into_iter()
            .filter_map(|event| match event {
                Event::Entries { entries, .. } => Some(entries),
                _ => None,
            })
            .flatten()
            .map(|entry| entry.seq)
            .collect()
    }
}

pub(crate) fn welcome() -> proto::Welcome {
    proto::Welcome {
        version: 1,
        keepalive_ms: 240_000,
        limits: Some(proto::Limits {
            frame_bytes_max: 65_536,
            body_bytes_max: 16_384,
            group_members_max: 1_000,
            requests_in_progress_max: 64,
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// Entries `after_seq + 1 ..= last` of the conversation with the peer.
pub(crate) fn run(after_seq: u64, last: u64) -> proto::Entries {
    let entries = (after_seq + 1..=last).map(|seq| proto::Entry {
        seq,
        body: Bytes::from(format!("message {seq}")),
        ..Default::default()
    });
    proto::Entries {
        conversation: Some(with_peer().into()),
        log_id: LOG_ID,
        after_seq,
        entries: entries.collect(),
        ..Default::default()
    }
}

pub(crate) fn sync_ids(frames: &[ClientFrame]) -> Vec<u64> {
    let is_sync = |frame: &&ClientFrame| matches!(frame.body, Some(Up::Sync(_)));
    frames.iter().filter(is_sync).map(|f| f.request_id).collect()
}

pub(crate) fn sends(frames: &[ClientFrame]) -> Vec<(u64, proto::Send)> {
    let send = |frame: &ClientFrame| match &frame.body {
        Some(Up::Send(send)) => Some((frame.request_id, send.clone())),
        _ => None,
    };
    frames.iter().filter_map(send).collect()
}

pub(crate) fn histories(frames: &[ClientFrame]) -> Vec<(u64, proto::History)> {
    let history = |frame: &ClientFrame| match &frame.body {
        Some(Up::History(history)) => Some((frame.request_id, *history)),
        _ => None,
    };
    frames.iter().filter_map(history).collect()
}

pub(crate) fn delivered(frames: &[ClientFrame]) -> Vec<u64> {
    let mark = |frame: &ClientFrame| match &frame.body {
        Some(Up::Delivered(delivered)) => {
            assert_eq!(frame.request_id, 0);
            Some(delivered.up_to_seq)
        }
        _ => None,
    };
    frames.iter().filter_map(mark).collect()
}

pub(crate) fn sent_reply(seq: u64) -> Down {
    Down::Sent(proto::Sent {
        conversation: Some(with_peer().into()),
        seq,
        message_id: 1_000 + seq,
        time_us: 5,
        duplicate: false,
    })
}

pub(crate) fn error(action: proto::error::Action, code: proto::ErrorCode, retry_after_ms: u32) -> proto::Error {
    proto::Error {
        action: action.into(),
        code: code.into(),
        message: "No.".into(),
        retry_after_ms,
        ..Default::default()
    }
}
