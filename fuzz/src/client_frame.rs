//! What a server does with the bytes of a client: frames, then messages.

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::{append_frame, decode_frame};
use hubbub_codec::proto::ClientFrame;
use prost::Message;

const FRAME_BYTES_MAX: usize = 4_096;

/// Reads `input` as the bytes of a connection. What decodes must survive being encoded and decoded again.
pub fn client_frame(input: &[u8]) {
    let mut rest = Bytes::copy_from_slice(input);
    while let Ok(Some(payload)) = decode_frame(&mut rest, FRAME_BYTES_MAX) {
        let Ok(frame) = ClientFrame::decode(payload) else {
            return;
        };
        if frame.encoded_len() == 0 {
            // Nothing but unknown fields; encoded anew, it would be a frame of length 0.
            continue;
        }
        let mut encoded = BytesMut::new();
        append_frame(&frame, &mut encoded);
        let payload = decode_frame(&mut encoded.freeze(), usize::MAX).expect("a valid prefix").expect("a whole frame");
        let again = ClientFrame::decode(payload).expect("a valid message");
        assert_eq!(again, frame);
    }
}
