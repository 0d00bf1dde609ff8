//! Protobuf by hand: the few shapes that an entry is made of.

use crate::ids::UserId;
use bytes::{BufMut, BytesMut};

pub(super) const VARINT: u32 = 0;
pub(super) const FIXED64: u32 = 1;
pub(super) const BYTES: u32 = 2;

pub(super) fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

pub(super) fn put_key(out: &mut BytesMut, number: u32, wire: u32) {
    out.put_u8((number << 3 | wire) as u8);
}

// proto3 leaves out fields that hold their default.
pub(super) fn put_varint_field(out: &mut BytesMut, number: u32, value: u64) {
    if value != 0 {
        put_key(out, number, VARINT);
        put_varint(out, value);
    }
}

pub(super) fn put_fixed64_field(out: &mut BytesMut, number: u32, value: u64) {
    if value != 0 {
        put_key(out, number, FIXED64);
        out.put_u64_le(value);
    }
}

pub(super) fn put_bytes_field(out: &mut BytesMut, number: u32, value: &[u8]) {
    if !value.is_empty() {
        put_key(out, number, BYTES);
        put_varint(out, value.len() as u64);
        out.extend_from_slice(value);
    }
}

/// `repeated fixed64`, packed.
pub(super) fn put_users_field(out: &mut BytesMut, number: u32, users: &[UserId]) {
    if !users.is_empty() {
        put_key(out, number, BYTES);
        put_varint(out, users.len() as u64 * 8);
        for user in users {
            out.put_u64_le(user.0);
        }
    }
}

pub(super) fn varint_len(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

pub(super) fn varint_field_len(value: u64) -> usize {
    if value == 0 { 0 } else { 1 + varint_len(value) }
}

pub(super) fn bytes_field_len(len: usize) -> usize {
    if len == 0 { 0 } else { 1 + varint_len(len as u64) + len }
}

pub(super) fn get_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

pub(super) fn get_fixed64(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(u64::from_le_bytes(*bytes))
}

pub(super) fn get_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(get_varint(rest)?).ok()?;
    let (bytes, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(bytes)
}
