//! Whatever bytes come, nothing panics, and what decodes encodes to the same.

use bytes::{Bytes, BytesMut};
use hubbub_codec::trunk::{ChannelEnd, ChannelId, TrunkEnd, TrunkFrame, decode_trunk_frame, decode_trunk_frame_mut};
use proptest::prelude::*;

use crate::rig::open_trunk;

fn channel() -> impl Strategy<Value = ChannelId> {
    prop_oneof![1..5_u32, any::<u32>()].prop_map(|number| ChannelId(number.max(1)))
}

fn channel_end() -> impl Strategy<Value = ChannelEnd> {
    prop_oneof![
        Just(ChannelEnd::Over),
        any::<u32>().prop_map(ChannelEnd::WrongShard),
        Just(ChannelEnd::Window),
        Just(ChannelEnd::Full)
    ]
}

fn frame() -> impl Strategy<Value = TrunkFrame> {
    prop_oneof![
        (channel(), any::<Option<std::net::IpAddr>>())
            .prop_map(|(channel, address)| TrunkFrame::Open(channel, address)),
        (channel(), prop::collection::vec(any::<u8>(), 1..200))
            .prop_map(|(channel, bytes)| TrunkFrame::Data(channel, bytes.into())),
        (channel(), any::<u32>()).prop_map(|(channel, bytes)| TrunkFrame::Credit(channel, bytes)),
        (channel(), channel_end()).prop_map(|(channel, why)| TrunkFrame::Close(channel, why)),
        any::<u64>().prop_map(TrunkFrame::Ping),
        any::<u64>().prop_map(TrunkFrame::Pong),
        (prop_oneof![Just(TrunkEnd::Idle), Just(TrunkEnd::Other)], "[a-zä]{0,100}")
            .prop_map(|(why, text)| TrunkFrame::End(why, text)),
    ]
}

proptest! {
    #[test]
    fn frames_survive_the_wire(frames in prop::collection::vec(frame(), 0..20)) {
        let mut written = BytesMut::new();
        frames.iter().for_each(|frame| frame.append(&mut written));
        let mut bytes = written.freeze();
        let read: Vec<_> = std::iter::from_fn(|| decode_trunk_frame(&mut bytes).unwrap()).collect();
        prop_assert_eq!(read, frames);
        prop_assert!(bytes.is_empty());
    }

    #[test]
    fn both_decoders_agree(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let (mut shared, mut owned) = (Bytes::from(bytes.clone()), BytesMut::from(&bytes[..]));
        match (decode_trunk_frame(&mut shared), decode_trunk_frame_mut(&mut owned)) {
            (Ok(Some(TrunkFrame::Data(a, x))), Ok(Some(TrunkFrame::Data(b, y)))) => prop_assert_eq!((a, &x[..]), (b, &y[..])),
            (Ok(a), Ok(b)) => prop_assert_eq!(a.is_some(), b.is_some()),
            (a, b) => prop_assert_eq!(a.err(), b.err()),
        }
        prop_assert_eq!(&shared[..], &owned[..]);
    }

    #[test]
    fn no_server_does_harm(frames in prop::collection::vec(frame(), 0..50), junk in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut trunk = open_trunk();
        let channel = trunk.open(None).unwrap();
        trunk.send(channel, &mut Bytes::from(vec![1; 150]));
        let mut input = BytesMut::new();
        frames.iter().for_each(|frame| frame.append(&mut input));
        input.extend_from_slice(&junk);
        while let Ok(Some(_)) = trunk.take(&mut input) {
            if let Some(channel) = trunk.open(None) {
                trunk.send(channel, &mut Bytes::from(vec![1; 150]));
                trunk.taken(channel, 10);
            }
        }
    }
}

#[test]
fn a_long_text_is_cut_between_letters() {
    let mut written = BytesMut::new();
    TrunkFrame::<Bytes>::End(TrunkEnd::Protocol, "ä".repeat(200)).append(&mut written);
    let read = decode_trunk_frame(&mut written.freeze()).unwrap();
    assert_eq!(read, Some(TrunkFrame::End(TrunkEnd::Protocol, "ä".repeat(127))));
}
