//! Which slot an id lives on: XXH3-64 (seed 0) of its 8 big-endian bytes, modulo 256. For gateways that route by it.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::files::{is_updating, load, store};

#[derive(Serialize, Deserialize)]
struct SlotFile {
    slots: u64,
    ids: Vec<SlotOf>,
}

#[derive(Serialize, Deserialize)]
struct SlotOf {
    /// Decimal.
    id: String,
    /// Hexadecimal, 16 digits.
    hash: String,
    slot: u64,
}

#[test]
fn by_the_hash_of_the_id() {
    let mut file: SlotFile = load("slots.json");
    if is_updating() {
        for of in &mut file.ids {
            let hash = xxh3_64(&of.id.parse::<u64>().unwrap().to_be_bytes());
            (of.hash, of.slot) = (format!("{hash:016x}"), hash % file.slots);
        }
        store("slots.json", &file);
    }
    for of in &file.ids {
        let hash = xxh3_64(&of.id.parse::<u64>().unwrap().to_be_bytes());
        assert_eq!((format!("{hash:016x}"), hash % file.slots), (of.hash.clone(), of.slot), "{}", of.id);
    }
}
