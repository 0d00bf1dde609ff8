//! Who there is, and who talks with whom: drawn from the seed, the same for the same seed and scenario, whatever the
//! number of threads and processes.
//!
//! The population is split into *communities*. A conversation never leaves its community, and a community never leaves
//! its thread, so every ledger is kept without a lock and closed where it is kept. Clients are numbered from 0 over the
//! whole run; users are `first_user + number`.

use std::ops::Range;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use crate::scenario::Scenario;

/// The name of a conversation before the server has given it one: community, then place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationKey {
    /// Which community.
    pub community: u32,
    /// Its place there.
    pub index: u32,
}

impl From<ConversationKey> for u64 {
    fn from(key: ConversationKey) -> Self {
        Self::from(key.community) << 32 | Self::from(key.index)
    }
}

/// What kind of conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Of two.
    Direct,
    /// Of many; the first member makes it.
    Group,
}

/// A conversation of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its name.
    pub key: ConversationKey,
    /// Direct or group.
    pub kind: Kind,
    /// Clients by number; ascending in a direct conversation.
    pub members: Vec<u32>,
}

/// A closed set of clients with all their conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    /// Its number, from 0.
    pub index: u32,
    /// Its clients.
    pub clients: Range<u32>,
    /// Direct conversations first, then groups.
    pub conversations: Vec<Planned>,
}

/// The communities of a scenario: contiguous ranges of clients. The last takes what is over.
#[must_use]
pub fn communities(scenario: &Scenario) -> Vec<Range<u32>> {
    let size = community_clients(scenario);
    let count = (scenario.clients / size).max(1);
    (0..count)
        .map(|index| match index + 1 == count {
            true => index * size..scenario.clients,
            false => index * size..(index + 1) * size,
        })
        .collect()
}

/// Clients of each community: as the scenario says, but never fewer than a conversation needs.
fn community_clients(scenario: &Scenario) -> u32 {
    let contacts = scenario.direct.as_ref().map_or(1, |direct| direct.contacts.saturating_add(1));
    let members = scenario.group.as_ref().map_or(1, |group| group.members);
    // A pair too few leaves somebody alone: keep the number even for one-to-one.
    let needed = contacts.max(members).next_multiple_of(if scenario.direct.is_some() { 2 } else { 1 });
    scenario.community_clients.unwrap_or(needed).max(needed).min(scenario.clients)
}

/// Divides communities among workers: contiguous, with about the same number of clients for each. Workers without
/// any community are left out.
#[must_use]
pub fn divide(communities: &[Range<u32>], workers: u32) -> Vec<Range<u32>> {
    let clients = u64::from(communities.last().map_or(0, |last| last.end));
    let workers = u64::from(workers.max(1));
    let boundary =
        |worker: u64| communities.partition_point(|range| u64::from(range.start) * workers < worker * clients) as u32;
    (0..workers).map(|worker| boundary(worker)..boundary(worker + 1)).filter(|range| !range.is_empty()).collect()
}

impl Community {
    /// Draws the conversations of one community.
    #[must_use]
    pub fn draw(scenario: &Scenario, seed: u64, index: u32, clients: Range<u32>) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut members = Vec::new();
        if let Some(direct) = &scenario.direct {
            members.extend(draw_pairs(&clients, direct.contacts, &mut random).map(|pair| (Kind::Direct, pair)));
        }
        if let Some(group) = &scenario.group {
            let count = f64::from(clients.end - clients.start) * group.groups_per_client / f64::from(group.members);
            let groups = draw_groups(&clients, (count.round() as u32).max(1), group.members, &mut random);
            members.extend(groups.into_iter().map(|group| (Kind::Group, group)));
        }
        let conversations = (0..).zip(members).map(|(place, (kind, members))| Planned {
            key: ConversationKey { community: index, index: place },
            kind,
            members,
        });
        Self { index, conversations: conversations.collect(), clients }
    }
}

/// In each of `contacts` rounds everybody is paired with one other; a pair drawn twice is one conversation.
fn draw_pairs(clients: &Range<u32>, contacts: u32, random: &mut StdRng) -> impl Iterator<Item = Vec<u32>> {
    let mut order: Vec<u32> = clients.clone().collect();
    let mut pairs = Vec::new();
    for _ in 0..contacts {
        order.shuffle(random);
        let (couples, _) = order.as_chunks::<2>();
        pairs.extend(couples.iter().map(|[a, b]| [*a.min(b), *a.max(b)]));
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs.into_iter().map(|pair| pair.to_vec())
}

/// Groups without a member twice; everybody is in about as many of them.
fn draw_groups(clients: &Range<u32>, groups: u32, members: u32, random: &mut StdRng) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = clients.clone().collect();
    let members = (members as usize).min(order.len());
    let mut at = order.len();
    (0..groups)
        .map(|_| {
            if order.len() - at < members {
                order.shuffle(random);
                at = 0;
            }
            at += members;
            order[at - members..at].to_vec()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(name: &str, clients: u32) -> Scenario {
        Scenario { clients, ..Scenario::load(name).unwrap() }
    }

    fn draw_all(scenario: &Scenario, seed: u64) -> Vec<Community> {
        let ranges = communities(scenario);
        (0..).zip(ranges).map(|(index, clients)| Community::draw(scenario, seed, index, clients)).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_population_and_another_one_another() {
        let scenario = scenario("mixed", 2_000);
        assert_eq!(draw_all(&scenario, 7), draw_all(&scenario, 7));
        assert_ne!(draw_all(&scenario, 7), draw_all(&scenario, 8));
    }

    #[test]
    fn everybody_has_a_pair_and_nobody_talks_beyond_the_community() {
        let scenario = scenario("mixed", 1_050);
        for community in draw_all(&scenario, 1) {
            let mut talking: Vec<u32> =
                community.conversations.iter().flat_map(|planned| planned.members.clone()).collect();
            talking.sort_unstable();
            talking.dedup();
            assert_eq!(talking, community.clients.clone().collect::<Vec<_>>());
        }
    }

    #[test]
    fn groups_have_their_size_and_no_member_twice() {
        for community in draw_all(&scenario("group", 2_030), 3) {
            for group in &community.conversations {
                let mut members = group.members.clone();
                members.sort_unstable();
                members.dedup();
                assert_eq!((members.len(), group.kind), (100, Kind::Group));
            }
        }
    }

    #[test]
    fn workers_share_all_communities_evenly() {
        let ranges = communities(&scenario("direct", 10_001));
        assert_eq!(ranges.last().unwrap().end, 10_001);
        let shares = divide(&ranges, 3);
        assert_eq!((shares[0].start, shares[2].end as usize), (0, ranges.len()));
        assert!(shares.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(shares.iter().all(|share| share.len().abs_diff(ranges.len() / 3) <= 1));
        assert_eq!(divide(&communities(&scenario("group", 150)), 4).len(), 1);
    }

    #[test]
    fn an_odd_population_leaves_one_alone_and_no_conversation_of_one() {
        let all = draw_all(&scenario("direct", 7), 1);
        let pairs: Vec<_> = all.iter().flat_map(|community| &community.conversations).collect();
        assert_eq!(pairs.len(), 3);
        assert!(pairs.iter().all(|pair| pair.members.len() == 2 && pair.members[0] < pair.members[1]));
    }
}
