//! A trunk that is open, and what it writes.

use bytes::BytesMut;
use hubbub_codec::frame::append_frame;
use hubbub_codec::proto::server_frame::Body;
use hubbub_codec::proto::{self, ServerFrame};
use hubbub_codec::trunk::{Trunk, TrunkError, TrunkEvent, TrunkFrame, decode_trunk_frame};

pub(crate) const WINDOW_BYTES: u32 = 100;
pub(crate) const CHANNELS_MAX: u32 = 3;

pub(crate) fn opened() -> proto::TrunkOpened {
    proto::TrunkOpened {
        shard: 1,
        shards: 2,
        shard_by_slot: (0..256).map(|slot| slot % 2).collect(),
        window_bytes: WINDOW_BYTES,
        channels_max: CHANNELS_MAX,
    }
}

/// Lets the server say a body.
pub(crate) fn answer(trunk: &mut Trunk, body: Body) -> Result<Option<TrunkEvent>, TrunkError> {
    let mut input = BytesMut::new();
    append_frame(&ServerFrame { request_id: 2, body: Some(body) }, &mut input);
    trunk.take(&mut input)
}

/// A trunk that the server has opened, with nothing to be written.
pub(crate) fn open_trunk() -> Trunk {
    let mut trunk = Trunk::new("token", 1);
    trunk.poll_transmit().expect("Hello and OpenTrunk");
    assert_eq!(answer(&mut trunk, Body::TrunkOpened(opened())), Ok(Some(TrunkEvent::Opened)));
    trunk
}

/// Lets the server say trunk frames: all that comes of them.
pub(crate) fn hear(trunk: &mut Trunk, frames: &[TrunkFrame]) -> Result<Vec<TrunkEvent>, TrunkError> {
    let mut input = BytesMut::new();
    frames.iter().for_each(|frame| frame.append(&mut input));
    let mut events = Vec::new();
    while let Some(event) = trunk.take(&mut input)? {
        events.push(event);
    }
    assert!(input.is_empty());
    Ok(events)
}

/// What the trunk has to write.
pub(crate) fn said(trunk: &mut Trunk) -> Vec<TrunkFrame> {
    let mut bytes = trunk.poll_transmit().unwrap_or_default();
    std::iter::from_fn(|| decode_trunk_frame(&mut bytes).expect("it writes trunk frames")).collect()
}
