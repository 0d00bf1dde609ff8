//! What `until_delivered` may drop: entries that every device of every member holds.
//!
//! Which devices there are, only their users' homes know, so members are asked about in steps; the first who holds
//! everything up ends the round, and the next one begins there. State and rule only; the asking is in
//! `shard/holders.rs`. Errs on the side of keeping: what was said early in a round only allows less.

use crate::conversation::{Log, Members};
use crate::ids::{DeviceId, Seq, Timestamp, UserId};
use crate::records::OwnedDevices;

/// Members asked about in one step.
const STEP_MEMBERS: usize = 128;

/// A round of questions about the members of one conversation.
#[derive(Debug, Default)]
pub(crate) struct Round {
    /// The member who allowed least last time: they are asked about first.
    first: UserId,
    /// The last who was asked about; `None` before the first.
    after: Option<UserId>,
    wrapped: bool,
    over: bool,
    /// The head when it began.
    begun: Option<Seq>,
    /// Answers on their way.
    waiting: usize,
    failed: bool,
    /// What everybody so far holds, and who allowed least.
    held: Option<(Seq, UserId)>,
}

impl Round {
    /// The next step's members; nobody once all were asked about.
    pub(crate) fn next(&mut self, members: &Members, committed: Seq) -> Vec<UserId> {
        self.begun.get_or_insert(committed);
        self.held.get_or_insert((committed, self.first));
        let first = UserId(self.first.0.saturating_sub(1));
        let after = self.after.unwrap_or(first);
        let ids = members.iter_after(after).map(|(user, _)| *user);
        let users: Vec<_> = ids.take_while(|user| !self.wrapped || *user <= first).take(STEP_MEMBERS).collect();
        match users.last() {
            Some(&last) => self.after = Some(last),
            None if self.wrapped => self.over = true,
            None => {
                (self.wrapped, self.after) = (true, Some(UserId(0)));
                return self.next(members, committed);
            }
        }
        users
    }

    /// Waits for so many answers.
    pub(crate) fn expect(&mut self, answers: usize) {
        self.waiting = answers;
    }

    /// One answer: up to where each of these members holds the log, `None` when nobody could tell. True with the
    /// last that is waited for.
    pub(crate) fn note(&mut self, answer: Option<Vec<(Seq, UserId)>>, floor: Seq) -> bool {
        self.failed |= answer.is_none();
        self.held = self.held.into_iter().chain(answer.into_iter().flatten()).min_by_key(|(seq, _)| *seq);
        self.over |= self.held.is_some_and(|(seq, _)| seq <= floor);
        self.waiting -= 1;
        self.waiting == 0
    }

    /// Whether a user's home could not be asked.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Up to where everybody holds the log; `None` before the round is over.
    pub(crate) fn result(&self) -> Option<Seq> {
        self.held.filter(|_| self.over).map(|(seq, _)| seq)
    }

    /// Begins anew. Tells the head when it began, if it did.
    pub(crate) fn restart(&mut self) -> Option<Seq> {
        let first = self.held.map_or(self.first, |(_, user)| user);
        std::mem::replace(self, Round { first, ..Round::default() }).begun
    }
}

impl Log {
    /// Up to where a member holds the log, as far as anybody has to wait for them. Devices that were not seen since
    /// `seen_after`, and revoked ones, are not waited for.
    pub(crate) fn held_by(&self, member: &OwnedDevices, seen_after: Timestamp) -> Seq {
        // Whoever left meanwhile is not waited for.
        let Some(spans) = self.members.present(member.user).map(|member| &member.spans) else { return self.committed };
        let before = Seq(spans[0].joined.0 - 1);
        let rows: Vec<_> = self.cursors.devices_of(member.user).collect();
        let row_of = |device: DeviceId| rows.iter().find(|(id, ..)| *id == device);
        let known = |device: DeviceId| member.devices.iter().any(|owned| owned.device == device);
        let registered = member.devices.iter().filter(|device| device.revoked.is_none()).map(|device| {
            // A device beyond the rows that one user has shares one with its like.
            let row = row_of(device.device).or_else(|| row_of(DeviceId(0)));
            let (held, moved) = row.map_or((Seq(0), Timestamp(0)), |(_, held, moved)| (*held, *moved));
            (held, device.last_seen.max(moved))
        });
        let others = rows.iter().filter(|(device, ..)| !known(*device)).map(|(_, held, moved)| (*held, *moved));
        let mut devices = registered.chain(others).peekable();
        if devices.peek().is_none() {
            // Nobody knows which device comes next; it will start after what the user's devices have had.
            let held =
                if self.last_sign(member) >= seen_after { self.cursors.of(member.user).0 } else { self.committed };
            return held.max(before);
        }
        let counted = devices.filter(|(_, seen)| *seen >= seen_after).map(|(held, _)| held);
        counted.min().unwrap_or(self.committed).max(before)
    }

    /// When a member without devices did anything for the last time, or could first have been written to here.
    fn last_sign(&self, member: &OwnedDevices) -> Timestamp {
        let devices = member.devices.iter().flat_map(|device| [Some(device.last_seen), device.revoked]);
        let own = devices.flatten().chain([member.created]);
        own.fold(self.record.created, Timestamp::max)
    }
}
