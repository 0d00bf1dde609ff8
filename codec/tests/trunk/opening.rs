//! A trunk is open when the server says so, and only then.

use bytes::BytesMut;
use hubbub_codec::frame::decode_frame;
use hubbub_codec::ids::UserId;
use hubbub_codec::proto::client_frame::Body as Up;
use hubbub_codec::proto::server_frame::Body;
use hubbub_codec::proto::{self, ClientFrame, ErrorCode};
use hubbub_codec::trunk::{Trunk, TrunkError};
use prost::Message;

use crate::rig::{answer, open_trunk, opened};

#[test]
fn it_says_hello_and_asks_in_one_write() {
    let mut trunk = Trunk::new("token", 7);
    let mut written = trunk.poll_transmit().unwrap();
    let mut bodies = Vec::new();
    while let Some(payload) = decode_frame(&mut written, 8 * 1024).unwrap() {
        bodies.push(ClientFrame::decode(payload).unwrap().body.unwrap());
    }
    assert!(
        matches!(&bodies[..], [Up::Hello(_), Up::OpenTrunk(open)] if (open.token.as_str(), open.shard) == ("token", 7))
    );
    assert_eq!(trunk.poll_transmit(), None);
    assert_eq!(trunk.open(None), None, "it is not open");
}

#[test]
fn a_refusal_is_the_end() {
    let mut trunk = Trunk::new("token", 0);
    let error = proto::Error { code: ErrorCode::Forbidden.into(), message: "no".to_owned(), ..Default::default() };
    let refused = answer(&mut trunk, Body::Error(error)).unwrap_err();
    assert!(matches!(refused, TrunkError::Refused(error) if error.code() == ErrorCode::Forbidden));
}

#[test]
fn a_trunk_without_sense_is_refused() {
    let senseless = [
        proto::TrunkOpened { window_bytes: 0, ..opened() },
        proto::TrunkOpened { shards: 1, ..opened() },
        proto::TrunkOpened { shard_by_slot: vec![0; 255], ..opened() },
        proto::TrunkOpened { shard_by_slot: vec![2; 256], ..opened() },
    ];
    for opened in senseless {
        let mut trunk = Trunk::new("token", 0);
        assert!(matches!(answer(&mut trunk, Body::TrunkOpened(opened)), Err(TrunkError::Unexpected(_))));
    }
}

#[test]
fn it_knows_where_users_live() {
    let trunk = open_trunk();
    let opened = trunk.opened().unwrap();
    // As in proto/vectors/slots.json: user 1 has slot 243, user 2 has slot 28.
    assert_eq!((opened.shard_of(UserId(1)), opened.shard_of(UserId(2))), (1, 0));
}

#[test]
fn its_token_does_not_show() {
    assert!(!format!("{:?}", Trunk::new("very.secret.token", 0)).contains("secret"));
}

#[test]
fn half_a_frame_waits() {
    let mut trunk = Trunk::new("token", 0);
    let mut input = BytesMut::from(&[0, 0][..]);
    assert_eq!(trunk.take(&mut input), Ok(None));
    assert_eq!(input.len(), 2);
}
