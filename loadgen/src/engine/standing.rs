//! How many clients of a thread stand where; counted as they move, since there may be a million of them.

use super::client::Link;
use super::thread::Thread;

/// See the module.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Were synced at some time.
    pub(super) ever_synced: u32,
    /// Logged in, synced ones included.
    pub(super) logged_in: u32,
    pub(super) synced: u32,
}

impl Standing {
    fn note(&mut self, from: Link, to: Link) {
        let count = |link: Link, least: Link| u32::from(link >= least);
        self.logged_in = self.logged_in + count(to, Link::LoggedIn) - count(from, Link::LoggedIn);
        self.synced = self.synced + count(to, Link::Synced) - count(from, Link::Synced);
    }
}

impl Thread {
    /// A client's connection has come so far.
    pub(super) fn stand(&mut self, index: u32, link: Link) {
        let client = &mut self.clients[index as usize];
        self.standing.note(client.link, link);
        client.link = link;
        if link == Link::Synced && !std::mem::replace(&mut client.ever_synced, true) {
            self.standing.ever_synced += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_move_is_counted_once() {
        let mut standing = Standing::default();
        for (from, to) in [
            (Link::Down, Link::Connected),
            (Link::Connected, Link::LoggedIn),
            (Link::LoggedIn, Link::Synced),
            (Link::Down, Link::LoggedIn),
            (Link::LoggedIn, Link::LoggedIn),
        ] {
            standing.note(from, to);
        }
        assert_eq!((standing.logged_in, standing.synced), (2, 1));
        standing.note(Link::Synced, Link::Down);
        assert_eq!((standing.logged_in, standing.synced), (1, 0));
    }
}
