//! What the harness writes into a message so that every recipient can judge it alone.
//!
//! A body is a header of [`HEADER_BYTES`] and padding up to the wished size. The header names the run, the
//! conversation, the sender, the sender's counter there, and the intended time of the send; a checksum covers all the
//! rest. Nothing else is needed to measure a delivery or to account for it.

use bytes::{BufMut, Bytes, BytesMut};
use xxhash_rust::xxh3::xxh3_64;

/// Bytes of a header; the smallest body there is.
pub const HEADER_BYTES: usize = 40;

const CHECKSUM_BYTES: usize = 8;

/// The header of a message of this harness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Which run wrote it: drawn anew for each run.
    pub run_id: u64,
    /// [`crate::population::ConversationKey`] as a number.
    pub conversation: u64,
    /// The sender's place among the members of the conversation, from 0.
    pub sender: u32,
    /// Counts the sends of this sender in this conversation, from 0.
    pub counter: u32,
    /// When the schedule wanted it sent: microseconds of [`crate::clock`].
    pub intended_us: u64,
}

/// What a received body turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// A message of this harness, whole.
    Whole(Header),
    /// Not one of ours: too short, or not begun by a run's id that we know.
    Foreign,
    /// Begins like one of ours, and is damaged.
    Damaged,
}

/// Writes a body of `body_bytes` (at least [`HEADER_BYTES`]).
#[must_use]
pub fn encode(header: &Header, body_bytes: usize) -> Bytes {
    let length = body_bytes.max(HEADER_BYTES);
    let mut body = BytesMut::with_capacity(length);
    body.put_u64_le(header.run_id);
    body.put_u64_le(0);
    body.put_u64_le(header.conversation);
    body.put_u32_le(header.sender);
    body.put_u32_le(header.counter);
    body.put_u64_le(header.intended_us);
    body.resize(length, header.counter as u8);
    let checksum = xxh3_64(&body[8 + CHECKSUM_BYTES..]) ^ header.run_id;
    body[8..8 + CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
    body.freeze()
}

/// Reads a body of the run `run_id`.
#[must_use]
pub fn parse(body: &[u8], run_id: u64) -> Parsed {
    let Some((header, _)) = body.split_first_chunk::<HEADER_BYTES>() else {
        return Parsed::Foreign;
    };
    if number(header, 0) != run_id {
        return Parsed::Foreign;
    }
    if xxh3_64(&body[8 + CHECKSUM_BYTES..]) ^ run_id != number(header, 8) {
        return Parsed::Damaged;
    }
    Parsed::Whole(Header {
        run_id,
        conversation: number(header, 16),
        sender: number(header, 24) as u32,
        counter: (number(header, 24) >> 32) as u32,
        intended_us: number(header, 32),
    })
}

fn number(header: &[u8; HEADER_BYTES], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[at..at + 8]);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            run_id: 0x1234_5678_9abc_def0,
            conversation: 7 << 32 | 9,
            sender: 3,
            counter: 70_001,
            intended_us: 123_456_789_012,
        }
    }

    #[test]
    fn a_body_is_read_as_it_was_written() {
        let body = encode(&header(), 150);
        assert_eq!(body.len(), 150);
        assert_eq!(parse(&body, header().run_id), Parsed::Whole(header()));
        assert_eq!(encode(&header(), 0).len(), HEADER_BYTES);
    }

    #[test]
    fn any_flipped_bit_after_the_run_id_is_noticed() {
        let body = encode(&header(), 64);
        for at in 8..body.len() {
            for bit in 0..8 {
                let mut damaged = body.to_vec();
                damaged[at] ^= 1 << bit;
                assert_eq!(parse(&damaged, header().run_id), Parsed::Damaged, "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn a_shortened_body_is_damaged_and_other_bytes_are_foreign() {
        let body = encode(&header(), 150);
        assert_eq!(parse(&body[..149], header().run_id), Parsed::Damaged);
        assert_eq!(parse(&body[..20], header().run_id), Parsed::Foreign);
        assert_eq!(parse(&body, 1), Parsed::Foreign);
        assert_eq!(parse(b"", 1), Parsed::Foreign);
    }
}
