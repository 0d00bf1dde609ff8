//! Payloads come back whole, however the bytes are split; errors are exact; garbage does no harm.

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::{FrameError, append_frame, decode_frame, decode_frame_mut, encode_frame, peek_frame};
use hubbub_codec::proto;
use proptest::collection::vec;
use proptest::prelude::*;

const MAX: usize = 300;

fn framed(payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(payload);
    bytes
}

proptest! {
    #[test]
    fn any_split(payloads in vec(vec(any::<u8>(), 1..MAX), 0..6), cuts in vec(1..40_usize, 1..20)) {
        let wire: Vec<u8> = payloads.iter().flat_map(|payload| framed(payload)).collect();
        let mut buffer = BytesMut::new();
        let mut found = Vec::new();
        let mut rest = &wire[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            buffer.extend_from_slice(now);
            rest = later;
            while let Some(payload) = decode_frame_mut(&mut buffer, MAX).unwrap() {
                found.push(payload.to_vec());
            }
        }
        prop_assert_eq!(found, payloads);
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn any_bytes(input in vec(any::<u8>(), 0..64), max in 0..64_usize) {
        let peeked = peek_frame(&input, max);
        let prefix: Option<[u8; 4]> = input.first_chunk().copied();
        let length = prefix.map(|prefix| u32::from_be_bytes(prefix) as usize);
        let expected = match length {
            None => Ok(None),
            Some(0) => Err(FrameError::Empty),
            Some(length) if length > max => Err(FrameError::TooLong { length, max }),
            Some(length) if input.len() < 4 + length => Ok(None),
            Some(length) => Ok(Some(4..4 + length)),
        };
        prop_assert_eq!(&peeked, &expected);

        let mut bytes = Bytes::from(input.clone());
        let mut bytes_mut = BytesMut::from(&input[..]);
        let taken = decode_frame(&mut bytes, max);
        prop_assert_eq!(&taken, &decode_frame_mut(&mut bytes_mut, max));
        prop_assert_eq!(&bytes, &bytes_mut.freeze());
        match expected {
            Ok(Some(range)) => {
                prop_assert_eq!(&taken.unwrap().unwrap()[..], &input[range.clone()]);
                prop_assert_eq!(&bytes[..], &input[range.end..]);
            }
            _ => prop_assert_eq!(&bytes[..], &input[..]),
        }
    }
}

#[test]
fn payloads_are_not_copied() {
    let mut wire = Bytes::from(framed(b"payload"));
    let place = wire[4..].as_ptr();
    let payload = decode_frame(&mut wire, MAX).unwrap().unwrap();
    assert_eq!(payload.as_ptr(), place);
}

#[test]
fn both_encoders_write_the_same() {
    let ping = proto::Ping { nonce: 5 };
    let mut appended = BytesMut::from(&b"before"[..]);
    append_frame(&ping, &mut appended);
    let encoded = encode_frame(&ping);
    assert_eq!(&appended[6..], &encoded[..]);
    assert_eq!(peek_frame(&encoded, MAX), Ok(Some(4..encoded.len())));
}
