//! `Debug` of no recorded frame shows a password, a token, an address or what people wrote.

use hubbub_codec::proto::{ClientFrame, ServerFrame};
use prost::Message;

use crate::files::{FRAME_FILES, FrameFile, from_hex, load};

/// What is in the vectors and must not be shown.
const HIDDEN: [&str; 9] = [
    "header.claims.signature",
    "correct horse",
    "another horse",
    "alice@example.org",
    "c2Vzc2lvbg",
    "aW52aXRl",
    "Good morning",
    "Good evening",
    "v=0",
];

#[test]
fn shows_none_of_it() {
    let mut held = 0;
    for file in FRAME_FILES.map(load::<FrameFile>) {
        for frame in &file.frames {
            let bytes = from_hex(&frame.hex);
            let shown = match file.message.as_str() {
                "hubbub.chat.v1.ClientFrame" => format!("{:?}", ClientFrame::decode(&bytes[4..]).unwrap()),
                _ => format!("{:?}", ServerFrame::decode(&bytes[4..]).unwrap()),
            };
            let text = String::from_utf8_lossy(&bytes);
            for hidden in HIDDEN {
                held += usize::from(text.contains(hidden));
                assert!(!shown.contains(hidden), "{}: {shown}", frame.name);
            }
        }
    }
    assert!(held > HIDDEN.len(), "the vectors hold what is hidden");
}
