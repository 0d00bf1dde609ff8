//! Devices at their user's home: listed, named, revoked, logged out. What rules them is in `crate::devices`.
//!
//! A session whose device is taken away ends once that is durable; until then it is served.

use super::Shard;
use crate::ids::{DeviceId, UserId};
use crate::machine::CloseReason;
use crate::message::{Message, SessionMessage};
use crate::records::Write;
use crate::request::{Caller, DeviceInfo, Refusal, Reply, SessionId};
use crate::sessions::{Device, ReadyUser, User};

/// Most devices written down in one go because they are still connected.
const NOTED_MAX: usize = 1_024;

const NO_DEVICE: Refusal = Refusal::Invalid { field: "device_id", why: "names no device of yours" };

impl Shard {
    pub(super) fn list_devices(&mut self, caller: Caller) {
        let Some(user) = self.ready(caller.user) else { return };
        let live = user.devices.iter().filter(|device| device.record.revoked.is_none());
        let mut devices: Vec<DeviceInfo> = live.map(|device| describe(device, caller.device)).collect();
        devices.sort_unstable_by_key(|device| device.device);
        for device in devices.iter_mut().filter(|device| device.connected) {
            device.last_seen = self.now;
        }
        self.reply_gated(self.slots.partition_of_user(caller.user), caller.reply_to, Reply::Devices(devices));
    }

    pub(super) fn rename_device(&mut self, caller: Caller, device: DeviceId, name: Box<str>) {
        if self.storage_full {
            return self.refuse(caller, Refusal::StorageFull);
        }
        let known = self.ready(caller.user).and_then(|user| user.device_mut(device));
        let Some(known) = known.filter(|device| device.record.revoked.is_none()) else {
            return self.refuse(caller, NO_DEVICE);
        };
        known.record.name = name;
        self.put_device(caller.user, device);
        self.reply_gated(self.slots.partition_of_user(caller.user), caller.reply_to, Reply::Done);
    }

    pub(super) fn revoke_device(&mut self, caller: Caller, device: DeviceId) {
        let (now, tombstones_max) = (self.now, self.settings.devices_per_user_max);
        let partition = self.slots.partition_of_user(caller.user);
        let Some(user) = self.ready(caller.user) else { return };
        let Some(known) = user.device(device) else { return self.refuse(caller, NO_DEVICE) };
        if known.record.revoked.is_none() {
            let session = known.session;
            let forgotten = self.ready(caller.user).and_then(|user| user.revoke(device, now, tombstones_max));
            self.put_device(caller.user, device);
            if let Some(forgotten) = forgotten {
                self.write(partition, Write::DeleteDevice(caller.user, forgotten));
            }
            if device != caller.device {
                self.end_gated(caller.user, session, CloseReason::Revoked);
            }
        }
        self.reply_gated(partition, caller.reply_to, Reply::Done);
        if device == caller.device {
            self.end_gated(caller.user, Some(caller.reply_to.session), CloseReason::LoggedOut);
        }
    }

    pub(super) fn log_out(&mut self, caller: Caller, all_devices: bool) {
        if all_devices {
            self.end_other_devices(caller);
        }
        self.void_token(caller.user, caller.device);
        self.reply_gated(self.slots.partition_of_user(caller.user), caller.reply_to, Reply::Done);
        self.end_gated(caller.user, Some(caller.reply_to.session), CloseReason::LoggedOut);
    }

    /// Ends the tokens and sessions of all devices of the caller but this one.
    pub(super) fn end_other_devices(&mut self, caller: Caller) {
        let Some(user) = self.ready(caller.user) else { return };
        let others: Vec<_> = user.devices.iter().map(|device| (device.id, device.session)).collect();
        for (device, session) in others.into_iter().filter(|(device, _)| *device != caller.device) {
            self.void_token(caller.user, device);
            self.end_gated(caller.user, session, CloseReason::Revoked);
        }
    }

    fn void_token(&mut self, user: UserId, device: DeviceId) {
        let known = self.ready(user).and_then(|ready| ready.device_mut(device));
        if known.is_some_and(|device| device.record.token.take().is_some()) {
            self.put_device(user, device);
        }
    }

    /// Writes a device as it is in memory.
    pub(super) fn put_device(&mut self, user: UserId, device: DeviceId) {
        let known = self.ready(user).and_then(|ready| ready.device(device));
        if let Some(record) = known.map(|device| device.record.clone()) {
            self.write(self.slots.partition_of_user(user), Write::PutDevice(user, device, record));
        }
    }

    fn end_gated(&mut self, user: UserId, session: Option<SessionId>, reason: CloseReason) {
        let Some(session) = session else { return };
        let message = Message::ToSession(SessionMessage::End(session, reason));
        self.send_gated(self.slots.partition_of_user(user), self.id, message);
    }

    /// A session is over, durably. It may have ended by itself.
    pub(super) fn handle_end(&mut self, id: SessionId, reason: CloseReason) {
        let Some(session) = self.end(id) else { return };
        self.note_end(session.user, id);
        self.presence_closed(&session);
        self.close(id, reason);
    }

    /// Takes note that a user's session is gone.
    pub(super) fn note_end(&mut self, user: UserId, session: SessionId) {
        let now = self.now;
        let Some(ready) = self.ready(user) else { return };
        if let Some(device) = ready.note_end(session, now).map(|device| device.id) {
            self.put_device(user, device);
        }
    }

    /// Devices that stay connected are written down once a day: after a crash they would seem to have been away.
    pub(super) fn note_connected(&mut self) {
        if self.storage_full {
            return;
        }
        let now = self.now;
        let users = self.users.iter().filter_map(|(id, user)| match user {
            User::Ready(ready) => Some((*id, ready)),
            User::Loading { .. } => None,
        });
        let due = users.flat_map(|(id, ready)| ready.connected_for_long(now).map(move |device| (id, device)));
        let mut due: Vec<(UserId, DeviceId)> = due.collect();
        // The map's order differs from run to run; what the machine does must not.
        due.sort_unstable();
        for (user, device) in due.into_iter().take(NOTED_MAX) {
            if let Some(known) = self.ready(user).and_then(|ready| ready.device_mut(device)) {
                known.record.last_seen = now;
                self.put_device(user, device);
            }
        }
    }

    fn ready(&mut self, user: UserId) -> Option<&mut ReadyUser> {
        match self.users.get_mut(&user) {
            Some(User::Ready(ready)) => Some(ready),
            _ => None,
        }
    }
}

fn describe(device: &Device, current: DeviceId) -> DeviceInfo {
    let record = &device.record;
    DeviceInfo {
        device: device.id,
        name: record.name.clone(),
        platform: record.platform.clone(),
        created: record.created,
        last_seen: record.last_seen,
        connected: device.session.is_some(),
        current: device.id == current,
    }
}
