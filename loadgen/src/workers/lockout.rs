//! Addresses that have just failed to prove themselves: nobody there is let in for a moment, so that guessing a token
//! takes an address a second for each guess.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long an address is locked out.
pub(super) const LOCKOUT: Duration = Duration::from_secs(1);

/// Most addresses remembered; beyond it, the oldest are let in early.
const ADDRESSES_MAX: usize = 4_096;

/// Until when which address is locked out.
#[derive(Debug, Default)]
pub(super) struct Lockouts(HashMap<IpAddr, Instant>);

impl Lockouts {
    /// Somebody at `address` has failed.
    pub(super) fn note_failure(&mut self, address: IpAddr, now: Instant) {
        if self.0.len() >= ADDRESSES_MAX {
            self.0.retain(|_, until| *until > now);
        }
        if self.0.len() >= ADDRESSES_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, until)| **until).map(|(address, _)| *address)
        {
            self.0.remove(&oldest);
        }
        self.0.insert(address, now + LOCKOUT);
    }

    /// Whether nobody at `address` is let in now.
    pub(super) fn is_locked(&self, address: IpAddr, now: Instant) -> bool {
        self.0.get(&address).is_some_and(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_failure_locks_its_address_out_and_no_other() {
        let (mut lockouts, now) = (Lockouts::default(), Instant::now());
        let (one, two) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        lockouts.note_failure(one, now);
        assert!(lockouts.is_locked(one, now) && !lockouts.is_locked(two, now));
        assert!(!lockouts.is_locked(one, now + LOCKOUT));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut lockouts, now) = (Lockouts::default(), Instant::now());
        for number in 0..2 * ADDRESSES_MAX as u32 {
            lockouts.note_failure(Ipv4Addr::from(number).into(), now);
        }
        assert_eq!(lockouts.0.len(), ADDRESSES_MAX);
    }
}
