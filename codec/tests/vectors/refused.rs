//! Bytes that are no frame are refused, before they are read where that can be told; what is only unknown is not.

use bytes::Bytes;
use hubbub_codec::frame::{FrameError, decode_frame};
use hubbub_codec::proto::{ClientFrame, ServerFrame};
use prost::Message;
use serde::Deserialize;

use crate::files::{from_hex, from_json, load, message};

#[derive(Deserialize)]
struct RefusedFile {
    frame_bytes_max: usize,
    frames: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    direction: String,
    hex: String,
    outcome: String,
    json: Option<serde_json::Value>,
}

/// What a reader makes of the bytes.
fn outcome(case: &Case, frame_bytes_max: usize) -> &'static str {
    let payload = match decode_frame(&mut Bytes::from(from_hex(&case.hex)), frame_bytes_max) {
        Err(FrameError::Empty | FrameError::TooLong { .. }) => return "bad_frame",
        Ok(None) => return "incomplete",
        Ok(Some(payload)) => payload,
    };
    let has_body = if case.direction == "up" {
        ClientFrame::decode(payload).map(|frame| frame.body.is_some())
    } else {
        ServerFrame::decode(payload).map(|frame| frame.body.is_some())
    };
    match has_body {
        Err(_) => "bad_frame",
        Ok(false) => "no_body",
        Ok(true) => "message",
    }
}

#[test]
fn each_as_it_is_said() {
    let file: RefusedFile = load("refused_frames.json");
    for case in &file.frames {
        assert_eq!(outcome(case, file.frame_bytes_max), case.outcome, "{}", case.name);
        if let Some(json) = &case.json {
            let said = from_json(message("hubbub.chat.v1.ClientFrame"), json);
            let read = ClientFrame::decode(&from_hex(&case.hex)[4..]).unwrap();
            assert_eq!(read, ClientFrame::decode(&said.encode_to_vec()[..]).unwrap(), "{}", case.name);
        }
    }
}

#[test]
fn a_recorded_frame_is_incomplete_until_its_last_byte() {
    let file: crate::files::FrameFile = load("client_frames.json");
    for frame in &file.frames {
        let bytes = from_hex(&frame.hex);
        for length in 0..bytes.len() {
            let mut part = Bytes::copy_from_slice(&bytes[..length]);
            assert_eq!(decode_frame(&mut part, 65_536), Ok(None), "{} at {length}", frame.name);
        }
    }
}
