//! Whose presence a client watches.

use std::ops::Range;

use crate::schedule::{StreamKind, choose, draw};

/// So many users of `users`, without `own`, by ascending number; all of them when there are no more.
#[must_use]
pub fn watch_list(seed: u64, client: u32, own: u32, users: &Range<u32>, watched: u32) -> Vec<u32> {
    let others = users.end - users.start - u32::from(users.contains(&own));
    let mut list = Vec::with_capacity(watched.min(others) as usize);
    let mut numbers = 0..;
    while list.len() < watched.min(others) as usize {
        let number = numbers.next().unwrap_or(u64::MAX);
        let name = [u64::from(client), number, u64::from(StreamKind::Watches as u32) << 32];
        let user = users.start + choose(draw(seed, name), users.len()) as u32;
        if user != own && !list.contains(&user) {
            list.push(user);
        }
    }
    list.sort_unstable();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_others_of_the_community_and_nobody_twice() {
        for client in 0..50 {
            let list = watch_list(7, client, 120, &(100..140), 20);
            assert_eq!(list.len(), 20);
            assert!(list.is_sorted_by(|a, b| a < b));
            assert!(list.iter().all(|user| (100..140).contains(user) && *user != 120));
            assert_eq!(list, watch_list(7, client, 120, &(100..140), 20));
        }
        assert_ne!(watch_list(7, 1, 120, &(100..140), 20), watch_list(8, 1, 120, &(100..140), 20));
    }

    #[test]
    fn a_small_community_is_watched_as_a_whole() {
        assert_eq!(watch_list(1, 0, 2, &(1..5), 99), [1, 3, 4]);
    }
}
