//! Each recorded frame decodes to what its JSON says, and encodes to the same again; every body and every code has one.

use std::collections::BTreeSet;
use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use hubbub_codec::frame::{append_frame, decode_frame};
use hubbub_codec::proto::{ClientFrame, ErrorCode, ServerFrame, server_frame};
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage};
use serde::Serialize;

use crate::files::{
    FRAME_FILES, Frame, FrameFile, framed, from_hex, from_json, is_updating, load, message, store, to_hex,
};

/// A [`FrameFile`] whose JSON has its fields in the order of their numbers.
#[derive(Serialize)]
struct WrittenFile {
    message: String,
    frames: Vec<WrittenFrame>,
}

#[derive(Serialize)]
struct WrittenFrame {
    name: String,
    hex: String,
    json: DynamicMessage,
}

fn files() -> Vec<FrameFile> {
    FRAME_FILES.into_iter().map(load_or_update).collect()
}

fn load_or_update(name: &str) -> FrameFile {
    let mut file: FrameFile = load(name);
    if is_updating() {
        let written = |frame: &mut Frame| {
            let json = from_json(message(&file.message), &frame.json);
            frame.hex = to_hex(&framed(&json));
            WrittenFrame { name: frame.name.clone(), hex: frame.hex.clone(), json }
        };
        let frames = file.frames.iter_mut().map(written).collect();
        store(name, &WrittenFile { message: file.message.clone(), frames });
    }
    file
}

/// What this implementation reads, it writes again with the same meaning.
fn read_and_write<T: Message + Default + PartialEq + Debug>(frame: &[u8]) -> Vec<u8> {
    let mut bytes = Bytes::copy_from_slice(frame);
    let payload = decode_frame(&mut bytes, 65_536).unwrap().expect("a whole frame");
    assert!(bytes.is_empty());
    let decoded = T::decode(payload).unwrap();
    let mut written = BytesMut::new();
    append_frame(&decoded, &mut written);
    written.to_vec()
}

#[test]
fn bytes_and_json_say_the_same() {
    for file in files() {
        let descriptor = message(&file.message);
        for frame in &file.frames {
            let bytes = from_hex(&frame.hex);
            let said = from_json(descriptor.clone(), &frame.json);
            assert_eq!(to_hex(&framed(&said)), frame.hex, "{}: encode", frame.name);
            let read = DynamicMessage::decode(descriptor.clone(), &bytes[4..]).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), frame.json, "{}: decode", frame.name);
            let written = match descriptor.name() {
                "ClientFrame" => read_and_write::<ClientFrame>(&bytes),
                _ => read_and_write::<ServerFrame>(&bytes),
            };
            // The order of the fields is the writer's choice.
            assert_eq!(written.len(), bytes.len(), "{}", frame.name);
            let again = DynamicMessage::decode(descriptor.clone(), &written[4..]).unwrap();
            assert_eq!(again, said, "{}: through this implementation", frame.name);
        }
    }
}

#[test]
fn names_are_unique() {
    let files = files();
    let names: Vec<_> = files.iter().flat_map(|file| &file.frames).map(|frame| &frame.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn every_body_has_a_frame() {
    let files = files();
    for full_name in ["hubbub.chat.v1.ClientFrame", "hubbub.chat.v1.ServerFrame"] {
        let descriptor = message(full_name);
        let body = descriptor.oneofs().next().unwrap();
        let frames: Vec<_> =
            files.iter().filter(|file| file.message == full_name).flat_map(|file| &file.frames).collect();
        for field in body.fields() {
            let has = frames.iter().any(|frame| frame.json.get(field.json_name()).is_some());
            assert!(has, "no frame with {}", field.name());
        }
    }
}

#[test]
fn every_recorded_change_has_a_frame() {
    let files = files();
    let text = serde_json::to_string(&files).unwrap();
    for field in message("hubbub.chat.v1.Event").fields() {
        assert!(text.contains(&format!("\"event\":{{\"{}\"", field.json_name())), "no frame with {}", field.name());
    }
}

#[test]
fn every_code_has_a_frame() {
    let file: FrameFile = load_or_update("error_frames.json");
    let codes: BTreeSet<_> = file
        .frames
        .iter()
        .map(|frame| match ServerFrame::decode(&from_hex(&frame.hex)[4..]).unwrap().body {
            Some(server_frame::Body::Error(error)) => error.code(),
            other => panic!("{}: {other:?}", frame.name),
        })
        .map(i32::from)
        .collect();
    let descriptor = DynamicMessage::new(message("hubbub.chat.v1.Error")).descriptor();
    let field = descriptor.get_field_by_name("code").unwrap();
    let all: BTreeSet<_> =
        field.kind().as_enum().unwrap().values().map(|value| value.number()).filter(|number| *number != 0).collect();
    assert_eq!(codes, all);
    assert_eq!(i32::from(ErrorCode::Unspecified), 0);
}
