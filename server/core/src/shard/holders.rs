//! Which devices members have: asked by a conversation's home when something may be dropped, told by the users' homes.
//!
//! A step asks about a bounded number of members and the next one waits for a tick, so a large group stalls nobody. What
//! is told is durable. A device that registers, or comes back, after its user's home has told is not waited for: it
//! starts at its user's delivered mark (or at the floor), so it lacks nothing that none of the user's other devices has had.

use super::{PendingRead, Shard};
use crate::conversation::Log;
use crate::ids::{Conversation, PartitionId, Seq, Timestamp, UserId};
use crate::message::{ConversationMessage, Message, UsersMessage};
use crate::records::{OwnedDevice, OwnedDevices, Read, Retention};
use crate::sessions::{ReadyUser, User};
use std::collections::BTreeMap;

impl Shard {
    /// Asks about the next members of a log that keeps entries until they are delivered. False when there is nothing to
    /// ask: what everybody holds is known then, if it matters.
    pub(super) fn ask_holders(&mut self, home: usize) -> bool {
        let place = &mut self.homes[home];
        let conversation = place.id;
        let Some(log) = place.log_mut() else { return false };
        let Log { members, sweep, record, committed, .. } = log;
        if *committed <= record.floor || members.count() == 0 {
            return false;
        }
        let round = sweep.round.get_or_insert_default();
        if round.result().is_some() {
            return false;
        }
        let mut by_partition = BTreeMap::new();
        for user in round.next(members, *committed) {
            by_partition.entry(self.slots.partition_of_user(user)).or_insert_with(Vec::new).push(user);
        }
        if by_partition.is_empty() {
            return false;
        }
        round.expect(by_partition.len());
        sweep.under_way = true;
        self.sweeper.reads += 1;
        for (partition, users) in by_partition {
            let message = UsersMessage::Devices { partition, users, conversation };
            self.send(self.slots.shard_of(partition), Message::ToUsers(message));
        }
        true
    }

    /// One partition's answer; `None` when it could not tell.
    pub(super) fn devices_told(&mut self, home: usize, answer: Option<Vec<OwnedDevices>>) {
        let (now, seen_after) = (self.now, self.device_seen_after());
        let place = &mut self.homes[home];
        let conversation = place.id;
        let Some(log) = place.log_mut() else { return };
        let held = answer.map(|answer| answer.iter().map(|of| (log.held_by(of, seen_after), of.user)).collect());
        let floor = log.record.floor;
        let Some(round) = &mut log.sweep.round else { return };
        if !round.note(held, floor) {
            return;
        }
        log.sweep.under_way = false;
        self.sweeper.reads -= 1;
        if round.has_failed() {
            log.sweep.rest(now, log.committed);
        } else {
            self.sweeper.waiting.push_back(conversation);
        }
    }

    /// At the users' home: which devices have they?
    pub(super) fn tell_devices(&mut self, partition: PartitionId, mut users: Vec<UserId>, conversation: Conversation) {
        let now = self.now;
        let mut told = Vec::with_capacity(users.len());
        users.retain(|user| match self.users.get(user) {
            Some(User::Ready(ready)) => {
                told.push(ready.owned_devices(*user, now));
                false
            }
            _ => true,
        });
        if users.is_empty() {
            let home = self.slots.shard_of_conversation(&conversation);
            let message = Message::ToConversation(conversation, ConversationMessage::Devices(Some(told)));
            return self.send_gated(partition, home, message);
        }
        self.read_gated(partition, PendingRead::Devices(conversation, told), Read::Devices(users));
    }

    /// The devices of those users who were not in memory.
    pub(super) fn devices_read(
        &mut self,
        conversation: Conversation,
        mut told: Vec<OwnedDevices>,
        read: Option<Vec<OwnedDevices>>,
    ) {
        let answer = read.map(|read| {
            told.extend(read);
            told
        });
        self.send_home(conversation, ConversationMessage::Devices(answer));
    }

    /// What everybody holds, once that is known; what is below the floor otherwise.
    pub(super) fn held_by_all(&self, log: &Log) -> Seq {
        let kept_until_delivered = self.retention_of(&log.record) == Retention::UntilDelivered;
        let round = log.sweep.round.as_ref().filter(|_| kept_until_delivered);
        round.and_then(|round| round.result()).unwrap_or(log.record.floor)
    }

    /// Devices that were not seen since are not waited for.
    fn device_seen_after(&self) -> Timestamp {
        self.before_ms(self.settings.retention.device_age_max_ms)
    }
}

impl ReadyUser {
    fn owned_devices(&self, user: UserId, now: Timestamp) -> OwnedDevices {
        let devices = self.devices.iter().map(|device| {
            let owned = OwnedDevice::new(device.id, &device.record);
            if device.session.is_some() { OwnedDevice { last_seen: now, ..owned } } else { owned }
        });
        OwnedDevices::new(user, Some(&self.account), devices.collect())
    }
}
