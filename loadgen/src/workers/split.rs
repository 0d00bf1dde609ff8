//! Who drives which part of the population: communities by machine, then by thread. A community is never divided, so no
//! conversation leaves its thread, and what is sent does not depend on the split.

use std::ops::Range;

use crate::engine::plan::Share;
use crate::population::divide;

/// Descriptors that a process keeps for other things than connections.
pub const DESCRIPTORS_SPARE: u64 = 200;

/// What a machine has to give.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    /// Threads; machines take part in this proportion.
    pub(super) threads: u32,
    /// Processes; `None`: as many as the descriptors ask for.
    pub(super) processes: Option<u32>,
    /// Descriptors that each process may open.
    pub(super) descriptors_max: u64,
}

/// A machine's part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lot {
    /// Processes, at most one for each thread.
    pub(super) processes: u32,
    /// Its threads, numbered over the whole run.
    pub(super) shares: Vec<Share>,
    /// Clients of each of these.
    pub(super) clients: Vec<u32>,
}

/// How many processes `clients` need, when each may open `descriptors_max`.
#[must_use]
pub fn processes_needed(clients: u32, descriptors_max: u64) -> u32 {
    let room = descriptors_max.saturating_sub(DESCRIPTORS_SPARE).max(1);
    u32::try_from(u64::from(clients).div_ceil(room)).unwrap_or(u32::MAX)
}

/// A lot for each offer, in their order; one that no community is left for has no shares.
pub(super) fn split(communities: &[Range<u32>], offers: &[Offer]) -> Vec<Lot> {
    let mut lots: Vec<Lot> = by_weight(communities, offers)
        .into_iter()
        .zip(offers)
        .map(|(range, offer)| lot(communities, range, offer))
        .collect();
    let threads = lots.iter().map(|lot| lot.shares.len() as u32).sum();
    let shares = lots.iter_mut().flat_map(|lot| &mut lot.shares);
    for (number, share) in (0..).zip(shares) {
        (share.worker, share.workers) = (number, threads);
    }
    lots
}

/// Contiguous ranges of communities, with clients in proportion to the threads.
fn by_weight(communities: &[Range<u32>], offers: &[Offer]) -> Vec<Range<usize>> {
    let clients = u128::from(communities.last().map_or(0, |last| last.end));
    let weight = |offers: &[Offer]| offers.iter().map(|offer| u128::from(offer.threads.max(1))).sum::<u128>();
    let whole = weight(offers);
    let boundary = |machines: usize| {
        let before = weight(&offers[..machines]);
        communities.partition_point(|range| u128::from(range.start) * whole < before * clients)
    };
    (0..offers.len()).map(|machine| boundary(machine)..boundary(machine + 1)).collect()
}

fn lot(communities: &[Range<u32>], range: Range<usize>, offer: &Offer) -> Lot {
    let mine = &communities[range.clone()];
    let (Some(first), Some(last)) = (mine.first(), mine.last()) else {
        return Lot::default();
    };
    let processes = offer.processes.unwrap_or_else(|| processes_needed(last.end - first.start, offer.descriptors_max));
    let from_zero: Vec<_> = mine.iter().map(|clients| clients.start - first.start..clients.end - first.start).collect();
    let parts = divide(&from_zero, offer.threads.max(processes));
    let clients = |part: &Range<u32>| from_zero[part.end as usize - 1].end - from_zero[part.start as usize].start;
    let offset = range.start as u32;
    Lot {
        processes: processes.min(parts.len() as u32).max(1),
        clients: parts.iter().map(clients).collect(),
        shares: parts
            .into_iter()
            .map(|part| Share { worker: 0, workers: 0, communities: part.start + offset..part.end + offset })
            .collect(),
    }
}

impl Lot {
    /// The shares of each process.
    pub(super) fn by_process(&self) -> Vec<Vec<Share>> {
        let mut processes = vec![Vec::new(); self.processes as usize];
        for (at, share) in self.shares.iter().enumerate() {
            processes[at % self.processes as usize].push(share.clone());
        }
        processes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn offer(threads: u32) -> Offer {
        Offer { threads, processes: None, descriptors_max: 20_000 }
    }

    fn clients(lot: &Lot) -> u32 {
        lot.clients.iter().sum()
    }

    fn even(communities: u32, size: u32) -> Vec<Range<u32>> {
        (0..communities).map(|index| index * size..(index + 1) * size).collect()
    }

    #[test]
    fn as_many_processes_as_descriptors_ask_for() {
        assert_eq!(processes_needed(2_000, 20_000), 1);
        assert_eq!(processes_needed(19_800, 20_000), 1);
        assert_eq!(processes_needed(19_801, 20_000), 2);
        assert_eq!(processes_needed(100_000, 20_000), 6);
    }

    #[test]
    fn a_machine_with_three_times_the_threads_takes_three_times_the_clients() {
        let lots = split(&even(400, 2), &[offer(6), offer(2)]);
        assert_eq!((clients(&lots[0]), clients(&lots[1])), (600, 200));
        assert_eq!((lots[0].shares.len(), lots[1].shares.len()), (6, 2));
        assert_eq!((lots[1].shares[0].worker, lots[1].shares[0].workers), (6, 8));
    }

    #[test]
    fn a_machine_that_nothing_is_left_for_has_nothing() {
        let lots = split(&even(1, 100), &[offer(1), offer(1)]);
        assert_eq!((clients(&lots[0]), clients(&lots[1]), lots[1].shares.len()), (100, 0, 0));
    }

    #[test]
    fn many_clients_make_more_threads_than_were_offered() {
        let lots = split(&even(50_000, 2), &[offer(1), offer(1)]);
        assert_eq!((lots[0].processes, lots[0].shares.len()), (3, 3));
        assert_eq!(lots[0].by_process().iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    }

    proptest! {
        #[test]
        fn every_community_is_in_one_share(
            sizes in prop::collection::vec(1_u32..50, 1..60),
            machines in prop::collection::vec((1_u32..5, prop::option::of(1_u32..4)), 1..5),
        ) {
            let mut end = 0;
            let communities: Vec<_> = sizes.iter().map(|size| { end += size; end - size..end }).collect();
            let offers: Vec<_> = machines
                .iter()
                .map(|(threads, processes)| Offer { threads: *threads, processes: *processes, descriptors_max: 1_000 })
                .collect();
            let lots = split(&communities, &offers);
            let shares: Vec<_> = lots.iter().flat_map(|lot| lot.shares.clone()).collect();
            prop_assert!(shares.iter().enumerate().all(|(at, share)| share.worker as usize == at));
            prop_assert!(shares.iter().all(|share| share.workers as usize == shares.len()));
            let covered: Vec<_> = shares.iter().flat_map(|share| share.communities.clone()).collect();
            prop_assert_eq!(covered, (0..communities.len() as u32).collect::<Vec<_>>());
            prop_assert_eq!(lots.iter().map(clients).sum::<u32>(), end);
            for lot in &lots {
                prop_assert_eq!(lot.shares.len(), lot.by_process().iter().map(Vec::len).sum::<usize>());
            }
        }
    }
}
