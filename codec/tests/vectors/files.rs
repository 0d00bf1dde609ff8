//! The files of `proto/vectors`, and the messages by reflection.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A file of recorded frames.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FrameFile {
    /// Full name of the message of each frame.
    pub(crate) message: String,
    pub(crate) frames: Vec<Frame>,
}

/// One frame, length included, and what it says by proto3's JSON mapping.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) name: String,
    pub(crate) hex: String,
    pub(crate) json: serde_json::Value,
}

pub(crate) const FRAME_FILES: [&str; 3] = ["client_frames.json", "server_frames.json", "error_frames.json"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn is_updating() -> bool {
    std::env::var_os("UPDATE_VECTORS").is_some()
}

/// Tests run at once: one that reads must not see what another one has half written.
static FILES: Mutex<()> = Mutex::new(());

pub(crate) fn load<T: DeserializeOwned>(name: &str) -> T {
    let _alone = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root().join("proto/vectors").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) fn store(name: &str, content: &impl Serialize) {
    let text = serde_json::to_string_pretty(content).unwrap();
    let _alone = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(root().join("proto/vectors").join(name), text + "\n").unwrap();
}

/// The messages of `chat.proto`.
pub(crate) fn message(full_name: &str) -> MessageDescriptor {
    static POOL: OnceLock<DescriptorPool> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let proto = root().join("proto");
        let files = protox::compile([proto.join("chat/v1/chat.proto")], [proto]).unwrap();
        DescriptorPool::decode(files.encode_to_vec().as_slice()).unwrap()
    });
    pool.get_message_by_name(full_name).unwrap_or_else(|| panic!("{full_name}"))
}

/// The message that JSON says.
pub(crate) fn from_json(descriptor: MessageDescriptor, json: &serde_json::Value) -> DynamicMessage {
    DynamicMessage::deserialize(descriptor, json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// The JSON of a message, its fields in the order of their numbers.
pub(crate) fn to_json(message: &DynamicMessage) -> String {
    serde_json::to_string(message).unwrap()
}

/// Bytes of a message with its length before it. Fields are in the order of their numbers.
pub(crate) fn framed(message: &DynamicMessage) -> Vec<u8> {
    let payload = message.encode_to_vec();
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes().to_vec();
    frame.extend(payload);
    frame
}

pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hex(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}
