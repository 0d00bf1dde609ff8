//! The rules of a user's devices: which login opens one, how many there may be, and what must be written down.
//!
//! A tombstone (a revoked device) does not count as a device. As many tombstones are kept as there may be devices;
//! beyond it the oldest goes.

use crate::account::{DeviceRecord, TokenRecord};
use crate::ids::{DeviceId, Timestamp};
use crate::machine::{Open, Proof};
use crate::request::{Refusal, SessionId};
use crate::sessions::{Device, ReadyUser};
use crate::settings::Settings;

/// What `last_seen` is exact to: a device that comes and goes is written down this often.
const SEEN_MS: u64 = 3_600_000;
/// A device that stays connected is written down this often.
const CONNECTED_MS: u64 = 24 * SEEN_MS;
/// A device that was not seen for so long makes room for another one.
const FORGOTTEN_MS: u64 = 90 * 24 * 3_600_000;

/// A login that was admitted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// The device's older session.
    pub(crate) replaced: Option<SessionId>,
    /// The device's row has changed.
    pub(crate) changed: bool,
    /// A device that had to go.
    pub(crate) forgotten: Option<DeviceId>,
    /// When the token in use ends.
    pub(crate) token_expires: Option<Timestamp>,
}

impl ReadyUser {
    /// Opens a device for a session, if the login may.
    pub(crate) fn admit(&mut self, open: &Open, now: Timestamp, settings: &Settings) -> Result<Admission, Refusal> {
        let known = self.device(open.device);
        if known.is_some_and(|device| open.generation < device.generation) {
            return Err(Refusal::DeviceReplaced);
        }
        self.check_proof(open, known.map(|device| &device.record), now)?;
        let live = known.is_some_and(|device| device.record.revoked.is_none());
        let forgotten = if live { None } else { self.make_room(now, settings)? };
        let device = self.device_or_new(open.device, now);
        device.generation = open.generation;
        let replaced = device.session.replace(open.session);
        let changed = device.record.note_login(open, now, settings) || !live;
        let in_use = open.new_token.is_some() || matches!(open.proof, Proof::SessionToken(_));
        let token_expires = device.record.token.as_ref().filter(|_| in_use).map(|token| token.expires);
        Ok(Admission { replaced, changed, forgotten, token_expires })
    }

    fn check_proof(&self, open: &Open, known: Option<&DeviceRecord>, now: Timestamp) -> Result<(), Refusal> {
        let revoked = known.and_then(|device| device.revoked);
        match &open.proof {
            Proof::SignedToken { issued } => match revoked {
                Some(revoked) if issued.is_none_or(|issued| issued <= revoked) => Err(Refusal::DeviceRevoked),
                _ => Ok(()),
            },
            // As it was verified: a password that was changed meanwhile opens nothing.
            Proof::Password(verified) if self.account.password() == Some(verified) => Ok(()),
            Proof::Password(_) => Err(Refusal::WrongCredentials),
            Proof::SessionToken(_) if revoked.is_some() => Err(Refusal::DeviceRevoked),
            Proof::SessionToken(shown) => match known.and_then(|device| device.token.as_ref()) {
                Some(token) if !token.hash.matches(shown) => Err(Refusal::TokenInvalid),
                Some(token) if token.expires <= now => Err(Refusal::TokenExpired),
                Some(_) => Ok(()),
                None => Err(Refusal::TokenInvalid),
            },
        }
    }

    /// Finds room for one more device: if there are as many as may be, the one that was unseen for longest must go.
    fn make_room(&mut self, now: Timestamp, settings: &Settings) -> Result<Option<DeviceId>, Refusal> {
        let live = || self.devices.iter().filter(|device| device.record.revoked.is_none());
        if live().count() < settings.devices_per_user_max {
            return Ok(None);
        }
        let unseen = live().filter(|d| d.session.is_none() && d.record.last_seen.plus_ms(FORGOTTEN_MS) <= now);
        let Some(gone) = unseen.min_by_key(|device| device.record.last_seen).map(|device| device.id) else {
            return Err(Refusal::TooManyDevices { limit: settings.devices_per_user_max });
        };
        self.devices.retain(|device| device.id != gone);
        Ok(Some(gone))
    }

