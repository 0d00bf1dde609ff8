//! Who there is, and who talks with whom: drawn from the seed, the same for the same seed and scenario, whatever the
//! number of threads and processes.
//!
//! A *user* has one or several *clients*: devices with a session each. The population is split into *communities*. A
//! conversation never leaves its community, and a community never leaves its thread, so every ledger is kept without a
//! lock and closed where it is kept. Clients and users are numbered from 0 over the whole run; to the server, users are
//! `first_user + number`.
//!
//! | file | owns |
//! |---|---|
//! | `devices` | which clients are whose |
//! | `share` | who belongs to a share of the population |
//! | `watches` | whose presence a client watches |

mod devices;
mod share;
mod watches;

use std::ops::Range;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

pub use devices::Devices;
pub use share::Share;
pub use watches::watch_list;

use crate::distributions::Zipf;
use crate::scenario::{Group, Scenario};
use crate::schedule::{StreamKind, draw};

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
    /// Of many; the first of those who are there makes it.
    Group,
}

/// A conversation of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its name.
    pub key: ConversationKey,
    /// Direct or group.
    pub kind: Kind,
    /// Users by number; ascending in a direct conversation.
    pub users: Vec<u32>,
    /// The clients of those who take part: copies are owed to each of them. Neighbours are devices of one user. Users
    /// who never come back take no part, but are members to the server.
    pub members: Vec<u32>,
}

/// A closed set of clients with all their conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    /// Its number, from 0.
    pub index: u32,
    /// Its clients.
    pub clients: Range<u32>,
    /// Direct conversations first, then groups. None is without members.
    pub conversations: Vec<Planned>,
}

/// Who is there during the traffic: the others log in once, and then stay away.
#[must_use]
pub fn online(scenario: &Scenario, seed: u64) -> Share {
    Share::new(seed, StreamKind::Away, scenario.people.online_share)
}

/// The communities of a scenario: contiguous ranges of clients, of whole users. The last takes what is over.
#[must_use]
pub fn communities(scenario: &Scenario) -> Vec<Range<u32>> {
    let devices = Devices::of(scenario);
    let (size, users) = (community_users(scenario), devices.users());
    let count = (users / size).max(1);
    let begin = |index: u32| if index == count { scenario.clients } else { devices.first_client_of(index * size) };
    (0..count).map(|index| begin(index)..begin(index + 1)).collect()
}

/// Users of each community: as the scenario says, but never fewer than a conversation or a watch list needs.
fn community_users(scenario: &Scenario) -> u32 {
    let contacts = scenario.direct.as_ref().map_or(1, |direct| direct.contacts.saturating_add(1));
    let members = scenario.group.as_ref().map_or(1, |group| group.members);
    let watched = scenario.presence.as_ref().map_or(1, |presence| presence.watched.saturating_add(1));
    // A pair too few leaves somebody alone: keep the number even for one-to-one.
    let even = if scenario.direct.is_some() { 2 } else { 1 };
    let needed = contacts.max(members).max(watched).next_multiple_of(even);
    scenario.community_users.unwrap_or(needed).max(needed).min(Devices::of(scenario).users()).max(1)
}

/// Clients that send: those of users who are there.
#[must_use]
pub fn senders(scenario: &Scenario) -> f64 {
    f64::from(scenario.clients) * scenario.people.online_share
}

/// Users of a group, on average.
#[must_use]
pub fn members_mean(group: &Group) -> f64 {
    zipf(group).map_or(f64::from(group.members), |zipf| zipf.mean())
}

/// How many groups there are in all communities.
#[must_use]
pub fn groups(scenario: &Scenario) -> u64 {
    let devices = Devices::of(scenario);
    let Some(group) = &scenario.group else {
        return 0;
    };
    let mean = members_mean(group);
    let users = |clients: Range<u32>| devices.user_of(clients.end.max(1) - 1) + 1 - devices.user_of(clients.start);
    communities(scenario).into_iter().map(|clients| groups_of(group, mean, users(clients))).sum()
}

fn zipf(group: &Group) -> Option<Zipf> {
    group.zipf.map(|sizes| Zipf::new(sizes.min, group.members, sizes.exponent))
}

