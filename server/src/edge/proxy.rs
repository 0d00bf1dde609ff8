//! The header with which a trusted proxy begins a connection: whom it brings (PROXY protocol, version 2).
//!
//! Binary and in one piece, before anything else. Its extensions are skipped. What does not begin like a header is refused
//! at its first wrong byte, and a longer one than any proxy writes at its length, so little of it is ever kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// With this every header begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, length.
const FIXED_BYTES: usize = 16;
/// Most bytes that may follow: the addresses, and more extensions than proxies write.
const VARIABLE_BYTES_MAX: usize = 4_096;
/// Version 2 in the upper half of the byte behind the signature.
const VERSION: u8 = 0x20;

/// On whose behalf a connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client's, who is there.
    Client(IpAddr),
    /// The proxy's own, or it does not say: the socket's address counts.
    Proxy,
}

/// Why something is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// It does not begin like one.
    #[error("no PROXY header of version 2 came first")]
    Missing,
    /// Its version or command is not one that there is.
    #[error("the PROXY header has an unknown version or command")]
    Unknown,
    /// It is about no TCP connection.
    #[error("the PROXY header is not about TCP over IPv4 or IPv6")]
    Family,
    /// It is too short for its addresses.
    #[error("the PROXY header is too short for its addresses")]
    TooShort,
    /// It is longer than any proxy writes.
    #[error("the PROXY header holds more than {VARIABLE_BYTES_MAX} bytes")]
    TooLong,
}

/// Reads a header: whom it brings, and how long it is. `None` when it is not whole yet.
///
/// # Errors
/// It is no header that is taken here.
pub fn parse(bytes: &[u8]) -> Result<Option<(Origin, usize)>, HeaderFault> {
    let compared = bytes.len().min(SIGNATURE.len());
    if bytes[..compared] != SIGNATURE[..compared] {
        return Err(HeaderFault::Missing);
    }
    let Some((fixed, rest)) = bytes.split_at_checked(FIXED_BYTES) else { return Ok(None) };
    let command = fixed[12].checked_sub(VERSION).filter(|command| *command <= 1).ok_or(HeaderFault::Unknown)?;
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if length > VARIABLE_BYTES_MAX {
        return Err(HeaderFault::TooLong);
    }
    let Some(variable) = rest.get(..length) else { return Ok(None) };
    let origin = if command == 0 { Origin::Proxy } else { origin(fixed[13], variable)? };
    Ok(Some((origin, FIXED_BYTES + length)))
}

/// Whose address stands first among the addresses of a family.
fn origin(family: u8, variable: &[u8]) -> Result<Origin, HeaderFault> {
    // Source, destination, and a port for each.
    let addresses = |bytes: usize| variable.get(..2 * bytes + 4).ok_or(HeaderFault::TooShort);
    match family {
        0x00 => Ok(Origin::Proxy),
        0x11 => {
            let source = addresses(4)?.first_chunk::<4>().expect("it holds two of them");
            Ok(Origin::Client(Ipv4Addr::from(*source).into()))
        }
        0x21 => {
            let source = addresses(16)?.first_chunk::<16>().expect("it holds two of them");
            Ok(Origin::Client(Ipv6Addr::from(*source).to_canonical()))
        }
        _ => Err(HeaderFault::Family),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(command: u8, family: u8, variable: &[u8]) -> Vec<u8> {
        let length = u16::try_from(variable.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, variable].concat()
    }

    const V4: &[u8] = &[192, 0, 2, 7, 10, 0, 0, 1, 0x1f, 0x90, 0, 80];

    #[test]
    fn clients_over_either_protocol_are_named() {
        let v6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[9], &[0; 20]].concat();
        let mapped = [&[0; 10][..], &[255, 255, 192, 0, 2, 7], &[0; 20]].concat();
        for (bytes, expected) in [
            (header(0x21, 0x11, V4), "192.0.2.7"),
            (header(0x21, 0x21, &v6), "2001:db8::9"),
            (header(0x21, 0x21, &mapped), "192.0.2.7"),
            // With an extension behind the addresses.
            (header(0x21, 0x11, &[V4, &[0x03, 0, 4, 1, 2, 3, 4]].concat()), "192.0.2.7"),
        ] {
            let origin = Origin::Client(expected.parse().unwrap());
            assert_eq!(parse(&[&bytes[..], b"more"].concat()), Ok(Some((origin, bytes.len()))));
        }
    }

    #[test]
    fn a_proxy_may_come_for_itself_or_not_say() {
        for bytes in [header(0x20, 0, &[]), header(0x20, 0x11, V4), header(0x21, 0, &[1, 2, 3])] {
            assert_eq!(parse(&bytes), Ok(Some((Origin::Proxy, bytes.len()))));
        }
    }

    #[test]
    fn every_part_of_a_header_waits_for_its_rest() {
        let whole = header(0x21, 0x11, V4);
        (0..whole.len()).for_each(|length| assert_eq!(parse(&whole[..length]), Ok(None), "{length}"));
    }

    #[test]
    fn what_is_no_header_is_refused_as_soon_as_it_shows() {
        let long = [&header(0x21, 0x11, &[])[..14], &[0xff, 0xff]].concat();
        for (bytes, fault) in [
            (b"G".to_vec(), HeaderFault::Missing),
            (b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(), HeaderFault::Missing),
            (b"\r\n\r\n\0\r\nQUIT\r".to_vec(), HeaderFault::Missing),
            (header(0x11, 0x11, V4), HeaderFault::Unknown),
            (header(0x22, 0x11, V4), HeaderFault::Unknown),
            (header(0x31, 0x11, V4), HeaderFault::Unknown),
            (header(0x21, 0x12, V4), HeaderFault::Family),
            (header(0x21, 0x31, &[0; 216]), HeaderFault::Family),
            (header(0x21, 0x11, &V4[1..]), HeaderFault::TooShort),
            (header(0x21, 0x21, &[0; 35]), HeaderFault::TooShort),
            (long, HeaderFault::TooLong),
        ] {
            assert_eq!(parse(&bytes), Err(fault), "{bytes:?}");
        }
    }
}