    /// Takes a device away from whoever holds it. Tells which tombstone had to go for its own.
    pub(crate) fn revoke(&mut self, device: DeviceId, now: Timestamp, tombstones_max: usize) -> Option<DeviceId> {
        let device = self.device_mut(device)?;
        device.record.revoked = Some(now);
        device.record.token = None;
        let tombstones = || self.devices.iter().filter_map(|device| Some((device.record.revoked?, device.id)));
        let oldest = tombstones().min().filter(|_| tombstones().count() > tombstones_max)?.1;
        self.devices.retain(|device| device.id != oldest);
        Some(oldest)
    }

    /// A device or tombstone.
    pub(crate) fn device(&self, id: DeviceId) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }

    /// See [`ReadyUser::device`].
    pub(crate) fn device_mut(&mut self, id: DeviceId) -> Option<&mut Device> {
        self.devices.iter_mut().find(|device| device.id == id)
    }

    fn device_or_new(&mut self, id: DeviceId, now: Timestamp) -> &mut Device {
        let at = self.devices.iter().position(|device| device.id == id).unwrap_or_else(|| {
            // Most users have one device, and there are many users.
            self.devices.reserve_exact(1);
            let record = DeviceRecord { created: now, ..DeviceRecord::default() };
            self.devices.push(Device { id, generation: 0, session: None, record });
            self.devices.len() - 1
        });
        &mut self.devices[at]
    }

    /// Connected devices of which it was last written down a day ago.
    pub(crate) fn connected_for_long(&self, now: Timestamp) -> impl Iterator<Item = DeviceId> {
        let connected = self.devices.iter().filter(|device| device.session.is_some());
        let due = connected.filter(move |device| device.record.last_seen.plus_ms(CONNECTED_MS) <= now);
        due.map(|device| device.id)
    }

    /// A session has ended; whether its device's row must say so.
    pub(crate) fn note_end(&mut self, session: SessionId, now: Timestamp) -> Option<&Device> {
        self.used = now;
        let device = self.devices.iter_mut().find(|device| device.session == Some(session))?;
        device.session = None;
        device.record.note_seen(now).then_some(device)
    }
}

impl DeviceRecord {
    /// Whether the row must be written.
    fn note_login(&mut self, open: &Open, now: Timestamp, settings: &Settings) -> bool {
        let mut changed = self.note_seen(now);
        if self.revoked.take().is_some() {
            (self.name, self.platform) = (Box::default(), Box::default());
            changed = true;
        }
        // The name belongs to the person, who may have changed it; the platform to the device.
        changed |= self.name.is_empty() && take(&mut self.name, &open.device_name);
        changed |= take(&mut self.platform, &open.platform);
        let expires = now.plus_ms(settings.session_token_ms);
        if let Some(hash) = open.new_token {
            self.token = Some(Box::new(TokenRecord { hash, expires }));
            changed = true;
        } else if let (Proof::SessionToken(_), Some(token)) = (&open.proof, &mut self.token)
            && token.expires <= now.plus_ms(settings.session_token_ms / 2)
        {
            token.expires = expires;
            changed = true;
        }
        changed
    }

    fn note_seen(&mut self, now: Timestamp) -> bool {
        let due = self.last_seen.plus_ms(SEEN_MS) <= now;
        if due {
            self.last_seen = now;
        }
        due
    }
}

/// Takes a text over, unless it is empty or the same.
fn take(known: &mut Box<str>, told: &str) -> bool {
    let differs = !told.is_empty() && **known != *told;
    if differs {
        *known = told.into();
    }
    differs
}
