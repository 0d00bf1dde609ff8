//! Which clients are the devices of which user. Clients of one user are neighbours in the numbering.

use std::ops::Range;

use crate::scenario::Scenario;

/// The devices of a population. Both users and clients are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Devices {
    clients: u32,
    /// Clients of 1,000 users.
    of_1000: u64,
}

impl Devices {
    /// Of a scenario.
    #[must_use]
    pub fn of(scenario: &Scenario) -> Self {
        let of_1000 = (scenario.people.devices_per_user.clamp(1.0, 1e3) * 1_000.0).round() as u64;
        Self { clients: scenario.clients, of_1000 }
    }

    /// How many users there are.
    #[must_use]
    pub fn users(&self) -> u32 {
        self.clients.checked_sub(1).map_or(0, |last| self.user_of(last) + 1)
    }

    /// Whose device a client is.
    #[must_use]
    pub fn user_of(&self, client: u32) -> u32 {
        // The greatest user whose first client is not beyond it.
        (((u64::from(client) + 1) * 1_000).div_ceil(self.of_1000) - 1) as u32
    }

    /// Which of its user's devices a client is, from 0.
    #[must_use]
    pub fn device_of(&self, client: u32) -> u32 {
        client - self.first_client_of(self.user_of(client))
    }

    /// The first client of a user, or of those that follow the last one: the number of clients.
    #[must_use]
    pub fn first_client_of(&self, user: u32) -> u32 {
        ((u64::from(user) * self.of_1000 / 1_000) as u32).min(self.clients)
    }

    /// A user's clients.
    #[must_use]
    pub fn clients_of(&self, user: u32) -> Range<u32> {
        self.first_client_of(user)..self.first_client_of(user + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn devices(clients: u32, of_1000: u64) -> Devices {
        Devices { clients, of_1000 }
    }

    #[test]
    fn every_client_is_a_device_of_one_user() {
        for of_1000 in [1_000, 1_001, 1_300, 1_500, 2_000, 2_999, 10_000] {
            let devices = devices(1_003, of_1000);
            let mut clients = (0..devices.users()).flat_map(|user| {
                let of = devices.clients_of(user);
                assert!(!of.is_empty());
                of.map(move |client| (user, client))
            });
            for client in 0..1_003 {
                assert_eq!(clients.next(), Some((devices.user_of(client), client)), "{of_1000}");
            }
            assert_eq!(clients.next(), None);
        }
    }

    #[test]
    fn with_one_and_a_half_devices_every_other_user_has_two() {
        let devices = devices(300, 1_500);
        assert_eq!(devices.users(), 200);
        assert_eq!([0, 1, 2, 3].map(|user| devices.clients_of(user).len()), [1, 2, 1, 2]);
        assert_eq!([0, 1, 2, 3].map(|client| devices.device_of(client)), [0, 0, 1, 0]);
    }
}
