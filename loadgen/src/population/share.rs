//! Who belongs to a share of the population: decided by the seed, and even over every range, so that no community and
//! no thread has much more or less of them than another.

use crate::schedule::{StreamKind, draw};

/// The part of the circle between neighbours that spreads them most evenly: the golden ratio's.
const STEP: f64 = 0.618_033_988_749_894_9;

/// A share of things that are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    begin: f64,
    share: f64,
}

impl Share {
    /// The part `share` (0 to 1) of them, for a purpose.
    #[must_use]
    pub fn new(seed: u64, purpose: StreamKind, share: f64) -> Self {
        Self { begin: draw(seed, [0, 0, u64::from(purpose as u32) << 32]), share }
    }

    /// Whether this one belongs to it.
    #[must_use]
    pub fn has(&self, number: u32) -> bool {
        (self.begin + f64::from(number) * STEP).fract() < self.share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_kept_in_every_range_and_differs_with_the_seed() {
        for part in [0.1, 0.5, 0.9] {
            let share = Share::new(7, StreamKind::Storm, part);
            for begin in [0, 1_000, 5_000_000] {
                let count = (begin..begin + 100).filter(|number| share.has(*number)).count();
                assert!(count.abs_diff((part * 100.0) as usize) <= 2, "{part} from {begin}: {count}");
            }
        }
        let of = |seed| (0..100).filter(|n| Share::new(seed, StreamKind::Storm, 0.5).has(*n)).collect::<Vec<_>>();
        assert_eq!(of(7), of(7));
        assert_ne!(of(7), of(8));
    }

    #[test]
    fn all_and_nobody_are_shares() {
        let count = |part| (0..1_000).filter(|n| Share::new(1, StreamKind::Away, part).has(*n)).count();
        assert_eq!((count(0.0), count(1.0)), (0, 1_000));
    }
}