/// How many groups a community of `users` has, when they have `mean` members.
fn groups_of(group: &Group, mean: f64, users: u32) -> u64 {
    ((f64::from(users) * group.groups_per_client / mean).round() as u64).max(1)
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
        let devices = Devices::of(scenario);
        let users = devices.user_of(clients.start)..devices.user_of(clients.end.max(1) - 1) + 1;
        let mut random = StdRng::seed_from_u64(seed ^ u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut drawn = Vec::new();
        if let Some(direct) = &scenario.direct {
            drawn.extend(draw_pairs(&users, direct.contacts, &mut random).map(|pair| (Kind::Direct, pair)));
        }
        if let Some(group) = &scenario.group {
            let sizes = group_sizes(group, seed, index, users.end - users.start);
            let groups = draw_groups(&users, sizes, &mut random);
            drawn.extend(groups.into_iter().map(|group| (Kind::Group, group)));
        }
        let online = online(scenario, seed);
        let takes_part = |user: &&u32| scenario.offline.is_some() || online.has(**user);
        let conversations = (0..).zip(drawn).map(|(place, (kind, users))| Planned {
            key: ConversationKey { community: index, index: place },
            kind,
            members: users.iter().filter(takes_part).flat_map(|user| devices.clients_of(*user)).collect(),
            users,
        });
        Self { index, conversations: conversations.filter(|planned| !planned.members.is_empty()).collect(), clients }
    }
}

/// In each of `contacts` rounds everybody is paired with one other; a pair drawn twice is one conversation.
fn draw_pairs(users: &Range<u32>, contacts: u32, random: &mut StdRng) -> impl Iterator<Item = Vec<u32>> {
    let mut order: Vec<u32> = users.clone().collect();
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

/// How large the groups of a community of `users` are.
fn group_sizes(group: &Group, seed: u64, community: u32, users: u32) -> Vec<u32> {
    let zipf = zipf(group);
    let mean = zipf.as_ref().map_or(f64::from(group.members), Zipf::mean);
    let name = |number| [u64::from(community), number, u64::from(StreamKind::GroupSize as u32) << 32];
    let size = |number| zipf.as_ref().map_or(group.members, |zipf| zipf.at(draw(seed, name(number))));
    (0..groups_of(group, mean, users)).map(size).collect()
}

/// Groups without a member twice; everybody is in about as many of them.
fn draw_groups(users: &Range<u32>, sizes: Vec<u32>, random: &mut StdRng) -> Vec<Vec<u32>> {
    let mut order: Vec<u32> = users.clone().collect();
    let mut at = order.len();
    sizes
        .into_iter()
        .map(|members| {
            let members = (members as usize).min(order.len());
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
        let scenario = Scenario { people: crate::scenario::People::default(), ..scenario("mixed", 1_050) };
        for community in draw_all(&scenario, 1) {
            let mut talking: Vec<u32> =
                community.conversations.iter().flat_map(|planned| planned.members.clone()).collect();
            talking.sort_unstable();
            talking.dedup();
            assert_eq!(talking, community.clients.clone().collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_device_of_a_member_is_in_its_conversations() {
        let scenario = scenario("mixed", 1_500);
        let devices = Devices::of(&scenario);
        assert!(devices.users() < 1_200 && scenario.people.online_share == 1.0);
        for planned in draw_all(&scenario, 5).iter().flat_map(|community| &community.conversations) {
            let clients: Vec<u32> = planned.users.iter().flat_map(|user| devices.clients_of(*user)).collect();
            assert_eq!(planned.members, clients);
        }
    }

    #[test]
    fn who_never_comes_back_takes_no_part_and_is_a_member_all_the_same() {
        let mut scenario = scenario("offline", 2_000);
        scenario.offline = None;
        let online = online(&scenario, 1);
        for planned in draw_all(&scenario, 1).iter().flat_map(|community| &community.conversations) {
            assert!(!planned.members.is_empty() && planned.members.iter().all(|client| online.has(*client)));
            assert_eq!(planned.members.len(), planned.users.iter().filter(|user| online.has(**user)).count());
        }
    }

    #[test]
    fn zipf_groups_are_of_all_sizes_and_everybody_is_in_as_many_as_asked_for() {
        let mut scenario = scenario("group", 4_000);
        let group = scenario.group.as_mut().unwrap();
        (group.members, group.groups_per_client) = (200, 5.0);
        group.zipf = Some(crate::scenario::ZipfSizes { min: 3, exponent: 1.0 });
        let sizes: Vec<usize> = draw_all(&scenario, 9)
            .iter()
            .flat_map(|community| &community.conversations)
            .map(|planned| planned.members.len())
            .collect();
        assert!(sizes.iter().all(|size| (3..=200).contains(size)));
        let each = sizes.iter().sum::<usize>() as f64 / 4_000.0;
        assert!((each / 5.0 - 1.0).abs() < 0.15, "{each}");
        assert!(sizes.iter().any(|size| *size < 6) && sizes.iter().any(|size| *size > 100));
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
