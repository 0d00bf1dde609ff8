//! The marks of a conversation, as they are decided and as others may see them.

use crate::ids::{DeviceId, Seq, Timestamp, UserId};
use crate::records::CursorRecord;

/// A user has at most this many rows of marks in a conversation; further devices share one, under device 0.
const MARK_DEVICES_MAX: usize = 16;

/// Marks, by user and device.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    rows: Vec<CursorRow>,
}

#[derive(Debug)]
struct CursorRow {
    user: UserId,
    device: DeviceId,
    /// As decided.
    decided: CursorRecord,
    /// As others may see it.
    committed: CursorRecord,
    /// Whether `decided` was given to the store.
    written: bool,
}

impl Cursors {
    pub(super) fn from_stored(rows: Vec<(UserId, DeviceId, CursorRecord)>) -> Cursors {
        let rows = rows.into_iter().map(|(user, device, record)| CursorRow {
            user,
            device,
            decided: record,
            committed: record,
            written: true,
        });
        let mut rows: Vec<CursorRow> = rows.collect();
        rows.sort_unstable_by_key(|row| (row.user, row.device));
        Cursors { rows }
    }

    fn of_user(&self, user: UserId) -> &[CursorRow] {
        let start = self.rows.partition_point(|row| row.user < user);
        let len = self.rows[start..].partition_point(|row| row.user == user);
        &self.rows[start..start + len]
    }

    /// A user's durable marks `(delivered, read)`: the highest over all devices.
    pub(crate) fn of(&self, user: UserId) -> (Seq, Seq) {
        highest(self.of_user(user))
    }

    /// Everybody's durable marks, by user id: as [`Cursors::of`] tells them.
    pub(crate) fn users(&self) -> impl Iterator<Item = (UserId, (Seq, Seq))> {
        self.rows.chunk_by(|one, next| one.user == next.user).map(|rows| (rows[0].user, highest(rows)))
    }

    /// A user's rows: which device, what it durably holds, and when it last moved a mark.
    pub(crate) fn devices_of(&self, user: UserId) -> impl Iterator<Item = (DeviceId, Seq, Timestamp)> {
        self.of_user(user).iter().map(|row| (row.device, row.committed.delivered, row.decided.last_seen))
    }

    fn row(&mut self, user: UserId, device: DeviceId) -> &mut CursorRow {
        let of_user = self.of_user(user);
        let known = of_user.iter().any(|row| row.device == device);
        let device = if known || of_user.len() < MARK_DEVICES_MAX { device } else { DeviceId(0) };
        match self.rows.binary_search_by_key(&(user, device), |row| (row.user, row.device)) {
            Ok(at) => &mut self.rows[at],
            Err(at) => {
                let record = CursorRecord::default();
                self.rows.insert(at, CursorRow { user, device, decided: record, committed: record, written: true });
                &mut self.rows[at]
            }
        }
    }

    /// Raises a device's marks. What that changed is then in [`Cursors::take_unwritten`].
    pub(crate) fn raise(&mut self, user: UserId, device: DeviceId, delivered: Seq, read: Seq, now: Timestamp) {
        let row = self.row(user, device);
        let delivered = row.decided.delivered.max(delivered).max(read);
        let read = row.decided.read.max(read);
        if (delivered, read) != (row.decided.delivered, row.decided.read) {
            row.decided = CursorRecord { delivered, read, last_seen: now };
            row.written = false;
        }
    }

    /// The next of a user's rows that is to be written.
    pub(crate) fn take_unwritten(&mut self, user: UserId) -> Option<(DeviceId, CursorRecord)> {
        let start = self.rows.partition_point(|row| row.user < user);
        let mut of_user = self.rows[start..].iter_mut().take_while(|row| row.user == user);
        let row = of_user.find(|row| !row.written)?;
        row.written = true;
        Some((row.device, row.decided))
    }

    /// Everything decided about a user up to these marks is durable now.
    pub(crate) fn commit(&mut self, user: UserId, delivered: Seq, read: Seq) {
        let start = self.rows.partition_point(|row| row.user < user);
        for row in self.rows[start..].iter_mut().take_while(|row| row.user == user) {
            row.committed.delivered = row.decided.delivered.min(delivered).max(row.committed.delivered);
            row.committed.read = row.decided.read.min(read).max(row.committed.read);
        }
    }

    /// A user's decided marks over all devices.
    pub(crate) fn decided(&self, user: UserId) -> (Seq, Seq) {
        let rows = self.of_user(user).iter();
        rows.fold((Seq(0), Seq(0)), |(delivered, read), row| {
            (delivered.max(row.decided.delivered), read.max(row.decided.read))
        })
    }
}

/// The highest of durable marks `(delivered, read)`.
fn highest(rows: &[CursorRow]) -> (Seq, Seq) {
    rows.iter().fold((Seq(0), Seq(0)), |(delivered, read), row| {
        (delivered.max(row.committed.delivered), read.max(row.committed.read))
    })
}
