//! How many connections each address has open, so that none takes the room of all.
//!
//! An IPv6 address counts with all of its /64, which is what one customer has. An address is remembered while it has a
//! connection and no longer, so what is remembered is bounded by the connections there are.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

/// Parts with a lock each, so that shards do not meet.
const PARTS: usize = 16;

/// What is counted as one: an IPv4 address, or the first half of an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    V4(u32),
    V6(u64),
}

impl Source {
    /// What an address belongs to.
    pub(crate) fn of(address: IpAddr) -> Source {
        // An IPv4 client of a socket that takes both shows as ::ffff:a.b.c.d.
        match address.to_canonical() {
            IpAddr::V4(address) => Source::V4(address.to_bits()),
            IpAddr::V6(address) => Source::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// An address has as many connections as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this address has as many connections as it may")]
pub struct TooMany;

/// See the module.
#[derive(Debug)]
pub struct Addresses {
    /// 0: no limit, and nothing is counted.
    max: usize,
    pick: RandomState,
    parts: Box<[Mutex<Part>]>,
}

/// By what they are counted as.
type Part = HashMap<Source, Weak<Entry>>;

/// An address with connections. Each holds a reference to it, so there are as many as references.
#[derive(Debug)]
struct Entry {
    source: Source,
    addresses: Arc<Addresses>,
}

/// A connection's place among those of its address, until it is dropped.
#[derive(Debug)]
pub struct Place(#[expect(dead_code, reason = "held, and dropped")] Arc<Entry>);

impl Addresses {
    /// So many connections for each; 0: any number.
    #[must_use]
    pub fn new(max: usize) -> Arc<Addresses> {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        Arc::new(Addresses { max, pick: RandomState::new(), parts })
    }

    /// A place for one more connection; `None` when there is no limit.
    ///
    /// # Errors
    /// The address has as many as it may.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Option<Place>, TooMany> {
        if self.max == 0 {
            return Ok(None);
        }
        // It is dropped, if it must be, when the lock is free again: the last one takes that itself.
        let (entry, others) = self.entry(Source::of(address));
        if others < self.max { Ok(Some(Place(entry))) } else { Err(TooMany) }
    }

    /// The entry of an address, with one more reference, and how many there were before.
    fn entry(self: &Arc<Self>, source: Source) -> (Arc<Entry>, usize) {
        let mut part = self.part(source).lock();
        if let Some(entry) = part.get(&source).and_then(Weak::upgrade) {
            let others = Arc::strong_count(&entry) - 1;
            return (entry, others);
        }
        let entry = Arc::new(Entry { source, addresses: self.clone() });
        part.insert(source, Arc::downgrade(&entry));
        (entry, 0)
    }

    fn part(&self, source: Source) -> &Mutex<Part> {
        &self.parts[self.pick.hash_one(source) as usize % PARTS]
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut part = self.addresses.part(self.source).lock();
        // Another may have taken the name since.
        if part.get(&self.source).is_some_and(|entry| entry.strong_count() == 0) {
            part.remove(&self.source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn remembered(addresses: &Addresses) -> usize {
        addresses.parts.iter().map(|part| part.lock().len()).sum()
    }

    #[test]
    fn each_address_has_its_places_and_gets_them_back() {
        let addresses = Addresses::new(2);
        let first = addresses.admit(ip("192.0.2.1")).unwrap();
        let second = addresses.admit(ip("::ffff:192.0.2.1")).unwrap();
        assert!(addresses.admit(ip("192.0.2.1")).is_err());
        assert!(addresses.admit(ip("192.0.2.2")).is_ok());
        drop(first);
        let third = addresses.admit(ip("192.0.2.1")).unwrap();
        assert!(addresses.admit(ip("192.0.2.1")).is_err());
        drop((second, third));
        assert_eq!(remembered(&addresses), 0);
    }

    #[test]
    fn a_customers_ipv6_addresses_count_together() {
        let addresses = Addresses::new(1);
        let _first = addresses.admit(ip("2001:db8:0:1::1")).unwrap();
        assert!(addresses.admit(ip("2001:db8:0:1:ffff::2")).is_err());
        assert!(addresses.admit(ip("2001:db8:0:2::1")).is_ok());
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let addresses = Addresses::new(0);
        assert!(addresses.admit(ip("192.0.2.1")).unwrap().is_none());
        assert_eq!(remembered(&addresses), 0);
    }

    #[test]
    fn threads_that_come_and_go_never_exceed_the_limit_and_leave_nothing() {
        use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
        let (addresses, open) = (Addresses::new(3), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let Ok(place) = addresses.admit(ip("192.0.2.1")) else { continue };
                        assert!(open.fetch_add(1, SeqCst) < 3);
                        open.fetch_sub(1, SeqCst);
                        drop(place);
                    }
                });
            }
        });
        assert_eq!(remembered(&addresses), 0);
    }
}
