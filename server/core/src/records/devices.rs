//! A user's devices as the home of a conversation looks at them, which only wants to know who still has to be waited for.

use super::{AccountRecord, DeviceRecord};
use crate::ids::{DeviceId, Timestamp, UserId};

/// A user's registered devices and tombstones; without tokens and names, which are nobody else's matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedDevices {
    /// Whose.
    pub user: UserId,
    /// When the account was made; `Timestamp(0)` when there is none.
    pub created: Timestamp,
    /// In no order.
    pub devices: Vec<OwnedDevice>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnedDevice {
    /// Which.
    pub device: DeviceId,
    /// When it was last connected; that is now while it is.
    pub last_seen: Timestamp,
    /// When it was revoked, if it was.
    pub revoked: Option<Timestamp>,
}

impl OwnedDevices {
    /// Describes a user by their rows.
    #[must_use]
    pub fn new(user: UserId, account: Option<&AccountRecord>, devices: Vec<OwnedDevice>) -> OwnedDevices {
        OwnedDevices { user, created: account.map_or(Timestamp(0), |account| account.created), devices }
    }
}

impl OwnedDevice {
    /// Describes a device by its row.
    #[must_use]
    pub fn new(device: DeviceId, record: &DeviceRecord) -> OwnedDevice {
        OwnedDevice { device, last_seen: record.last_seen, revoked: record.revoked }
    }
}
