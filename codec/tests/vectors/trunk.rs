//! Trunk frames are as recorded, and those that are none are refused.

use std::net::IpAddr;

use bytes::{Bytes, BytesMut};
use hubbub_codec::trunk::{ChannelEnd, ChannelId, TrunkEnd, TrunkFrame, decode_trunk_frame};
use serde::{Deserialize, Serialize};

use crate::files::{from_hex, is_updating, load, store, to_hex};

#[derive(Serialize, Deserialize)]
struct TrunkFile {
    frames: Vec<Recorded>,
    refused: Vec<Refused>,
}

#[derive(Serialize, Deserialize)]
struct Recorded {
    name: String,
    hex: String,
    kind: String,
    #[serde(default, skip_serializing_if = "is_trunk")]
    channel: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    /// Hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<u32>,
    /// Decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    name: String,
    hex: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_trunk(channel: &u32) -> bool {
    *channel == 0
}

impl Recorded {
    fn frame(&self) -> TrunkFrame {
        let channel = ChannelId(self.channel);
        let nonce = || self.nonce.as_ref().unwrap().parse().unwrap();
        match self.kind.as_str() {
            "open" => TrunkFrame::Open(channel, self.address),
            "data" => TrunkFrame::Data(channel, from_hex(self.bytes.as_ref().unwrap()).into()),
            "credit" => TrunkFrame::Credit(channel, self.credit.unwrap()),
            "close" => TrunkFrame::Close(channel, self.channel_end()),
            "ping" => TrunkFrame::Ping(nonce()),
            "pong" => TrunkFrame::Pong(nonce()),
            "end" => TrunkFrame::End(self.trunk_end(), self.text.clone().unwrap()),
            kind => panic!("{kind}"),
        }
    }

    fn channel_end(&self) -> ChannelEnd {
        match self.why.as_deref() {
            Some("over") => ChannelEnd::Over,
            Some("wrong_shard") => ChannelEnd::WrongShard(self.shard.unwrap()),
            Some("window") => ChannelEnd::Window,
            Some("full") => ChannelEnd::Full,
            why => panic!("{why:?}"),
        }
    }

    fn trunk_end(&self) -> TrunkEnd {
        match self.why.as_deref() {
            Some("protocol") => TrunkEnd::Protocol,
            Some("idle") => TrunkEnd::Idle,
            Some("stopping") => TrunkEnd::Stopping,
            why => panic!("{why:?}"),
        }
    }
}

fn file() -> TrunkFile {
    let mut file: TrunkFile = load("trunk_frames.json");
    if is_updating() {
        for recorded in &mut file.frames {
            let mut written = BytesMut::new();
            recorded.frame().append(&mut written);
            recorded.hex = to_hex(&written);
        }
        store("trunk_frames.json", &file);
    }
    file
}

#[test]
fn bytes_and_fields_say_the_same() {
    for recorded in file().frames {
        let mut written = BytesMut::new();
        recorded.frame().append(&mut written);
        assert_eq!(to_hex(&written), recorded.hex, "{}", recorded.name);
        let mut bytes = Bytes::from(from_hex(&recorded.hex));
        for cut in 0..bytes.len() {
            assert_eq!(decode_trunk_frame(&mut bytes.slice(..cut)), Ok(None), "{} cut at {cut}", recorded.name);
        }
        assert_eq!(decode_trunk_frame(&mut bytes), Ok(Some(recorded.frame())), "{}", recorded.name);
        assert!(bytes.is_empty());
    }
}

#[test]
fn what_is_none_is_refused() {
    for refused in file().refused {
        let mut bytes = Bytes::from(from_hex(&refused.hex));
        assert!(decode_trunk_frame(&mut bytes).is_err(), "{}", refused.name);
    }
}
