//! Whom it is believed where a connection comes from: the addresses of proxies.

use std::net::IpAddr;
use std::str::FromStr;

/// Addresses and networks of proxies.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Trusted(Vec<Network>);

impl Trusted {
    /// Reads them, each `10.0.0.5`, `10.0.0.0/8` or `fd00::/8`.
    ///
    /// # Errors
    /// The first that is neither an address nor a network, and why.
    pub fn parse(texts: &[String]) -> Result<Trusted, (String, String)> {
        let one = |text: &String| text.parse().map_err(|why| (text.clone(), why));
        texts.iter().map(one).collect::<Result<_, _>>().map(Trusted)
    }

    /// Whether an address is one of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        // With none, which is usual, nothing is computed.
        !self.0.is_empty() && {
            let bits = bits(address);
            self.0.iter().any(|network| network.contains(bits))
        }
    }
}

/// An address as a number of 128 bits, IPv4 mapped into IPv6, with its family's first bit.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Where IPv4 begins in [`bits`].
const V4_PREFIX: u32 = 96;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Network {
    first: u128,
    /// Leading bits that all its addresses have.
    prefix: u32,
}

impl Network {
    fn contains(&self, bits: u128) -> bool {
        (self.first ^ bits) & mask(self.prefix) == 0
    }
}

fn mask(prefix: u32) -> u128 {
    u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().map_err(|_| {
            "this is no address or network; write one such as 10.0.0.5, 10.0.0.0/8 or fd00::/8".to_owned()
        })?;
        let (before, most) = if address.is_ipv4() { (V4_PREFIX, 32) } else { (0, 128) };
        let length = match length {
            None => most,
            Some(length) => length
                .parse()
                .ok()
                .filter(|length| *length <= most)
                .ok_or_else(|| format!("the length of a network's prefix is a number from 0 to {most} here"))?,
        };
        let network = Network { first: bits(address), prefix: before + length };
        if network.first & !mask(network.prefix) != 0 {
            return Err("it has bits behind its prefix; a network is written with its first address".to_owned());
        }
        Ok(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted(texts: &[&str]) -> Result<Trusted, (String, String)> {
        Trusted::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn addresses_and_networks_contain_what_they_should() {
        let trusted = trusted(&["10.1.0.0/16", "192.0.2.7", "fd00::/8", "2001:db8::1"]).unwrap();
        for (address, expected) in [
            ("10.1.255.255", true),
            ("10.2.0.0", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.1.2.3", true),
            ("fd12::5", true),
            ("fc00::1", false),
            ("2001:db8::1", true),
            ("2001:db8::2", false),
        ] {
            assert_eq!(trusted.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!Trusted::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn everybody_of_a_family_may_be_trusted() {
        let all = trusted(&["0.0.0.0/0"]).unwrap();
        assert!(all.contains("203.0.113.9".parse().unwrap()) && !all.contains("2001:db8::1".parse().unwrap()));
        assert!(trusted(&["::/0"]).unwrap().contains("203.0.113.9".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_named_with_the_way_out() {
        for (text, part) in [
            ("proxy.example.com", "such as 10.0.0.5"),
            ("10.0.0.0/33", "0 to 32"),
            ("fd00::/129", "0 to 128"),
            ("10.0.0.0/", "0 to 32"),
            ("10.0.0.1/8", "first address"),
        ] {
            let (named, why) = trusted(&["10.0.0.5", text]).unwrap_err();
            assert!(named == text && why.contains(part), "{text}: {why}");
        }
    }
}
